"""Tests of `mystax.io.video_facts`: how many frames a file claims, and what that means for its coverage."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.io.video import Video, VideoWriter
from mystax.synth import faulty_video
from mystax.synth.faulty_boxes import find_box, track_scale

N = 60
SMALL = {"n_frames": N, "size": (64, 48), "key_interval": 20}
SEGMENT = b"\x18\x53\x80\x67"


def decoded(video: Video) -> float:
    """Read everything; return the coverage."""
    for _ in video.chunks():
        pass
    return video.coverage


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(100), Fraction(500)], ids=str)
@pytest.mark.parametrize("percent", [10, 50, 90])
def test_frames_of_a_cut_matroska_file_are_a_share_of_its_duration(
    rate: Fraction, percent: int, tmp_path: Path
) -> None:
    truth = faulty_video(tmp_path / "a.mkv", f"cut_{percent}", container="mkv", rate=rate, **SMALL)  # type: ignore[arg-type]
    video = Video(truth.path)
    assert video.n_frames == truth.n_frames
    assert video.n_claimed == N
    assert video.probe().coverage_claimed == pytest.approx(truth.n_frames / N)
    assert decoded(video) == pytest.approx(truth.n_frames / N)
    said = {flag.code: flag.text for flag in video.flags}
    assert f"{truth.n_frames} frames exist of {N}" in said["V101"]


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(1000000, 33333)], ids=str)
@pytest.mark.parametrize("kind", ["clean", "gap", "vfr"])
def test_whole_matroska_file_is_covered_exactly(kind: str, rate: Fraction, tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "a.mkv", kind, container="mkv", rate=rate, **SMALL)  # type: ignore[arg-type]
    video = Video(truth.path)
    assert video.n_claimed == video.n_frames
    assert decoded(video) == 1.0


def test_file_that_has_grown_to_its_end_is_covered(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "a.mkv", "growing", container="mkv", **SMALL)  # type: ignore[arg-type]
    assert Video(truth.path).probe().coverage_claimed == pytest.approx(truth.n_frames / N)
    assert truth.grow is not None
    truth.grow()
    assert Video(truth.path).probe().coverage_claimed == 1.0


def test_matroska_file_that_was_never_finished_claims_nothing(tmp_path: Path) -> None:
    """Its segment has no length yet: what stands in the place of the duration is no claim."""
    truth = faulty_video(tmp_path / "a.mkv", "cut_50", container="mkv", **SMALL)  # type: ignore[arg-type]
    data = bytearray(truth.path.read_bytes())
    place = data.index(SEGMENT) + len(SEGMENT)
    assert data[place] == 1  # eight bytes of length
    data[place : place + 8] = b"\x01" + b"\xff" * 7
    truth.path.write_bytes(data)
    video = Video(truth.path)
    assert video.n_claimed == video.n_frames == truth.n_frames


def live(path: Path, *, open_clusters: bool) -> tuple[bytes, list[int], list[int]]:
    """Write a Matroska file without a length; return its bytes and the ends of its clusters and blocks."""
    options = {"live": "1"}
    kind = {"codec": "mjpeg", "pixel_format": "yuvj420p", "container_options": options}
    with VideoWriter(path, size=(64, 48), rate=Fraction(4), **kind) as out:  # type: ignore[arg-type]
        for k in range(N):
            out.write(np.random.default_rng(k).integers(0, 256, (48, 64), np.uint8))
    data = bytearray(path.read_bytes())
    clusters, blocks = [], []
    at = data.index(b"\x1f\x43\xb6\x75")
    while at < len(data):
        is_cluster = data[at] == 0x1F
        at += 4 if is_cluster else 1
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width], "big") - (1 << 7 * width)
        if is_cluster and open_clusters:
            data[at : at + width] = ((2 << 7 * width) - 1).to_bytes(width, "big")
        at += width
        if is_cluster:
            clusters.append(at + size)
        else:
            at += size
            blocks += [at] if size > 100 else []
    assert len(blocks) == N
    assert len(clusters) > 2
    return bytes(data), clusters, blocks


@pytest.mark.parametrize("open_clusters", [True, False])
@pytest.mark.parametrize("more", [-300, -1, 0, 1, 3, 7, 300])
def test_matroska_file_of_a_recorder_that_crashed_is_cut_short(
    more: int, open_clusters: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.mkv"
    data, clusters, blocks = live(path, open_clusters=open_clusters)
    end = (blocks[-5] if open_clusters else clusters[-2]) + more
    path.write_bytes(data[:end])
    video = Video(path)
    assert video.n_claimed == video.n_frames == sum(block <= end for block in blocks)
    assert {flag.code for flag in video.flags} == (set() if more == 0 else {"V101"})


def test_matroska_file_of_a_recorder_that_was_stopped_is_whole(tmp_path: Path) -> None:
    live(tmp_path / "a.mkv", open_clusters=False)
    video = Video(tmp_path / "a.mkv", damage="refuse")
    assert (video.n_frames, video.flags, decoded(video)) == (N, (), 1.0)


def show(path: Path, first: int, n: int) -> Path:
    """Let the edit list of an mp4 of 30 frames/s show `n` frames from one on, as a phone trims a clip."""
    data = bytearray(path.read_bytes())
    movie_scale = struct.unpack_from(">I", data, find_box(data, "mvhd").start + 12)[0]
    box = find_box(data, "elst").start + 8
    begin = struct.unpack_from(">i", data, box + 4)[0] + first * track_scale(bytes(data)) // 30
    struct.pack_into(">Ii", data, box, n * movie_scale // 30, begin)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize(("first", "n"), [(0, 20), (25, 35), (45, 10), (7, 31)])
def test_trimmed_clip_is_whole(first: int, n: int, container: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{container}"
    faulty_video(path, "clean", container=container, **SMALL)  # type: ignore[arg-type]
    video = Video(show(path, first, n), damage="refuse")
    assert video.n_claimed == video.n_frames == n
    assert (video.probe().coverage_claimed, decoded(video)) == (1.0, 1.0)
    assert video.probe().n_frames_header == N
    assert video.flags == ()


def test_trimmed_clip_that_is_cut_short_lacks_shown_frames_only(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "a.mp4", "cut_50", **SMALL)  # type: ignore[arg-type]
    assert truth.n_frames < 40
    video = Video(show(truth.path, 0, 40))
    assert video.n_frames == truth.n_frames
    # FFmpeg keeps hidden frames behind the end for the decoder; those behind the cut are not seen
    assert 40 <= video.n_claimed <= 42
    assert {flag.code for flag in video.flags} == {"V101"}


@pytest.mark.parametrize(("codec", "step"), [("mjpeg", 1), ("mjpeg", 20), ("h264", 1)])
def test_dropped_slots_of_an_avi_are_no_lost_frames(codec: str, step: int, tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    options = {"g": "12", "bf": "0"} if codec == "h264" else {}
    pixels = "yuv420p" if codec == "h264" else "yuvj420p"
    places = step * np.delete(np.arange(45), [5, 20, 21, 22])
    rate = Fraction(30 * step)
    with VideoWriter(
        path, size=(64, 48), rate=rate, codec=codec, pixel_format=pixels, options=options
    ) as out:
        for place in places:
            out.write(np.full((48, 64), 60 + place // step, np.uint8), int(place))
    video = Video(path, damage="refuse")
    assert video.n_claimed == video.n_frames == len(places)
    assert (video.probe().coverage_claimed, decoded(video)) == (1.0, 1.0)
    assert [(gap["after"], gap["missing"]) for gap in video.probe().gaps] == [(4, 1), (18, 3)]
    assert {flag.code for flag in video.flags} == {"V113", "V117"}


@pytest.mark.parametrize("lost", [21, 22, 25, 38])
def test_groups_with_a_hole_are_suspect_also_where_pictures_are_stored_out_of_order(
    lost: int, tmp_path: Path
) -> None:
    path = tmp_path / "a.avi"
    options = {"g": "20", "bf": "3", "b_strategy": "0", "sc_threshold": "0"}
    with VideoWriter(
        path,
        size=(64, 48),
        rate=Fraction(30),
        options=options,
        on_packet=lambda number, packet: [] if number == lost else [packet],
    ) as out:
        for number in range(N):
            out.write(np.roll(np.arange(48 * 64, dtype=np.uint8).reshape(48, 64), number, axis=0))
    facts = Video(path)._files[0]
    assert facts.delay == 2
    assert facts.suspects == {1}

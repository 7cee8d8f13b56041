"""Tests of `mystax.io.video_facts`: how many frames a file claims, and what that means for its coverage."""

from fractions import Fraction
from pathlib import Path

import pytest

from mystax.io.video import Video
from mystax.synth import faulty_video

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

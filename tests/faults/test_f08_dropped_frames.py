"""F8: frames that the camera dropped are holes in time: listed, never bridged."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.io.video import VideoWriter
from tests.fixtures.reading import make, see, time_error, wrong_numbers

pytestmark = pytest.mark.fault(8)

CONTAINERS = ("mp4", "mov", "mkv", "ts")


@pytest.mark.parametrize("container", CONTAINERS)
def test_all_gaps_are_listed_with_what_is_missing(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    probe = see(truth).video.probe()
    assert [(gap["after"], gap["missing"]) for gap in probe.gaps] == list(truth.holes)
    for gap, (_, missing) in zip(probe.gaps, truth.holes, strict=True):
        assert gap["seconds"] == pytest.approx((missing + 1) / 30, abs=0.0011)


@pytest.mark.parametrize("container", CONTAINERS)
def test_times_go_on_behind_a_gap_and_v113_says_so(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    seen = see(truth)
    assert time_error(seen, truth) <= truth.tick
    assert wrong_numbers(seen, truth) == []
    assert "V113" in seen.codes
    assert seen.video.probe().clock_kind == "constant_with_gaps"


@pytest.mark.parametrize("container", CONTAINERS)
def test_pairs_across_a_gap_are_not_adjacent_and_all_others_are(container: str, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", container)
    seen = see(truth)
    behind = [after + 1 for after, _ in truth.holes]
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, *behind]
    assert seen.valid.all()


@pytest.mark.parametrize("n_frames", [40, 900])
def test_holes_of_one_to_three_hundred_frames_are_found(n_frames: int, tmp_path: Path) -> None:
    truth = make(tmp_path, "gap", n_frames=n_frames, size=(48, 32))
    assert truth.holes[-1][1] == n_frames // 3
    gaps = see(truth).video.probe().gaps
    assert [(gap["after"], gap["missing"]) for gap in gaps] == list(truth.holes)


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "ffv1"])
@pytest.mark.parametrize("lost", [50, 60, 75])
def test_one_empty_slot_of_an_avi_is_a_hole_although_ticks_are_as_long_as_frames(
    codec: str, lost: int, tmp_path: Path
) -> None:
    truth = make(tmp_path, "packet_lost", "avi", codec, n_frames=2 * lost)
    seen = see(truth)
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, truth.holes[0][0] + 1]
    assert time_error(seen, truth) < 1e-9


def write_avi(path: Path, slots: Sequence[int], encoder: bytes = b"x264", **options: str) -> None:
    """Write H.264 into the given slots of an avi; pictures with B frames are stored out of order."""
    texture = np.random.default_rng(0).integers(40, 200, (200, 64)).astype(np.uint8)

    def named(_: int, packet: Any) -> list[Any]:
        twin = type(packet)(bytes(packet).replace(b"x264", encoder))
        twin.pts, twin.dts, twin.time_base = packet.pts, packet.dts, packet.time_base
        twin.stream, twin.is_keyframe, twin.duration = packet.stream, packet.is_keyframe, packet.duration
        return [twin]

    given = {"g": "12", "b_strategy": "0", **options}
    with VideoWriter(
        path, size=(64, 48), rate=Fraction(30), codec="h264", options=given, on_packet=named
    ) as out:
        for number, slot in enumerate(slots):
            out.write(texture[number : number + 48], slot)


HOLES: list[dict[int, int]] = [{}, {30: 60}, {31: 1}, {2: 5}, {30: 1, 31: 2, 33: 1}, {10: 3, 40: 2, 60: 30}]


@pytest.mark.parametrize("b_frames", ["1", "2", "3", "7"])
@pytest.mark.parametrize("holes", HOLES)
def test_slots_of_an_avi_belong_to_the_pictures_that_are_shown_in_them(
    holes: dict[int, int], b_frames: str, tmp_path: Path
) -> None:
    slots = [frame + sum(n for hole, n in holes.items() if hole <= frame) for frame in range(80)]
    write_avi(tmp_path / "a.avi", slots, bf=b_frames)
    seen = see(tmp_path / "a.avi")
    assert seen.video.probe().route == "order"
    assert seen.valid.all()
    np.testing.assert_allclose(seen.time, np.array(slots) / 30, atol=1e-9)
    assert [(gap["after"] + 1, gap["missing"]) for gap in seen.video.probe().gaps] == list(holes.items())
    assert np.flatnonzero(~seen.adjacent).tolist() == [0, *holes]
    told = [flag for flag in seen.video.flags if flag.code == "V113" and "out of order" in flag.text]
    assert len(told) == bool(holes)


def test_no_pair_near_a_gap_is_used_where_an_unknown_encoder_stores_pictures_out_of_order(
    tmp_path: Path,
) -> None:
    """Whether it stamps packets as x264 does, or as they come, nobody can tell: either place may be right."""
    write_avi(tmp_path / "a.avi", [frame + 60 * (frame >= 30) for frame in range(80)], b"some", bf="3")
    seen = see(tmp_path / "a.avi")
    np.testing.assert_array_equal(np.flatnonzero(~seen.adjacent), [0, 30, 31, 32])
    assert [gap["after"] for gap in seen.video.probe().gaps] == [29]
    told = [flag for flag in seen.video.flags if flag.code == "V113" and "out of order" in flag.text]
    assert [flag.frames for flag in told] == [(30, 31, 32)]

"""Looking at cameras without decoding them."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.clock import clock_id
from mystax.engine.catalog.looking import ClockWish, clock_files, look_at_recording
from mystax.io.fingerprint import quick_id
from mystax.io.video import Video
from tests.fixtures.sessions import clip, new_clip


def test_facts_are_those_of_the_opened_video(tmp_path: Path) -> None:
    file = new_clip(tmp_path / "a.mp4")
    (facts,), remarks = look_at_recording({"face": [file]}, {}, "r")
    video = Video(str(file))
    assert facts.clock_id == clock_id(video.clock)
    assert (facts.n_frames, facts.videos[0].quick_id, facts.remarks, remarks) == (20, quick_id(file), (), [])
    video.close()


def test_refused_file_is_named_and_the_other_camera_is_looked_at(tmp_path: Path) -> None:
    good, bad = new_clip(tmp_path / "a.mp4"), clip(tmp_path / "b.mp4", kind="no_index")
    facts, _ = look_at_recording({"left": [good], "right": [bad]}, {}, "r")
    assert facts[0].n_frames == 20
    (remark,) = facts[1].remarks
    assert (remark.code, remark.severity, remark.camera, remark.path) == ("V102", "error", "right", str(bad))
    assert facts[1].videos[0].quick_id == quick_id(bad)


def test_refused_part_of_a_camera_is_told_apart_from_the_sound_ones(tmp_path: Path) -> None:
    good, bad = new_clip(tmp_path / "a.mp4"), clip(tmp_path / "b.mp4", kind="text")
    (facts,), _ = look_at_recording({"face": [good, bad]}, {}, "r")
    assert [(remark.code, remark.path) for remark in facts.remarks] == [("V104", str(bad))]
    assert facts.videos[0].probe is not None
    assert facts.clock_id == ""


def test_files_of_a_camera_that_differ_are_v120(tmp_path: Path) -> None:
    files = [new_clip(tmp_path / "a.mp4"), clip(tmp_path / "b.mp4", kind="odd_size")]
    (facts,), _ = look_at_recording({"face": files}, {}, "r")
    assert "V120" in {remark.code for remark in facts.remarks}


def test_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (facts,), _ = look_at_recording({"face": [tmp_path / "no.mp4"]}, {}, "r")
    assert {remark.severity for remark in facts.remarks} == {"error"}
    assert facts.videos[0].quick_id == ""


def test_stamps_that_are_absent_are_v111_until_a_rate_is_named(tmp_path: Path) -> None:
    file = clip(tmp_path / "a.mp4", kind="pts_absent")
    (facts,), _ = look_at_recording({"face": [file]}, {}, "r")
    assert [remark.code for remark in facts.remarks] == ["V111"]
    (facts,), _ = look_at_recording({"face": [file]}, {"face": ClockWish("rate:30")}, "r")
    assert facts.clock_id


def test_offset_moves_the_times(tmp_path: Path) -> None:
    file = new_clip(tmp_path / "a.mp4")
    (plain,), _ = look_at_recording({"face": [file]}, {}, "r")
    (moved,), _ = look_at_recording({"face": [file]}, {"face": ClockWish(offset="1/3")}, "r")
    assert moved.clock_id != plain.clock_id
    assert moved.report["offset"] == pytest.approx(1 / 3)


def test_one_clock_among_two_cameras_is_c201(tmp_path: Path) -> None:
    files = {name: [new_clip(tmp_path / f"{name}.mp4")] for name in ("left", "right")}
    np.save(tmp_path / "t.npy", np.arange(20) / 30)
    _, remarks = look_at_recording(files, {"left": ClockWish("npy:t.npy")}, "r")
    assert [remark.code for remark in remarks] == ["C201"]


def test_files_of_a_clock_are_found_beside_the_video(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.arange(3))
    assert clock_files(ClockWish("npy:*.npy"), [tmp_path]) == [tmp_path / "t.npy"]
    assert clock_files(ClockWish("npy:other.npy"), [tmp_path]) == []
    assert clock_files(ClockWish("rate:30"), [tmp_path]) == []
    assert clock_files(ClockWish(), [tmp_path]) == []


def test_wish_and_its_json_are_each_others_inverse() -> None:
    wish = ClockWish("npy:t.npy", "drop_tail", "1/2")
    assert ClockWish.from_dict(wish.as_dict()) == wish
    assert ClockWish().as_dict() == {}

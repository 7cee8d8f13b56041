"""The checks of the tracker: figures of known errors, truth of their pictures, parts that are kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks import tracker, tracker_parts
from benchmarks.tracker import Check, run_check

HELD = {"held": np.array(0.9), "held_moved": np.array(0.8)}


def test_calibration_is_judged_by_errors_that_are_known() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(50, 200, (400, 22, 2)).astype(np.float32)
    covariance = np.tile(np.array([4.0, 0.0, 4.0], np.float32), (400, 22, 1))
    part: dict[str, np.ndarray] = {
        "xy": truth + rng.normal(0, 2, truth.shape).astype(np.float32),
        "truth": truth,
        "state": np.full((400, 22), 2, np.uint8),
        "confidence": np.full((400, 22), 1 - np.exp(-25 / 8), np.float32),  # chance of an error below 5
        "covariance": covariance,
    }
    figures = tracker.calibration([part])
    assert figures["cover90.all"] == pytest.approx(0.9, abs=0.02)
    assert figures["cover50.13"] == pytest.approx(0.5, abs=0.03)
    assert figures["ece.all"] < 0.02
    assert figures["median.all"] == pytest.approx(2 * np.sqrt(2 * np.log(2)), rel=0.05)


def test_boxes_are_judged_by_the_area_that_they_share() -> None:
    part = {"truth": np.array([0.0, 0, 100]), "turn": np.array(1), "true_turn": np.array(1)}
    rest = {"score": np.array(0.8), "seconds": np.array(1.5)}
    good, bad = (
        {**part, **rest, "box": np.array([5.0, 5, 90])},
        {**part, **rest, "box": np.array([90.0, 0, 100])},
    )
    figures = tracker.boxes([good, good, good, bad])
    assert figures["iou_above_0.6"] == 0.75
    assert figures["turn_right"] == 1.0


def test_a_swing_is_measured_with_its_lag() -> None:
    time = np.arange(200)
    wave = np.stack([3 * np.sin(2 * np.pi * 0.2 * time), np.zeros(200)], axis=-1)[:, None]
    late = np.roll(wave, 1, axis=0)
    axis = np.array([[1.0, 0.0]])
    true, found = (tracker_parts.swing(v, axis) for v in (wave, late))
    assert np.abs(true)[0] == pytest.approx(3, rel=0.02)
    part = {"smooth": found / 2, "raw": true, "true": true, "period": np.array([5.0]), **HELD}
    figures = tracker.whisk([part])
    assert figures["smoother_db"] == pytest.approx(-6.02, abs=0.1)
    assert figures["lag_frames"] == pytest.approx(1.0, abs=0.02)


def test_ellipses_of_a_still_video_are_judged_with_and_without_the_part_that_stays() -> None:
    rng = np.random.default_rng(5)
    truth, noise = np.full((3000, 2, 2), 60.0), rng.normal(0, 0.5, (3000, 2, 2))
    covariance = np.tile([0.25, 0.0, 0.25], (3000, 2, 1))
    placed = np.ones((3000, 2), np.bool_)
    video = tracker_parts.Tracked(truth + noise, truth, truth, covariance, placed, ("a", "b"))
    right = tracker_parts.held_by_ellipses(video)
    assert (right["held"], right["held_moved"]) == pytest.approx((0.9, 0.9), abs=0.02)
    away = tracker_parts.held_by_ellipses(replace(video, smooth=video.smooth + np.array([9.0, 0.0])))
    assert away["held"] == 0
    assert away["held_moved"] == pytest.approx(0.9, abs=0.02)
    steps = {"smooth": np.array([0.1, 0.3]), "raw": np.array([0.5, 0.5])}
    assert tracker.still([{**steps, **right}, {**steps, **away}])["held"] == pytest.approx(0.45, abs=0.02)


def test_script_of_the_whisk_check_moves_where_it_says() -> None:
    script, bout = tracker_parts.whisking_script(0, 3.0)
    whisk = script.traces(np.arange(300) / 100).whisk
    assert np.ptp(whisk[bout]) > 0.4
    rest = np.delete(np.diff(whisk), np.arange(bout.start - 1, bout.stop))
    assert np.abs(rest).max() < 0.02


def test_turned_faces_lie_inside_the_frame_and_are_turned() -> None:
    for number in range(4):
        video = tracker_parts.turned_video(number)
        xy = video.truth.xy[0][:13]
        assert (xy > 0).all()
        assert (xy < tracker_parts.FRAME).all()
        down = video.camera.rotation[1]
        turn = np.degrees(np.arctan2(*(video.camera.rotation[:2] @ np.array([0.0, 0, -1]))))
        assert abs((turn - 90 * (-number % 4) + 180) % 360 - 180) < 60 or abs(down[2]) < 1


def test_pictures_without_a_face_are_of_four_kinds_and_the_same_each_time() -> None:
    first, again = ([tracker_parts.picture_without_face(k, (96, 72)) for k in (1, 2, 3)] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.std() > 3


def test_parts_are_made_once_for_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make(weights: str, number: int) -> dict[str, np.ndarray]:
        made.append(number)
        return {"value": np.array(float(number))}

    check = Check(make, lambda found: {"sum": sum(float(part["value"]) for part in found)}, 3, "")
    monkeypatch.setitem(tracker.CHECKS, "toy", check)
    assert run_check("toy", "mouse-face", tmp_path) == {"sum": 3.0}
    assert run_check("toy", "mouse-face", tmp_path, 2) == {"sum": 1.0}
    assert made == [0, 1, 2]

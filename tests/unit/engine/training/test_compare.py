"""Two on the same labelled frames: figures of known shifts, fair frames, honest words on what was seen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.core.keypoints import KeypointSet
from mystax.engine.labels.frames import LabelledFrames, PoseFunction, Predictions
from mystax.engine.training import compare as comparing
from mystax.engine.training.compare import Side, compare, frames_seen, predictions_of_poses
from mystax.errors import RecipeError

IDS = ("nose_tip", "eye_front", "eye_back")
SHAPE = (120, 160)


def frames(n: int = 20, films: tuple[str, ...] = ("face.mp4",)) -> LabelledFrames:
    """Make labelled frames that fill their pictures, so that the picture is the box: 160 px wide."""
    rng = np.random.default_rng(1)
    position = rng.uniform(5, 115, (n, len(IDS), 2))
    position[:, 1, 0] = 5.0
    position[:, 2, 0] = 150.0
    return LabelledFrames(
        IDS,
        KeypointSet.load("mouse-face-13"),
        position,
        np.full((n, len(IDS)), 2, np.int8),
        np.full(n, float(SHAPE[1])),
        tuple(f"{films[k % len(films)]}:{k}" for k in range(n)),
        tuple(films[k % len(films)] for k in range(n)),
        np.arange(n),
        lambda row: np.full(SHAPE, row, np.uint8),
    )


def pose(labels: LabelledFrames, by: float, names: tuple[str, ...] = IDS, first: int = 0) -> xr.Dataset:
    """Make an outcome of the tracker that is a known way off, its dimensions in the order of the files."""
    columns = [labels.ids.index(name) for name in names if name in labels.ids]
    places = np.full((len(labels), 2, len(names), 1), np.nan, np.float32)
    places[:, :, : len(columns), 0] = np.moveaxis(labels.position[:, columns] + [by, 0.0], 2, 1)
    sure = np.full((len(labels), len(names), 1), 0.9, np.float32)
    return xr.Dataset(
        {
            "position": (("time", "space", "keypoint", "individual"), places[first:]),
            "confidence": (("time", "keypoint", "individual"), sure[first:]),
        },
        {"keypoint": list(names), "individual": ["face"], "frame": ("time", np.arange(first, len(labels)))},
    )


def shifted(by: float) -> PoseFunction:
    return lambda labels: Predictions(labels.position + np.array([0.0, by]))


def weighed(monkeypatch: pytest.MonkeyPatch, **shifts: float) -> None:
    """Let weights be known ways off."""
    monkeypatch.setattr(comparing, "pose_function", lambda path, **_: shifted(shifts[Path(path).stem]))


def test_two_outcomes_are_measured_side_by_side() -> None:
    labels = frames()
    found = compare(
        labels,
        Side("old", poses={"face.mp4": pose(labels, 8.0)}),
        Side("new", poses={"face.mp4": pose(labels, 2.0)}),
    )
    unit = 256 / 160
    assert found["models"]["old"]["all"]["mean"] == pytest.approx(8 * unit, rel=1e-4)
    assert found["models"]["new"]["all"]["mean"] == pytest.approx(2 * unit, rel=1e-4)
    assert found["models"]["new"]["first_minus_this"]["mean"] == pytest.approx(6 * unit, rel=1e-4)
    assert (found["n_frames"], found["n_left_out"]) == (20, 0)


def test_only_frames_of_which_both_say_something_count() -> None:
    labels = frames(films=("face.mp4", "body.mp4"))
    both = {"face.mp4": pose(labels, 4.0), "body.mp4": pose(labels, 4.0)}
    late = {"face.mp4": pose(labels, 1.0, first=10)}
    found = compare(labels, Side("both", poses=both), Side("late", poses=late))
    assert (found["n_frames"], found["n_left_out"]) == (5, 15)
    assert {one["file"] for one in found["worst"]} == {"face.mp4"}
    assert min(one["frame"] for one in found["worst"]) == 10


def test_outcomes_of_videos_of_one_name_judge_their_own_frames() -> None:
    labels = replace(frames(), names=tuple(f"face.mp4:{k}" for k in range(20)), recordings=("k1", "k2") * 10)
    poses = {"k1": pose(labels, 8.0), "k2": pose(labels, 2.0)}
    said = predictions_of_poses(labels, poses)
    off = (said.position - labels.position)[:, :, 0]
    np.testing.assert_allclose(off[::2], 8.0, atol=1e-4)
    np.testing.assert_allclose(off[1::2], 2.0, atol=1e-4)


def test_weights_and_an_outcome_can_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = frames()
    weighed(monkeypatch, mine=16.0)
    found = compare(
        labels, Side("mine", Path("mine.onnx")), Side("kept", poses={"face.mp4": pose(labels, 8.0)})
    )
    assert found["models"]["mine"]["all"]["mean"] == pytest.approx(
        2 * found["models"]["kept"]["all"]["mean"], rel=1e-4
    )
    assert [one["is_outcome"] for one in found["sides"]] == [False, True]


def test_the_worst_frames_come_first_with_all_places(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = frames()
    weighed(monkeypatch, a=1.0)
    off = pose(labels, 1.0)
    off["position"][7, 0] += 50.0
    off["position"][3, 0] += 20.0
    found = compare(labels, Side("a", Path("a.onnx")), Side("b", poses={"face.mp4": off}))
    first, second, *rest = found["worst"]
    assert (first["frame"], second["frame"], len(rest)) == (7, 3, 10)
    assert first["errors"] == [pytest.approx(1.6, abs=0.01), pytest.approx(51 * 1.6, abs=0.01)]
    np.testing.assert_allclose(first["label"], labels.position[7], atol=0.051)
    np.testing.assert_allclose(first["said"][1], labels.position[7] + [51.0, 0.0], atol=0.06)


def test_points_that_one_does_not_know_are_missing_there_only() -> None:
    labels = frames()
    less = pose(labels, 3.0, ("eye_back", "other"))
    said = predictions_of_poses(labels, {"face.mp4": less})
    assert np.isnan(said.position[:, :2]).all()
    np.testing.assert_allclose(said.position[:, 2], labels.position[:, 2] + [3.0, 0.0], atol=1e-4)


def test_frames_that_a_training_has_seen_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = frames()
    report = tmp_path / "mine.report"
    report.mkdir()
    lines = ["model,frame,nose_tip", *(f"new weights,face.mp4:{k},1.0" for k in range(6))]
    (report / "frames.csv").write_text("\n".join(lines))
    assert frames_seen(tmp_path / "mine.onnx", labels.names) == 6
    assert frames_seen(tmp_path / "other.onnx", labels.names) == frames_seen(None, labels.names) == 0
    weighed(monkeypatch, mine=1.0, base=2.0)
    found = compare(labels, Side("mine", tmp_path / "mine.onnx"), Side("base", tmp_path / "base.onnx"))
    assert [one["n_seen"] for one in found["sides"]] == [6, 0]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (Side("old", poses={}), "both are 'old'"),
        (Side("nowhere", poses={"other.mp4": xr.Dataset()}), "no labelled frame of which both"),
        (Side("nobody"), "neither weights nor outcomes"),
    ],
)
def test_what_cannot_be_compared_is_refused(second: Side, why: str) -> None:
    labels = frames()
    known: dict[str, Any] = {"face.mp4": pose(labels, 1.0)}
    with pytest.raises(RecipeError, match=why):
        compare(labels, Side("old", poses=known), second)

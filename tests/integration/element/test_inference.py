"""Tables of inference: poses of files and of weights, under the names of the model's own points."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.keypoint_table import make_table
from mystax.core.keypoints import KeypointSet
from mystax.errors import RecipeError
from mystax.io.formats.facemap_keypoints import write_facemap_h5
from tests.fixtures.lab import FIRST, Lab, film
from tests.fixtures.small_weights import write_small

pytestmark = pytest.mark.parametrize("lab", FIRST, indirect=True, scope="session")

PARTS = ("nose(tip)", "paw", "eye(top)")


def model(lab: Lab, number: int = 0, parts: tuple[str, ...] = PARTS) -> int:
    """Enter a model whose weights are nowhere: poses of files need none."""
    if not lab.fi.FacemapModel & {"model_id": number}:
        row = {"model_id": number, "model_name": f"model{number}", "weights_hash": "0" * 64}
        lab.fi.FacemapModel.insert1({**row, "keypoint_set": "mouse-face-15"})
        lab.fi.FacemapModel.BodyPart.insert({"model_id": number, "body_part": part} for part in parts)
    return number


def written_pose(path: Path, n: int) -> np.ndarray:
    """Write a Facemap file and return places (time, point, x | y | likelihood)."""
    time, point = np.arange(n)[:, None], np.arange(len(PARTS))
    values = np.stack([10.0 * point + time, 100.0 + point - time / 4, (time + point) / 64], -1)
    table = make_table(
        list(PARTS),
        values[:, None, :, :2],
        where="pose",
        confidence=values[:, None, :, 2],
        frame=np.arange(n),
        kind="predictions",
    )
    write_facemap_h5(path, table)
    return values.astype(np.float32)


def test_file_of_facemap_is_stored_point_by_point(lab: Lab) -> None:
    video = film(lab.root / "pose" / "face.mkv", 12)
    values = written_pose(video.with_name("face_FacemapPose.h5"), 12)
    key = {**lab.recording(video), "model_id": model(lab)}
    lab.fi.FacemapInferenceTask.insert1({**key, "facemap_inference_output_dir": "pose"})
    report = lab.fi.populate_all(key)
    assert report["FacemapInference"] == {"done": 1, "errors": [], "freed": 0}
    rows = {row["body_part"]: row for row in (lab.fi.FacemapInference.BodyPartPosition & key).to_dicts()}
    assert set(rows) == set(PARTS)
    for k, part in enumerate(PARTS):
        for axis, name in enumerate(("x_pos", "y_pos", "likelihood")):
            np.testing.assert_array_equal(np.asarray(rows[part][name]), values[:, k, axis])
    assert (lab.fi.FacemapInference & key).fetch1("total_frame_count") == 12
    table = lab.fi.FacemapInference.get_trajectory(key, ["paw"])
    assert list(table.columns) == [("model0", "paw", name) for name in ("x", "y", "likelihood")]
    np.testing.assert_array_equal(table["model0", "paw", "y"].to_numpy(), values[:, 1, 1])
    with pytest.raises(RecipeError, match=r"P403 body part 'pow': unknown.*'paw'"):
        lab.fi.FacemapInference.get_trajectory(key, ["pow"])


def test_points_that_the_model_does_not_have_are_refused(lab: Lab) -> None:
    video = film(lab.root / "other_points" / "face.mkv", 8)
    written_pose(video.with_name("face_FacemapPose.h5"), 8)
    key = {**lab.recording(video), "model_id": model(lab, 1, ("paw",))}
    lab.fi.FacemapInferenceTask.insert1({**key, "facemap_inference_output_dir": "other_points"})
    ((_, text),) = lab.fi.populate_all(key)["FacemapInference"]["errors"]
    assert text.startswith("P403 FacemapModel 1: it has no body part")


def test_empty_folder_is_refused(lab: Lab) -> None:
    video = film(lab.root / "no_pose" / "face.mkv", 4)
    key = {**lab.recording(video), "model_id": model(lab)}
    lab.fi.FacemapInferenceTask.generate(key)
    ((_, text),) = lab.fi.populate_all(key)["FacemapInference"]["errors"]
    assert text.startswith("P403 ")


def test_weights_are_entered_with_their_own_points_and_run(lab: Lab, tmp_path: Path) -> None:
    points = KeypointSet.load("mouse-face-15")
    five = points.subset(points.ids[:5])
    small = write_small(tmp_path, points=five.ids, keypoints=five.to_toml())
    lab.fi.FacemapModel.insert_new_model(5, "small", "for tests", small)
    small.unlink()  # they come from the database
    parts = (lab.fi.FacemapModel.BodyPart & "model_id=5").to_arrays("body_part").tolist()
    assert sorted(parts) == sorted(point.facemap for point in five)
    video = film(lab.root / "tracked" / "face.mkv", 6, size=(96, 96))
    key = {**lab.recording(video), "model_id": 5}
    lab.fi.FacemapInferenceTask.generate(key, task_mode="trigger", bbox=[0, 96, 0, 96])
    report = lab.fi.populate_all(key)
    assert report["FacemapInference"] == {"done": 1, "errors": [], "freed": 0}
    rows = (lab.fi.FacemapInference.BodyPartPosition & key).to_dicts()
    assert sorted(row["body_part"] for row in rows) == sorted(parts)
    assert all(np.asarray(row["x_pos"]).shape == (6,) for row in rows)

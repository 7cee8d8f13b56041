"""Cameras left and right of a face: points of both sides in space, and everything that reads them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.analyses.rig import Rig
from mystax.compute.projection import project_rig
from mystax.compute.statistics import adjusted_rand
from mystax.core.keypoint_names import set_of_outcome
from mystax.core.keypoints import KeypointSet
from mystax.core.outcome_faces import edges_of
from mystax.core.rig_model import RigModel
from mystax.core.rotations import rotation_of
from mystax.io.nwb import library
from mystax.io.nwb.options import NwbOptions
from mystax.io.nwb.writer import write_nwb
from mystax.io.recorded import find_recorded
from mystax.plot.pose import parts_of
from tests.fixtures.rigs import rig_of

FACE = KeypointSet.load("mouse-face-13")
MIDDLE = ("nose_top", "nose_tip", "nose_bottom", "lower_lip")
SIDES = {"cam0": "left", "cam1": "left", "cam2": "right", "cam3": "right"}
N, RATE = 240, 30.0


def film() -> tuple[RigModel, dict[str, xr.Dataset], np.ndarray]:
    """Four cameras, two on each side, about a turning face whose right eye and mouth have two looks."""
    generator = np.random.default_rng(7)
    rig = rig_of(4)
    look = np.repeat(np.arange(N // 20) % 2, 20)
    swing = rotation_of(np.array([0.1, 0.3, 0.0]))
    flat = {name: generator.uniform(-8, 8, 3) * (1, 1, 1 if name not in MIDDLE else 0) for name in FACE.ids}
    poses = {}
    for name, side in SIDES.items():
        mirror = np.array([1, 1, 1 if side == "left" else -1])
        places = np.tile(np.stack([flat[point] for point in FACE.ids]) * mirror, (N, 1, 1))
        if side == "right":
            places[look == 1, FACE.index("eye_top")] += (0, 2.0, 0)
            places[look == 1, FACE.index("mouth")] += (1.5, 0, 0)
        turns = np.sin(np.arange(N) / 40)[:, None, None] * (swing - np.eye(3)) / 2 + np.eye(3)
        u, _, vt = np.linalg.svd(turns)
        places = places @ (u @ vt).transpose(0, 2, 1)
        seen = project_rig(rig.subset([name]), places.reshape(-1, 3)).reshape(N, len(FACE), 2)
        seen += generator.normal(0, 0.3, seen.shape)
        poses[name] = xr.Dataset(
            {"position": (("time", "space", "keypoint", "individual"), seen.transpose(0, 2, 1)[..., None])},
            coords={
                "time": np.arange(N) / RATE,
                "space": ["x", "y"],
                "keypoint": list(FACE.ids),
                "individual": ["face"],
            },
            attrs={"keypoint_set": FACE.to_toml()},
        )
    return rig, poses, look


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, np.ndarray, Path]:
    folder = tmp_path_factory.mktemp("sides") / "face.mystax"
    rig, poses, look = film()
    return mystax.pose3d(poses, rig=Rig(rig), sides=SIDES, smooth="none", out=folder), look, folder


def test_the_stored_set_is_that_of_the_names(found: tuple[xr.Dataset, np.ndarray, Path]) -> None:
    dataset = found[0]
    stored = KeypointSet.from_toml(dataset.attrs["keypoint_set"])
    assert stored.ids == tuple(dataset["keypoint"].values)
    assert len(stored) == 2 * 9 + 4
    assert len(stored.pairs) == 9
    assert {"eye_height_left", "eye_height_right", "nose_angle"} <= set(dataset["measure"].values)


def test_measures_tell_the_sides_apart(found: tuple[xr.Dataset, np.ndarray, Path]) -> None:
    dataset, look, _ = found
    left, right = (
        dataset["measures"].sel(measure=f"mouth_opening_{side}").values for side in ("left", "right")
    )
    change = [np.median(values[look == 1]) - np.median(values[look == 0]) for values in (left, right)]
    assert abs(change[0]) < 0.05
    assert abs(change[1]) > 0.1


def test_lines_and_colours_of_figures_know_both_sides(found: tuple[xr.Dataset, np.ndarray, Path]) -> None:
    dataset = found[0]
    assert len(edges_of(dataset)) == 2 * 8 + 3
    assert {part: len(places) for part, places in parts_of(dataset)} == {
        "eye": 8,
        "nose": 5,
        "whisker": 6,
        "mouth": 3,
    }


def test_states_are_found_on_points_of_both_sides(found: tuple[xr.Dataset, np.ndarray, Path]) -> None:
    dataset, look, _ = found
    made: Any = mystax.states(dataset, max_states=2)
    assert adjusted_rand(look, made["label"].values.astype(np.int64)) > 0.95
    assert tuple(made["keypoint"].values) == tuple(dataset["keypoint"].values)
    assert len(edges_of(made)) == 2 * 8 + 3
    stored = set_of_outcome(made)
    assert stored is not None
    assert len(stored.pairs) == 9


@pytest.mark.slow
def test_outcome_with_the_set_of_one_side_is_read_too(found: tuple[xr.Dataset, np.ndarray, Path]) -> None:
    dataset, look, _ = found
    older = dataset.assign_attrs(keypoint_set=FACE.to_toml())
    made: Any = mystax.states(older, max_states=2)
    assert adjusted_rand(look, made["label"].values.astype(np.int64)) > 0.95


@pytest.mark.extra("nwb")
def test_skeleton_in_nwb_has_the_lines_of_both_sides(
    found: tuple[xr.Dataset, np.ndarray, Path], tmp_path: Path
) -> None:
    dataset, _, folder = found
    start = datetime(2024, 3, 1, 10, tzinfo=UTC)
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=start, check=False))
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        pose = file.read().processing["behavior"]["pose3d"]
        assert list(pose.skeleton.nodes) == list(dataset["keypoint"].values)
        assert len(pose.skeleton.edges) == 2 * 8 + 3
        np.testing.assert_array_equal(
            pose.pose_estimation_series["right.mouth"].data[:],
            dataset["position"].sel(keypoint="right.mouth").values[..., 0],
        )

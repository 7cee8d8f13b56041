"""Points that are missing in every way: an outcome each time, finite where two cameras see, counts right."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.analyses.rig import Rig
from mystax.compute.projection import project_rig
from mystax.core.quality import flags_from_json
from mystax.core.rig_model import RigModel
from mystax.errors import FormatError, RecipeError
from mystax.io.rig import rig_from_toml, rig_to_toml
from tests.fixtures.rigs import rig_of

N, K = 80, 3
NAMES = [f"p{k}" for k in range(K)]


def exact(n_cameras: int) -> tuple[RigModel, np.ndarray, np.ndarray]:
    """Rig, truth (time, keypoint, 3) and exact pixels (camera, time, keypoint, 2)."""
    rig = rig_of(n_cameras, step=26.0 if n_cameras < 8 else 8.0)
    base = np.random.default_rng(0).uniform(-10, 10, (K, 3))
    phase = np.arange(N) / 20
    truth = base + np.stack([np.sin(phase), np.cos(phase), 0 * phase], axis=1)[:, None]
    uv = project_rig(rig, truth.reshape(-1, 3)).reshape(n_cameras, N, K, 2)
    noise = np.random.default_rng(1).normal(0, 0.2, uv.shape)
    return rig, truth, uv + noise


def poses(uv: np.ndarray, names: list[str] | None = None) -> dict[str, xr.Dataset]:
    """One pose per camera."""
    return {
        f"cam{c}": xr.Dataset(
            {"position": (("time", "space", "keypoint", "individual"), seen.transpose(0, 2, 1)[..., None])},
            coords={
                "time": np.arange(len(seen)) / 100,
                "space": ["x", "y"],
                "keypoint": names or NAMES,
                "individual": ["face"],
            },
        )
        for c, seen in enumerate(uv)
    }


def judged(rig: RigModel, given: dict[str, xr.Dataset], truth: np.ndarray) -> tuple[np.ndarray, xr.Dataset]:
    """Number of cameras that saw each point; places are finite exactly where two did, and right."""
    found = mystax.pose3d(given, rig=Rig(rig), smooth="none")
    n_seen = (found["used"].values[..., 0] >= 0).sum(axis=1)
    place = found["position_raw"].values[..., 0].transpose(0, 2, 1)
    np.testing.assert_array_equal(np.isfinite(place[..., 0]), n_seen >= 2)
    error = np.linalg.norm(place - truth, axis=2)
    assert np.nanmax(error) < 1.5
    return n_seen, found


def test_frames_without_any_detection() -> None:
    rig, truth, uv = exact(3)
    uv[:, 10:30] = np.nan
    n_seen, _ = judged(rig, poses(uv), truth)
    assert (n_seen[10:30] == 0).all()
    assert (np.delete(n_seen, np.s_[10:30], axis=0) == 3).all()


def test_camera_that_is_missing_for_half_of_the_time() -> None:
    rig, truth, uv = exact(3)
    uv[1, : N // 2] = np.nan
    n_seen, found = judged(rig, poses(uv), truth)
    assert (n_seen[: N // 2] == 2).all()
    assert (n_seen[N // 2 :] == 3).all()
    assert (found["used"].values[: N // 2, 1] == -1).all()


def test_cameras_of_unequal_lengths() -> None:
    rig, truth, uv = exact(3)
    given = poses(uv)
    given["cam2"] = given["cam2"].isel(time=slice(0, N - 3))
    n_seen, found = judged(rig, given, truth)
    assert found.sizes["time"] == N
    assert (n_seen[N - 3 :] == 2).all()
    assert (n_seen[: N - 3] == 3).all()


def test_infinite_places_are_missing_and_counted() -> None:
    rig, truth, uv = exact(3)
    uv[0, 5, 1, 0] = np.inf
    uv[2, 6, 0] = -np.inf
    n_seen, found = judged(rig, poses(uv), truth)
    assert n_seen[5, 1] == n_seen[6, 0] == 2
    assert (n_seen < 3).sum() == 2
    flags = [flag.text for flag in flags_from_json(found.attrs["quality"]) if flag.code == "N304"]
    assert flags[0].startswith("2 points")


def test_keypoint_that_one_camera_does_not_have() -> None:
    rig, truth, uv = exact(3)
    given = poses(uv)
    given["cam0"] = given["cam0"].isel(keypoint=[0, 2])
    n_seen, found = judged(rig, given, truth[:, [0, 2, 1]])
    assert found["keypoint"].values.tolist() == ["p0", "p2", "p1"]
    assert (n_seen == [3, 3, 2]).all()


def test_twelve_cameras() -> None:
    rig, truth, uv = exact(12)
    read = rig_from_toml(rig_to_toml(rig))
    assert read.names == tuple(f"cam{c}" for c in range(12))
    short = slice(0, 24)  # the search for offsets takes most of the time: for each camera, at every frame
    n_seen, _ = judged(read, poses(uv[:, short]), truth[short])
    assert (n_seen == 12).all()


def test_mirrored_camera_in_a_file_is_refused() -> None:
    rig, _, uv = exact(2)
    mirrored = replace(rig.cameras[1], rotation=np.diag([-1.0, 1, 1]) @ rig.cameras[1].rotation)
    from mystax.core.rig_model import make_rig

    with pytest.raises(FormatError, match="determinant -1"):
        make_rig([rig.cameras[0], mirrored])
    assert len(uv) == 2


def test_individuals_of_other_names_are_refused() -> None:
    rig, _, uv = exact(2)
    given = poses(np.repeat(uv, 1, axis=0))
    two = xr.concat([given["cam0"], given["cam0"]], "individual").assign_coords(individual=["a", "b"])
    other = two.assign_coords(individual=["c", "d"])
    with pytest.raises(RecipeError, match="different individuals"):
        mystax.pose3d({"cam0": two, "cam1": other}, rig=Rig(rig))

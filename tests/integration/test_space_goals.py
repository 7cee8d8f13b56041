"""What rigs and points in space must reach on worlds whose truth is known (nightly)."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.analyses.rig import Rig
from mystax.compute.calibration import calibrate
from mystax.compute.confirmed import confirmed_pixels
from mystax.compute.limb_lengths import Limb
from mystax.compute.tiles import TilePool
from mystax.compute.trajectory import fill_gaps, smooth_trajectory
from mystax.compute.trajectory_steps import Pixels
from mystax.compute.triangulation import triangulate
from mystax.core.quality import flags_from_json
from mystax.core.rig_model import RigModel
from mystax.io.rig import rig_to_toml
from tests.fixtures.commands import ROOT, call
from tests.fixtures.rigs import SIZE, board_views, error_of, moving_points, points_about, write_track

FACE = points_about(15, 500)
"""Points that rigs are judged by [mm]."""

pytestmark = pytest.mark.slow


def precision_of(uv: np.ndarray) -> np.ndarray:
    """Precision of points of 1 px."""
    return np.tile(np.array([1.0, 0.0, 1.0]), (*uv.shape[:-1], 1))


def test_65000_points_of_three_cameras_with_outliers() -> None:
    rig, _, truth, uv = moving_points(3, 50, 5000)
    flat = np.ascontiguousarray(uv.reshape(3, -1, 2))
    precision = precision_of(flat)
    triangulate(rig, flat[:, :100], precision[:, :100])  # loads the compiled loops
    begin = time.process_time()
    found = triangulate(rig, flat, precision)
    spent = time.process_time() - begin
    error = np.linalg.norm(found.position - truth.reshape(-1, 3), axis=1)
    error = error[np.isfinite(error)]
    assert np.median(error) <= 0.34
    assert error.mean() <= 1.0
    assert np.percentile(error, 95) <= 1.1
    assert spent <= 2
    with TilePool(2) as pool:
        for size, run in ((1000, None), (65_536, pool.map), (1000, pool.map)):
            more: dict[str, Any] = {} if run is None else {"run": run}
            other = triangulate(rig, flat, precision, block=size, **more)
            for name in ("position", "covariance", "used", "residual", "left_out", "ray_angle"):
                np.testing.assert_array_equal(getattr(found, name), getattr(other, name))


def test_bursts_of_one_camera_do_not_reach_the_smoothed_points() -> None:
    """Bursts of 5 to 20 frames, 40 px off in one of four cameras at 50 Hz."""
    rig, times, truth, uv = moving_points(4, 50, 1000, seed=3, outliers=0.0)
    generator = np.random.default_rng(8)
    for k in range(13):
        at = 0
        while (at := at + int(generator.integers(40, 160))) < 980:
            length, angle = int(generator.integers(5, 21)), generator.uniform(0, 2 * np.pi)
            uv[generator.integers(4), at : at + length, k] += 40 * np.array([np.cos(angle), np.sin(angle)])
            at += length
    place = np.empty_like(truth)
    for k in range(13):
        found = triangulate(rig, uv[:, :, k], precision_of(uv[:, :, k]))
        confirmed = confirmed_pixels(found, times)[:, :, None]
        one = Pixels(uv[:, :, k : k + 1], precision_of(uv[:, :, k : k + 1]), confirmed)
        place[:, k] = smooth_trajectory(rig, one, found.position[:, None], times).position[:, 0]
    assert np.sqrt(((place - truth) ** 2).sum(axis=2).mean()) <= 0.30


@pytest.mark.parametrize("n_cameras", [2, 3, 4])
def test_the_start_hardly_changes_the_minimum_of_the_peers_objective(n_cameras: int) -> None:
    rig, _, _, uv = moving_points(n_cameras, 50, 120, seed=4)
    times = np.arange(120.0)
    flat = np.ascontiguousarray(uv.reshape(n_cameras, -1, 2))
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]

    def solved(start: np.ndarray, points: Sequence[int], strength: float) -> float:
        own = start[:, points]
        joined = pairs if len(points) > 1 else []
        limbs = [
            Limb(a, b, float(np.linalg.norm(own[:, a] - own[:, b], axis=1).mean()), 0.005) for a, b in joined
        ]
        pixels = Pixels(np.ascontiguousarray(uv[:, :, points]), precision_of(uv[:, :, points]))
        return smooth_trajectory(
            rig,
            pixels,
            own,
            times,
            strength=strength,
            limbs=limbs,
            free_lengths=len(points) > 1,
            loss="soft_l1",
            loss_scale=5.0,
            n_steps=60,
            tolerance=1e-7,
        ).cost

    starts = []
    for robust in (True, False):
        place = triangulate(rig, flat, precision_of(flat), robust=robust).position.reshape(120, 13, 3)
        starts.append(fill_gaps(times, place))
    strength = float((2 / np.abs(np.diff(starts[0], axis=0)).mean()) ** 2)
    groups = [[0, 1, 2, 3], *([k] for k in range(4, 13))]
    for points in groups[:2]:  # loads the compiled loops, those for one point without limbs too
        solved(starts[0], points, strength)
    begin = time.process_time()
    costs = [sum(solved(start, points, strength) for points in groups) for start in starts]
    assert (time.process_time() - begin) / 2 <= 0.3
    assert costs[1] == pytest.approx(costs[0], rel=0.01)


@pytest.mark.parametrize(("n_cameras", "most", "seconds"), [(2, 0.008, 2), (4, 0.003, 5)])
def test_rigs_of_several_seeds_are_recovered(n_cameras: int, most: float, seconds: float) -> None:
    errors = []
    truth, board, uv = board_views(n_cameras, 12)
    calibrate(truth.names, [SIZE] * n_cameras, uv, board)  # loads the compiled loops
    for seed in range(5):
        truth, board, uv = board_views(n_cameras, seed=seed)
        begin = time.process_time()
        found = calibrate(truth.names, [SIZE] * n_cameras, uv, board)
        assert time.process_time() - begin <= seconds
        errors.append(error_of(found.rig, truth, FACE))
    assert np.median(errors) <= most


def test_stated_deviations_hold_the_truth_in_two_hundred_calibrations() -> None:
    names = (("fx", 0, 0), ("fy", 1, 1), ("cx", 0, 2), ("cy", 1, 2))
    off: dict[str, list[float]] = {name: [] for name in ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")}
    for seed in range(200):
        truth, board, uv = board_views(2, 40, seed=seed)
        found = calibrate(truth.names, [SIZE] * 2, uv, board, model="pinhole")
        for ours, theirs in zip(found.rig.cameras, truth.cameras, strict=True):
            for name, i, j in names:
                off[name].append((ours.matrix[i, j] - theirs.matrix[i, j]) / ours.sd[name])
            for k, name in enumerate(("k1", "k2", "p1", "p2")):
                off[name].append((ours.distortion[k] - theirs.distortion[k]) / ours.sd[name])
    for name, values in off.items():
        assert (np.abs(values) < 3).mean() >= 0.95, name
        assert np.std(values) > 0.5, name  # and they are not merely wide


def write_tracks(folder: Path, n_frames: int, n_cameras: int = 2, *, late: int = 0) -> RigModel:
    """Write a rig and a track of 100 frames/s for each camera; the last one is late by so many ms (even)."""
    rig, _, _, uv = moving_points(n_cameras, 500, 5 * n_frames + late // 2)
    uv[:-1, : 5 * n_frames] = uv[:-1, late // 2 :][:, : 5 * n_frames]
    uv = uv[:, : 5 * n_frames : 5]
    (folder / "calibration.toml").write_text(rig_to_toml(rig))
    for c in range(n_cameras):
        write_track(folder / f"cam{c}.csv", uv[c, :n_frames], digits=3)
    return rig


def test_5000_frames_from_tables_to_an_outcome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tracks(tmp_path, 5000)
    (tmp_path / "warm").mkdir()
    write_tracks(tmp_path / "warm", 60)

    def run(folder: Path) -> float:
        tracks = [word for c in range(2) for word in ("--camera", f"cam{c}={folder / f'cam{c}.csv'}")]
        rig = ("--rig", folder / "calibration.toml", "--rate", "100")
        begin = time.process_time()
        done = call(capsys, "triangulate", *rig, *tracks, "--out", folder / "out", "--no-report", "--json")
        assert done.status == 0, done.err
        return time.process_time() - begin

    run(tmp_path / "warm")
    assert run(tmp_path) <= 6  # of two cores: 3 s


MEMORY = """
from pathlib import Path
import numpy as np, xarray as xr
import mystax
from mystax.analyses.rig import Rig
from tests.fixtures.rigs import moving_points

rig, times, truth, uv = moving_points(2, 100, 200_000)
names = [f"p{k}" for k in range(13)]
poses = {
    name: xr.Dataset(
        {"position": (("time", "space", "keypoint", "individual"), uv[c].transpose(0, 2, 1)[..., None])},
        coords={"time": times, "space": ["x", "y"], "keypoint": names, "individual": ["a"]},
    )
    for c, name in enumerate(rig.names)
}
found = mystax.pose3d(poses, rig=Rig(rig), cores=2)
assert np.isfinite(found["position"].values).mean() > 0.9
# of this program alone: what getrusage tells includes the process that started it
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 2**20)
"""


def test_200000_frames_need_less_than_one_and_a_half_gibibytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 1.5


def test_a_camera_that_is_16_ms_late_is_told_and_put_right_by_its_offset(tmp_path: Path) -> None:
    rig = write_tracks(tmp_path, 1500, 3, late=16)
    tracks = {name: tmp_path / f"{name}.csv" for name in rig.names}
    given: dict[str, Any] = {"rig": tmp_path / "calibration.toml", "rate": 100, "smooth": "none"}
    late = mystax.pose3d(tracks, **given)
    scan = json.loads(late.attrs["facts"])["offsets"]["cam2"]
    assert scan["seconds"] == pytest.approx(0.016, abs=0.004)
    told = [flag.text for flag in flags_from_json(late.attrs["quality"]) if flag.code == "N315"]
    assert any("cam2" in text for text in told)
    mended = mystax.pose3d(tracks, offsets={"cam2": -0.016}, **given)
    before, after = (float(np.nanmedian(item["residual"].values[1:-2])) for item in (late, mended))
    assert after <= 0.9 * before


def test_a_camera_that_was_turned_is_named_and_put_back_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from mystax.core.rotations import angle_between, rotation_of
    from mystax.io.rig import read_rig

    rig = write_tracks(tmp_path, 400, 3)
    camera = rig.cameras[1]
    turn = rotation_of(np.radians(1) * np.array([0.6, 0.8, 0.0]))
    old = replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)
    (tmp_path / "old.toml").write_text(
        rig_to_toml(Rig(RigModel((rig.cameras[0], old, rig.cameras[2]))).model)
    )
    tracks = [word for name in rig.names for word in ("--camera", f"{name}={tmp_path / f'{name}.csv'}")]
    done = call(
        capsys, "calibrate", "--check", tmp_path / "old.toml", *tracks, "--rate", "100", "--refine", "--json"
    )
    assert done.status == 0, done.err
    assert done.json["check"]["moved"] == ["cam1"]
    mended = read_rig(tmp_path / "old-refined.toml")
    assert np.degrees(angle_between(mended.cameras[1].rotation, camera.rotation)) < 0.1

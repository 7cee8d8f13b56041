"""What is said against a rig: implausible lenses, cameras at one place, cameras out of time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mystax.analyses.pose3d_quality import rig_flags
from mystax.compute.projection import project_rig
from mystax.compute.refine import refine_poses, refit_residual
from mystax.compute.rig_checks import OffsetScan, camera_doubts, scan_offset
from mystax.core.rig_model import RigModel
from mystax.core.rotations import angle_between, rotation_of
from mystax.io.rig import read_rig
from tests.fixtures.rigs import moving_points, rig_of


def test_plausible_rig_is_not_flagged() -> None:
    assert rig_flags(rig_of(3)) == []


def test_implausible_lens_is_flagged() -> None:
    camera = replace(rig_of(1).cameras[0], distortion=np.array([-58.0, 0, 0, 0, 0]))
    assert any("k1" in text for text in camera_doubts(camera))


def test_cameras_at_one_place_are_flagged() -> None:
    camera = rig_of(1).cameras[0]
    flags = rig_flags(RigModel((camera, replace(camera, name="twin"))))
    assert [flag.code for flag in flags] == ["N313"]
    assert "same pose" in flags[0].text


@pytest.mark.needs_data
def test_published_rig_of_the_animal_itself_is_called_out(real_data: Path) -> None:
    flags = rig_flags(read_rig(real_data / "eks" / "fly" / "calibration.toml"))
    assert sum(flag.code == "N312" for flag in flags) == 3


@pytest.mark.parametrize("shift", [0, 2])
def test_camera_that_is_late_is_found(shift: int) -> None:
    rig, _, _, uv = moving_points(3, 100, 800)
    uv[1] = np.roll(uv[1], shift, axis=0)
    found = scan_offset(rig, uv, 1)
    assert found.lag == pytest.approx(shift, abs=0.4)
    assert found.is_late == (shift != 0)


def test_swing_that_comes_back_is_not_taken_for_a_long_delay() -> None:
    """Points that swing at 8.6 Hz look alike 11.6 frames later: two frames late, not nine early."""
    rig, _, _, uv = moving_points(3, 500, 7508)
    uv[:2, :7500] = uv[:2, 8:].copy()
    found = scan_offset(rig, uv[:, :7500:5], 2)
    assert found.lag == pytest.approx(1.6, abs=0.4)
    assert found.is_late


@pytest.mark.parametrize("seed", range(3))
def test_camera_that_was_knocked_is_named_and_put_back(seed: int) -> None:
    rig, _, _, uv = moving_points(3, 100, 400, seed=seed)
    flat = uv.reshape(3, -1, 2)
    flat = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).all(axis=0)])
    axis = np.random.default_rng(seed).normal(size=3)
    turn = rotation_of(np.radians(1) * axis / np.linalg.norm(axis))
    camera = rig.cameras[1]
    knocked = replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)
    bad = RigModel((rig.cameras[0], knocked, rig.cameras[2]))
    residuals = [refit_residual(bad, flat, c) for c in range(3)]
    assert int(np.nanargmin(residuals)) == 1
    mended, before, after = refine_poses(bad, flat, [1])
    assert after < 0.4 * before
    assert np.degrees(angle_between(mended.cameras[1].rotation, camera.rotation)) < 0.1
    np.testing.assert_allclose(mended.cameras[1].centre, camera.centre, atol=1e-6)


@pytest.mark.parametrize("turned", [0, 3])
def test_camera_that_was_turned_is_named_among_four(turned: int) -> None:
    rig, _, _, uv = moving_points(4, 100, 400)
    flat = uv.reshape(4, -1, 2)
    flat = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).all(axis=0)])
    turn = rotation_of(np.array([0.0175, 0.0, 0.0]))
    camera = rig.cameras[turned]
    knocked = replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)
    bad = RigModel(tuple(knocked if c == turned else own for c, own in enumerate(rig.cameras)))
    assert int(np.nanargmin([refit_residual(bad, flat, c) for c in range(4)])) == turned


def test_camera_that_was_shifted_is_put_back_where_it_is() -> None:
    rig, _, _, uv = moving_points(4, 100, 400)
    flat = uv.reshape(4, -1, 2)
    flat = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).all(axis=0)])
    camera = rig.cameras[1]
    shifted = replace(camera, translation=camera.translation + np.array([0.0, 0.0, 12.0]))
    bad = RigModel((rig.cameras[0], shifted, *rig.cameras[2:]))
    mended, _, after = refine_poses(bad, flat, [1])
    assert after < 1.2
    seen, place = (project_rig(one, np.zeros((1, 3)))[1, 0] for one in (rig, mended))
    assert np.linalg.norm(seen - place) < 1
    assert np.linalg.norm(mended.cameras[1].centre - camera.centre) < 3


def seen_from(rig: RigModel, number: int) -> RigModel:
    """Return the same cameras with one of them as the origin of the rig."""
    own = rig.cameras[number]
    moved = [
        replace(
            camera,
            rotation=camera.rotation @ own.rotation.T,
            translation=camera.translation - camera.rotation @ own.rotation.T @ own.translation,
        )
        for camera in rig.cameras
    ]
    return RigModel(tuple(moved))


@pytest.mark.parametrize(("n_cameras", "shifted"), [(2, 1), (3, 0)])
def test_a_shift_is_found_wherever_the_origin_of_the_rig_is(n_cameras: int, shifted: int) -> None:
    """Calibrations put the first camera there, whose distance from the origin gave shifts their scale."""
    rig, _, _, uv = moving_points(n_cameras, 100, 400, outliers=0.0)
    flat = uv.reshape(n_cameras, -1, 2)
    flat = np.ascontiguousarray(flat[:, np.isfinite(flat[..., 0]).all(axis=0)])
    camera = rig.cameras[shifted]
    off = replace(camera, translation=camera.translation + np.array([0.0, 8.0, 0.0]))
    bad = RigModel(tuple(off if c == shifted else own for c, own in enumerate(rig.cameras)))
    found = [refine_poses(seen_from(bad, origin), flat, [shifted]) for origin in range(n_cameras)]
    for _, before, after in found:
        assert after < 0.2 * before
    assert max(after for *_, after in found) < 1.1 * min(after for *_, after in found)


def test_cameras_around_the_head_need_no_point_that_all_of_them_see() -> None:
    rig, _, _, uv = moving_points(6, 100, 400, outliers=0.0)
    for c in range(6):
        uv[c, :, np.arange(13) % 3 == c % 3] = np.nan  # four of six see a point
    flat = np.ascontiguousarray(uv.reshape(6, -1, 2))
    camera, turn = rig.cameras[1], rotation_of(np.array([0.0, 0.02, 0.0]))
    knocked = replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)
    bad = RigModel((rig.cameras[0], knocked, *rig.cameras[2:]))
    assert int(np.nanargmin([refit_residual(bad, flat, c) for c in range(6)])) == 1
    mended, _, _ = refine_poses(bad, flat, [1])
    assert np.degrees(angle_between(mended.cameras[1].rotation, camera.rotation)) < 0.1
    several, _, after = refine_poses(bad, flat, [1, 2])
    assert after < 1.0
    assert np.degrees(angle_between(several.cameras[1].rotation, camera.rotation)) < 0.2


@pytest.mark.parametrize("n_cameras", [2, 3])
def test_camera_of_half_the_rate_is_not_taken_for_a_late_one(n_cameras: int) -> None:
    """Shifted by odd frames it sees nothing, and the others agree better without it: that says nothing."""
    rig, _, _, uv = moving_points(n_cameras, 100, 600, outliers=0, missing=0)
    uv[1, 1::2] = np.nan
    assert not scan_offset(rig, uv, 1).is_late


def test_late_camera_of_half_the_rate_is_found() -> None:
    rig, _, _, uv = moving_points(3, 100, 600, outliers=0, missing=0)
    uv[1, 4:] = uv[1, :-4].copy()
    uv[1, 1::2] = np.nan
    found = scan_offset(rig, uv, 1)
    assert found.is_late
    assert found.lag == pytest.approx(4, abs=0.7)


@pytest.mark.parametrize(
    ("lag", "gain", "sureness", "clear"),
    [
        (0.1, 0.0, 0.0, True),
        (3.7, 0.019, 9.0, False),
        (3.7, 0.2, 9.0, True),
        (3.7, 0.2, 2.0, False),
        (-0.6, 0.05, 9.0, False),
        (10.0, 0.5, 9.0, False),
    ],
)
def test_a_lag_is_clear_where_it_is_none_or_explains_the_residuals(
    lag: float, gain: float, sureness: float, clear: bool
) -> None:
    assert OffsetScan(lag, gain, sureness).is_clear == clear


def test_few_seconds_do_not_tell_a_lag() -> None:
    """In 75 frames points drift once: what falls by a tenth there falls by chance."""
    rig, _, _, uv = moving_points(2, 30, 600)
    uv[1, 4:] = uv[1, :-4].copy()
    long, short = (scan_offset(rig, uv[:, :n], 1) for n in (600, 75))
    assert long.is_late
    assert long.lag == pytest.approx(4, abs=0.5)
    assert long.sureness > 3
    assert not short.is_late
    assert not short.is_clear
    assert short.sureness == 0

"""Calibration from corners against known cameras, and what is refused."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mystax.compute.bundle import Bundle, bundle_residuals
from mystax.compute.calibration import Calibrated, calibrate
from mystax.compute.calibration_start import calibrate_camera, homography, pose_of_homography
from mystax.compute.kernels.bundle import accumulate
from mystax.core.rig_model import RigModel, make_rig
from mystax.core.rotations import rigid_fit, rotation_of
from mystax.errors import NumbersError
from mystax.io.rig import rig_from_toml, rig_to_toml
from tests.fixtures.rigs import SIZE, board_views, error_of, points_about, rig_of

FACE = points_about(15, 500)
"""Points that rigs are judged by [mm]."""


@cache
def calibrated(n_cameras: int, n_views: int) -> tuple[RigModel, Calibrated]:
    """Return a rig, and what is found from plain views of a board; nothing in it may be changed."""
    truth, board, uv = board_views(n_cameras, n_views)
    return truth, calibrate(truth.names, [SIZE] * n_cameras, uv, board)


@pytest.mark.parametrize(("n_cameras", "n_views", "most"), [(2, 60, 0.008), (4, 40, 0.003)])
def test_rig_is_recovered(n_cameras: int, n_views: int, most: float) -> None:
    truth, found = calibrated(n_cameras, n_views)
    assert error_of(found.rig, truth, FACE) <= most
    np.testing.assert_allclose(found.rms, 0.3, atol=0.01)


def test_two_calibrations_give_equal_bits() -> None:
    truth, board, uv = board_views(2, 30)
    a, b = (calibrate(truth.names, [SIZE] * 2, uv, board) for _ in range(2))
    np.testing.assert_array_equal(a.rig.rows(), b.rig.rows())


def test_stated_deviations_hold_the_truth() -> None:
    off = []
    for seed in range(4):
        truth, board, uv = board_views(2, 40, seed=seed)
        found = calibrate(truth.names, [SIZE] * 2, uv, board, model="pinhole")
        for ours, theirs in zip(found.rig.cameras, truth.cameras, strict=True):
            off += [
                (ours.matrix[i, j] - theirs.matrix[i, j]) / ours.sd[name]
                for i, j, name in ((0, 0, "fx"), (0, 2, "cx"), (1, 2, "cy"))
            ]
            off.append((ours.distortion[0] - theirs.distortion[0]) / ours.sd["k1"])
    assert (np.abs(off) < 3).mean() >= 0.95
    assert np.std(off) > 0.3  # and they are not merely wide


def test_numbers_that_the_pictures_cannot_tell_are_fixed_and_said() -> None:
    _, found = calibrated(2, 60)
    assert "k2" in found.fixed
    assert all(camera.distortion[1] == 0 for camera in found.rig.cameras)


def test_cameras_that_never_share_a_view_are_named() -> None:
    truth, board, uv = board_views(3, 30)
    uv[2, :15] = np.nan
    uv[:2, 15:] = np.nan
    with pytest.raises(NumbersError, match="cam2") as refused:
        calibrate(truth.names, [SIZE] * 3, uv, board)
    assert refused.value.code == "N311"
    assert "cam0, cam1 | cam2" in refused.value.got


def test_fewer_than_three_views_are_refused() -> None:
    truth, board, uv = board_views(2, 30)
    uv[1, 2:] = np.nan
    with pytest.raises(NumbersError, match="2 views") as refused:
        calibrate(truth.names, [SIZE] * 2, uv, board)
    assert refused.value.code == "N311"


def test_views_with_wrong_corners_are_left_out() -> None:
    truth, board, uv = board_views(2, 40)
    uv[0, 7] += np.random.default_rng(0).normal(0, 30, uv[0, 7].shape)
    found = calibrate(truth.names, [SIZE] * 2, uv, board)
    assert 7 in found.left_views
    assert error_of(found.rig, truth, FACE) < 0.02


def test_view_that_is_wrong_in_all_cameras_is_left_out() -> None:
    truth, board, uv = board_views(2, 30)
    rng = np.random.default_rng(0)
    uv[:, 7] += rng.normal(0, 60, uv[:, 7].shape)
    found = calibrate(truth.names, [SIZE] * 2, uv, board)
    assert found.left_views == (7,)
    assert np.isnan(found.residual[:, 7]).all()
    assert error_of(found.rig, truth, FACE) < 0.02
    np.testing.assert_allclose(found.rms, 0.3, atol=0.02)


def test_views_of_a_board_turned_by_half_a_turn_are_resolved() -> None:
    truth, board, uv = board_views(2, 40)
    uv[1, ::3] = uv[1, ::3, ::-1]
    found = calibrate(truth.names, [SIZE] * 2, uv, board, turnable=True)
    assert error_of(found.rig, truth, FACE) < 0.01


@pytest.mark.parametrize("model", ["auto", "pinhole-k1"])
def test_lenses_are_kept_where_the_views_disagree_and_hold_no_number_that_is_said_to_be_fixed(
    model: str,
) -> None:
    truth, board, uv = board_views(2, 40)
    rng = np.random.default_rng(1)
    uv[1] += rng.normal(0, 3, (40, 1, 2))  # pictures of the second camera were taken a moment later
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model=model)
    assert any("disagree" in remark for remark in found.remarks)
    assert "k2" in found.fixed
    for ours, theirs in zip(found.rig.cameras, truth.cameras, strict=True):
        lens = dict(zip(("k1", "k2", "p1", "p2"), ours.distortion, strict=False))
        assert all(lens[name] == 0 for name in found.fixed if name in lens)
        assert ours.matrix[0, 0] == pytest.approx(theirs.matrix[0, 0], rel=0.02)


def test_homography_and_pose_are_exact_without_noise() -> None:
    board = np.array([[x, y, 0.0] for y in range(4) for x in range(5)]) * 10
    turn, shift = rotation_of(np.array([0.3, -0.4, 0.1])), np.array([-5.0, 3, 200])
    places = board @ turn.T + shift
    pixels = 900 * places[:, :2] / places[:, 2:] + np.array([320, 240.0])
    pose = pose_of_homography(homography(board[:, :2], pixels), 900, np.array([320, 240.0]))
    np.testing.assert_allclose(pose[:9].reshape(3, 3), turn, atol=1e-9)
    np.testing.assert_allclose(pose[9:], shift, atol=1e-6)


def bent_board() -> np.ndarray:
    """What a sheet of paper is off: corners 0.05 mm in the plane, 0.6 mm bent up at both ends."""
    x, y = np.meshgrid(np.arange(1, 10), np.arange(1, 7))
    off = np.random.default_rng(7).normal(0, 0.05, (x.size, 3))
    off[:, 2] += 0.6 * ((x.ravel() - 5) / 4) ** 2 * (1 + 0.2 * y.ravel())
    return off


def focal_errors(found: RigModel, truth: RigModel) -> np.ndarray:
    """How far fx and cx of all cameras are from the truth, in stated deviations."""
    return np.array(
        [
            (ours.matrix[0, k] - theirs.matrix[0, k]) / ours.sd[name]
            for ours, theirs in zip(found.cameras, truth.cameras, strict=True)
            for k, name in ((0, "fx"), (2, "cx"))
        ]
    )


def test_bent_board_is_found_with_the_cameras() -> None:
    off = bent_board()
    truth, board, uv = board_views(2, 16, off=off)
    plain = calibrate(truth.names, [SIZE] * 2, uv, board)
    found = calibrate(truth.names, [SIZE] * 2, uv, board, board_error=0.3)
    assert np.abs(focal_errors(plain.rig, truth)).max() > 5
    assert np.abs(focal_errors(found.rig, truth)).max() < 3
    np.testing.assert_allclose(found.rms, 0.3, atol=0.015)
    turn, shift = rigid_fit(found.board, board + off)
    left = found.board @ turn.T + shift - board - off
    left -= left.mean(axis=0)
    assert np.sqrt((left**2).mean()) < 0.2 * np.sqrt((off**2).mean())


def test_exact_board_stays_where_it_is() -> None:
    truth, board, uv = board_views(2, 40)
    found = calibrate(truth.names, [SIZE] * 2, uv, board, board_error=0.1)
    assert np.sqrt(np.mean((found.board - board) ** 2)) < 0.03
    assert error_of(found.rig, truth, FACE) < 0.02
    np.testing.assert_allclose(found.rms, 0.3, atol=0.015)
    np.testing.assert_array_equal(calibrated(2, 60)[1].board, board)


def test_third_radial_number_is_found_where_it_is_asked_for() -> None:
    lens = np.array([-0.12, 0.03, 5e-4, -5e-4, 0.9])
    wide = [
        replace(camera, matrix=camera.matrix * [[0.6], [0.6], [1.0]] + [[0, 0, 256], [0, 0, 205], [0, 0, 0]])
        for camera in rig_of(2).cameras
    ]
    truth = make_rig([replace(camera, distortion=lens) for camera in wide])
    _, board, uv = board_views(2, 60, rig=near(truth))
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model="pinhole", k3=True)
    plain = calibrate(truth.names, [SIZE] * 2, uv, board, model="pinhole")
    for camera in found.rig.cameras:
        assert abs(camera.distortion[4] - 0.9) < 4 * camera.sd["k3"]
        assert camera.sd["k3"] < 0.2
    assert max(found.rms) < 0.31
    assert max(plain.rms) > max(found.rms) + 0.01
    assert all(camera.distortion[4] == 0 and "k3" not in camera.sd for camera in plain.rig.cameras)


def near(rig: RigModel) -> RigModel:
    """The same cameras at a third of their distance: the board fills the pictures."""
    return make_rig([replace(camera, translation=camera.translation / 3) for camera in rig.cameras])


def test_third_radial_number_that_cannot_be_told_is_fixed_and_said() -> None:
    truth, board, uv = board_views(2, 30)
    found = calibrate(truth.names, [SIZE] * 2, uv, board, k3=True)
    assert "k3" in found.fixed
    assert all(camera.distortion[4] == 0 for camera in found.rig.cameras)


def fisheye_rig(n: int) -> RigModel:
    """Cameras that see 120 degrees across, 60 mm from the middle."""
    lens = np.array([0.04, -0.01, 0.0, 0.0])
    cameras = []
    for k, camera in enumerate(rig_of(n).cameras):
        matrix = np.array([[600.0 + 5 * k, 0, 648 - 4 * k], [0, 602.0, 506], [0, 0, 1]])
        near_by = camera.translation / 5
        cameras.append(replace(camera, matrix=matrix, distortion=lens, is_fisheye=True, translation=near_by))
    return make_rig(cameras)


def test_fisheye_lenses_are_recovered() -> None:
    truth, board, uv = board_views(2, 30, rig=fisheye_rig(2))
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model="fisheye")
    assert error_of(found.rig, truth, FACE) < 0.02
    np.testing.assert_allclose(found.rms, 0.3, atol=0.02)
    for ours, theirs in zip(found.rig.cameras, truth.cameras, strict=True):
        assert ours.is_fisheye
        assert ours.distortion.shape == (4,)
        for name, i, j in (("fx", 0, 0), ("fy", 1, 1), ("cx", 0, 2), ("cy", 1, 2)):
            assert abs(ours.matrix[i, j] - theirs.matrix[i, j]) < 4 * ours.sd[name]
        assert np.abs(ours.distortion[:2] - theirs.distortion[:2]).max() < 0.01
        assert ours.sd["k1"] < 0.01
    plain = calibrate(truth.names, [SIZE] * 2, uv, board, model="pinhole")
    assert max(plain.rms) > 1.1 * max(found.rms)


@pytest.mark.slow
def test_four_numbers_of_a_fisheye_lens_are_found_where_they_are_asked_for() -> None:
    lens = np.array([0.05, -0.06, 0.2, -0.1])
    truth = make_rig([replace(camera, distortion=lens) for camera in fisheye_rig(2).cameras])
    truth, board, uv = board_views(2, 40, rig=truth)
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model="fisheye", k3=True)
    assert found.fixed == ()
    assert error_of(found.rig, truth, FACE) < 0.02
    for ours in found.rig.cameras:
        assert list(ours.sd) == ["fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"]
        for k in range(4):
            assert abs(ours.distortion[k] - lens[k]) < 4 * ours.sd[f"k{k + 1}"]
    again = rig_from_toml(rig_to_toml(found.rig))
    np.testing.assert_allclose(again.rows(), found.rig.rows(), rtol=0, atol=1e-12)
    plain = calibrate(truth.names, [SIZE] * 2, uv, board, model="fisheye")
    assert max(plain.rms) > max(found.rms) + 0.003
    assert error_of(plain.rig, truth, FACE) > 3 * error_of(found.rig, truth, FACE)
    assert all("k3" not in camera.sd and not camera.distortion[2:].any() for camera in plain.rig.cameras)


def test_numbers_of_a_fisheye_lens_that_cannot_be_told_are_fixed_and_said() -> None:
    lens = np.array([0.04, -0.01, 0.0, 0.0])
    narrow = make_rig([replace(item, distortion=lens, is_fisheye=True) for item in rig_of(2).cameras])
    truth, board, uv = board_views(2, 20, rig=narrow)
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model="fisheye", k3=True)
    assert found.fixed == ("k4", "k3")
    assert not any(camera.distortion[2:].any() for camera in found.rig.cameras)


def test_fisheye_rig_is_written_and_read_back() -> None:
    truth, board, uv = board_views(2, 20, rig=fisheye_rig(2))
    found = calibrate(truth.names, [SIZE] * 2, uv, board, model="fisheye").rig
    again = rig_from_toml(rig_to_toml(found))
    assert again.fisheye().all()
    np.testing.assert_allclose(again.rows(), found.rows(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("is_fisheye", [False, True])
def test_slopes_of_the_adjustment_are_those_of_differences(is_fisheye: bool) -> None:
    """A small step of every number lowers the residuals as the gradient says."""
    truth, board, uv = board_views(1, 3, rig=fisheye_rig(1) if is_fisheye else rig_of(1))
    lens = np.array([0.04, -0.01, 0.002, -0.001, 0.0]) if is_fisheye else truth.cameras[0].distortion
    single = calibrate_camera(uv[0], board, SIZE, is_fisheye=is_fisheye)
    bundle = replace(single, poses=single.poses[:3], uv=np.ascontiguousarray(single.uv[:, :3]))
    bundle.rows[0, 16:21] = lens
    gradient = camera_gradient(bundle)
    for column in range(15 - int(is_fisheye)):
        step = np.zeros((1, 15))
        step[0, column] = 1e-6 * max(abs(bundle.rows[0, 6 + column]) if column > 5 else 1.0, 1e-2)
        costs = [
            float(np.nansum(bundle_residuals(replace(bundle, rows=moved(bundle.rows, sign * step))) ** 2))
            for sign in (1, -1)
        ]
        assert (costs[0] - costs[1]) / (2 * step[0, column]) == pytest.approx(
            -2 * gradient[column], rel=1e-4, abs=1e-3 * np.abs(gradient).max() * 1e-3
        )


def moved(rows: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Numbers of a camera after a small step: turned from the left, the rest added."""
    out = rows.copy()
    out[0, :9] = (rotation_of(step[0, :3]) @ rows[0, :9].reshape(3, 3)).ravel()
    out[0, 9:21] += step[0, 3:]
    return out


def camera_gradient(bundle: Bundle) -> np.ndarray:
    """Return J^T e of the one camera, by the kernel."""
    n_views = bundle.uv.shape[1]
    u, w = np.empty((1, 15, 15)), np.empty((1, n_views, 15, 6))
    vv, gc, gv = np.empty((n_views, 6, 6)), np.empty((1, 15)), np.empty((n_views, 6))
    accumulate(bundle.rows, bundle.is_fisheye, bundle.poses, bundle.board, bundle.uv, 1e9, u, w, vv, gc, gv)
    return np.asarray(gc[0])

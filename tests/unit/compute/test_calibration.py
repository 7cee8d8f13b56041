"""Calibration from corners against known cameras, and what is refused."""

import numpy as np
import pytest

from mystax.compute.calibration import calibrate
from mystax.compute.calibration_start import homography, pose_of_homography
from mystax.compute.projection import project_rig
from mystax.compute.triangulation import triangulate
from mystax.core.rig_model import RigModel
from mystax.core.rotations import rigid_fit, rotation_of
from mystax.errors import NumbersError
from tests.fixtures.rigs import SIZE, board_views


def error_of(found: RigModel, truth: RigModel) -> float:
    """Median error [mm] of noise-free points through the estimated cameras, after rigid alignment."""
    points = np.random.default_rng(5).uniform(-15, 15, (500, 3))
    pixels = project_rig(truth, points)
    precision = np.tile(np.array([1.0, 0, 1]), (len(pixels), 500, 1))
    place = triangulate(found, pixels, precision, robust=False).position
    turn, shift = rigid_fit(place, points)
    return float(np.median(np.linalg.norm(place @ turn.T + shift - points, axis=1)))


@pytest.mark.parametrize(("n_cameras", "most"), [(2, 0.008), (4, 0.003)])
def test_rig_is_recovered(n_cameras: int, most: float) -> None:
    truth, board, uv = board_views(n_cameras)
    found = calibrate(truth.names, [SIZE] * n_cameras, uv, board)
    assert error_of(found.rig, truth) <= most
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
    truth, board, uv = board_views(2, 100)
    found = calibrate(truth.names, [SIZE] * 2, uv, board)
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
    assert error_of(found.rig, truth) < 0.02


def test_views_of_a_board_turned_by_half_a_turn_are_resolved() -> None:
    truth, board, uv = board_views(2, 40)
    uv[1, ::3] = uv[1, ::3, ::-1]
    found = calibrate(truth.names, [SIZE] * 2, uv, board, turnable=True)
    assert error_of(found.rig, truth) < 0.01


def test_lenses_are_kept_where_the_views_of_the_cameras_disagree() -> None:
    truth, board, uv = board_views(2, 40)
    rng = np.random.default_rng(1)
    uv[1] += rng.normal(0, 3, (40, 1, 2))  # pictures of the second camera were taken a moment later
    found = calibrate(truth.names, [SIZE] * 2, uv, board)
    assert any("disagree" in remark for remark in found.remarks)


def test_homography_and_pose_are_exact_without_noise() -> None:
    board = np.array([[x, y, 0.0] for y in range(4) for x in range(5)]) * 10
    turn, shift = rotation_of(np.array([0.3, -0.4, 0.1])), np.array([-5.0, 3, 200])
    places = board @ turn.T + shift
    pixels = 900 * places[:, :2] / places[:, 2:] + np.array([320, 240.0])
    pose = pose_of_homography(homography(board[:, :2], pixels), 900, np.array([320, 240.0]))
    np.testing.assert_allclose(pose[:9].reshape(3, 3), turn, atol=1e-9)
    np.testing.assert_allclose(pose[9:], shift, atol=1e-6)

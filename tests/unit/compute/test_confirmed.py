"""What cameras and neighbouring frames confirm, against worlds whose outliers are known."""

import numpy as np
import pytest

from mystax.compute.confirmed import confirmed_pixels, share_of_lost_frames
from mystax.compute.projection import project_rig
from mystax.compute.triangulation import Triangulated, triangulate
from tests.fixtures.rigs import moving_points


def seen(
    n_cameras: int, *, outliers: bool, n: int = 400
) -> tuple[Triangulated, np.ndarray, np.ndarray, np.ndarray]:
    """Triangulate a point that rests and, for a second of eight, swings 2 mm at 8 Hz (100 frames/s)."""
    rig, _, _, _ = moving_points(n_cameras, 100, 2)
    generator = np.random.default_rng(1)
    times = np.arange(n) / 100
    truth = np.zeros((n, 3))
    truth[:, 1] = 2 * np.sin(2 * np.pi * 8 * times) * (times % 2 < 0.25)
    uv = project_rig(rig, truth) + generator.normal(0, 0.5, (n_cameras, n, 2))
    off = np.zeros((n_cameras, n), np.bool_)
    if outliers:
        # along the line of sight of the other camera, where two cameras cannot contradict each other
        far = project_rig(rig, truth + np.array([0.0, 0.0, 40.0]))
        off[0, 7::40] = True
        own = project_rig(rig, truth)
        direction = far[0] - own[0]
        direction /= np.linalg.norm(direction, axis=1)[:, None]
        uv[0, off[0]] += 60 * direction[off[0]]
    precision = np.tile(np.array([4.0, 0, 4.0]), (n_cameras, n, 1))
    return triangulate(rig, uv, precision), times, off, truth


@pytest.mark.parametrize("n_cameras", [2, 3])
def test_movement_that_the_cameras_agree_on_is_confirmed(n_cameras: int) -> None:
    found, times, _, _ = seen(n_cameras, outliers=False)
    assert confirmed_pixels(found, times).mean() > 0.97


def test_places_that_jump_there_and_back_are_not_confirmed_by_two_cameras() -> None:
    found, times, off, truth = seen(2, outliers=True)
    confirmed = confirmed_pixels(found, times)
    wrong = np.linalg.norm(found.position - truth, axis=1) > 5
    assert wrong.sum() >= 5  # the cameras agree on some of them
    assert not confirmed[:, wrong].any()
    assert confirmed[:, ~off[0]].mean() > 0.95


def test_what_one_camera_sees_or_nobody_is_not_confirmed() -> None:
    rig, times, _, uv = moving_points(3, 50, 40, outliers=0.0)
    uv[1:, 5, 0] = np.nan
    uv[:, 6, 0] = np.nan
    flat = np.ascontiguousarray(uv[:, :, 0])
    confirmed = confirmed_pixels(triangulate(rig, flat, np.tile(np.array([1.0, 0, 1]), (3, 40, 1))), times)
    assert not confirmed[:, 5:7].any()
    np.testing.assert_array_equal(confirmed & ~np.isfinite(flat[..., 0]), False)


def test_share_of_places_that_a_path_passes_by() -> None:
    found, times, _, truth = seen(3, outliers=False)
    confirmed = confirmed_pixels(found, times)
    assert share_of_lost_frames(truth, found, confirmed) == 0
    moved = np.abs(truth[:, 1]) > 1.0
    assert share_of_lost_frames(0 * truth, found, confirmed) >= moved.mean()
    assert share_of_lost_frames(np.full_like(truth, np.nan), found, confirmed) == 0
    once = truth.copy()
    once[[20, 200]] += 5
    assert share_of_lost_frames(once, found, confirmed) == 0
    once[300] += 5
    assert share_of_lost_frames(once, found, confirmed) == pytest.approx(3 / confirmed.any(axis=0).sum())

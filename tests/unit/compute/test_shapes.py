"""Shapes: aligned without place, size and turn; a wild point is the one that stands out."""

from pathlib import Path

import numpy as np
import pytest

from mystax.compute.shapes import fit_shapes, ledoit_wolf, shape_residuals
from mystax.errors import NumbersError

FACE = np.array([[0, 0], [10, 2], [20, 0], [5, 12], [15, 12], [10, 20]], float)


def faces(n: int, seed: int, sd: float = 0.4) -> np.ndarray:
    """Draw noisy faces at random places, sizes and turns."""
    rng = np.random.default_rng(seed)
    angle, size = rng.uniform(0, 2 * np.pi, n), rng.uniform(0.5, 3, n)
    turn = size[:, None, None] * np.stack(
        [np.stack([np.cos(angle), np.sin(angle)], -1), np.stack([-np.sin(angle), np.cos(angle)], -1)], 1
    )
    shape = FACE + rng.normal(size=(n, *FACE.shape)) * sd
    return np.asarray(np.einsum("nki,nij->nkj", shape, turn) + rng.uniform(-100, 100, (n, 1, 2)))


def test_shrunk_covariance_is_that_of_the_formula_written_out() -> None:
    values = np.random.default_rng(0).normal(size=(12, 5)) * [1, 2, 3, 4, 5]
    n, p = values.shape
    sample = values.T @ values / n
    level = np.trace(sample) / p
    spread = np.linalg.norm(sample - level * np.eye(p)) ** 2 / p
    noise = sum(np.linalg.norm(np.outer(x, x) - sample) ** 2 for x in values) / n**2 / p
    share = min(noise, spread) / spread
    np.testing.assert_allclose(ledoit_wolf(values), (1 - share) * sample + share * level * np.eye(p))


def test_samples_without_spread_keep_their_covariance() -> None:
    np.testing.assert_array_equal(ledoit_wolf(np.zeros((4, 3))), np.zeros((3, 3)))


def test_mean_shape_is_the_face_whatever_its_place_size_and_turn() -> None:
    model = fit_shapes(faces(200, 1))
    face = FACE[:, 0] + 1j * FACE[:, 1]
    face = face - face.mean()
    factor = (np.conj(face) * model.mean).sum() / (np.abs(face) ** 2).sum()
    size = np.sqrt((np.abs(model.mean - model.mean.mean()) ** 2).mean())
    assert np.abs(factor * face - (model.mean - model.mean.mean())).max() < 0.01 * size


def test_residuals_of_good_faces_are_those_of_a_normal_distribution() -> None:
    model = fit_shapes(faces(2000, 2))
    squared = shape_residuals(model, faces(2000, 3)) ** 2
    # chi-square with two degrees of freedom: mean 2, 90 % below 4.61; shrinkage makes it a little smaller
    assert squared.mean() == pytest.approx(2.0, rel=0.25)
    assert (squared < 4.61).mean() == pytest.approx(0.9, abs=0.04)


def test_wild_point_stands_out() -> None:
    model = fit_shapes(faces(200, 4))
    wrong = faces(50, 5)
    which = np.arange(50) % len(FACE)
    size = np.ptp(wrong[..., 0], axis=1)
    wrong[np.arange(50), which, 0] += 0.4 * size
    residual = shape_residuals(model, wrong)
    assert (np.argmax(residual, 1) == which).mean() > 0.9
    assert np.median(residual[np.arange(50), which]) > 4


def test_residual_does_not_depend_on_place_size_and_turn() -> None:
    model = fit_shapes(faces(100, 6))
    one = faces(5, 7)
    moved = one @ np.array([[0, 3.0], [-3.0, 0]]) + 50
    np.testing.assert_allclose(shape_residuals(model, one), shape_residuals(model, moved), rtol=1e-9)


def test_missing_points_are_no_obstacle() -> None:
    rng = np.random.default_rng(8)
    some = faces(400, 9)
    some[rng.uniform(size=some.shape[:2]) < 0.2] = np.nan
    model = fit_shapes(some)
    residual = shape_residuals(model, some)
    others = np.isfinite(some[..., 0]).sum(1, keepdims=True) - 1 >= 3
    np.testing.assert_array_equal(np.isfinite(residual), np.isfinite(some[..., 0]) & others)
    assert np.nanmean(residual**2) == pytest.approx(2.0, rel=0.3)


def test_points_that_are_not_trusted_do_not_speak_for_others() -> None:
    model = fit_shapes(faces(200, 10))
    one = faces(1, 11)
    spoiled = one.copy()
    spoiled[0, 0] += 500
    trusted = np.ones((1, len(FACE)), bool)
    trusted[0, 0] = False
    np.testing.assert_allclose(
        shape_residuals(model, spoiled, trusted)[0, 1:], shape_residuals(model, one, trusted)[0, 1:]
    )


def test_point_that_is_never_labelled_does_no_harm() -> None:
    some = faces(100, 12)
    some[:, 2] = np.nan
    residual = shape_residuals(fit_shapes(some), some)
    assert np.isnan(residual[:, 2]).all()
    assert np.isfinite(np.delete(residual, 2, 1)).all()


def test_too_few_shapes_are_refused() -> None:
    with pytest.raises(NumbersError, match=r"N303.*10 frames of 3 points"):
        fit_shapes(faces(9, 13))


def test_frames_with_all_points_in_one_place_are_no_shapes() -> None:
    some = faces(100, 14)
    corner = np.broadcast_to([395.5, 405.5], (20, *FACE.shape))
    mixed = np.concatenate([corner, some])
    model, alone = fit_shapes(mixed), fit_shapes(some)
    np.testing.assert_array_equal(model.mean, alone.mean)
    np.testing.assert_array_equal(model.covariance, alone.covariance)
    assert np.isnan(shape_residuals(model, mixed)[:20]).all()
    with pytest.raises(NumbersError, match=r"N303.*10 frames of 3 points"):
        fit_shapes(np.asarray(corner))


@pytest.mark.needs_data
def test_real_labels_are_like_each_other(real_data: Path) -> None:
    from mystax.io.formats.keypoint_csv import read_keypoint_csv

    place = read_keypoint_csv(real_data / "mouse_faces" / "labels.csv").position[:, 0]
    residual = shape_residuals(fit_shapes(place), place)
    assert np.median(residual) < 2
    swapped = place.copy()
    swapped[:, [0, 2]] = swapped[:, [2, 0]]  # upper and lower lid
    worse = shape_residuals(fit_shapes(place), swapped)[:, [0, 2]]
    assert np.median(worse) > 3 * np.median(residual[:, [0, 2]])

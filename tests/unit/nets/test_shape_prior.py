"""Shapes: alignment, shrinkage, and distances against a Gaussian worked out with NumPy."""

import numpy as np
import pytest

from mystax.nets.shape_prior import ShapePrior, align, fit_shape_prior, shrunk_covariance

BASE = np.random.default_rng(0).uniform(-1, 1, (7, 2))


def _turned(
    shape: np.ndarray, angle: float, scale: float, shift: tuple[float, float], mirror: bool
) -> np.ndarray:
    x, y = shape[..., 0] * (-1 if mirror else 1), shape[..., 1]
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.stack((c * x - s * y + shift[0], s * x + c * y + shift[1]), axis=-1)


def _many(rng: np.random.Generator, n: int, spread: float, *, mirror: bool = True) -> np.ndarray:
    shapes = BASE + rng.normal(0, spread, (n, 7, 2))
    return np.stack(
        [
            _turned(
                s,
                rng.uniform(-3, 3),
                rng.uniform(5, 50),
                tuple(rng.uniform(0, 200, 2)),
                mirror and rng.random() < 0.5,
            )
            for s in shapes
        ]
    )


@pytest.mark.parametrize("mirror", [False, True])
def test_moved_shapes_are_laid_back_onto_their_target(mirror: bool) -> None:
    moved = _turned(BASE, 2.2, 31.0, (100.0, -7.0), mirror)
    np.testing.assert_allclose(align(moved, BASE, np.ones(7), can_mirror=True), BASE, atol=1e-10)


def test_mirror_images_stay_apart_where_sides_have_names() -> None:
    moved = _turned(BASE, 0.0, 1.0, (0, 0), True)
    assert np.abs(align(moved, BASE, np.ones(7), can_mirror=False) - BASE).max() > 0.3


def test_points_without_weight_do_not_pull() -> None:
    moved = _turned(BASE, 1.0, 3.0, (4, 5), False)
    moved[2] += 1000
    weight = np.ones(7)
    weight[2] = 0
    laid = align(moved, BASE, weight, can_mirror=False)
    np.testing.assert_allclose(np.delete(laid, 2, axis=0), np.delete(BASE, 2, axis=0), atol=1e-9)


def test_shrinkage_equals_the_textbook_and_vanishes_for_many_samples() -> None:
    rng = np.random.default_rng(1)
    truth = np.diag([4.0, 1.0, 0.25])
    values = rng.normal(size=(40, 3)) @ np.sqrt(truth)
    centred = values - values.mean(axis=0)
    sample = centred.T @ centred / 40
    level = np.trace(sample) / 3
    delta = ((sample - level * np.eye(3)) ** 2).sum()
    beta = sum(((np.outer(v, v) - sample) ** 2).sum() for v in centred) / 40**2
    expected = sample + min(beta / delta, 1) * (level * np.eye(3) - sample)
    np.testing.assert_allclose(shrunk_covariance(values), expected)
    many = rng.normal(size=(200_000, 3)) @ np.sqrt(truth)
    np.testing.assert_allclose(shrunk_covariance(many), truth, atol=0.06)  # 5 standard errors


def test_residuals_of_true_shapes_have_the_size_that_two_dimensions_give() -> None:
    rng = np.random.default_rng(2)
    prior = fit_shape_prior(_many(rng, 800, 0.05), np.ones((800, 7), np.bool_), can_mirror=True)
    assert prior is not None
    squared = prior.residuals(_many(rng, 500, 0.05), np.ones((500, 7), np.bool_)) ** 2
    # Chi-square with 2 degrees of freedom: mean 2, 90 % below 4.6.
    assert squared.mean() == pytest.approx(2.0, abs=0.35)
    assert np.mean(squared < 4.605) == pytest.approx(0.9, abs=0.03)


def test_a_displaced_point_stands_out_and_its_neighbours_do_not() -> None:
    rng = np.random.default_rng(3)
    prior = fit_shape_prior(_many(rng, 500, 0.03), np.ones((500, 7), np.bool_), can_mirror=True)
    assert prior is not None
    wrong = _many(rng, 200, 0.03)
    size = np.linalg.norm(wrong - wrong.mean(axis=1, keepdims=True), axis=-1).mean(axis=1)
    wrong[:, 4] += 1.5 * size[:, None] * np.array([0.6, 0.8])
    residual = prior.residuals(wrong, np.ones((200, 7), np.bool_))
    assert np.median(residual[:, 4]) > 10
    assert np.median(np.delete(residual, 4, axis=1)) < 4
    assert np.mean(residual.argmax(axis=1) == 4) > 0.97


def test_residual_is_the_conditional_gaussians_distance() -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(0, 1e-4, (10, 10))
    factors = root.astype(np.float32)
    mean = (BASE[:5] - BASE[:5].mean(axis=0)).astype(np.float32)
    prior = ShapePrior(mean=mean, factors=factors, noise=1e-9, can_mirror=False)
    seen = np.array([[True, True, True, False, True]])
    covariance = prior.covariance
    # Deviations far below the shape's size, so that laying the shape onto the mean does next to nothing but
    # take off shift, turn and size: compare on deviations that have none of them.
    basis = np.concatenate((np.ones((5, 1)) * [[1, 0]], np.ones((5, 1)) * [[0, 1]])).reshape(2, 10)
    turn = np.stack((-mean[:, 1], mean[:, 0]), axis=-1).ravel()
    space = np.stack((*basis, mean.ravel(), turn)).astype(float)
    keep = np.repeat(seen[0], 2)
    free = space[:, keep]
    deviation = rng.normal(0, 1e-5, keep.sum())
    deviation -= free.T @ np.linalg.lstsq(free.T, deviation, rcond=None)[0]
    whole = np.zeros(10)
    whole[keep] = deviation
    got = prior.residuals((mean.ravel() + whole).reshape(1, 5, 2).astype(np.float64), seen)
    for k in range(5):
        own = np.array([2 * k, 2 * k + 1])
        others = np.setdiff1d(np.flatnonzero(keep), own)
        gain = covariance[np.ix_(own, others)] @ np.linalg.inv(covariance[np.ix_(others, others)])
        rest = whole[own] - gain @ whole[others]
        spread = covariance[np.ix_(own, own)] - gain @ covariance[np.ix_(others, own)]
        assert got[0, k] == pytest.approx(float(np.sqrt(rest @ np.linalg.solve(spread, rest))), rel=0.05)


def _laid(prior: ShapePrior, shape: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets from the mean after alignment, and their squares in units of the usual ones."""
    mean = prior.mean.astype(float)
    away = align(shape, mean, weight, prior.can_mirror) - mean
    return away, (away**2).sum(axis=1) / prior.spread


def _upper_median(values: np.ndarray) -> float:
    return float(np.sort(values)[len(values) // 2])


def _residuals_one_by_one(prior: ShapePrior, shape: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return residuals of one shape, step by step and point by point."""
    n = len(seen)
    weight = seen.astype(float)
    _, misfit = _laid(prior, shape, weight)
    if misfit[seen].max() > 6:
        tried = [_upper_median(misfit[seen])]
        for k in np.flatnonzero(seen):
            without = np.where(np.arange(n) == k, 0.0, seen)
            tried.append(_upper_median(_laid(prior, shape, without)[1][seen]))
        if np.argmin(tried) > 0:
            weight[np.flatnonzero(seen)[np.argmin(tried) - 1]] = 0
    for _ in range(6):
        away, misfit = _laid(prior, shape, weight)
        usual = max(4.0, _upper_median(misfit[seen]))
        weight = np.where(seen, 1 / (1 + misfit / usual) ** 2, 0.0)
    noise = prior.spread * np.maximum(misfit - 6, 0)
    found = np.zeros(n)
    for point in range(n):
        own = np.array([2 * point, 2 * point + 1])
        others = np.setdiff1d(np.flatnonzero(np.repeat(seen, 2)), own)
        sure = prior.covariance[np.ix_(others, others)] + np.diag(noise[others // 2])
        gain = prior.covariance[np.ix_(own, others)] @ np.linalg.inv(sure)
        rest = away.ravel()[own] - gain @ away.ravel()[others]
        spread = prior.covariance[np.ix_(own, own)] - gain @ prior.covariance[np.ix_(others, own)]
        found[point] = np.sqrt(rest @ np.linalg.solve(spread, rest))
    return found


@pytest.mark.parametrize("can_mirror", [False, True])
def test_residuals_equal_those_of_each_shape_by_itself(can_mirror: bool) -> None:
    """Points that are missing, wild or both, and shapes with neither, in one call and one by one."""
    rng = np.random.default_rng(11)
    prior = fit_shape_prior(_many(rng, 300, 0.05), np.ones((300, 7), np.bool_), can_mirror=can_mirror)
    assert prior is not None
    shapes, seen = _many(rng, 60, 0.05), rng.random((60, 7)) < 0.85
    shapes += (rng.random((60, 7, 1)) < 0.08) * rng.normal(0, 40, (60, 7, 2))
    seen[0], seen[1] = True, [True, False, True, False, True, False, True]
    use = seen.sum(axis=1) >= 4
    shapes, seen = shapes[use], seen[use]
    found = prior.residuals(shapes, seen)
    expected = [_residuals_one_by_one(prior, *one) for one in zip(shapes, seen, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    alone = [prior.residuals(shapes[i : i + 1], seen[i : i + 1])[0] for i in range(len(shapes))]
    np.testing.assert_array_equal(found, alone)


def test_missing_points_are_filled_so_that_the_mean_shape_is_found() -> None:
    rng = np.random.default_rng(5)
    shapes = _many(rng, 600, 0.02)
    known = rng.random((600, 7)) < 0.75
    shapes[~known] = np.nan
    prior = fit_shape_prior(shapes, known, can_mirror=True)
    assert prior is not None
    laid = align(prior.mean.astype(float), BASE, np.ones(7), can_mirror=True)
    assert np.abs(laid - BASE).max() < 0.03


def test_too_few_shapes_or_points_give_no_prior() -> None:
    shapes = _many(np.random.default_rng(6), 9, 0.02)
    assert fit_shape_prior(shapes, np.ones((9, 7), np.bool_), can_mirror=True) is None
    assert fit_shape_prior(np.zeros((50, 3, 2)), np.ones((50, 3), np.bool_), can_mirror=True) is None


def test_fewer_than_four_seen_points_have_residual_zero() -> None:
    rng = np.random.default_rng(7)
    prior = fit_shape_prior(_many(rng, 50, 0.05), np.ones((50, 7), np.bool_), can_mirror=True)
    assert prior is not None
    seen = np.zeros((1, 7), np.bool_)
    seen[0, :3] = True
    assert prior.residuals(_many(rng, 1, 0.05), seen).tolist() == [[0.0] * 7]


def test_prior_survives_its_tensors() -> None:
    prior = fit_shape_prior(
        _many(np.random.default_rng(8), 50, 0.05), np.ones((50, 7), np.bool_), can_mirror=True
    )
    assert prior is not None
    back = ShapePrior.from_tensors(prior.tensors())
    assert back is not None
    np.testing.assert_allclose(back.covariance, prior.covariance, rtol=1e-5, atol=1e-9)
    assert back.can_mirror is True
    assert ShapePrior.from_tensors({}) is None

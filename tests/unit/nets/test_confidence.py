"""Calibration: known logistic laws and known normal errors are found again."""

from functools import cache

import numpy as np
import pytest

from mystax.compute.keypoint_errors import area_under_curve, calibration_error, ellipse_coverage
from mystax.nets.confidence import Calibration, features, fit_calibration, refit_calibration
from mystax.nets.decode import decode

SLOPES = np.array([1.2, -0.4, 0.5, 0.8, -0.6, 0.2])
INTERCEPTS = np.array([0.5, -1.0, 0.0, 2.0])


def _world(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Return features, windows, offsets and the true chance of a small error, for 4 points."""
    values = rng.normal(0, 1, (n, 4, 6))
    chance = 1 / (1 + np.exp(-(values @ SLOPES + INTERCEPTS)))
    window = np.stack(
        (rng.uniform(1, 4, (n, 4)), rng.uniform(-0.8, 0.8, (n, 4)), rng.uniform(1, 4, (n, 4))), axis=-1
    )
    is_good = rng.random((n, 4)) < chance
    direction = rng.normal(size=(n, 4, 2))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    offset = direction * np.where(is_good, 2.0, 40.0)[..., None]
    return values, window, offset, chance


def _fit(rng: np.random.Generator, n: int) -> Calibration:
    values, window, offset, _ = _world(rng, n)
    everywhere = np.ones((n, 4), np.bool_)
    return fit_calibration(values, window, offset, everywhere, everywhere, size=256)


@cache
def _precise() -> Calibration:
    """Return what many points teach; nothing in it may be changed."""
    return _fit(np.random.default_rng(0), 8000)


@cache
def _small() -> Calibration:
    """Return a fit where only its form matters; nothing in it may be changed."""
    return _fit(np.random.default_rng(9), 700)


def test_known_logistic_law_is_found_again() -> None:
    calibration = _precise()
    slopes = calibration.slopes / calibration.spread
    np.testing.assert_allclose(slopes, SLOPES, atol=0.06)
    intercepts = calibration.intercepts - slopes @ calibration.centre
    np.testing.assert_allclose(intercepts, INTERCEPTS, atol=0.1)


def test_confidence_is_the_chance_on_new_data() -> None:
    rng = np.random.default_rng(1)
    calibration = _fit(rng, 4000)
    values, _, offset, chance = _world(rng, 4000)
    confidence = calibration.confidence(values)
    is_good = np.linalg.norm(offset, axis=-1) <= 5
    assert np.abs(confidence - chance).mean() < 0.02
    assert calibration_error(confidence.ravel(), is_good.ravel()) < 0.02
    assert (
        area_under_curve(1 - confidence.ravel(), ~is_good.ravel())
        > area_under_curve(1 - chance.ravel(), ~is_good.ravel()) - 0.01
    )


def test_confidence_rises_with_the_score() -> None:
    calibration = _precise()
    assert len(calibration.knots) <= 32
    assert (np.diff(calibration.knots[:, 0]) > 0).all()
    assert (np.diff(calibration.knots[:, 1]) >= 0).all()


def test_labelled_points_that_are_absent_are_never_good() -> None:
    rng = np.random.default_rng(3)
    values, window, offset, _ = _world(rng, 1500)
    offset[:] = 0.1
    placed = values[..., 3] > 0  # in view exactly where the feature is positive
    calibration = fit_calibration(values, window, offset, placed, np.ones_like(placed), size=256)
    confidence = calibration.confidence(values)
    assert confidence[~placed].mean() < 0.1
    assert confidence[placed].mean() > 0.9


def test_unlabelled_points_do_not_count() -> None:
    rng = np.random.default_rng(4)
    values, window, offset, _ = _world(rng, 600)
    labelled = rng.random((600, 4)) < 0.7
    spoiled = offset.copy()
    spoiled[~labelled] = 1e4
    placed = np.ones_like(labelled)
    first, second = (
        fit_calibration(values, window, o, placed & labelled, labelled, size=256) for o in (offset, spoiled)
    )
    np.testing.assert_array_equal(first.slopes, second.slopes)
    np.testing.assert_array_equal(first.scale, second.scale)


@pytest.mark.parametrize("size", [128, 256])
def test_ellipses_hold_what_they_say(size: int) -> None:
    rng = np.random.default_rng(5)
    unit = size / 256
    truth_scale = np.array([1.0, 2.0, 0.7, 1.4])

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        window = np.stack(
            (rng.uniform(1, 9, (n, 4)), rng.uniform(-0.9, 0.9, (n, 4)), rng.uniform(1, 9, (n, 4))), axis=-1
        )
        wide = window + 1.5**2 * np.array([1, 0, 1])
        matrix = np.stack((wide[..., [0, 1]], wide[..., [1, 2]]), axis=-2)
        root = np.linalg.cholesky(matrix)
        offset = np.einsum("nkij,nkj->nki", root, rng.normal(size=(n, 4, 2))) * truth_scale[:, None]
        return window * unit**2, offset * unit

    window, offset = draw(3000)
    placed = np.ones((3000, 4), np.bool_)
    values = rng.normal(size=(3000, 4, 6))
    calibration = fit_calibration(values, window, offset, placed, placed, size=size)
    window, offset = draw(3000)
    found = calibration.covariance(window, calibration.confidence(values), size)
    truth = np.zeros((3000, 1, 2))
    for share in (0.5, 0.9):
        for k in range(4):
            covered = ellipse_coverage(offset[:, k : k + 1], found[:, k : k + 1], truth, share)
            assert covered == pytest.approx(share, abs=0.04)


def test_ellipses_hold_what_they_say_of_sure_and_of_doubtful_points() -> None:
    rng = np.random.default_rng(15)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values = np.zeros((n, 3, 6))
        values[..., 0] = rng.normal(0, 1.2, (n, 3))
        spread = 3.0 * np.exp(-values[..., 0])  # windows are equal; how far points are off is not
        offset = spread[..., None] * rng.normal(size=(n, 3, 2))
        return values, np.tile([2.0, 0.0, 2.0], (n, 3, 1)), offset

    values, window, offset = draw(4000)
    everywhere = np.ones((4000, 3), np.bool_)
    calibration = fit_calibration(values, window, offset, everywhere, everywhere, size=256)
    assert calibration.slant > 0.2
    values, window, offset = draw(4000)
    sure = calibration.confidence(values)
    found = calibration.covariance(window, sure, 256)
    for part in (sure > np.quantile(sure, 0.7), sure < np.quantile(sure, 0.3)):
        covered = ellipse_coverage(
            offset[part][:, None], found[part][:, None], np.zeros((int(part.sum()), 1, 2)), 0.9
        )
        assert covered == pytest.approx(0.9, abs=0.06)


def test_refit_moves_towards_the_labels_and_no_farther() -> None:
    rng = np.random.default_rng(6)
    base = _precise()
    values, window, _, chance = _world(rng, 400)
    is_good = rng.random((400, 4)) < chance**3  # another camera: fewer good points
    offset = np.where(is_good, 2.0, 40.0)[..., None] * np.array([0.6, 0.8])
    everywhere = np.ones((400, 4), np.bool_)
    refit = refit_calibration(base, values, window, offset, everywhere, everywhere, size=256)
    before, after = base.confidence(values), refit.confidence(values)
    assert calibration_error(after.ravel(), is_good.ravel()) < 0.04
    assert calibration_error(before.ravel(), is_good.ravel()) > 0.1
    assert refit.origin == "labels:n=1600"


def test_few_labels_leave_the_base_as_it_is() -> None:
    rng = np.random.default_rng(7)
    base = _small()
    values, window, offset, _ = _world(rng, 14)
    everywhere = np.ones((14, 4), np.bool_)
    assert refit_calibration(base, values, window, offset, everywhere, everywhere, size=256) is base


def test_refit_widens_ellipses_when_errors_are_larger() -> None:
    rng = np.random.default_rng(8)
    base = _small()
    values, window, offset, _ = _world(rng, 200)
    everywhere = np.ones((200, 4), np.bool_)
    offset = rng.normal(0, 3, offset.shape)
    first = refit_calibration(base, values, window, offset, everywhere, everywhere, size=256)
    second = refit_calibration(base, values, window, 4 * offset, everywhere, everywhere, size=256)
    narrow, wide = (c.covariance(window, c.confidence(values), 256)[..., 0] for c in (first, second))
    assert np.median(wide / narrow) > 4


def test_uncalibrated_confidence_is_the_windows_mass() -> None:
    calibration = Calibration.uncalibrated(3)
    values = np.zeros((1, 3, 6))
    values[0, :, 0] = np.log([0.1, 0.5, 1.0])
    np.testing.assert_allclose(calibration.confidence(values)[0], [0.1, 0.5, 1.0], atol=0.005)


def test_calibration_survives_its_tensors() -> None:
    base = _small()
    back = Calibration.from_tensors(base.tensors(), 4, "synthetic")
    values = np.random.default_rng(10).normal(size=(5, 4, 6))
    np.testing.assert_array_equal(back.confidence(values), base.confidence(values))
    assert (back.floor, back.slant) == pytest.approx((base.floor, base.slant))


def test_files_without_a_slant_have_ellipses_that_do_not_follow_the_confidence() -> None:
    tensors = dict(_small().tensors())
    del tensors["calibration.slant"]
    back = Calibration.from_tensors(tensors, 4, "synthetic")
    window = np.tile([2.0, 0.0, 2.0], (2, 4, 1))
    sure, unsure = back.covariance(window, np.array([[0.95] * 4, [0.05] * 4]), 256)
    np.testing.assert_array_equal(sure, unsure)


def test_calibration_of_other_features_is_refused() -> None:
    tensors = dict(_small().tensors())
    tensors["calibration.slopes"] = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="other features"):
        Calibration.from_tensors(tensors, 4, "synthetic")


def test_features_do_not_depend_on_the_size_of_the_crop() -> None:
    cells = {}
    for n in (32, 64):
        v, u = np.mgrid[:n, :n]
        scale = n / 64
        cells[n] = -((u - 20.5 * scale) ** 2 + (v - 40 * scale) ** 2) / (2 * (1.25) ** 2)
    wide = features(decode(cells[64][None, None], np.full((1, 1), -9.0)), None, 256)
    small = features(decode(cells[32][None, None], np.full((1, 1), -9.0)), None, 128)
    # The same blob in cells is twice as wide in px@256 at half the size: log area differs by log 4.
    assert small[0, 0, 1] - wide[0, 0, 1] == pytest.approx(np.log(4), abs=0.02)
    assert small[0, 0, 0] == pytest.approx(wide[0, 0, 0], abs=0.01)
    assert small[0, 0, 5] == pytest.approx(wide[0, 0, 5], abs=0.01)

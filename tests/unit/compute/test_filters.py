"""Filters that know missing samples, against sums by hand."""

import numpy as np
import pytest

from mystax.compute.filters import Filters, Shape, memory
from mystax.compute.grid_bins import Bins

RATE = 50.0


def filtered(values: np.ndarray, filters: Filters, shape: Shape) -> np.ndarray:
    """Filter one column sample by sample."""
    each = np.arange(len(values))
    return np.asarray(filters.means(values[None], [shape], Bins(each, each + 1))[0, 0])


def by_hand(values: np.ndarray, valid: np.ndarray, shape: Shape) -> np.ndarray:
    """Filter sample by sample, dividing by the mass on valid samples."""
    found = np.zeros(len(values))
    first, last = shape.lags(RATE)
    window = shape.window(RATE)
    for t in range(len(values)):
        total = mass = 0.0
        for k, lag in enumerate(range(first, last + 1)):
            if 0 <= t - lag < len(values) and valid[t - lag]:
                total += window[k] * values[t - lag]
                mass += window[k]
        found[t] = total / mass if mass > 1e-6 else 0
    return found


@pytest.mark.parametrize(("centre", "width"), [(0.0, 0.15), (-0.5, 0.4), (0.6, 0.4), (0.3, 0.25)])
def test_window_equals_the_sum_by_hand_around_holes(centre: float, width: float) -> None:
    rng = np.random.default_rng(0)
    values, valid = rng.normal(size=160), np.ones(160, bool)
    valid[60:95] = False
    shape = Shape.bump(centre, width, RATE)
    found = filtered(values, Filters(valid, RATE), shape)
    assert np.allclose(found, by_hand(values, valid, shape), atol=1e-12)


def test_means_inside_bins_are_those_of_the_filtered_samples() -> None:
    rng = np.random.default_rng(2)
    values, valid = rng.normal(size=(3, 400)), rng.random(400) > 0.02
    first = np.sort(rng.choice(390, 60, replace=False))
    bins = Bins(first, first + rng.integers(1, 10, 60))
    shapes = [Shape.bump(-0.5, 0.4, RATE), Shape.bump(0.12, 0.15, RATE)]
    found = Filters(valid, RATE).means(values, shapes, bins)
    for k, shape in enumerate(shapes):
        for row in range(3):
            every = by_hand(values[row], valid, shape)
            wanted = [every[a:b].mean() for a, b in zip(bins.first, bins.stop, strict=True)]
            assert np.allclose(found[k, row], wanted, atol=1e-12)


def test_window_is_a_raised_cosine_of_sum_one() -> None:
    shape = Shape.bump(0.3, 0.25, RATE)
    window, (first, last) = shape.window(RATE), shape.lags(RATE)
    s = np.arange(first, last + 1) / RATE
    wanted = np.where(np.abs(s - 0.3) < 0.25, 0.5 + 0.5 * np.cos(np.pi * (s - 0.3) / 0.25), 0)
    assert np.allclose(window, wanted / wanted.sum(), atol=1e-9)


def test_positive_centre_looks_at_behaviour_before() -> None:
    values = np.zeros(300)
    values[100] = 1
    found = filtered(values, Filters(np.ones(300, bool), RATE), Shape.bump(0.6, 0.4, RATE))
    assert found.argmax() == 100 + 30


def test_a_narrow_window_is_at_least_one_sample_wide() -> None:
    assert Shape.bump(0.0, 0.001, RATE).window(RATE).max() == 1


def test_constant_input_stays_constant_wherever_anything_is_valid() -> None:
    valid = np.ones(400, bool)
    valid[100:180] = False
    found = filtered(np.full(400, 3.0), Filters(valid, RATE), Shape.bump(0.0, 1.0, RATE))
    assert np.allclose(found, 3)


def test_mass_is_the_share_on_valid_samples() -> None:
    valid = np.ones(400, bool)
    valid[200:] = False
    mass = Filters(valid, RATE).mass(Shape.bump(0.0, 1.0, RATE))
    assert mass[100] == pytest.approx(1)
    assert mass[199] == pytest.approx(0.5, abs=0.03)
    assert mass[300] == pytest.approx(0, abs=1e-12)


def test_envelope_of_a_rhythm_is_flat_and_of_a_constant_nearly_nothing() -> None:
    shape = Shape.envelope(6.0)
    t = np.arange(1000) / RATE
    filters = Filters(np.ones(1000, bool), RATE)
    signals = np.stack([np.sin(2 * np.pi * 6 * t), np.full(1000, 5.0), np.sin(2 * np.pi * 1 * t)])
    rhythm, constant, slow = next(filters.envelopes(signals, [shape]))[:, 200:800]
    assert rhythm.std() / rhythm.mean() < 0.05
    assert constant.max() < 1e-3
    assert slow.max() < 0.1 * rhythm.mean()


def test_memory_equals_its_recursion_and_forgets_with_its_time_constant() -> None:
    values = np.zeros(500)
    values[10] = 1
    found = memory(values[None], 2.0, RATE)[0]
    y, wanted = 0.0, []
    a = np.exp(-1 / 100)
    for value in values:
        y = a * y + (1 - a) * value
        wanted.append(y)
    assert np.allclose(found, wanted)
    assert found[110] / found[10] == pytest.approx(np.exp(-1))


def test_memory_of_valid_samples_knows_no_start() -> None:
    valid = np.ones(300, bool)
    valid[:50] = valid[100:150] = False
    found = Filters(valid, RATE).memory(np.full((2, 300), 2.0), 5.0)
    assert np.allclose(found[:, 50:], 2)


@pytest.mark.parametrize("chunk", [1, 37, 500, 5000])
def test_chunks_change_nothing(chunk: int) -> None:
    rng = np.random.default_rng(1)
    n = 60 if chunk == 1 else 1200
    values, valid = rng.normal(size=(2, n)), rng.random(n) > 0.1
    whole, cut = Filters(valid, RATE), Filters(valid, RATE, chunk)
    shape = Shape.envelope(2.5)
    assert np.abs(whole.mass(shape) - cut.mass(shape)).max() <= 1e-6
    sizes = (next(filters.envelopes(values, [shape])) for filters in (whole, cut))
    assert np.abs(np.subtract(*sizes)).max() < 1e-6


def test_a_filter_that_reaches_too_far_is_refused() -> None:
    with pytest.raises(ValueError, match="farther"):
        Filters(np.ones(100, bool), RATE).mass(Shape.bump(5.0, 2.5, RATE))

"""Filters that know missing samples, against sums by hand."""

import numpy as np
import pytest

from mystax.compute.filters import Filters, Shape, memory

RATE = 50.0


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
    found = Filters(valid, RATE).apply(values, [shape])[0]
    assert np.allclose(found, by_hand(values, valid, shape), atol=1e-9)


def test_window_is_a_raised_cosine_of_sum_one() -> None:
    shape = Shape.bump(0.3, 0.25, RATE)
    window, (first, last) = shape.window(RATE), shape.lags(RATE)
    s = np.arange(first, last + 1) / RATE
    wanted = np.where(np.abs(s - 0.3) < 0.25, 0.5 + 0.5 * np.cos(np.pi * (s - 0.3) / 0.25), 0)
    assert np.allclose(window, wanted / wanted.sum(), atol=1e-9)


def test_positive_centre_looks_at_behaviour_before() -> None:
    values = np.zeros(300)
    values[100] = 1
    found = Filters(np.ones(300, bool), RATE).apply(values, [Shape.bump(0.6, 0.4, RATE)])[0]
    assert found.argmax() == 100 + 30


def test_a_narrow_window_is_at_least_one_sample_wide() -> None:
    assert Shape.bump(0.0, 0.001, RATE).window(RATE).max() == 1


def test_constant_input_stays_constant_wherever_anything_is_valid() -> None:
    valid = np.ones(400, bool)
    valid[100:180] = False
    found = Filters(valid, RATE).apply(np.full(400, 3.0), [Shape.bump(0.0, 1.0, RATE)])[0]
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
    rhythm = filters.envelope(np.sin(2 * np.pi * 6 * t), shape)[200:800]
    assert rhythm.std() / rhythm.mean() < 0.05
    assert filters.envelope(np.full(1000, 5.0), shape)[200:800].max() < 1e-3
    assert filters.envelope(np.sin(2 * np.pi * 1 * t), shape)[200:800].max() < 0.1 * rhythm.mean()


def test_memory_equals_its_recursion_and_forgets_with_its_time_constant() -> None:
    values = np.zeros(500)
    values[10] = 1
    found = memory(values, 2.0, RATE)
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
    found = Filters(valid, RATE).memory(np.full(300, 2.0), 5.0)
    assert np.allclose(found[50:], 2)


@pytest.mark.parametrize("chunk", [1, 37, 500, 5000])
def test_chunks_change_nothing(chunk: int) -> None:
    rng = np.random.default_rng(1)
    values, valid = rng.normal(size=1200), rng.random(1200) > 0.1
    shapes = [Shape.bump(-1.2, 0.8, RATE), Shape.bump(4.0, 2.5, RATE)]
    whole, cut = Filters(valid, RATE), Filters(valid, RATE, chunk)
    if chunk == 1:
        values, valid = values[:60], valid[:60]
        whole, cut = Filters(valid, RATE), Filters(valid, RATE, 1)
    for a, b in zip(whole.apply(values, shapes), cut.apply(values, shapes), strict=True):
        assert np.abs(a - b).max() <= 1e-6
    assert (
        np.abs(whole.envelope(values, Shape.envelope(2.5)) - cut.envelope(values, Shape.envelope(2.5))).max()
        < 1e-6
    )

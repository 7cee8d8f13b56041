"""Shifts of neural data against behaviour."""

from collections.abc import Callable

import numpy as np
import pytest

from mystax.compute.folds import BlockFolds
from mystax.compute.nulls import (
    PENALTIES,
    NullDesign,
    ShiftNull,
    null_design,
    p_values,
    recordings_null,
    shift_null,
    shift_positions,
)
from mystax.compute.tiles import TilePool
from mystax.errors import NumbersError
from tests.fixtures.grids import wander

N, WINDOW, START, WIDTH = 2400, 1200, 600, 0.5  # 20 min, the middle 10


def test_shifts_keep_away_from_the_true_place_and_stay_inside() -> None:
    found = shift_positions(600, 600, 200, WIDTH)
    assert len(found) == len(set(found.tolist())) == 200
    assert np.abs(found).min() * WIDTH >= 30
    assert found.min() >= -600
    assert found.max() <= 600


def test_few_places_are_all_used() -> None:
    assert shift_positions(62, 61, 200, WIDTH).tolist() == [-62, -61, -60, 60, 61]


def brain(seed: int, follows: bool) -> tuple[np.ndarray, np.ndarray]:
    """Make behaviour of a window and the components of four neurons over the whole recording."""
    rng = np.random.default_rng(seed)
    x = wander(N, 3, seed, smooth=4)
    source = x if follows else wander(N, 3, seed + 1000, smooth=4)
    y = source @ rng.normal(size=(3, 4)) + rng.normal(size=(N, 4))
    return x[START : START + WINDOW], (y - y.mean(0)) / y.std(0)


def run(seed: int, follows: bool, cores: int = 1, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    x, y = brain(seed, follows)
    times = np.arange(WINDOW) * WIDTH
    design = null_design(x.astype(np.float32), times, np.ones(WINDOW, bool), 7.0)
    shifts = shift_positions(600, 600, n, WIDTH)
    with TilePool(cores) as tiles:
        null = shift_null(design, y.astype(np.float32), np.eye(4), np.zeros(4), START, shifts.tolist(), tiles)
    return null.true, null.shifted


def test_statistic_is_the_best_cross_validated_variance_of_five_ridges() -> None:
    x, y = brain(0, follows=True)
    true, _ = run(0, follows=True, n=2)
    window = y[START : START + WINDOW]
    plan = BlockFolds(5, gap=7.0, block=30.0).plan(np.arange(WINDOW) * WIDTH)
    found = []
    for penalty in PENALTIES:
        sse = sst = np.zeros(4)
        for fold in range(5):
            train, test = plan.train(fold), plan.test(fold)
            a = x[train] - x[train].mean(0)
            b = window[train] - window[train].mean(0)
            w = np.linalg.solve(a.T @ a + penalty * len(a) * np.eye(3), a.T @ b)
            p = window[train].mean(0) + (x[test] - x[train].mean(0)) @ w
            sse = sse + ((window[test] - p) ** 2).sum(0)
            sst = sst + ((window[test] - window[test].mean(0)) ** 2).sum(0)
        found.append((sst - sse) / sst)
    assert np.allclose(true, np.max(found, axis=0), atol=1e-4)


def test_what_the_components_leave_out_counts_over_tested_bins_only() -> None:
    """With unknown bins fewer are tested; the variance beyond the components belongs to those alone."""
    x, y = brain(0, follows=True)
    times, usable = np.arange(WINDOW) * WIDTH, np.ones(WINDOW, bool)
    usable[300:560] = False
    design = null_design(x.astype(np.float32), times, usable, 7.0)
    shift = (y.astype(np.float32), np.eye(4))
    with TilePool(1) as tiles:
        whole = shift_null(design, *shift, np.zeros(4), START, [100], tiles).true
        half = shift_null(design, *shift, np.ones(4), START, [100], tiles).true
    plan = BlockFolds(5, gap=7.0, block=30.0).plan(times, usable)
    window = y[START : START + WINDOW]
    total = sum(((window[t] - window[t].mean(0)) ** 2).sum(0) for t in map(plan.test, range(5)))
    n_tested = sum(int(plan.test(fold).sum()) for fold in range(5))
    np.testing.assert_allclose(half, whole * total / (total + n_tested), rtol=1e-4)


def test_neurons_that_follow_are_found() -> None:
    true, shifted = run(1, follows=True)
    assert (p_values(true, shifted) <= 1 / 41 + 1e-9).all()


def test_independent_neurons_are_found_no_more_often_than_promised() -> None:
    found = np.concatenate([p_values(*run(seed, follows=False)) for seed in range(2, 17)])
    assert (found <= 0.05).mean() <= 0.12  # 60 neurons at 5 %: 3 expected, 7 at most in 97 of 100 draws


def test_threads_change_nothing() -> None:
    a, b = run(3, follows=True, cores=1, n=12), run(3, follows=True, cores=2, n=12)
    assert np.array_equal(a[0], b[0])
    assert np.array_equal(a[1], b[1])


def test_a_ring_brings_back_the_end() -> None:
    x, y = brain(4, follows=True)
    design = null_design(x.astype(np.float32), np.arange(WINDOW) * WIDTH, np.ones(WINDOW, bool), 7.0)
    rolled = np.roll(y, 100, axis=0).astype(np.float32)
    with TilePool() as tiles:
        null = shift_null(design, rolled, np.eye(4), np.zeros(4), START, [100], tiles, is_circular=True)
        plain = shift_null(design, y.astype(np.float32), np.eye(4), np.zeros(4), START, [], tiles)
    assert np.allclose(null.shifted[0], plain.true, atol=1e-6)


def test_variance_outside_of_the_components_lowers_the_statistic() -> None:
    x, y = brain(5, follows=True)
    design = null_design(x.astype(np.float32), np.arange(WINDOW) * WIDTH, np.ones(WINDOW, bool), 7.0)
    with TilePool() as tiles:
        full, half = (
            shift_null(design, y.astype(np.float32), np.eye(4), np.full(4, rest), START, [], tiles).true
            for rest in (0.0, 1.0)
        )
    assert np.allclose(half / full, 0.5, atol=0.05)


def test_no_room_to_shift_is_refused() -> None:
    with pytest.raises(NumbersError, match=r"N305.*no room to shift"):
        p_values(np.zeros(2), np.zeros((0, 2)))


def from_others(seed: int, follows: bool, cores: int = 1) -> ShiftNull:
    x, y = brain(seed, follows)
    times = np.arange(WINDOW) * WIDTH

    def design(values: np.ndarray) -> Callable[[], NullDesign]:
        return lambda: null_design(values.astype(np.float32), times, np.ones(WINDOW, bool), 7.0)

    others = [design(wander(WINDOW, 3, 5000 + k, smooth=4)) for k in range(19)]
    with TilePool(cores) as tiles:
        window = y[START : START + WINDOW].astype(np.float32)
        return recordings_null([design(x), *others], window, np.eye(4), np.zeros(4), tiles)


def test_own_behaviour_beats_that_of_other_recordings_where_neurons_follow_it() -> None:
    null = from_others(1, follows=True)
    assert null.shifted.shape == (19, 4)
    assert (p_values(null.true, null.shifted) == 1 / 20).all()


def test_the_statistic_of_the_own_recording_is_that_of_shifts() -> None:
    assert np.allclose(from_others(2, follows=True).true, run(2, follows=True, n=2)[0], atol=1e-6)


def test_other_recordings_are_no_worse_where_neurons_follow_nothing() -> None:
    p = np.concatenate(
        [p_values(null.true, null.shifted) for null in (from_others(k, follows=False) for k in range(3))]
    )
    assert p.min() >= 1 / 20
    assert p.mean() > 0.25


def test_threads_do_not_change_the_null_of_other_recordings() -> None:
    assert np.array_equal(from_others(1, True).shifted, from_others(1, True, cores=3).shifted)

"""Columns on a regular grid: exact where nothing is missing, bridged over short holes, not over long ones."""

import numpy as np
import pytest

from mystax.compute.behaviour_grid import find_outliers, on_grid

RATE = 50.0
GRID = np.arange(500) / RATE


def waves() -> np.ndarray:
    return np.stack([np.sin(GRID), np.cos(3 * GRID)], axis=1)


def test_samples_on_the_grid_stay_as_they_are() -> None:
    values = np.random.default_rng(0).standard_normal((500, 3)).astype(np.float32)
    np.testing.assert_array_equal(on_grid(GRID, values, GRID, 0.25), values)


def test_samples_beside_the_grid_are_interpolated() -> None:
    made = on_grid(GRID + 0.007, waves(), GRID[5:400], 0.25)
    wanted = np.stack([np.sin(GRID[5:400] - 0.007), np.cos(3 * (GRID[5:400] - 0.007))], axis=1)
    np.testing.assert_allclose(made, wanted, atol=1e-3)


@pytest.mark.parametrize(("n_lost", "is_bridged"), [(1, True), (11, True), (12, False), (60, False)])
def test_holes_up_to_the_longest_gap_are_bridged_by_a_straight_line(n_lost: int, is_bridged: bool) -> None:
    values = waves()
    values[100 : 100 + n_lost, 0] = np.nan
    made = on_grid(GRID, values, GRID, 0.25)
    inside = made[100 : 100 + n_lost]
    line = np.interp(GRID[100 : 100 + n_lost], GRID[[99, 100 + n_lost]], values[[99, 100 + n_lost], 0])
    if is_bridged:
        np.testing.assert_allclose(inside[:, 0], line, rtol=1e-6)
    else:
        assert np.isnan(inside[:, 0]).all()
    assert np.isfinite(made[:, 1]).all()
    assert np.isfinite(np.delete(made[:, 0], range(100, 100 + n_lost))).all()


def test_frames_that_are_not_there_are_a_hole_like_missing_values() -> None:
    kept = np.r_[0:100, 160:500]
    made = on_grid(GRID[kept], waves()[kept], GRID, 0.25)
    assert np.isnan(made[100:160]).all()
    assert np.isfinite(made[kept]).all()


def test_nothing_is_made_up_before_the_first_and_behind_the_last_sample() -> None:
    made = on_grid(GRID[100:200], waves()[100:200], GRID, 0.25)
    assert np.isfinite(made[100:200]).all()
    assert np.isnan(made[:100]).all()
    assert np.isnan(made[200:]).all()


def test_faster_samples_are_averaged_around_each_point() -> None:
    times = np.arange(3000) / 300
    values = np.random.default_rng(1).standard_normal((3000, 2))
    made = on_grid(times, values, np.arange(100) / 10, 0.0)
    for k in (5, 40, 77):
        near = (times >= k / 10 - 0.05 - 1e-9) & (times < k / 10 + 0.05 - 1e-9)
        np.testing.assert_allclose(made[k], values[near].mean(axis=0), rtol=1e-5)


def test_averages_need_half_of_their_samples() -> None:
    times = np.arange(3000) / 300
    values = np.ones((3000, 1))
    values[900 - 15 : 900 + 2] = np.nan
    values[1200 - 15 : 1200 - 1] = np.nan
    made = on_grid(times, values, np.arange(100) / 10, 0.0)
    assert np.flatnonzero(np.isnan(made[:, 0])).tolist() == [30]


def test_slower_sources_are_bridged_at_their_own_pace() -> None:
    times = np.arange(20) / 2
    made = on_grid(times, times[:, None] * 3, np.arange(0, 9, 0.1), 0.25)
    np.testing.assert_allclose(made[:, 0], 3 * np.arange(0, 9, 0.1), atol=1e-5)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_give_nothing(n: int) -> None:
    assert np.isnan(on_grid(GRID[:n], waves()[:n], GRID, 0.25)).all()


def test_a_lost_point_is_an_outlier() -> None:
    values = waves() + 0.01 * np.random.default_rng(0).standard_normal((500, 2))
    values[[50, 300], 0] += 40
    assert np.argwhere(find_outliers(values, RATE)).tolist() == [[50, 0], [300, 0]]


def test_steps_and_slow_drift_are_no_outliers() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((2000, 1))
    steps = np.floor(np.arange(2000) / 300)[:, None] * 20
    assert not find_outliers(noise + steps, RATE).any()


def test_movement_in_bouts_is_no_outlier() -> None:
    random = np.random.default_rng(2)
    values = 0.3 * random.standard_normal((6000, 1))
    values[1000:1300] += 8 * random.standard_normal((300, 1))
    assert not find_outliers(values, RATE).any()


def test_constant_and_missing_columns_have_no_outliers() -> None:
    values = np.ones((500, 2))
    values[:, 1] = np.nan
    assert not find_outliers(values, RATE).any()

"""One lag at a time: peaks of curves, and designs of one window each."""

import numpy as np
import pytest

from mystax.compute.explained import block_draws
from mystax.compute.filterbank import Filterbank
from mystax.compute.grid_bins import bins_of
from mystax.compute.lag_curve import LAGS, lag_designs, lag_peaks
from tests.fixtures.grids import grid, part, wander

TIMES = np.arange(300) / 5 + 0.1
BLOCKS = 10


def errors(peak: float, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make errors whose explained variance is a bump over lags, the same in every block but for noise."""
    rng = np.random.default_rng(seed)
    curve = 0.3 * np.exp(-((np.asarray(LAGS) - peak) ** 2) / 0.5)
    sse = 1 - curve[:, None, None] + noise * rng.normal(size=(len(LAGS), BLOCKS, 3))
    return sse.astype(np.float32), np.ones((BLOCKS, 3), np.float32)


@pytest.mark.parametrize("peak", [-1.0, 0.1, 0.37, 2.6])
def test_peaks_lie_between_the_lags_where_they_should(peak: float) -> None:
    curve, found = lag_peaks(*errors(peak), block_draws(BLOCKS, n_draws=50))
    assert curve.shape == (len(LAGS), 3)
    assert np.allclose(found[0], peak, atol=0.02)
    assert np.allclose(found[1:], peak, atol=0.02)


def test_peaks_at_the_ends_stay_there() -> None:
    _, found = lag_peaks(*errors(6.0), block_draws(BLOCKS, n_draws=20))
    assert np.allclose(found[0], LAGS[-1])


def test_intervals_widen_with_noise_and_hold_the_truth() -> None:
    draws = block_draws(BLOCKS, n_draws=200)
    narrow, wide = (lag_peaks(*errors(0.5, noise), draws)[1] for noise in (0.01, 0.08))
    assert (wide[2] - wide[1] > narrow[2] - narrow[1]).all()
    assert ((narrow[1] <= 0.6) & (narrow[2] >= 0.4)).all()


def test_neurons_without_variance_have_no_peak() -> None:
    sse, sst = errors(0.5)
    sst[:, 1] = 0
    _, found = lag_peaks(sse, sst, block_draws(BLOCKS, n_draws=20))
    assert np.isnan(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


def test_designs_see_one_moment_each_without_a_delay_of_their_own() -> None:
    made = grid(part(wander(3000, 1)))
    bins = bins_of(made, TIMES, 0.2)
    everything = np.ones(300, bool)
    bank = Filterbank().fit(made, bins, everything)
    designs = lag_designs(bank, made, bins, everything, 0.2)
    assert designs.shape == (len(LAGS), 300, 7)
    assert np.allclose(designs[8].astype(float).mean(0), 0, atol=1e-4)
    nose = made.parts[0].values[:, 0].astype(float)
    for lag in (-1.0, 0.0, 2.0):
        wanted = np.interp((TIMES - lag) * 50, np.arange(3000), nose)
        ties = [abs(np.corrcoef(x[30:250, 0], wanted[30:250])[0, 1]) for x in designs]
        assert LAGS[int(np.argmax(ties))] == lag


def test_draws_without_any_variance_know_no_lag() -> None:
    sse, sst = errors(1.0)
    sst[2:, 1] = 0
    draws = block_draws(BLOCKS, n_draws=200)
    assert (draws[:, :2].sum(1) == 0).sum() > 10
    _, found = lag_peaks(sse, sst, draws)
    assert np.allclose(found[:, 1], 1.0, atol=0.02)

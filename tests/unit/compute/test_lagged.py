"""The lagged design, which is the baseline."""

import numpy as np
import pytest

from mystax.compute.grid_bins import bins_of
from mystax.compute.lagged import Lagged, _Between, lags_for
from mystax.errors import WeightsError
from tests.fixtures.grids import grid, part, wander

TIMES = np.arange(300) / 5 + 0.1
ALL = np.ones(300, bool)


def test_lags_go_from_one_second_after_to_three_before_in_steps_of_a_bin() -> None:
    assert np.allclose(lags_for(1 / 6), -1 + np.arange(25) / 6)
    assert len(lags_for(1 / 30)) == 60
    assert lags_for(1 / 30)[[0, -1]].tolist() == [-1, 3]


def test_a_column_of_the_design_is_the_smoothed_behaviour_before() -> None:
    from scipy.ndimage import gaussian_filter1d

    made = grid(part(wander(3000, 1)))
    lagged = Lagged()
    x = lagged.fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, ALL)
    place = int(np.argmin(np.abs(lagged.lags_ - 0.6)))
    smooth = gaussian_filter1d(made.parts[0].values[:, 0].astype(float), 0.05 * 50)
    wanted = np.interp((TIMES - 0.6) * 50, np.arange(3000), smooth)
    assert np.corrcoef(x[10:280, place], wanted[10:280])[0, 1] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 40])
def test_between_samples_the_design_is_a_straight_line_and_outside_nothing(n: int) -> None:
    rng = np.random.default_rng(n)
    values, place = rng.normal(size=n), np.append(rng.uniform(-3, n + 2, (30, 4)), [[0, n - 1, -1e-9, n]], 0)
    wanted = np.interp(place, np.arange(n), values, left=0.0, right=0.0)
    np.testing.assert_allclose(_Between(place, n).of(values), wanted, rtol=1e-12, atol=1e-15)


def test_columns_that_are_missing_at_other_times_have_weights_of_their_own() -> None:
    values = wander(3000, 2)
    values[400:900, 0] = np.nan
    both, alone = (
        Lagged(one_point=True).fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, ALL)
        for made in (grid(part(values)), grid(part(values[:, :1])))
    )
    assert np.array_equal(both[:, :1], alone)


def test_one_point_has_lag_zero_alone() -> None:
    made = grid(part(wander(3000, 3)))
    x = Lagged(one_point=True).fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, ALL)
    assert x.shape == (300, 3)


def test_scales_come_from_training_bins() -> None:
    made = grid(part(wander(3000, 2)))
    train = np.arange(300) < 150
    x = Lagged().fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, train).astype(float)
    assert np.allclose(x[train].mean(0), 0, atol=1e-4)
    assert np.allclose(x[train].std(0), 1, atol=1e-3)


def test_missing_and_constant_columns_leave_no_nan() -> None:
    values = wander(3000, 2)
    values[400:900, 0] = np.nan
    values[:, 1] = 4
    made = grid(part(values))
    x = Lagged().fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, ALL)
    assert np.isfinite(x).all()
    assert (x[:, 21:] == 0).all()


def test_transform_gives_what_fitting_gave_and_refuses_other_behaviour() -> None:
    made = grid(part(wander(3000, 2)))
    lagged = Lagged()
    x = lagged.fit_transform(made, bins_of(made, TIMES, 0.2), TIMES, 0.2, ALL)
    assert np.array_equal(lagged.transform(made, TIMES), x)
    with pytest.raises(WeightsError, match="M702"):
        lagged.transform(grid(part(wander(3000, 2), "paw")), TIMES)

"""One clock in terms of another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from mystax.core.clock_fit import fit_events, fit_line
from mystax.errors import ClockError

INTERVAL = 1 / 30


def test_line_through_exact_points_is_exact() -> None:
    x = np.linspace(0, 1000, 50)
    line = fit_line(x, 12.5 + 1.00005 * x, INTERVAL)
    assert line.rate - 1 == pytest.approx(5e-5, abs=1e-12)
    assert np.allclose(line(x), 12.5 + 1.00005 * x, atol=1e-9)


def test_line_keeps_its_digits_at_times_since_1970() -> None:
    x = np.linspace(0, 1000, 50)
    y = 1.7e9 + x * (1 + 1e-4)
    assert np.abs(fit_line(x, y, INTERVAL)(x) - y).max() < 2e-6


def test_outlier_hardly_moves_the_line() -> None:
    x = np.arange(100.0)
    y = x.copy()
    y[50] += 10.0
    line = fit_line(x, y, INTERVAL)
    good = np.delete(x, 50)
    assert np.abs(line(good) - good).max() < 0.001
    # least squares would move it by about 10 / 100
    assert abs(np.polyval(np.polyfit(x, y, 1), 50.0) - 50.0) > 0.05


def test_one_point_gives_a_line_of_slope_one() -> None:
    line = fit_line(np.array([3.0]), np.array([5.0]), INTERVAL)
    assert (line.rate, float(line(np.array([4.0]))[0])) == (1.0, 6.0)


def test_drift_and_shift_are_found() -> None:
    events = np.cumsum(np.random.default_rng(1).uniform(1, 3, 60))
    fit = fit_events(events, 100 + events * (1 + 5e-5), INTERVAL)
    assert fit.drift == pytest.approx(5e-5, rel=1e-6)
    assert fit.residual_max < 1e-9
    assert len(fit.knots) == 0


def test_wandering_clock_is_bent() -> None:
    events = np.arange(0, 1200, 2.0)
    wander = 0.012 * np.sin(2 * np.pi * events / 600)
    fit = fit_events(events, events + wander, INTERVAL)
    assert len(fit.knots) > 0
    assert np.abs(fit(events) - events - wander).max() < 0.001


def test_straight_clock_is_not_bent_by_noise() -> None:
    rng = np.random.default_rng(2)
    events = np.arange(0, 1200, 10.0)
    assert len(fit_events(events, events + rng.normal(0, 0.002, len(events)), INTERVAL).knots) == 0


def test_bent_clock_goes_on_at_the_overall_rate() -> None:
    events = np.arange(0, 1200, 2.0)
    wander = 0.012 * np.sin(2 * np.pi * events / 600)
    fit = fit_events(events, events + wander, INTERVAL)
    beyond = fit(np.array([2000.0, 3000.0]))
    assert (beyond[1] - beyond[0]) / 1000 == pytest.approx(fit.line.rate, abs=1e-12)


def test_reach_beyond_the_events_is_told() -> None:
    events = np.array([100.0, 101.0, 103.0, 110.0])
    fit = fit_events(events, events, INTERVAL)
    assert fit.beyond(np.array([30.0, 115.0])) == 70.0
    assert fit.beyond(np.empty(0)) == 0.0


def test_residual_over_half_a_frame_is_refused() -> None:
    events = np.arange(0, 20, 1.0)
    session = events.copy()
    session[10] += 0.6 * INTERVAL
    with pytest.raises(ClockError, match="C203") as caught:
        fit_events(events, session, INTERVAL)
    assert "ms" in caught.value.got


def test_drift_over_the_limit_is_refused_unless_allowed() -> None:
    events = np.arange(0, 20, 1.0)
    with pytest.raises(ClockError, match=r"C203.*ppm"):
        fit_events(events, events * 1.002, INTERVAL)
    assert fit_events(events, events * 1.002, INTERVAL, max_drift=0.01).drift == pytest.approx(0.002)


def huber(line: np.ndarray, x: np.ndarray, y: np.ndarray, delta: float) -> float:
    """Return Huber's loss of a line of height and slope."""
    rest = np.abs(y - line[0] - line[1] * x)
    return float(np.where(rest <= delta, rest**2 / 2, delta * (rest - delta / 2)).sum())


@pytest.mark.parametrize("seed", range(8))
def test_no_other_line_has_a_smaller_loss(seed: int) -> None:
    """Against a search that knows nothing of weights: Nelder and Mead on Huber's loss itself."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-5, 5, 30))
    y = 0.3 + 1.02 * x + rng.normal(0, 0.02, 30)
    y[rng.integers(0, 30, 4)] += rng.normal(0, 1.5, 4)
    line = fit_line(x, y, 0.05)
    ours = np.array([float(line(np.zeros(1))[0]), line.rate])
    found = minimize(
        huber,
        ours + rng.normal(0, 0.05, 2),
        (x, y, 0.05),
        "Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13},
    )
    assert huber(ours, x, y, 0.05) <= found.fun * (1 + 1e-6)
    np.testing.assert_allclose(ours, found.x, atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_without_outliers_the_line_is_that_of_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 100, 40))
    y = 4 + 0.999 * x + rng.normal(0, 0.001, 40)
    slope, height = np.polyfit(x, y, 1)
    line = fit_line(x, y, 1.0)
    assert line.rate == pytest.approx(slope, abs=1e-10)
    np.testing.assert_allclose(line(x), height + slope * x, atol=1e-9)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20, unique=True),
    st.floats(-1e6, 1e6),
    st.floats(0.5, 2.0),
)
def test_points_on_a_line_give_that_line(points: list[float], height: float, slope: float) -> None:
    x = np.sort(points)
    if np.ptp(x) < 1e-3:
        x = x + np.arange(len(x))
    y = height + slope * x
    np.testing.assert_allclose(fit_line(x, y, 0.1)(x), y, atol=1e-6)


@pytest.mark.parametrize("shift", [-1e5, 3.7, 1e8])
def test_a_shifted_clock_has_the_same_fit_shifted(shift: float) -> None:
    rng = np.random.default_rng(3)
    events = np.cumsum(rng.uniform(1, 3, 40))
    session = events * 1.0002 + rng.normal(0, 0.002, 40)
    plain, moved = fit_events(events, session, INTERVAL), fit_events(events, session + shift, INTERVAL)
    np.testing.assert_allclose(moved(events) - shift, plain(events), atol=1e-6)
    assert moved.residual_rms == pytest.approx(plain.residual_rms, rel=1e-3)


@pytest.mark.parametrize(
    ("n", "span", "bends"), [(15, 1200.0, False), (64, 599.0, False), (64, 1200.0, True)]
)
def test_only_many_events_over_a_long_time_may_bend_the_line(n: int, span: float, bends: bool) -> None:
    events = np.linspace(0, span, n)
    session = events + 0.012 * np.where(events < span / 2, events, span - events) / (span / 2)
    fit = fit_events(events, session, INTERVAL)
    assert (len(fit.knots) > 0) == bends
    assert fit.n_events == n
    assert (fit.first, fit.last) == (0, span)


def test_a_bent_fit_rises() -> None:
    events = np.arange(0, 1200, 2.0)
    fit = fit_events(events, events + 0.012 * np.sin(2 * np.pi * events / 600), INTERVAL)
    times = np.linspace(-100, 1400, 40_000)
    assert (np.diff(fit(times)) > 0).all()

"""One clock in terms of another."""

import numpy as np
import pytest

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

"""By how much one trace lags behind another."""

import numpy as np
import pytest

from mystax.compute.lag import find_lag


def _trace(times: np.ndarray) -> np.ndarray:
    """Return a movement that does not repeat itself."""
    rng = np.random.default_rng(0)
    peaks = rng.uniform(0, 60, 40)
    return np.asarray(sum(np.exp(-(((times - peak) / 0.2) ** 2)) for peak in peaks))


@pytest.mark.parametrize("shift", [-2.5, 0.0, 0.23, 7.0])
@pytest.mark.parametrize("rate", [30, 50])
def test_shift_is_found_within_a_step(shift: float, rate: int) -> None:
    first, second = np.arange(0, 50, 1 / 30), np.arange(0, 40, 1 / rate)
    lag = find_lag(first, _trace(first), second, _trace(second + shift))
    assert lag is not None
    assert lag.seconds == pytest.approx(shift, abs=0.02)
    assert lag.correlation > 0.9
    assert lag.ratio > 1.5


def test_times_of_the_session_are_respected() -> None:
    times = np.arange(0, 40, 1 / 30)
    lag = find_lag(times + 1000, _trace(times), times - 5, _trace(times))
    assert lag is not None
    assert lag.seconds == pytest.approx(1005, abs=0.02)


def test_missing_values_are_left_out() -> None:
    times = np.arange(0, 40, 1 / 30)
    values = _trace(times)
    values[100:130] = np.nan
    lag = find_lag(times, values, times[9:], _trace(times[9:]))
    assert lag is not None
    assert lag.seconds == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("values", [np.zeros(100), np.full(100, np.nan)])
def test_constant_or_missing_trace_has_no_lag(values: np.ndarray) -> None:
    times = np.arange(100) / 30
    assert find_lag(times, values, times, _trace(times)) is None


def test_traces_that_are_too_short_have_no_lag() -> None:
    times = np.array([0.0, 0.001, 0.002])
    assert find_lag(times, times, times, times) is None


def test_noise_on_its_own_has_no_clear_peak() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(1500) / 30
    lag = find_lag(times, rng.normal(size=1500), times, rng.normal(size=1500))
    assert lag is not None
    assert lag.ratio < 1.5

"""Sources of the simulated behaviour: correlation times, rhythms, bouts."""

import numpy as np
import pytest

from mystax.synth.brain_sources import MOVERS, Sources, memory, play_sources, standardised


@pytest.fixture(scope="module")
def sources() -> Sources:
    return play_sources(600, 50, np.random.default_rng(11))


def frequency_of(trace: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(trace - trace.mean())) ** 2
    return float(np.average(np.fft.rfftfreq(len(trace), 1 / 50), weights=power))


def test_all_sources_are_there_and_move(sources: Sources) -> None:
    for name in (*MOVERS, "run", "arousal", "wa", "sa", "lm", "gm"):
        assert sources.traces[name].shape == (30_000,)
        assert sources.traces[name].std() > 0


def test_memory_is_the_sum_of_its_recursion() -> None:
    trace = np.random.default_rng(0).standard_normal(50)
    a, value, slow = np.exp(-1 / (0.3 * 20)), trace[0], []
    for x in trace:
        value = a * value + (1 - a) * x
        slow.append(value)
    np.testing.assert_allclose(memory(trace, 0.3, 20), slow)


def test_memory_of_a_constant_is_the_constant() -> None:
    np.testing.assert_allclose(memory(np.full((20, 2), 3.0), 5, 10), 3.0)


def test_standardised_traces_have_mean_0_and_sd_1_and_constants_become_0() -> None:
    made = standardised(np.column_stack([np.arange(10.0), np.full(10, 4.0)]))
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(made.std(axis=0), [1, 0])


@pytest.mark.parametrize(
    ("name", "low", "high"), [("whisk", 7.5, 11.5), ("sniff", 2.5, 6.5), ("bob", 2.8, 3.2)]
)
def test_rhythms_have_their_frequency(sources: Sources, name: str, low: float, high: float) -> None:
    assert low < frequency_of(sources.traces[name]) < high


def test_the_animal_rests_and_runs(sources: Sources) -> None:
    running = (sources.traces["run"] > 0.3).mean()
    assert 0.1 < running < 0.8


def test_setpoint_and_arousal_rise_with_running(sources: Sources) -> None:
    for name in ("setpoint", "arousal", "pupil"):
        assert np.corrcoef(sources.traces[name], sources.traces["run"])[0, 1] > 0.2


def test_gaze_is_held_between_jumps(sources: Sources) -> None:
    still = np.abs(np.diff(sources.traces["eye_x"])) < 1e-6
    assert still.mean() > 0.8


def test_blinks_come_about_five_times_a_minute(sources: Sources) -> None:
    closed = sources.traces["blink"] > 0.5
    starts = np.flatnonzero(np.diff(closed.astype(int)) == 1)
    assert 25 < len(starts) < 75


def test_slow_sources_have_the_correlation_time_of_their_process() -> None:
    long = play_sources(2000, 20, np.random.default_rng(5)).traces["setpoint"]
    rest = long - np.convolve(long, np.ones(400) / 400, "same")  # without the share of running
    lag = 24  # 1.2 s
    assert 0.1 < np.corrcoef(rest[:-lag], rest[lag:])[0, 1] < 0.55

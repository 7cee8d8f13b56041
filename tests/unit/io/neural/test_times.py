"""Times of neural data: clocks of all kinds, units, counts, and events that map what is there."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.core.clock import Clock
from mystax.errors import ClockError, ParameterError
from mystax.io.neural.slabs import Held
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.neural.times import no_clock, read_clock, time_rows, time_spikes

N = 50
TIMES = np.arange(N) / 10


def source(
    times: np.ndarray | None = None, rate: Fraction | None = None, offset: float = 0.0
) -> NeuralSource:
    held, two = Held(np.zeros((N, 2), np.float32)), Neurons.of(np.arange(2))
    return NeuralSource("test", "traces", "counts", two, held, times=times, rate=rate, offset=offset)


def seconds(clock: object, given: NeuralSource, folder: Path, policy: str | None = None) -> np.ndarray:
    stamped = read_clock(clock, [folder], given.rate)  # type: ignore[arg-type] # any of its kinds
    return time_rows(given, stamped, policy, [folder]).seconds


def test_times_of_the_data_are_used_as_they_are(tmp_path: Path) -> None:
    np.testing.assert_array_equal(seconds(None, source(TIMES + 0.123456), tmp_path), TIMES + 0.123456)


@pytest.mark.parametrize("unit", ["", ":0:s", ":0:ms"])
def test_a_file_without_a_unit_is_in_seconds(tmp_path: Path, unit: str) -> None:
    np.save(tmp_path / "t.npy", TIMES * (1000 if unit.endswith("ms") else 1))
    np.testing.assert_allclose(seconds(f"npy:t.npy{unit}", source(), tmp_path), TIMES, atol=1e-9)


def test_the_rate_of_the_data_tells_the_unit_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TIMES * 1e3)
    np.testing.assert_allclose(seconds("npy:t.npy", source(rate=Fraction(10)), tmp_path), TIMES, atol=1e-9)


def test_a_rate_that_is_wrong_in_the_files_does_not_refuse_seconds(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", TIMES)
    np.testing.assert_allclose(seconds("npy:t.npy", source(rate=Fraction(31)), tmp_path), TIMES)


def test_seconds_and_clocks_are_taken(tmp_path: Path) -> None:
    np.testing.assert_allclose(seconds(TIMES, source(), tmp_path), TIMES)
    np.testing.assert_allclose(seconds(Clock.from_seconds(TIMES), source(), tmp_path), TIMES)


def test_a_rate_gives_the_middle_of_frames(tmp_path: Path) -> None:
    np.testing.assert_allclose(seconds("rate:10:3", source(), tmp_path), 3.05 + TIMES)


@pytest.mark.parametrize("clock", ["rate:10", TIMES])
def test_later_planes_come_later(tmp_path: Path, clock: object) -> None:
    early, late = (seconds(clock, source(offset=offset), tmp_path) for offset in (0.0, 0.025))
    np.testing.assert_allclose(late - early, 0.025)


def test_neither_times_nor_clock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C207"):
        seconds(None, source(), tmp_path)
    assert "rate:30/1" in no_clock("x").hint
    assert "rate:15/2" in no_clock("x", Fraction(15, 2)).hint


def test_counts_that_differ_are_refused_with_the_residual_of_each_policy(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C202") as refused:
        seconds(TIMES[:-4], source(rate=Fraction(10)), tmp_path)
    assert "50" in str(refused.value)
    assert "46" in str(refused.value)
    assert "drop_tail" in str(refused.value)
    assert "traces" in refused.value.where


@pytest.mark.parametrize(("policy", "kept"), [("drop_tail", slice(0, 46)), ("drop_head", slice(4, 50))])
def test_a_policy_leaves_rows_without_time_out(policy: str, kept: slice) -> None:
    values = np.arange(100.0).reshape(50, 2)
    dataset = mystax.read_neural(values, clock=TIMES[:46], clock_policy=policy, axes="time,neuron")
    np.testing.assert_array_equal(dataset["activity"].values, values[kept])
    np.testing.assert_allclose(dataset["time"].values, TIMES[:46])
    assert "C202" in dataset.attrs["quality"]


def test_own_times_of_another_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C202"):
        seconds(None, source(TIMES[:-1]), tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_own_times_must_be_finite(tmp_path: Path, bad: float) -> None:
    times = TIMES.copy()
    times[7] = bad
    with pytest.raises(ClockError, match=r"C206.*row 7"):
        seconds(None, source(times), tmp_path)


def test_a_single_repeated_time_leaves_its_row_out() -> None:
    times = np.arange(400) / 10
    times[200] = times[199]
    held = Held(np.zeros((400, 1), np.float32))
    given = NeuralSource("test", "traces", "counts", Neurons.of(np.arange(1)), held, times=times)
    found = time_rows(given, None, None, [])
    assert np.flatnonzero(~found.usable).tolist() == [200]
    assert found.report["equal_stamps_dropped"] == 1


@pytest.mark.parametrize("clock", ["pts", "csv", "rate:0", "npz:a.npz"])
def test_specs_that_mean_nothing_here_are_refused(tmp_path: Path, clock: str) -> None:
    with pytest.raises(ParameterError, match="P401"):
        read_clock(clock, [tmp_path])


def test_clock_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C206"):
        read_clock("npy:gone.npy", [tmp_path])


def pulses(folder: Path) -> np.ndarray:
    random = np.random.default_rng(3)
    own = np.cumsum(random.uniform(0.3, 2.0, 300))
    np.save(folder / "own.npy", own)
    np.save(folder / "session.npy", 7 + own * (1 + 5e-5))
    return own


def test_events_map_rows_that_have_times(tmp_path: Path) -> None:
    pulses(tmp_path)
    mapped = seconds("events:own.npy:session.npy", source(TIMES), tmp_path)
    np.testing.assert_allclose(mapped, 7 + TIMES * (1 + 5e-5), atol=1e-5)


def test_events_cannot_time_rows_that_have_no_times(tmp_path: Path) -> None:
    pulses(tmp_path)
    with pytest.raises(ClockError, match="C207"):
        seconds("events:own.npy:session.npy", source(), tmp_path)


def test_events_map_spikes_and_other_clocks_do_not(tmp_path: Path) -> None:
    own = pulses(tmp_path)
    times = np.linspace(0, own[-1], 1000)
    given = NeuralSource(
        "test", "units", "spikes", Neurons.of(np.arange(1)),
        spike_time=times, spike_neuron=np.zeros(1000, np.int32),
    )  # fmt: skip
    found = time_spikes(given, read_clock("events:own.npy:session.npy", [tmp_path]), [tmp_path])
    np.testing.assert_allclose(found.seconds, 7 + times * (1 + 5e-5), atol=1e-5)
    with pytest.raises(ParameterError, match="P401"):
        time_spikes(given, read_clock("rate:30", [tmp_path]), [tmp_path])


def test_times_far_beyond_the_events_are_flagged(tmp_path: Path) -> None:
    own = pulses(tmp_path)
    stamped = read_clock("events:own.npy:session.npy", [tmp_path])
    found = time_rows(source(own[-1] + 100 + TIMES), stamped, None, [tmp_path])
    assert [flag.code for flag in found.flags] == ["C208"]

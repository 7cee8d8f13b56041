"""Objects in memory: arrays, and what behaves like pynapple's objects."""

from collections import UserDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError, NumbersError, ParameterError


@dataclass
class Frames:
    """Times and data, as a Tsd or TsdFrame has them."""

    t: np.ndarray
    d: np.ndarray
    columns: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass
class Train:
    """Times, as a Ts has them."""

    t: np.ndarray


@dataclass
class Support:
    """Epochs, as an IntervalSet has them."""

    start: np.ndarray
    end: np.ndarray


class Group(UserDict[int, Train]):
    """Spike trains by number, as a TsGroup has them."""

    time_support: Support | None = None


TIMES = np.arange(40) / 4
VALUES = np.random.default_rng(0).standard_normal((40, 3))


def test_frames_with_times_need_no_clock() -> None:
    dataset = mystax.read_neural(Frames(TIMES, VALUES, np.array([4, 7, 9])))
    np.testing.assert_allclose(dataset["activity"].values, VALUES, rtol=1e-6)
    assert dataset["neuron"].values.tolist() == [4, 7, 9]
    assert dataset.attrs["signal"] == "fluorescence"


def test_one_trace_is_one_neuron() -> None:
    assert mystax.read_neural(Frames(TIMES, VALUES[:, 0])).sizes["neuron"] == 1


def test_columns_named_by_texts_are_numbered() -> None:
    named = mystax.read_neural(Frames(TIMES, VALUES, np.array(["a", "b", "c"])))
    assert named["neuron"].values.tolist() == [0, 1, 2]


def test_group_of_trains_gives_spikes() -> None:
    group = Group({3: Train(np.array([0.5, 2.0])), 11: Train(np.array([1.0])), 5: Train(np.empty(0))})
    dataset = mystax.read_neural(group)
    assert dataset["spike_time"].values.tolist() == [0.5, 1.0, 2.0]
    assert dataset["neuron"].values[dataset["spike_neuron"].values].tolist() == [3, 11, 3]
    assert dataset.sizes["neuron"] == 3


def test_support_of_a_group_is_its_observation() -> None:
    group = Group({0: Train(np.array([0.5, 3.5]))})
    group.time_support = Support(np.array([0.0, 3.0]), np.array([1.0, 4.0]))
    values = mystax.read_neural(group, bin=1.0)["activity"].values[:, 0]
    assert np.isnan(values).tolist() == [False, True, True, False]


def test_array_is_taken_with_a_clock() -> None:
    dataset = mystax.read_neural(VALUES.T, clock=TIMES)
    np.testing.assert_allclose(dataset["activity"].values, VALUES, rtol=1e-6)


def test_array_with_a_clock_object_is_timed_by_it() -> None:
    clock = mystax.Clock.from_seconds(TIMES + 3)
    dataset = mystax.read_neural(VALUES, clock=clock)
    np.testing.assert_allclose(dataset["time"].values, TIMES + 3)


def test_array_without_a_clock_is_refused() -> None:
    with pytest.raises((ClockError, NumbersError)):
        mystax.read_neural(VALUES)


def test_neural_data_are_given_back_as_they_are() -> None:
    dataset = mystax.read_neural(VALUES, clock=TIMES)
    assert mystax.read_neural(dataset) is dataset


def test_times_and_data_of_different_length_are_refused() -> None:
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(Frames(TIMES[:-1], VALUES))


def test_trains_named_by_texts_are_refused() -> None:
    with pytest.raises(FormatError, match="whole numbers"):
        mystax.read_neural({"a": Train(np.arange(3.0))})


def test_spike_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ClockError, match="C206"):
        mystax.read_neural({1: Train(np.array([0.0, np.nan]))})


@pytest.mark.parametrize("thing", [3, [1, 2], {}, {1: 2}, None])
def test_other_things_are_refused(thing: object) -> None:
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(thing)


def test_bins_of_frames_are_refused() -> None:
    with pytest.raises(ParameterError, match="bin"):
        mystax.read_neural(Frames(TIMES, VALUES), bin=0.1)


def test_unknown_signal_is_answered_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'counts'"):
        mystax.read_neural(VALUES, clock=TIMES, signal="count")


TRAINS = {
    number: Train(np.array(times)) for number, times in ((3, [0.1, 0.5]), (1, [0.2, 0.9, 0.95]), (8, [0.3]))
}


@pytest.mark.parametrize("signal", ["fluorescence", "deconvolved", "zscore"])
def test_spikes_are_no_other_signal(signal: str) -> None:
    with pytest.raises(FormatError, match=rf"F804.*no signal '{signal}'.*spikes"):
        mystax.read_neural(TRAINS, signal=signal)
    assert mystax.read_neural(TRAINS, signal="spikes").attrs["signal"] == "spikes"
    assert mystax.read_neural(TRAINS, signal="counts", bin=0.1).attrs["signal"] == "counts"


@pytest.mark.parametrize("words", [{"bin": 0.1}, {"neurons": [3, 8]}, {"neurons": [8], "bin": 0.2}], ids=str)
def test_data_that_are_read_already_are_counted_and_chosen_alike(words: dict[str, Any]) -> None:
    at_once = mystax.read_neural(TRAINS, **words)
    later = mystax.read_neural(mystax.read_neural(TRAINS), **words)
    assert later.identical(at_once)


def test_neurons_of_rows_that_are_read_already_can_be_chosen() -> None:
    given = mystax.read_neural(VALUES, clock=TIMES)
    assert mystax.read_neural(given, neurons=[1]).identical(
        mystax.read_neural(VALUES, clock=TIMES, neurons=[1])
    )
    with pytest.raises(ParameterError, match=r"P401 parameter 'bin'.*spikes"):
        mystax.read_neural(given, bin=0.1)


@pytest.mark.parametrize(
    "words",
    [
        {"clock": "rate:30/1"},
        {"clock_policy": "match"},
        {"signal": "counts"},
        {"axes": "time,neuron"},
        {"series": "x"},
        {"sample_rate": 3},
        {"format": "phy"},
    ],
    ids=str,
)
def test_what_cannot_be_asked_of_data_that_are_read_already_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=rf"P401 parameter '{next(iter(words))}'.*read already"):
        mystax.read_neural(mystax.read_neural(TRAINS), **words)

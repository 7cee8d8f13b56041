"""Objects in memory: arrays, and what behaves like pynapple's objects."""

from collections import UserDict
from dataclasses import dataclass, field

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

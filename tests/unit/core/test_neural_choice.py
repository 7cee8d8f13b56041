"""Neurons that cannot be used, and bins in which something is missing."""

import numpy as np
import pytest
import xarray as xr

from mystax.core.neural_choice import judge_neurons, slabs_of
from mystax.errors import NumbersError


def neural(values: np.ndarray, signal: str = "deconvolved", major: str = "neuron") -> xr.Dataset:
    n = values.shape[1]
    dataset = xr.Dataset(
        {"activity": (("time", "neuron"), values.astype(np.float32))},
        {"time": np.arange(len(values)) / 6, "neuron": np.arange(n) + 100},
        {"signal": signal},
    )
    dataset["activity"].encoding["major"] = major
    return dataset


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).poisson(2.0, (400, 12)).astype(np.float64)


@pytest.mark.parametrize("major", ["neuron", "time"])
def test_sound_data_are_used_whole_with_their_moments(values: np.ndarray, major: str) -> None:
    found = judge_neurons(neural(values + 1e4, major=major))
    assert found.kept.tolist() == list(range(12))
    assert found.usable.all()
    assert found.left_out == {}
    assert found.flags == ()
    np.testing.assert_allclose(found.mean, values.mean(0) + 1e4, rtol=1e-7)
    np.testing.assert_allclose(found.sd, values.std(0), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_few_missing_values_make_their_bins_unusable(values: np.ndarray, bad: float) -> None:
    values[[3, 50, 51], [0, 4, 4]] = bad
    found = judge_neurons(neural(values))
    assert np.flatnonzero(~found.usable).tolist() == [3, 50, 51]
    assert len(found.kept) == 12
    assert np.isfinite(found.sd).all()


@pytest.mark.parametrize("major", ["neuron", "time"])
def test_neurons_that_miss_more_than_a_twentieth_are_left_out_and_their_bins_stay(
    values: np.ndarray, major: str
) -> None:
    values[:21, 2] = np.nan
    values[:20, 3] = np.nan
    found = judge_neurons(neural(values, major=major))
    assert 2 not in found.kept
    assert 3 in found.kept
    assert np.flatnonzero(~found.usable).tolist() == list(range(20))
    assert found.left_out == {"missing in more than 5% of the bins": [102]}
    assert [flag.code for flag in found.flags] == ["N308"]


def test_bins_that_all_neurons_miss_count_for_none_of_them(values: np.ndarray) -> None:
    values[100:200] = np.nan
    found = judge_neurons(neural(values))
    assert len(found.kept) == 12
    assert np.flatnonzero(~found.usable).tolist() == list(range(100, 200))


def test_constant_neurons_are_left_out(values: np.ndarray) -> None:
    values[:, [1, 5]] = 3.0
    found = judge_neurons(neural(values))
    assert found.left_out == {"constant": [101, 105]}


def test_silent_neurons_are_left_out_of_counts_only(values: np.ndarray) -> None:
    values[:, 4] = 0
    values[:9, 4] = 1
    assert judge_neurons(neural(values, "counts")).left_out == {"with fewer than 10 spikes": [104]}
    assert judge_neurons(neural(values, "deconvolved")).left_out == {}
    values[9, 4] = 1
    assert judge_neurons(neural(values, "counts")).left_out == {}


def test_data_of_which_most_neurons_are_useless_are_refused(values: np.ndarray) -> None:
    values[:, :6] = 1
    assert len(judge_neurons(neural(values)).kept) == 6
    values[:, 6] = 1
    with pytest.raises(NumbersError, match="N303") as refused:
        judge_neurons(neural(values))
    assert "7 constant" in refused.value.got


def test_data_without_any_value_are_refused() -> None:
    with pytest.raises(NumbersError, match="N303"):
        judge_neurons(neural(np.full((50, 3), np.nan)))


def test_only_the_bins_asked_for_are_judged(values: np.ndarray) -> None:
    values[200:, 0] = np.nan
    found = judge_neurons(neural(values), slice(10, 200))
    assert len(found.kept) == 12
    assert found.usable.shape == (190,)
    np.testing.assert_allclose(found.mean, values[10:200].mean(0))


@pytest.mark.parametrize("major", ["neuron", "time"])
def test_slabs_cover_everything_once(major: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.core.neural_choice.SLAB", 5)
    whole = np.random.default_rng(1).standard_normal((37, 13)).astype(np.float32)
    seen, made = np.zeros((30, 13), int), np.zeros((30, 13), np.float32)
    for times, neurons, slab in slabs_of(neural(whole, major=major), slice(4, 34)):
        seen[times, neurons] += 1
        made[times, neurons] = slab
    assert (seen == 1).all()
    np.testing.assert_array_equal(made, whole[4:34])

"""Bins: spikes are counted where they belong, frames are put together without crossing gaps."""

import json

import numpy as np
import pytest
import xarray as xr

from mystax.core.neural_bins import bin_spikes, count_spikes, group_frames
from mystax.errors import NumbersError, ParameterError


def spikes(times: list[float], neurons: list[int], n: int = 3, **attributes: object) -> xr.Dataset:
    return xr.Dataset(
        {
            "spike_time": (("spike",), np.array(times, float)),
            "spike_neuron": (("spike",), np.array(neurons, np.int32)),
        },
        {"neuron": np.arange(n)},
        {"signal": "spikes", "bin": 0.0, **attributes},
    )


def frames(times: np.ndarray, values: np.ndarray, signal: str) -> xr.Dataset:
    return xr.Dataset(
        {"activity": (("time", "neuron"), values.astype(np.float32), {"units": "1"})},
        {"time": (("time",), times, {"units": "s"}), "neuron": np.arange(values.shape[1])},
        {"signal": signal},
    )


def test_counts_equal_a_histogram_of_each_neuron() -> None:
    random = np.random.default_rng(4)
    times, owners = np.sort(random.uniform(0, 60, 5000)), random.integers(0, 7, 5000).astype(np.int32)
    counts = count_spikes(times, owners, 7, 0.25, 0, 240)
    for k in range(7):
        np.testing.assert_array_equal(
            counts[:, k], np.histogram(times[owners == k], np.arange(241) * 0.25)[0]
        )


@pytest.mark.parametrize("width", [0.02, 0.1, 0.3, 1.0])
def test_a_spike_on_an_edge_belongs_to_the_bin_that_begins_there(width: float) -> None:
    edges = np.arange(2000) * width
    counts = count_spikes(edges, np.zeros(2000, np.int32), 1, width, 0, 2000)
    assert (counts == 1).all()


def test_bins_lie_on_multiples_of_their_width_whatever_spike_comes_first() -> None:
    made = bin_spikes(spikes([3.07, 3.51, 4.0], [0, 1, 1]), 0.1)
    np.testing.assert_allclose(made["time"].values, 3.05 + 0.1 * np.arange(11), atol=1e-9)
    assert made["activity"].values.sum(axis=0).tolist() == [1, 2, 0]
    assert made.attrs["signal"] == "counts"
    assert made.attrs["bin"] == 0.1


def test_only_whole_bins_between_start_and_stop_are_made() -> None:
    made = bin_spikes(spikes([0.5, 1.5, 9.0], [0, 0, 0]), 0.5, start=0.7, stop=2.2)
    np.testing.assert_allclose(made["time"].values, [1.25, 1.75])
    assert made["activity"].values[:, 0].tolist() == [0, 1]


def test_bins_outside_the_observation_of_a_neuron_are_missing_and_not_zero() -> None:
    observed = json.dumps([[[0, 2]], [[0, 1], [3, 4.2]], [[0, 4.2]]])
    made = bin_spikes(spikes([0.1, 3.9], [0, 2], observed=observed), 1.0)
    assert np.isnan(made["activity"].values).tolist() == [
        [False, False, False],
        [False, True, False],
        [True, True, False],
        [True, False, False],
    ]


@pytest.mark.parametrize("width", [0.01, 1.5, 0, -1])
def test_widths_outside_their_range_are_refused(width: float) -> None:
    with pytest.raises(ParameterError, match="P401"):
        bin_spikes(spikes([1.0], [0]), width)


def test_no_spike_at_all_is_refused_and_so_are_endless_times() -> None:
    with pytest.raises(NumbersError, match="N303"):
        bin_spikes(spikes([], []), 0.1)
    with pytest.raises(NumbersError, match="seconds"):
        bin_spikes(spikes([0.0, 1e12], [0, 0]), 0.1)


@pytest.mark.parametrize(("signal", "expected"), [("counts", 3.0), ("deconvolved", 1.0)])
def test_fast_frames_are_summed_or_averaged_until_a_camera_frame_is_filled(
    signal: str, expected: float
) -> None:
    times = np.arange(12) / 90
    made, flags = group_frames(frames(times, np.ones((12, 2)), signal), 1 / 30)
    assert (made["activity"].values == expected).all()
    np.testing.assert_allclose(made["time"].values, times.reshape(4, 3).mean(axis=1))
    assert [flag.code for flag in flags] == ["N310"]
    assert made.attrs["bin"] == pytest.approx(1 / 30)


def test_frames_as_slow_as_the_camera_stay_as_they_are() -> None:
    dataset = frames(np.arange(10) / 30, np.ones((10, 1)), "deconvolved")
    made, flags = group_frames(dataset, 1 / 30)
    assert made is dataset
    assert flags == ()


def test_no_bin_goes_across_a_gap() -> None:
    times = np.concatenate([np.arange(5), np.arange(5) + 20]) / 60
    values = np.arange(10.0)[:, None]
    made, _ = group_frames(frames(times, values, "counts"), 1 / 30)
    assert made["activity"].values[:, 0].tolist() == [1, 5, 11, 15]


def test_gaps_that_leave_no_whole_bin_are_refused() -> None:
    times = np.concatenate([np.arange(2) + 10 * k for k in range(6)]) / 90
    with pytest.raises(NumbersError, match=r"N303.*gaps"):
        group_frames(frames(times, np.ones((12, 1)), "deconvolved"), 1 / 30)


def test_spikes_per_frame_are_summed_like_counts() -> None:
    times = np.arange(12) / 90
    made, _ = group_frames(frames(times, np.ones((12, 2)), "spikes"), 1 / 30)
    assert (made["activity"].values == 3).all()

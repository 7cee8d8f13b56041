"""Simulated neural data on disk: the traps of the formats are really in the files."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.synth.brain import BrainTruth, simulate, write


@pytest.fixture(scope="module")
def spiking() -> BrainTruth:
    return simulate("A", minutes=0.5, n_neurons=5, signal="spikes", seed=2)


@pytest.fixture(scope="module")
def imaged() -> BrainTruth:
    return simulate("A", minutes=0.5, n_neurons=5, seed=2)


def test_times_of_camera_and_neurons_lie_beside_the_files(imaged: BrainTruth, tmp_path: Path) -> None:
    written = write(imaged, tmp_path, "npy")
    np.testing.assert_allclose(np.load(written.camera_times), np.arange(1500) / 50)
    np.testing.assert_allclose(np.load(written.neural_times), (np.arange(180) + 0.5) / 6)


def test_suite2p_lies_neurons_by_frames(imaged: BrainTruth, tmp_path: Path) -> None:
    written = write(imaged, tmp_path, "suite2p")
    assert np.load(Path(written.path) / "spks.npy").shape == (5, 180)


def test_phy_counts_samples_in_one_column_of_uint64(spiking: BrainTruth, tmp_path: Path) -> None:
    written = write(spiking, tmp_path, "phy")
    times = np.load(Path(written.path) / "spike_times.npy")
    assert times.dtype == np.uint64
    assert times.shape == (spiking.neural.sizes["spike"], 1)


def test_the_two_orders_of_an_nwb_series_are_each_others_transpose(
    imaged: BrainTruth, tmp_path: Path
) -> None:
    shapes = []
    for name in ("nwb-series", "nwb-series-swapped"):
        with h5py.File(write(imaged, tmp_path, name).path) as file:
            data = file["processing/ophys/DfOverF/RoiResponseSeries/data"]
            shapes.append(data.shape)
            assert data.attrs["conversion"] == 2.0
    assert shapes == [(180, 5), (5, 180)]


def test_matlab_73_lies_transposed(imaged: BrainTruth, tmp_path: Path) -> None:
    place = write(imaged, tmp_path, "mat73").path.partition(":")[0]
    with h5py.File(place) as file:
        assert file["rates"].shape == (5, 180)


@pytest.mark.parametrize("format_name", ["phy", "nwb-units", "alf"])
def test_formats_of_spikes_need_spikes(imaged: BrainTruth, tmp_path: Path, format_name: str) -> None:
    with pytest.raises(ParameterError, match="spikes"):
        write(imaged, tmp_path, format_name)


def test_unknown_format_and_fault_are_answered_with_the_nearest(imaged: BrainTruth, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'suite2p'"):
        write(imaged, tmp_path, "suite2")
    with pytest.raises(ParameterError, match="did you mean 'milliseconds'"):
        write(imaged, tmp_path, fault="milisecond")

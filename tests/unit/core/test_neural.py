"""The form of neural data."""

import numpy as np
import pytest
import xarray as xr

from mystax.core.neural import check_neural
from mystax.errors import FormatError
from mystax.synth.brain import simulate


@pytest.fixture(scope="module")
def rows() -> xr.Dataset:
    return simulate("A", minutes=0.2, n_neurons=4).neural


@pytest.fixture(scope="module")
def spikes() -> xr.Dataset:
    return simulate("A", minutes=0.2, n_neurons=4, signal="spikes").neural


def test_activity_and_spikes_have_the_form(rows: xr.Dataset, spikes: xr.Dataset) -> None:
    check_neural(rows)
    check_neural(spikes)


def test_something_must_be_there(rows: xr.Dataset) -> None:
    with pytest.raises(FormatError, match=r"F804.*activity"):
        check_neural(rows.drop_vars("activity"))


def test_activity_needs_times(rows: xr.Dataset) -> None:
    with pytest.raises(FormatError, match="no times"):
        check_neural(rows.drop_vars("time"))


def test_spikes_need_neurons(spikes: xr.Dataset) -> None:
    with pytest.raises(FormatError, match="no neurons"):
        check_neural(spikes.drop_vars("spike_neuron"))


def test_signal_must_be_known(rows: xr.Dataset) -> None:
    with pytest.raises(FormatError, match=r"signal.*'volts'"):
        check_neural(rows.assign_attrs(signal="volts"))


def test_activity_must_be_time_by_neuron_of_float32(rows: xr.Dataset) -> None:
    with pytest.raises(FormatError, match="dimensions"):
        check_neural(rows.transpose("neuron", "time"))
    with pytest.raises(FormatError, match="type"):
        check_neural(rows.assign(activity=rows["activity"].astype(np.float64)))


def test_times_must_rise(rows: xr.Dataset, spikes: xr.Dataset) -> None:
    with pytest.raises(FormatError, match=r"F804.*activity do not rise"):
        check_neural(rows.isel(time=slice(None, None, -1)))
    by_neuron = spikes.isel(spike=np.argsort(spikes["spike_neuron"].values, kind="stable"))
    with pytest.raises(FormatError, match=r"F804.*spikes do not rise"):
        check_neural(by_neuron)


def test_spikes_must_belong_to_a_neuron_by_its_position(spikes: xr.Dataset) -> None:
    by_name = spikes.assign(spike_neuron=spikes["spike_neuron"].copy(data=spikes["spike_neuron"].values + 10))
    with pytest.raises(FormatError, match=r"F804.*positions 0 to 3.*10 to 13"):
        check_neural(by_name)

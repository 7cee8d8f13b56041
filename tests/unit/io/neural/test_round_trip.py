"""Every reader reads what was simulated and written, value for value."""

import json
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.synth.brain import BrainTruth, simulate, write
from mystax.synth.brain_files import FORMATS, SPIKING

N_NEURONS, RATE = 12, 5


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("A", minutes=1, n_neurons=N_NEURONS, rate=RATE, signal="spikes", seed=5)


@pytest.fixture(scope="module")
def counts(brain: BrainTruth) -> np.ndarray:
    made = np.zeros((60 * RATE, N_NEURONS))
    bins = np.floor(brain.neural["spike_time"].values * RATE).astype(int)
    np.add.at(made, (bins, brain.neural["spike_neuron"].values), 1)
    return made


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_activity_and_times_are_those_that_were_written(
    brain: BrainTruth, counts: np.ndarray, tmp_path: Path, format_name: str
) -> None:
    written = write(brain, tmp_path, format_name)
    dataset = mystax.read_neural(written.path, **written.options)
    np.testing.assert_allclose(dataset["activity"].values, counts, atol=1e-6)
    np.testing.assert_allclose(dataset["time"].values, (np.arange(60 * RATE) + 0.5) / RATE, atol=1e-6)
    assert dataset["neuron"].values.tolist() == list(range(N_NEURONS))


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("format_name", SPIKING)
def test_spikes_are_those_that_were_written(brain: BrainTruth, tmp_path: Path, format_name: str) -> None:
    dataset = mystax.read_neural(write(brain, tmp_path, format_name).path)
    assert "activity" not in dataset
    np.testing.assert_allclose(dataset["spike_time"].values, brain.neural["spike_time"].values, atol=1e-9)
    order = np.lexsort((brain.neural["spike_neuron"].values, brain.neural["spike_time"].values))
    ours = np.lexsort((dataset["spike_neuron"].values, np.round(dataset["spike_time"].values, 7)))
    np.testing.assert_array_equal(
        dataset["spike_neuron"].values[ours], brain.neural["spike_neuron"].values[order]
    )


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize(
    ("format_name", "axes"),
    [
        ("suite2p", "xy"),
        ("phy", ""),
        ("nwb-units", "xyz"),
        ("nwb-series", "xy"),
        ("alf", "z"),
        ("alf-imaging", "xyz"),
    ],
)
def test_places_are_those_that_were_written(
    brain: BrainTruth, tmp_path: Path, format_name: str, axes: str
) -> None:
    written = write(brain, tmp_path, format_name)
    dataset = mystax.read_neural(written.path, clock=written.options.get("clock"))
    for axis in axes:
        np.testing.assert_allclose(
            dataset[f"neuron_{axis}"].values, brain.neural[f"neuron_{axis}"].values, atol=0.51
        )


def test_depths_of_a_probe_are_those_of_the_channel_with_the_largest_template(
    brain: BrainTruth, tmp_path: Path
) -> None:
    dataset = mystax.read_neural(write(brain, tmp_path, "phy").path)
    np.testing.assert_allclose(dataset["neuron_x"].values, brain.neural["neuron_x"].values)
    np.testing.assert_allclose(dataset["neuron_z"].values, brain.neural["neuron_y"].values)


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("format_name", ["nwb-units", "alf"])
def test_areas_are_those_that_were_written(brain: BrainTruth, tmp_path: Path, format_name: str) -> None:
    dataset = mystax.read_neural(write(brain, tmp_path, format_name).path)
    assert dataset["area"].values.tolist() == brain.neural["area"].values.tolist()


@pytest.mark.usefixtures("readers_here")
def test_fluorescence_is_the_difference_without_its_baseline(
    brain: BrainTruth, counts: np.ndarray, tmp_path: Path
) -> None:
    written = write(brain, tmp_path, "suite2p")
    dataset = mystax.read_neural(written.path, signal="fluorescence", clock=f"npy:{written.neural_times}")
    above = counts - dataset["activity"].values
    # the baseline is smooth and lies below nearly everything that was smoothed
    assert np.abs(np.diff(above, axis=0)).max() < 0.05
    assert dataset["activity"].values.mean() > 0


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("format_name", ["suite2p", "npy", "alf-imaging"])
def test_activity_is_read_when_it_is_used(brain: BrainTruth, tmp_path: Path, format_name: str) -> None:
    written = write(brain, tmp_path, format_name)
    dataset = mystax.read_neural(written.path, **written.options)
    assert not dataset["activity"].variable._in_memory
    whole = dataset["activity"].values
    again = mystax.read_neural(written.path, **written.options)["activity"]
    np.testing.assert_array_equal(again[10:20:3, [7, 2]].values, whole[10:20:3][:, [7, 2]])
    np.testing.assert_array_equal(again[-1, 4].values, whole[-1, 4])
    np.testing.assert_array_equal(again[5].values, whole[5])


@pytest.mark.usefixtures("readers_here")
def test_attributes_tell_source_clock_and_what_was_left_out(brain: BrainTruth, tmp_path: Path) -> None:
    written = write(brain, tmp_path, "suite2p")
    dataset = mystax.read_neural(written.path, **written.options)
    source = json.loads(dataset.attrs["source"])
    assert source["format"] == "suite2p"
    assert {"spks.npy", "iscell.npy", "stat.npy"} == {one["file"] for one in source["files"]}
    assert json.loads(dataset.attrs["clock_report"])["n_stamps"] == 60 * RATE
    assert json.loads(dataset.attrs["left_out"]) == {}
    assert dataset.attrs["bin"] == pytest.approx(1 / RATE)

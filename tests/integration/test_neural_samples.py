"""Closed sums on public samples of neural data (they lie outside the repository)."""

import json
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, NumbersError
from tests.fixtures.readers import read_here

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "neural"
pytestmark = [
    pytest.mark.needs_data,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no sample data in {SAMPLES}"),
]


@pytest.fixture
def files_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let samples that another test reads in a child be read in this process."""
    for form in ("suite2p", "nwb"):
        monkeypatch.setattr(f"mystax.io.neural.{form}.read_foreign", read_here)


def test_suite2p_sample_has_219_traces_of_2000_frames_and_20_cells() -> None:
    folder = SAMPLES / "pynapple_suite2p"
    cells = mystax.read_neural(folder, clock="rate:30/1")
    every = mystax.read_neural(folder, clock="rate:30/1", neurons="quality=all")
    assert dict(cells.sizes) == {"time": 2000, "neuron": 20}
    assert dict(every.sizes) == {"time": 2000, "neuron": 219}
    np.testing.assert_array_equal(every["activity"].values, np.load(folder / "spks.npy").T)
    np.testing.assert_array_equal(
        cells["neuron"].values, np.flatnonzero(np.load(folder / "iscell.npy")[:, 0])
    )
    assert np.isfinite(cells["neuron_x"].values).all()


@pytest.mark.usefixtures("files_read_here")
def test_suite2p_sample_has_negative_fluorescence_that_is_not_divided_by() -> None:
    dataset = mystax.read_neural(
        SAMPLES / "pynapple_suite2p", clock="rate:30/1", signal="fluorescence", neurons="quality=all"
    )
    values = dataset["activity"].values
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 1e4


@pytest.mark.usefixtures("files_read_here")
def test_suite2p_sample_without_a_clock_is_refused() -> None:
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(SAMPLES / "pynapple_suite2p")
    assert "frames are not paired by number" in str(refused.value)


def test_kilosort_sample_has_its_spikes_and_clusters() -> None:
    folder = SAMPLES / "kilosort_phy"
    dataset = mystax.read_neural(folder, sample_rate=30_000, neurons="quality=all")
    assert dict(dataset.sizes) == {"spike": 379_321, "neuron": 404}
    values, counts = np.unique(dataset["quality"].values, return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {"good": 140, "mua": 260, "noise": 4}
    assert dataset["spike_time"].values[-1] == pytest.approx(3_595_319 / 30_000)
    assert mystax.read_neural(folder, sample_rate=30_000).sizes["neuron"] == 140


def test_kilosort_sample_without_a_sample_rate_is_refused() -> None:
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(SAMPLES / "kilosort_phy")
    assert "--sample-rate" in refused.value.hint


def test_kilosort_sample_has_no_unit_in_an_area_that_is_unknown() -> None:
    with pytest.raises(NumbersError, match="N303"):
        mystax.read_neural(SAMPLES / "kilosort_phy", sample_rate=30_000, neurons="area=V1")


@pytest.mark.parametrize(
    ("name", "units", "spikes"),
    [
        ("pynapple_phy_nwb/A8604-211122.nwb", 3, 21_354),
        ("nwb_zheng2022_human/sub-4_ses-4_ecephys+image.nwb", 35, 214_278),
    ],
)
def test_nwb_samples_have_their_units_and_spikes(name: str, units: int, spikes: int) -> None:
    dataset = mystax.read_neural(SAMPLES / name)
    assert dict(dataset.sizes) == {"spike": spikes, "neuron": units}
    assert (np.diff(dataset["spike_time"].values) >= 0).all()
    assert json.loads(dataset.attrs["source"])["n_spikes"] == spikes


@pytest.mark.usefixtures("files_read_here")
def test_human_units_lie_in_the_areas_of_their_electrodes() -> None:
    dataset = mystax.read_neural(SAMPLES / "nwb_zheng2022_human/sub-4_ses-4_ecephys+image.nwb")
    assert {"hippocampus_right", "amygdala_right"} <= set(dataset["area"].values.tolist())
    one = mystax.read_neural(
        SAMPLES / "nwb_zheng2022_human/sub-4_ses-4_ecephys+image.nwb", neurons="area=hippocampus_right"
    )
    assert 0 < one.sizes["neuron"] < 35

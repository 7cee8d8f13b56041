"""NWB files: units with cumulative ends, series in either order of axes, what is told about places."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError, NumbersError
from mystax.io.hdf5 import write_tree

pytestmark = pytest.mark.usefixtures("readers_here")

BASE = {"session_start_time": "2024-01-01T00:00:00", "session_description": "x"}
TIMES = np.array([0.5, 1.5, 0.25, 2.0, 2.5, 0.75])
VALUES = np.arange(21.0).reshape(7, 3)


def units(folder: Path, **more: Any) -> Path:
    table = {
        "id": np.array([4, 8, 15]),
        "spike_times": TIMES,
        "spike_times_index": np.array([2, 5, 6], np.uint8),
    }
    write_tree(folder / "a.nwb", {**BASE, "units": {**table, **more}})
    return folder / "a.nwb"


def series(data: Any = VALUES, **more: Any) -> dict[str, Any]:
    return {"@": {"neurodata_type": "RoiResponseSeries"}, "data": data, **more}


def ophys(folder: Path, **containers: Any) -> Path:
    write_tree(folder / "a.nwb", {**BASE, "processing": {"ophys": containers}})
    return folder / "a.nwb"


def flat(**members: Any) -> Mapping[str, Any]:
    return {"@": {"neurodata_type": "Fluorescence"}, **members}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int64])
def test_ends_of_units_are_cumulative_in_any_whole_type(tmp_path: Path, dtype: type) -> None:
    dataset = mystax.read_neural(units(tmp_path, spike_times_index=np.array([2, 5, 6], dtype)))
    assert dataset["spike_time"].values.tolist() == sorted(TIMES)
    owners = dataset["neuron"].values[dataset["spike_neuron"].values]
    assert owners.tolist() == [8, 4, 15, 4, 8, 8]


def test_unit_without_spikes_is_kept(tmp_path: Path) -> None:
    dataset = mystax.read_neural(units(tmp_path, spike_times_index=np.array([2, 2, 6])))
    assert np.bincount(dataset["spike_neuron"].values, minlength=3).tolist() == [2, 0, 4]


@pytest.mark.parametrize("ends", [[2, 1, 6], [2, 5, 7], [2, 5, 5]])
def test_impossible_ends_are_refused(tmp_path: Path, ends: list[int]) -> None:
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(units(tmp_path, spike_times_index=np.array(ends)))


def test_bins_outside_the_observation_are_missing(tmp_path: Path) -> None:
    path = units(
        tmp_path,
        obs_intervals=np.array([[0.0, 1.0], [0.0, 1.0], [2.0, 3.0], [0.0, 3.0]]),
        obs_intervals_index=np.array([1, 3, 4]),
    )
    activity = mystax.read_neural(path, bin=1.0)["activity"].values
    assert np.isnan(activity).tolist() == [[False] * 3, [True, True, False], [True, False, False]]
    assert activity[0].tolist() == [1, 1, 1]


def test_judgements_areas_and_places_are_those_of_the_tables(tmp_path: Path) -> None:
    table = {
        "id": np.array([4, 8, 15]),
        "spike_times": TIMES,
        "spike_times_index": np.array([2, 5, 6]),
        "quality": ["Good", "mua", "good"],
        "electrodes": np.array([3, 1, 0, 2]),
        "electrodes_index": np.array([2, 3, 4]),
    }
    known = {"x": np.arange(4.0), "y": np.arange(4.0) * 2, "location": ["a", "b", "c", "d"]}
    tree = {**BASE, "units": table, "general": {"extracellular_ephys": {"electrodes": known}}}
    write_tree(tmp_path / "a.nwb", tree)
    dataset = mystax.read_neural(tmp_path / "a.nwb")
    assert dataset["neuron"].values.tolist() == [4, 15]
    assert dataset["area"].values.tolist() == ["d", "c"]
    assert dataset["neuron_x"].values.tolist() == [3, 2]
    assert dataset["neuron_y"].values.tolist() == [6, 4]
    assert np.isnan(dataset["neuron_z"].values).all()


def test_a_column_of_numbers_is_no_judgement(tmp_path: Path) -> None:
    dataset = mystax.read_neural(units(tmp_path, group=np.array([0, 1, 2]), location=["x", "y", "z"]))
    assert dataset["quality"].values.tolist() == ["", "", ""]
    assert dataset["area"].values.tolist() == ["x", "y", "z"]


@pytest.mark.parametrize("is_swapped", [False, True])
def test_axis_as_long_as_the_times_is_time(tmp_path: Path, is_swapped: bool) -> None:
    data = VALUES.T if is_swapped else VALUES
    path = ophys(tmp_path, F=flat(S=series(data.copy(), timestamps=np.arange(7.0))))
    np.testing.assert_array_equal(mystax.read_neural(path)["activity"].values, VALUES)


@pytest.mark.parametrize("is_swapped", [False, True])
def test_axis_as_long_as_the_regions_is_neurons_where_a_rate_gives_the_times(
    tmp_path: Path, is_swapped: bool
) -> None:
    data = VALUES.T if is_swapped else VALUES
    timed = {"starting_time": (np.float64(3.0), {"rate": 2.0}), "rois": np.arange(3)}
    dataset = mystax.read_neural(ophys(tmp_path, F=flat(S=series(data.copy(), **timed))))
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    np.testing.assert_allclose(dataset["time"].values, 3 + np.arange(7) / 2)


def test_rate_of_single_precision_means_the_rate_that_a_scanner_has(tmp_path: Path) -> None:
    timed = {"starting_time": (np.float64(0.0), {"rate": np.float32(30000 / 1001)}), "rois": np.arange(3)}
    values = np.zeros((30000, 3), np.float32)
    dataset = mystax.read_neural(ophys(tmp_path, F=flat(S=series(values, **timed))))
    assert abs(float(dataset["time"].values[-1]) - 29999 * 1001 / 30000) < 1e-9


def test_square_data_need_a_word(tmp_path: Path) -> None:
    path = ophys(tmp_path, F=flat(S=series(np.eye(7), timestamps=np.arange(7.0))))
    with pytest.raises(NumbersError, match=r"N306.*7 x 7"):
        mystax.read_neural(path)
    assert mystax.read_neural(path, axes="neuron,time").sizes["neuron"] == 7


def test_values_are_scaled_by_conversion_and_offset(tmp_path: Path) -> None:
    data = (VALUES.astype(np.int16), {"conversion": 0.5, "offset": 10.0})
    dataset = mystax.read_neural(ophys(tmp_path, F=flat(S=series(data, timestamps=np.arange(7.0)))))
    np.testing.assert_allclose(dataset["activity"].values, VALUES * 0.5 + 10)


def test_df_over_f_is_preferred_and_neuropil_never(tmp_path: Path) -> None:
    timed = {"timestamps": np.arange(7.0)}
    path = ophys(
        tmp_path,
        Fluorescence=flat(RoiResponseSeries=series(VALUES + 1, **timed)),
        Neuropil=flat(Neuropil=series(VALUES + 2, **timed)),
        DfOverF={"@": {"neurodata_type": "DfOverF"}, "RoiResponseSeries": series(VALUES + 3, **timed)},
    )
    dataset = mystax.read_neural(path)
    assert dataset["activity"].values[0, 0] == 3
    assert len(json.loads(dataset.attrs["source"])["all_series"]) == 3


def test_deconvolved_series_is_taken_on_request(tmp_path: Path) -> None:
    timed = {"timestamps": np.arange(7.0)}
    path = ophys(
        tmp_path,
        Fluorescence=flat(Fluorescence=series(VALUES + 1, **timed)),
        Deconvolved=flat(Deconvolved=series(VALUES + 2, **timed)),
    )
    assert mystax.read_neural(path)["activity"].values[0, 0] == 1
    other = mystax.read_neural(path, signal="deconvolved")
    assert (other["activity"].values[0, 0], other.attrs["signal"]) == (2, "deconvolved")


def test_several_equal_series_need_a_name(tmp_path: Path) -> None:
    timed = {"timestamps": np.arange(7.0)}
    path = ophys(tmp_path, F=flat(one=series(VALUES + 1, **timed), two=series(VALUES + 2, **timed)))
    with pytest.raises(FormatError, match="which series is meant") as refused:
        mystax.read_neural(path)
    assert "--series" in refused.value.hint
    assert mystax.read_neural(path, series="two")["activity"].values[0, 0] == 2
    with pytest.raises(FormatError, match="no one series 'three'"):
        mystax.read_neural(path, series="three")


def test_series_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C207"):
        mystax.read_neural(ophys(tmp_path, F=flat(S=series(rois=np.arange(3)))))


def test_times_that_fall_are_refused_with_their_row(tmp_path: Path) -> None:
    times = np.array([0, 1, 2, 1.5, 4, 5, 6])
    with pytest.raises(ClockError, match=r"C206.*row 3"):
        mystax.read_neural(ophys(tmp_path, F=flat(S=series(timestamps=times))))


def test_cells_and_places_come_from_the_segmentation(tmp_path: Path) -> None:
    masks = np.zeros((4, 6, 8))  # NWB: region, x, y
    for k in range(4):
        masks[k, k : k + 2, 2 * k] = 1
    timed = {
        "timestamps": np.arange(7.0),
        "rois": (np.array([0, 2, 3]), {"table": "/processing/ophys/Seg/P"}),
    }
    path = ophys(
        tmp_path,
        Seg={"P": {"id": np.arange(4) + 50, "image_mask": masks, "iscell": np.array([1.0, 0, 1, 0])}},
        F=flat(S=series(**timed)),
    )
    every = mystax.read_neural(path, neurons="quality=all")
    assert every["neuron"].values.tolist() == [50, 52, 53]
    assert every["neuron_x"].values.tolist() == [0.5, 2.5, 3.5]
    assert every["neuron_y"].values.tolist() == [0, 4, 6]
    assert mystax.read_neural(path)["neuron"].values.tolist() == [50, 52]


@pytest.mark.extra("nwb")
def test_axes_of_masks_are_those_of_the_library(tmp_path: Path) -> None:
    ophys_module = pytest.importorskip("pynwb.ophys", reason='pip install "mystax[nwb]"')
    mask = np.random.default_rng(0).uniform(size=(1, 5, 9))
    pixels = np.array(ophys_module.PlaneSegmentation.image_to_pixel(mask[0]))  # x, y, weight
    wanted = np.average(pixels[:, :2], axis=0, weights=pixels[:, 2])
    timed = {"timestamps": np.arange(7.0), "rois": (np.array([0]), {"table": "/processing/ophys/Seg/P"})}
    path = ophys(
        tmp_path,
        Seg={"P": {"id": np.arange(1), "image_mask": mask}},
        F=flat(S={**series(**timed), "data": np.zeros((7, 1))}),
    )
    found = mystax.read_neural(path)
    np.testing.assert_allclose([found["neuron_x"].item(), found["neuron_y"].item()], wanted, rtol=1e-5)


def test_file_without_neurons_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    write_tree(tmp_path / "a.nwb", {**BASE, "units": {"id": np.arange(2)}})
    with pytest.raises(FormatError, match="F804") as refused:
        mystax.read_neural(tmp_path / "a.nwb")
    assert "units" in refused.value.got


@pytest.mark.attack
def test_link_to_another_file_is_refused(tmp_path: Path) -> None:
    path = units(tmp_path)
    write_tree(tmp_path / "b.h5", {"secret": np.arange(3)})
    with h5py.File(path, "a") as file:
        file["units/more"] = h5py.ExternalLink("b.h5", "/secret")
    with pytest.raises(FormatError, match="F803"):
        mystax.read_neural(path)


def test_events_map_the_times_of_units(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pulses = np.cumsum(random.uniform(0.5, 3.0, 400))
    spikes = np.sort(random.uniform(0, pulses[-1], 500))
    path = units(tmp_path, spike_times=spikes, spike_times_index=np.array([500, 500, 500]))
    np.save(tmp_path / "a.npy", pulses)
    np.save(tmp_path / "b.npy", pulses * 1.0001 + 12)
    dataset = mystax.read_neural(path, clock=f"events:{tmp_path / 'a.npy'}:{tmp_path / 'b.npy'}")
    np.testing.assert_allclose(dataset["spike_time"].values, spikes * 1.0001 + 12, atol=1e-4)
    assert json.loads(dataset.attrs["clock_report"])["drift_ppm"] == pytest.approx(100, abs=1)

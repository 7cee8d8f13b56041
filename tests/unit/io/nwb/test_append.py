"""Outcomes added to an NWB file that exists: the lab's objects stay, older exports are replaced."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.core.events import silent
from mystax.errors import RecipeError
from mystax.io.nwb.append import append_nwb
from mystax.io.nwb.options import NwbOptions
from mystax.io.nwb.reader import read_outcomes
from mystax.io.recorded import find_recorded
from tests.fixtures.exchange_outcomes import publish_known
from tests.unit.io.nwb.conftest import Exported

pytestmark = [pytest.mark.extra("nwb"), pytest.mark.usefixtures("readers_here")]
pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """Return all numeric arrays of a file."""
    found: dict[str, np.ndarray] = {}

    def look(name: str, item: object) -> None:
        if (
            isinstance(item, h5py.Dataset)
            and item.dtype.kind in "iuf"
            and not name.startswith("specifications")
        ):
            found[name] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return found


@pytest.mark.needs_data
def test_objects_of_the_lab_stay_as_they_are(real_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "lab.nwb"
    shutil.copyfile(real_data / "neural/pynapple_phy_nwb/A8604-211122.nwb", path)
    path.chmod(0o644)
    before = arrays_of(path)
    folder = publish_known(tmp_path / "face.mystax", "motion")
    append_nwb(path, find_recorded([folder]), NwbOptions(), silent)
    after = arrays_of(path)
    assert all(np.array_equal(after[name], values, equal_nan=True) for name, values in before.items())
    assert [one.parts.analysis for one in read_outcomes(path)] == ["motion"]


def test_more_outcomes_are_added_beside_older_ones(one_camera: Exported, tmp_path: Path) -> None:
    path = tmp_path / "two.nwb"
    shutil.copyfile(one_camera.path, path)
    folder = publish_known(tmp_path / "other.mystax", "motion")
    with pytest.raises(RecipeError, match="P403"):
        append_nwb(path, find_recorded([folder]), NwbOptions(), silent)
    assert path.read_bytes() == one_camera.path.read_bytes()


@pytest.mark.slow
def test_older_outcomes_are_replaced_and_the_others_kept(tmp_path: Path) -> None:
    from mystax.io.nwb.writer import write_nwb
    from tests.unit.io.nwb.conftest import START

    folder = publish_known(tmp_path / "face.mystax", "motion", "pupil")
    path = write_nwb(tmp_path / "face.nwb", find_recorded([folder]), NwbOptions(start=START))
    longer = publish_known(tmp_path / "new" / "face.mystax", "motion", times=np.arange(40) / 30.0)
    append_nwb(path, find_recorded([longer]), NwbOptions(overwrite=True), silent)
    found = {one.parts.analysis: one.parts for one in read_outcomes(path)}
    assert sorted(found) == ["motion", "pupil"]
    assert found["motion"].cameras[""].sizes["time"] == 40
    assert found["pupil"].cameras[""].sizes["time"] == 24


def test_name_that_is_taken_by_the_lab_is_refused(tmp_path: Path, one_camera: Exported) -> None:
    path = tmp_path / "lab.nwb"
    shutil.copyfile(one_camera.path, path)
    with h5py.File(path, "r+") as file:
        del file["scratch/mystax_manifest"]  # now all its objects are the lab's
    before = path.read_bytes()
    folder = publish_known(tmp_path / "face.mystax", "motion")
    with pytest.raises(RecipeError, match="P403"):
        append_nwb(path, find_recorded([folder]), NwbOptions(), silent)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def lab_with_neurons(path: Path) -> Path:
    """Write the NWB file of a lab with units 3, 5, 8, 13 and regions 13, 8, 5, 3, 2."""
    from mystax.io.nwb import library
    from tests.unit.io.nwb.conftest import START

    nwb = library.pynwb()
    with library.quiet():
        made = nwb.NWBFile("of a lab", "lab-1", START)
        for number in (3, 5, 8, 13):
            made.add_unit(spike_times=[1.0 * number], id=number)
        channel = nwb.ophys.OpticalChannel(name="green", description="d", emission_lambda=500.0)
        plane = made.create_imaging_plane(
            name="plane",
            optical_channel=channel,
            description="d",
            device=made.create_device(name="microscope"),
            excitation_lambda=900.0,
            indicator="g",
            location="V1",
        )
        module = made.create_processing_module("ophys", "o")
        images = nwb.ophys.ImageSegmentation()
        module.add(images)
        regions = images.create_plane_segmentation(description="d", imaging_plane=plane, name="cells")
        for number in (13, 8, 5, 3, 2):
            regions.add_roi(image_mask=np.ones((2, 2)), id=number)
        chosen = regions.create_roi_table_region(region=[0, 1, 2, 3, 4], description="d")
        traces = nwb.ophys.Fluorescence()
        module.add(traces)
        traces.create_roi_response_series(
            name="raw", data=np.zeros((9, 5)), rois=chosen, unit="n.a.", rate=10.0
        )
        with nwb.NWBHDF5IO(str(path), "w") as file:
            file.write(made)
    return path


@pytest.mark.parametrize(
    ("source", "column", "rows"),
    [
        ({"format": "nwb", "n_units": 4}, "unit", [0, 1, 2, 3]),
        ({"format": "nwb", "series": "processing/ophys/Fluorescence/raw"}, "region", [3, 2, 1, 0]),
        pytest.param(
            {"format": "nwb", "series": "processing/ophys/Fluorescence/other"}, "", [], marks=pytest.mark.slow
        ),
        pytest.param({"format": "suite2p", "n_units": 4}, "", [], marks=pytest.mark.slow),
    ],
)
def test_neurons_point_to_where_they_were_read_from_and_nowhere_else(
    tmp_path: Path, source: dict[str, object], column: str, rows: list[int]
) -> None:
    from mystax.core.analysis import get_analysis
    from mystax.io.nwb import library
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store
    from tests.fixtures.exchange_outcomes import known_outcome

    dataset = known_outcome("encoding")  # of the neurons 3, 5, 8, 13
    dataset.attrs["neural_source"] = json.dumps(source)
    about = Provenance("encoding", get_analysis("encoding").version, "0" * 64, {}, [])
    Store(tmp_path / "face.mystax").publish(dataset, about)
    path = lab_with_neurons(tmp_path / "lab.nwb")
    append_nwb(path, find_recorded([tmp_path / "face.mystax"]), NwbOptions(), silent)
    with library.quiet(), library.pynwb().NWBHDF5IO(str(path), "r", load_namespaces=True) as file:
        table = file.read().processing["behavior"]["encoding_neurons"]
        pointing = [name for name in table.colnames if name in ("unit", "region")]
        assert pointing == ([column] if column else [])
        if column:
            assert list(table[column].data[:]) == rows
            assert [int(number) for number in table[column].table.id[:][rows]] == [3, 5, 8, 13]

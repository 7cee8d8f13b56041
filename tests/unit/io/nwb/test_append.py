"""Outcomes added to an NWB file that exists: the lab's objects stay, older exports are replaced."""

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

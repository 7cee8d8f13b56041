"""Outcomes out of our own NWB files: bit for bit, and refused where somebody changed them."""

import shutil
from pathlib import Path

import h5py
import pytest

from mystax.errors import DamagedError, FormatError
from mystax.io.nwb.reader import read_outcomes
from mystax.io.outcome_parts import publish_parts
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import contents
from tests.unit.io.nwb.conftest import Exported

pytestmark = [pytest.mark.extra("nwb"), pytest.mark.usefixtures("readers_here")]


def test_every_kind_comes_back_with_the_digest_that_it_left_with(
    one_camera: Exported, tmp_path: Path
) -> None:
    for one in read_outcomes(one_camera.path):
        assert one.recording == "face"
        publish_parts(Store(tmp_path), one.parts)
    assert contents(tmp_path) == contents(one_camera.folder)


@pytest.mark.slow
def test_two_cameras_come_back_with_their_digests(two_cameras: Exported, tmp_path: Path) -> None:
    for one in read_outcomes(two_cameras.path):
        publish_parts(Store(tmp_path), one.parts)
    assert contents(tmp_path) == contents(two_cameras.folder)


def test_changed_number_is_found(one_camera: Exported, tmp_path: Path) -> None:
    path = tmp_path / "changed.nwb"
    shutil.copyfile(one_camera.path, path)
    with h5py.File(path, "r+") as file:
        file["processing/behavior/motion/motion_energy_nose/data"][7] += 1
    with pytest.raises(DamagedError, match="S502") as caught:
        read_outcomes(path)
    assert "energy" in caught.value.got


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"outcomes": [{"layout": 99}]}', '{"outcomes": [{"cameras": 3}]}']
)
def test_manifest_that_is_not_understood_is_refused(one_camera: Exported, tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.nwb"
    shutil.copyfile(one_camera.path, path)
    with h5py.File(path, "r+") as file:
        del file["scratch/mystax_manifest"]
        file["scratch/mystax_manifest"] = text
    with pytest.raises(FormatError, match="F804"):
        read_outcomes(path)


def test_manifest_that_names_an_array_that_is_not_there_is_refused(
    one_camera: Exported, tmp_path: Path
) -> None:
    path = tmp_path / "gone.nwb"
    shutil.copyfile(one_camera.path, path)
    with h5py.File(path, "r+") as file:
        del file["processing/behavior/motion/motion_energy_nose"]
    with pytest.raises(FormatError, match="F804"):
        read_outcomes(path)

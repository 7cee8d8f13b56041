"""F45: a pickled file that runs code, given wherever mystax reads a file.

Regions, clocks, imports, checkpoints, outcomes: each door refuses it or passes it over, and nothing in it is
run.  (All twelve ways to run code: `tests/attacks`.)
"""

import pickle
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.io.store import Store
from tests.attacks.payloads import PICKLES, npy_of
from tests.fixtures.commands import call
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.refusals import code_of
from tests.fixtures.traces import KEY
from tests.fixtures.videos import Shelf

pytestmark = [pytest.mark.fault(45), pytest.mark.attack]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "MARKER"


def evil(folder: Path, marker: Path, name: str) -> Path:
    """Write a pickled file that touches the marker."""
    path = folder / name
    path.write_bytes(npy_of(PICKLES["reduce"](marker)))
    return path


def test_regions(tmp_path: Path, marker: Path, shelf: Shelf, capsys: Capture) -> None:
    path = evil(tmp_path, marker, "face_proc.npy")
    found = call(capsys, "run", shelf.take(), "--rois", path, "--dry-run", "--json")
    assert (found.status, found.codes) == (1, ["F801"])
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_clocks(kind: str, tmp_path: Path, marker: Path, shelf: Shelf, capsys: Capture) -> None:
    path = evil(tmp_path, marker, "clock.npy")
    spec = f"npy:{path}"
    if kind == "npz":
        import zipfile

        with zipfile.ZipFile(tmp_path / "clock.npz", "w") as archive:
            archive.write(path, "times.npy")
        spec = f"npz:{tmp_path / 'clock.npz'}:times"
    found = call(capsys, "run", shelf.take(), "--clock", spec, "--dry-run", "--json")
    assert (found.status, found.codes) == (1, ["F801"])
    assert not marker.exists()


@pytest.mark.parametrize("suffix", ["npy", "mat"])
def test_imports(suffix: str, tmp_path: Path, marker: Path, capsys: Capture) -> None:
    path = evil(tmp_path, marker, f"face_proc.{suffix}")
    found = call(capsys, "import", path, "--json")
    assert found.status == 1
    assert found.codes == ["F801" if suffix == "npy" else "F804"]
    assert not marker.exists()


def test_outcomes(tmp_path: Path, marker: Path) -> None:
    for content in (npy_of(PICKLES["reduce"](marker)), pickle.dumps({"energy": np.zeros(3)})):
        (tmp_path / "motion.nc").write_bytes(content)
        assert code_of(lambda: mystax.load(tmp_path / "motion.nc")) == "S502"
        assert code_of(lambda: mystax.load(tmp_path)) == "S502"
    assert not marker.exists()


def test_videos(tmp_path: Path, marker: Path) -> None:
    path = evil(tmp_path, marker, "face.mp4")
    assert code_of(lambda: mystax.open(path)) == "V104"
    assert not marker.exists()


def test_checkpoints(tmp_path: Path, marker: Path) -> None:
    """A checkpoint that holds objects is passed over: the work starts at the one before it."""
    store = Store(tmp_path, fs=FaultyFs())
    with store.work([KEY]) as work:
        work.save({"toy/sum": np.arange(3)}, 5)
        good = work.save({"toy/sum": np.arange(3)}, 9)
        payload = evil(tmp_path, marker, "x.npy").read_bytes()
        import zipfile

        with zipfile.ZipFile(good) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members["toy/sum.npy"] = payload
        with zipfile.ZipFile(good, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        found = work.restore()
        assert found is not None
        assert found.frame == 5
    assert not marker.exists()


@pytest.mark.parametrize("name", ["rois.toml", "recipe.toml"])
def test_texts(name: str, tmp_path: Path, marker: Path, shelf: Shelf, capsys: Capture) -> None:
    path = evil(tmp_path, marker, name)
    option = "--rois" if name == "rois.toml" else "--recipe"
    found = call(capsys, "run", shelf.take(), option, path, "--dry-run", "--json")
    assert (found.status, found.codes) == (2, ["P402" if name == "rois.toml" else "P403"])
    assert not marker.exists()

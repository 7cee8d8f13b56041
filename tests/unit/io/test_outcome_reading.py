"""Datasets out of outcome files: their form, large arrays on demand, files that changed since."""

import gc
import shutil
from pathlib import Path

import numpy as np
import pytest

import mystax.io.outcome_reading as module
from mystax.errors import DamagedError, FormatError
from mystax.io.outcome_files import read_head
from mystax.io.outcomes import Outcomes, load
from mystax.io.store import Provenance
from tests.fixtures.traces import (
    KEY,
    OTHER_KEY,
    TRACE,
    damage,
    folder_of_two,
    load_one,
    provenance,
    quick_store,
    trace,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish outcomes of one camera and of several, to be copied."""
    return folder_of_two(tmp_path_factory.mktemp("published") / "face.mystax")


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """Return a folder of the test's own with outcomes of one camera and of several."""
    return Path(shutil.copytree(published, tmp_path / "face.mystax"))


@pytest.fixture
def all_lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat every variable that is no coordinate as a large one."""
    monkeypatch.setattr(module, "EAGER_BYTES", -1)


def test_parts_and_hidden_files_do_not_exist_for_readers(folder: Path) -> None:
    (folder / ".trace.0000000000000000.nc.part").write_bytes(b"half")
    (folder / ".hidden.nc").write_bytes(b"half")
    assert "trace" in load(folder)


def test_form_of_a_known_analysis_is_checked(tmp_path: Path) -> None:
    quick_store(tmp_path).publish(trace(), Provenance("motion", 1, KEY), schema=TRACE)
    with pytest.raises(FormatError, match="motion"):
        load(tmp_path / "motion.nc")


def test_outcome_of_an_older_version_of_an_analysis_stays_readable(tmp_path: Path) -> None:
    quick_store(tmp_path).publish(trace(), Provenance("motion", 0, KEY), schema=TRACE)
    assert load_one(tmp_path / "motion.nc").sizes["time"] == 40


@pytest.mark.usefixtures("all_lazy")
def test_large_variables_are_read_when_they_are_used(folder: Path) -> None:
    found, outcome = load_one(folder / "trace.nc"), trace()
    assert not found["score"].variable._in_memory
    np.testing.assert_array_equal(found["score"][3:9, 0, ::2], outcome["score"][3:9, 0, ::2])
    np.testing.assert_array_equal(found["score"].isel(time=[9, 2, 2]), outcome["score"].isel(time=[9, 2, 2]))
    np.testing.assert_array_equal(found["energy"].isel(time=-1), outcome["energy"].isel(time=-1))
    assert found.load().drop_attrs().identical(outcome.drop_attrs())


@pytest.mark.usefixtures("all_lazy")
def test_no_file_stays_open(folder: Path) -> None:
    found = load_one(folder / "trace.nc")
    found["score"][:2].load()
    (folder / "trace.nc").unlink()
    gc.collect()
    with pytest.raises(DamagedError):
        found["score"].load()


@pytest.mark.usefixtures("all_lazy")
def test_outcome_that_was_superseded_since_it_was_opened_keeps_its_values(folder: Path) -> None:
    found = load_one(folder / "trace.nc")
    quick_store(folder).publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    np.testing.assert_array_equal(found["score"].values, trace()["score"].values)


@pytest.mark.usefixtures("all_lazy")
def test_file_that_was_replaced_since_it_was_opened_is_refused(folder: Path) -> None:
    found = load_one(folder / "trace.nc")
    (folder / "trace.nc").unlink()
    quick_store(folder).publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    with pytest.raises(DamagedError) as caught:
        found["score"].load()
    assert caught.value.code == "S502"


def test_file_that_was_replaced_since_the_folder_was_opened_is_refused(folder: Path) -> None:
    outcomes = load(folder)
    (folder / "trace.nc").unlink()
    quick_store(folder).publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    with pytest.raises(DamagedError):
        outcomes["trace"]


@pytest.mark.usefixtures("all_lazy")
def test_damaged_chunk_of_a_large_variable_is_refused_as_it_is_read(folder: Path) -> None:
    path = folder / "trace.nc"
    damage(path, "score")
    found = load_one(path)
    with pytest.raises(DamagedError) as caught:
        found["score"].load()
    assert caught.value.code == "S502"
    np.testing.assert_array_equal(found["energy"].values, trace()["energy"].values)


# without xarray -------------------------------------------------------------------------------------------


def flipped(path: Path, values: np.ndarray) -> None:
    """Change one bit of stored values, in the place where they stand."""
    data = bytearray(path.read_bytes())
    place = data.find(values.tobytes()[40:60])
    assert place > 0
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("camera", [None, "face", "side"])
def test_a_check_gives_the_attributes_that_loading_gives(folder: Path, camera: str | None) -> None:
    for name in ["trace", "twin"] if camera is None else ["twin"]:
        path = folder / f"{name}.nc"
        head = read_head(path)
        assert module.check_camera(path, head, camera) == module.load_camera(path, head, camera).attrs


@pytest.mark.parametrize("variable", ["score", "energy", "frame"])
def test_a_check_refuses_values_that_loading_refuses(folder: Path, variable: str) -> None:
    path = folder / "trace.nc"
    head = read_head(path)
    flipped(path, trace()[variable].values)
    for read in (module.load_camera, module.check_camera):
        with pytest.raises(DamagedError, match="S502"):
            read(path, head, None)
    outcomes = load(folder)
    assert isinstance(outcomes, Outcomes)
    assert outcomes.attributes("trace")["analysis"] == "trace"
    with pytest.raises(DamagedError, match="S502"):
        outcomes.attributes("trace", check=True)


@pytest.mark.usefixtures("all_lazy")
def test_a_check_leaves_large_variables_alone_as_loading_does(folder: Path) -> None:
    path = folder / "trace.nc"
    head = read_head(path)
    flipped(path, trace()["score"].values)
    assert module.check_camera(path, head, None) == load_one(path).attrs


def test_a_check_refuses_a_file_that_was_replaced(folder: Path) -> None:
    path = folder / "trace.nc"
    head = read_head(path)
    path.unlink()
    quick_store(folder).publish(trace(seed=1), provenance(OTHER_KEY), schema=TRACE)
    with pytest.raises(DamagedError, match="another outcome"):
        module.check_camera(path, head, None)


def test_chosen_values_are_read_of_every_camera(folder: Path) -> None:
    content, cameras = module.read_values(folder / "twin.nc", ("roi", "energy", "nothing"))
    assert content == load(folder)["twin/face"].attrs["content_sha256"]
    found = {str(attributes.get("camera", "")): values for values, attributes in cameras}
    assert {name: len(values["energy"]) for name, values in found.items()} == {"face": 20, "side": 30, "": 10}
    for name, n in (("face", 20), ("", 10)):
        np.testing.assert_array_equal(found[name]["energy"], trace(n)["energy"].values)
        assert found[name]["roi"].tolist() == ["pad"]
        assert set(found[name]) == {"roi", "energy"}


def test_chosen_values_that_are_damaged_are_refused(folder: Path) -> None:
    flipped(folder / "trace.nc", trace()["energy"].values)
    with pytest.raises(DamagedError, match="S502"):
        module.read_values(folder / "trace.nc", ("energy",))
    assert len(module.read_values(folder / "trace.nc", ("frame",))[1][0][0]["frame"]) == 40

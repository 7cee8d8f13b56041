"""Outcomes as files of the International Brain Laboratory."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.errors import ParameterError
from mystax.io.alf import AlfOptions, _box, write_alf
from mystax.io.alf_session import read_alf_session
from mystax.io.outcome_parts import publish_parts
from mystax.io.provenance import Provenance
from mystax.io.recorded import find_recorded
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import KINDS, contents, known_outcome, publish_known

pytestmark = [pytest.mark.extra("interop"), pytest.mark.usefixtures("readers_here")]
pq = pytest.importorskip("pyarrow.parquet", reason='pip install "mystax[interop]"')


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with every kind of outcome of the camera `left`; outcomes in ``face.mystax``."""
    place = tmp_path_factory.mktemp("alf")
    folder = publish_known(place / "face.mystax", *KINDS, cameras=("left",))
    write_alf(place, find_recorded([folder]))
    return place


@pytest.mark.slow
def test_every_kind_comes_back_with_the_digest_that_it_left_with(session: Path, tmp_path: Path) -> None:
    for recording, parts in read_alf_session(session):
        assert recording == "face"
        publish_parts(Store(tmp_path), parts)
    assert contents(tmp_path) == contents(session / "face.mystax")


def test_names_of_the_laboratory_hold_its_quantities(session: Path) -> None:
    alf = session / "alf"
    times = np.load(alf / "_ibl_leftCamera.times.npy", allow_pickle=False)
    energy = np.load(alf / "leftCamera.ROIMotionEnergy.npy", allow_pickle=False)
    assert np.array_equal(times, known_outcome("motion")["time"].values)
    assert np.array_equal(energy, known_outcome("motion")["energy"].values[:, 0], equal_nan=True)
    points = pq.read_table(alf / "_ibl_leftCamera.dlc.pqt")
    wanted = known_outcome("pose")["position"].values[:, 1, 2, 0]
    assert np.array_equal(points["eye_back_y"].to_numpy(), wanted, equal_nan=True)
    features = pq.read_table(alf / "_ibl_leftCamera.features.pqt")
    assert features.column_names == ["pupilDiameter_raw", "pupilDiameter_smooth"]


def test_place_of_a_motion_region_is_that_of_its_rectangle() -> None:
    pad = Roi("pad", "motion", Rectangle(4, 6, 40, 30))
    assert _box(json.loads(pad.shape_json())).tolist() == [4, 6, 40, 30]
    assert np.isnan(_box(json.loads(replace(pad, shape=Ellipse(20, 20, 8, 6)).shape_json()))).all()
    assert np.isnan(_box({})).all()


def test_no_file_is_pickled_and_rows_of_an_object_are_equal(session: Path) -> None:
    lengths: dict[str, set[int]] = {}
    for path in (session / "alf").glob("*.npy"):
        found = np.load(path, allow_pickle=False)
        lengths.setdefault(path.name.removeprefix("_mystax_").removeprefix("_ibl_").split(".")[0], set()).add(
            len(found)
        )
    assert lengths["leftCamera"] == {24}
    assert lengths["statesBouts"] == {4}


def test_rows_of_other_frames_do_not_get_the_times_of_the_first(tmp_path: Path) -> None:
    """Such as points that were imported for every second frame."""
    publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    store = Store(tmp_path / "face.mystax")
    times = 1.0 + np.arange(12) / 15.0
    dataset = known_outcome("pose", times=times)
    about = Provenance("pose", get_analysis("pose").version, "1" * 64, {}, [])
    store.publish({"left": dataset}, about)
    write_alf(tmp_path, find_recorded([tmp_path / "face.mystax"]))
    alf = tmp_path / "alf"
    n_times = len(np.load(alf / "_ibl_leftCamera.times.npy"))
    for name in ("leftCamera.ROIMotionEnergy.npy", "_ibl_leftCamera.dlc.pqt"):
        if (alf / name).exists():
            n = len(pq.read_table(alf / name) if name.endswith("pqt") else np.load(alf / name))
            assert n == n_times, name
    assert (alf / "leftCamera.ROIMotionEnergy.npy").exists()
    for _, parts in read_alf_session(tmp_path):
        publish_parts(Store(tmp_path / "back"), parts)
    assert contents(tmp_path / "back") == contents(tmp_path / "face.mystax")


def test_files_split_between_revisions_are_read_completely(session: Path, tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    write_alf(tmp_path, find_recorded([folder]))
    plain, later = tmp_path / "alf", tmp_path / "alf" / "#2025-05-31#"
    later.mkdir()
    names = sorted(path.name for path in plain.iterdir() if path.is_file())
    for name in names[::2]:
        (plain / name).rename(later / name)
    for _, parts in read_alf_session(tmp_path):
        publish_parts(Store(tmp_path / "back"), parts)
    assert contents(tmp_path / "back") == contents(folder)


def test_revision_must_be_a_date(session: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="P401 --revision"):
        write_alf(tmp_path, find_recorded([session / "face.mystax"]), AlfOptions(revision="../up"))


@pytest.mark.slow
def test_cameras_whose_names_differ_in_signs_only_get_a_file_each(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", "pose", cameras=("cam 1", "Cam_1", "左"))
    names = {path.name for path in write_alf(tmp_path / "out", find_recorded([folder]))}
    for word in ("cam1", "Cam12", "face"):
        assert {
            f"_ibl_{word}Camera.times.npy",
            f"{word}Camera.ROIMotionEnergy.npy",
            f"_ibl_{word}Camera.dlc.pqt",
        } <= names

"""Outcomes as files of the International Brain Laboratory, and sessions of that form back."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ClockError, FormatError, ParameterError
from mystax.io.alf import AlfOptions, newest_files, read_alf_session, write_alf
from mystax.io.outcome_parts import publish_parts
from mystax.io.recorded import find_recorded
from mystax.io.store import Store
from tests.fixtures.exchange_outcomes import KINDS, contents, known_outcome, publish_known

pytestmark = [pytest.mark.extra("interop"), pytest.mark.usefixtures("readers_here")]
pq = pytest.importorskip("pyarrow.parquet", reason='pip install "mystax[interop]"')
pa = pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with every kind of outcome of the camera `left`; outcomes in ``face.mystax``."""
    place = tmp_path_factory.mktemp("alf")
    folder = publish_known(place / "face.mystax", *KINDS, cameras=("left",))
    write_alf(place, find_recorded([folder]))
    return place


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


def test_no_file_is_pickled_and_rows_of_an_object_are_equal(session: Path) -> None:
    lengths: dict[str, set[int]] = {}
    for path in (session / "alf").glob("*.npy"):
        found = np.load(path, allow_pickle=False)
        lengths.setdefault(path.name.removeprefix("_mystax_").removeprefix("_ibl_").split(".")[0], set()).add(
            len(found)
        )
    assert lengths["leftCamera"] == {24}
    assert lengths["statesBouts"] == {4}


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


def test_newest_revision_counts_file_by_file(tmp_path: Path) -> None:
    for place, names in (("", "ab"), ("#2024-01-01#", "bc"), ("#2025-01-01#", "c")):
        (tmp_path / place).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / place / name).write_text(place)
    found = {name: path.read_text() for name, path in newest_files(tmp_path).items()}
    assert found == {"a": "", "b": "#2024-01-01#", "c": "#2025-01-01#"}


def foreign_session(tmp_path: Path, n_times: int) -> Path:
    """Make a session as the laboratory leaves it: ten frames, two points, a motion energy, a pupil."""
    alf = tmp_path / "subject" / "alf"
    alf.mkdir(parents=True)
    np.save(alf / "_ibl_rightCamera.times.npy", np.arange(n_times) / 150.0)
    np.save(alf / "rightCamera.ROIMotionEnergy.npy", np.arange(10, dtype=np.float64))
    columns = {"nose_x": np.arange(10.0), "nose_y": np.arange(10.0) + 1, "nose_likelihood": np.full(10, 0.5)}
    pq.write_table(pa.table(columns), alf / "_ibl_rightCamera.lightningPose.pqt")
    pq.write_table(pa.table({"pupilDiameter_raw": np.full(10, 9.0)}), alf / "_ibl_rightCamera.features.pqt")
    return alf.parent


def test_session_of_the_laboratory_becomes_pose_motion_and_pupil(tmp_path: Path) -> None:
    found = {parts.analysis: parts for _, parts in read_alf_session(foreign_session(tmp_path, 10))}
    assert sorted(found) == ["motion", "pose", "pupil"]
    pose = found["pose"].cameras[""]
    assert pose["position"].values[3, :, 0, 0].tolist() == [3.0, 4.0]
    assert pose["time"].values[3] == pytest.approx(0.02)
    assert found["motion"].cameras[""]["energy"].values[:, 0].tolist() == list(range(10))
    assert found["pupil"].cameras[""]["diameter"].values[0, 0] == 9
    assert pose.attrs["camera"] == "right"


def test_more_times_than_rows_are_refused_not_trimmed(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="C202") as caught:
        read_alf_session(foreign_session(tmp_path, 12))
    assert (caught.value.expected, caught.value.got) == ("10 times", "12")


def test_session_without_anything_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alf").mkdir()
    np.save(tmp_path / "alf" / "_ibl_leftCamera.times.npy", np.arange(3.0))
    with pytest.raises(FormatError, match="F804"):
        read_alf_session(tmp_path)


def test_revision_must_be_a_date(session: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="P401 --revision"):
        write_alf(tmp_path, find_recorded([session / "face.mystax"]), AlfOptions(revision="../up"))

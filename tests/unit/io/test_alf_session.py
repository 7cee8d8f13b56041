"""Sessions of the International Brain Laboratory as outcomes."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ClockError, FormatError
from mystax.io.alf_session import newest_files, read_alf_session

pytestmark = [pytest.mark.extra("interop"), pytest.mark.usefixtures("readers_here")]
pq = pytest.importorskip("pyarrow.parquet", reason='pip install "mystax[interop]"')
pa = pytest.importorskip("pyarrow", reason='pip install "mystax[interop]"')


def test_newest_revision_counts_file_by_file(tmp_path: Path) -> None:
    for place, names in (("", "ab"), ("#2024-01-01#", "bc"), ("#2025-01-01#", "c")):
        (tmp_path / place).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / place / name).write_text(place)
    found = {name: path.read_text() for name, path in newest_files(tmp_path).items()}
    assert found == {"a": "", "b": "#2024-01-01#", "c": "#2025-01-01#"}


def test_files_that_one_has_sent_are_known_by_their_names(tmp_path: Path) -> None:
    mark = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    for name in (f"_ibl_leftCamera.times.{mark}.npy", f"a.b.{mark}.npy", "a.b.npy"):
        (tmp_path / name).write_text(name)
    found = {name: path.read_text() for name, path in newest_files(tmp_path).items()}
    assert found["_ibl_leftCamera.times.npy"] == f"_ibl_leftCamera.times.{mark}.npy"
    assert found["a.b.npy"] == "a.b.npy"


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

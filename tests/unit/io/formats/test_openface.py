"""OpenFace's tables, made here."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.openface import is_openface, read_openface


def write_openface(path: Path, n: int = 6, faces: int = 1, leave: str = "") -> np.ndarray:
    """Write a table with blanks in its header; return the places (face, frame, keypoint, space)."""
    generator = np.random.default_rng(0)
    places = generator.uniform(0, 640, (faces, n, 68, 2)).round(1)
    head = ["frame", " face_id", " timestamp", " confidence", " success", " pose_Rx", " AU01_r"]
    head += [f" x_{k}" for k in range(68)] + [f" y_{k}" for k in range(68)]
    rows = [",".join(name for name in head if name.strip() != leave)]
    for t in range(n):
        for f in range(faces):
            success = 0 if t == 2 else 1
            row = [t + 1, f, t / 25, 0.9, success, 0.1 * t, 2.5, *places[f, t, :, 0], *places[f, t, :, 1]]
            rows.append(",".join(str(v) for v, name in zip(row, head, strict=True) if name.strip() != leave))
    path.write_text("\n".join(rows) + "\n")
    return places


def test_landmarks_times_and_columns_are_read(tmp_path: Path) -> None:
    places = write_openface(tmp_path / "a.csv")
    (found,) = read_openface(tmp_path / "a.csv")
    good = np.arange(6) != 2
    np.testing.assert_allclose(found.points[good], places[0][good])
    assert np.isnan(found.points[2]).all()
    assert found.time is not None
    np.testing.assert_allclose(found.time, np.arange(6) / 25)
    assert set(found.columns) == {"pose_Rx", "AU01_r"}
    assert np.isnan(found.columns["AU01_r"][2])


def test_each_face_is_a_track_of_its_own(tmp_path: Path) -> None:
    places = write_openface(tmp_path / "a.csv", faces=2)
    found = read_openface(tmp_path / "a.csv")
    assert [one.face for one in found] == [0, 1]
    np.testing.assert_allclose(found[1].points[0], places[1, 0])


def test_older_table_without_times_has_none(tmp_path: Path) -> None:
    write_openface(tmp_path / "a.csv", leave="timestamp")
    assert read_openface(tmp_path / "a.csv")[0].time is None


def test_table_without_landmarks_is_refused(tmp_path: Path) -> None:
    write_openface(tmp_path / "a.csv", leave="y_67")
    with pytest.raises(FormatError, match="F804"):
        read_openface(tmp_path / "a.csv")
    assert not is_openface("frame,x_1")

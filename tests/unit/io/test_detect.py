"""What a file to import is, told by its content."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.detect import detect_import
from mystax.io.recorded import find_recorded
from mystax.io.tables import write_tables
from tests.fixtures.exchange_outcomes import publish_known

ANIPOSE = "nose_x,nose_y,nose_z,nose_error,nose_ncams,nose_score,M_00,center_0,fnum\n1,2,3,4,5,6,7,8,9\n"


def nwb(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.7.0"


def tracks(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["tracks"], file["node_names"] = [1], [2]


def alf(path: Path) -> None:
    path.mkdir()
    np.save(path / "_ibl_leftCamera.times.npy", np.arange(3.0))


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (nwb, "nwb"),
        (tracks, "keypoints"),
        (alf, "alf"),
        (lambda path: path.write_bytes(b"PAR1rest"), "parquet"),
        (lambda path: path.write_text(ANIPOSE), "anipose"),
        (lambda path: path.write_text("scorer,a,a\nbodyparts,x,x\n"), "keypoints"),
        (lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"), "facemap"),
    ],
    ids=["nwb", "sleap", "alf", "parquet", "anipose", "dlc", "npy"],
)
@pytest.mark.parametrize("name", ["a.nwb", "b.csv", "c"])
def test_content_tells_the_format_whatever_the_name(
    tmp_path: Path, make: object, form: str, name: str
) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator] # a function of the table above
    assert detect_import(path) == form


def test_tables_of_mystax_are_known_by_their_json(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "running")
    write_tables(tmp_path / "out", find_recorded([folder]), "csv")
    for path in (tmp_path / "out", tmp_path / "out" / "running.csv", tmp_path / "out" / "running.json"):
        assert detect_import(path) == "csv"


def test_format_that_is_named_is_not_looked_for(tmp_path: Path) -> None:
    assert detect_import(tmp_path / "nothing", "anipose") == "anipose"
    with pytest.raises(ParameterError, match="anipose"):
        detect_import(tmp_path / "nothing", "anipos")


def test_what_is_not_there_or_of_no_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P403"):
        detect_import(tmp_path / "nothing")
    with pytest.raises(FormatError, match="F804"):
        detect_import(tmp_path)
    (tmp_path / "noise").write_bytes(b"\0\1\2" * 99)
    with pytest.raises(FormatError, match="F804"):
        detect_import(tmp_path / "noise")

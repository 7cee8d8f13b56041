"""Plain arrays into HDF5, and into what MATLAB calls version 7.3."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import loadmat
from scipy.io.matlab import matfile_version

from mystax.io.hdf5 import write_arrays, write_tree

TIMES = np.arange(5) / 7


def test_arrays_are_read_back_as_they_are(tmp_path: Path) -> None:
    table = np.arange(6, dtype=np.int32).reshape(2, 3)
    write_arrays(tmp_path / "a.h5", {"camera/times": TIMES, "table": table})
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["camera/times"][:], TIMES)
        np.testing.assert_array_equal(file["table"][:], table)
        assert file["table"].dtype == np.int32


def test_a_matlab_file_has_its_header_and_is_known_as_version_seven_three(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    write_arrays(path, {"times": TIMES}, is_matlab=True)
    assert path.read_bytes().startswith(b"MATLAB 7.3 MAT-file")
    assert matfile_version(str(path)) == (2, 0)
    with pytest.raises(NotImplementedError, match="HDF"):
        loadmat(path)


def test_a_vector_is_a_column_for_matlab(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.mat", {"times": TIMES}, is_matlab=True)
    with h5py.File(tmp_path / "a.mat") as file:
        # MATLAB's axes are the reverse of HDF5's: n x 1 there is 1 x n here.
        assert file["times"].shape == (1, 5)
        np.testing.assert_array_equal(file["times"][:].ravel(), TIMES)
        assert file["times"].attrs["MATLAB_class"] == b"double"


def test_axes_are_reversed_for_matlab(tmp_path: Path) -> None:
    table = np.arange(6.0).reshape(2, 3)
    write_arrays(tmp_path / "a.mat", {"table": table}, is_matlab=True)
    with h5py.File(tmp_path / "a.mat") as file:
        np.testing.assert_array_equal(file["table"][:], table.T)


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_arrays(path, {"old": TIMES})
    write_arrays(path, {"new": TIMES})
    with h5py.File(path) as file:
        assert list(file) == ["new"]


def test_a_tree_is_written_with_attributes_texts_and_references(tmp_path: Path) -> None:
    tree = {
        "a": {"@": {"kind": "Table"}, "names": ["x", "yz"], "title": "words"},
        "rows": (np.arange(3), {"table": "/a", "unit": "s"}),
    }
    write_tree(tmp_path / "a.h5", tree)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["a"].attrs["kind"] == "Table"
        assert file["a/names"].asstr()[...].tolist() == ["x", "yz"]
        assert file["a/title"].asstr()[()] == "words"
        assert file["rows"].attrs["unit"] == "s"
        assert file[file["rows"].attrs["table"]].name == "/a"

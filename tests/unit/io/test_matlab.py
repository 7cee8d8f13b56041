"""MATLAB files of version 5 as plain data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.matlab import read_matlab
from tests.fixtures.refusals import code_of


def test_numbers_texts_structs_and_cells_come_back(tmp_path: Path) -> None:
    cells = np.empty(2, object)
    cells[:] = [np.arange(3.0), "text"]
    content: dict[str, Any] = {
        "matrix": np.arange(6.0).reshape(2, 3),
        "word": "face",
        "one": {"area": np.arange(4.0), "name": "eye"},
        "cells": cells,
    }
    savemat(tmp_path / "a.mat", content)
    found = read_matlab(tmp_path / "a.mat")
    assert list(found) == ["matrix", "word", "one", "cells"]
    np.testing.assert_array_equal(found["matrix"], content["matrix"])
    assert found["word"] == "face"
    np.testing.assert_array_equal(found["one"]["area"], np.arange(4.0))
    assert found["one"]["name"] == "eye"
    assert found["cells"][1] == "text"


def test_what_matlab_adds_for_itself_is_left_out(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": 1})
    assert list(read_matlab(tmp_path / "a.mat")) == ["x"]


@pytest.mark.parametrize(
    "content",
    [b"", b"x" * 200, b"MATLAB 7.3 MAT-file" + bytes(700), b"\0" * 600],
    ids=["empty", "text", "version 7.3", "zeros"],
)
def test_other_files_are_refused_with_the_way_to_save_them(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(FormatError, match=r"F804 a\.mat") as caught:
        read_matlab(tmp_path / "a.mat")
    assert "-v7" in caught.value.hint


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_files_are_refused(share: float, tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"x": np.arange(1000.0), "y": {"z": np.arange(1000.0)}})
    whole = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FormatError, match="F804"):
        read_matlab(tmp_path / "a.mat")


@pytest.mark.parametrize("n", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_mutated_files_give_data_or_a_refusal(n: int, tmp_path: Path) -> None:
    """Some of them crash the library: so they are read in a child, and its death is a refusal."""
    savemat(tmp_path / "a.mat", {"x": np.arange(40.0), "y": {"z": "word"}})
    whole = (tmp_path / "a.mat").read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(n):
        changed = bytearray(whole)
        for place in rng.integers(120, len(whole), 3):
            changed[place] = int(rng.integers(0, 256))
        (tmp_path / "a.mat").write_bytes(changed)
        assert code_of(lambda: read_foreign(tmp_path / "a.mat", "matlab")) in ("", "F802", "F804")

"""Spools: rows in a file, whole rows only."""

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.analysis import Spool
from mystax.errors import SpaceError, StoreError
from mystax.io.spools import SpoolFile
from mystax.io.store_fs import LocalFs
from tests.fixtures.faulty_fs import FaultyFs


def rows(start: int, stop: int, width: int = 3) -> np.ndarray:
    """Make rows that know their numbers."""
    return (np.arange(start, stop)[:, None] * 10 + np.arange(width)).astype(np.float32)


def test_file_is_a_spool(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    assert isinstance(spool, Spool)
    assert (spool.n_rows, spool.width, spool.dtype, spool.row_bytes) == (0, 3, np.dtype("<f4"), 12)
    spool.close()


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None, max_examples=30)
def test_any_slice_of_rows_comes_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int, stop: int
) -> None:
    spool = SpoolFile(tmp_path_factory.mktemp("spool") / "a.spool", 3, "float32", LocalFs())
    for size in sizes:
        spool.append(rows(spool.n_rows, spool.n_rows + size))
    assert spool.n_rows == sum(sizes)
    np.testing.assert_array_equal(spool.read(start, stop), rows(0, sum(sizes))[start:stop])
    spool.close()


def test_bytes_on_disk_are_little_endian_rows(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 2, ">i2", LocalFs())
    spool.append(np.array([[1, 256]], np.int64))
    spool.close()
    assert (tmp_path / "a.spool").read_bytes() == b"\x01\x00\x00\x01"


def test_rows_are_continued_after_reopening_and_a_torn_row_is_cut_off(tmp_path: Path) -> None:
    first = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    first.append(rows(0, 4))
    first.sync()
    first.close()
    with (tmp_path / "a.spool").open("ab") as file:
        file.write(b"torn")
    second = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    assert second.n_rows == 4
    second.append(rows(4, 6))
    np.testing.assert_array_equal(second.read(0, 6), rows(0, 6))
    second.close()


def test_cut_forgets_later_rows(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    spool.append(rows(0, 5))
    spool.cut(2)
    spool.append(rows(7, 8))
    np.testing.assert_array_equal(spool.read(0, 9), np.concatenate([rows(0, 2), rows(7, 8)]))
    spool.close()


@pytest.mark.parametrize("shape", [(2,), (2, 4), (1, 2, 3)])
def test_rows_of_another_width_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    with pytest.raises(Exception, match=r"width|dims|shape"):
        spool.append(np.zeros(shape, np.float32))
    assert spool.n_rows == 0
    spool.close()


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "S501"), (errno.EFBIG, "S501"), (errno.EIO, "S503")]
)
def test_failed_write_leaves_the_rows_before(tmp_path: Path, number: int, code: str) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 3, "float32", FaultyFs(3, number, lasting=False))
    spool.append(rows(0, 4))
    with pytest.raises(StoreError) as caught:
        spool.append(rows(4, 8))
    assert caught.value.code == code
    assert isinstance(caught.value, SpaceError) is (code == "S501")
    spool.append(rows(4, 6))
    np.testing.assert_array_equal(spool.read(0, 9), rows(0, 6))
    spool.close()


def test_lost_rows_are_refused_not_invented(tmp_path: Path) -> None:
    spool = SpoolFile(tmp_path / "a.spool", 3, "float32", LocalFs())
    spool.append(rows(0, 4))
    with (tmp_path / "a.spool").open("r+b") as file:
        file.truncate(12)
    with pytest.raises(StoreError) as caught:
        spool.read(0, 4)
    assert caught.value.code == "S503"
    spool.close()

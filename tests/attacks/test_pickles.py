"""Pickled files that run code, and files that claim to be larger than they are."""

import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from tests.attacks.payloads import PICKLES, npy_of

pytestmark = pytest.mark.attack


@pytest.mark.parametrize("name", PICKLES)
def test_pickle_that_runs_code_is_refused_and_leaves_no_marker(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "marker"
    path = tmp_path / "face_proc.npy"
    path.write_bytes(npy_of(PICKLES[name](marker)))
    start = time.monotonic()
    with pytest.raises(FormatError) as caught:
        read_foreign(path, "pickled_npy")
    assert caught.value.code == "F801"
    assert caught.value.where == "face_proc.npy"
    assert not marker.exists()
    assert time.monotonic() - start < 5


def test_npy_header_of_seven_tebibytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npy"
    np.save(path, np.zeros(4))
    content = path.read_bytes().replace(b"(4,)", b"(1000000000000,)".ljust(4))
    path.write_bytes(content[:8] + (len(content) - 10 - 32).to_bytes(2, "little") + content[10:])
    with pytest.raises(FormatError, match="F802"):
        read_foreign(path, "pickled_npy")


def test_pickled_bytes_of_two_to_the_sixty_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npy"
    path.write_bytes(npy_of(b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b"abc."))
    with pytest.raises(FormatError, match="F802"):
        read_foreign(path, "pickled_npy")


def test_memo_that_doubles_is_refused(tmp_path: Path) -> None:
    content = b"\x80\x02]q\x00"
    for level in range(60):
        put, get = bytes([level + 1]), bytes([level])
        content += b"0](h" + get + b"h" + get + b"eq" + put
    path = tmp_path / "bomb.npy"
    path.write_bytes(npy_of(content + b"."))
    with pytest.raises(FormatError, match="F802"):
        read_foreign(path, "pickled_npy")


def test_lists_nested_hundred_thousand_deep_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npy"
    path.write_bytes(npy_of(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."))
    with pytest.raises(FormatError, match="F802"):
        read_foreign(path, "pickled_npy")


def test_archive_is_no_facemap_file(tmp_path: Path) -> None:
    path = tmp_path / "face_proc.npy"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(1 << 20))
    with pytest.raises(FormatError, match="F804"):
        read_foreign(path, "pickled_npy")


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"F804 nowhere\.npy"):
        read_foreign(tmp_path / "nowhere.npy", "pickled_npy")

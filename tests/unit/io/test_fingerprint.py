"""Tests of `mystax.io.fingerprint`."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.io.fingerprint import index_id, quick_id

MIB = 1 << 20


def write(path: Path, n_bytes: int, seed: int = 0) -> bytes:
    data = np.random.default_rng(seed).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    return data


def test_small_file_is_hashed_whole_behind_its_size(tmp_path: Path) -> None:
    path = tmp_path / "small"
    data = write(path, 1000)
    digest = hashlib.blake2b((1000).to_bytes(8, "little") + data, digest_size=16).hexdigest()
    assert quick_id(path) == f"1000-{digest}"


def test_large_file_is_hashed_by_both_ends_and_sixteen_blocks(tmp_path: Path) -> None:
    path = tmp_path / "large"
    size = 5 * MIB + 12345
    data = write(path, size)
    digest = hashlib.blake2b(size.to_bytes(8, "little") + data[:MIB], digest_size=16)
    for k in range(16):
        start = MIB + k * (size - 2 * MIB - 65536) // 15
        digest.update(data[start : start + 65536])
    digest.update(data[-MIB:])
    assert quick_id(path) == f"{size}-{digest.hexdigest()}"


def test_copy_under_another_name_has_the_same_id(tmp_path: Path) -> None:
    data = write(tmp_path / "a", 5 * MIB)
    (tmp_path / "b").write_bytes(data)
    assert quick_id(tmp_path / "a") == quick_id(str(tmp_path / "b"))


@pytest.mark.parametrize("place", [0, 500, MIB - 1, MIB, 4 * MIB, 5 * MIB - 1])
def test_change_inside_a_sampled_block_changes_the_id(place: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = bytearray(write(path, 5 * MIB))
    before = quick_id(path)
    data[place] ^= 1
    path.write_bytes(data)
    assert quick_id(path) != before


def test_empty_file_has_an_id(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert quick_id(tmp_path / "empty").startswith("0-")


def test_growth_by_one_zero_changes_the_id(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    before = quick_id(path)
    path.write_bytes(bytes(101))
    assert quick_id(path).split("-")[1] != before.split("-")[1]


def table(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.arange(n, dtype=np.int64) * 512, np.full(n, 99, np.int64), np.arange(n) % 4 == 0


def test_index_id_is_the_digest_of_packed_rows() -> None:
    pts, size, key = table(3)
    rows = b"".join(
        int(p).to_bytes(8, "little", signed=True) + int(s).to_bytes(8, "little") + bytes([bool(k)])
        for p, s, k in zip(pts, size, key, strict=True)
    )
    assert index_id(pts, size, key) == hashlib.blake2b(rows, digest_size=16).hexdigest()


@settings(deadline=None, max_examples=30)
@given(column=st.integers(0, 2), row=st.integers(0, 9))
def test_index_id_notes_every_change_of_a_packet(column: int, row: int) -> None:
    columns = table(10)
    before = index_id(*columns)
    columns[column][row] = not columns[column][row] if column == 2 else columns[column][row] + 1
    assert index_id(*columns) != before

"""Small files that claim to be huge, or are nested without end; each is made by code."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.attacks.payloads import npy_of

__all__ = ["BOMBS"]

DEPTH = 100_000


def _npy_header(path: Path) -> None:
    """Claim 7 TiB of numbers in 128 bytes."""
    np.save(path, np.zeros(4))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(4,), }" + b" " * 12, b"(1000000000000,), }"))


def zeros_archive(path: Path, n_bytes: int) -> None:
    """Write an `.npz` whose only member is inflated to n bytes of zeros; the file is a thousandth of it."""
    block = bytes(1 << 22)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    stream = first + again * (n_bytes // len(block) - 1) + deflate.flush(zlib.Z_FINISH)
    name = b"times.npy"
    sizes = struct.pack("<LLL", 0, len(stream), n_bytes)
    local = (
        b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", len(name), 0) + name
    )
    entry = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes
    entry += struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(entry), len(local) + len(stream), 0)
    path.write_bytes(local + stream + entry + end)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(name.decode()).file_size == n_bytes


def _npz_zeros(path: Path) -> None:
    zeros_archive(path, (4 << 30) - (1 << 22))


def _pickled_length(path: Path) -> None:
    path.write_bytes(npy_of(b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b"abc."))


def _pickled_memo(path: Path) -> None:
    """Double a list sixty times."""
    content = b"\x80\x02]q\x00"
    for level in range(60):
        put, get = bytes([level + 1]), bytes([level])
        content += b"0](h" + get + b"h" + get + b"eq" + put
    path.write_bytes(npy_of(content + b"."))


def _pickled_depth(path: Path) -> None:
    path.write_bytes(npy_of(b"\x80\x02" + b"]" * DEPTH + b"a" * (DEPTH - 1) + b"."))


def _hdf5_set(path: Path) -> None:
    """Claim 2^40 bytes in 2 kB."""
    with h5py.File(path, "w") as file:
        file.create_dataset("times", (2**40,), "u1", chunks=(1024,))


def _toml_depth(path: Path) -> None:
    path.write_text("analysis = " + "[" * DEPTH + "]" * DEPTH, "ascii")


def _json_depth(path: Path) -> None:
    path.write_text("[" * DEPTH + "]" * DEPTH, "ascii")


BOMBS: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    "npy header of 7 TiB": (_npy_header, "a.npy", "mystax.io.npy_files:read_npy", "F802"),
    "npz of 4 GB of zeros": (_npz_zeros, "a.npz", "tests.attacks.bombs:read_npz", "F802"),
    "pickled bytes of 2^60": (
        _pickled_length,
        "face_proc.npy",
        "mystax.io.formats.facemap:read_facemap",
        "F802",
    ),
    "pickled list doubled 60 times": (
        _pickled_memo,
        "face_proc.npy",
        "mystax.io.formats.facemap:read_facemap",
        "F802",
    ),
    "pickled lists 100,000 deep": (
        _pickled_depth,
        "face_proc.npy",
        "mystax.io.formats.facemap:read_facemap",
        "F802",
    ),
    "HDF5 set of 2^40": (_hdf5_set, "a.h5", "tests.attacks.bombs:read_h5", "F802"),
    "recipe nested 100,000 deep": (_toml_depth, "deep.toml", "mystax.engine.recipe:read_recipe", "P403"),
    "regions nested 100,000 deep": (_toml_depth, "rois.toml", "mystax.io.rois:read_rois", "P402"),
    "lock nested 100,000 deep": (_json_depth, "lock", "mystax.io.locks:read_lock", ""),
}
"""Name -> how it is made, name of its file, the reader that gets it (``module:function``), the code."""


def read_npz(path: Path) -> object:
    """Read the clock of an archive."""
    from mystax.io.clock_tables import read_column

    return read_column(path, "npz", "times")


def read_h5(path: Path) -> object:
    """Read the clock of an HDF5 file."""
    from mystax.io.clock_tables import read_column

    return read_column(path, "h5", "/times")

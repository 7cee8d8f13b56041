"""Crafted HDF5 files as clocks: no other file is read, no claim is believed, no crash reaches the caller."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.clock_tables import read_column
from tests.fixtures.refusals import code_of

pytestmark = pytest.mark.attack

SECRET = np.arange(100.0)


def _secret(folder: Path) -> Path:
    path = folder / "secret.h5"
    with h5py.File(path, "w") as file:
        file["times"] = SECRET
    return path


def _external_storage(path: Path) -> None:
    (path.parent / "secret.bin").write_bytes(SECRET.tobytes())
    with h5py.File(path, "w") as file:
        file.create_dataset("times", (100,), "f8", external=[(str(path.parent / "secret.bin"), 0, 800)])


def _external_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["times"] = h5py.ExternalLink(str(_secret(path.parent)), "/times")


def _link_in_a_group(path: Path) -> None:
    """Hide the link in a group that nobody asked for."""
    with h5py.File(path, "w") as file:
        file["times"] = SECRET
        file.create_group("deep/er")["link"] = h5py.ExternalLink("/etc/passwd", "/")


def _virtual_set(path: Path) -> None:
    layout = h5py.VirtualLayout((100,), "f8")
    layout[:] = h5py.VirtualSource(str(_secret(path.parent)), "/times", (100,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("times", layout)


def _unknown_filter(path: Path) -> None:
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((10,))
        created.set_filter(32123, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(file.id, b"times", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((10,)), created)


def _crafted_header(path: Path) -> None:
    """Keep the mark and the size, and nothing else."""
    whole = _secret(path.parent).read_bytes()
    path.write_bytes(whole[:9] + b"\xff" * 80 + whole[89:])


FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "external storage": (_external_storage, "F803"),
    "external link": (_external_link, "F803"),
    "external link in a group": (_link_in_a_group, "F803"),
    "virtual set": (_virtual_set, "F803"),
    "unknown filter": (_unknown_filter, "F803"),
    "crafted header": (_crafted_header, "F804"),
}


@pytest.mark.parametrize("what", FILES)
def test_crafted_file_is_refused_and_nothing_else_is_read(what: str, tmp_path: Path) -> None:
    make, code = FILES[what]
    make(tmp_path / "clock.h5")
    with pytest.raises(FormatError) as caught:
        read_column(tmp_path / "clock.h5", "h5", "/times")
    assert caught.value.code == code
    assert caught.value.where.startswith("clock.h5")


@pytest.mark.parametrize("n", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_mutants_end_in_numbers_or_a_refusal(n: int, tmp_path: Path) -> None:
    whole = _secret(tmp_path).read_bytes()
    rng = np.random.default_rng(4)
    path = tmp_path / "clock.h5"
    for _ in range(n):
        changed = bytearray(whole)
        for place in rng.integers(8, len(whole), int(rng.integers(1, 40))):
            changed[place] = int(rng.integers(0, 256))
        path.write_bytes(changed)
        assert code_of(lambda: read_column(path, "h5", "/times")) in ("", "F802", "F803", "F804", "C206")

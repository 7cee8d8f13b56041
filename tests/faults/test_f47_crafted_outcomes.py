"""F47: an outcome that somebody crafted: links, data in other files, impossible tables, with right digests.

Whoever makes a file can also make its digests, so they prove nothing about its author.  Such a file is
refused with S502; no other file is read, and nothing else than a refusal comes out of the reader.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.errors import MystaxError
from mystax.io.digests import content_digest
from mystax.io.outcome_files import read_attributes
from mystax.io.outcomes import load, verify_outcome
from tests.fixtures.refusals import attempt
from tests.fixtures.traces import TRACE, provenance, quick_store, trace

pytestmark = [pytest.mark.fault(47), pytest.mark.attack]


def sign(file: h5py.File) -> None:
    """Write the right `content_sha256`, as the author of a crafted file would."""
    file.attrs["content_sha256"] = content_digest(read_attributes(file))


def set_text(file: h5py.File, name: str, text: str) -> None:
    """Replace an attribute by another text."""
    del file.attrs[name]
    file.attrs[name] = text


def _external_link(file: h5py.File, folder: Path) -> None:
    del file["energy"]
    file["energy"] = h5py.ExternalLink(str(folder / "secret.h5"), "/energy")


def _soft_link(file: h5py.File, folder: Path) -> None:
    del file["flag"]
    file["flag"] = h5py.SoftLink("/frame")


def _external_storage(file: h5py.File, folder: Path) -> None:
    shape, dtype = file["energy"].shape, file["energy"].dtype
    del file["energy"]
    size = int(np.prod(shape)) * dtype.itemsize
    file.create_dataset("energy", shape, dtype, external=[(str(folder / "secret.bin"), 0, size)])


def _virtual_set(file: h5py.File, folder: Path) -> None:
    shape, dtype = file["energy"].shape, file["energy"].dtype
    del file["energy"]
    layout = h5py.VirtualLayout(shape, dtype)
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "/energy", shape)
    file.create_virtual_dataset("energy", layout)


def _group_in_a_camera(file: h5py.File, folder: Path) -> None:
    file.create_group("left/deeper")


def _named_type(file: h5py.File, folder: Path) -> None:
    file["kind"] = np.dtype("f8")


def _deep_table(file: h5py.File, folder: Path) -> None:
    set_text(file, "variable_dims", "[" * 20_000 + "]" * 20_000)


def _list_for_a_table(file: h5py.File, folder: Path) -> None:
    set_text(file, "variable_sha256", "[1, 2]")


def _no_table(file: h5py.File, folder: Path) -> None:
    del file.attrs["variable_dims"]


def _other_dimensions(file: h5py.File, folder: Path) -> None:
    dims = json.loads(file.attrs["variable_dims"])
    set_text(file, "variable_dims", json.dumps({**dims, "energy": ["time", "roi", "component", "space"]}))


def _no_dimensions(file: h5py.File, folder: Path) -> None:
    set_text(file, "variable_dims", json.dumps({**json.loads(file.attrs["variable_dims"]), "energy": None}))


CRAFTED: dict[str, Callable[[h5py.File, Path], None]] = {
    "external link": _external_link,
    "soft link": _soft_link,
    "external storage": _external_storage,
    "virtual set": _virtual_set,
    "group in a camera": _group_in_a_camera,
    "named type": _named_type,
    "table without end": _deep_table,
    "list for a table": _list_for_a_table,
    "no table": _no_table,
    "other dimensions": _other_dimensions,
    "no dimensions": _no_dimensions,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one outcome, and a file that nobody may read."""
    quick_store(tmp_path).publish(trace(), provenance(), schema=TRACE)
    values = trace(seed=5)["energy"].values
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["energy"] = values
    (tmp_path / "secret.bin").write_bytes(values.tobytes())
    return tmp_path


@pytest.mark.parametrize("what", CRAFTED)
def test_crafted_outcome_is_refused_although_its_digest_is_right(what: str, folder: Path) -> None:
    with h5py.File(folder / "trace.nc", "r+") as file:
        CRAFTED[what](file, folder)
        sign(file)
    with pytest.raises(MystaxError) as caught:
        load(folder / "trace.nc")
    assert caught.value.code == "S502"
    assert verify_outcome(folder / "trace.nc").status == "damaged"


def test_signing_an_outcome_as_it_is_changes_nothing(folder: Path) -> None:
    """Prove that the refusals above come from what was crafted, not from opening the file for writing."""
    with h5py.File(folder / "trace.nc", "r+") as file:
        before = str(read_attributes(file)["content_sha256"])
        sign(file)
        assert read_attributes(file)["content_sha256"] == before
    found: Any = load(folder / "trace.nc")
    np.testing.assert_array_equal(found["energy"].values, trace()["energy"].values)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=15)
@given(
    name=st.sampled_from(
        ["variable_dims", "variable_sha256", "parameters", "quality", "inputs", "mystax_format"]
    ),
    value=PLAIN,
)
def test_any_text_in_any_table_gives_the_outcome_or_a_refusal(
    name: str, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("crafted")
    path = quick_store(place).publish(trace(3), provenance(), schema=TRACE)
    with h5py.File(path, "r+") as file:
        set_text(file, name, json.dumps(value))
        sign(file)
    found, refusal = attempt(lambda: load(path))
    assert (found is None) != (refusal is None)
    if refusal is not None:
        assert refusal.code in ("S502", "S505", "F804")

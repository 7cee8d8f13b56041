"""Hostile pickles in keypoint files run nothing and are refused, also when their bytes are changed."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.dlc_h5 import plain_dlc_h5
from mystax.io.formats.facemap_keypoints import read_facemap_refined
from mystax.io.formats.keypoint_files import read_keypoints
from mystax.io.npy_files import read_pickled_npy
from tests.attacks.payloads import PICKLES, mutated, npy_of

pytestmark = pytest.mark.attack

N_MUTATIONS = 200


def table_with(path: Path, payload: bytes) -> None:
    """Write a DeepLabCut table whose column names are a payload."""
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["pandas_type"] = np.bytes_(b"frame_table")
        group.attrs["non_index_axes"] = np.void(payload)
        group["table"] = np.zeros(2, [("index", "<i8"), ("values_block_0", "<f8", (2,))])


@pytest.mark.parametrize("name", PICKLES)
def test_pickle_in_refined_data_is_refused_and_leaves_no_marker(tmp_path: Path, name: str) -> None:
    path = tmp_path / "refined.npy"
    path.write_bytes(npy_of(PICKLES[name](tmp_path / "marker")))
    with pytest.raises(FormatError, match="F801"):
        read_facemap_refined(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("name", ["reduce", "stack_global", "inst"])
def test_pickle_in_an_attribute_is_refused_and_leaves_no_marker(tmp_path: Path, name: str) -> None:
    path = tmp_path / "labels.h5"
    table_with(path, PICKLES[name](tmp_path / "marker"))
    with pytest.raises(FormatError, match="F801"):
        read_keypoints(path)
    assert not (tmp_path / "marker").exists()


def test_two_hundred_changed_pickles_in_arrays_run_nothing(tmp_path: Path) -> None:
    path, marker = tmp_path / "refined.npy", tmp_path / "marker"
    makers = list(PICKLES.values())
    for number in range(N_MUTATIONS):
        path.write_bytes(npy_of(mutated(makers[number % len(makers)](marker), number)))
        with pytest.raises(FormatError):
            _refused_by_layout(read_pickled_npy(path))
        assert not marker.exists()


def _refused_by_layout(tree: object) -> None:
    """A change can make harmless plain data of a payload; they are no labels then."""
    if not isinstance(tree, dict) or not {"imgs", "keypoints", "bodyparts"} <= set(tree):
        raise FormatError("F804", "refined.npy", "no labels")


def test_two_hundred_changed_pickles_in_attributes_run_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    makers = list(PICKLES.values())
    for number in range(N_MUTATIONS):
        path = tmp_path / f"{number}.h5"
        table_with(path, mutated(makers[number % len(makers)](marker), number))
        with pytest.raises(FormatError):
            plain_dlc_h5(str(path))
        assert not marker.exists()
        path.unlink()


def test_entities_of_an_xml_file_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("12")
    text = f"<!DOCTYPE d [<!ENTITY e SYSTEM 'file://{secret}'>]>"
    text += "<dataset><image file='a'><box><part name='0' x='&e;' y='1'/></box></image></dataset>"
    (tmp_path / "t.xml").write_text(text)
    with pytest.raises(FormatError, match="F804"):
        read_keypoints(tmp_path / "t.xml")


def test_entities_that_multiply_cost_nothing(tmp_path: Path) -> None:
    lines = ["<!ENTITY a0 'ha'>"] + [f"<!ENTITY a{k} '{f'&a{k - 1};' * 10}'>" for k in range(1, 10)]
    text = f"<!DOCTYPE d [{''.join(lines)}]><dataset><image file='&a9;'></image></dataset>"
    (tmp_path / "t.xml").write_text(text)
    with pytest.raises(FormatError, match="F804"):
        read_keypoints(tmp_path / "t.xml")


def test_json_nested_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"images": ' + "[" * 100_000)
    with pytest.raises(FormatError, match="F804"):
        read_keypoints(tmp_path / "t.json")

"""Digests: over what the numbers mean."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.errors import FormatError, ParameterError
from mystax.io.digests import (
    VariableDigest,
    attribute_digest,
    content_digest,
    file_digest,
    plain_attributes,
    plain_text,
)


def digest(
    values: np.ndarray, name: str = "energy", dims: tuple[str, ...] = ("time",), **attributes: str
) -> str:
    """Digest an array at once."""
    made = VariableDigest(name, dims, values.dtype, values.shape)
    made.update(values)
    return made.finish(dict(attributes))


def test_digest_is_the_sha256_of_the_stated_bytes() -> None:
    values = np.array([1.0, 2.0], np.float32)
    stated = b'["energy",["time"],"<f4",[2]]' + struct.pack("<2f", 1, 2) + b'{"units":"grey_level"}'
    assert digest(values, units="grey_level") == hashlib.sha256(stated).hexdigest()


def test_texts_are_utf_8_with_a_nul_after_each() -> None:
    stated = b'["roi",["roi"],"str",[2]]' + "pad\0größe\0".encode() + b"{}"
    assert digest(np.array(["pad", "größe"]), "roi", ("roi",)) == hashlib.sha256(stated).hexdigest()


def test_every_nan_counts_as_the_same_one() -> None:
    odd = np.array([0x7FC00001, 0xFFC00000, 0x7F800001], np.uint32).view(np.float32)
    assert digest(odd) == digest(np.full(3, np.nan, np.float32))


def test_digest_does_not_write_into_the_values() -> None:
    odd = np.array([0x7FC00001], np.uint32).view(np.float32)
    digest(odd)
    assert odd.view(np.uint32)[0] == 0x7FC00001


def test_byte_order_and_memory_layout_do_not_matter() -> None:
    values = np.arange(12.0).reshape(3, 4)
    plain = digest(values, dims=("y", "x"))
    assert digest(values.astype(">f8"), dims=("y", "x")) == plain
    assert digest(np.asfortranarray(values), dims=("y", "x")) == plain


@pytest.mark.parametrize(
    "other",
    [
        digest(np.array([1.0, 2.5])),
        digest(np.array([1, 2])),
        digest(np.array([1.0, 2.0]), name="speed"),
        digest(np.array([1.0, 2.0]), dims=("event",)),
        digest(np.array([1.0, 2.0]), units="s"),
        digest(np.array([[1.0, 2.0]]), dims=("time", "roi")),
    ],
)
def test_values_type_name_dimensions_shape_and_attributes_all_count(other: str) -> None:
    assert digest(np.array([1.0, 2.0])) != other


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 10))
@settings(deadline=None, max_examples=30)
def test_blocks_do_not_change_a_digest(sizes: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(sum(sizes), 2)).astype(np.float32)
    made = VariableDigest("energy", ("time", "roi"), values.dtype, values.shape)
    start = 0
    for size in sizes:
        made.update(values[start : start + size])
        start += size
    assert made.finish({}) == digest(values, dims=("time", "roi"))


def test_attributes_take_the_form_in_which_a_file_gives_them_back() -> None:
    given_attributes = {
        "text": "a",
        "flag": True,
        "number": np.float32(0.5),
        "whole": np.int8(3),
        "list": (1, 2),
        "one": [1.5],
        "texts": ["a", "b"],
        "mapping": {"b": 1, "a": 2},
        "nothing": None,
        "empty": [],
        "array": np.arange(3),
    }
    assert plain_attributes(given_attributes) == {
        "text": "a",
        "flag": 1,
        "number": 0.5,
        "whole": 3,
        "list": [1, 2],
        "one": 1.5,
        "texts": '["a","b"]',
        "mapping": '{"a":2,"b":1}',
        "array": [0, 1, 2],
    }


def test_plain_attributes_are_a_fixed_point() -> None:
    once = plain_attributes({"a": [1], "b": {"c": [1, 2]}, "d": np.array(["x", "y"])})
    assert plain_attributes(once) == once


@pytest.mark.parametrize("value", [1j, object(), b"bytes", np.zeros((2, 2)), [1, "a"], np.uint64(2**63)])
def test_attributes_that_netcdf_cannot_hold_are_refused(value: object) -> None:
    with pytest.raises(FormatError) as caught:
        plain_attributes({"odd": value})
    assert caught.value.code == "F804"
    assert "odd" in caught.value.where


def test_nan_inside_a_mapping_is_refused_and_alone_it_is_not() -> None:
    with pytest.raises(ParameterError, match="P401"):
        plain_attributes({"parameters": {"sigma": float("nan")}})
    alone = plain_attributes({"offset": float("nan")})
    assert attribute_digest(alone) == attribute_digest(plain_attributes({"offset": np.float32("nan")}))


def test_text_with_nul_or_foreign_bytes_is_spelled_out() -> None:
    assert plain_text("a\0b") == "a\\x00b"
    assert plain_text(b"a\xff".decode("utf-8", "surrogateescape")) == "a\\udcff"


def test_content_digest_leaves_out_itself_and_what_belongs_to_the_run() -> None:
    plain = {"analysis": "motion", "key": "ab"}
    assert content_digest({**plain, "run_host": "here", "content_sha256": "x"}) == content_digest(dict(plain))
    assert content_digest({**plain, "coverage": 0.5}) != content_digest(dict(plain))


def test_file_digest_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_digest(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

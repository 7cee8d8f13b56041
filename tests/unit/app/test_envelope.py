"""The container of arrays: what goes in comes out, aligned, and nothing else is read."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mystax.app.envelope import pack, unpack
from mystax.core.typing import Shaped
from mystax.errors import FormatError

KINDS = st.sampled_from(["u1", "i1", "<i2", "<u2", "<i4", "<i8", "<f4", "<f8"])
ARRAYS = st.dictionaries(
    st.text(max_size=8), hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)), max_size=4
)
HEADERS = st.dictionaries(st.sampled_from(["unit", "label", "t0"]), st.text(max_size=9) | st.integers(0, 9))


@given(ARRAYS, HEADERS)
def test_arrays_and_header_come_back(
    arrays: dict[str, Shaped[np.ndarray, "..."]], header: dict[str, str | int]
) -> None:
    found, rest = unpack(pack(arrays, **header))
    assert rest == header
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_bytes_of_a_small_body_are_these() -> None:
    body = pack({"a": np.array([1, 2, 3], np.uint8), "b": np.array([0.5], ">f8")}, unit="px")
    text = b'{"arrays": [{"name": "a", "dtype": "u1", "shape": [3]}, '
    text += b'{"name": "b", "dtype": "f8", "shape": [1]}], "unit": "px"}'
    text += b" " * (-len(text) % 8)
    assert body == b"MYX1" + struct.pack("<I", len(text)) + text + bytes([1, 2, 3]) + b"\0" * 5 + struct.pack(
        "<d", 0.5
    )


def test_what_the_page_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="the page knows no complex128"):
        pack({"a": np.zeros(2, complex)})
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack({}, t0=float("nan"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "F804"),
        (b"MYX2" + b"\0" * 12, "F804"),
        (b"MYX1" + struct.pack("<I", 8) + b"not json", "F804"),
        (b"MYX1" + struct.pack("<I", 16) + b'{"arrays": [1]} ', "F804"),
        (pack({"a": np.zeros(4)})[:-8], "F802"),
        (pack({"a": np.zeros(4)}).replace(b"[4]", b"[9]"), "F802"),
    ],
)
def test_a_body_that_is_none_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        unpack(body)
    assert caught.value.code == code

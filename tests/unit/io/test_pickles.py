"""Plain data out of pickled bytes."""

import io
import pathlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mystax.errors import FormatError
from mystax.io.foreign import pack_tree, unpack_tree
from mystax.io.pickles import read_pickled

PROTOCOLS = [0, 1, 2, 3, 4, 5]

arrays = hnp.arrays(
    st.sampled_from(["<f8", ">f4", "<i4", "u1", "bool", "<i8", "<U3"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=None,
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
    arrays,
)
trees = st.recursive(
    leaves,
    lambda children: st.one_of(
        st.lists(children, max_size=4),
        st.dictionaries(st.text(max_size=5), children, max_size=4),
        st.tuples(children, children),
    ),
    max_leaves=12,
)


def read(content: bytes) -> object:
    return read_pickled(io.BytesIO(content), len(content))


def same(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return type(a) is type(b) and a == b


@given(trees, st.sampled_from([2, 3, 4, 5]))
def test_plain_data_come_back_equal(tree: object, protocol: int) -> None:
    assert same(read(pickle.dumps(tree, protocol)), tree)


@given(trees)
def test_packed_for_json_and_back_is_equal(tree: object) -> None:
    kept: list[np.ndarray] = []
    assert same(unpack_tree(pack_tree(tree, kept), kept), tree)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_oldest_to_newest_protocol_is_read(protocol: int) -> None:
    numbers = np.arange(6.0).reshape(2, 3)
    tree = {"a": [1, 2.5, None, True, "ü"], "b": (numbers, np.float32(3))}
    found = read(pickle.dumps(tree, protocol))
    assert isinstance(found, dict)
    assert found["a"] == tree["a"]
    assert np.array_equal(found["b"][0], numbers)


def test_arrays_of_objects_and_fortran_order_are_read() -> None:
    tree = {
        "objects": np.array([{"q": np.arange(3)}, None, "x"], object),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    }
    found = read(pickle.dumps(tree))
    assert isinstance(found, dict)
    assert found["objects"][0]["q"].tolist() == [0, 1, 2]
    assert found["fortran"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "path", [pathlib.PurePosixPath("/data/face.mp4"), pathlib.PureWindowsPath("C:\\d\\f")]
)
def test_paths_come_as_text(path: pathlib.PurePath) -> None:
    assert read(pickle.dumps(path)) == str(path)


def test_numpy_scalars_keep_their_type() -> None:
    found = read(pickle.dumps([np.int16(-3), np.bool_(True), np.float64(0.5)]))
    assert isinstance(found, list)
    assert [type(item) for item in found] == [np.int16, np.bool_, np.float64]


def test_shared_parts_are_read_as_equal_parts() -> None:
    part = [1, 2]
    assert read(pickle.dumps([part, part])) == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    "content", [b"", b".", b"garbage", b"\x80\x04", b"]", b"(.", b"\x80\x04N.N"[:3], b"h\x05."]
)
def test_bytes_that_make_no_sense_are_f804(content: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read(content)
    assert caught.value.code == "F804"


def test_circle_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(FormatError, match="F802"):
        read(pickle.dumps(circle))


def test_array_with_less_content_than_its_shape_claims_is_refused() -> None:
    content = pickle.dumps(np.arange(4, dtype="u1"), 2)
    at = content.index(b"K\x04\x85")  # the shape (4,): BININT1 4, TUPLE1
    with pytest.raises(FormatError, match="F802"):
        read(content[: at + 1] + b"\x05" + content[at + 2 :])


def test_structured_arrays_are_refused() -> None:
    with pytest.raises(FormatError, match="F80"):
        read(pickle.dumps(np.zeros(2, [("a", "f8"), ("b", "i4")])))


def test_objects_of_other_libraries_are_f801() -> None:
    with pytest.raises(FormatError, match=r"F801 .*fractions\.Fraction"):
        read(pickle.dumps(__import__("fractions").Fraction(1, 3), 4))

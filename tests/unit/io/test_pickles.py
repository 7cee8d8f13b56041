"""Plain data out of pickled bytes."""

import io
import pathlib
import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mystax.errors import FormatError
from mystax.io.foreign import pack_tree, unpack_tree
from mystax.io.pickles import read_pickled
from tests.fixtures.refusals import code_of

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


# bytes that nobody would write, and that somebody might ------------------------------------------------


def code_of_bytes(content: bytes) -> str:
    """Return the code with which bytes are refused, "" if they are read."""
    return code_of(lambda: read(content))


@given(
    trees,
    st.sampled_from([0, 2, 4]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
)
@example(b"", 0, [(1, 92)])  # a text with an odd escape
@settings(max_examples=150)
def test_changed_bytes_give_plain_data_or_a_refusal(
    tree: object, protocol: int, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(pickle.dumps(tree, protocol))
    for place, value in changes:
        content[place % len(content)] = value
    assert code_of_bytes(bytes(content)) in ("", "F801", "F802", "F804")


@given(trees, st.sampled_from([0, 2, 4]), st.data())
def test_cut_bytes_are_refused(tree: object, protocol: int, data: st.DataObject) -> None:
    content = pickle.dumps(tree, protocol)
    end = data.draw(st.integers(0, len(content) - 1))
    assert code_of_bytes(content[:end]) in ("F802", "F804")


OPCODES = [op.code.encode("latin-1") for op in pickletools.opcodes if op.arg is None]


@given(
    st.lists(st.sampled_from([*OPCODES, b"K\x01", b"h\x00", b"q\x00", b"X\x01\x00\x00\x00a"]), max_size=30)
)
@settings(max_examples=300)
def test_any_walk_over_the_stack_ends_in_data_or_a_refusal(words: list[bytes]) -> None:
    assert code_of_bytes(b"\x80\x04" + b"".join(words) + b".") in ("", "F801", "F802", "F804")


DTYPE = (
    b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8K\x00K\x01tR"
    b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
)
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
EIGHT = b"C\x08" + bytes(8)


def array_of(shape: bytes, dtype: bytes = DTYPE, content: bytes = EIGHT, fortran: bytes = b"\x89") -> bytes:
    """Return a pickle of one array with the given parts."""
    return b"\x80\x04" + ARRAY + b"(K\x01" + shape + dtype + fortran + content + b"tb."


def test_the_parts_of_an_array_make_that_array() -> None:
    """Prove that what is refused below is refused for what was changed."""
    assert same(read(array_of(b"K\x01\x85")), np.zeros(1))
    assert same(read(array_of(b")")), np.zeros(()))


WRONG_ARRAYS: dict[str, tuple[bytes, str]] = {
    "larger than its content": (array_of(b"K\x02\x85"), "F802"),
    "of a negative size": (array_of(b"J\xff\xff\xff\xff\x85"), "F804"),
    "of a size that is no number": (array_of(b"X\x01\x00\x00\x00a\x85"), "F804"),
    "of 33 axes": (array_of(b"(" + b"K\x01" * 33 + b"t"), "F804"),
    "without a dtype": (array_of(b"K\x01\x85", b"N"), "F804"),
    "of an unknown dtype": (array_of(b"K\x01\x85", DTYPE.replace(b"f8", b"zz")), "F804"),
    "of dates": (array_of(b"K\x01\x85", DTYPE.replace(b"f8", b"M8")), "F804"),
    "of raw memory": (array_of(b"K\x01\x85", DTYPE.replace(b"f8", b"V8")), "F804"),
    "with objects for content": (array_of(b"K\x01\x85", content=b"]"), "F802"),
    "of objects with bytes for content": (array_of(b"K\x01\x85", DTYPE.replace(b"f8", b"O8")), "F802"),
    "of objects with too few of them": (
        array_of(b"K\x02\x85", DTYPE.replace(b"f8", b"O8"), b"]K\x01a"),
        "F802",
    ),
    "without its content": (b"\x80\x04" + ARRAY + b"\x85.", "F804"),
}


@pytest.mark.parametrize("what", WRONG_ARRAYS)
def test_array_is_refused(what: str) -> None:
    content, code = WRONG_ARRAYS[what]
    assert code_of_bytes(content) == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"NN\x85R", "F801"),
        (b"N\x85R", "F804"),
        (b"cnumpy\ndtype\nK\x01R", "F804"),
        (b"cnumpy\ndtype\n)R", "F801"),
        (b"cnumpy.core.multiarray\nscalar\n)R", "F801"),
        (b"c_codecs\nencode\n)R", "F801"),
        (b"c_codecs\nencode\nK\x01\x85R", "F801"),
        (b"cpathlib\nPosixPath\nK\x01\x85R", "F804"),
        (b"cnumpy\nndarray\n", "F804"),
        (b"]cnumpy\nndarray\na", "F804"),
        (b"(K\x01d", "F804"),
        (b"}]K\x01s", "F804"),
        (b"}(K\x01u", "F804"),
        (b"K\x01K\x02a", "F804"),
        (b"K\x01K\x01K\x01s", "F804"),
        (b"h\x07", "F804"),
        (b"a", "F804"),
        (b"e", "F804"),
        (b"0", "F804"),
        (b"1", "F804"),
        (b"2", "F804"),
        (b"N(0", "F804"),
        (b"K\x01K\x02", "F804"),
        (b"Nb", "F801"),
        (b"NNb", "F801"),
        (b"}}b", "F801"),
    ],
    ids=repr,
)
def test_steps_that_make_no_sense_are_refused(content: bytes, code: str) -> None:
    assert code_of_bytes(b"\x80\x04" + content + b".") == code


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"(K\x01K\x02d", {1: 2}),
        (b"(K\x01K\x02l", [1, 2]),
        (b"K\x07(K\x01K\x021", 7),
        (b"K\x07\x94h\x00\x86", (7, 7)),
        (b"K\x07q\x05K\x010h\x05\x86", (7, 7)),
        (b"K\x072\x86", (7, 7)),
        (b"C\x02ab", b"ab"),
        (b"c__builtin__\nbytes\n)R", b""),
        (b"c_codecs\nencode\n(X\x02\x00\x00\x00\xc3\xa9X\x06\x00\x00\x00latin1tR", b"\xe9"),
    ],
    ids=repr,
)
def test_opcodes_that_few_writers_use_are_understood(content: bytes, value: object) -> None:
    assert read(b"\x80\x04" + content + b".") == value


def test_no_more_objects_are_made_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mystax.io.pickles.MAX_OBJECTS", 1000)
    assert code_of_bytes(b"\x80\x04(" + b"K\x01" * 998 + b"t.") == ""
    assert code_of_bytes(b"\x80\x04(" + b"K\x01" * 1001 + b"t.") == "F802"


@given(st.sampled_from(["<f8", ">i4", "<U2", "|u1", "|S3"]), st.integers(0, 3))
def test_scalars_and_arrays_of_every_order_come_back(dtype: str, seed: int) -> None:
    values = (np.random.default_rng(seed).random((2, 3)) * 9).astype(dtype)
    for made in (values, np.asfortranarray(values), values[0, 0], values.T, values[:, :0]):
        back = read(pickle.dumps(made, 4))
        assert np.array_equal(np.asarray(back), made)
        assert np.asarray(back).dtype == made.dtype


def test_more_objects_are_read_where_more_are_allowed() -> None:
    data = pickle.dumps([[k] for k in range(200)], 4)
    assert len(read_pickled(io.BytesIO(data), len(data), max_objects=1000)) == 200
    with pytest.raises(FormatError, match="at most 100 objects"):
        read_pickled(io.BytesIO(data), len(data), max_objects=100)

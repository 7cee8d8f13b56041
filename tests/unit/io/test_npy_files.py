"""NumPy files with a guarded header."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.npy_files import npy_layout, read_npy, read_pickled_npy


def crafted(path: Path, header: str, content: bytes = b"") -> Path:
    text = header.encode("latin-1")
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content)
    return path


@pytest.mark.parametrize("dtype", ["<f8", ">i2", "bool", "<U4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_equal(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(6).reshape(2, 3).astype(dtype), order="C" if order == "C" else "F")
    np.save(tmp_path / "a.npy", array)
    found = read_npy(tmp_path / "a.npy")
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


def test_empty_array_comes_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((0, 3)))
    assert read_npy(tmp_path / "a.npy").shape == (0, 3)


def test_objects_are_refused_by_the_reader_of_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(FormatError, match="F801"):
        read_npy(tmp_path / "a.npy")


def test_dictionary_in_a_file_is_read_as_plain_data(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", {"x": np.arange(3)}, allow_pickle=True)  # type: ignore[arg-type] # as Facemap does
    assert read_pickled_npy(tmp_path / "a.npy")["x"].tolist() == [0, 1, 2]


def test_plain_array_is_read_by_both(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(4))
    assert read_pickled_npy(tmp_path / "a.npy").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", "F802"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "F804"),
        ("{'descr': 'zz', 'fortran_order': False, 'shape': (1,)}", "F804"),
        ("{'descr': '<f8', 'shape': (1,)}", "F804"),
        ("__import__('os').getcwd()", "F804"),
        ("{" * 50_000, "F804"),
        ("[1, 2]", "F804"),
    ],
    ids=["huge", "negative", "dtype", "no order", "call", "nested", "list"],
)
def test_crafted_headers_are_refused(tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_npy(crafted(tmp_path / "a.npy", header))
    assert caught.value.code == code


def test_header_of_gigabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little"))
    with pytest.raises(FormatError, match="F802"):
        read_npy(tmp_path / "a.npy")


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "face.npy").write_text("hello world")
    with pytest.raises(FormatError, match=r"F804 face\.npy: not a NumPy file"):
        read_npy(tmp_path / "face.npy")


@pytest.mark.parametrize("order", ["C", "F"])
def test_layout_tells_where_the_numbers_lie(tmp_path: Path, order: str) -> None:
    values = np.asarray(np.arange(6, dtype="<f4").reshape(2, 3), order=order)  # type: ignore[call-overload] # C or F
    np.save(tmp_path / "a.npy", values)
    layout = npy_layout(tmp_path / "a.npy")
    assert (layout.shape, layout.dtype, layout.is_fortran) == ((2, 3), np.dtype("<f4"), order == "F")
    content = (tmp_path / "a.npy").read_bytes()[layout.offset :]
    assert np.frombuffer(content, layout.dtype).tolist() == values.ravel(order="K").tolist()


def test_layout_of_a_file_that_claims_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(100))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(FormatError, match="F802"):
        npy_layout(tmp_path / "a.npy")

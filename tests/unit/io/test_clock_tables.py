"""Columns of numbers out of foreign files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from mystax.errors import ClockError, FormatError
from mystax.io.clock_tables import read_column
from mystax.io.hdf5 import write_arrays
from tests.fixtures.refusals import attempt, code_of

TIMES = np.round(np.arange(20) / 30, 6)


def _text(folder: Path, text: str) -> Path:
    path = folder / "times.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t", "  "])
@pytest.mark.parametrize("has_header", [True, False])
def test_delimiter_and_header_are_found(tmp_path: Path, mark: str, has_header: bool) -> None:
    lines = [f"frame{mark}time"] if has_header else []
    lines += [f"{row}{mark}{time:.6f}" for row, time in enumerate(TIMES)]
    path = _text(tmp_path, "\n".join(lines))
    assert read_column(path, "csv", "1").values.tolist() == TIMES.tolist()
    if has_header:
        assert read_column(path, "csv", "Time").values.tolist() == TIMES.tolist()


def test_only_column_needs_no_name(tmp_path: Path) -> None:
    path = _text(tmp_path, "\n".join(f"{time:.6f}" for time in TIMES))
    assert read_column(path, "csv").values.tolist() == TIMES.tolist()


def test_only_numeric_column_needs_no_name(tmp_path: Path) -> None:
    path = _text(tmp_path, "label,when\nfirst,0.5\nsecond,0.7\n")
    assert read_column(path, "csv").values.tolist() == [0.5, 0.7]


def test_column_with_a_name_of_time_is_taken_among_several(tmp_path: Path) -> None:
    path = _text(tmp_path, "frame,Timestamp\n0,0.5\n1,0.7\n")
    assert read_column(path, "csv").where == "times.csv:Timestamp"


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", ["time", "when"])
def test_row_numbers_without_a_name_are_no_times(tmp_path: Path, name: str, first: int) -> None:
    lines = [f'"",{name}', *(f"{row + first},{time:.6f}" for row, time in enumerate(TIMES))]
    found = read_column(_text(tmp_path, "\n".join(lines)), "csv")
    assert found.values.tolist() == TIMES.tolist()
    assert found.where == f"times.csv:{name}"


def test_row_numbers_without_a_name_are_not_the_only_numbers(tmp_path: Path) -> None:
    path = _text(tmp_path, ",time\n0,0.5\n1,late\n")
    with pytest.raises(ClockError, match=r"C206.*which column.*'', 'time'"):
        read_column(path, "csv")
    assert read_column(path, "csv", "0").values.tolist() == [0, 1]


def test_times_without_a_name_are_not_taken_for_row_numbers(tmp_path: Path) -> None:
    path = _text(tmp_path, ",when\n0.5,3\n0.7,5\n")
    with pytest.raises(ClockError, match=r"C206.*which column.*'', 'when'"):
        read_column(path, "csv")


def test_comma_behind_the_last_cell_makes_no_column_of_times(tmp_path: Path) -> None:
    path = _text(tmp_path, "time,\n" + "".join(f"{time:.6f},\n" for time in TIMES))
    assert read_column(path, "csv").values.tolist() == TIMES.tolist()


def test_open_choice_is_refused_with_the_columns(tmp_path: Path) -> None:
    path = _text(tmp_path, "frame,when\n0,0.5\n1,0.7\n")
    with pytest.raises(ClockError, match=r"C206.*'frame', 'when'"):
        read_column(path, "csv")


def test_unknown_column_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = _text(tmp_path, "frame,when\n0,0.5\n1,0.7\n")
    with pytest.raises(ClockError, match="did you mean 'when'"):
        read_column(path, "csv", "wen")


def test_decimal_commas_are_read_between_semicolons(tmp_path: Path) -> None:
    path = _text(tmp_path, "frame;time\n0;0,5\n1;0,75\n")
    assert read_column(path, "csv", "time").values.tolist() == [0.5, 0.75]


def test_comments_blank_lines_and_byte_order_mark_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    path.write_bytes("\ufeff# made by a camera\r\n\r\ntime\r\n0.5\r\n0.6\r\n".encode())
    assert read_column(path, "csv", "time").values.tolist() == [0.5, 0.6]


def test_whole_numbers_stay_whole(tmp_path: Path) -> None:
    path = _text(tmp_path, "ns\n1700000000123456789\n1700000000156789123\n")
    values = read_column(path, "csv").values
    assert values.dtype == np.int64
    assert int(values[0]) == 1700000000123456789


def test_shorter_column_ends_at_its_last_cell(tmp_path: Path) -> None:
    path = _text(tmp_path, "pulse,counter\n0.1,7\n0.2,8\n0.3,\n")
    assert read_column(path, "csv", "counter").values.tolist() == [7, 8]


def test_empty_cell_inside_is_not_a_number(tmp_path: Path) -> None:
    path = _text(tmp_path, "a,b\n0.1,7\n,8\n0.3,9\n")
    assert np.isnan(read_column(path, "csv", "a").values).tolist() == [False, True, False]


def test_cells_that_are_no_numbers_are_texts(tmp_path: Path) -> None:
    path = _text(tmp_path, "time\n2024-03-01T10:00:00Z\n2024-03-01T10:00:01Z\n")
    assert read_column(path, "csv", "time").is_text


def test_empty_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="empty"):
        read_column(_text(tmp_path, "\n"), "csv")
    with pytest.raises(ClockError, match="binary"):
        read_column(_text(tmp_path, "a\x00b"), "csv")
    with pytest.raises(ClockError, match="C206"):
        read_column(tmp_path / "none.csv", "csv")


def test_array_is_read_whole_or_by_column(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", TIMES.astype(np.float32)[None, :])
    np.save(tmp_path / "b.npy", np.stack([np.arange(20), TIMES], axis=1))
    np.save(tmp_path / "c.npy", np.array([(1, 0.5)], [("frame", "i4"), ("time", "f8")]))
    assert read_column(tmp_path / "a.npy", "npy").values.dtype == np.float64
    assert read_column(tmp_path / "b.npy", "npy", "1").values.tolist() == TIMES.tolist()
    assert read_column(tmp_path / "c.npy", "npy", "time").values.tolist() == [0.5]


@pytest.mark.parametrize(("shape", "name"), [((20, 2), ""), ((20, 2), "2"), ((20,), "1"), ((2, 2, 2), "0")])
def test_array_without_such_a_row_is_refused(tmp_path: Path, shape: tuple[int, ...], name: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape))
    with pytest.raises(ClockError, match="C206"):
        read_column(tmp_path / "a.npy", "npy", name)


def test_complex_numbers_and_huge_counts_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(4, complex))
    np.save(tmp_path / "b.npy", np.array([2**63], np.uint64))
    for name in "ab":
        with pytest.raises(ClockError, match="C206"):
            read_column(tmp_path / f"{name}.npy", "npy")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "a.npz", x=np.array([{}], object))
    for kind, name in (("npy", ""), ("npz", "x")):
        with pytest.raises(FormatError, match="F801"):
            read_column(tmp_path / f"a.{kind}", kind, name)


def test_array_of_an_archive_is_read_by_key(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", times=TIMES, other=np.zeros(3))
    assert read_column(tmp_path / "a.npz", "npz", "times").values.tolist() == TIMES.tolist()
    with pytest.raises(ClockError, match="did you mean 'times'"):
        read_column(tmp_path / "a.npz", "npz", "time")


def test_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(FormatError, match="F804"):
        read_column(tmp_path / "a.npz", "npz", "x")


def test_header_that_claims_more_than_the_archive_holds_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(8))
    content = (tmp_path / "a.npy").read_bytes().replace(b"(8,)", b"(9999999999999,)")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(FormatError, match="F80"):
        read_column(tmp_path / "a.npz", "npz", "x")


@pytest.mark.parametrize("name", ["times", "camera.times", "camera.clock.times"])
def test_variables_and_fields_of_matlab_are_read(tmp_path: Path, name: str) -> None:
    camera: dict[str, Any] = {"times": TIMES[:, None], "clock": {"times": TIMES}, "name": "face"}
    savemat(tmp_path / "a.mat", {"times": TIMES[None, :], "camera": camera})
    assert read_column(tmp_path / "a.mat", "mat", name).values.tolist() == TIMES.tolist()


@pytest.mark.parametrize("name", ["nothing", "camera.nothing", "camera.name"])
def test_missing_or_textual_variables_of_matlab_are_refused(tmp_path: Path, name: str) -> None:
    savemat(tmp_path / "a.mat", {"camera": {"name": "face"}})
    with pytest.raises(FormatError, match="F804"):
        read_column(tmp_path / "a.mat", "mat", name)


def test_file_that_is_not_of_matlab_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(b"nothing of the kind" * 50)
    with pytest.raises(FormatError, match="F804"):
        read_column(tmp_path / "a.mat", "mat", "x")


def test_matlab_73_and_hdf5_are_read_alike(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.mat", {"camera/times": TIMES}, is_matlab=True)
    write_arrays(tmp_path / "a.h5", {"camera/times": TIMES})
    assert read_column(tmp_path / "a.mat", "mat", "camera.times").values.tolist() == TIMES.tolist()
    assert read_column(tmp_path / "a.h5", "h5", "/camera/times").values.tolist() == TIMES.tolist()


# texts of any kind --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "time\n" + "1" * 200_000,
        'a,b\n1,"' + "2" * 200_000 + '"\n',
        'a,b\n1,"2\n3,4\n' + "5,6\n" * 60_000,
    ],
    ids=["endless cell", "endless quote", "open quote"],
)
def test_cells_longer_than_any_number_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ClockError) as caught:
        read_column(_text(tmp_path, text), "csv", "0")
    assert caught.value.code == "C206"
    assert caught.value.where == "times.csv"


@pytest.mark.parametrize("number", ["²", "①", "³⁴"])
def test_signs_that_look_like_numbers_name_no_column(number: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 3)))
    assert code_of(lambda: read_column(tmp_path / "a.npy", "npy", number)) == "C206"
    assert code_of(lambda: read_column(_text(tmp_path, "a,b\n1,2\n3,4\n"), "csv", number)) == "C206"


@pytest.mark.parametrize("cells", [["2024_03_01", "2024_03_02"], ["1_000", "2_000"], ["0.5_1", "0.6"]])
def test_underscores_make_no_numbers(cells: list[str], tmp_path: Path) -> None:
    lines = ["frame,time", *(f"{row},{cell}" for row, cell in enumerate(cells))]
    column = read_column(_text(tmp_path, "\n".join(lines)), "csv", "time")
    assert column.values.tolist() == cells


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=repr)
def test_lines_end_as_any_system_ends_them(ending: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(ending.join(["frame,time", "0,0.5", "1,0.7", ""]).encode())
    assert read_column(tmp_path / "a.csv", "csv", "time").values.tolist() == [0.5, 0.7]


@pytest.mark.parametrize("cell", ["nan", "NaN", "", "-inf"])
def test_missing_numbers_are_no_texts(cell: str, tmp_path: Path) -> None:
    column = read_column(_text(tmp_path, f"frame,time\n0,0.5\n1,{cell}\n2,0.7\n"), "csv", "time")
    assert column.values.dtype == np.float64
    assert not np.isfinite(column.values[1])


def test_numbers_of_times_and_of_the_first_column_that_could_be_both_need_a_name(tmp_path: Path) -> None:
    path = _text(tmp_path, "time,timestamp\n0,0.5\n1,0.7\n")
    with pytest.raises(ClockError, match="which column holds the times") as caught:
        read_column(path, "csv")
    assert caught.value.hint == "name one, as in csv:FILE:COLUMN"


def test_a_column_of_dates_may_be_the_only_one_of_times(tmp_path: Path) -> None:
    path = _text(tmp_path, "who,when\nm1,2024-03-01T12:00:00\nm2,2024-03-01T12:00:01\n")
    assert read_column(path, "csv").where == "times.csv:when"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(st.floats(allow_nan=False), min_size=2, max_size=2), min_size=2, max_size=20),
    mark=st.sampled_from([",", ";", "\t"]),
    has_header=st.booleans(),
)
def test_numbers_that_are_written_exactly_are_read_exactly(
    tmp_path: Path, rows: list[list[float]], mark: str, has_header: bool
) -> None:
    lines = [mark.join(("one", "other"))] if has_header else []
    lines += [mark.join(map(repr, row)) for row in rows]
    path = _text(tmp_path, "\n".join(lines))
    for place in range(2):
        found = read_column(path, "csv", str(place)).values
        np.testing.assert_array_equal(found.astype(float), [row[place] for row in rows])


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.binary(max_size=80),
        st.text("0123456789.,;:\t \"'#\n\r-+eE_naNTZ²é", max_size=120).map(str.encode),
    ),
    name=st.one_of(st.sampled_from(["", "0", "1", "time", "²", "-1"]), st.text(max_size=4)),
)
def test_any_text_is_a_column_or_a_refusal(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    column, refusal = attempt(lambda: read_column(tmp_path / "a.csv", "csv", name))
    if refusal is not None:
        assert refusal.code == "C206"
    else:
        assert column is not None
        assert column.values.ndim == 1
        assert column.values.dtype in (np.dtype(np.int64), np.dtype(np.float64), np.dtype(object))


# arrays of any kind -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(4, dtype=np.uint8), np.int64),
        (np.arange(4, dtype=">i4"), np.int64),
        (np.arange(4, dtype=np.uint64), np.int64),
        (np.arange(4, dtype=np.float16), np.float64),
        (np.arange(4, dtype=">f4"), np.float64),
        (np.arange(4, dtype=np.longdouble), np.float64),
        (np.array([True, False, True, True]), np.bool_),
        (np.array(["0", "1", "2", "3"]), np.str_),
        (np.array([b"0", b"1", b"2", b"3"]), np.str_),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, np.ndarray) else "",
)
def test_arrays_of_every_type_keep_their_values(values: np.ndarray, kind: type, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    found = read_column(tmp_path / "a.npy", "npy").values
    assert found.dtype.type is kind
    assert found.astype(str).tolist() == values.astype(kind).astype(str).tolist()


@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4), (1, 1, 4), (1, 4, 1)])
def test_a_row_may_lie_in_any_direction(shape: tuple[int, ...], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(4.0).reshape(shape))
    assert read_column(tmp_path / "a.npy", "npy").values.tolist() == [0, 1, 2, 3]


def test_a_field_of_a_table_of_records_is_a_column(tmp_path: Path) -> None:
    values = np.array([(0, 0.5), (1, 0.7)], [("frame", "i4"), ("time", "f8")])
    np.save(tmp_path / "a.npy", values)
    assert read_column(tmp_path / "a.npy", "npy", "time").values.tolist() == [0.5, 0.7]
    with pytest.raises(ClockError, match="did you mean 'time'"):
        read_column(tmp_path / "a.npy", "npy", "tim")


@pytest.mark.parametrize("kind", ["csv", "npy", "npz", "mat", "h5"])
@pytest.mark.parametrize("name", ["none", "x" * 300, "a\0b", "."])
def test_a_file_that_is_not_there_is_c206(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(ClockError, match="expected a file, got none") as caught:
        read_column(tmp_path / name, kind, "x")
    assert caught.value.code == "C206"

"""Plain arrays: axes by the number of times, never guessed; text tables with times."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.errors import ClockError, FormatError, NumbersError, ParameterError
from mystax.io.neural.array import split_place

VALUES = np.arange(12.0).reshape(6, 2)
TIMES = np.arange(6) / 10


@pytest.fixture
def clock(tmp_path: Path) -> str:
    np.save(tmp_path / "times.npy", TIMES)
    return f"npy:{tmp_path / 'times.npy'}"


@pytest.mark.parametrize("is_swapped", [False, True])
def test_axis_as_long_as_the_times_is_time(tmp_path: Path, clock: str, is_swapped: bool) -> None:
    np.save(tmp_path / "a.npy", VALUES.T if is_swapped else VALUES)
    dataset = mystax.read_neural(tmp_path / "a.npy", clock=clock)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    np.testing.assert_allclose(dataset["time"].values, TIMES)


def test_array_as_long_as_wide_needs_a_word(tmp_path: Path, clock: str) -> None:
    values = np.arange(36.0).reshape(6, 6)
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(NumbersError, match=r"N306.*6 x 6"):
        mystax.read_neural(tmp_path / "a.npy", clock=clock)
    plain = mystax.read_neural(tmp_path / "a.npy", clock=clock, axes="time,neuron")
    turned = mystax.read_neural(tmp_path / "a.npy", clock=clock, axes="neuron,time")
    np.testing.assert_array_equal(plain["activity"].values, values)
    np.testing.assert_array_equal(turned["activity"].values, values.T)


def test_array_that_fits_no_times_is_refused_with_both_numbers(tmp_path: Path, clock: str) -> None:
    np.save(tmp_path / "a.npy", np.zeros((7, 2)))
    with pytest.raises(NumbersError, match="N306") as refused:
        mystax.read_neural(tmp_path / "a.npy", clock=clock)
    assert "7 x 2" in refused.value.got
    assert "6 times" in refused.value.got
    with pytest.raises(ClockError, match="C202"):
        mystax.read_neural(tmp_path / "a.npy", clock=clock, axes="time,neuron")


def test_rate_alone_does_not_tell_the_axes(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(NumbersError, match="N306"):
        mystax.read_neural(tmp_path / "a.npy", clock="rate:10")
    dataset = mystax.read_neural(tmp_path / "a.npy", clock="rate:10", axes="time,neuron")
    np.testing.assert_allclose(dataset["time"].values, TIMES + 0.05)


@pytest.mark.parametrize("name", ["a.npy", "a.csv"])
def test_array_without_times_is_refused(tmp_path: Path, name: str) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    np.savetxt(tmp_path / "a.csv", VALUES, delimiter=",")
    with pytest.raises(ClockError, match="C207") as refused:
        mystax.read_neural(tmp_path / name)
    assert "frames are not paired by number" in refused.value.hint


def test_wrong_word_for_axes_is_refused(tmp_path: Path, clock: str) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(ParameterError, match="P401"):
        mystax.read_neural(tmp_path / "a.npy", clock=clock, axes="neurons first")


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
@pytest.mark.parametrize("header", ["", "cell1{0}cell2\n"])
def test_text_tables_are_read_with_any_mark(tmp_path: Path, clock: str, mark: str, header: str) -> None:
    rows = "\n".join(mark.join(map(str, row)) for row in VALUES.tolist())
    (tmp_path / "a.csv").write_text(header.format(mark) + rows + "\n", "utf-8")
    dataset = mystax.read_neural(tmp_path / "a.csv", clock=clock)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)


def test_column_of_times_in_a_table_is_its_clock(tmp_path: Path) -> None:
    rows = np.column_stack([VALUES[:, 0], TIMES, VALUES[:, 1]])
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",", header="one,Time,two", comments="")
    dataset = mystax.read_neural(tmp_path / "a.csv")
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    np.testing.assert_allclose(dataset["time"].values, TIMES)


def test_numbers_of_the_rows_are_no_neuron(tmp_path: Path, clock: str) -> None:
    rows = [f"{k},{a},{b}" for k, (a, b) in enumerate(VALUES.tolist())]
    (tmp_path / "a.csv").write_text("\n".join([",one,two", *rows]) + "\n", "utf-8")  # as pandas writes it
    dataset = mystax.read_neural(tmp_path / "a.csv", clock=clock)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)


def test_other_column_without_a_name_is_refused(tmp_path: Path, clock: str) -> None:
    rows = [f"{time},{a},{b}" for time, (a, b) in zip(TIMES, VALUES.tolist(), strict=True)]
    (tmp_path / "a.csv").write_text("\n".join([",one,two", *rows]) + "\n", "utf-8")
    with pytest.raises(FormatError, match=r"F804.*first column has no name"):
        mystax.read_neural(tmp_path / "a.csv", clock=clock)


def table(path: Path, names: str, *columns: np.ndarray) -> Path:
    rows = [",".join(map(repr, row)) for row in np.column_stack(columns).tolist()]
    path.write_text("\n".join([names, *rows]) + "\n", "utf-8")
    return path


def remarks(dataset: Any) -> str:
    return " ".join(flag["text"] for flag in json.loads(dataset.attrs["quality"]))


def test_columns_of_times_and_frames_are_no_neurons(tmp_path: Path) -> None:
    path = table(tmp_path / "lab.csv", "Frame,Time (s),cell 1,cell 2", np.arange(6), TIMES, VALUES)
    for clock in (None, f"csv:{path}:Time (s)", f"csv:{path}:1", TIMES):
        dataset = mystax.read_neural(path, clock=clock)
        np.testing.assert_array_equal(dataset["activity"].values, VALUES)
        np.testing.assert_allclose(dataset["time"].values, TIMES)
        assert "'Frame' of lab.csv" in remarks(dataset)


@pytest.mark.parametrize("name", ["frame", "index", "Unnamed: 0"])
def test_numbers_of_rows_under_a_name_are_no_neuron(tmp_path: Path, clock: str, name: str) -> None:
    path = table(tmp_path / "a.csv", f"one,{name},two", VALUES[:, 0], np.arange(6), VALUES[:, 1])
    dataset = mystax.read_neural(path, clock=clock)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    assert f"'{name}' of a.csv" in remarks(dataset)


@pytest.mark.parametrize("name", ["when", "0"])
def test_the_column_of_the_clock_is_no_neuron_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = table(tmp_path / "a.csv", "when,one,two", TIMES, VALUES)
    dataset = mystax.read_neural(path, clock=f"csv:{path}:{name}")
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    other = table(tmp_path / "b.csv", "when,one,two", TIMES, VALUES)
    assert mystax.read_neural(path, clock=f"csv:{other}:{name}").sizes["neuron"] == 3


def test_the_column_of_the_clock_is_found_by_number_where_there_are_no_names(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.csv", np.column_stack([VALUES, TIMES]), delimiter=",")
    dataset = mystax.read_neural(tmp_path / "a.csv", clock="csv:a.csv:2")
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)


@pytest.mark.parametrize(
    ("name", "per_second"),
    [("time_ms", 1e3), ("Time [ms]", 1e3), ("t (us)", 1e6), ("time_s", 1), ("times", 1)],
)
def test_times_are_in_the_unit_of_their_name(tmp_path: Path, name: str, per_second: float) -> None:
    path = table(tmp_path / "a.csv", f"{name},one,two", TIMES * per_second, VALUES)
    dataset = mystax.read_neural(path)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    np.testing.assert_allclose(dataset["time"].values, TIMES)


def test_names_may_stand_in_the_last_remark_before_the_numbers(tmp_path: Path) -> None:
    np.savetxt(
        tmp_path / "a.csv", np.column_stack([TIMES, VALUES]), delimiter=",", header="by hand\ntime,one,two"
    )
    dataset = mystax.read_neural(tmp_path / "a.csv")
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)
    np.testing.assert_allclose(dataset["time"].values, TIMES)


def test_an_empty_cell_leaves_counts_counts(tmp_path: Path, clock: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n,3\n4,5\n6,7\n8,nan\n1,2\n", "utf-8")
    assert mystax.read_neural(tmp_path / "a.csv", clock=clock).attrs["signal"] == "counts"
    (tmp_path / "a.csv").write_text("1,2\n,3\n4,5.5\n6,7\n8,nan\n1,2\n", "utf-8")
    assert mystax.read_neural(tmp_path / "a.csv", clock=clock).attrs["signal"] == "fluorescence"
    (tmp_path / "a.csv").write_text("a,b\n" + ",nan\n" * 6, "utf-8")
    assert mystax.read_neural(tmp_path / "a.csv", clock=clock).attrs["signal"] == "fluorescence"


@pytest.mark.parametrize("cell", ["1,5", '"1.5"', "low"])
def test_cell_that_is_no_number_is_refused_not_missing(tmp_path: Path, clock: str, cell: str) -> None:
    rows = [f"{a};{b}" for a, b in VALUES.tolist()]
    rows[3] = f"{cell};2"
    (tmp_path / "a.csv").write_text("\n".join(["one;two", *rows]) + "\n", "utf-8")
    with pytest.raises(FormatError, match=r"F804.*row 4.*plain numbers"):
        mystax.read_neural(tmp_path / "a.csv", clock=clock)


def test_empty_cells_are_missing(tmp_path: Path, clock: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n,3\n4,5\n6,7\n8,nan\n1,2\n", "utf-8")
    values = mystax.read_neural(tmp_path / "a.csv", clock=clock)["activity"].values
    assert np.argwhere(np.isnan(values)).tolist() == [[1, 0], [4, 1]]


def test_rows_of_different_length_are_refused(tmp_path: Path, clock: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n3\n4,5\n", "utf-8")
    with pytest.raises(FormatError, match="F804"):
        mystax.read_neural(tmp_path / "a.csv", clock=clock)


@pytest.mark.parametrize(("dtype", "signal"), [(np.int32, "counts"), (np.float32, "fluorescence")])
def test_whole_numbers_are_counts_unless_another_word_is_said(
    tmp_path: Path, clock: str, dtype: type, signal: str
) -> None:
    np.save(tmp_path / "a.npy", VALUES.astype(dtype))
    assert mystax.read_neural(tmp_path / "a.npy", clock=clock).attrs["signal"] == signal
    said = mystax.read_neural(tmp_path / "a.npy", clock=clock, signal="zscore")
    assert said.attrs["signal"] == "zscore"


@pytest.mark.parametrize("values", [np.zeros((2, 3, 4)), np.zeros(5)])
def test_arrays_of_other_axes_are_refused(tmp_path: Path, clock: str, values: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(NumbersError, match="N306"):
        mystax.read_neural(tmp_path / "a.npy", clock=clock)


def test_name_behind_a_colon_names_the_array(tmp_path: Path) -> None:
    (tmp_path / "with:colon.npy").touch()
    assert split_place(str(tmp_path / "with:colon.npy")) == (tmp_path / "with:colon.npy", "")
    assert split_place(f"{tmp_path}/a.h5:/b/c") == (tmp_path / "a.h5", "/b/c")
    assert split_place(r"C:\data\a.npy")[1] == ""


@pytest.mark.parametrize("name", ["a.npz", "a.mat"])
def test_archive_without_a_name_asks_for_one(tmp_path: Path, clock: str, name: str) -> None:
    from scipy.io import savemat

    np.savez(tmp_path / "a.npz", x=VALUES)
    savemat(tmp_path / "a.mat", {"x": VALUES})
    with pytest.raises(FormatError, match="which array is meant"):
        mystax.read_neural(tmp_path / name, clock=clock)
    dataset = mystax.read_neural(f"{tmp_path / name}:x", clock=clock)
    np.testing.assert_array_equal(dataset["activity"].values, VALUES)


@pytest.mark.attack
def test_pickled_arrays_are_refused(tmp_path: Path, clock: str) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, "x"]], object), allow_pickle=True)
    with pytest.raises(FormatError, match="F801"):
        mystax.read_neural(tmp_path / "a.npy", clock=clock)

"""Activity in files: slabs equal what NumPy reads, whatever the order and the question."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.neural.slabs import FileMatrix, Held, Joined, Subtracted, as_variable

RANDOM = np.random.default_rng(0)
WHOLE = RANDOM.standard_normal((23, 11)).astype(np.float32)
"""time x neuron"""


def written(folder: Path, order: str, *, time_first: bool, dtype: str = "<f4") -> FileMatrix:
    values = (WHOLE if time_first else WHOLE.T).astype(dtype)
    np.save(folder / "a.npy", np.asarray(values, order=order))  # type: ignore[call-overload] # C or F
    return FileMatrix(folder / "a.npy", is_time_first=time_first)


@pytest.mark.parametrize("time_first", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("times", "neurons"),
    [
        (range(23), range(11)),
        (range(5, 9), range(11)),
        (range(23), [3]),
        (range(23), range(4, 8)),
        ([22, 3, 4], [4, 6]),
        ([0, 22, 7, 8, 9], [10, 0, 4]),
        ([5], [5]),
        ([], [1]),
        ([2, 1, 0], [1, 1]),
    ],
)
def test_any_question_is_answered_as_by_numpy(
    tmp_path: Path, order: str, time_first: bool, times: list[int], neurons: list[int]
) -> None:
    matrix = written(tmp_path, order, time_first=time_first)
    rows, columns = np.array([*times], np.int64), np.array([*neurons], np.int64)
    assert matrix.shape == (23, 11)
    np.testing.assert_array_equal(matrix.read(rows, columns), WHOLE[np.ix_(rows, columns)])


@pytest.mark.parametrize(
    ("order", "time_first", "major"),
    [("C", True, "time"), ("C", False, "neuron"), ("F", True, "neuron"), ("F", False, "time")],
)
def test_major_axis_is_the_one_that_lies_together(
    tmp_path: Path, order: str, time_first: bool, major: str
) -> None:
    assert written(tmp_path, order, time_first=time_first).major == major


@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "|u1"])
def test_other_numbers_become_float32(tmp_path: Path, dtype: str) -> None:
    values = np.arange(12).reshape(4, 3).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    got = FileMatrix(tmp_path / "a.npy", is_time_first=True).read(np.arange(4), np.arange(3))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.arange(12).reshape(4, 3))


def test_a_file_that_became_shorter_is_refused(tmp_path: Path) -> None:
    matrix = written(tmp_path, "C", time_first=True)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-40])
    for width in (11, 3):
        with pytest.raises(FormatError, match="F802"):
            matrix.read(np.arange(23), np.arange(11 - width, 11))


@pytest.mark.parametrize(
    "values", [np.zeros(5), np.zeros((2, 3, 4)), np.array([["a"]]), np.zeros((2, 2), complex)]
)
def test_other_arrays_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(FormatError, match="F804"):
        FileMatrix(tmp_path / "a.npy", is_time_first=True)


def test_chosen_neurons_of_several_matrices_lie_side_by_side() -> None:
    joined = Joined([(Held(WHOLE), np.array([1, 5])), (Held(WHOLE * 10), np.array([0]))], 20)
    assert joined.shape == (20, 3)
    wanted = np.column_stack([WHOLE[:20, [1, 5]], WHOLE[:20, 0] * 10])
    np.testing.assert_array_equal(joined.read(np.arange(20), np.arange(3)), wanted)
    np.testing.assert_array_equal(joined.read(np.array([7, 3]), np.array([2, 0])), wanted[[7, 3]][:, [2, 0]])


def test_a_change_of_traces_sees_all_times_whatever_is_asked() -> None:
    joined = Joined([(Held(WHOLE), np.arange(11))], 23, lambda traces: traces - traces.mean(axis=0))
    wanted = (WHOLE - WHOLE.mean(axis=0))[3:6][:, [2]]
    np.testing.assert_allclose(joined.read(np.arange(3, 6), np.array([2])), wanted, rtol=1e-6)
    assert joined.major == "neuron"


def test_difference_takes_a_share_of_the_second_off() -> None:
    got = Subtracted(Held(WHOLE), Held(WHOLE * 2), 0.7).read(np.arange(23), np.arange(11))
    np.testing.assert_allclose(got, WHOLE * (1 - 1.4), rtol=1e-5)


def test_variable_reads_only_when_values_are_wanted() -> None:
    asked = []

    class Watched(Held):
        def read(self, times: np.ndarray, neurons: np.ndarray) -> np.ndarray:
            asked.append((len(times), len(neurons)))
            return super().read(times, neurons)

    variable = as_variable(Watched(WHOLE), {"units": "1"})
    part = variable[4:10, [1, 3]]
    assert asked == []
    np.testing.assert_array_equal(part.values, WHOLE[4:10][:, [1, 3]])
    assert asked == [(6, 2)]
    assert float(variable[2, 3].values) == WHOLE[2, 3]
    assert variable.encoding == {"major": "time"}

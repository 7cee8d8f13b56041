"""Variables that are read row by row."""

import numpy as np
import pytest
from xarray import Dataset, Variable

from mystax.core.lazy import is_lazy, lazy_rows

VALUES = np.arange(60, dtype=np.float32).reshape(10, 6)
SHAPE = (10, 2, 3)


class Counted:
    """Rows that note what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return rows start..stop."""
        self.asked.append((start, stop))
        return VALUES[start:stop]


def lazy() -> tuple[Dataset, Counted]:
    rows = Counted()
    return Dataset({"v": lazy_rows(rows, ("time", "roi", "component"), SHAPE, "float32")}), rows


def test_nothing_is_read_before_it_is_asked_for() -> None:
    dataset, rows = lazy()
    dataset = dataset.assign_coords(time=("time", np.arange(10.0)))
    dataset["missing"] = ("time", np.zeros(10, np.uint8))
    assert dataset.v.shape == SHAPE
    assert dataset.v.dtype == np.float32
    assert is_lazy(dataset.v)
    assert rows.asked == []


@pytest.mark.parametrize(
    "key",
    [
        np.s_[3],
        np.s_[-1],
        np.s_[2:7],
        np.s_[8:2:-2],
        np.s_[::-1],
        np.s_[5:5],
        np.s_[:, 1, ::2],
        np.s_[4, 0],
        np.s_[[1, 5, 2]],
        np.s_[[0, 9], [0, 1]],
    ],
)
def test_every_way_of_asking_gives_the_rows(key: object) -> None:
    dataset, _ = lazy()
    plain = Variable(("time", "roi", "component"), VALUES.reshape(SHAPE))
    np.testing.assert_array_equal(dataset.v.variable[key].values, plain[key].values)


def test_a_slice_reads_its_rows_only() -> None:
    dataset, rows = lazy()
    dataset.v[4:6].load()
    assert rows.asked == [(4, 6)]


def test_loaded_variables_are_not_lazy() -> None:
    dataset, _ = lazy()
    assert not is_lazy(dataset.v.load())
    assert not is_lazy(Variable("n", [1.0]))

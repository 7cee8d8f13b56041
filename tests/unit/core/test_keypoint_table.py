"""One table for all formats: counts, individuals, rows, and what is refused."""

import numpy as np
import pytest

from mystax.core.keypoint_table import TableCounts, make_table
from mystax.errors import FormatError, RecipeError
from tests.fixtures.keypoint_tables import random_table


def test_counts_are_those_counted_by_hand() -> None:
    position = np.full((3, 2, 2, 2), np.nan)
    position[0, 0] = [[1, 1], [2, 2]]
    position[1, 1, 0] = [9, 9]
    table = make_table(
        ["a", "b"], position, where="t", individuals=["x", "y"], shapes=np.array([[5, 5], [5, 5], [5, 5]])
    )
    assert table.counts() == TableCounts(2, 2, 3, 1, 1)


def test_state_follows_from_the_place_and_a_place_from_the_state() -> None:
    position = np.array([[[[1.0, 2.0], [np.nan, 2.0], [3.0, 4.0]]]])
    state = np.array([[[2, 2, 0]]], np.int8)
    table = make_table(["a", "b", "c"], position, where="t", state=state)
    assert table.state.tolist() == [[[2, -1, 0]]]  # placed without a place is not labelled
    assert np.isnan(table.position[0, 0, 1:]).all()  # absent has no place


def test_individuals_and_rows_are_cut_out_with_all_that_belongs_to_them() -> None:
    table = random_table(0, n=5, n_individuals=3)
    second = table.individual("animal1")
    np.testing.assert_array_equal(second.position[:, 0], table.position[:, 1])
    assert second.individuals == ("animal1",)
    assert table.individual().individuals == ("animal0",)
    some = table.rows(np.array([True, False, False, True, False]))
    assert some.files == (table.files[0], table.files[3])
    np.testing.assert_array_equal(some.state, table.state[[0, 3]])
    with pytest.raises(RecipeError, match="did you mean 'animal"):
        table.individual("animal9")


@pytest.mark.parametrize(
    ("names", "position"),
    [
        ([], np.zeros((1, 1, 0, 2))),
        (["a", "a"], np.zeros((1, 1, 2, 2))),
        (["a"], np.zeros((0, 1, 1, 2))),
        (["a"], np.full((2, 1, 1, 2), np.nan)),
    ],
)
def test_table_of_nothing_is_refused(names: list[str], position: np.ndarray) -> None:
    with pytest.raises(FormatError, match="F804"):
        make_table(names, position, where="t.csv")

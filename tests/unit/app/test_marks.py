"""Marks of the seek bar: all that is there is seen, and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mystax.app.marks import binned, gaps_of, runs_of, spans_where


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_those_of_a_plain_walk(flags: list[bool]) -> None:
    expected: list[list[int]] = []
    for place, is_on in enumerate(flags):
        if is_on and place and flags[place - 1]:
            expected[-1][1] = place
        elif is_on:
            expected.append([place, place])
    assert runs_of(np.array(flags, np.bool_)).tolist() == expected


def test_runs_without_a_time_are_left_out() -> None:
    times = np.array([0.0, 1.0, np.nan, 3.0])
    assert spans_where(np.array([True, True, False, True]), times) == [(0.0, 1.0), (3.0, 3.0)]
    assert spans_where(np.array([False, True, True, False]), times) == []


def test_a_gap_is_a_step_longer_than_usual() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.3, 0.8, 0.9, np.nan, 1.0])
    assert gaps_of(times) == [(0.3, 0.8)]
    assert gaps_of(np.array([1.0])) == []
    assert gaps_of(np.array([])) == []


def test_marks_on_one_pixel_are_joined_and_counted() -> None:
    marks = binned({"labelled": [(1.0, 1.0), (1.01, 1.01), (9.0, 9.0)]}, 0.0, 10.0, 10)
    assert [(mark.start, mark.stop, mark.count) for mark in marks] == [(1.0, 2.0, 2), (9.0, 10.0, 1)]


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), max_size=30),
    st.integers(1, 50),
)
def test_every_mark_is_covered_and_all_are_counted(found: list[tuple[float, float]], width: int) -> None:
    spans = [(start, min(10.0, start + length)) for start, length in found]
    marks = binned({"gap": spans}, 0.0, 10.0, width)
    assert sum(mark.count for mark in marks) == len(spans)
    assert len(marks) <= width
    for start, stop in spans:
        assert any(mark.start <= start + 1e-9 and stop <= mark.stop + 1e-9 for mark in marks)


def test_kinds_stay_apart_and_a_single_moment_is_shown() -> None:
    marks = binned({"low": [(0.0, 0.0)], "gap": [(0.0, 0.0)]}, 0.0, 0.0, 5)
    assert [mark.kind for mark in marks] == ["low", "gap"]

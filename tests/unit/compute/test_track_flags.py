"""Jumps, and marks joined to flags."""

import numpy as np

from mystax.compute.track_flags import flags_of, jumps
from mystax.core.point_flags import FLAG_MASKS


def still(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    place = np.random.default_rng(0).normal(size=(n, 1, 2)) * 0.2
    return place, np.ones((n, 1))


def test_point_that_leaves_and_comes_back_has_jumped() -> None:
    place, distance = still()
    place[30] += 8.0
    distance[30] = 400.0
    assert np.flatnonzero(jumps(place, distance, 256.0)).tolist() == [30]


def test_point_that_stays_at_its_new_place_has_moved() -> None:
    place, distance = still()
    place[30:] += 8.0
    distance[30:33] = 400.0
    assert not jumps(place, distance, 256.0).any()


def test_two_frames_away_are_one_jump() -> None:
    place, distance = still()
    place[30:32] += 8.0
    distance[30:32] = 400.0
    assert np.flatnonzero(jumps(place, distance, 256.0)).tolist() == [30, 31]


def test_step_faster_than_anything_real_is_a_jump_on_both_sides() -> None:
    place, distance = still()
    place[30:] += 40.0
    assert np.flatnonzero(jumps(place, distance, 256.0)).tolist() == [30]
    assert not jumps(place, distance, 1024.0).any()  # the same step on a face four times as large


def test_unseen_frames_are_no_jumps() -> None:
    place, distance = still()
    place[20:30] = np.nan
    distance[20:30] = np.nan
    assert not jumps(place, distance, 256.0).any()
    assert not jumps(np.full((5, 1, 2), np.nan), np.full((5, 1), np.nan), 256.0).any()


def test_marks_become_bits() -> None:
    marks = {name: np.array([[k % 2 == 0]]) for k, name in enumerate(FLAG_MASKS)}
    assert flags_of(**marks).tolist() == [[1 + 4 + 16 + 64]]

"""Points of another definition are told from errors."""

import numpy as np
import pytest

from mystax.nets.definitions import is_redefined

FACE = np.random.default_rng(0).uniform(-40, 40, (6, 2))


def _faces(rng: np.random.Generator, n: int, *, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return turned, scaled, shifted (and mirrored) faces, and a point 8 px beside point 2 of each."""
    faces, moved = np.empty((n, 6, 2)), np.empty((n, 2))
    for i in range(n):
        angle, scale = rng.uniform(-3, 3), rng.uniform(0.8, 1.2)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if mirror and rng.random() < 0.5:
            turn = turn @ np.diag([-1, 1])
        shift = rng.uniform(90, 160, 2)
        faces[i] = FACE @ turn.T + shift
        moved[i] = (FACE[2] + np.array([8.0, 0.0])) @ turn.T + shift
    return faces, moved


@pytest.mark.parametrize("mirror", [False, True])
def test_a_constant_offset_in_the_face_is_another_definition(mirror: bool) -> None:
    rng = np.random.default_rng(1)
    truth, moved = _faces(rng, 15, mirror=mirror)
    found = truth + rng.normal(0, 1.0, truth.shape)
    found[:, 2] = moved + rng.normal(0, 1.0, moved.shape)
    answer = is_redefined(found, truth, np.ones((15, 6), np.bool_), unit=1.0, can_mirror=mirror)
    assert answer.tolist() == [False, False, True, False, False, False]


def test_large_errors_without_direction_are_errors() -> None:
    rng = np.random.default_rng(2)
    truth, _ = _faces(rng, 30, mirror=False)
    found = truth + rng.normal(0, 12.0, truth.shape)
    assert not is_redefined(found, truth, np.ones((30, 6), np.bool_), unit=1.0, can_mirror=False).any()


def test_a_few_wild_places_do_not_make_a_definition() -> None:
    rng = np.random.default_rng(3)
    truth, _ = _faces(rng, 20, mirror=False)
    found = truth + rng.normal(0, 1.0, truth.shape)
    found[:6, 4] += 60
    assert not is_redefined(found, truth, np.ones((20, 6), np.bool_), unit=1.0, can_mirror=False).any()


def test_offset_is_measured_in_px_at_256() -> None:
    rng = np.random.default_rng(4)
    truth, moved = _faces(rng, 15, mirror=False)
    found = truth.copy()
    found[:, 2] = moved
    everything = np.ones((15, 6), np.bool_)
    assert is_redefined(found, truth, everything, unit=1.0, can_mirror=False)[2]
    assert not is_redefined(found, truth, everything, unit=0.25, can_mirror=False)[2]


def test_points_with_few_labels_keep_their_definition() -> None:
    rng = np.random.default_rng(5)
    truth, moved = _faces(rng, 15, mirror=False)
    found = truth.copy()
    found[:, 2] = moved
    placed = np.ones((15, 6), np.bool_)
    placed[4:, 2] = False
    truth[4:, 2] = np.nan
    assert not is_redefined(found, truth, placed, unit=1.0, can_mirror=False).any()

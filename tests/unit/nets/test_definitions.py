"""Points of another definition are told from errors."""

import numpy as np
import pytest

from mystax.nets.definitions import is_redefined, where_labels_lie

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


def _exchanged(truth: np.ndarray, order: list[int], **more: object) -> list[int]:
    rng = np.random.default_rng(7)
    found = truth + rng.normal(0, 2.0, truth.shape)
    placed = more.pop("placed", np.ones(truth.shape[:2], np.bool_))
    assert isinstance(placed, np.ndarray)
    lie = where_labels_lie(found, truth[:, order], placed, unit=1.0)
    return [int(j) for j in lie]


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4, 5], [1, 2, 0, 3, 5, 4], [5, 4, 3, 2, 1, 0]])
def test_exchanged_names_are_found_whatever_the_cycles(order: list[int]) -> None:
    truth, _ = _faces(np.random.default_rng(1), 15, mirror=True)
    assert _exchanged(truth, order) == order


def test_right_names_lie_at_themselves() -> None:
    truth, _ = _faces(np.random.default_rng(1), 15, mirror=True)
    assert _exchanged(truth, [0, 1, 2, 3, 4, 5]) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("shift", [(14.0, 0.0), (0.0, -30.0), (-25.0, 25.0)])
def test_a_base_that_is_off_by_one_way_exchanges_nothing(shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(8)
    row = np.stack(
        (np.arange(6) * 14.0 + 60, np.full(6, 100.0)), axis=-1
    )  # as near to each other as whiskers
    truth = row + rng.normal(0, 1.0, (15, 6, 2))
    lie = where_labels_lie(truth + np.array(shift), truth, np.ones((15, 6), np.bool_), unit=1.0)
    assert lie.tolist() == list(range(6))


def test_two_names_for_one_place_are_no_exchange() -> None:
    truth, _ = _faces(np.random.default_rng(1), 15, mirror=False)
    assert _exchanged(truth, [1, 1, 2, 3, 4, 5]) == [0, 1, 2, 3, 4, 5]


def test_points_with_few_labels_or_unknown_to_the_base_exchange_nothing() -> None:
    truth, _ = _faces(np.random.default_rng(1), 15, mirror=False)
    placed = np.ones((15, 6), np.bool_)
    placed[4:, 1] = False
    assert _exchanged(truth, [1, 0, 2, 3, 4, 5], placed=placed) == [0, 1, 2, 3, 4, 5]
    found = truth.copy()
    found[:, 1] = np.nan
    lie = where_labels_lie(found, truth[:, [1, 0, 2, 3, 4, 5]], np.ones((15, 6), np.bool_), unit=1.0)
    assert lie.tolist() == [0, 1, 2, 3, 4, 5]

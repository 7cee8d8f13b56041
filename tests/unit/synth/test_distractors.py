"""Things about the head: tubes of their radius, paws that end where they should, hidden points."""

import numpy as np
import pytest

from mystax.synth.backdrop import SIDE, draw_backdrop
from mystax.synth.distractors import cover, draw_distractors, paw_surfaces, plate, tube
from mystax.synth.draws import Draw, Typical
from mystax.synth.head_mesh import HeadMesh, build_head
from mystax.synth.head_parts import PARTS, Expression
from mystax.synth.head_shape import draw_shape

ORIGIN = np.zeros(3)


@pytest.fixture(scope="module")
def mesh() -> HeadMesh:
    return build_head(draw_shape(Typical()), Expression())


@pytest.mark.parametrize("way", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 2, 0.5)])
def test_tubes_have_their_radius_all_along(way: tuple[float, ...]) -> None:
    along = np.array(way, float) / np.linalg.norm(way)
    rod = tube([ORIGIN, along, 2 * along, 4 * along], [0.1] * 4, "metal")
    body = rod.points[3:7]
    away = body - (body @ along)[..., None] * along
    np.testing.assert_allclose(np.linalg.norm(away, axis=2), 0.1, atol=1e-9)
    outward = np.sum(rod.normals * (rod.points - rod.points.mean(axis=1, keepdims=True)), axis=2)
    assert (outward[1:-1] > 0).all()


def test_bent_tubes_are_not_twisted() -> None:
    t = np.linspace(0, np.pi, 20)
    arc = [np.array([np.cos(a), np.sin(a), 0.2 * a]) for a in t]
    ring = tube(arc, [0.1] * 20, "fixture").points
    step = np.linalg.norm(np.diff(ring[4:-4], axis=0), axis=2)
    assert step.max() < 0.2


def test_plates_are_flat_and_seen_from_both_sides() -> None:
    board = plate(ORIGIN, np.array([1.0, 0, 0]), np.array([0, 0, 2.0]), "lamp")
    assert board.both
    assert board.part == PARTS["lamp"]
    assert np.ptp(board.points, axis=(0, 1)).tolist() == [2.0, 0.0, 4.0]


def test_a_paw_ends_at_its_tip() -> None:
    tip, root = np.array([0.2, 0.3, -0.7]), np.array([1.0, 0.2, -1.3])
    paw = paw_surfaces(tip, root, Draw((1,)))
    assert len(paw) == 5
    points = np.concatenate([part.points.reshape(-1, 3) for part in paw])
    assert np.linalg.norm(points - tip, axis=1).min() < 0.06
    reach = (points - root) @ (tip - root) / np.linalg.norm(tip - root)
    assert reach.max() < np.linalg.norm(tip - root) + 0.1


def test_what_hides_a_point_lies_between_it_and_the_camera() -> None:
    points, eyepoint = np.array([[0.0, 0.4, 0.0]]), np.array([0.0, 9.0, 0.0])
    for k in range(20):
        made = cover(Draw((k,)), points, eyepoint)
        t = np.linspace(0, 1, 60)[:, None, None, None]
        rows = [(part.points[:-1], part.points[1:]) for part in made]
        cloud = np.concatenate([((1 - t) * a + t * b).reshape(-1, 3) for a, b in rows])
        near = np.hypot(cloud[:, 0], cloud[:, 2]) < 0.3
        assert near.any()
        assert cloud[near, 1].min() > 0.35


def test_things_vary_and_some_pictures_have_none(mesh: HeadMesh) -> None:
    points, eyepoint = np.array([[0.0, 0.4, 0.0]]), np.array([0.0, 9.0, 0.0])
    counts = [len(draw_distractors(Draw((k,)), mesh, 1, points, eyepoint)) for k in range(80)]
    assert min(counts) == 0
    assert max(counts) > 6


def test_holders_are_held_out(mesh: HeadMesh) -> None:
    points, eyepoint = np.array([[0.0, 0.4, 0.0]]), np.array([0.0, 9.0, 0.0])

    def has_holder(k: int, ranges: str) -> bool:
        made = draw_distractors(Draw((k,), ranges), mesh, 1, points, eyepoint)
        return any(part.points.shape[:2] == (3, 28) for part in made)

    assert not any(has_holder(k, "ordinary") for k in range(60))
    assert any(has_holder(k, "shifted") for k in range(60))


def test_backdrops_are_positive_and_of_many_levels() -> None:
    pictures = np.array([draw_backdrop(Draw((k,))) for k in range(80)])
    assert pictures.shape == (80, SIDE, SIDE)
    assert pictures.min() >= 0
    level = pictures.mean(axis=(1, 2))
    assert (level < 0.05).mean() > 0.2
    assert (level > 0.3).mean() > 0.15

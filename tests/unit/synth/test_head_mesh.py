"""Surfaces of the rendered head: closed, smooth, symmetric, moved by expressions where they should be."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.synth.draws import Draw, Typical
from mystax.synth.head_mesh import HeadMesh, build_head, curve, find_place
from mystax.synth.head_parts import PARTS, Expression, at, make_surface, section, unit
from mystax.synth.head_shape import HeadShape, draw_shape
from mystax.synth.head_truth import Slips, place_keypoints

EXACT = Slips(np.zeros((22, 2)))


@pytest.fixture(scope="module")
def shape() -> HeadShape:
    return draw_shape(Typical())


@pytest.fixture(scope="module")
def mesh(shape: HeadShape) -> HeadMesh:
    return build_head(shape, Expression())


def moved(shape: HeadShape, expression: Expression) -> np.ndarray:
    """How far each skin point is moved by an expression."""
    rest = build_head(shape, Expression()).skin.points
    return np.asarray(np.linalg.norm(build_head(shape, expression).skin.points - rest, axis=2))


def test_the_skin_is_symmetric(mesh: HeadMesh) -> None:
    points = mesh.skin.points
    mirrored = np.concatenate([points[:, :1], points[:, :0:-1]], axis=1) * [1, -1, 1]
    np.testing.assert_allclose(points, mirrored, atol=1e-9)


def test_normals_are_unit_vectors_that_point_outwards(mesh: HeadMesh) -> None:
    for surface in mesh.surfaces[:2]:
        np.testing.assert_allclose(np.linalg.norm(surface.normals[1:-1], axis=2), 1, atol=1e-6)
        middle = surface.points.mean(axis=1, keepdims=True)
        outward = np.sum(surface.normals * (surface.points - middle), axis=2)
        assert (outward[2:-2] > 0).mean() > 0.97


def test_normals_of_a_sphere_are_its_radii() -> None:
    u, v = np.linspace(0.1, np.pi - 0.1, 40)[:, None], np.arange(48)[None] * (2 * np.pi / 48)
    ball = np.stack([-np.cos(u) + 0 * v, np.sin(u) * np.sin(v), np.sin(u) * np.cos(v)], axis=2)
    normals = make_surface(ball, PARTS["skin"]).normals
    np.testing.assert_allclose(normals[1:-1], ball[1:-1], atol=0.02)


def test_the_head_starts_at_the_nose_tip(mesh: HeadMesh) -> None:
    np.testing.assert_allclose(mesh.skin.points[0], 0, atol=0.005)


def test_the_eye_lies_at_unit_distance_behind_the_nose(mesh: HeadMesh) -> None:
    lids = place_keypoints(mesh, 1, EXACT)[:4]
    np.testing.assert_allclose(lids.mean(axis=0)[[0, 2]], [1, 0], atol=0.06)
    assert np.linalg.norm(mesh.eye - mesh.eye * [1, -1, 1]) > 0.5


def test_the_skin_hugs_the_globe_about_the_lids(mesh: HeadMesh) -> None:
    points = mesh.skin.points[:, 1:64]
    local = (points - mesh.eye) @ mesh.eye_axes.T
    beside = (np.hypot(local[..., 0], local[..., 1]) < 0.9 * mesh.eye_radius) & (local[..., 2] > 0)
    assert beside.sum() > 20
    np.testing.assert_allclose(np.linalg.norm(local[beside], axis=1) / mesh.eye_radius, 1.03, atol=0.01)


def test_eye_axes_are_a_rotation(mesh: HeadMesh) -> None:
    np.testing.assert_allclose(np.abs(np.linalg.det(mesh.eye_axes)), 1, atol=1e-9)
    np.testing.assert_allclose(mesh.eye_axes @ mesh.eye_axes.T, np.eye(3), atol=1e-9)
    assert mesh.eye_axes[0, 0] > 0.5
    assert mesh.eye_axes[1, 2] > 0.5
    assert mesh.eye_axes[2, 1] > 0.5


def test_the_lids_close_to_a_line_and_open_to_their_height(shape: HeadShape) -> None:
    shut, wide = (build_head(shape, Expression(lids=openness)).lid for openness in (0.0, 1.0))
    assert shut[1] + shut[2] == pytest.approx(0, abs=1e-12)
    assert wide[1] + wide[2] == pytest.approx(2 * shape.lid_half, rel=1e-9)


def test_sniffing_moves_the_nose_only(shape: HeadShape) -> None:
    way = moved(shape, Expression(nose_shift=(0.0, 0.0, 0.05)))
    rest = build_head(shape, Expression()).skin.points
    assert way[0].max() == pytest.approx(0.05, rel=0.01)
    assert way[rest[..., 0] > 0.51].max() < 1e-9


def test_the_neck_moves_what_lies_behind_the_head_only(shape: HeadShape) -> None:
    way = moved(shape, Expression(neck_pitch=0.4))
    rest = build_head(shape, Expression()).skin.points
    assert way[rest[..., 0] < 1.19].max() < 1e-9
    assert way[rest[..., 0] > 3].min() > 0.3


def test_the_jaw_opens_downwards_about_its_hinge(shape: HeadShape) -> None:
    shut, opened = (build_head(shape, Expression(jaw=angle)).surfaces[1].points for angle in (0.0, 0.3))
    assert (opened[:10, :, 2] < shut[:10, :, 2] - 0.05).all()
    hinge = np.array([1.25, 0, -0.3])
    np.testing.assert_allclose(
        np.linalg.norm(shut - hinge, axis=2), np.linalg.norm(opened - hinge, axis=2), atol=1e-9
    )


def test_the_tongue_is_there_only_when_it_is_out(shape: HeadShape) -> None:
    parts = [surface.part for surface in build_head(shape, Expression()).surfaces]
    out = [surface.part for surface in build_head(shape, Expression(tongue=0.3)).surfaces]
    assert PARTS["tongue"] not in parts
    assert out.count(PARTS["tongue"]) == 1
    assert parts.count(PARTS["ear"]) == 2


def test_follicles_lie_in_rows_and_arcs(mesh: HeadMesh) -> None:
    rows, arcs = np.array([0.0, 1, 2, 3, 4, 2, 2]), np.array([1.0, 1, 1, 1, 1, 3, 5])
    points = at(mesh.skin.points, *mesh.follicles(rows, arcs))
    assert (np.diff(points[:5, 2]) < -0.02).all()
    assert points[2, 0] > points[5, 0] > points[6, 0]


def test_whisking_carries_the_follicles(shape: HeadShape) -> None:
    ahead = build_head(shape, Expression(pad_shift=(-0.05, 0.0)))
    rest = build_head(shape, Expression())
    places = [at(m.skin.points, *m.follicles(np.array([2.0]), np.array([2.0])))[0] for m in (rest, ahead)]
    assert places[1][0] - places[0][0] == pytest.approx(-0.05, abs=0.015)


def test_all_random_heads_are_finite_and_face_forward() -> None:
    for k in range(40):
        shape = draw_shape(Draw((k, 3), "shifted"))
        mesh = build_head(shape, Expression())
        for surface in mesh.surfaces:
            assert np.isfinite(surface.points).all()
            assert np.isfinite(surface.normals).all()
        points = place_keypoints(mesh, 1, EXACT)
        assert (points[4:7, 0] < points[0, 0]).all()
        assert points[11, 2] < points[7, 2]


def test_larger_pads_bulge_more(shape: HeadShape) -> None:
    flat = build_head(replace(shape, pad_bulge=0.0), Expression()).skin.points
    round_ = build_head(replace(shape, pad_bulge=0.1), Expression()).skin.points
    assert (round_[..., 1] - flat[..., 1]).max() == pytest.approx(0.1, abs=0.03)


def test_curves_go_through_their_knots() -> None:
    knots = [(float(k), float((k - 4) ** 2)) for k in range(10)]
    line = curve(knots)
    for row, knot in ((0, 0), (28, 2), (76, 4), (141, 9)):
        np.testing.assert_allclose(line[row], knots[knot], atol=1e-9)


def test_places_are_found_on_the_side_view(mesh: HeadMesh) -> None:
    point = at(mesh.skin.points, *find_place(mesh.skin.points, 0.45, -0.2))
    np.testing.assert_allclose(point[[0, 2]], [0.45, -0.2], atol=0.01)
    assert point[1] > 0


def test_grids_are_read_between_their_points_and_around() -> None:
    grid = np.arange(24.0).reshape(3, 8, 1)
    assert at(grid, 0.5, 2.25)[0] == pytest.approx(2.25 + 4)
    assert at(grid, 0.0, 7.5)[0] == pytest.approx(3.5)
    np.testing.assert_allclose(at(grid, np.array([0.0, 1.0]), np.array([-1.0, 3.0]))[:, 0], [7, 11])


def test_sections_are_superellipses() -> None:
    points = section(2.5, 64)
    np.testing.assert_allclose(np.sum(np.abs(points) ** 2.5, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(points[0], [0, 1])
    assert np.linalg.norm(unit(np.array([3.0, 4.0, 0.0]))) == pytest.approx(1)

"""Truth of rendered faces: states in constructed scenes, outlines, boxes, crops."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from mystax.synth.distractors import paw_surfaces, plate, tube
from mystax.synth.draws import Draw, Typical
from mystax.synth.head_mesh import KEYPOINTS, build_head
from mystax.synth.head_parts import Expression, Surface
from mystax.synth.head_render import render_scene
from mystax.synth.head_scene import HeadScene, draw_head_scene
from mystax.synth.head_truth import Slips, eye_ellipses, face_box, frame_face, in_world, place_keypoints
from mystax.synth.head_view import FOCUS, HeadCamera, Pose, look_at

SIZE = 128
EYE = ("eye_front", "eye_back", "eye_top", "eye_bottom")
NOSE = ("nose_top", "nose_tip", "nose_bottom")
PAD = ("whisker_I", "whisker_II", "whisker_III", "whisker_C2")
MOUTH = ("mouth", "lower_lip")
EXACT = Slips(np.zeros((22, 2)))


def camera_at(azimuth: float, elevation: float, side: int, length: float) -> HeadCamera:
    """Camera at 120 mm that looks at the middle of the face; the eye is about 40 px from the nose."""
    turn = np.radians([azimuth, elevation])
    rotation, translation = look_at(turn[0], turn[1], 0.0, side, FOCUS * length, 120.0)
    middle = (SIZE - 1) / 2
    return HeadCamera(rotation, translation, 400.0, (middle, middle), (SIZE, SIZE))


def typical(
    azimuth: float = 0.0, elevation: float = 0.0, side: int = 1, expression: Expression | None = None
) -> HeadScene:
    """Scene of the typical animal with nothing about it."""
    scene = draw_head_scene(Typical(), SIZE)
    camera = camera_at(azimuth, elevation, side, scene.shape.length)
    return replace(
        scene,
        camera=camera,
        side=side,
        expression=expression or Expression(),
        distractors=(),
        slips=EXACT,
        points=None,
    )


def at_point(scene: HeadScene, name: str) -> np.ndarray:
    """Place of a point in units of the head."""
    mesh = build_head(scene.shape, scene.expression)
    return np.asarray(place_keypoints(mesh, scene.side, EXACT)[KEYPOINTS.index(name)])


def shield(scene: HeadScene, name: str, half: float, distance: float = 0.5) -> Surface:
    """Plate at right angles to the view, before (or behind) a point."""
    right, down, forward = scene.camera.rotation
    return plate(at_point(scene, name) - distance * forward, half * right, half * down, "fixture")


def rod(scene: HeadScene, name: str, radius: float) -> Surface:
    """Rod across the view, before a point."""
    right, _, forward = scene.camera.rotation
    spot = at_point(scene, name) - 0.4 * forward
    return tube([spot - 5 * right, spot + 5 * right], [radius, radius], "metal")


@dataclass(frozen=True)
class Case:
    """A scene and what must be true in it."""

    scene: HeadScene
    placed: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    things: tuple[Callable[[HeadScene], Surface | list[Surface]], ...] = field(default=())


def paw_over_eye(scene: HeadScene) -> list[Surface]:
    spot = at_point(scene, "pupil") - 0.25 * scene.camera.rotation[2]
    tip, root = spot + np.array([0.0, 0.0, 0.2]), spot + np.array([0.4, 0.0, -1.0])
    return paw_surfaces(tip, root, Draw((1,)), 1.6)


CLOSED = Expression(lids=0.0)
PAW = (0.2, 0.3, -0.75)
CASES = {
    "profile from the left": Case(typical(), (*EYE, *NOSE, *PAD, *MOUTH, "pupil"), (), ("paw", "tongue_tip")),
    "profile from the right": Case(typical(side=-1), (*EYE, *NOSE, *PAD, *MOUTH, "pupil")),
    "no far nostril in profile": Case(typical(azimuth=-10), EYE, (), ("nose_far",)),
    "far nostril from the front": Case(typical(azimuth=70), ("nose_far", *NOSE)),
    "far nostril from the front, right": Case(typical(azimuth=70, side=-1), ("nose_far", *NOSE)),
    "from behind": Case(typical(azimuth=-80), (), (), (*NOSE, "nose_far")),
    "from above": Case(typical(elevation=75), ("nosebridge", "nose_top"), (), MOUTH),
    "from below": Case(typical(elevation=-60), ("chin", "lower_lip"), (), ("nosebridge",)),
    "closed lids": Case(typical(expression=CLOSED), (*EYE, *NOSE), ("pupil",)),
    "plate before the eye": Case(
        typical(), (*NOSE, *MOUTH), (*EYE, "pupil"), (), (lambda s: shield(s, "pupil", 0.25),)
    ),
    "plate before the nose": Case(typical(), (*EYE, *PAD), NOSE, (), (lambda s: shield(s, "nose_tip", 0.2),)),
    "plate behind the head": Case(
        typical(), (*EYE, *NOSE, *PAD, *MOUTH), (), (), (lambda s: shield(s, "pupil", 2.0, -2.0),)
    ),
    "plate before everything": Case(
        typical(),
        (),
        (*EYE, *NOSE, *PAD, *MOUTH, "pupil"),
        ("tongue_tip",),
        (lambda s: shield(s, "whisker_I", 3.0, 1.5),),
    ),
    "rod before the mouth": Case(
        typical(), (*EYE, *NOSE), ("mouth",), (), (lambda s: rod(s, "mouth", 0.05),)
    ),
    "rod before whiskers": Case(
        typical(side=-1), (*EYE, *NOSE), ("whisker_II",), (), (lambda s: rod(s, "whisker_II", 0.03),)
    ),
    "paw over the eye": Case(typical(), NOSE, ("pupil",), (), (paw_over_eye,)),
    "tongue out": Case(typical(expression=Expression(jaw=0.3, tongue=0.4)), ("tongue_tip", *EYE)),
    "paw under the mouth": Case(typical(expression=Expression(paw=PAW)), ("paw", *EYE)),
    "far eye is not the near one": Case(typical(azimuth=-150), NOSE[:2], (), (*EYE, "pupil", *PAD)),
    "nose outside the picture": Case(
        replace(typical(), camera=replace(typical().camera, centre=(115.0, 60.0))),
        ("eye_front", "eye_back"),
        (),
        NOSE,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_states_of_constructed_scenes(name: str) -> None:
    case = CASES[name]
    things: list[Surface] = []
    for make in case.things:
        made = make(case.scene)
        things += made if isinstance(made, list) else [made]
    rendered = render_scene(replace(case.scene, distractors=tuple(things)), strands=0)
    found = dict(zip(KEYPOINTS, rendered.state.tolist(), strict=True))
    wanted = dict.fromkeys(case.placed, 2) | dict.fromkeys(case.invisible, 1)
    wanted |= dict.fromkeys(case.absent, 0)
    assert {point: found[point] for point in wanted} == wanted


def test_there_are_twenty_constructed_scenes() -> None:
    assert len(CASES) == 20


def test_points_of_both_sides_are_mirror_images() -> None:
    mesh = build_head(typical().shape, Expression())
    left, right = place_keypoints(mesh, 1, EXACT), place_keypoints(mesh, -1, EXACT)
    np.testing.assert_allclose(left * [1, -1, 1], right, atol=1e-12)


def test_the_nose_tip_is_the_foremost_point_of_the_midline() -> None:
    mesh = build_head(typical().shape, Expression())
    points = place_keypoints(mesh, 1, EXACT)
    tip = points[KEYPOINTS.index("nose_tip")]
    midline = mesh.skin.points[:, [0, 64]].reshape(-1, 3)
    assert tip[0] == pytest.approx(midline[:, 0].min(), abs=0.01)
    assert tip[1] == pytest.approx(0, abs=1e-9)


def test_lid_points_lie_on_the_globe() -> None:
    mesh = build_head(typical().shape, Expression())
    points = place_keypoints(mesh, 1, EXACT)[:4]
    np.testing.assert_allclose(np.linalg.norm(points - mesh.eye, axis=1), mesh.eye_radius, rtol=1e-9)


def test_slips_move_points_along_the_skin_by_their_length() -> None:
    mesh = build_head(typical().shape, Expression())
    shifts = np.zeros((22, 2))
    shifts[:, 0] = 0.02
    moved = place_keypoints(mesh, 1, Slips(shifts)) - place_keypoints(mesh, 1, EXACT)
    for name in ("eye_top", "whisker_I", "nosebridge", "nose_top"):
        assert np.linalg.norm(moved[KEYPOINTS.index(name)]) == pytest.approx(0.02, rel=0.35), name


def test_a_midline_point_that_is_turned_away_is_put_on_the_outline() -> None:
    scene = typical(azimuth=-25)
    mesh = build_head(scene.shape, scene.expression)
    eyepoint = scene.camera.position / scene.shape.length
    exact, seen = place_keypoints(mesh, 1, EXACT), place_keypoints(mesh, 1, EXACT, eyepoint)
    tip = KEYPOINTS.index("nose_tip")
    assert seen[tip, 1] > exact[tip, 1] + 0.01
    screen = scene.camera.project(np.stack([exact[tip], seen[tip]]) * scene.shape.length)
    assert np.hypot(*(screen[0] - screen[1])[:2]) < 0.1 * 40


def test_the_pupil_ellipse_of_an_eye_that_looks_at_the_camera_is_a_circle() -> None:
    scene = typical()
    mesh = build_head(scene.shape, Expression(pupil=0.4))
    out = mesh.eye_axes[2]
    azimuth, elevation = np.arctan2(-out[0], out[1]), np.arcsin(out[2])
    rotation, translation = look_at(azimuth, elevation, 0.0, 1, mesh.eye * scene.shape.length, 300.0)
    camera = HeadCamera(rotation, translation, 2000.0, (63.5, 63.5), (SIZE, SIZE))
    pupil, _ = eye_ellipses(mesh, 1, camera, Pose.still())
    radius = np.sin(0.4) * mesh.eye_radius * scene.shape.length
    depth = 300.0 - np.cos(0.4) * mesh.eye_radius * scene.shape.length
    np.testing.assert_allclose(pupil[:2], 63.5, atol=0.05)
    np.testing.assert_allclose(pupil[2:4], 2000 * radius / depth, rtol=1e-3)


def test_the_box_is_a_square_whose_side_follows_eye_and_nose() -> None:
    screen = np.full((22, 3), 50.0)
    screen[:4, :2], screen[KEYPOINTS.index("nose_tip"), :2] = (100.0, 50.0), (58.0, 50.0)
    x, y, side = face_box(screen)
    assert side == pytest.approx(42 / 0.42)
    assert (x + side / 2, y + side / 2) == pytest.approx((75.0, 50.0))


def test_cropping_keeps_all_but_three_points_inside() -> None:
    scene = typical()
    points = in_world(
        place_keypoints(build_head(scene.shape, Expression()), 1, EXACT), scene.shape.length, Pose.still()
    )
    camera = replace(scene.camera, focal=700.0)
    framed = frame_face(camera, points, (0.15, 0.15))
    screen = framed.project(points[:13])[:, :2]
    assert ((screen < 0) | (screen > SIZE - 1)).any(axis=1).sum() <= 3

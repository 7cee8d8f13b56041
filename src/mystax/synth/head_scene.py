"""All choices behind one picture of a synthetic face."""

import math
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float32, Float64
from mystax.synth.backdrop import draw_backdrop
from mystax.synth.distractors import draw_distractors, paw_surfaces
from mystax.synth.draws import Draw
from mystax.synth.fur import Coat, draw_coat
from mystax.synth.head_mesh import HeadMesh, build_head
from mystax.synth.head_parts import Expression, Surface
from mystax.synth.head_shape import HeadShape, draw_shape
from mystax.synth.head_truth import Slips, draw_slips, frame_face, in_world, place_keypoints
from mystax.synth.head_view import HeadCamera, Lights, Pose, draw_camera, draw_lights
from mystax.synth.optics import Optics, draw_optics
from mystax.synth.whiskers import Whiskers, draw_whisker_look

__all__ = ["HeadScene", "draw_expression", "draw_head_scene"]


@dataclass(frozen=True, eq=False)
class HeadScene:
    """Everything that one picture shows.

    Attributes
    ----------
    shape, coat, whiskers, iris, materials : HeadShape, Coat, Whiskers, array (10,), array (10, 4)
        The animal, and the materials about it.
    expression, pose : Expression, Pose
        What it does.
    lights, backdrop, distractors : Lights, array (y, x), tuple of Surface
        What is about it.
    camera, side, optics : HeadCamera, int, Optics
        Who looks; 1 from the left, -1 from the right.
    slips : Slips
        How the labels depart from the definitions.
    seed : int
        Start of the random numbers of single hairs and pixels.
    mesh : HeadMesh or None
        The head as built for this shape and expression; built anew where they differ.
    noise : int
        Number of the picture among those of one sensor.
    roots : tuple of array (hair, 2), or None
        Places (row, column) of hairs on the first surfaces, so that they move with the skin; by default hairs
        stand evenly over the picture.
    points : array (keypoint, 3) or None
        Places of the points of `mesh` as this camera sees them; found anew where they are not given.
    """

    shape: HeadShape
    coat: Coat
    whiskers: Whiskers
    iris: Float64[np.ndarray, " 10"]
    materials: Float64[np.ndarray, "10 4"]
    expression: Expression
    pose: Pose
    lights: Lights
    backdrop: Float32[np.ndarray, "y x"]
    distractors: tuple[Surface, ...]
    camera: HeadCamera
    side: int
    optics: Optics
    slips: Slips
    seed: int
    mesh: HeadMesh | None = None
    noise: int = 0
    roots: tuple[np.ndarray, ...] | None = None
    points: Float64[np.ndarray, "keypoint 3"] | None = None


def draw_expression(draw: Draw, shape: HeadShape, side: int) -> Expression:
    """Draw what moves in a face."""
    u = draw.uniform
    lids = u(0.0, 0.6, floor=0.0) if draw.chance(0.08) else u(0.8, 1.15)
    jaw = math.radians(u(0, 25, floor=0) if draw.chance(0.2) else u(0, 5, floor=0))
    tongue = 0.0
    if draw.chance(0.1):
        jaw, tongue = math.radians(u(8, 25)), u(0.1, 0.5, floor=0.05)
    paw = None
    if draw.chance(0.28):
        mouth = np.array([shape.mouth[0], 0.0, shape.mouth[1]])
        over = draw.chance(0.3)
        tip = mouth + (
            np.array([u(-0.25, 0.6), side * u(0.1, 0.55), u(-0.1, 0.6)])
            if over
            else np.array([u(-0.5, 0.5), side * u(-0.2, 0.45), u(-0.7, -0.08)])
        )
        paw = (float(tip[0]), float(tip[1]), float(tip[2]))
    return Expression(
        lids=lids,
        pupil=u(0.1, 0.8, floor=0.08),
        gaze=(math.radians(u(-15, 15)), math.radians(u(-12, 12))),
        whisk=math.radians(u(-30, 30)),
        pad_shift=(u(-0.05, 0.05), u(-0.03, 0.03)),
        jaw=jaw,
        tongue=tongue,
        nose_pitch=math.radians(u(-12, 12)),
        nose_shift=(u(-0.02, 0.02), u(-0.02, 0.02), u(-0.06, 0.06)),
        neck_pitch=math.radians(u(-30, 30)),
        neck_turn=math.radians(u(-15, 15)),
        ear_turn=math.radians(u(-15, 15)),
        paw=paw,
    )


def draw_iris(draw: Draw, pupil: float, gaze: tuple[float, float]) -> np.ndarray:
    """Numbers of an eye for `mystax.synth.kernels.shade.shade_eye`."""
    u = draw.uniform
    light = draw.chance(0.07)
    iris = u(0.15, 0.6) if light else draw.log_uniform(0.005, 0.1)
    bright = draw.chance(0.15)
    pupil_albedo = u(0.4, 1.2) if bright else draw.log_uniform(0.003, 0.04)
    return np.array(
        [
            pupil,
            math.sin(gaze[0]),
            math.sin(gaze[1]),
            pupil_albedo,
            iris,
            draw.log_uniform(0.035, 0.16),
            draw.log_uniform(0.8, 8.0) if draw.chance(0.9) else 0.1,
            u(0.0, 1.5, floor=0.0),
            u(0.0, 0.7, floor=0.0),
            u(0.0, 0.5, floor=0.0) if draw.chance(0.6) else 0.0,
        ]
    )


def draw_materials(draw: Draw, skin: float) -> np.ndarray:
    """Albedo, gloss, sharpness and texture of the parts."""
    u = draw.uniform
    found = np.zeros((10, 4))
    found[1:4] = (0.5, 0.0, 12.0, 0.0)
    found[4] = (u(0.4, 0.9), u(0.1, 0.6), 20.0, 0.05)
    found[6] = (skin * u(0.5, 1.1), u(0.0, 0.25), 10.0, 0.25)
    found[7] = (draw.log_uniform(0.02, 0.9), u(0.0, 0.4), 15.0, u(0.0, 0.4))
    found[8] = (draw.log_uniform(0.04, 0.5), u(0.3, 3.0), draw.log_uniform(8, 60), 0.1)
    found[9] = (draw.log_uniform(0.3, 3.0), 0.0, 1.0, 0.0)
    return found


def draw_head_scene(draw: Draw, size: int) -> HeadScene:
    """Draw all choices of one square picture.

    Parameters
    ----------
    draw : Draw
        Random numbers.
    size : int
        Side of the picture [px].

    Returns
    -------
    HeadScene
        The scene.
    """
    shape, coat, whiskers, optics = (
        draw_shape(draw),
        draw_coat(draw),
        draw_whisker_look(draw),
        draw_optics(draw),
    )
    camera, side = draw_camera(draw, size, shape.length)
    expression = draw_expression(draw, shape, side)
    lights = draw_lights(draw, camera, side, shape.length)
    slips = draw_slips(draw)
    mesh = build_head(shape, expression)
    pose = Pose.still()
    eyepoint = camera.position / shape.length
    points = place_keypoints(mesh, side, slips, eyepoint)
    jitter = draw.uniform(-0.15, 0.15), draw.uniform(-0.15, 0.15)
    camera = frame_face(camera, in_world(points, shape.length, pose), jitter)
    distractors = draw_distractors(draw, mesh, side, points[:13], eyepoint)
    if expression.paw is not None:
        tip = np.array(expression.paw)
        root = np.array([draw.uniform(0.7, 1.3), side * draw.uniform(0.1, 0.5), draw.uniform(-1.6, -0.9)])
        distractors += paw_surfaces(tip, root, draw, draw.uniform(0.85, 1.2))
    return HeadScene(
        shape,
        coat,
        whiskers,
        draw_iris(draw, expression.pupil, expression.gaze),
        draw_materials(draw, float(coat.values[13])),
        expression,
        pose,
        lights,
        draw_backdrop(draw),
        tuple(distractors),
        camera,
        side,
        optics,
        slips,
        draw.seed(),
        mesh,
        points=points,
    )

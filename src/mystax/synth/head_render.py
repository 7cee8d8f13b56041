"""From a scene to a picture: z-buffer, light, hair, camera, truth."""

import threading
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Float32, Float64, UInt8
from mystax.synth.head_mesh import HeadMesh, build_head
from mystax.synth.head_parts import PARTS, Surface, unit
from mystax.synth.head_scene import HeadScene
from mystax.synth.head_truth import hidden_by, in_world, place_keypoints, seen_states, under_lids
from mystax.synth.head_view import HeadCamera
from mystax.synth.kernels.fur import draw_fur, draw_rooted, draw_whiskers
from mystax.synth.kernels.head import place_globe, project_points, raster_surface
from mystax.synth.kernels.optics import fill_backdrop
from mystax.synth.kernels.shade import cast_shadow, dot_follicles, shade_eye, shade_parts
from mystax.synth.optics import expose_face, picture_of
from mystax.synth.whiskers import follicles, whisker_lines

__all__ = ["Rendered", "render_scene"]

SHADOW_MAP = 112
GRAINS = np.random.default_rng(7).uniform(-1, 1, (32, 32, 32)).astype(np.float32)
"""Random numbers of all noise in space."""
SHADOW_REACH = 2.2
SHADOW_CENTRE = np.array([0.8, 0.0, -0.2])


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture and its truth.

    Attributes
    ----------
    grey : array (v, u)
        Grey values 0..1.
    xyz : array (keypoint, 3)
        Places in the world [mm]; NaN where a part is not there.
    screen : array (keypoint, 3)
        x, y [px] and depth [mm] in the picture.
    state : array (keypoint,)
        0 absent, 1 invisible, 2 placed.
    mesh : HeadMesh
        The head.
    exposure : float
        Factor from luminance to grey.
    """

    grey: Float32[np.ndarray, "v u"]
    xyz: Float64[np.ndarray, "keypoint 3"]
    screen: Float64[np.ndarray, "keypoint 3"]
    state: UInt8[np.ndarray, " keypoint"]
    mesh: HeadMesh
    exposure: float


class Buffers:
    """Working memory of one picture size."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.depth = np.empty(shape, np.float32)
        self.parts = np.empty(shape, np.uint8)
        self.normals = np.empty((*shape, 3), np.float32)
        self.uv = np.empty((*shape, 2), np.float32)
        self.light = np.empty(shape, np.float32)
        self.albedo = np.empty(shape, np.float32)
        self.luminance = np.empty(shape, np.float32)


MEMORY = threading.local()


def buffers(shape: tuple[int, int]) -> Buffers:
    """Working memory of this thread."""
    kept: dict[tuple[int, int], Buffers] = MEMORY.__dict__.setdefault("kept", {})
    if shape not in kept:
        kept.clear()
        kept[shape] = Buffers(shape)
    return kept[shape]


@dataclass(frozen=True, eq=False)
class Eyeview:
    """A camera as seen from the head, in units of the head."""

    rotation: np.ndarray
    place: np.ndarray
    lens: np.ndarray


def eyeview(scene: HeadScene, camera: HeadCamera, oversampling: int) -> Eyeview:
    """Put a camera into the head's frame."""
    rotation = np.ascontiguousarray(camera.rotation @ scene.pose.rotation)
    place = (camera.rotation @ scene.pose.translation + camera.translation) / scene.shape.length
    return Eyeview(rotation, place, camera.lens(oversampling))


def raster(surface: Surface, sight: Eyeview, memory: Buffers) -> None:
    """Draw one surface into the z-buffer."""
    flat = surface.points.reshape(-1, 3)
    screen = np.empty_like(flat)
    project_points(flat, sight.rotation, sight.place, sight.lens, screen)
    raster_surface(
        screen.reshape(surface.points.shape), surface.normals, surface.wrap, surface.both, surface.part,
        memory.depth, memory.parts, memory.normals, memory.uv,
    )  # fmt: skip


def shadow_of(scene: HeadScene, surfaces: tuple[Surface, ...], key: np.ndarray) -> tuple[object, ...]:
    """Shadow map of the key light: axes, centre, reach, map, whether it counts."""
    toward = key - SHADOW_CENTRE
    toward = toward / np.linalg.norm(toward)
    right = np.cross(toward, np.array([0.31, 0.17, 0.93]))
    right /= np.linalg.norm(right) + 1e-9
    axes = np.stack([right, np.cross(toward, right), toward])
    out = np.full((SHADOW_MAP, SHADOW_MAP), -1e9)
    if scene.lights.shadow:
        for surface in surfaces:
            cast_shadow(surface.points, axes, SHADOW_CENTRE, SHADOW_REACH, out)
    return axes, SHADOW_CENTRE, SHADOW_REACH, out, scene.lights.shadow


def head_of(scene: HeadScene) -> HeadMesh:
    """Surfaces of the head, as kept or built anew."""
    kept = scene.mesh
    if kept is not None and kept.shape is scene.shape and kept.expression is scene.expression:
        return kept
    return build_head(scene.shape, scene.expression)


def pad_of(mesh: HeadMesh) -> np.ndarray:
    """Middle and radius (x, y, z, r) of the left whisker pad."""
    places, _ = follicles(mesh, 1)
    middle = places.mean(axis=0)
    return np.array([*middle, 1.1 * float(np.linalg.norm(places - middle, axis=1).max())])


def dots(scene: HeadScene, mesh: HeadMesh, sight: Eyeview, memory: Buffers) -> None:
    """Darken the skin about the follicles of both sides."""
    strength, radius = float(scene.coat.values[18]), float(scene.coat.values[19])
    if strength <= 0:
        return
    eyepoint = -sight.rotation.T @ sight.place
    for side in (1, -1):
        places, normals = follicles(mesh, side)
        dot_follicles(
            places, normals, eyepoint, radius, strength, sight.lens, sight.rotation,
            sight.place, memory.depth, memory.parts, memory.albedo, memory.luminance,
        )  # fmt: skip


def in_head(surface: Surface, scene: HeadScene) -> Surface:
    """Bring a thing that stands in the world into the head's frame."""
    turn, shift = scene.pose.rotation, scene.pose.translation / scene.shape.length
    if (turn == np.eye(3)).all() and not shift.any():
        return surface
    return replace(
        surface,
        points=np.ascontiguousarray((surface.points - shift) @ turn),
        normals=np.ascontiguousarray(surface.normals @ turn),
    )


def draw_animal(mesh: HeadMesh, side: int, sight: Eyeview, memory: Buffers) -> None:
    """Draw skin, jaw, ears, tongue and globes into the z-buffer."""
    for surface in mesh.surfaces:
        raster(surface, sight, memory)
    if mesh.lid[1] + mesh.lid[2] < 1e-6:
        return
    for sign in (side, -side):
        mirror = np.array([1.0, float(sign), 1.0])
        centre = sight.rotation @ (mesh.eye * mirror) + sight.place
        axes = np.ascontiguousarray((mesh.eye_axes * mirror) @ sight.rotation.T)
        place_globe(
            centre, mesh.eye_radius, axes, mesh.lid, PARTS["globe"], sign != side, sight.lens, memory.depth,
            memory.parts, memory.uv,
        )  # fmt: skip


def light_all(
    scene: HeadScene, mesh: HeadMesh, things: tuple[Surface, ...], coarse: bool, sight: Eyeview,
    memory: Buffers,
) -> np.ndarray:  # fmt: skip
    """Light everything but the hairs; give the direction to the key light."""
    lamps = scene.lights.lamps.copy()
    turn, shift = scene.pose.rotation, scene.pose.translation / scene.shape.length
    lamps[:, :3] = (lamps[:, :3] - shift) @ turn
    ambient = np.concatenate([scene.lights.ambient[:1], scene.lights.ambient[1:] @ turn])
    solid = [s for s in (*mesh.surfaces[:2], *things) if s.points.shape[0] > 3]
    shadow = shadow_of(scene, tuple(solid), lamps[0, :3])
    drift, eye = float(scene.seed % 3200) / 100, (mesh.eye, mesh.eye_axes, mesh.eye_radius)
    shade_parts(
        memory.depth, memory.parts, memory.normals, memory.uv, sight.lens, sight.rotation, sight.place, lamps,
        ambient, shadow, scene.coat.values, scene.materials, eye, mesh.lid, pad_of(mesh), GRAINS,
        drift, coarse,
        memory.light, memory.albedo, memory.luminance,
    )  # fmt: skip
    dots(scene, mesh, sight, memory)
    shade_eye(
        memory.depth, memory.parts, memory.uv, PARTS["globe"], scene.side, sight.lens, sight.rotation,
        sight.place, lamps, ambient, eye, mesh.lid, scene.iris, GRAINS, drift, memory.luminance,
    )  # fmt: skip
    return unit(lamps[0, :3] - SHADOW_CENTRE)


def draw_hair(
    scene: HeadScene, mesh: HeadMesh, key: np.ndarray, strands: int | None, exposure: float,
    numbers: np.ndarray, sight: Eyeview, memory: Buffers,
) -> None:  # fmt: skip
    """Draw fur and whiskers over the lit surfaces."""
    coat, eye = scene.coat, (mesh.eye, mesh.eye_axes, mesh.eye_radius)
    seen = (sight.lens, sight.rotation, sight.place)
    pixels = (memory.depth, memory.parts, memory.uv, memory.light, memory.albedo, memory.luminance)
    look = (key, eye, mesh.lid, pad_of(mesh), coat.hair, float(coat.values[16]))
    drift = float(scene.seed % 3200) / 100
    if scene.roots is None:
        count = coat.strands if strands is None else strands
        draw_fur(seen, pixels, memory.normals, *look, count, GRAINS, drift, numbers)
    else:
        for surface, roots in zip(mesh.surfaces, scene.roots, strict=False):
            draw_rooted(
                surface.points,
                surface.normals,
                surface.part,
                roots,
                seen,
                pixels,
                *look,
                GRAINS,
                drift,
                numbers,
            )
    lines = whisker_lines(mesh, scene.whiskers, scene.optics.target / exposure)
    draw_whiskers(lines, memory.depth, sight.lens, sight.rotation, sight.place, numbers, memory.luminance)


def render_scene(scene: HeadScene, oversampling: int = 2, strands: int | None = None) -> Rendered:
    """Render a scene.

    Parameters
    ----------
    scene : HeadScene
        What is there.
    oversampling : int, optional
        Rendered pixels per pixel and axis.
    strands : int, optional
        How many hairs; by default as many as the coat has.

    Returns
    -------
    Rendered
        Picture and truth.
    """
    camera, length = scene.camera, scene.shape.length
    shape = camera.size[1] * oversampling, camera.size[0] * oversampling
    memory, sight, mesh = buffers(shape), eyeview(scene, camera, oversampling), head_of(scene)
    fill_backdrop(scene.backdrop, memory.depth, memory.parts, memory.luminance)
    draw_animal(mesh, scene.side, sight, memory)
    points = scene.points
    if points is None or mesh is not scene.mesh:
        eyepoint = -sight.rotation.T @ sight.place if scene.slips.contour else None
        points = place_keypoints(mesh, scene.side, scene.slips, eyepoint)
    xyz = in_world(points, length, scene.pose)
    screen = camera.project(xyz)
    state = under_lids(mesh, seen_states(screen, memory.depth, length, camera, oversampling))
    things = tuple(in_head(thing, scene) for thing in scene.distractors)
    for thing in things:
        raster(thing, sight, memory)
    state = hidden_by(state, screen, memory.depth, memory.parts, length, oversampling)
    key = light_all(scene, mesh, things, oversampling > 1, sight, memory)
    exposure = expose_face(memory.luminance, memory.parts, scene.optics)
    numbers = np.array([scene.seed | 1], np.uint64)
    draw_hair(scene, mesh, key, strands, exposure, numbers, sight, memory)
    focus = float(np.nanmean(screen[:4, 2])) / length
    pixels = np.array([(scene.seed ^ (scene.noise * 0x9E3779B97F4A7C15)) & (2**64 - 1) | 1], np.uint64)
    grey = picture_of(
        memory.luminance, memory.depth, oversampling, scene.optics, exposure, focus, scene.seed, pixels
    )
    return Rendered(grey, xyz, screen, state, mesh, exposure)

"""Pictures of synthetic mouse faces with exact truth: single ones, and batches for training."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Float32, Float64, Shaped, UInt8
from mystax.synth.draws import Draw
from mystax.synth.head_mesh import KEYPOINTS
from mystax.synth.head_render import render_scene
from mystax.synth.head_scene import HeadScene, draw_head_scene
from mystax.synth.head_truth import eye_ellipses, face_box
from mystax.synth.head_view import HeadCamera
from mystax.synth.optics import codes_of

__all__ = ["KEYPOINTS", "Sample", "SampleBatch", "render_batch", "render_image"]

KEY = 0x4EAD


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture and its truth.

    Attributes
    ----------
    image : array (v, u)
        Grey picture, uint8 or uint16.
    xy : array (keypoint, 2)
        Places in the picture [px]; pixel centres are whole numbers; NaN where a part is not there.
    xyz : array (keypoint, 3)
        Places in the world [mm].
    state : array (keypoint,)
        0 absent, 1 invisible, 2 placed.
    box : array (3,)
        Square about the face: x, y of its corner, side [px].
    pupil, lids : array (5,)
        Ellipses: x, y, half axes [px], angle [rad].
    whisk : float
        Angle of the foremost row's first whisker: 0 caudal, pi forward [rad].
    camera : HeadCamera
        The camera.
    scene : HeadScene
        All choices behind the picture.
    """

    image: Shaped[np.ndarray, "v u"]
    xy: Float32[np.ndarray, "keypoint 2"]
    xyz: Float64[np.ndarray, "keypoint 3"]
    state: UInt8[np.ndarray, " keypoint"]
    box: Float64[np.ndarray, " 3"]
    pupil: Float64[np.ndarray, " 5"]
    lids: Float64[np.ndarray, " 5"]
    whisk: float
    camera: HeadCamera
    scene: HeadScene


@dataclass(frozen=True, eq=False)
class SampleBatch:
    """Pictures and their truth; see `Sample`.

    Attributes
    ----------
    image : array (sample, v, u)
        Grey pictures.
    xy : array (sample, keypoint, 2)
        Places [px].
    xyz : array (sample, keypoint, 3)
        Places [mm].
    state : array (sample, keypoint)
        0 absent, 1 invisible, 2 placed.
    box : array (sample, 3)
        Squares about the faces [px].
    pupil, lids : array (sample, 5)
        Ellipses: x, y, half axes [px], angle [rad].
    whisk : array (sample,)
        Angles of the whiskers [rad].
    focal, centre : array (sample,), array (sample, 2)
        Focal length and principal point [px].
    distortion : array (sample, 2)
        k1, k2.
    rotation, translation : array (sample, 3, 3), array (sample, 3)
        Camera coordinates = rotation @ world + translation [mm].
    """

    image: UInt8[np.ndarray, "sample v u"]
    xy: Float32[np.ndarray, "sample keypoint 2"]
    xyz: Float64[np.ndarray, "sample keypoint 3"]
    state: UInt8[np.ndarray, "sample keypoint"]
    box: Float64[np.ndarray, "sample 3"]
    pupil: Float64[np.ndarray, "sample 5"]
    lids: Float64[np.ndarray, "sample 5"]
    whisk: Float64[np.ndarray, " sample"]
    focal: Float64[np.ndarray, " sample"]
    centre: Float64[np.ndarray, "sample 2"]
    distortion: Float64[np.ndarray, "sample 2"]
    rotation: Float64[np.ndarray, "sample 3 3"]
    translation: Float64[np.ndarray, "sample 3"]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.image)


def render_image(
    seed: int, index: int, size: int = 256, ranges: str = "ordinary", bits: int = 8, **changes: object
) -> Sample:
    """Render one picture of a face.

    Parameters
    ----------
    seed, index : int
        The picture depends on these, `size` and `ranges` only.
    size : int, optional
        Side of the square picture [px].
    ranges : {"ordinary", "shifted"}, optional
        Shifted: 25 % wider, with coats, lights, backdrops, things and cameras that are never ordinary.
    bits : int, optional
        Depth of the picture; more than 8 are given as uint16.
    **changes
        Fields of `HeadScene` (shape, camera, expression, ...) to use in place of those drawn.

    Returns
    -------
    Sample
        Picture and truth.

    Raises
    ------
    ParameterError
        P401, if `ranges` is unknown or there is no such depth.

    Examples
    --------
    >>> render_image(1, 2, size=64).image.shape
    (64, 64)
    """
    scene = draw_head_scene(Draw((seed, KEY, index), ranges), size)
    if changes:
        scene = replace(scene, points=None, **changes)  # type: ignore[arg-type]  # fields of many types
    made = render_scene(scene)
    image = codes_of(made.grey, bits)
    pupil, lids = eye_ellipses(made.mesh, scene.side, scene.camera, scene.pose)
    return Sample(
        image,
        made.screen[:, :2].astype(np.float32),
        made.xyz,
        made.state,
        face_box(made.screen),
        pupil,
        lids,
        scene.whiskers.set_point + scene.expression.whisk,
        scene.camera,
        scene,
    )


def render_batch(
    seed: int, start: int, n: int, size: int = 256, workers: int = 1, ranges: str = "ordinary"
) -> SampleBatch:
    """Render pictures start, start + 1, ..., start + n - 1 of a seed.

    Parameters
    ----------
    seed, start, n : int
        Which pictures.
    size : int, optional
        Side of the square pictures [px].
    workers : int, optional
        Threads; the pictures do not depend on it.
    ranges : {"ordinary", "shifted"}, optional
        As in `render_image`.

    Returns
    -------
    SampleBatch
        Pictures and truth.

    Raises
    ------
    ParameterError
        P401, if `ranges` is unknown.

    Examples
    --------
    >>> render_batch(1, 0, 2, size=64).xy.shape
    (2, 22, 2)
    """
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        made = list(pool.map(lambda k: slim(render_image(seed, k, size, ranges)), range(start, start + n)))
    stacked = [np.stack(column) for column in zip(*made, strict=True)]
    return SampleBatch(*stacked)


def slim(sample: Sample) -> tuple[np.ndarray | np.float64, ...]:
    """Keep the arrays of a sample."""
    camera = sample.camera
    return (
        sample.image,
        sample.xy,
        sample.xyz,
        sample.state,
        sample.box,
        sample.pupil,
        sample.lids,
        np.float64(sample.whisk),
        np.float64(camera.focal),
        np.array(camera.centre),
        np.array(camera.distortion),
        camera.rotation,
        camera.translation,
    )

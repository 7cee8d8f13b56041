"""Moving frames of points onto a template: shift, turn (never mirrored) and, if wanted, size."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Align", "Aligned", "align_frames", "make_template", "mirrored_frames", "rotation_vectors"]

Align = Literal["none", "translate", "rigid", "similarity"]
REFINEMENTS = 5
TEMPLATE_FRAMES = 5_000


@dataclass(frozen=True, eq=False)
class Aligned:
    """Frames on a template.

    Attributes
    ----------
    points : array (time, keypoint, space)
        Places after the move; NaN where the frame could not be placed.
    rotation : array (time, space, space)
        Turn of the head: from the template to the frame.
    translation : array (time, space)
        Place of the middle of the rigid points in the frame.
    scale : array (time,)
        Size of the frame over the template's.
    """

    points: Float64[np.ndarray, "time keypoint space"]
    rotation: Float64[np.ndarray, "time space space"]
    translation: Float64[np.ndarray, "time space"]
    scale: Float64[np.ndarray, " time"]


def _enough(
    points: Float64[np.ndarray, "time point space"], known: Bool[np.ndarray, "time point"]
) -> np.ndarray:
    """Tell in which frames the rigid points fix a pose: two in the plane, three not on a line in space."""
    n = known.sum(1)
    space = points.shape[2]
    if space == 2:
        return np.asarray(n >= 2)
    good = n >= 3
    middle = np.where(known[..., None], points, 0).sum(1) / np.maximum(n, 1)[:, None]
    centred = np.where(known[..., None], points - middle[:, None], 0)
    values = np.linalg.eigvalsh(np.swapaxes(centred, 1, 2) @ centred)
    return np.asarray(good & (values[:, 1] > 1e-6 * np.maximum(values[:, 2], 1e-300)))


def align_frames(
    points: Float64[np.ndarray, "time keypoint space"],
    template: Float64[np.ndarray, "keypoint space"],
    rigid: Int64[np.ndarray, " rigid"],
    mode: Align,
) -> Aligned:
    """Move every frame onto a template by its rigid points.

    Parameters
    ----------
    points : array (time, keypoint, space)
        Places; NaN where missing.
    template : array (keypoint, space)
        Where the points shall lie.
    rigid : array (rigid,)
        Points that do not move against each other.
    mode : {"none", "translate", "rigid", "similarity"}
        How free the move is.

    Returns
    -------
    Aligned
        Frames with too few rigid points are missing.

    References
    ----------
    .. [1] Kabsch (1976), doi:10.1107/S0567739476001873
    .. [2] Umeyama (1991), doi:10.1109/34.88573
    """
    n, _, space = points.shape
    eye = np.broadcast_to(np.eye(space), (n, space, space)).copy()
    if mode == "none":
        return Aligned(points.copy(), eye, np.zeros((n, space)), np.ones(n))
    part, target = points[:, rigid], template[rigid]
    known = np.isfinite(part).all(2) & np.isfinite(target).all(1)
    weight = known.astype(np.float64)
    total = weight.sum(1)
    safe = np.where(total > 0, total, 1)[:, None]
    place = np.where(known[..., None], part, 0)
    goal = np.where(np.isfinite(target), target, 0)
    middle = (weight[..., None] * place).sum(1) / safe
    aim = (weight[..., None] * goal).sum(1) / safe
    if mode == "translate":
        good = total > 0
        moved = points - np.where(good, 1.0, np.nan)[:, None, None] * (middle - aim)[:, None]
        return Aligned(moved, eye, np.where(good[:, None], middle, np.nan), np.ones(n))
    x, y = place - middle[:, None], goal[None] - aim[:, None]
    cross = np.einsum("tk,tki,tkj->tij", weight, x, y)
    u, values, vt = np.linalg.svd(cross)
    sign = np.ones((n, space))
    sign[:, -1] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    turn = np.einsum("tij,tj,tjk->tik", u, sign, vt)  # x turn = y
    scale = np.ones(n)
    if mode == "similarity":
        size = (weight * (y**2).sum(2)).sum(1)
        trace = (values * sign).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where((size > 0) & (trace > 0), trace / size, np.nan)
    good = _enough(part, known) & np.isfinite(scale)
    moved = np.einsum("tki,tij->tkj", points - middle[:, None], turn) / scale[:, None, None] + aim[:, None]
    moved[~good] = np.nan
    turn = turn.copy()
    turn[~good] = np.nan
    return Aligned(moved, turn, np.where(good[:, None], middle, np.nan), np.where(good, scale, np.nan))


def make_template(
    points: Float64[np.ndarray, "time keypoint space"], rigid: Int64[np.ndarray, " rigid"], mode: Align
) -> Float64[np.ndarray, "keypoint space"]:
    """Find the mean shape: frames are moved onto it, and it onto them, in turn.

    Parameters
    ----------
    points : array (time, keypoint, space)
        Frames of all recordings.
    rigid : array (rigid,)
        Points that do not move against each other.
    mode : {"none", "translate", "rigid", "similarity"}
        How free the move is.

    Returns
    -------
    array (keypoint, space)
        The middle of its rigid points is at zero; as large as the frames.
    """
    if mode == "none":
        return np.asarray(_middle(points))
    chosen = points[np.unique(np.linspace(0, len(points) - 1, min(len(points), TEMPLATE_FRAMES)).astype(int))]
    known = np.isfinite(chosen[:, rigid]).all(2)
    seen = known.any(1)
    if not seen.any():
        return np.full(points.shape[1:], np.nan)
    chosen, known = chosen[seen], known[seen]
    place = np.where(known[..., None], chosen[:, rigid], 0)
    count = known.sum(1)
    shifted = np.where(known[..., None], chosen[:, rigid] - (place.sum(1) / count[:, None])[:, None], np.nan)
    middle = _middle(shifted)
    complete = known.all(1)
    far = np.where(complete, np.nansum((shifted - middle) ** 2, axis=(1, 2)), np.inf)
    template = chosen[int(far.argmin())].copy() if complete.any() else _middle(chosen)
    sizes = np.sqrt(np.nansum(shifted**2, axis=(1, 2)) / count)
    template = _at_zero(template, rigid)
    for _ in range(REFINEMENTS):
        moved = _middle(align_frames(chosen, template, rigid, mode).points)
        template = _at_zero(np.where(np.isfinite(moved), moved, template), rigid)
    if mode == "similarity":
        own = np.sqrt(
            np.nansum(template[rigid] ** 2) / max(1, int(np.isfinite(template[rigid]).all(1).sum()))
        )
        size = float(np.median(sizes[complete] if complete.any() else sizes))
        template = template * (size / own if own > 0 else 1.0)
    return np.asarray(template)


def _at_zero(
    shape: Float64[np.ndarray, "keypoint space"], rigid: Int64[np.ndarray, " rigid"]
) -> Float64[np.ndarray, "keypoint space"]:
    """Return a shape with the middle of its rigid points at zero."""
    known = shape[rigid][np.isfinite(shape[rigid]).all(1)]
    return np.asarray(shape - known.mean(0)) if len(known) else shape


def _middle(points: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, "keypoint space"]:
    """Return the median of each coordinate; NaN where a point is never there."""
    found = np.full(points.shape[1:], np.nan)
    seen = np.isfinite(points).all(2).any(0)
    found[seen] = np.nanmedian(points[:, seen], axis=0)
    return found


def rotation_vectors(rotation: Float64[np.ndarray, "time space space"]) -> Float64[np.ndarray, "time axis"]:
    """Return rotations as axis times angle [rad] (space), or as the angle alone (plane)."""
    if rotation.shape[1] == 2:
        return np.asarray(np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])[:, None])
    axis = np.stack(
        [
            rotation[:, 2, 1] - rotation[:, 1, 2],
            rotation[:, 0, 2] - rotation[:, 2, 0],
            rotation[:, 1, 0] - rotation[:, 0, 1],
        ],
        1,
    )
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, np.trace(rotation, axis1=1, axis2=2) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.where(sine > 1e-12, angle / sine, 0.5)
    factor = np.where(np.isfinite(angle), factor, np.nan)
    return np.asarray(axis * factor[:, None])


def mirrored_frames(
    points: Float64[np.ndarray, "time keypoint space"],
    template: Float64[np.ndarray, "keypoint space"],
    swap: Int64[np.ndarray, " keypoint"],
) -> Bool[np.ndarray, " time"]:
    """Tell in which frames left and right seem to be swapped: the shape fits better with names exchanged.

    Parameters
    ----------
    points : array (time, keypoint, space)
        Places.
    template : array (keypoint, space)
        The mean shape.
    swap : array (keypoint,)
        For each point the one on the other side.

    Returns
    -------
    array (time,)
        False where too little is there to judge.
    """
    every = np.arange(points.shape[1])
    if np.array_equal(swap, every):
        return np.zeros(len(points), bool)

    def misfit(frames: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, " time"]:
        gap = align_frames(frames, template, every, "rigid").points - template
        return np.asarray(np.nanmean((gap**2).sum(2), axis=1))

    seen = np.isfinite(points).all(2).sum(1) >= 4
    found = np.zeros(len(points), bool)
    if seen.any():
        found[seen] = misfit(points[seen][:, swap]) < 0.5 * misfit(points[seen])
    return found

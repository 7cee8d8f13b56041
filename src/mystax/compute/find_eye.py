"""Find an eye in a picture by its look: dark, round, shining, with a brighter surround; no network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from mystax.core.geometry import Ellipse
from mystax.core.typing import Bool, Float

__all__ = ["EyeCandidate", "find_eye", "propose_eye"]

EYE_PIXELS = 140_000
"""Larger pictures are halved (thirded, ...) before an eye is looked for."""
SMOOTH = 1.5
PERCENTILES = (3.0, 6.0, 10.0, 15.0, 20.0, 30.0)
LEVELS_ABOVE = 2.0
CLEANING = 2
MIN_SHARE, MAX_SHARE = 0.0015, 0.08
MIN_AXIS_RATIO = 0.5
RING = (1.15, 1.5)
GLINT = 40.0
"""A reflection is brighter than the ring around the eye's inside by this [grey level]."""
AGREEMENT = 0.25
WHOLE_EYE = 0.6
"""The iris around a pupil counts from this share of the pupil's own value on: an eye is wanted."""
CLEARLY_LARGER = 1.4
"""An iris around a pupil has this many times its area; less is the same patch at another threshold."""


@dataclass(frozen=True, slots=True)
class EyeCandidate:
    """An eye as found in one picture, and how much it looks like one (0..1)."""

    shape: Ellipse
    value: float


def find_eye(picture: Float[np.ndarray, "y x"]) -> EyeCandidate | None:
    """Look for the dark, round, shining patch with a brighter surround that an eye is.

    Parameters
    ----------
    picture : array (y, x)
        Grey levels of 8 bits.

    Returns
    -------
    EyeCandidate or None
        The best candidate in pixels of this picture; None if there is none.
    """
    step = max(1, math.floor(math.sqrt(picture.size / EYE_PIXELS)))
    rows, columns = picture.shape[0] // step, picture.shape[1] // step
    if min(rows, columns) < 8:
        return None
    small = picture[: rows * step, : columns * step].astype(np.float32)
    small = small.reshape(rows, step, columns, step)
    bright, small = small.max(axis=(1, 3)), small.mean(axis=(1, 3))
    smooth = ndimage.gaussian_filter(small, SMOOTH)
    found = [
        EyeCandidate(shape, value)
        for level in np.percentile(smooth, PERCENTILES) + LEVELS_ABOVE
        for shape, fill in _dark_ellipses(smooth < level)
        if (value := fill * _eye_value(shape, smooth, bright, float(level))) > 0
    ]
    if not found:
        return None
    best = _whole_eye(max(found, key=lambda candidate: candidate.value), found)
    middle, shape = (step - 1) / 2, best.shape
    scaled = Ellipse(
        shape.cx * step + middle, shape.cy * step + middle, shape.rx * step, shape.ry * step, shape.angle
    )
    return EyeCandidate(scaled, best.value)


def _whole_eye(best: EyeCandidate, found: Sequence[EyeCandidate]) -> EyeCandidate:
    """Return the candidate around the best one, if it is good too: an eye and not its pupil alone."""
    core = best.shape
    around = [
        candidate
        for candidate in found
        if candidate.value >= WHOLE_EYE * best.value
        and math.hypot(candidate.shape.cx - core.cx, candidate.shape.cy - core.cy) <= 0.5 * candidate.shape.ry
        and candidate.shape.rx * candidate.shape.ry >= CLEARLY_LARGER * core.rx * core.ry
    ]
    return max(around, key=lambda candidate: candidate.value, default=best)


def _shrink(mask: Bool[np.ndarray, "y x"], n: int) -> Bool[np.ndarray, "y x"]:
    """Take n pixels off the rim; a part that touches the edge of the picture stays there."""
    for _ in range(n):
        inner = mask.copy()
        inner[1:] &= mask[:-1]
        inner[:-1] &= mask[1:]
        inner[:, 1:] &= mask[:, :-1]
        inner[:, :-1] &= mask[:, 1:]
        mask = inner
    return mask


def _grow(mask: Bool[np.ndarray, "y x"], n: int) -> Bool[np.ndarray, "y x"]:
    """Add n pixels around the rim."""
    return ~_shrink(~mask, n)


def _dark_ellipses(dark: Bool[np.ndarray, "y x"]) -> list[tuple[Ellipse, float]]:
    """Return the ellipses of equal moments of dark, roundish parts, and how well these fill them."""
    opened = _grow(_shrink(dark, CLEANING), CLEANING)
    labels, n = ndimage.label(_shrink(_grow(opened, CLEANING), CLEANING))
    found = []
    for number, place in enumerate(ndimage.find_objects(labels, n), 1):
        rows, columns = place
        if (
            rows.start == 0
            or columns.start == 0
            or rows.stop == dark.shape[0]
            or columns.stop == dark.shape[1]
        ):
            continue
        part = ndimage.binary_fill_holes(labels[place] == number)
        count = int(part.sum())
        if not MIN_SHARE * dark.size <= count <= MAX_SHARE * dark.size:
            continue
        y, x = (axis.astype(np.float64) for axis in np.nonzero(part))
        cx, cy = float(x.mean()), float(y.mean())
        # 1/12 is the variance within a pixel
        spread = np.cov(np.stack([x, y]), bias=True) + np.eye(2) / 12
        variances, axes = np.linalg.eigh(spread)
        b, a = (2 * np.sqrt(variances)).tolist()
        if b < MIN_AXIS_RATIO * a:
            continue
        shape = Ellipse(
            cx + columns.start, cy + rows.start, a, b, math.atan2(float(axes[1, 1]), float(axes[0, 1]))
        )
        overlap = int(shape.contains(x + columns.start, y + rows.start).sum())
        found.append((shape, overlap / (count + math.pi * a * b - overlap)))
    return found


def _eye_value(
    shape: Ellipse, smooth: Float[np.ndarray, "y x"], bright: Float[np.ndarray, "y x"], level: float
) -> float:
    """Say how much darker than its surround an ellipse is all around, and whether it shines."""
    outer = Ellipse(shape.cx, shape.cy, shape.rx * RING[1], shape.ry * RING[1], shape.angle)
    box = outer.box().clip((smooth.shape[0], smooth.shape[1]))
    y, x = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float64)
    cut = slice(box.y0, box.y1), slice(box.x0, box.x1)
    inside = shape.contains(x, y)
    inner = Ellipse(shape.cx, shape.cy, shape.rx * RING[0], shape.ry * RING[0], shape.angle)
    ring = outer.contains(x, y) & ~inner.contains(x, y)
    if not inside.any() or not ring.any():
        return 0.0
    dark, around = float(np.median(smooth[cut][inside])), float(np.median(smooth[cut][ring]))
    if around <= dark or float(np.percentile(smooth[cut][ring], 15)) <= level:
        return 0.0
    glint = float(bright[cut][inside].max()) > around + GLINT
    return (around - dark) / (around + dark) * (0.5 + 0.5 * glint)


def propose_eye(candidates: Sequence[EyeCandidate | None]) -> tuple[Ellipse, float, float] | None:
    """Join what was found in single pictures.

    Parameters
    ----------
    candidates : sequence of EyeCandidate or None
        The best of each sample; None where nothing was found.

    Returns
    -------
    (Ellipse, float, float) or None
        The median ellipse, its confidence, and the share of samples that agree with it; None if no
        sample holds an eye.
    """
    found = [candidate for candidate in candidates if candidate is not None]
    if not found:
        return None
    numbers = np.array([[c.shape.cx, c.shape.cy, c.shape.rx, c.shape.ry] for c in found])
    cx, cy, rx, ry = np.median(numbers, axis=0).tolist()
    # Directions of axes repeat after half a turn; round ellipses have hardly any.
    weights = (numbers[:, 2] - numbers[:, 3]) / numbers[:, 2]
    turns = weights * np.exp(2j * np.array([c.shape.angle for c in found]))
    angle = float(np.angle(turns.sum()) / 2) if np.abs(turns.sum()) > 0 else 0.0
    away = np.hypot(numbers[:, 0] - cx, numbers[:, 1] - cy)
    agreement = float((away <= AGREEMENT * 2 * rx).sum()) / len(candidates)
    value = float(np.median([c.value for c in found]))
    return Ellipse(cx, cy, rx, ry, angle), min(1.0, value * agreement), agreement

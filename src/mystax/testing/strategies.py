"""Hypothesis strategies for the inputs of analyses; they need the extra `dev`."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.extras import require
from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi, RoiKind
from mystax.core.recording import ArraySource

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
else:
    SearchStrategy = Any

__all__ = ["rois", "shapes", "sources"]


def shapes(size: tuple[int, int] = (96, 72)) -> "SearchStrategy[Rectangle | Ellipse | Polygon]":
    """Give outlines that lie inside a picture.

    Parameters
    ----------
    size : tuple of int, optional
        Width and height of the picture [px], at least 24.

    Returns
    -------
    SearchStrategy
        Rectangles, ellipses and triangles.

    Raises
    ------
    ExtraMissing
        X001, if hypothesis is not installed.
    """
    st = require("hypothesis.strategies", "dev")
    width, height = size
    half = min(size) // 2

    def rectangle(x: int, y: int, w: int, h: int) -> Rectangle:
        return Rectangle(x, y, min(w, width - x), min(h, height - y))

    def ellipse(rx: float, ry: float, u: float, v: float, angle: float) -> Ellipse:
        reach = max(rx, ry)
        x, y = reach + u * (width - 1 - 2 * reach), reach + v * (height - 1 - 2 * reach)
        return Ellipse(x, y, rx, ry, angle)

    corner_x, corner_y = st.integers(0, width - 8), st.integers(0, height - 8)
    radius, share = st.floats(4, half - 4), st.floats(0, 1)
    point = st.tuples(st.floats(0, width - 1), st.floats(0, height - 1))
    found: SearchStrategy[Rectangle | Ellipse | Polygon] = st.one_of(
        st.builds(rectangle, corner_x, corner_y, st.integers(8, width), st.integers(8, height)),
        st.builds(ellipse, radius, radius, share, share, st.floats(-1.5, 1.5)),
        st.tuples(point, point, point).map(Polygon),
    )
    return found


def rois(kind: RoiKind = "motion", size: tuple[int, int] = (96, 72)) -> "SearchStrategy[Roi]":
    """Give regions of a kind inside a picture.

    Parameters
    ----------
    kind : str, optional
        Kind of the region.
    size : tuple of int, optional
        Width and height of the picture [px].

    Returns
    -------
    SearchStrategy
        Regions named by their kind.
    """
    return shapes(size).map(lambda shape: Roi(kind, kind, shape))


def sources(size: tuple[int, int] = (24, 20), n_frames: int = 12) -> "SearchStrategy[ArraySource]":
    """Give short recordings of noise in which any frames may be missing.

    Parameters
    ----------
    size : tuple of int, optional
        Width and height [px].
    n_frames : int, optional
        Number of frames at most.

    Returns
    -------
    SearchStrategy
        Sources of 1 to `n_frames` frames.
    """
    st = require("hypothesis.strategies", "dev")

    def source(seed: int, reasons: list[int]) -> ArraySource:
        shape = (len(reasons), size[1], size[0])
        frames = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
        return ArraySource(frames, reason=np.array(reasons, np.uint8))

    reasons = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3]), min_size=1, max_size=n_frames)
    found: SearchStrategy[ArraySource] = st.builds(source, st.integers(0, 2**32 - 1), reasons)
    return found

"""Which region belongs to which analysis, and the rules that every region must obey before any work."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.analysis import Analysis
from mystax.core.geometry import Roi, roi_from_text
from mystax.core.recording import Recording
from mystax.engine.passes import whole_frame
from mystax.errors import ParameterError, RoiError, nearest

__all__ = [
    "RoisLike",
    "check_bins",
    "check_in_pictures",
    "check_rois",
    "place_rois",
    "rois_for",
    "rois_from",
]

RoisLike = Roi | str | Path | Sequence[Roi | str]
"""Regions as a caller may give them: regions, texts of `--roi`, or the path of a `rois.toml`."""

MIN_PIXELS = 64
MIN_BINS = 16
MIN_RUNNING_SIDE = 32
MIN_INSIDE = 0.5
ALSO_KINDS: Mapping[str, tuple[str, ...]] = {"motion": ("face",)}
"""Motion energy is measured in the face as well as in the motion regions; the SVD is not."""


def rois_from(rois: RoisLike | None) -> tuple[Roi, ...] | None:
    """Return regions as objects; None stays None ("no regions were given").

    Parameters
    ----------
    rois : Roi, str, Path or sequence
        Regions, texts such as ``"pupil:ellipse:210,140,40,32"``, or the path of a ``rois.toml``.

    Returns
    -------
    tuple of Roi or None
        The regions.

    Raises
    ------
    ParameterError
        P401, if it is none of these.
    RoiError
        P402, if a text or file is not understood.
    """
    if rois is None:
        return None
    if isinstance(rois, Roi):
        return (rois,)
    if isinstance(rois, Path) or (isinstance(rois, str) and rois.endswith(".toml")):
        from mystax.io.rois import read_rois

        return tuple(read_rois(Path(rois)))
    if isinstance(rois, str):
        return (roi_from_text(rois),)
    if not isinstance(rois, Iterable):
        raise _no_region(rois)
    return tuple(roi if isinstance(roi, Roi) else _from_text(roi) for roi in rois)


def _from_text(text: object) -> Roi:
    if isinstance(text, str):
        return roi_from_text(text)
    raise _no_region(text)


def _no_region(value: object) -> ParameterError:
    expected = "regions (mystax.Roi), texts KIND:SHAPE:NUMBERS, or the path of a rois.toml"
    return ParameterError("P401", "parameter 'rois'", expected=expected, got=repr(value)[:80])


def place_rois(rois: Sequence[Roi], recording: Recording) -> tuple[Roi, ...]:
    """Put regions without a camera on the only camera.

    Raises
    ------
    RoiError
        P402, if a camera is unknown, or none is named where there are several.
    """
    placed = []
    for roi in rois:
        if roi.camera and roi.camera not in recording.cameras:
            raise RoiError(
                "P402",
                f"roi {roi.name!r}",
                f"unknown camera {roi.camera!r}{nearest(roi.camera, recording.cameras)}",
            )
        if not roi.camera and len(recording.cameras) > 1:
            raise RoiError(
                "P402",
                f"roi {roi.name!r}",
                "no camera is named",
                expected=f"one of {', '.join(recording.cameras)}",
                hint='write camera = "NAME" in rois.toml, or @NAME in --roi',
            )
        placed.append(roi if roi.camera else roi.at(recording.reference))
    return tuple(placed)


@dataclass(frozen=True, slots=True)
class _Cover:
    """How many pixels of a region lie in the picture, and how many it has in all."""

    inside: int
    total: int


def _cover(roi: Roi, shape: tuple[int, int]) -> _Cover:
    """Count the pixels of a region inside a picture and in all."""
    box = roi.shape.box()
    if box.width == 0 or box.height == 0:
        return _Cover(0, 0)
    clipped = box.clip(shape)
    # A region far larger than the picture needs no count: less than half of its box is inside.
    if box.width * box.height > 64 * max(1, shape[0] * shape[1]):
        return _Cover(clipped.width * clipped.height, box.width * box.height)
    y, x = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float64)
    mask = roi.shape.contains(x, y)
    inside = mask & (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    return _Cover(int(inside.sum()), int(mask.sum()))


def check_rois(rois: Sequence[Roi], recording: Recording) -> list[str]:
    """Check regions against the pictures of their cameras.

    Parameters
    ----------
    rois : sequence of Roi
        Placed regions.
    recording : Recording
        The cameras.

    Returns
    -------
    list of str
        Notes: regions that are clipped at the edge of the picture.

    Raises
    ------
    RoiError
        P402, naming the region: two of one name, outside the picture, other frame size, too small.
    """
    shapes = {roi.camera: recording.video(roi.camera).shape for roi in rois}
    return check_in_pictures(rois, shapes)


def check_in_pictures(rois: Sequence[Roi], shapes: Mapping[str, tuple[int, int]]) -> list[str]:
    """Check regions against the sizes of pictures.

    Parameters
    ----------
    rois : sequence of Roi
        Placed regions.
    shapes : mapping of str to tuple of int
        Camera to rows and columns of its pictures.

    Returns
    -------
    list of str
        As `check_rois`.

    Raises
    ------
    RoiError
        P402, as `check_rois`.
    """
    notes, names = [], set()
    for roi in rois:
        where = f"roi {roi.name!r}"
        if roi.name in names:
            raise RoiError(
                "P402", where, "two regions have this name", hint="give each region a name of its own"
            )
        names.add(roi.name)
        shape = shapes[roi.camera]
        if roi.frame_size is not None and roi.frame_size != (shape[1], shape[0]):
            raise RoiError(
                "P402",
                where,
                "the region was drawn in pictures of another size",
                expected=f"{shape[1]} x {shape[0]} px (camera {roi.camera!r})",
                got=f"{roi.frame_size[0]} x {roi.frame_size[1]} px",
            )
        cover = _cover(roi, shape)
        if cover.inside == 0 or cover.inside < MIN_INSIDE * cover.total:
            raise RoiError(
                "P402",
                where,
                "the region lies outside the picture",
                expected=f"at least half of it within {shape[1]} x {shape[0]} px (camera {roi.camera!r})",
                got=f"{cover.inside} of {cover.total} px inside",
            )
        if cover.inside < MIN_PIXELS:
            raise RoiError(
                "P402",
                where,
                "the region is too small",
                expected=f"at least {MIN_PIXELS} px",
                got=f"{cover.inside} px",
            )
        if cover.inside < cover.total:
            notes.append(
                f"roi {roi.name!r} is clipped at the edge of the picture ({cover.inside} of {cover.total} px)"
            )
        box = roi.box(shape)
        if roi.kind == "running" and min(box.width, box.height) < MIN_RUNNING_SIDE:
            raise RoiError(
                "P402",
                where,
                "a running region is too small",
                expected=f"at least {MIN_RUNNING_SIDE} x {MIN_RUNNING_SIDE} px",
                got=f"{box.width} x {box.height} px",
            )
    return notes


def check_bins(rois: Sequence[Roi], shape: tuple[int, int], size: int) -> None:
    """Check that every region keeps enough bins of size x size pixels.

    Raises
    ------
    RoiError
        P402, if a region has fewer than 16 bins.
    """
    for roi in rois:
        n_bins = int(roi.bins(shape, size).sum())
        if n_bins < MIN_BINS:
            raise RoiError(
                "P402",
                f"roi {roi.name!r}",
                "too few bins are left",
                expected=f"at least {MIN_BINS} bins",
                got=f"{n_bins} bins of {size} x {size} px",
                hint="use a smaller bin or a larger region",
            )


def rois_for(analysis: Analysis, rois: Sequence[Roi], camera: str, shape: tuple[int, int]) -> tuple[Roi, ...]:
    """Choose the regions of one analysis on one camera.

    Parameters
    ----------
    analysis : Analysis
        The declaration.
    rois : sequence of Roi
        All placed regions of the recording.
    camera : str
        Name of the camera.
    shape : tuple of two ints
        Rows and columns of its pictures [px].

    Returns
    -------
    tuple of Roi
        The regions; empty when the analysis is not applicable on this camera.

    Raises
    ------
    RoiError
        P402, if a region is called `frame` where the whole frame is measured too.
    """
    wanted = analysis.roi_input
    if wanted is None:
        return ()
    kinds = (wanted.kind, *ALSO_KINDS.get(analysis.name, ()))
    main = [roi for roi in rois if roi.kind == wanted.kind]
    here = [roi for roi in rois if roi.camera == camera and roi.kind in kinds]
    if wanted.whole_frame and not main:
        if any(roi.name == "frame" for roi in here):
            raise RoiError(
                "P402", "roi 'frame'", "this name stands for the whole frame", hint="rename the region"
            )
        # Whole frame first, so that it keeps its place whatever is proposed besides.
        here = [whole_frame(shape, camera), *here]
    return tuple(here)

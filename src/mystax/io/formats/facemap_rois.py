"""Regions of Facemap's files: what their boxes and masks mean, and ours in their form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.core.geometry import Box, Ellipse, Rectangle, Roi, RoiKind, Shape, roi_from_dict
from mystax.core.typing import Bool
from mystax.errors import FormatError, RoiError
from mystax.io.formats.facemap import understood
from mystax.io.formats.facemap_matlab import as_list

__all__ = [
    "KINDS",
    "OUTLINE",
    "TYPES",
    "FacemapRoi",
    "camera_names",
    "facemap_rois",
    "mask_entry",
    "outline_of",
]

KINDS: Mapping[int, RoiKind] = {0: "pupil", 1: "motion", 2: "blink", 3: "running"}
TYPES = {"pupil": "Pupil", "motion": "motion SVD", "blink": "Blink", "running": "Running"}
OUTLINE = "mystax"
"""Key of a region in files that mystax wrote: the outline, of which Facemap keeps box and mask only."""


def camera_names(tree: Mapping[str, Any]) -> list[str]:
    """Return our names of the cameras: `face`, or `camera1`, `camera2`, ..."""
    n_cameras = len(np.atleast_1d(np.asarray(tree.get("Ly", [0]))))
    return ["face"] if n_cameras == 1 else [f"camera{k + 1}" for k in range(n_cameras)]


@dataclass(frozen=True, slots=True)
class FacemapRoi:
    """A region of a Facemap file with its place in Facemap's lists."""

    roi: Roi
    camera_index: int
    place: int
    n_pixels: int
    n_bins: int
    box: tuple[int, int]
    bins: tuple[int, int]
    """First column and row of the box of bins [bin]."""
    saturation: float | None
    sigma: float | None


def outline_of(roi: Roi) -> str:
    """Return what Facemap has no place for: shape and reflections as JSON text."""
    entry = roi.as_dict()
    return json.dumps({key: entry[key] for key in entry if key not in ("camera", "source", "frame_size")})


def mask_entry(shape: Shape, size: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """Return rows, columns and mask of a shape in a picture of `size`, counted from `origin` (x, y)."""
    roi = Roi("shape", "motion", shape)
    box = roi.box(size)
    return {
        "yrange": np.arange(box.y0, box.y1) - origin[1],
        "xrange": np.arange(box.x0, box.x1) - origin[0],
        "ellipse": roi.mask(size)[box.y0 : box.y1, box.x0 : box.x1],
    }


def _shape_of(mask: Bool[np.ndarray, "y x"] | None, box: Box) -> Ellipse | Rectangle:
    """Return the ellipse that fills a box, as Facemap draws them; where all of the mask is set, the box."""
    middle = (box.x0 + box.x1 - 1) / 2, (box.y0 + box.y1 - 1) / 2
    ellipse = Ellipse(*middle, box.width / 2, box.height / 2)
    if mask is None or not mask.all():
        return ellipse
    grid = np.meshgrid(np.arange(box.x0, box.x1), np.arange(box.y0, box.y1))
    is_full = bool(ellipse.contains(*grid).all())
    return ellipse if is_full else Rectangle(box.x0, box.y0, box.width, box.height)


def _drawn(entry: Mapping[str, Any], kind: RoiKind, size: tuple[int, int]) -> Roi | None:
    """Return the region that mystax wrote; None for files of Facemap, or where its box was changed since."""
    text = entry.get(OUTLINE)
    if not isinstance(text, str):
        return None
    try:
        roi = roi_from_dict({**json.loads(text), "kind": kind})
    except (RoiError, TypeError, ValueError):
        return None
    return roi if roi.box(size) == _box_of(entry) else None


def _box_of(entry: Mapping[str, Any], x0: int = 0, y0: int = 0) -> Box | None:
    """Return the box of a region or reflection; None if it is empty."""
    y, x = np.ravel(entry["yrange"]), np.ravel(entry["xrange"])
    if not len(y) or not len(x):
        return None
    left, top = x0 + int(x[0]), y0 + int(y[0])
    return Box(left, top, left + len(x), top + len(y))


def _count_bins(roi: Roi, size: tuple[int, int], sbin: int) -> int:
    """Count the bins whose centres lie in a region, looking in its box alone: a file may claim any size."""
    box = roi.box(size)
    y = np.arange(box.y0 // sbin, min(-(-box.y1 // sbin), size[0] // sbin)) * sbin + (sbin - 1) / 2
    x = np.arange(box.x0 // sbin, min(-(-box.x1 // sbin), size[1] // sbin)) * sbin + (sbin - 1) / 2
    return int(roi.shape.contains(*np.meshgrid(x, y)).sum())


def _one_roi(
    entry: Mapping[str, Any],
    cameras: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    sbin: int,
    place: int,
    name: str,
) -> FacemapRoi | None:
    kind = KINDS.get(int(entry.get("rind", -1)))
    if kind is None:
        return None
    camera_index = int(entry.get("ivid", 0))
    box = _box_of(entry)
    if box is None or camera_index >= len(cameras):
        return None
    mask = _mask_of(entry, box)
    bins_y, bins_x = np.ravel(entry.get("yrange_bin", ())), np.ravel(entry.get("xrange_bin", ()))
    n_bins = len(bins_y) * len(bins_x)
    size = sizes[camera_index] if camera_index < len(sizes) else (0, 0)
    drawn = _drawn(entry, kind, size)
    shape: Shape
    if drawn is not None:
        shape, reflections = drawn.shape, drawn.reflections
        n_bins = _count_bins(drawn, size, sbin)
    else:
        is_box = kind in ("motion", "running")
        shape = Rectangle(box.x0, box.y0, box.width, box.height) if is_box else _shape_of(mask, box)
        reflections = _reflections(entry, box)
    n_pixels = box.width * box.height if mask is None or kind not in ("pupil", "blink") else int(mask.sum())
    try:
        roi = Roi(name, kind, shape, cameras[camera_index], reflections, source="imported")
    except RoiError as error:
        raise FormatError("F804", f"region {place}", f"its place cannot be ({error})") from error
    saturation, sigma = entry.get("saturation"), entry.get("pupil_sigma")
    return FacemapRoi(
        roi,
        camera_index,
        place,
        n_pixels,
        n_bins,
        (box.x0, box.y0),
        (int(bins_x[0]), int(bins_y[0])) if n_bins else (box.x0 // sbin, box.y0 // sbin),
        None if saturation is None else float(np.ravel(saturation)[0]),
        None if sigma is None else float(np.ravel(sigma)[0]),
    )


def _mask_of(entry: Mapping[str, Any], box: Box) -> Bool[np.ndarray, "y x"] | None:
    """Return the mask of a region or reflection; None if it has none of the size of its box."""
    mask = np.asarray(entry.get("ellipse", True), bool)
    return mask if mask.shape == (box.height, box.width) else None


def _reflections(entry: Mapping[str, Any], box: Box) -> tuple[Shape, ...]:
    items = [(item, _box_of(item, box.x0, box.y0)) for item in as_list(entry.get("reflector"))]
    return tuple(_shape_of(_mask_of(item, inner), inner) for item, inner in items if inner is not None)


def facemap_rois(tree: Mapping[str, Any]) -> tuple[FacemapRoi, ...]:
    """Return the regions of a Facemap file in its order; `place` counts within their kind.

    Parameters
    ----------
    tree : mapping
        Facemap's layout.

    Returns
    -------
    tuple of FacemapRoi
        Names are the kind, numbered where a kind has several.
    """
    with understood():
        return _rois(tree)


def _rois(tree: Mapping[str, Any]) -> tuple[FacemapRoi, ...]:
    cameras = camera_names(tree)
    sides = zip(np.ravel(tree.get("Ly", 0)), np.ravel(tree.get("Lx", 0)), strict=False)
    sizes = [(int(height), int(width)) for height, width in sides]
    sbin = max(1, int(np.ravel(tree.get("sbin", 1))[0]))
    entries = as_list(tree.get("rois"))
    kinds = [KINDS.get(int(entry.get("rind", -1))) for entry in entries]
    found: list[FacemapRoi] = []
    counts: dict[str, int] = {}
    for entry, kind in zip(entries, kinds, strict=True):
        if kind is None:
            continue
        place = counts.get(kind, 0)
        counts[kind] = place + 1
        name = kind if kinds.count(kind) == 1 else f"{kind}{place + 1}"
        roi = _one_roi(entry, cameras, sizes, sbin, place, name)
        if roi is not None:
            found.append(roi)
    return tuple(found)

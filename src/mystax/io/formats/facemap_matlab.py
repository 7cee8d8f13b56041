"""Facemap's `_proc.mat` in the layout of its `_proc.npy`: MATLAB drops lists and axes of one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["as_list", "layout_of_matlab"]

MOTION = 1
"""Facemap's number of a region of motion."""


def layout_of_matlab(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give the variables of a MATLAB file the layout that Facemap has in memory.

    Parameters
    ----------
    tree : mapping
        Variables, as `mystax.io.matlab.read_matlab` gives them: numbered names ``key_0, key_1, ...`` are one
        list, a list of one entry is the entry, and axes of length one are gone.

    Returns
    -------
    dict
        Lists are lists, components have the shape (time, component), their masks (y, x, component), and the
        names of the videos stand in groups of one name per camera.
    """
    found = _joined(tree)
    rois = as_list(found.get("rois"))
    if "rois" in found:
        found["rois"] = rois or None
    if "pupil" in found:
        found["pupil"] = as_list(found["pupil"])
    if "filenames" in found:
        found["filenames"] = _groups(found["filenames"], np.size(found.get("Ly", 0)))
    boxes = [_bins_of_frame(found), *(_bins(roi) for roi in rois if _number(roi.get("rind", -1)) == MOTION)]
    for kind in ("mot", "mov"):
        traces = _restored(found, f"{kind}SVD")
        _restored(found, f"{kind}Mask")
        masks = found.get(f"{kind}Mask_reshape")
        if isinstance(masks, list | np.ndarray):
            widths = [trace.shape[1] if trace.ndim == 2 else 0 for trace in traces]
            places = zip(masks, boxes, widths, strict=False)
            shaped = [_mask(np.asarray(mask), box, width) for mask, box, width in places]
            found[f"{kind}Mask_reshape"] = shaped + list(masks[len(shaped) :])
    return found


def _joined(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Join MATLAB's numbered names ``key_0, key_1, ...`` to lists again."""
    found: dict[str, Any] = {}
    numbered: dict[str, dict[int, Any]] = {}
    for key, value in tree.items():
        stem, _, number = key.rpartition("_")
        if stem and number.isdecimal() and f"{stem}_0" in tree:
            numbered.setdefault(stem, {})[int(number)] = value
            found[stem] = []
        else:
            found[key] = value
    return found | {stem: [items[k] for k in sorted(items)] for stem, items in numbered.items()}


def as_list(value: Any) -> list[Any]:
    """Return the entries of a list, whatever a file kept it as: one entry, an array of objects, or a list."""
    if isinstance(value, np.ndarray):
        return list(value.ravel()) if value.dtype == object else []
    if isinstance(value, dict):
        return [value]
    return list(value) if isinstance(value, list | tuple) else []


def _groups(names: Any, n_cameras: int) -> list[list[str]]:
    """Return names of videos in groups of one per camera; of arrays of characters each is padded."""
    flat: list[str] = []
    rest = [names]
    while rest:
        item = rest.pop(0)
        if isinstance(item, list | tuple | np.ndarray):
            rest[:0] = list(np.atleast_1d(item)) if isinstance(item, np.ndarray) else list(item)
        else:
            flat.append(str(item).rstrip())
    width = max(1, n_cameras)
    return [flat[k : k + width] for k in range(0, len(flat), width)]


def _number(value: Any) -> int:
    return int(np.ravel(value)[0])


def _bins(roi: Mapping[str, Any]) -> tuple[int, int]:
    return np.size(roi.get("yrange_bin", ())), np.size(roi.get("xrange_bin", ()))


def _bins_of_frame(tree: Mapping[str, Any]) -> tuple[int, int]:
    size = max(1, _number(tree.get("sbin", 1)))
    return _number(tree.get("Ly", 0)) // size, _number(tree.get("Lx", 0)) // size


def _restored(tree: dict[str, Any], key: str) -> Sequence[np.ndarray]:
    """Put the axis of components back where there is one component, and return what the key then holds."""
    values = tree.get(key)
    if not isinstance(values, list | np.ndarray):
        return []
    made = [np.asarray(item) for item in values]
    tree[key] = [item[:, None] if item.ndim == 1 and item.size else item for item in made]
    return list(tree[key])


def _mask(mask: np.ndarray, box: tuple[int, int], n_components: int) -> np.ndarray:
    """Return a mask (y, x, component) whose axes of length one were dropped."""
    shape = (*box, n_components)
    return mask.reshape(shape) if mask.ndim < 3 and mask.size == np.prod(shape) > 0 else mask

"""Regions of one recording for others of the same rig: what fits, and what is replaced.  Pure."""

from collections.abc import Mapping, Sequence

from mystax.core.geometry import Roi
from mystax.engine.roi_rules import check_in_pictures
from mystax.errors import RoiError, nearest

__all__ = ["cameras_of_rois", "fitted", "merged"]

Shapes = Mapping[str, tuple[int, int]]
"""Camera to rows and columns of its pictures."""


def cameras_of_rois(rois: Sequence[Roi], cameras: Sequence[str]) -> list[str]:
    """Return the cameras that regions are on; a region without one is on the only camera.

    Where there is none, its videos are gone: it is on the camera without a name.
    """
    return list(dict.fromkeys(roi.camera or next(iter(cameras), "") for roi in rois))


def fitted(rois: Sequence[Roi], source: Shapes, target: Shapes) -> tuple[Roi, ...]:
    """Return regions as another recording of the rig has them.

    Parameters
    ----------
    rois : sequence of Roi
        The regions.
    source, target : mapping of str to tuple of int
        Pictures of the recording that they come from, and of the one that they go to.

    Returns
    -------
    tuple of Roi
        Each on the camera of its name.

    Raises
    ------
    RoiError
        P402, naming the region: no such camera there, pictures of another size, outside of the picture.
    """
    placed = []
    for roi in rois:
        camera = roi.camera or next(iter(source), "")
        where = f"roi {roi.name!r}"
        for side in (target, source):
            if camera not in side:
                raise RoiError("P402", where, f"there is no camera {camera!r}{nearest(camera, side)}")
        if source[camera] != target[camera]:
            (rows, columns), (there_rows, there_columns) = source[camera], target[camera]
            raise RoiError(
                "P402",
                where,
                "the pictures have another size",
                expected=f"{columns} x {rows} px (camera {camera!r})",
                got=f"{there_columns} x {there_rows} px",
            )
        placed.append(roi.at(camera))
    check_in_pictures(placed, target)
    return tuple(placed)


def merged(present: Sequence[Roi], new: Sequence[Roi]) -> tuple[Roi, ...]:
    """Return the present regions with new ones in the place of those of their names."""
    by_name = {roi.name: roi for roi in new}
    kept = tuple(by_name.pop(roi.name, roi) for roi in present)
    return kept + tuple(by_name.values())

"""Facemap's keypoint files: the HDF5 of predictions, and the refined data of its training.

Facts about the layouts are those that Facemap (https://github.com/MouseLand/facemap, doi
10.1038/s41593-023-01490-6) documents and writes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.core.keypoints import KeypointSet
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.formats.facemap import save_pickled_dict
from mystax.io.guarded import check_hdf5

__all__ = [
    "facemap_names",
    "plain_facemap_h5",
    "read_facemap_h5",
    "read_facemap_refined",
    "write_facemap_h5",
    "write_facemap_refined",
]

ROOT = "Facemap"
FACEMAP_SET = "mouse-face-15"
FIELDS = ("x", "y", "likelihood")


def facemap_names() -> tuple[str, ...]:
    """Return Facemap's names of points in its order."""
    return tuple(point.facemap for point in KeypointSet.load(FACEMAP_SET))


def plain_facemap_h5(path: str) -> dict[str, Any]:
    """Read Facemap's predictions as plain data; meant for a child process.

    Raises
    ------
    FormatError
        F802, F803, F804, as the file is hostile or otherwise.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file)
            group = file[ROOT]
            names = [name for name in group if isinstance(group[name], h5py.Group)]
            found = {
                name: {field: np.asarray(group[name][field][...], np.float64).ravel() for field in FIELDS}
                for name in names
            }
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise FormatError("F804", where, f"not a Facemap file of keypoints ({error})") from error
    return found


def read_facemap_h5(path: Path | str) -> KeypointTable:
    """Read Facemap's predictions (`*_FacemapPose.h5`), in a child process.

    Parameters
    ----------
    path : path
        The file; its places are pixels of the whole frame.

    Returns
    -------
    KeypointTable
        Predictions, points in Facemap's order as far as they are Facemap's.

    Raises
    ------
    FormatError
        F802, F803, F804, if the file is refused.
    """
    where = Path(path).name
    found = read_foreign(path, "facemap_h5")
    order = {name: k for k, name in enumerate(facemap_names())}
    names = sorted(found, key=lambda name: (order.get(name, len(order)), name))
    lengths = {len(values) for fields in found.values() for values in fields.values()}
    if len(lengths) != 1:
        raise FormatError("F804", where, expected="points of equally many frames", got=str(sorted(lengths)))
    n = next(iter(lengths))
    columns = {field: np.stack([found[name][field] for name in names], 1) for field in FIELDS}
    return make_table(
        names,
        np.stack([columns["x"], columns["y"]], -1)[:, None],
        where=where,
        confidence=columns["likelihood"][:, None],
        frame=np.arange(n),
        kind="predictions",
    )


def write_facemap_h5(path: Path | str, table: KeypointTable) -> None:
    """Write predictions as Facemap does: float32, frames 0 to the last, the first individual.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    table : KeypointTable
        Frames of one video; points by Facemap's names where they have one.
    """
    first = table.individual(table.individuals[0])
    is_video = len(first) > 0 and bool((first.frame >= 0).all())
    at = first.frame if is_video else np.arange(len(first))
    n = int(at.max()) + 1 if len(at) else 0
    names = _their_names(first.names)
    with h5py.File(path, "w") as file:
        for k, name in enumerate(names):
            group = file.create_group(f"{ROOT}/{name}")
            columns = (first.position[:, 0, k, 0], first.position[:, 0, k, 1], first.confidence[:, 0, k])
            for field, values in zip(FIELDS, columns, strict=True):
                whole = np.full(n, np.nan, np.float32)
                whole[at] = values
                group[field] = whole


def _their_names(names: tuple[str, ...]) -> list[str]:
    points = KeypointSet.load(FACEMAP_SET)
    found = [points.find(name) for name in names]
    return [name if point is None else point.facemap for name, point in zip(names, found, strict=True)]


# refined data ----------------------------------------------------------------------------------------


def _lists(tree: Any, where: str) -> dict[str, list[Any]]:
    """Check the outer form: lists of equal length, one entry per video."""
    keys = ("imgs", "keypoints", "bbox", "frame_ind", "video_path")
    if not isinstance(tree, dict) or not {"imgs", "keypoints", "bodyparts"} <= set(tree):
        got = str(sorted(map(str, tree)))[:80] if isinstance(tree, dict) else type(tree).__name__
        raise FormatError("F804", where, expected="a dict with imgs, keypoints, bodyparts", got=got)
    n = len(tree["imgs"])
    found = {key: list(tree.get(key, [None] * n)) for key in keys}
    if {len(values) for values in found.values()} != {n}:
        raise FormatError("F804", where, expected="lists of one entry per video", got=str(n))
    return found


def read_facemap_refined(path: Path | str) -> KeypointTable:
    """Read the data with which Facemap refines its model; nothing in the file is run.

    Parameters
    ----------
    path : path
        The `.npy` file.

    Returns
    -------
    KeypointTable
        Labels on the pictures that the file brings; `files` and `frame` say where they come from.

    Raises
    ------
    FormatError
        F801, if the file wants to run code; F802, F804, as it claims too much or is otherwise.
    """
    where = Path(path).name
    tree = read_foreign(path, "pickled_npy", memory=4 << 30)
    videos = _lists(tree, where)
    positions, pictures, frames, files = [], [], [], []
    try:
        names = [str(name) for name in np.ravel(tree["bodyparts"])]
        for k, (stack, points) in enumerate(zip(videos["imgs"], videos["keypoints"], strict=True)):
            images, places = np.asarray(stack), np.asarray(points, np.float64)
            if images.ndim != 3 or places.shape[:2] != (len(images), len(names)) or places.shape[2] < 2:
                raise FormatError(
                    "F804", where, expected="pictures and points of equal number", got=str(places.shape)
                )
            positions.append(places[:, None, :, :2])
            pictures += [_grey(image) for image in images]
            numbers = videos["frame_ind"][k]
            frames += [-1] * len(images) if numbers is None else [int(i) for i in np.ravel(numbers)]
            files += [str(videos["video_path"][k] or "")] * len(images)
        position = np.concatenate(positions) if positions else np.empty((0, 1, len(names), 2))
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise FormatError("F804", where, f"the data are not understood ({error})") from error
    if len(frames) != len(position):
        raise FormatError("F804", where, expected=f"{len(position)} frame numbers", got=str(len(frames)))
    return make_table(
        names,
        position,
        where=where,
        frame=np.array(frames, np.int64),
        files=files,
        shapes=np.array([picture.shape for picture in pictures], np.int64).reshape(-1, 2),
        pictures=pictures,
    )


def _grey(image: np.ndarray) -> np.ndarray:
    """Return a picture of whole grey levels; Facemap keeps some as floats from 0 to 1 or to 255."""
    if image.dtype == np.uint8:
        return image
    top = 255.0 if image.size and float(np.nanmax(image)) <= 1.0 and image.dtype.kind == "f" else 1.0
    return np.clip(np.rint(np.nan_to_num(np.asarray(image, np.float64)) * top), 0, 255).astype(np.uint8)


def write_facemap_refined(path: Path | str, table: KeypointTable) -> None:
    """Write labels as data with which Facemap refines its model.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    table : KeypointTable
        Labels with their pictures; pictures of one video must be of equal size.

    Raises
    ------
    FormatError
        F804, if the table has no pictures, or a video has some of different sizes.
    """
    if table.pictures is None:
        raise FormatError("F804", Path(path).name, expected="labels with their pictures", got="no pictures")
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for i, picture in enumerate(table.pictures):
        groups.setdefault((table.files[i], picture.shape), []).append(i)
    tree: Mapping[str, Any] = {
        "imgs": [np.stack([_grey(table.pictures[i]) for i in rows]) for rows in groups.values()],
        "keypoints": [
            np.concatenate([table.position[rows, 0], np.ones((len(rows), len(table.names), 1))], -1)
            for rows in groups.values()
        ],
        "bbox": [[0, shape[0], 0, shape[1]] for _, shape in groups],
        "bodyparts": _their_names(table.names),
        "frame_ind": [np.array([max(0, int(table.frame[i])) for i in rows]) for rows in groups.values()],
        "video_path": [name for name, _ in groups],
    }
    with Path(path).open("wb") as stream:
        save_pickled_dict(stream, tree)

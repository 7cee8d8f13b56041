"""What is read of an NWB file of another tool, in a child process: poses, pupils, intervals, as plain data.

Files are read with h5py alone, by the types that their objects name: the NWB library refuses some files that
earlier versions of it wrote.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.errors import FormatError
from mystax.io.guarded import check_hdf5
from mystax.io.nwb.reader import MOST_BYTES, manifest_of

__all__ = [
    "clock_of",
    "groups_by_kind",
    "nodes_and_edges",
    "opened",
    "plain_behaviour",
    "plain_videos",
    "video_facts",
]

SERIES = ("PoseEstimationSeries", "SpatialSeries", "TimeSeries")
STATE_WORDS = ("state", "label", "state_id", "behavior", "behaviour", "state_name")
"""Columns that tell the state of an interval, the preferred ones first."""
SHOWN = "/stimulus/"
"""Where pictures lie that a subject saw."""


def plain_behaviour(path: str, folder: str = "") -> dict[str, Any]:
    """Read poses, pupils, states and names of videos; whether mystax wrote the file is told too.

    Parameters
    ----------
    path : str
        The file.
    folder : str, optional
        Links to files in this folder or below are followed; by default none are.

    Returns
    -------
    dict
        `is_own`, or `poses`, `poses3d`, `pupils`, `intervals`, `videos` and `kinds`.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if it is no NWB file.
    """
    with opened(path, folder) as file:
        if manifest_of(file) is not None:
            return {"is_own": True}
        kinds = groups_by_kind(file)
        return {
            "is_own": False,
            "poses": [_pose(item) for item in kinds.get("PoseEstimation", []) if not _is_view(item)],
            "poses3d": [_pose(item) for item in kinds.get("MultiCameraPoseEstimation", [])],
            "pupils": [
                _container(item) for kind in ("PupilTracking", "EyeTracking") for item in kinds.get(kind, [])
            ],
            "intervals": [
                found for item in kinds.get("TimeIntervals", []) if (found := _intervals(item)) is not None
            ],
            "videos": [name for item in _videos(kinds) for name in _external(item)],
            "kinds": sorted(kind for kind in kinds if kind),
        }


def plain_videos(path: str) -> dict[str, Any]:
    """Read which videos an NWB file names for its cameras, and the times of their frames.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict
        `videos`, each with `name`, `place`, `files`, `starting_frames`, `times`, `start`, `rate` and
        `n_frames` (None where the file does not tell); `inside`, the places of series whose pictures lie in
        the file itself; and `kinds`.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if it is no NWB file.
    """
    with opened(path) as file:
        kinds = groups_by_kind(file)
        found = _videos(kinds)
        return {
            "videos": [video_facts(item) for item in found if _external(item)],
            "inside": [item.name for item in found if not _external(item)],
            "kinds": sorted(kind for kind in kinds if kind),
        }


@contextmanager
def opened(path: str, folder: str = "") -> Iterator[h5py.File]:
    """Open a file that is safe to walk; whatever does not fit makes it no NWB file."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file, memory=MOST_BYTES, folder=Path(folder) if folder else None)
            yield file
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FormatError("F804", Path(path).name, f"the file cannot be read as NWB ({error})") from error


def groups_by_kind(file: h5py.File) -> dict[str, list[h5py.Group]]:
    """Sort the groups of a file by their NWB type."""
    kinds: dict[str, list[h5py.Group]] = {}
    for item in _groups(file):
        kinds.setdefault(_kind(item), []).append(item)
    return kinds


def _groups(file: h5py.File) -> Iterator[h5py.Group]:
    """Give all groups, each once, but the specifications of types that a file carries along."""
    stack: list[h5py.Group] = [file]
    seen: set[tuple[int, int]] = set()
    while stack:
        group = stack.pop()
        info = h5py.h5o.get_info(group.id)
        if (int(info.fileno), int(info.addr)) in seen:
            continue
        seen.add((int(info.fileno), int(info.addr)))
        yield group
        for name in sorted(group, reverse=True):
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.HardLink | h5py.ExternalLink) and name != "specifications":
                item = group[name]
                if isinstance(item, h5py.Group):
                    stack.append(item)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _kind(item: Any) -> str:
    """Return the NWB type of an object."""
    return _text(item.attrs.get("neurodata_type", ""))


def _word(group: h5py.Group, name: str) -> str:
    """Return a scalar text of a group; empty if there is none."""
    item = group.get(name)
    return _text(item[()]) if isinstance(item, h5py.Dataset) and item.shape == () else ""


def _words(group: h5py.Group, name: str) -> list[str]:
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or h5py.check_string_dtype(item.dtype) is None or item.ndim != 1:
        return []
    return [str(text) for text in item.asstr()[...]]


def _is_view(item: h5py.Group) -> bool:
    """Tell whether a pose is one of the views of a pose in space: it is met there."""
    return _kind(item.parent) == "MultiCameraPoseEstimation"


def _series(group: h5py.Group) -> dict[str, Any]:
    """Read a series: values with their factor, unit, times, confidence."""
    data = group["data"]
    values = np.asarray(data[...], np.float64)
    factor = float(data.attrs.get("conversion", 1.0))
    offset = float(data.attrs.get("offset", 0.0))
    if factor != 1 or offset != 0:
        values = values * factor + offset
    clock = clock_of(group)
    made: dict[str, Any] = {
        "name": group.name.rsplit("/", 1)[-1],
        "values": values,
        "unit": _text(data.attrs.get("unit", "")),
        "times": clock["times"],
        "confidence": None,
    }
    if clock["rate"] is not None:
        made["times"] = clock["start"] + np.arange(len(values)) / float(clock["rate"])
    if isinstance(group.get("confidence"), h5py.Dataset):
        made["confidence"] = np.asarray(group["confidence"][...], np.float64)
    return made


def clock_of(group: h5py.Group) -> dict[str, Any]:
    """Read when the samples of a series were taken: their times, or a start and a rate."""
    made: dict[str, Any] = {"times": None, "start": None, "rate": None}
    if isinstance(group.get("timestamps"), h5py.Dataset):
        made["times"] = np.asarray(group["timestamps"][...], np.float64)
    elif isinstance(group.get("starting_time"), h5py.Dataset):
        made["start"] = float(group["starting_time"][()])
        # as stored: its precision tells which rate is meant
        made["rate"] = np.ravel(group["starting_time"].attrs["rate"])[0]
    return made


def _container(group: h5py.Group) -> dict[str, Any]:
    """Read all series of a container."""
    series = [
        _series(item)
        for item in group.values()
        if isinstance(item, h5py.Group) and _kind(item) in SERIES and "data" in item
    ]
    return {"name": group.name, "kind": _kind(group), "series": series}


def _pose(group: h5py.Group) -> dict[str, Any]:
    """Read a pose: its series, its devices, and the skeleton inside it or linked to it."""
    nodes, pairs = nodes_and_edges(group)
    devices: list[str] = []
    for name in group:
        item = group[name]
        kind = _kind(item)
        if kind in ("Device", "CalibratedCamera"):
            devices.append(item.name.rsplit("/", 1)[-1])
        elif kind == "Skeleton":
            nodes, pairs = nodes_and_edges(item)
    return {
        **_container(group),
        "devices": sorted(devices),
        "nodes": nodes,
        "edges": pairs,
        "scorer": _word(group, "scorer"),
        "software": _word(group, "source_software"),
        "views": [
            name
            for name, item in group.items()
            if isinstance(item, h5py.Group) and _kind(item) == "PoseEstimation"
        ],
    }


def nodes_and_edges(group: h5py.Group) -> tuple[list[str], np.ndarray]:
    """Read the points of a skeleton, and pairs of their numbers (edge, 2)."""
    edges = group.get("edges")
    is_there = isinstance(edges, h5py.Dataset)
    return _words(group, "nodes"), np.asarray(edges[...], np.int64) if is_there else np.zeros(
        (0, 2), np.int64
    )


def _intervals(group: h5py.Group) -> dict[str, Any] | None:
    """Read intervals with a column of states; None if they have none."""
    names = {name.lower(): name for name in group}
    word = next((word for word in STATE_WORDS if word in names), None)
    if word is None or "start_time" not in group or "stop_time" not in group:
        return None
    column = group[names[word]]
    if h5py.check_string_dtype(column.dtype) is not None:
        labels: list[Any] = [str(text) for text in column.asstr()[...]]
    elif column.dtype.kind in "iuf" and column.ndim == 1:
        labels = [str(int(value)) if value == int(value) else str(value) for value in column[...].tolist()]
    else:
        return None
    return {
        "name": group.name,
        "start": np.asarray(group["start_time"][...], np.float64),
        "stop": np.asarray(group["stop_time"][...], np.float64),
        "labels": labels,
    }


def _videos(kinds: dict[str, list[h5py.Group]]) -> list[h5py.Group]:
    """List the series of pictures that cameras took; what was shown to the subject is none."""
    return [item for item in kinds.get("ImageSeries", []) if not item.name.startswith(SHOWN)]


def _external(group: h5py.Group) -> list[str]:
    """List the video files of a series of pictures."""
    return _words(group, "external_file")


def video_facts(group: h5py.Group) -> dict[str, Any]:
    """Read which files a series of pictures names, and what is told of their frames."""
    starts = group["external_file"].attrs.get("starting_frame")
    number = group.get("num_samples")
    known = isinstance(number, h5py.Dataset) and number.shape == ()
    return {
        "name": group.name.rsplit("/", 1)[-1],
        "place": group.name,
        "files": _external(group),
        "starting_frames": None if starts is None else [int(start) for start in np.atleast_1d(starts)],
        "n_frames": int(number[()]) if known else None,
        **clock_of(group),
    }

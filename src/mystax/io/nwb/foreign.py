"""Outcomes out of NWB files of other tools: poses, poses in space, pupils, states."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.quality import Flag
from mystax.errors import FormatError
from mystax.io.blank import blank_outcome, imported_parts, pose_dataset
from mystax.io.foreign import read_foreign
from mystax.io.nwb.reader import MEMORY, SECONDS
from mystax.io.outcome_parts import OutcomeParts

__all__ = ["is_own", "read_behaviour"]

LENGTHS = {
    "meters": 1e3,
    "metres": 1e3,
    "m": 1e3,
    "centimeters": 10.0,
    "cm": 10.0,
    "millimeters": 1.0,
    "mm": 1.0,
}
"""Units of places in space, in millimetres."""
PIXELS = ("pixels", "pixel", "px")
FORM = "nwb"


def is_own(path: Path | str, *, follow_links: bool = False) -> bool:
    """Tell whether an NWB file has outcomes that mystax wrote; arguments are those of `read_behaviour`.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused.
    """
    return bool(_behaviour(Path(path), follow_links)["is_own"])


def _behaviour(path: Path, follow_links: bool) -> dict[str, Any]:
    options = {"folder": str(path.absolute().parent)} if follow_links else None
    try:
        found: dict[str, Any] = read_foreign(
            path, "nwb_behaviour", options=options, memory=MEMORY, seconds=SECONDS
        )
    except FormatError as refused:
        if refused.code == "F803" and not follow_links:
            refused.hint = "mystax import --follow-links follows links to files in the same folder or below"
        raise
    return found


def read_behaviour(path: Path | str, *, follow_links: bool = False) -> tuple[list[OutcomeParts], list[str]]:
    """Read what another tool left in an NWB file.

    Parameters
    ----------
    path : path
        The file.
    follow_links : bool, optional
        Follow links to HDF5 files in its folder or below.

    Returns
    -------
    (list of OutcomeParts, list of str)
        Outcomes; and what else the file has, in sentences.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused, or has nothing that mystax understands.
    """
    place = Path(path)
    found = _behaviour(place, follow_links)
    outcomes: list[OutcomeParts] = []
    if found["poses"]:
        outcomes.append(_poses(found["poses"], place))
    if found["poses3d"]:
        outcomes.append(_poses3d(found["poses3d"], place))
    if found["pupils"] and (pupil := _pupil(found["pupils"], place)) is not None:
        outcomes.append(pupil)
    if found["intervals"]:
        outcomes.append(_states(found["intervals"][0], place))
    notes = [f"it names the video {name}: mystax run {place.name} measures it" for name in found["videos"]]
    if len(found["intervals"]) > 1:
        notes.append(f"it holds {len(found['intervals'])} tables of states, of which the first is read")
    kinds = set(found["kinds"])
    if "Units" in kinds or "RoiResponseSeries" in kinds:
        notes.append("it holds neural data: give it to mystax encode --neural")
    if not outcomes:
        raise FormatError(
            "F804",
            place.name,
            "there is no behaviour in this NWB file that mystax understands",
            expected="poses (ndx-pose), PupilTracking, or intervals with a column state",
            got=", ".join(found["kinds"][:12]) or "nothing",
            hint=notes[0] if notes else "",
        )
    return outcomes, notes


# ---------------------------------------------------------------- poses


def _rows(series: Sequence[Mapping[str, Any]], where: str) -> tuple[int, np.ndarray]:
    """Return the number of rows and the times that all series share."""
    sure = [one["confidence"] for one in series if one["confidence"] is not None]
    lengths = {len(values) for values in (*(one["values"] for one in series), *sure)}
    if len(lengths) != 1:
        raise FormatError(
            "F804", where, "its keypoints have different numbers of rows", got=str(sorted(lengths))
        )
    times = next((one["times"] for one in series if one["times"] is not None), None)
    n = lengths.pop()
    if times is None or len(times) != n:
        raise FormatError(
            "F804", where, expected="times of all rows", got="none" if times is None else str(len(times))
        )
    unlike = [one["name"] for one in series if one["times"] is not None and not _same(times, one["times"])]
    if unlike:
        raise FormatError("F804", where, "its keypoints have different times", got=", ".join(unlike))
    return n, np.asarray(times, np.float64)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two series have the same times, to a microsecond."""
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=0, atol=1e-6, equal_nan=True))


def _check_pixels(series: Sequence[Mapping[str, Any]], where: str) -> None:
    """Refuse places in a picture that are told in a length."""
    unit = next((one["unit"] for one in series if one["unit"].lower() in LENGTHS), None)
    if unit is not None:
        raise FormatError("F804", where, "places in a picture", expected="pixels", got=unit)


def _confidences(series: Sequence[Mapping[str, Any]], n: int) -> np.ndarray:
    nothing = np.full(n, np.nan)
    return np.stack([nothing if one["confidence"] is None else one["confidence"] for one in series], 1)


def _of_devices(pose: Mapping[str, Any], where: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the series of each camera; two devices are told apart by the names of the keypoints only."""
    devices, series = list(pose["devices"]), list(pose["series"])
    if len(devices) <= 1:
        return {devices[0] if devices else "": series}
    split: dict[str, list[Mapping[str, Any]]] = {name: [] for name in devices}
    for one in series:
        fits = [
            name for name in devices if one["name"].startswith(f"{name}_") or one["name"].endswith(f"_{name}")
        ]
        if len(fits) != 1:
            raise FormatError(
                "F804",
                where,
                f"the pose links {len(devices)} cameras, and its keypoints do not say which camera saw them",
                expected="one camera per PoseEstimation, or keypoints that carry its name",
                got=f"{', '.join(devices)}; keypoint {one['name']!r}",
                hint="write one PoseEstimation per camera",
            )
        word = fits[0]
        name = one["name"].removeprefix(f"{word}_").removesuffix(f"_{word}")
        split[word].append({**one, "name": name})
    return {name: some for name, some in split.items() if some}


def _poses(poses: Sequence[Mapping[str, Any]], path: Path) -> OutcomeParts:
    """Make the outcome `pose`, a camera per object and device; or `pose3d` if all keypoints have depth."""
    cameras: dict[str, Any] = {}
    flags: list[Flag] = []
    for pose in poses:
        where = f"{path.name}:{pose['name']}"
        for device, series in _of_devices(pose, where).items():
            if not series:
                continue
            n, times = _rows(series, where)
            widths = {one["values"].shape[1] if one["values"].ndim == 2 else 0 for one in series}
            if not widths <= {2, 3}:
                raise FormatError(
                    "F804", where, expected="points of two or three numbers", got=str(sorted(widths))
                )
            if widths == {3} and not any(one["unit"].lower() in PIXELS for one in series):
                return _poses3d([pose, *(one for one in poses if one is not pose)], path)
            _check_pixels(series, where)
            if 3 in widths:
                deep = [one["name"] for one in series if one["values"].shape[1] == 3]
                flags.append(
                    Flag(
                        "N304",
                        f"{', '.join(deep)}: three numbers per place in a picture; the third is left out",
                    )
                )
            position = np.stack([one["values"][:, :2] for one in series], 1)
            dataset = pose_dataset(times, [one["name"] for one in series], position, _confidences(series, n))
            dataset.attrs |= {"scorer": pose["scorer"], "source_software": pose["software"]}
            cameras[_new_name(device, pose["name"], cameras)] = dataset
    if not cameras:
        raise FormatError("F804", path.name, "its poses have no keypoints")
    return imported_parts("pose", cameras, path, FORM, flags)


def _new_name(device: str, pose: str, known: Collection[str]) -> str:
    """Name a camera: by its device, or the last words of its pose's place that no other has."""
    words = pose.strip("/").split("/")
    names = (device, *("_".join(words[-k:]) for k in range(1, len(words) + 1)))
    return next((name for name in names if name and name not in known), f"{names[-1]}_{len(known)}")


def _poses3d(poses: Sequence[Mapping[str, Any]], path: Path) -> OutcomeParts:
    """Make the outcome `pose3d` of the first pose in space."""
    pose = poses[0]
    where = f"{path.name}:{pose['name']}"
    series = [one for one in pose["series"] if one["values"].ndim == 2 and one["values"].shape[1] == 3]
    if not series:
        raise FormatError("F804", where, "no keypoint has three numbers")
    units = [one["unit"].lower() for one in series]
    unknown = next((unit for unit in units if unit not in LENGTHS), None)
    if unknown is not None:
        raise FormatError("F804", where, expected=f"places in {', '.join(LENGTHS)}", got=unknown or "no unit")
    n, times = _rows(series, where)
    position = np.stack([one["values"] * LENGTHS[unit] for one, unit in zip(series, units, strict=True)], 1)
    cameras = [*pose["views"]] or [*pose["devices"]]
    dataset = pose_dataset(
        times, [one["name"] for one in series], position, _confidences(series, n), cameras=cameras
    )
    dataset.attrs |= {"scorer": pose["scorer"], "source_software": pose["software"]}
    flags = [Flag("N304", f"{len(poses)} poses; only {where}, in space, is read")] if len(poses) > 1 else []
    return imported_parts("pose3d", {"": dataset}, path, FORM, flags)


# ---------------------------------------------------------------- pupils


def _pupil(containers: Sequence[Mapping[str, Any]], path: Path) -> OutcomeParts | None:
    """Make the outcome `pupil` of what is given in pixels: diameter, area, centre."""
    values: dict[str, np.ndarray] = {}
    times: np.ndarray | None = None
    others: list[str] = []
    for container in containers:
        for one in container["series"]:
            name, found = one["name"].lower(), one["values"]
            if one["times"] is None or (times is not None and not _same(times, one["times"])):
                others.append(one["name"])
                continue
            before = len(values)
            if container["kind"] == "EyeTracking":
                if found.ndim == 2 and found.shape[1] == 2 and one["unit"].lower() in PIXELS:
                    values.setdefault("centre", found[:, None, :])
            elif found.ndim == 1 and one["unit"].lower() in (*PIXELS, "px2", "pixels2"):
                kind = "area" if "area" in name else "diameter"
                factor = 2.0 if "radius" in name else 1.0
                values.setdefault(kind, found[:, None] * factor)
            if len(values) == before:
                others.append(one["name"])
            times = one["times"] if times is None and values else times
    if times is None or not values:
        return None
    n = len(times)
    known = {
        "time": times,
        "frame": np.arange(n),
        "missing": np.zeros(n),
        "roi_kind": np.array(["pupil"]),
        **values,
    }
    dataset = blank_outcome("pupil", {"time": n, "roi": ["pupil"], "space": ("x", "y")}, known)
    text = f"only one pupil is read; not used: {', '.join(others)}"
    flags = [Flag("N304", text)] if others else []
    return imported_parts("pupil", {"": dataset}, path, FORM, flags)


# ---------------------------------------------------------------- states


def _states(table: Mapping[str, Any], path: Path) -> OutcomeParts:
    """Make the outcome `states` of intervals: bouts and what follows from them; there are no frames."""
    start, stop = table["start"], table["stop"]
    order = np.argsort(start, kind="stable")
    start, stop = start[order], stop[order]
    names = sorted(set(table["labels"]), key=lambda text: (len(text), text))
    labels = np.array([names.index(table["labels"][k]) + 1 for k in order], np.int64)
    n = len(names)
    length = stop - start
    lengths = [length[labels == k] for k in range(1, n + 1)]
    counts = np.zeros((n, n))
    np.add.at(counts, (labels[:-1] - 1, labels[1:] - 1), 1)
    total = float(length.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        known = {
            "time": np.empty(0),
            "bout_start": start,
            "bout_stop": stop,
            "bout_label": labels,
            "occupancy_time": np.array([some.sum() for some in lengths]),
            "occupancy": np.array([some.sum() for some in lengths]) / total,
            "n_bouts": np.array([len(some) for some in lengths]),
            "bout_rate": np.array([len(some) for some in lengths]) / total * 60,
            "dwell_mean": np.array([some.mean() for some in lengths]),
            "dwell_median": np.array([np.median(some) for some in lengths]),
            "dwell_cv": np.array([some.std() / some.mean() for some in lengths]),
            "dwell_longest": np.array([some.max() for some in lengths]),
            "latency": np.array([start[labels == k][0] - start[0] for k in range(1, n + 1)]),
            "transition_count": counts,
            "transition_probability": counts / counts.sum(1, keepdims=True),
        }
    numbers = np.arange(1, n + 1)
    dims: dict[str, Any] = {"state": numbers, "next_state": numbers, "bout": len(start), "time": 0}
    dims |= dict.fromkeys(("feature", "other_feature", "kinematic", "candidate"), 0)
    dataset = blank_outcome("states", dims, known)
    dataset.attrs["state_names"] = names
    return imported_parts("states", {"": dataset}, path, FORM)

"""What is read of an NWB file, in a child process with limits: units and series of regions, as plain data."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.typing import Float64, Shaped
from mystax.errors import FormatError, nearest
from mystax.io.guarded import check_hdf5
from mystax.io.nwb.foreign_parts import clock_of

__all__ = ["plain_nwb"]

MEMORY = 4 << 30
MAX_PIXELS = 1 << 28
"""Image masks up to this many pixels in all are read for the places of regions."""
KINDS = ("DfOverF", "Fluorescence")
"""Containers of series, the preferred ones first."""


def plain_nwb(path: str, series: str = "", signal: str = "") -> dict[str, Any]:
    """Read the units, or one series of regions, of an NWB file.

    Parameters
    ----------
    path : str
        The file.
    series : str, optional
        Name (or path) of a `RoiResponseSeries`; by default units if there are any, else the best series.
    signal : str, optional
        deconvolved prefers series of that name.

    Returns
    -------
    dict
        `kind` (units or series) and its data.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if there is neither, or the choice is open.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file, memory=MEMORY)
            found = _series(file)
            has_units = "spike_times" in file.get("units", ())
            if not series and has_units and signal in ("", "spikes"):
                return {"kind": "units", **_units(file, where)}
            if not found:
                raise FormatError(
                    "F804",
                    where,
                    expected="units with spike_times, or a RoiResponseSeries",
                    got=", ".join(file) or "an empty file",
                )
            chosen = _choose(found, series, signal, where)
            return {"kind": "series", "name": chosen, "series": [*found], **_traces(file, chosen, where)}
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
        raise FormatError("F804", where, f"the file cannot be read as NWB ({error})") from error


def _kind(item: Any) -> str:
    """Return the NWB type of an object."""
    value = item.attrs.get("neurodata_type", "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _series(file: h5py.File) -> dict[str, str]:
    """List the series of regions: path to the type of their container."""
    found: dict[str, str] = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and _kind(item) == "RoiResponseSeries" and "data" in item:
            found[name] = _kind(item.parent)

    file.visititems(look)
    return found


def _choose(found: dict[str, str], series: str, signal: str, where: str) -> str:
    """Pick the series that is asked for, or the one that is preferred."""
    if series:
        wanted = series.strip("/")
        fits = [path for path in found if wanted in (path, path.rsplit("/", 1)[-1])]
        if len(fits) == 1:
            return fits[0]
        raise FormatError(
            "F804", where, f"there is no one series {series!r}{nearest(series, found)}", got=", ".join(found)
        )

    def rank(path: str) -> tuple[int, int]:
        name = path.lower()
        is_deconvolved = "deconv" in name or "spike" in name
        kind = KINDS.index(found[path]) if found[path] in KINDS else len(KINDS)
        return ("neuropil" in name) + (is_deconvolved != (signal == "deconvolved")), kind

    best = min(rank(path) for path in found)
    fits = [path for path in found if rank(path) == best]
    if len(fits) > 1:
        raise FormatError(
            "F804",
            where,
            "which series is meant?",
            expected="one series of regions",
            got=", ".join(fits),
            hint="name one: --series NAME",
        )
    return fits[0]


def _texts(item: Any) -> list[str]:
    return [str(one) for one in item.asstr()[...]]


def _is_texts(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype) is not None


def _ends(table: h5py.Group, column: str, length: int, where: str) -> Shaped[np.ndarray, " row"]:
    """Read the cumulative ends of a ragged column."""
    ends = np.asarray(table[f"{column}_index"][...]).astype(np.int64)
    if len(ends) and (ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] != length):
        raise FormatError(
            "F804",
            f"{where}:{table.name}/{column}_index",
            expected=f"rising ends up to {length}",
            got=f"{ends[:3].tolist()}..{ends[-1:].tolist()}",
        )
    return ends


def _units(file: h5py.File, where: str) -> dict[str, Any]:
    """Read spikes, times of observation, places and judgements."""
    table = file["units"]
    times = np.asarray(table["spike_times"][...], np.float64)
    ends = _ends(table, "spike_times", len(times), where)
    n = len(ends)
    made: dict[str, Any] = {
        "spike_times": times,
        "ends": ends,
        "ids": np.asarray(table["id"][...], np.int64) if "id" in table else np.arange(n),
        "quality": _labels(table, n),
        "observed": None,
    }
    if "obs_intervals" in table and "obs_intervals_index" in table:
        intervals = np.asarray(table["obs_intervals"][...], np.float64).reshape(-1, 2)
        stops = _ends(table, "obs_intervals", len(intervals), where)
        made["observed"] = np.split(intervals, stops[:-1]) if len(stops) else []
    return {**made, **_electrodes(file, table, n)}


def _labels(table: h5py.Group, n: int) -> list[str] | None:
    """Read the column that judges units, if it holds texts."""
    for name in ("quality", "group", "KSLabel", "cluster_group"):
        if _is_texts(table.get(name)) and len(table[name]) == n:
            return [text.lower() for text in _texts(table[name])]
    return None


def _electrodes(file: h5py.File, table: h5py.Group, n: int) -> dict[str, Any]:
    """Find place and area of each unit by its first electrode, or in a column of its own."""
    place, area = np.full((n, 3), np.nan), [""] * n
    known = file.get("general/extracellular_ephys/electrodes")
    rows = _first_electrode(table, n)
    if isinstance(known, h5py.Group) and rows is not None:
        for axis, name in enumerate(("x", "y", "z")):
            column = known.get(name)
            if isinstance(column, h5py.Dataset) and column.dtype.kind == "f" and column.ndim == 1:
                values = np.asarray(column[...], np.float64)
                inside = (rows >= 0) & (rows < len(values))
                place[inside, axis] = values[rows[inside]]
        if _is_texts(known.get("location")):
            places = _texts(known["location"])
            area = [places[row] if 0 <= row < len(places) else "" for row in rows]
    for name in ("location", "brain_area", "area"):
        if _is_texts(table.get(name)) and len(table[name]) == n:
            area = _texts(table[name])
            break
    return {"place": place, "area": area}


def _first_electrode(table: h5py.Group, n: int) -> Shaped[np.ndarray, " unit"] | None:
    """Return the row of the first electrode of each unit; -1 where it has none."""
    column = table.get("electrodes")
    if not isinstance(column, h5py.Dataset) or column.dtype.kind not in "iu" or column.ndim != 1:
        return None
    rows = np.asarray(column[...], np.int64)
    if "electrodes_index" not in table:
        return rows if len(rows) == n else None
    ends = np.asarray(table["electrodes_index"][...], np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    return np.array(
        [rows[a] if a < b <= len(rows) else -1 for a, b in zip(starts, ends, strict=True)], np.int64
    )


def _traces(file: h5py.File, path: str, where: str) -> dict[str, Any]:
    """Read a series: values as they lie in the file, with their factor, times and regions."""
    group = file[path]
    data = group["data"]
    if data.ndim == 1:
        values = np.asarray(data[...])[:, None]
    elif data.ndim == 2:
        values = np.asarray(data[...])
    else:
        raise FormatError("F804", f"{where}:{path}", expected="data with two axes", got=f"{data.shape}")
    factor, offset = (float(data.attrs.get(key, usual)) for key, usual in (("conversion", 1), ("offset", 0)))
    made = clock_of(group) | _regions(file, group)
    if factor != 1 or offset != 0:
        values = values.astype(np.float32) * np.float32(factor) + np.float32(offset)
    return {"values": np.asarray(values, np.float32), **made}


def _regions(file: h5py.File, series: h5py.Group) -> dict[str, Any]:
    """Read numbers, places and judgement of the regions of a series."""
    rows = series.get("rois")
    nothing = {"ids": None, "place": None, "quality": None}
    if not isinstance(rows, h5py.Dataset) or rows.dtype.kind not in "iu":
        return nothing
    chosen = np.asarray(rows[...], np.int64)
    reference = rows.attrs.get("table")
    table = file[reference] if isinstance(reference, h5py.Reference) and reference else None
    if not isinstance(table, h5py.Group):
        return {**nothing, "ids": chosen}
    ids = np.asarray(table["id"][...], np.int64) if "id" in table else np.arange(int(chosen.max()) + 1)
    if len(chosen) and not (0 <= chosen.min() <= chosen.max() < len(ids)):
        return {**nothing, "ids": chosen}
    middles = _middles(table, len(ids))
    quality = None
    for name in ("iscell", "is_cell", "accepted", "Accepted"):
        column = table.get(name)
        if isinstance(column, h5py.Dataset) and len(column) == len(ids) and column.dtype.kind in "iufb":
            values = np.asarray(column[...])
            flags = (values[:, 0] if values.ndim == 2 else values)[chosen] > 0
            quality = ["cell" if one else "not_cell" for one in flags]
            break
    return {"ids": ids[chosen], "place": None if middles is None else middles[chosen], "quality": quality}


def _middles(table: h5py.Group, n: int) -> Float64[np.ndarray, "region space"] | None:
    """Return the middle of each region by its pixels (x, y, weight) or its mask (x, y): NWB has x first."""
    place = np.full((n, 3), np.nan)
    pixels, index = table.get("pixel_mask"), table.get("pixel_mask_index")
    if isinstance(pixels, h5py.Dataset) and isinstance(index, h5py.Dataset) and pixels.dtype.names:
        values, ends = pixels[...], np.asarray(index[...], np.int64)
        for k, (start, stop) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            some = values[start:stop]
            if k < n and len(some):
                weights = np.maximum(some["weight"].astype(np.float64), 1e-12)
                place[k, :2] = [np.average(some[axis], weights=weights) for axis in ("x", "y")]
        return place
    masks = table.get("image_mask")
    if isinstance(masks, h5py.Dataset) and masks.ndim == 3 and masks.size <= MAX_PIXELS and len(masks) == n:
        for k in range(n):
            mask = np.asarray(masks[k], np.float64)
            if mask.sum() > 0:
                x, y = np.nonzero(mask)
                place[k, :2] = [np.average(axis, weights=mask[x, y]) for axis in (x, y)]
        return place
    return None

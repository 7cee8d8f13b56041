"""suite2p folders: `plane0`, or their parent with all planes."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d

from mystax.core.quality import Flag
from mystax.core.typing import Float32, Float64, Int64
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.neural.slabs import FileMatrix, Joined, Matrix, Subtracted
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.npy_files import read_npy, read_pickled_npy

__all__ = ["is_suite2p", "plain_places", "plane_folders", "read_suite2p", "without_baseline"]

NEUROPIL = 0.7
SMOOTH, WINDOW = 10.0, 60.0
"""Gaussian (sd) and window of the baseline [s]."""
ACTIVITY = ("spks.npy", "F.npy")
MAX_OBJECTS = 50_000_000
"""Objects of a `stat.npy`: suite2p writes about 170 for every region."""
MEMORY, SECONDS = 10 << 30, 600


def plane_folders(folder: Path) -> list[Path]:
    """List the planes of a folder: itself, those in it, or those in its `suite2p` folder; in their order."""
    if any((folder / name).is_file() for name in ACTIVITY):
        return [folder]
    for parent in (folder, folder / "suite2p"):
        found = [
            path
            for path in parent.glob("plane*")
            if re.fullmatch(r"plane\d+", path.name) and any((path / name).is_file() for name in ACTIVITY)
        ]
        if found:
            return sorted(found, key=lambda path: int(path.name[5:]))
    return []


def is_suite2p(folder: Path) -> bool:
    """Tell whether a folder holds what suite2p writes."""
    return bool(plane_folders(folder))


def read_suite2p(folder: Path, *, signal: str | None = None) -> NeuralSource:
    """Read a suite2p folder; planes are joined.

    Parameters
    ----------
    folder : Path
        ``plane0``, its parent, or the parent of that.
    signal : {"deconvolved", "fluorescence"}, optional
        `spks.npy`, or ``F.npy - 0.7 Fneu.npy``; by default the first that is there.

    Returns
    -------
    NeuralSource
        Activity without times; cells and others by `iscell.npy`.

    Raises
    ------
    FormatError
        F801-F804, if a file is refused or the files do not fit together.
    """
    planes = plane_folders(folder)
    if signal is None:
        signal = "deconvolved" if (planes[0] / "spks.npy").is_file() else "fluorescence"
    options, flags = _options(planes)
    numbers = [int(path.name[5:]) if re.fullmatch(r"plane\d+", path.name) else 0 for path in planes]
    parts: list[tuple[Matrix, Int64[np.ndarray, ...]]] = []
    tables: list[Neurons] = []
    files: list[Path] = []
    for number, path in zip(numbers, planes, strict=True):
        matrix, read = _matrix(path, signal)
        parts.append((matrix, np.arange(matrix.shape[1])))
        table, more, seen = _table(path, matrix.shape[1], number)
        tables.append(table)
        flags += more
        files += [*read, *seen]
    lengths = [matrix.shape[0] for matrix, _ in parts]
    if max(lengths) - min(lengths) > 1:
        raise FormatError(
            "F804",
            folder.name,
            "planes of different length",
            expected="equal numbers of frames",
            got=f"{lengths}",
        )
    rate, n_planes = options.get("fs"), options.get("nplanes", max(len(planes), max(numbers) + 1))
    return NeuralSource(
        format="suite2p",
        where=f"{planes[0].name}/{files[0].name}",
        signal=signal,
        neurons=_joined(tables),
        matrix=Joined(parts, min(lengths)),
        rate=rate,
        plane_delay=None if rate is None else float(1 / rate) / float(n_planes),
        has_baseline=signal == "fluorescence",
        files=files,
        counts={"n_planes": len(planes), "frames_per_plane": lengths},
        flags=tuple(flags),
    )


def without_baseline(
    traces: Float32[np.ndarray, "time neuron"], rate: float
) -> Float32[np.ndarray, "time neuron"]:
    """Take a moving baseline off fluorescence: Gaussian of 10 s, then minimum and maximum over 60 s.

    It is not divided by: baselines can be near zero or negative.

    Parameters
    ----------
    traces : array (time, neuron)
        Fluorescence.
    rate : float
        Frames per second.

    Returns
    -------
    array (time, neuron)
        What lies above the baseline.
    """
    width = max(1, round(WINDOW * rate))
    smooth = gaussian_filter1d(traces, SMOOTH * rate, axis=0)
    low = maximum_filter1d(minimum_filter1d(smooth, width, axis=0), width, axis=0)
    return np.asarray(traces - low, np.float32)


def _joined(tables: list[Neurons]) -> Neurons:
    """Put the tables of the planes together; numbers go on from plane to plane."""
    if len(tables) == 1:
        return tables[0]
    starts = np.cumsum([0, *(len(table) for table in tables[:-1])])
    return Neurons(
        np.concatenate([table.ids + start for table, start in zip(tables, starts, strict=True)]),
        np.concatenate([table.place for table in tables]),
        tables[0].unit,
        np.concatenate([table.area for table in tables]),
        np.concatenate([table.quality for table in tables]),
        np.concatenate([table.plane for table in tables]),
    )


def _matrix(folder: Path, signal: str) -> tuple[Matrix, list[Path]]:
    """Open the activity of a plane: neurons x frames in the files."""
    if signal == "deconvolved":
        path = _there(folder / "spks.npy")
        return FileMatrix(path, is_time_first=False), [path]
    if signal != "fluorescence":
        raise FormatError(
            "F804", folder.name, f"there is no signal {signal!r}", expected="deconvolved or fluorescence"
        )
    raw = _there(folder / "F.npy")
    first = FileMatrix(raw, is_time_first=False)
    around = folder / "Fneu.npy"
    if not around.is_file():
        return first, [raw]
    second = FileMatrix(around, is_time_first=False)
    if first.shape != second.shape:
        raise FormatError(
            "F804",
            f"{folder.name}/Fneu.npy",
            expected=f"{first.shape[::-1]} as in F.npy",
            got=f"{second.shape[::-1]}",
        )
    return Subtracted(first, second, NEUROPIL), [raw, around]


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FormatError("F804", path.parent.name, f"there is no {path.name}")
    return path


def _options(planes: list[Path]) -> tuple[dict[str, Any], list[Flag]]:
    """Read rate and number of planes; an `ops.npy` that is refused is only remarked."""
    path = planes[0] / "ops.npy"
    if not path.is_file():
        return {}, []
    try:
        content = read_foreign(path, "pickled_npy")
    except FormatError as error:
        return {}, [Flag(error.code, f"ops.npy is not used: {error}")]
    found: dict[str, Any] = {}
    if isinstance(content, dict):
        rate, n_planes = _number(content.get("fs")), _number(content.get("nplanes"))
        if rate > 0:
            found["fs"] = Fraction(rate).limit_denominator(10**6)
        if n_planes >= 1:
            found["nplanes"] = int(n_planes)
    return found, []


def _number(value: Any) -> float:
    """Return a finite number; 0 for anything else."""
    if isinstance(value, int | float | np.integer | np.floating) and np.isfinite(value):
        return float(value)
    return 0.0


def _table(folder: Path, n: int, plane: int) -> tuple[Neurons, list[Flag], list[Path]]:
    """Read which of the detected are cells, and where they are."""
    quality, files = None, []
    path = folder / "iscell.npy"
    if path.is_file():
        values = read_npy(path)
        flags = values[:, 0] if values.ndim == 2 and values.shape[1] else values
        if flags.shape != (n,):
            raise FormatError(
                "F804",
                f"{folder.name}/iscell.npy",
                expected=f"{n} rows, as in the activity",
                got=f"{values.shape}",
            )
        quality = ["cell" if one else "not_cell" for one in flags > 0]
        files.append(path)
    place, remarks = _places(folder, n)
    if place is not None:
        files.append(folder / "stat.npy")
    table = Neurons.of(np.arange(n), place=place, unit="px", quality=quality, plane=np.full(n, plane))
    return table, remarks, files


def plain_places(path: str) -> Float64[np.ndarray, "neuron space"]:
    """Read the middles of all regions of a `stat.npy`, in a child process.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    array (neuron, 3)
        x and y [px] of each region (`med` is y, x); NaN where there is none.

    Raises
    ------
    FormatError
        F801-F804, if the file is refused.
    """
    content = read_pickled_npy(path, max_objects=MAX_OBJECTS)
    rows = list(content) if isinstance(content, list | np.ndarray) else []
    place = np.full((len(rows), 3), np.nan)
    for k, row in enumerate(rows):
        middle = row.get("med") if isinstance(row, dict) else None
        if isinstance(middle, list | tuple | np.ndarray) and len(middle) == 2:
            place[k, :2] = _number(middle[1]), _number(middle[0])
    return place


def _places(folder: Path, n: int) -> tuple[Float64[np.ndarray, "neuron space"] | None, list[Flag]]:
    """Read the places of the neurons; a `stat.npy` that is refused is only remarked."""
    path = folder / "stat.npy"
    if not path.is_file():
        return None, []
    try:
        place = read_foreign(path, "suite2p_places", memory=MEMORY, seconds=SECONDS)
    except FormatError as error:
        return None, [Flag(error.code, f"stat.npy is not used, places are unknown: {error}")]
    if len(place) != n:
        raise FormatError(
            "F804",
            f"{folder.name}/stat.npy",
            expected=f"{n} rows, as in the activity",
            got=str(len(place)),
        )
    return np.asarray(place), []

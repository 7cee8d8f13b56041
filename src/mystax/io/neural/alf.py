"""ALF folders (International Brain Laboratory): spikes of clusters, or imaging; of revisions the newest."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Float64, Shaped
from mystax.errors import ExtraMissing, FormatError
from mystax.io.neural.slabs import FileMatrix, Joined, Matrix, Subtracted
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.neural.suite2p import NEUROPIL
from mystax.io.npy_files import npy_layout, read_npy
from mystax.io.parquet import read_parquet

__all__ = ["AlfFile", "alf_files", "find_alf", "read_alf"]

NAME = re.compile(
    r"(?:_\w+?_)?(?P<thing>[A-Za-z]\w*)\.(?P<attribute>[A-Za-z]\w*)(?:\.[\w-]+)*\.(?P<suffix>npy|csv|tsv|pqt)"
)
REVISION = re.compile(r"#(?P<date>\d{4}-\d{2}-\d{2}[^#]*)#")
MAX_TEXT = 256 << 20
GOOD_LABEL = 1.0
LABELS = ("label", "ks2_label")
"""Columns of the table of metrics: share of passed criteria, or the judgement of the sorter."""


@dataclass(frozen=True, slots=True)
class AlfFile:
    """One file of an object: `<object>.<attribute>.<suffix>`, perhaps in a revision folder."""

    thing: str
    attribute: str
    path: Path
    revision: str


def revision_folders(folder: Path) -> list[tuple[str, Path]]:
    """List a folder of ALF files and its revisions (``#2024-03-01#``) with their dates, the oldest first."""
    places = [("", folder)]
    for path in folder.iterdir():
        match = REVISION.fullmatch(path.name)
        if match and path.is_dir():
            places.append((match["date"], path))
    return sorted(places)


def alf_files(folder: Path) -> dict[str, Path]:
    """List the files of a folder by ``object.attribute``; of several revisions the newest wins, file by file.

    Parameters
    ----------
    folder : Path
        A folder of ALF files, with or without folders ``#2024-03-01#``; the plain folder is the oldest.

    Returns
    -------
    dict
        ``spikes.times`` and so on to the file.
    """
    best: dict[str, AlfFile] = {}
    for revision, place in revision_folders(folder) if folder.is_dir() else ():
        for path in place.iterdir():
            match = NAME.fullmatch(path.name)
            if match and path.is_file():
                found = AlfFile(match["thing"], match["attribute"], path, revision)
                key = f"{found.thing}.{found.attribute}"
                if key not in best or (revision, path.name) > (best[key].revision, best[key].path.name):
                    best[key] = found
    return {key: found.path for key, found in best.items()}


def find_alf(folder: Path) -> Path | None:
    """Find the folder of neural ALF files: this one, its `alf`, or the only one with some below that.

    Raises
    ------
    FormatError
        F804, if there are several (probes, fields of view): the user names one.
    """
    for root in (folder, folder / "alf"):
        if _has_neurons(root):
            return root
        below = [path for depth in ("*", "*/*") for path in sorted(root.glob(depth)) if path.is_dir()]
        found = [path for path in below if not REVISION.fullmatch(path.name) and _has_neurons(path)]
        if len(found) > 1:
            raise FormatError(
                "F804",
                folder.name,
                "several folders hold neural data",
                expected="one of them",
                got=", ".join(str(path.relative_to(folder)) for path in found[:12]),
            )
        if found:
            return found[0]
    return None


def _has_neurons(folder: Path) -> bool:
    known = alf_files(folder)
    return {"spikes.times", "spikes.clusters"} <= set(known) or any(
        key.startswith("mpci.ROI") for key in known
    )


def read_alf(folder: Path, *, signal: str | None = None) -> NeuralSource:
    """Read spikes or imaging of an ALF folder.

    Parameters
    ----------
    folder : Path
        The folder, its session, or its `alf`.
    signal : str, optional
        spikes, deconvolved or fluorescence; by default the first of these that is there.

    Returns
    -------
    NeuralSource
        With times.

    Raises
    ------
    FormatError
        F801-F804, if a file is refused, or rows of one object differ in number.
    """
    place = find_alf(folder)
    if place is None:
        raise FormatError("F804", folder.name, expected="spikes.times or mpci.* files", got="none")
    files = alf_files(place)
    if "spikes.times" in files and signal in (None, "spikes"):
        return _spikes(place, files)
    return _imaging(place, files, signal)


def _column(files: dict[str, Path], key: str, n: int, what: str) -> Shaped[np.ndarray, "row ..."] | None:
    """Read an attribute, whose rows must be as many as the object has."""
    path = files.get(key)
    if path is None or path.suffix != ".npy":
        return None
    values = read_npy(path)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values) != n:
        raise FormatError(
            "F804",
            path.name,
            "rows of one object differ",
            expected=f"{n} rows, as in {what}",
            got=str(len(values)),
        )
    return values


def _spikes(folder: Path, files: dict[str, Path]) -> NeuralSource:
    """Read spikes and the table of clusters."""
    times = read_npy(files["spikes.times"]).reshape(-1).astype(np.float64)
    clusters = _column(files, "spikes.clusters", len(times), "spikes.times")
    if clusters is None or clusters.dtype.kind not in "iu" or (len(clusters) and int(clusters.min()) < 0):
        raise FormatError("F804", f"{folder.name}/spikes.clusters", expected="whole numbers from 0")
    lengths, remarks = _lengths(files)
    n = max([*lengths.values(), int(clusters.max()) + 1 if len(clusters) else 0])
    if len(set(lengths.values())) > 1:
        raise FormatError("F804", folder.name, "rows of one object differ", got=str(lengths))
    if lengths and n > next(iter(lengths.values())):
        raise FormatError(
            "F804",
            folder.name,
            expected=f"clusters below {next(iter(lengths.values()))}",
            got=f"cluster {n - 1}",
        )
    bad = np.flatnonzero(~np.isfinite(times))
    if len(bad):
        raise FormatError(
            "F804", files["spikes.times"].name, "a time is not finite", got=f"row {int(bad[0])}"
        )
    order = np.argsort(times, kind="stable")
    readable = {key: path for key, path in files.items() if key in lengths or path.suffix != ".npy"}
    neurons, flags = _clusters(readable, n)
    return NeuralSource(
        format="alf",
        where=f"{folder.name}/{files['spikes.times'].name}",
        signal="spikes",
        neurons=neurons,
        spike_time=times[order],
        spike_neuron=clusters.astype(np.int32)[order],
        files=[files[key] for key in sorted(files) if key.split(".")[0] in ("spikes", "clusters")],
        counts={"n_spikes": len(times), "n_clusters": n},
        flags=(*remarks, *flags),
    )


def _lengths(files: dict[str, Path]) -> tuple[dict[str, int], list[Flag]]:
    """Read the numbers of rows of what is known of clusters; a file that is refused is only remarked."""
    found: dict[str, int] = {}
    flags: list[Flag] = []
    for key, path in files.items():
        if key.startswith("clusters.") and path.suffix == ".npy":
            try:
                shape = npy_layout(path).shape
                if not shape:
                    raise FormatError(
                        "F804", path.name, expected="one row for each cluster", got="one number"
                    )
                found[key] = shape[0]
            except FormatError as error:
                flags.append(Flag(error.code, f"{path.name} is not used: {error}"))
    return found, flags


def _clusters(files: dict[str, Path], n: int) -> tuple[Neurons, tuple[Flag, ...]]:
    """Read depths, areas and judgements of clusters; what cannot be read is said."""
    place = np.full((n, 3), np.nan)
    depths = _column(files, "clusters.depths", n, "clusters")
    if depths is not None:
        place[:, 2] = depths
    area = None
    for key in ("clusters.brainLocationAcronyms_ccf_2017", "clusters.acronym", "clusters.acronyms"):
        texts = _column(files, key, n, "clusters")
        if texts is not None and texts.dtype.kind in "US":
            area = [str(text) for text in texts.astype(np.str_)]
            break
    label = _column(files, "clusters.label", n, "clusters")
    flags: tuple[Flag, ...] = ()
    if label is None:
        try:
            label = _metric(files.get("clusters.metrics"), n)
        except ExtraMissing as error:
            text = f"judgements of clusters are not read, since pyarrow is not installed: {error.hint}"
            flags = (Flag("N308", text),)
    quality = None
    if label is not None and label.dtype.kind in "fiu":
        judged = np.where(label >= GOOD_LABEL, "good", "mua")
        quality = np.where(np.isnan(label.astype(np.float64)), "unsorted", judged).tolist()
    elif label is not None:
        quality = [str(one).lower() for one in label]
    return Neurons.of(np.arange(n), place=place, area=area, quality=quality), flags


def _metric(path: Path | None, n: int) -> Shaped[np.ndarray, " cluster"] | None:
    """Read the judgement of every cluster from the table of metrics; rows belong to their `cluster_id`."""
    if path is None or path.suffix == ".npy" or path.stat().st_size > MAX_TEXT:
        return None
    if path.suffix == ".pqt":
        columns = read_parquet(path, [*LABELS, "cluster_id"])
    else:
        columns = _columns(path)
    for name in LABELS:
        if name in columns and len(columns[name]):
            return _at_clusters(columns[name], columns.get("cluster_id"), n)
    return None


def _columns(path: Path) -> dict[str, Shaped[np.ndarray, " row"]]:
    """Read the columns of a table of texts that matter here: numbers, where all are numbers."""
    lines = path.read_text("utf-8-sig", "replace").splitlines()
    rows = list(csv.DictReader(lines, delimiter="\t" if path.suffix == ".tsv" else ","))
    found: dict[str, np.ndarray] = {}
    for name in (*LABELS, "cluster_id"):
        if rows and name in rows[0]:
            texts = [row[name] or "" for row in rows]
            try:
                found[name] = np.array([float(text) for text in texts])
            except ValueError:
                found[name] = np.array(texts)
    return found


def _at_clusters(
    values: Shaped[np.ndarray, " row"], ids: Shaped[np.ndarray, " row"] | None, n: int
) -> Shaped[np.ndarray, " cluster"] | None:
    """Put rows at their clusters; without numbers of clusters there must be one row for each."""
    if ids is None or ids.dtype.kind != "f":
        return values if len(values) == n else None
    found = np.full(n, np.nan) if values.dtype.kind == "f" else np.full(n, "", values.dtype)
    known = np.isfinite(ids) & (ids >= 0) & (ids < n)
    found[ids[known].astype(np.int64)] = values[known]
    return found


def _imaging(folder: Path, files: dict[str, Path], signal: str | None) -> NeuralSource:
    """Read activity of regions: time comes first in ALF."""
    has_deconvolved = "mpci.ROIActivityDeconvolved" in files
    if signal is None:
        signal = "deconvolved" if has_deconvolved else "fluorescence"
    key = "mpci.ROIActivityDeconvolved" if signal == "deconvolved" else "mpci.ROIActivityF"
    if key not in files:
        raise FormatError("F804", folder.name, f"there is no {key}", got=", ".join(sorted(files)))
    matrix: Matrix = FileMatrix(files[key], is_time_first=True)
    used = [files[key]]
    if signal != "deconvolved" and "mpci.ROINeuropilActivityF" in files:
        around = FileMatrix(files["mpci.ROINeuropilActivityF"], is_time_first=True)
        if around.shape != matrix.shape:
            raise FormatError(
                "F804",
                around.path.name,
                "rows of one object differ",
                expected=str(matrix.shape),
                got=str(around.shape),
            )
        matrix = Subtracted(matrix, around, NEUROPIL)
        used.append(around.path)
    n_times, n = matrix.shape
    times, more = _times(files, n_times)
    return NeuralSource(
        format="alf",
        where=f"{folder.name}/{files[key].name}",
        signal=signal,
        neurons=_rois(files, n),
        matrix=Joined([(matrix, np.arange(n))], n_times),
        times=times,
        has_baseline=signal == "fluorescence",
        files=[*used, *more],
        counts={"attribute": key},
    )


def _times(files: dict[str, Path], n: int) -> tuple[Float64[np.ndarray, " time"] | None, list[Path]]:
    """Read one time per row, or interpolate it between pairs of sample and time."""
    if "mpci.times" in files:
        values = read_npy(files["mpci.times"]).reshape(-1).astype(np.float64)
        return values, [files["mpci.times"]]
    if "mpci.timestamps" in files:
        path = files["mpci.timestamps"]
        pairs = read_npy(path)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or len(pairs) < 2 or (np.diff(pairs[:, 0]) <= 0).any():
            raise FormatError("F804", path.name, expected="rising pairs (sample, s)", got=f"{pairs.shape}")
        samples = np.arange(n, dtype=np.float64)
        found = np.interp(samples, pairs[:, 0], pairs[:, 1])
        slopes = np.diff(pairs[:, 1]) / np.diff(pairs[:, 0])
        early, late = samples < pairs[0, 0], samples > pairs[-1, 0]
        found[early] = pairs[0, 1] + (samples[early] - pairs[0, 0]) * slopes[0]
        found[late] = pairs[-1, 1] + (samples[late] - pairs[-1, 0]) * slopes[-1]
        return found, [path]
    return None, []


def _rois(files: dict[str, Path], n: int) -> Neurons:
    """Read places and judgements of regions (names unverified: used only where they fit)."""
    place, quality = np.full((n, 3), np.nan), None
    stack = files.get("mpciROIs.stackPos")
    if stack is not None:
        values = read_npy(stack)
        if values.shape == (n, 3) and values.dtype.kind in "iuf":
            place = values.astype(np.float64)
    kinds = files.get("mpciROIs.mpciROITypes")
    if kinds is not None:
        values = read_npy(kinds).reshape(-1)
        if len(values) == n and values.dtype.kind in "iub":
            quality = ["cell" if one else "not_cell" for one in values]
    return Neurons.of(np.arange(n), place=place, unit="px", quality=quality)

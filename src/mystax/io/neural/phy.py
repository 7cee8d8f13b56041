"""Folders of phy and Kilosort: spikes in samples, clusters, and what a person or the sorter thought."""

import ast
import csv
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Float64, Int64, Shaped
from mystax.errors import ClockError, FormatError
from mystax.io.neural.source import NeuralSource, Neurons
from mystax.io.npy_files import read_npy

__all__ = ["is_phy", "read_phy", "sample_rate_of"]

TABLES = (
    "cluster_group.tsv",
    "cluster_group.csv",
    "cluster_groups.csv",  # of phy 1
    "cluster_KSLabel.tsv",
    "cluster_KSLabel.csv",
)
ID_NAMES, LABEL_NAMES = ("cluster_id", "id"), ("group", "kslabel", "label")
"""Names of columns, in small letters; else clusters stand in the first column and labels in the second."""
UNSORTED = "unsorted"
MAX_TEXT = 16 << 20


def is_phy(folder: Path) -> bool:
    """Tell whether a folder holds what phy reads."""
    return (folder / "spike_times.npy").is_file() and any(
        (folder / name).is_file() for name in ("spike_clusters.npy", "spike_templates.npy")
    )


def read_phy(folder: Path, *, sample_rate: Fraction | None = None) -> NeuralSource:
    """Read a folder of phy or Kilosort.

    Parameters
    ----------
    folder : Path
        With `spike_times.npy` and `spike_clusters.npy` (else `spike_templates.npy`).
    sample_rate : Fraction, optional
        Samples per second; by default that of `params.py`, whose text is read and never run.

    Returns
    -------
    NeuralSource
        Spikes [s] and clusters with their quality (`good`, `mua`, `noise`, `unsorted`).

    Raises
    ------
    ClockError
        C207, if the times are samples and their rate is not known.
    FormatError
        F801-F804, if a file is refused or the files do not fit together.
    """
    files = [folder / "spike_times.npy"]
    samples = _row(read_npy(files[0]), "spike_times.npy")
    name = "spike_clusters.npy" if (folder / "spike_clusters.npy").is_file() else "spike_templates.npy"
    clusters = _row(read_npy(folder / name), name)
    files.append(folder / name)
    if len(clusters) != len(samples):
        raise FormatError(
            "F804",
            f"{folder.name}/{name}",
            expected=f"{len(samples)} rows, one per spike",
            got=str(len(clusters)),
        )
    if clusters.dtype.kind not in "iu":
        raise FormatError("F804", f"{folder.name}/{name}", expected="whole numbers", got=str(clusters.dtype))
    times = _seconds(samples, folder, sample_rate)
    ids = np.unique(clusters).astype(np.int64)
    labels, table, flags = _labels(folder, ids)
    files += [table] if table is not None else []
    quality = [labels.get(int(one), UNSORTED) for one in ids]
    order = np.argsort(times, kind="stable")
    positions = np.searchsorted(ids, clusters.astype(np.int64)).astype(np.int32)
    return NeuralSource(
        format="phy",
        where=f"{folder.name}/spike_times.npy",
        signal="spikes",
        neurons=Neurons.of(ids, place=_places(folder, ids, clusters), unit="um", quality=quality),
        spike_time=times[order],
        spike_neuron=positions[order],
        files=files,
        counts={
            "n_spikes": len(times),
            "clusters": {one: quality.count(one) for one in sorted(set(quality))},
        },
        flags=flags,
    )


def _row(values: Shaped[np.ndarray, "..."], name: str) -> Shaped[np.ndarray, " spike"]:
    """Flatten [n], [n, 1] or [1, n]; the number of spikes must be clear."""
    if values.ndim == 0 or values.size != max(values.shape, default=0):
        raise FormatError("F804", name, expected="one row of numbers", got=f"shape {values.shape}")
    return values.reshape(-1)


def _seconds(
    samples: Shaped[np.ndarray, " spike"], folder: Path, sample_rate: Fraction | None
) -> Float64[np.ndarray, " spike"]:
    """Turn samples into seconds; broken numbers are seconds already."""
    where = f"{folder.name}/spike_times.npy"
    if samples.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(samples))
        if len(bad):
            raise ClockError("C206", where, "a time is not finite", got=f"{samples[bad[0]]} at row {bad[0]}")
        return samples.astype(np.float64)
    if samples.dtype.kind not in "iu":
        raise FormatError("F804", where, expected="numbers", got=str(samples.dtype))
    rate = sample_rate or sample_rate_of(folder / "params.py")
    if rate is None:
        raise ClockError(
            "C207",
            where,
            "the times are samples and their rate is not known",
            expected="params.py with sample_rate, or a sample rate",
            got="neither",
            hint="--sample-rate 30000 (or what the recording system used)",
        )
    return np.asarray(samples.astype(np.float64) * (rate.denominator / rate.numerator))


def sample_rate_of(path: Path) -> Fraction | None:
    """Read the sample rate out of `params.py` without running it.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Returns
    -------
    Fraction or None
        Samples per second; None if the file has no such number.
    """
    if not path.is_file() or path.stat().st_size > MAX_TEXT:
        return None
    try:
        tree = ast.parse(path.read_text("utf-8", "replace"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for item in tree.body:
        if isinstance(item, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "sample_rate" for target in item.targets
        ):
            value = item.value.value if isinstance(item.value, ast.Constant) else None
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
                return Fraction(value).limit_denominator(10**6)
    return None


def _labels(
    folder: Path, ids: Int64[np.ndarray, " neuron"]
) -> tuple[dict[int, str], Path | None, tuple[Flag, ...]]:
    """Read the judgement of each cluster: a person's first, else the sorter's; a table with none is said."""
    flags: list[Flag] = []
    for name in TABLES:
        path = folder / name
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_TEXT:
            raise FormatError("F802", name, expected=f"at most {MAX_TEXT} bytes of text")
        known = _judgements(path.read_text("utf-8-sig", "replace").splitlines())
        labels = {int(one): known[int(one)] for one in ids if int(one) in known}
        if labels:
            return labels, path, tuple(flags)
        flags.append(Flag("N308", f"{name} is not used: it has no judgement of a cluster that has spikes"))
    return {}, None, tuple(flags)


def _judgements(lines: list[str]) -> dict[int, str]:
    """Read number and label of clusters from a table; its mark and its columns are found by the first row."""
    head = lines[0] if lines else ""
    mark = next((one for one in "\t;," if one in head), "\t")
    rows = list(csv.reader(lines, delimiter=mark))
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    numbers = next((names.index(name) for name in ID_NAMES if name in names), 0)
    texts = next((names.index(name) for name in LABEL_NAMES if name in names), 1)
    return {
        int(row[numbers]): row[texts].strip().lower()
        for row in rows
        if len(row) > max(numbers, texts) and row[numbers].strip().isdecimal() and row[texts].strip()
    }


def _places(
    folder: Path, ids: Int64[np.ndarray, " neuron"], clusters: Shaped[np.ndarray, " spike"]
) -> Float64[np.ndarray, "neuron space"] | None:
    """Put each cluster at the channel where the template of most of its spikes is largest; z is the depth."""
    wanted = ("channel_positions.npy", "templates.npy")
    if not all((folder / name).is_file() for name in wanted):
        return None
    positions, templates = (read_npy(folder / name) for name in wanted)
    if positions.ndim != 2 or positions.shape[1] < 2 or templates.ndim != 3:
        return None
    channels = np.ptp(templates, axis=1).argmax(axis=1)
    if (folder / "templates_ind.npy").is_file():  # templates on some channels only
        listed = read_npy(folder / "templates_ind.npy")
        if listed.shape != (len(templates), templates.shape[2]):
            return None
        channels = listed[np.arange(len(templates)), channels].astype(np.int64)
    of_spike = clusters
    if (folder / "spike_templates.npy").is_file():
        of_spike = read_npy(folder / "spike_templates.npy").reshape(-1)
    place = np.full((len(ids), 3), np.nan)
    if len(of_spike) != len(clusters):
        return None
    order = np.argsort(clusters, kind="stable")
    starts = np.searchsorted(clusters[order], [*ids, ids[-1] + 1 if len(ids) else 0])
    for k in range(len(ids)):
        used = of_spike[order[starts[k] : starts[k + 1]]].astype(np.int64)
        template = int(np.bincount(used).argmax())
        if template < len(channels) and channels[template] < len(positions):
            place[k, [0, 2]] = positions[channels[template], :2]
    return place

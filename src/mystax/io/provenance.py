"""Where an outcome comes from: the attributes that every outcome carries."""

import contextlib
import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from mystax.core.canonical import canonical_json
from mystax.core.quality import Flag, flags_to_json
from mystax.io.outcome_files import FORMAT

__all__ = ["Provenance", "files_of_cameras", "frames_inputs", "software_versions", "texts_of"]


def software_versions() -> dict[str, str]:
    """Return the versions of mystax and of the packages that its numbers come from."""
    return dict(_software_versions())


@functools.cache
def _software_versions() -> Mapping[str, str]:
    found = {}
    for name in ("mystax", "numpy", "scipy", "numba", "av", "xarray", "h5netcdf", "h5py"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an outcome comes from: its global attributes.

    Attributes
    ----------
    analysis, analysis_version : str, int
        The declaration.
    key : str
        Key of the outcome (`mystax.core.canonical.outcome_key`).
    parameters : mapping
        All parameters, defaults included.
    inputs : sequence of mappings
        Names and fingerprints, no paths.
    coverage : float
        Share of the frames that could be used, 0..1.
    quality : sequence of Flag
        Remarks on the outcome.
    software : mapping
        Package to version.
    run : mapping
        What differs between two equal runs (host, start, duration, paths); written as ``run_<name>``.
    """

    analysis: str
    analysis_version: int
    key: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    inputs: Sequence[Mapping[str, object]] = ()
    coverage: float = 1.0
    quality: Sequence[Flag] = ()
    software: Mapping[str, str] = field(default_factory=software_versions)
    run: Mapping[str, object] = field(default_factory=dict)

    def attributes(self) -> dict[str, object]:
        """Return the global attributes of the outcome."""
        return {
            "mystax_format": FORMAT,
            "analysis": self.analysis,
            "analysis_version": self.analysis_version,
            "key": self.key,
            "parameters": canonical_json(dict(self.parameters), "parameters"),
            "inputs": canonical_json([dict(item) for item in self.inputs], "inputs"),
            "software": canonical_json(dict(self.software), "software"),
            "coverage": float(self.coverage),
            "quality": flags_to_json(self.quality),
            **{f"run_{name}": value for name, value in self.run.items()},
        }


def texts_of(value: object) -> list[str]:
    """Return an attribute that holds a list of texts, in whichever form the file keeps it.

    Parameters
    ----------
    value : object
        One text, a JSON list of texts, a sequence, or None.

    Returns
    -------
    list of str
        The texts.

    Examples
    --------
    >>> texts_of('["a.mp4", "b.mp4"]'), texts_of("a.mp4"), texts_of(None)
    (['a.mp4', 'b.mp4'], ['a.mp4'], [])
    """
    if value is None:
        return []
    if isinstance(value, str):
        found = _json_of(value)  # a single text may itself begin with a bracket
        return [str(item) for item in found] if isinstance(found, list) else [value]
    return [str(item) for item in np.atleast_1d(np.asarray(value, object))]


def frames_inputs(attributes: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the identity of the frames of each camera that an outcome was made from.

    Parameters
    ----------
    attributes : mapping
        Of the outcome.

    Returns
    -------
    dict of str to list of str
        Camera to fingerprints of its files, and options of reading (``name=value``); none where the text
        is not understood.
    """
    taken: dict[str, list[str]] = {}
    found = _json_of(attributes.get("inputs"))
    for entry in found if isinstance(found, list) else []:
        if isinstance(entry, dict) and entry.get("role") == "frames":
            taken.setdefault(str(entry.get("camera", "")), []).append(str(entry.get("id", "")))
    return taken


def files_of_cameras(attributes: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the video files of each camera of the recording that an outcome was made from.

    Parameters
    ----------
    attributes : mapping
        Of the outcome: `run_camera_files`, or in older files `run_files` with the `inputs` to count by.

    Returns
    -------
    dict of str to list of str
        Camera to its files in order, those first that the outcome was made from; none where the attributes
        do not tell.
    """
    found = _json_of(attributes.get("run_camera_files"))
    taken = frames_inputs(attributes)
    if isinstance(found, dict) and all(isinstance(files, list) for files in found.values()):
        names = [*(camera for camera in taken if camera in found), *found]
        return {camera: [str(file) for file in found[camera]] for camera in dict.fromkeys(names)}
    files = texts_of(attributes.get("run_files"))
    counts = {camera: sum("=" not in item for item in ids) for camera, ids in taken.items()}
    if len(taken) <= 1:
        return {next(iter(taken), ""): files} if files else {}
    if sum(counts.values()) != len(files):
        return {}
    rest = iter(files)
    return {camera: list(itertools.islice(rest, count)) for camera, count in counts.items()}


def _json_of(value: object) -> object:
    """Return what a JSON text holds; None where it is not understood."""
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None

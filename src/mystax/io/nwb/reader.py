"""Outcomes out of an NWB file that mystax wrote: by its manifest, in a child process, bit for bit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.guarded import check_hdf5
from mystax.io.layout import rebuild
from mystax.io.outcome_parts import OutcomeParts, check_content

__all__ = [
    "MANIFEST",
    "MANIFEST_PATH",
    "MEMORY",
    "SECONDS",
    "FoundOutcome",
    "manifest_of",
    "plain_outcomes",
    "read_outcomes",
]

MANIFEST = "mystax_manifest"
MANIFEST_PATH = f"scratch/{MANIFEST}"
MEMORY, SECONDS = 12 << 30, 900
MOST_BYTES = 8 << 30
MOST_TEXT = 64 << 20


@dataclass(frozen=True, eq=False, slots=True)
class FoundOutcome:
    """An outcome of a file, with its recording and recipe."""

    recording: str
    recipe: str
    parts: OutcomeParts


def manifest_of(file: h5py.File) -> str | None:
    """Return the text of the manifest of an open file; None if mystax did not write it.

    Raises
    ------
    FormatError
        F802, if it is longer than sensible.
    """
    item = file.get(MANIFEST_PATH)
    if not isinstance(item, h5py.Dataset) or item.shape != () or item.dtype.kind not in "OS":
        return None
    value = item[()]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    if len(text) > MOST_TEXT:
        raise FormatError(
            "F802", MANIFEST_PATH, expected=f"at most {MOST_TEXT} characters", got=str(len(text))
        )
    return text


def plain_outcomes(path: str) -> dict[str, Any]:
    """Read the manifest of an NWB file and every array that it names; meant for a child process.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict
        `manifest` (text) and `arrays` (path to array).

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if mystax did not write it, or an array is missing.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file, memory=MOST_BYTES)
            text = manifest_of(file)
            if text is None:
                raise FormatError("F804", where, expected=f"the text {MANIFEST_PATH}", got="none")
            return {
                "manifest": text,
                "arrays": {name: _array(file, name) for name in _names(json.loads(text))},
            }
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError("F804", where, f"the manifest cannot be followed ({error})") from error


def _names(manifest: Mapping[str, Any]) -> list[str]:
    """List the arrays that a manifest names."""
    return sorted(
        {
            str(part["path"])
            for outcome in manifest["outcomes"]
            for camera in outcome["cameras"].values()
            for variable in camera["variables"].values()
            for part in variable.get("parts", ())
        }
    )


def _array(file: h5py.File, name: str) -> np.ndarray:
    item = file.get(name)
    if not isinstance(item, h5py.Dataset):
        raise KeyError(f"there is no array {name}")
    if item.dtype.kind not in "iufb":
        raise ValueError(f"{name} holds no numbers")
    return np.asarray(item[...])


def read_outcomes(path: Path | str) -> list[FoundOutcome]:
    """Read the outcomes of an NWB file that mystax wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    list of FoundOutcome
        With the digests that they left with, all checked.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused.
    DamagedError
        S502, if a number was changed since the export.
    """
    place = Path(path)
    content = read_foreign(place, "nwb_outcomes", memory=MEMORY, seconds=SECONDS)
    return found_outcomes(content["manifest"], content["arrays"].__getitem__, place.name)


def found_outcomes(manifest: str, fetch: Any, where: str) -> list[FoundOutcome]:
    """Put the outcomes of a manifest together and check their digests.

    Parameters
    ----------
    manifest : str
        JSON text.
    fetch : callable
        Name of an array to the array.
    where : str
        The file, for messages.

    Returns
    -------
    list of FoundOutcome
        All of them.

    Raises
    ------
    FormatError
        F804, if the manifest is not understood.
    DamagedError
        S502, if a number was changed.
    """
    try:
        outcomes = json.loads(manifest)["outcomes"]
        found = [
            FoundOutcome(
                str(one.get("recording", "")), str(one.get("recipe", "")), rebuild(one, fetch, where)
            )
            for one in outcomes
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(
            "F804", where, "the manifest of mystax is not understood", got=str(error)[:80]
        ) from error
    for one in found:
        check_content(one.parts, where)
    return found

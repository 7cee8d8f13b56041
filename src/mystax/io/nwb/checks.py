"""Checks of an NWB file before it gets its name: the library's, the inspector's, and value by value."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.errors import FormatError, InternalError
from mystax.io.nwb import library
from mystax.io.nwb.mapping import Mapped, Object
from mystax.io.nwb.objects import Picture, Pose, Series, Slab, Table

__all__ = ["Remark", "check_valid", "check_values", "inspect"]

Remark = tuple[str, str, str]
"""Importance, name of the check, and message, as the inspector gives them."""

SERIOUS = ("ERROR", "PYNWB_VALIDATION", "CRITICAL", "BEST_PRACTICE_VIOLATION")


def check_valid(part: Path, where: str) -> None:
    """Refuse a file that the library's validation does not take.

    Raises
    ------
    InternalError
        B999, with what the library says.
    """
    with library.quiet():
        problems = library.pynwb().validate(path=str(part))
        if isinstance(problems, tuple):  # older forms return a status too
            problems = problems[0]
    if problems:
        raise InternalError(
            "B999",
            where,
            "the NWB file that was made is not valid",
            expected="no remark of pynwb.validate",
            got=f"{len(problems)}: {str(problems[0])[:200]}",
        )


def _arrays(item: Object) -> Iterator[tuple[str, Slab]]:
    """Give the arrays of an object that hold values of an outcome as they are."""
    if isinstance(item, Series | Picture):
        yield item.path, item.slab
    elif isinstance(item, Table):
        for column in item.columns:
            if column.slab is not None:
                yield item.path(column), column.slab
    elif isinstance(item, Pose):
        for one in item.points:
            yield item.path(one, "data"), one.position
            if one.confidence is not None:
                yield item.path(one, "confidence"), one.confidence


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def check_values(part: Path, mapped: Iterable[Mapped], where: str) -> int:
    """Read every array back and compare it with the outcome.

    Returns
    -------
    int
        Number of arrays.

    Raises
    ------
    InternalError
        B999, naming the first array that differs.
    """
    n = 0
    with h5py.File(part, "r", locking=False) as file:
        for one in mapped:
            arrays = [pair for item in one.objects for pair in _arrays(item)]
            for path, slab in arrays:
                stored: Any = file[path]
                good = stored.shape == slab.shape
                for start, stop in slab.starts():
                    good = good and _equal(np.asarray(stored[start:stop]), slab.read(start, stop))
                _need(good, path, where)
            for item in one.objects:
                if isinstance(item, Series) and item.timeline.rate is None:
                    times = np.asarray(file[item.path.rpartition("/")[0]]["timestamps"])
                    _need(_equal(times, item.timeline.times), f"{item.path}: timestamps", where)
            for name, times in one.times.items():
                _need(_equal(np.asarray(file[f"scratch/{name}"]), times), name, where)
            n += len(arrays)
    return n


def _need(holds: bool, path: str, where: str) -> None:
    if not holds:
        raise InternalError("B999", f"{where}:{path}", "what was written is not what is read back")


def _name_also(part: Path, named: Path) -> None:
    """Give a file a second name; where the file system knows no such thing, copy it."""
    try:
        os.link(part, named)
    except OSError:
        shutil.copyfile(part, named)


def inspect(part: Path, where: str) -> list[Remark]:
    """Run the inspector of NWB files.

    Parameters
    ----------
    part : Path
        The file.
    where : str
        What messages call it.

    Returns
    -------
    list of Remark
        Suggestions, which do not refuse the file.

    Raises
    ------
    ExtraMissing
        X001, if the inspector is not installed.
    FormatError
        F804, if it finds something critical, or against best practice.
    """
    found: list[Remark] = []
    tool = library.inspector()
    with library.quiet():
        # the inspector wants the ending .nwb: a second name, in the same folder for the sake of its videos
        named = part.with_name(f"{part.name}.nwb")
        try:
            _name_also(part, named)
            found = [
                (message.importance.name, message.check_function_name, str(message.message))
                for message in tool.inspect_nwbfile(nwbfile_path=str(named))
            ]
        finally:
            named.unlink(missing_ok=True)
    serious = [remark for remark in found if remark[0] in SERIOUS]
    if serious:
        raise FormatError(
            "F804",
            where,
            f"the inspector of NWB files has {len(serious)} objections",
            expected="nothing critical, nothing against best practice",
            got="; ".join(f"{name}: {text}" for _, name, text in serious[:5]),
            hint="export without --check to have the file all the same",
        )
    return found

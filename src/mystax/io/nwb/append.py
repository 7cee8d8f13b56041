"""Outcomes into an NWB file that exists: on a copy, which takes the place of the file when all is well."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py

from mystax.core.events import Report
from mystax.core.safe_names import is_there
from mystax.errors import FormatError, RecipeError
from mystax.io.nwb import library
from mystax.io.nwb.contents import TABLE, Earlier, Plan, check_part, fill, make_plan
from mystax.io.nwb.foreign import is_own
from mystax.io.nwb.options import NwbOptions
from mystax.io.nwb.reader import MANIFEST_PATH, manifest_of, read_outcomes
from mystax.io.recorded import Recorded
from mystax.io.whole_files import whole_file

__all__ = ["append_nwb"]

OURS = (MANIFEST_PATH, f"processing/behavior/{TABLE}")
"""Objects that every export writes anew."""


def append_nwb(target: Path, recordings: Sequence[Recorded], options: NwbOptions, report: Report) -> Path:
    """Add outcomes to an NWB file.

    Parameters
    ----------
    target : Path
        The file; it stays as it is until the new one is complete and checked.
    recordings : sequence of Recorded
        The outcomes.
    options : NwbOptions
        How; `overwrite` replaces outcomes of an older export.
    report : callable
        Takes events.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RecipeError
        P403, if there is no such file, or a name in it is taken.
    FormatError
        F802-F804, if the file is refused.
    DamagedError
        S502, if what an older export left was changed, and would have to be written again.
    """
    if not is_there(target):
        raise RecipeError("P403", str(target), "there is no such file to append to")
    manifest = _manifest(target) if is_own(target) else {"outcomes": [], "objects": []}
    present = {(str(one.get("recording")), str(one["analysis"])) for one in manifest["outcomes"]}
    wanted = {(one.name, analysis) for one in recordings for analysis in one.outcomes}
    both = sorted({analysis for _, analysis in present} & {analysis for _, analysis in wanted})
    if both and not options.overwrite:
        raise RecipeError(
            "P403",
            f"{target.name}: {', '.join(both)}",
            "an older export left these outcomes in the file",
            hint="--overwrite replaces them",
        )
    old: list[Recorded] = []
    earlier = Earlier(tuple(manifest["outcomes"]), tuple(map(str, manifest["objects"])))
    if both:  # all that is ours is written anew, so that nothing points to what is gone
        old, earlier = _kept(target, wanted), Earlier()
    plan = make_plan(_joined(recordings, old), report, earlier)
    with whole_file(target) as part:
        shutil.copyfile(target, part)
        _remove(part, [*manifest["objects"], *OURS] if both else OURS)
        if both:
            _rewrite(part)
        _add(part, plan, target)
        check_part(part, target, plan, options, report)
    return target


def _manifest(target: Path) -> dict[str, Any]:
    """Read the manifest of an older export; the file was walked before."""
    with h5py.File(target, "r", locking=False) as file:
        text = manifest_of(file) or "{}"
    try:
        found: dict[str, Any] = json.loads(text)
        return {"outcomes": list(found["outcomes"]), "objects": list(found["objects"])}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError("F804", target.name, "the manifest of mystax is not understood") from error


def _kept(target: Path, wanted: set[tuple[str, str]]) -> list[Recorded]:
    """Read the outcomes of the older export that are not replaced."""
    found: dict[str, dict[str, Any]] = {}
    recipes: dict[str, str] = {}
    for one in read_outcomes(target):
        if (one.recording, one.parts.analysis) not in wanted:
            found.setdefault(one.recording, {})[one.parts.analysis] = one.parts
            recipes[one.recording] = one.recipe
    return [Recorded(name, target.parent, outcomes, recipes[name]) for name, outcomes in found.items()]


def _joined(new: Sequence[Recorded], old: Sequence[Recorded]) -> list[Recorded]:
    """Put outcomes of the same recording together; the new ones count."""
    by_name: Mapping[str, Recorded] = {one.name: one for one in old}
    joined = [
        replace(one, outcomes={**by_name[one.name].outcomes, **one.outcomes}) if one.name in by_name else one
        for one in new
    ]
    names = {one.name for one in new}
    return [*joined, *(one for one in old if one.name not in names)]


def _remove(part: Path, paths: Sequence[str]) -> None:
    """Take objects out of a copy."""
    with h5py.File(part, "r+", locking=False) as file:
        for path in paths:
            if path in file:
                del file[path]


def _rewrite(part: Path) -> None:
    """Write a copy anew, so that the room of removed objects is given back."""
    nwb = library.pynwb()
    fresh = part.with_name(f"{part.name}2")
    try:
        with (
            library.quiet(),
            nwb.NWBHDF5IO(str(part), "r", load_namespaces=True) as source,
            nwb.NWBHDF5IO(str(fresh), "w") as file,
        ):
            file.export(src_io=source)
        fresh.replace(part)
    finally:
        fresh.unlink(missing_ok=True)


def _add(part: Path, plan: Plan, target: Path) -> None:
    library.ndx_pose()
    with library.quiet(), library.pynwb().NWBHDF5IO(str(part), "a", load_namespaces=True) as file:
        nwbfile = file.read()
        fill(nwbfile, plan, target)
        file.write(nwbfile)

"""Outcomes as one NWB file: mapped, written as a part, validated, read back, and only then named."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.errors import ParameterError, RecipeError
from mystax.io.nwb import library
from mystax.io.nwb.append import append_nwb
from mystax.io.nwb.contents import Plan, check_part, fill, make_plan
from mystax.io.nwb.options import NwbOptions
from mystax.io.recorded import Recorded
from mystax.io.whole_files import whole_file

__all__ = ["write_nwb"]

DESCRIPTION = "Behaviour measured in videos of the face by mystax."


def write_nwb(
    path: Path | str,
    recordings: Sequence[Recorded],
    options: NwbOptions | None = None,
    report: Report = silent,
) -> Path:
    """Write outcomes as an NWB file.

    Parameters
    ----------
    path : path
        The file.
    recordings : sequence of Recorded
        One recording or several of the same session.
    options : NwbOptions, optional
        How it is written.
    report : callable, optional
        Takes events: what is assumed or left out is said.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ExtraMissing
        X001, if pynwb is not installed.
    ParameterError
        P401, if the session start is not known.
    RecipeError
        P403, if the file exists, or a name in it is taken.
    FormatError
        F804, if the inspector objects (`check`), or the file to append to is no NWB file.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    wishes = options or NwbOptions()
    target = Path(path)
    library.pynwb()
    library.ndx_pose()
    if wishes.check:
        library.inspector()
    if wishes.append:
        return append_nwb(target, recordings, wishes, report)
    if is_there(target) and not wishes.overwrite:
        raise RecipeError(
            "P403", str(target), "the file exists", hint="--append adds to it, --overwrite replaces it"
        )
    plan = make_plan(recordings, report)
    nwbfile = _new_file(plan, wishes, report)
    with whole_file(target) as part:
        _write(nwbfile, plan, target, part)
        check_part(part, target, plan, wishes, report)
    return target


def _new_file(plan: Plan, options: NwbOptions, report: Report) -> Any:
    """Make the file in memory, with its subject."""
    start = options.start
    if start is None:
        known = [video.created for found in plan.videos.values() for video in found.values() if video.created]
        if not known:
            raise ParameterError(
                "P401",
                "--start",
                "no video says when it was recorded",
                expected="a date and time, such as 2024-03-01T10:00:00+01:00",
                got="none",
                hint="mystax export ... --start 2024-03-01T10:00:00+01:00",
            )
        start = min(known)
        report(Event("note", "export", text=f"session start: {start.isoformat()}, from the video's header"))
    if start.tzinfo is None:
        start = start.astimezone()
    keys = sorted(str(parts.attributes.get("key", "")) for _, _, parts in plan.outcomes())
    nwb = library.pynwb()
    missing = options.subject.missing()
    if missing:
        report(
            Event(
                "note", "export", text=f"the subject is not fully known: archives want {', '.join(missing)}"
            )
        )
    subject = nwb.file.Subject(
        subject_id=options.subject.subject_id or plan.recordings[0].name.replace("/", "-"),
        species=options.subject.species or "http://purl.obolibrary.org/obo/NCBITaxon_33208",
        sex=options.subject.sex or "U",
        age=options.subject.age or "P0D/",
        description="The animal or person in the videos."
        + (" Not told at export: " + ", ".join(missing).replace("--", "") if missing else ""),
    )
    return nwb.NWBFile(
        session_description=DESCRIPTION,
        identifier=hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32],
        session_start_time=start,
        subject=subject,
    )


def _write(nwbfile: Any, plan: Plan, target: Path, part: Path) -> None:
    with library.quiet():
        fill(nwbfile, plan, target)
        with library.pynwb().NWBHDF5IO(str(part), "w") as file:
            file.write(nwbfile, cache_spec=True)

"""Outcomes as one NWB file: mapped, written as a part, validated, read back, and only then named."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.quality import flags_from_json
from mystax.core.safe_names import is_there
from mystax.errors import MystaxError, ParameterError, RecipeError
from mystax.io.layout import describe, numbers_text
from mystax.io.nwb import library
from mystax.io.nwb.build import Builder
from mystax.io.nwb.checks import check_valid, check_values, inspect
from mystax.io.nwb.mapping import Mapped, Timelines, map_outcome
from mystax.io.nwb.naming import Names
from mystax.io.nwb.roles import ROLES
from mystax.io.nwb.videos import CameraVideo, camera_videos
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.recorded import Recorded
from mystax.io.whole_files import whole_file

__all__ = ["MANIFEST", "TABLE", "NwbOptions", "SubjectFacts", "write_nwb"]

MANIFEST, TABLE = "mystax_manifest", "mystax_outcomes"
DESCRIPTION = "Behaviour measured in videos of the face by mystax."


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What NWB wants to know of the animal or person.

    What is not told stands as not known: sex U, an age of 0 days or more, and the taxon of all animals.
    """

    subject_id: str = ""
    species: str = ""
    sex: str = ""
    age: str = ""

    def missing(self) -> list[str]:
        """List the options that were not given."""
        given = {"subject": self.subject_id, "species": self.species, "sex": self.sex, "age": self.age}
        return [f"--{name}" for name, value in given.items() if not value]


@dataclass(frozen=True, slots=True)
class NwbOptions:
    """How an NWB file is written.

    Attributes
    ----------
    start : datetime, optional
        Session start; by default the creation time of the earliest video.
    subject : SubjectFacts
        The animal or person.
    append : bool
        Add to an existing file.
    overwrite : bool
        Replace a file, or in one that is appended to what an older export of the same analyses left.
    verify : bool
        Compare every value after writing.
    check : bool
        Run the inspector too.
    """

    start: datetime | None = None
    subject: SubjectFacts = field(default_factory=SubjectFacts)
    append: bool = False
    overwrite: bool = False
    verify: bool = True
    check: bool = False


@dataclass(frozen=True)
class Earlier:
    """What an older export left in the file that is appended to.

    Attributes
    ----------
    outcomes : tuple of dict
        Descriptions in its manifest.
    objects : tuple of str
        Paths of its objects.
    """

    outcomes: tuple[Mapping[str, Any], ...] = ()
    objects: tuple[str, ...] = ()


@dataclass
class Plan:
    """What one file gets: mapped outcomes by recording, and the videos behind them."""

    recordings: Sequence[Recorded]
    mapped: dict[tuple[int, str], Mapped]
    timelines: Timelines
    videos: dict[int, dict[str, CameraVideo]]
    earlier: Earlier = field(default_factory=Earlier)

    def word(self, k: int) -> str:
        """Return what ends the names of recording `k`: nothing where there is only one."""
        return self.recordings[k].name if len(self.recordings) > 1 else ""

    def outcomes(self) -> Iterator[tuple[int, str, OutcomeParts]]:
        """Give all outcomes in order."""
        for k, one in enumerate(self.recordings):
            for analysis, parts in one.outcomes.items():
                yield k, analysis, parts


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
        from mystax.io.nwb.append import append_nwb

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


def make_plan(recordings: Sequence[Recorded], report: Report, earlier: Earlier | None = None) -> Plan:
    """Map all outcomes and look at the videos behind them."""
    if not any(one.outcomes for one in recordings):
        raise RecipeError("P403", "export", "there are no outcomes to write")
    names, timelines = Names(), Timelines()
    plan = Plan(recordings, {}, timelines, {}, earlier or Earlier())
    for k, one in enumerate(recordings):
        plan.videos[k], notes = camera_videos(one.outcomes, one.folder)
        for note in notes:
            report(Event("note", "export", text=note))
    for k, analysis, parts in plan.outcomes():
        plan.mapped[k, analysis] = map_outcome(parts, ROLES, names, timelines, plan.word(k))
    return plan


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


def fill(nwbfile: Any, plan: Plan, target: Path) -> Builder:
    """Put all objects, the table of outcomes and the manifest into a file."""
    builder = Builder(nwbfile, target, plan.earlier.objects)
    for k, videos in plan.videos.items():
        for camera, found in videos.items():
            key = "_".join(word for word in (camera, plan.word(k)) if word)
            device = builder.camera(key, _calibration(plan.recordings[k], camera))
            builder.video(key, found, plan.timelines.of(found.times), device)
    for k, analysis, _ in plan.outcomes():
        mapped = plan.mapped[k, analysis]
        for item in mapped.objects:
            builder.add(item)
        for name, times in mapped.times.items():
            nwbfile.add_scratch(times, name=name, description="Times of an outcome [s], session clock.")
            builder.made.append(f"scratch/{name}")
    _add_table(builder, plan)
    _add_manifest(builder, plan)
    return builder


def _calibration(one: Recorded, camera: str) -> Any:
    """Return the calibration of a camera, where the rig of the poses in space lies beside them."""
    if "pose3d" not in one.outcomes:
        return None
    from mystax.io.rig import read_rig

    inputs = str(one.outcomes["pose3d"].attributes.get("inputs", ""))
    for place in (one.folder / "calibration.toml", one.folder.parent / "calibration.toml"):
        if not is_there(place):
            continue
        try:
            rig = read_rig(place)
        except MystaxError:
            continue  # a rig that is not understood is not the one that was used
        if rig.fingerprint in inputs and camera in rig.names:
            return rig.camera(camera)
    return None


def _add_table(builder: Builder, plan: Plan) -> None:
    """Add a plain table of what the file holds and where it comes from."""
    from importlib.metadata import version

    nwb = builder.nwb
    now = version("mystax")
    rows = [
        *(
            (one["attributes"], one.get("recording"), one.get("recipe"), "before")
            for one in plan.earlier.outcomes
        ),
        *(
            (parts.attributes, plan.recordings[k].name, plan.recordings[k].recipe, now)
            for k, _, parts in plan.outcomes()
        ),
    ]
    columns: dict[str, tuple[str, Any]] = {
        name: (text, [str(item.get(name, "")) for item, *_ in rows])
        for name, text in (
            ("analysis", "Name of the analysis."),
            ("key", "Equal keys promise equal results."),
            ("content_sha256", "Digest of all numbers."),
        )
    }
    columns |= {
        "analysis_version": (
            "Its version.",
            np.array([int(str(item.get("analysis_version", 0))) for item, *_ in rows], np.int64),
        ),
        "coverage": (
            "Share of the frames that could be used.",
            np.array([float(str(item.get("coverage", np.nan))) for item, *_ in rows]),
        ),
        "quality": ("Codes of remarks.", [_codes(item) for item, *_ in rows]),
        "recording": ("The recording.", [str(name or "none") for _, name, _, _ in rows]),
        "recipe": ("Name of the recipe.", [str(name or "none") for _, _, name, _ in rows]),
        "mystax_version": ("Version that wrote it into this file.", [number for *_, number in rows]),
    }
    table = nwb.core.DynamicTable(
        name=TABLE,
        description="Outcomes of mystax in this file; the scratch text mystax_manifest has their provenance.",
        columns=[
            nwb.core.VectorData(name=n, description=text, data=data) for n, (text, data) in columns.items()
        ],
        colnames=list(columns),
        id=np.arange(len(rows)),
    )
    builder._add(table)


def _codes(attributes: Mapping[str, Any]) -> str:
    """Return the codes of the remarks on an outcome, each once."""
    flags = flags_from_json(str(attributes.get("quality", "[]")))
    return " ".join(dict.fromkeys(flag.code for flag in flags)) or "none"


def _add_manifest(builder: Builder, plan: Plan) -> None:
    outcomes = [
        describe(
            parts,
            plan.mapped[k, analysis].placed,
            {"recording": plan.recordings[k].name, "recipe": plan.recordings[k].recipe},
        )
        for k, analysis, parts in plan.outcomes()
    ]
    builder.made.append(f"scratch/{MANIFEST}")
    text = numbers_text(
        {
            "mystax": 1,
            "outcomes": [*plan.earlier.outcomes, *outcomes],
            "objects": sorted({*plan.earlier.objects, *builder.made}),
        }
    )
    builder.file.add_scratch(
        text, name=MANIFEST, description="JSON: how mystax puts its outcomes together again, bit for bit."
    )


def _write(nwbfile: Any, plan: Plan, target: Path, part: Path) -> None:
    with library.quiet():
        fill(nwbfile, plan, target)
        with library.pynwb().NWBHDF5IO(str(part), "w") as file:
            file.write(nwbfile, cache_spec=True)


def check_part(part: Path, target: Path, plan: Plan, options: NwbOptions, report: Report) -> None:
    """Check a file before it gets its name."""
    check_valid(part, target.name)
    if options.verify:
        check_values(part, plan.mapped.values(), target.name)
    if options.check:
        found = Counter((name, text) for _, name, text in inspect(part, target.name))
        for (name, text), n in found.items():
            times = f", {n} times" if n > 1 else ""
            report(Event("note", "export", text=f"inspector suggests ({name}{times}): {text}"))

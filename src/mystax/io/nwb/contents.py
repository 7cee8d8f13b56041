"""What of our outcomes stands in an NWB file: mapped, filled in, with a table and a manifest, and checked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.events import Event, Report
from mystax.core.quality import flags_from_json
from mystax.core.safe_names import is_there
from mystax.errors import MystaxError, RecipeError
from mystax.io.layout import describe, numbers_text
from mystax.io.nwb.build import Builder
from mystax.io.nwb.checks import check_valid, check_values, inspect
from mystax.io.nwb.mapping import Mapped, Timelines, map_outcome
from mystax.io.nwb.naming import Names
from mystax.io.nwb.options import NwbOptions
from mystax.io.nwb.reader import MANIFEST, MANIFEST_PATH
from mystax.io.nwb.roles import ROLES
from mystax.io.nwb.videos import CameraVideo, camera_videos
from mystax.io.outcome_parts import OutcomeParts
from mystax.io.recorded import Recorded

__all__ = ["TABLE", "Earlier", "Plan", "check_part", "fill", "make_plan"]

TABLE = "mystax_outcomes"


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
        description=f"Outcomes of mystax in this file; the scratch text {MANIFEST} has their provenance.",
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
    builder.made.append(MANIFEST_PATH)
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

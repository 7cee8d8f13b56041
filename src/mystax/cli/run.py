"""`mystax run`: measure recordings with a recipe, or with named analyses."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mystax.cli.options import AnalysisCommand, camera_files, common, pairs
from mystax.cli.output import Output
from mystax.core.events import Event, Report
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.core.geometry import Roi
    from mystax.io.outcomes import Outcomes

__all__ = ["command", "reporting", "tell_outcomes"]

EPILOG = (
    "Example: mystax run face.mp4 --roi pupil:ellipse:210,140,40,32 --roi running:rectangle:20,300,160,120"
)


@click.command("run", cls=AnalysisCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE|FOLDER]...", type=click.Path(path_type=Path))
@click.option(
    "--camera", "cameras", multiple=True, metavar="NAME=FILE", help="A camera of one recording; repeat."
)
@click.option("--join", is_flag=True, help="The files are consecutive parts of one camera.")
@click.option(
    "--recipe", default="standard", metavar="NAME|FILE", help="quick, standard, or a file; default standard."
)
@click.option("--analyses", metavar="A,B", help="Names of analyses instead of a recipe.")
@click.option(
    "--roi",
    "roi_texts",
    multiple=True,
    metavar="KIND:SHAPE:NUMBERS[@CAMERA][=NAME]",
    help="A region; repeat.",
)
@click.option(
    "--rois",
    "rois_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="rois.toml, or a Facemap file.",
)
@click.option("--propose", is_flag=True, help="Propose regions although some are given.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Outcomes go to DIR/<recording>/<recipe>."
)
@click.option(
    "--clock",
    "clocks",
    multiple=True,
    metavar="[CAMERA=]SPEC",
    help="Clock of a camera, such as csv:t.csv:time.",
)
@click.option("--clock-policy", metavar="POLICY", help="drop_tail, drop_head, counter:COLUMN or match.")
@click.option(
    "--offset", "offsets", multiple=True, metavar="CAMERA=SECONDS", help="Start of a camera after the first."
)
@click.option(
    "--reference", metavar="CAMERA", help="Camera that gives the common timeline; default the first."
)
@click.option(
    "--damage", type=click.Choice(["mark", "keep", "refuse"]), help="Damaged frames; default mark (missing)."
)
@click.option(
    "--grey-range", type=click.Choice(["auto", "full", "limited"]), help="Range of the luma; default auto."
)
@click.option("--cores", type=click.IntRange(1), help="Threads; default all that the process may use.")
@click.option(
    "--memory", type=click.IntRange(200), metavar="MIB", help="Limit of resident memory; default 75 %."
)
@click.option("--scratch", default="auto", metavar="auto|none|DIR", help="Place for large temporary files.")
@click.option("--no-report", is_flag=True, help="Do not make report.html.")
@click.option("--force", is_flag=True, help="Make outcomes again that are current.")
@click.option("--yes", is_flag=True, help="Ask nothing (there is nothing to ask; for scripts).")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@common
@click.pass_context
def command(ctx: click.Context, /, files: tuple[Path, ...], **options: Any) -> None:
    """Measure recordings; each FILE is a recording of its own: a video, or an NWB file that names its videos.

    Without regions: motion of the whole frame, and what is found in proposed regions.  Outcomes,
    figures and report.html go to FILE.mystax beside the video.  A second run does nothing; after
    Ctrl-C the next run goes on from the last checkpoint.
    """
    output: Output = ctx.obj
    wanted = _recordings(files, options)
    output.inputs = [str(place) for place in files] or [dict(camera_files(options["cameras"]))]
    parameters: Mapping[str, Mapping[str, str]] = ctx.meta.get("mystax.parameters", {})
    if len(wanted) > 1:
        from mystax.engine.folders import refuse_shared

        refuse_shared(wanted, options["out"])
    for number, place in enumerate(wanted, 1):
        if len(wanted) > 1:
            output.note(f"{place} ({number} of {len(wanted)})")
        with output.going_on():
            _run_one(output, place, options, parameters)
    output.settle(len(wanted))


def _recordings(files: tuple[Path, ...], options: Mapping[str, Any]) -> list[Any]:
    """Return what the words name: recordings as `mystax.open` takes them.

    Raises
    ------
    RecipeError
        P403, if a file is given twice.
    """
    cameras = camera_files(options["cameras"])
    if cameras and files:
        raise click.UsageError("give files or --camera NAME=FILE, not both")
    if cameras:
        return [{name: paths if len(paths) > 1 else paths[0] for name, paths in cameras.items()}]
    if not files:
        raise click.UsageError("give at least one FILE, or --camera NAME=FILE")
    seen: dict[str, Path] = {}
    for file in files:
        # Two links to one content are two recordings, but not parts of one.
        place = os.path.realpath(file) if options["join"] else os.path.normpath(file.absolute())
        first = seen.setdefault(place, file)
        if first is not file:
            raise RecipeError("P403", "files", "the same file is given twice", got=f"{first} and {file}")
    return [list(map(str, files))] if options["join"] else list(map(str, files))


def _rois(options: Mapping[str, Any]) -> "list[Roi] | None":
    """Read the regions of --roi and --rois; None where neither is given."""
    from mystax.core.geometry import roi_from_text

    if not options["roi_texts"] and options["rois_file"] is None:
        return None
    found = [roi_from_text(text) for text in options["roi_texts"]]
    if options["rois_file"] is not None:
        from mystax.engine.exchange import read_regions

        found += read_regions(options["rois_file"])
    return found


def _opened(place: Any, options: Mapping[str, Any]) -> Any:
    """Open a recording where an option of opening is not one of `mystax.run`."""
    offsets = pairs(options["offsets"], "--offset")
    clocks = pairs(options["clocks"], "--clock")
    spec: Any = clocks.get("") if set(clocks) == {""} else clocks or None
    if not offsets and not options["reference"]:
        return place, {
            "clocks": spec,
            **{key: options[key] for key in ("clock_policy", "damage", "grey_range")},
        }
    from mystax.engine.recordings import open_recording

    given = {"clocks": spec, "offsets": offsets or None, "reference": options["reference"]}
    given |= {key: options[key] for key in ("clock_policy", "damage", "grey_range")}
    return open_recording(place, **{key: value for key, value in given.items() if value is not None}), {}


def _run_one(
    output: Output, place: Any, options: Mapping[str, Any], parameters: Mapping[str, Mapping[str, str]]
) -> None:
    from mystax.engine.run import plan_run, run

    opened, opening = _opened(place, options)
    names = [name.strip() for name in options["analyses"].split(",")] if options["analyses"] else None
    request = {
        "recipe": options["recipe"],
        "analyses": names,
        "rois": _rois(options),
        "out": options["out"],
        "parameters": parameters,
        "propose": options["propose"],
        "cores": options["cores"],
        "memory": options["memory"],
        "scratch": options["scratch"],
        "force": options["force"],
        **opening,
    }
    if options["dry_run"]:
        planned = plan_run(opened, **request)
        output.more.setdefault("plans", [])
        plans = output.more["plans"]
        if isinstance(plans, list):
            plans.append(planned.as_dict())
        for line in _plan_lines(planned.as_dict()):
            output.say(line)
        return
    made: list[str] = []
    report = reporting(output, made)
    start = time.monotonic()
    outcomes = run(opened, report=not options["no_report"], progress=report, **request)
    tell_outcomes(output, outcomes, made, time.monotonic() - start)


def reporting(output: Output, made: list[str]) -> Report:
    """Return what takes events: it passes them on, and notes the analyses whose outcomes were made."""

    def report(event: Event) -> None:
        if event.kind == "outcome":
            made.append(str(event.data.get("analysis", "")))
        output.report(event)

    return report


def _plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """Write a plan for a person."""
    lines = [
        f"{plan['recording']} -> {plan['folder'] or 'memory'} (recipe {plan['recipe'] or 'without name'})"
    ]
    for name, camera in plan["cameras"].items():
        height, width = camera["shape"]
        files = ", ".join(camera["files"]) or "frames in memory"
        lines.append(f"  camera {name}: {camera['n_frames']} frames of {width} x {height} px, {files}")
        lines += [f"    {flag['code']} {flag['text']}" for flag in camera["flags"]]
    for outcome in plan["outcomes"]:
        reason = f" ({outcome['reason']})" if outcome["reason"] else ""
        lines.append(f"  {outcome['analysis']:<8} {outcome['state']}{reason}")
    lines += [f"  note: {note}" for note in plan["notes"]]
    lines.append(f"  {plan['text']}")
    return lines


def tell_outcomes(output: Output, outcomes: "Outcomes", made: list[str], seconds: float) -> None:
    """Print what there is now, with the flags of every outcome."""
    from mystax.core.quality import flags_from_json

    folder = outcomes.folder
    for name in outcomes:
        analysis = name.partition("/")[0]
        # What has just been made was checked as it was written; the rest is checked now.
        attributes = outcomes.attributes(name, check=analysis not in made)
        flags = flags_from_json(str(attributes.get("quality", "[]")))
        for flag in flags:
            output.warn(flag.code, flag.text, outcome=name, n_frames=flag.n_frames)
        output.outcomes.append(
            {
                "path": str(folder / f"{analysis}.nc") if folder is not None else "",
                "analysis": name,
                "recording": str(attributes.get("run_recording", "")),
                "state": "made" if analysis in made else "current",
                "coverage": float(str(attributes.get("coverage", 1.0))),
            }
        )
    n_files = len({outcome["path"] for outcome in output.outcomes})
    if not made:
        output.say(f"nothing to do ({n_files} outcome{'s are' if n_files != 1 else ' is'} current)")
    else:
        output.say(f"{', '.join(dict.fromkeys(made))}: done in {seconds:.1f} s")
    if folder is not None and (folder / "report.html").exists():
        output.more["report"] = str(folder / "report.html")
        output.say(f"report: {folder / 'report.html'}")

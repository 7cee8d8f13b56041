"""`mystax catalog`: many sessions; make a catalogue, take videos in, find and show recordings."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mystax.cli.catalog_care import accept, backup, check, prune, rebuild, roots, set_, upgrade
from mystax.cli.options import PLACE, common
from mystax.cli.output import Output
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.ingest_report import IngestReport

__all__ = ["command"]

WIDTH = 34
SHOWN = 5


@click.group("catalog", epilog="Example: mystax catalog ingest /data/project --dry-run")
def command() -> None:
    """Keep the videos, clocks and outcomes of many sessions in one catalogue.

    Commands find their catalogue by --catalog, MYSTAX_CATALOG, or the nearest mystax-catalog.toml upwards.
    """


for _one in (check, accept, set_, roots, rebuild, prune, backup, upgrade):
    command.add_command(_one)


@command.command("create", epilog="Example: mystax catalog create lab --out /data/derivatives/mystax")
@click.argument("folder", required=False, default=".", type=PLACE)
@click.option(
    "--url",
    metavar="URL",
    help="sqlite:///FILE (from FOLDER; default sqlite:///mystax.db), or postgresql://USER@HOST/NAME.",
)
@click.option("--out", metavar="DIR", help="Folder of outcomes, from FOLDER; default derivatives/mystax.")
@common
@click.pass_obj
def create(output: Output, folder: Path, url: str | None, out: str | None) -> None:
    """Make a catalogue in FOLDER: mystax-catalog.toml and the tables of its database."""
    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.places import DEFAULT_OUT, DEFAULT_URL

    output.inputs.append(str(folder))
    with Catalog.create(folder, url or DEFAULT_URL, out or DEFAULT_OUT) as catalog:
        output.more |= {
            "catalog": str(catalog.place.folder / "mystax-catalog.toml"),
            "database": catalog.database.where,
            "out": str(catalog.out),
        }
        output.say(f"catalogue in {catalog.place.folder}: database {catalog.database.where}")
        output.say(f"outcomes go to {catalog.out}")


@command.command("ingest", epilog="Example: mystax catalog ingest /data/project --clock 'csv:*_times.csv'")
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=PLACE)
@click.option(
    "--pattern",
    default="neuroblueprint",
    metavar="P",
    help="neuroblueprint (default), alf, folders, files, or a pattern such as"
    " '{subject}/{date}_{session:int}/cam{camera}_{part:int}.{video}'.",
)
@click.option(
    "--clock",
    "clocks",
    multiple=True,
    metavar="[CAMERA=]SPEC",
    help="Clock of all cameras, or of one (globs allowed); files are looked for beside the videos.",
)
@click.option(
    "--clock-policy",
    "policies",
    multiple=True,
    metavar="[CAMERA=]POLICY",
    help="Where counts differ: drop_tail, drop_head, counter:COLUMN or match.",
)
@click.option("--neural", default="", metavar="GLOB", help="Neural files, beside the videos or above them.")
@click.option("--calibration", default="", metavar="GLOB", help="calibration.toml, as --neural.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS", help="Look again and again.")
@click.option("--no-wait", is_flag=True, help="Leave out files that were written within the last 10 s.")
@click.option("--catalog", "where", metavar="PATH|URL", help="The catalogue.")
@common
@click.pass_obj
def ingest(
    output: Output, /, folders: tuple[Path, ...], watch: float | None, where: str | None, **options: Any
) -> None:
    """Bring the videos below each FOLDER into the catalogue; nothing is ever written there.

    Files that are in the catalogue and did not change are not read again; moved ones are followed.
    """
    from mystax.engine.catalog.catalog import Catalog

    output.inputs += [str(folder) for folder in folders]
    clocks, policies = (
        _by_camera(options["clocks"], "--clock"),
        _by_camera(options["policies"], "--clock-policy"),
    )
    with Catalog.open(where) as catalog:
        while True:
            found = _ingest(
                output, catalog, folders, {**options, "clocks": clocks, "policies": policies}, watch
            )
            if watch is None:
                break
            output.errors.clear()
            time.sleep(watch)
    n_bad = 0 if found is None else len(found.conflicts) + found.recordings
    output.settle(max(1, n_bad))


def _ingest(
    output: Output,
    catalog: "Catalog",
    folders: Sequence[Path],
    options: Mapping[str, Any],
    watch: float | None,
) -> "IngestReport | None":
    """Take folders in once; whoever watches a folder may do so before there is anything in it."""
    try:
        found = catalog.ingest(
            *folders,
            pattern=options["pattern"],
            clocks=options["clocks"],
            clock_policy=options["policies"],
            neural=options["neural"],
            calibration=options["calibration"],
            dry_run=options["dry_run"],
            wait=not options["no_wait"],
            report=output.report,
        )
    except RecipeError as error:
        if watch is None:
            raise
        output.note(str(error))
        return None
    _tell(output, found, dry_run=options["dry_run"])
    return found


def _by_camera(words: Sequence[str], option: str) -> dict[str, str]:
    """Read ``[CAMERA=]VALUE``; a word without a camera is for all."""
    found: dict[str, str] = {}
    for word in words:
        camera, sign, value = word.partition("=")
        name, text = (camera, value) if sign and ":" not in camera else ("*", word)
        if name in found:
            raise RecipeError("P403", f"{option} {word}", f"camera {name!r} is given twice")
        found[name] = text
    return found


def _tell(output: Output, found: "IngestReport", *, dry_run: bool) -> None:
    """Say what an ingestion found."""
    output.more |= found.as_dict()
    for error in found.conflicts:
        output.fail(error)
    for path, reason in found.skipped:
        output.warn("skipped", f"{path}: {reason}")
    for path in found.missing:
        output.warn("missing", f"{path}: the file is not there any more; what is known of it stays")
    if dry_run:
        for one in found.planned:
            output.say(f"{one['state']:<8} {one['recording']}" + _codes(one["flags"]))
            for name, camera in one["cameras"].items():
                output.say(f"         {name}: {', '.join(camera['files'])} (clock {camera['clock']})")
    for miss in found.unmatched[: None if dry_run else SHOWN]:
        output.note(f"not matched: {miss.text}")
    if not dry_run and len(found.unmatched) > SHOWN:
        output.note(f"not matched: {len(found.unmatched) - SHOWN} more; --dry-run shows all")
    output.say(
        f"{found.recordings} recordings, {found.cameras} cameras, {found.videos} videos:"
        f" {found.added} added, {found.changed} changed, {found.moved} files moved,"
        f" {found.unchanged} unchanged" + (" (dry run)" if dry_run else "")
    )
    for code, count in sorted(found.flags.items()):
        output.say(f"  {code} on {count} file{'s' if count != 1 else ''} or clocks")


def _codes(codes: Sequence[str]) -> str:
    return f"  [{', '.join(codes)}]" if codes else ""


@command.command("list", epilog="Example: mystax catalog list 'subject=m1*' quality=warned,bad")
@click.argument("words", nargs=-1, metavar="[WHERE...]")
@click.option("--catalog", "where", metavar="PATH|URL", help="The catalogue.")
@common
@click.pass_obj
def list_(output: Output, words: tuple[str, ...], where: str | None) -> None:
    """List the recordings for which WHERE holds: words such as subject=m1*,m2 quality!=bad.

    Fields: id project subject session run folder start added quality note camera codec container root
    path frames code severity analysis coverage recipe job kind state error priority attempt.
    """
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(where) as catalog:
        rows = catalog.recordings(list(words))
    output.more |= {"n_recordings": len(rows), "recordings": rows}
    for row in rows:
        who = " / ".join(
            word for word in (row["project"], row["subject"], row["session"], row["run"]) if word
        )
        cameras = ", ".join(row["cameras"])
        output.say(
            f"{row['label']:<6} {who:<{WIDTH}} {row['quality']:<9} {row['n_frames']:>9} frames  {cameras}"
            + _codes(row["codes"])
        )
    output.say(f"{len(rows)} recordings")


@command.command("show", epilog="Example: mystax catalog show r12")
@click.argument("recording")
@click.option("--catalog", "where", metavar="PATH|URL", help="The catalogue.")
@common
@click.pass_obj
def show(output: Output, recording: str, where: str | None) -> None:
    """Show all about one RECORDING: cameras, files, clocks, remarks, jobs, outcomes."""
    from mystax.engine.catalog.catalog import Catalog

    output.inputs.append(recording)
    with Catalog.open(where) as catalog:
        found = catalog.show(recording)
    output.more["recording"] = found
    output.say(
        f"{found['label']}  {found['project']} / {found['subject']} / {found['session']}  {found['quality']}"
    )
    for name in ("run", "start", "note", "folder"):
        if found[name]:
            output.say(f"  {name:<8} {found[name]}")
    for name, value in found["meta"].items():
        output.say(f"  {name:<8} {value}")
    for camera in found["cameras"]:
        clock = camera["clock"].get("spec") or "its own stamps"
        output.say(f"  camera   {camera['name']}: {camera['clock'].get('n_frames')} frames, clock {clock}")
        for video in camera["videos"]:
            picture = f"{video['width']} x {video['height']} px, {video['codec']} in {video['container']}"
            output.say(
                f"           {video['root']}/{video['path']}  {picture if video['width'] else 'not readable'}"
            )
    for flag in found["flags"]:
        about = " ".join(word for word in (flag["camera"], flag["file"]) if word)
        done = f" (accepted by {flag['accepted_by']})" if flag["accepted_by"] else ""
        output.say(f"  {flag['severity']:<8} {flag['code']} {about}: {flag.get('text', '')}{done}")
    for outcome in found["outcomes"]:
        output.say(f"  outcome  {outcome['path']}  {outcome['state']}, coverage {outcome['coverage']:.3f}")
    for job in found["jobs"]:
        output.say(f"  job      j{job['id']} {job['kind']} {job['state']} {job['reason']}")

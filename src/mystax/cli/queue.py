"""`mystax queue`: recipes for many recordings; add, work, watch, mend."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.core.events import Event, duration_text

if TYPE_CHECKING:
    from mystax.engine.catalog.planning import Planned

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 10
BETWEEN = 2.0
"""Time between two looks with --watch [s]."""


def of_catalog(function: F) -> F:
    """Add the option that names the catalogue."""
    return click.option("--catalog", "catalog_at", metavar="PATH|URL", help="The catalogue.")(function)


@click.group("queue", epilog="Example: mystax queue add standard quality!=bad && mystax queue work")
def command() -> None:
    """Run recipes on many recordings: plan them once, work on them anywhere, lose nothing.

    WHERE is words such as subject=m1*,m2 quality!=bad state=failed error=V131, or j7.
    """


@command.command("add", epilog="Example: mystax queue add standard subject=m1* --dry-run")
@click.argument("recipe", metavar="NAME|FILE")
@click.argument("where", nargs=-1)
@click.option("--priority", type=int, default=0, help="Higher goes first; default 0.")
@click.option("--include-bad", is_flag=True, help="Also recordings of quality bad.")
@click.option("--force", is_flag=True, help="Make outcomes again that are current.")
@click.option("--dry-run", is_flag=True, help="Say what would be queued, and write nothing.")
@of_catalog
@common
@click.pass_obj
def add(
    output: Output,
    /,
    recipe: str,
    where: tuple[str, ...],
    priority: int,
    include_bad: bool,
    force: bool,
    dry_run: bool,
    catalog_at: str | None,
) -> None:
    """Queue a recipe for recordings; doing it twice adds nothing."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        planned = catalog.plan(recipe, where, include_bad=include_bad, force=force)
        ids = [] if dry_run else catalog.add(recipe, priority=priority, planned=planned)
    _tell_plan(output, planned, len(planned.work) if dry_run else len(ids), dry_run=dry_run)
    output.more["jobs"] = [f"j{number}" for number in ids]
    output.settle(len(planned.work) + planned.n_current + planned.n_queued + len(planned.refused))


def _tell_plan(output: Output, planned: "Planned", n_jobs: int, *, dry_run: bool) -> None:
    """Say what is queued, and what needs no work."""
    hours = sum(item.seconds for item in planned.jobs) / 3600
    disk = sum(item.disk for item in planned.jobs)
    frames = sum(item.n_frames for item in planned.jobs)
    output.more |= {
        "added": n_jobs,
        "current": planned.n_current,
        "queued": planned.n_queued,
        "left_out": planned.left_out,
        "n_frames": frames,
        "hours": hours,
        "disk": disk,
        "planned": [item.as_dict() for item in planned.work],
    }
    verb = "would be queued" if dry_run else "queued"
    output.say(f"{n_jobs} jobs {verb}: {frames} frames, about {hours:.1f} h on one core, {disk >> 20} MiB")
    if dry_run:
        for item in planned.jobs[:SHOWN]:
            output.say(f"  {item.recording.folder}: {', '.join(one.name for one in item.plan.wanted)}")
        if len(planned.jobs) > SHOWN:
            output.say(f"  and {len(planned.jobs) - SHOWN} more (--json lists them all)")
        for fit in planned.fits[:SHOWN]:
            output.say(f"  {fit.title}: {fit.analysis} of {fit.n_members} recordings, after their own jobs")
        if len(planned.fits) > SHOWN:
            output.say(f"  and {len(planned.fits) - SHOWN} more of these")
    if planned.n_current:
        output.say(f"{planned.n_current} recordings have all outcomes already")
    if planned.n_queued:
        output.say(f"{planned.n_queued} recordings are in the queue already, or have failed there")
    if planned.left_out:
        names = ", ".join(planned.left_out[:SHOWN])
        output.say(f"{len(planned.left_out)} bad recordings are left out (--include-bad): {names}")
    for folder, error in planned.refused:
        output.note(folder)
        output.fail(error)


@command.command("work", epilog="Example: mystax queue work --engine slurm --max-workers 20 --walltime 240")
@click.argument("where", nargs=-1)
@click.option(
    "--engine",
    default="local",
    metavar="NAME|ADDRESS",
    help="local (default), tcp://HOST:PORT, tls://HOST:PORT, slurm, pbs, sge, lsf, or [engine.NAME].",
)
@click.option(
    "--scheduler-file", type=click.Path(path_type=Path), metavar="FILE", help="Of a Dask scheduler."
)
@click.option("--cores", type=click.IntRange(1), help="Cores of one worker; local: of all jobs together.")
@click.option("--memory", type=click.IntRange(200), metavar="MIB", help="Of one worker of a batch system.")
@click.option("--gpus", type=click.IntRange(0), help="Of one worker of a batch system.")
@click.option("--walltime", type=click.IntRange(2), metavar="MINUTES", help="Of one worker; default 60.")
@click.option("--max-workers", type=click.IntRange(1), help="Workers side by side; default 2.")
@click.option("--queue", metavar="NAME", help="Queue or partition of the batch system.")
@click.option("--account", metavar="NAME", help="Account of the batch system.")
@click.option("--interface", metavar="NAME", help="Network interface between workers and this command.")
@click.option("--directive", "directives", multiple=True, metavar="TEXT", help="A line for the batch script.")
@click.option("--stay", is_flag=True, help="Wait for more jobs when nothing is left.")
@click.option("--once", type=click.IntRange(1), metavar="N", help="Work on N jobs at most.")
@click.option("--no-report", is_flag=True, help="Make no figures and no report.html: a third less work.")
@click.option("--max-hours", type=click.FloatRange(min=0), metavar="H", help="Begin no job after H hours.")
@of_catalog
@common
@click.pass_obj
def work(output: Output, /, where: tuple[str, ...], catalog_at: str | None, **options: Any) -> None:
    """Run queued jobs until none is left; Ctrl-C lets them yield, and nothing is lost.

    Exit status 0, or 3 if jobs failed in this call.  Several of these may work on one catalogue.
    """
    from mystax.engine.catalog.catalog import Catalog

    bounds = {name: options.pop(name) for name in ("stay", "once", "max_hours", "engine")}
    bounds["make_reports"] = not options.pop("no_report")
    if options["walltime"] is not None:
        options["walltime"] *= 60
    with Catalog.open(catalog_at) as catalog:
        shown = _Shown(output, catalog.status(where)["counts"])
        tally = catalog.work(where=where, options=options, on_event=shown.report, **bounds)
        found = catalog.errors((*where, "state=failed")) if tally.failed else []
    output.end_progress()
    output.more |= {"tally": tally.as_dict(), "groups": found}
    parts = [f"{number} {name}" for name, number in tally.as_dict().items() if number]
    output.say(f"{', '.join(parts) or 'nothing to do'}")
    _tell_errors(output, found)
    output.errors += [error.as_dict() for error in tally.errors]
    output.status = 3 if tally.errors else 0


class _Shown:
    """Shows the events of a driver: a line per job that ended, a bar of all jobs."""

    def __init__(self, output: Output, counts: Mapping[str, int]) -> None:
        self._output, self._done = output, 0
        self._total = counts["queued"] + counts["running"] + counts["waiting"]

    def report(self, event: Event) -> None:
        """Take an event."""
        if event.kind == "job":
            if event.stage in ("done", "adopted", "failed", "cancelled"):
                self._done += 1
            if self._output.verbose or event.stage not in ("started", "done"):
                self._output.note(event.text)
            self._bar()
        elif event.kind == "progress":
            self._bar()
        elif event.kind in ("warning", "note") and event.stage not in ("plan", "resume"):
            job = event.data.get("job", "")
            prefix = f"{job}: " if job and not event.text.startswith(str(job)) else ""
            self._output.note(f"{prefix}{event.text}")

    def _bar(self) -> None:
        self._output.report(
            Event("progress", "queue", self._done, max(self._total, self._done), data={"unit": "jobs"})
        )


@command.command("status", epilog="Example: mystax queue status --watch")
@click.argument("where", nargs=-1)
@click.option("--watch", is_flag=True, help="Look again every 2 s, until nothing is queued or running.")
@of_catalog
@common
@click.pass_obj
def status(output: Output, /, where: tuple[str, ...], watch: bool, catalog_at: str | None) -> None:
    """Show how many jobs wait, run and are done, and when all will be."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        while True:
            found = catalog.status(where)
            for line in _status_lines(found):
                output.say(line)
            if not watch or not found["counts"]["queued"] + found["counts"]["running"]:
                break
            output.say()
            time.sleep(BETWEEN)
    output.more |= found


def _status_lines(found: Mapping[str, Any]) -> list[str]:
    """Write the state of the queue for a person."""
    counts = ", ".join(f"{number} {state}" for state, number in found["counts"].items() if number)
    lines = [counts or "the queue is empty"]
    if found["blocked"]:
        lines.append(f"{found['blocked']} wait for jobs that failed or were cancelled")
    lines += [f"{number} held: {reason}" for reason, number in found["held"].items()]
    for item in found["running"]:
        share = "" if item["share"] is None else f" {100 * item['share']:.0f} %"
        rate = "" if not item["rate"] else f" {item['rate']:.0f} fps"
        age = "" if item["beat_age"] is None else f", heard {item['beat_age']:.0f} s ago"
        lines.append(
            f"  {item['job']} {item['recording']} {item['recipe']}{share}{rate} on {item['host']}{age}"
        )
    eta = found["eta"]
    if eta is not None and eta["seconds"] > 0:
        wait, low, high = (duration_text(eta[name]) for name in ("seconds", "low", "high"))
        lines.append(f"about {wait} left ({low} to {high})")
    elif found["counts"]["queued"] or found["counts"]["running"]:
        lines.append("time left: unknown until a job has shown its speed")
    return lines


@command.command("errors", epilog="Example: mystax queue errors subject=m1")
@click.argument("where", nargs=-1)
@of_catalog
@common
@click.pass_obj
def errors(output: Output, /, where: tuple[str, ...], catalog_at: str | None) -> None:
    """Show what went wrong, grouped by kind, with what to do."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        found = catalog.errors(where)
    output.more["groups"] = found
    if not found:
        output.say("no job has failed")
    _tell_errors(output, found)


def _tell_errors(output: Output, groups: Sequence[Mapping[str, Any]]) -> None:
    for group in groups:
        jobs = ", ".join(group["jobs"][:SHOWN]) + (" ..." if group["count"] > SHOWN else "")
        output.say(f"{group['count']} x {group['code']} ({jobs}); for example {group['recording']}:")
        output.say(f"  {group['text']}")


@command.command("list", epilog="Example: mystax queue list state=failed error=V131")
@click.argument("where", nargs=-1)
@of_catalog
@common
@click.pass_obj
def list_(output: Output, /, where: tuple[str, ...], catalog_at: str | None) -> None:
    """List jobs."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        found = catalog.jobs(where)
    output.more["jobs"] = found
    for item in found:
        code = f" {item['error']['code']}" if item["error"].get("code") else ""
        reason = f" ({item['reason']})" if item["reason"] and item["state"] != "failed" else ""
        tries = f", attempt {item['attempt']}" if item["attempt"] > 1 else ""
        output.say(
            f"{item['job']:<6} {item['state']:<9} {item['recording']} {item['recipe']}{code}{reason}{tries}"
        )


@command.command("log", epilog="Example: mystax queue log j7")
@click.argument("job")
@click.option("--lines", type=click.IntRange(0), default=40, help="Lines of the log; default 40.")
@of_catalog
@common
@click.pass_obj
def log(output: Output, /, job: str, lines: int, catalog_at: str | None) -> None:
    """Show the attempts of a job and the end of its log."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        found = catalog.log(job, lines=lines)
    output.more |= found
    output.say(f"{found['job']} {found['state']}")
    for item in found["attempts"]:
        seconds = f" {item['ended'] - item['started']:.1f} s" if item["ended"] else ""
        code = f" {item['error']['code']}" if item["error"].get("code") else ""
        where = f" on {item['host']}" if item["host"] else ""
        output.say(
            f"  attempt {item['number']}: {item['ending'] or 'runs'}{code}{where}{seconds} {item['signal']}"
        )
    if found["log"]:
        output.say(f"  {found['log']}")
    for line in found["lines"]:
        output.say(f"    {line}")


@command.command("retry", epilog="Example: mystax queue retry state=failed error=V131")
@click.argument("where", nargs=-1, required=True)
@of_catalog
@common
@click.pass_obj
def retry(output: Output, /, where: tuple[str, ...], catalog_at: str | None) -> None:
    """Queue failed and cancelled jobs again; they go on from their checkpoints."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        found = catalog.retry(where)
    _tell_jobs(output, found, "queued again")


@command.command("cancel", epilog="Example: mystax queue cancel j7 --discard")
@click.argument("where", nargs=-1, required=True)
@click.option("--discard", is_flag=True, help="Also remove what is half done.")
@of_catalog
@common
@click.pass_obj
def cancel(output: Output, /, where: tuple[str, ...], discard: bool, catalog_at: str | None) -> None:
    """Cancel jobs: at once where they wait, within 15 s where they run."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        stopped, asked = catalog.cancel(where, discard=discard)
    _tell_jobs(output, stopped, "cancelled")
    if asked:
        output.say(f"{len(asked)} running jobs are being stopped")
    output.more["asked"] = [f"j{number}" for number in asked]


@command.command("priority", epilog="Example: mystax queue priority 10 subject=m1")
@click.argument("priority", type=int)
@click.argument("where", nargs=-1, required=True)
@of_catalog
@common
@click.pass_obj
def priority_(output: Output, /, priority: int, where: tuple[str, ...], catalog_at: str | None) -> None:
    """Change the priority of jobs that are not through; higher goes first."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        found = catalog.set_priority(where, priority)
    _tell_jobs(output, found, f"now of priority {priority}")


def _tell_jobs(output: Output, ids: Sequence[int], what: str) -> None:
    output.more["jobs"] = [f"j{number}" for number in ids]
    output.say(f"{len(ids)} jobs {what}")

"""`mystax catalog`: check, accept, set, roots, rebuild, prune, backup, upgrade."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.engine.catalog.catalog import Catalog
    from mystax.engine.catalog.hashing import FullReport

__all__ = ["accept", "backup", "check", "prune", "rebuild", "roots", "set_", "upgrade"]

OF_CATALOG = click.option("--catalog", "where", metavar="PATH|URL", help="The catalogue.")
SHOWN = 20


def _open(where: str | None) -> "Catalog":
    from mystax.engine.catalog.catalog import Catalog

    return Catalog.open(where)


def _agree(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere ``--yes`` is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RecipeError("P403", "command line", question, expected="--yes, where nobody can be asked")
    click.confirm(question, abort=True, err=True)


@click.command("check", epilog="Example: mystax catalog check subject=m1")
@click.argument("words", nargs=-1, metavar="[WHERE...]")
@click.option(
    "--full", is_flag=True, help="Also read every byte of videos and outcomes: damaged, missing, moved ones."
)
@click.option("--queue", "as_job", is_flag=True, help="With --full: as jobs of the queue, and nothing else.")
@OF_CATALOG
@common
@click.pass_obj
def check(output: Output, words: tuple[str, ...], where: str | None, *, full: bool, as_job: bool) -> None:
    """Look at the videos and clocks of recordings again, and renew the remarks on them."""
    with _open(where) as catalog:
        if as_job:
            if not full:
                raise RecipeError("P403", "command line", expected="--full beside --queue")
            ids = catalog.add_full_check(list(words))
            output.more["jobs"] = [f"j{number}" for number in ids]
            output.say(f"{len(ids)} jobs queued: mystax queue work reads every byte")
            return
        found = catalog.check(list(words), report=output.report)
        if full:
            _tell_full(output, catalog.check_full(list(words), report=output.report))
    output.more |= found.as_dict()
    for error in found.problems:
        output.fail(error)
    for path in found.changed:
        output.warn("V130", f"{path} changed since the last look")
    output.say(f"{found.checked} recordings looked at, {len(found.changed)} files changed")
    for code, count in sorted(found.flags.items()):
        output.say(f"  {code}: {count}")
    output.settle(found.checked + len(found.problems))


def _tell_full(output: Output, found: "FullReport") -> None:
    """Say what reading every byte found."""
    output.more["full"] = found.as_dict()
    for error in found.problems:
        output.fail(error)
    for path in found.damaged:
        output.warn("damaged", f"{path}: its bytes are not those of the first time")
    for path in found.missing:
        output.warn("missing", f"{path}: the file is not there")
    for path, place in found.moved.items():
        output.warn("moved", f"{path}: it lies at {place}; mystax catalog ingest follows it")
    output.say(
        f"{found.hashed} files read ({found.first} for the first time): {len(found.damaged)} damaged,"
        f" {len(found.missing)} missing, {len(found.moved)} moved"
    )


@click.command(
    "accept", epilog="Example: mystax catalog accept subject=m1 --code V106 --note 'known camera fault'"
)
@click.argument("words", nargs=-1, required=True, metavar="WHERE...")
@click.option(
    "--code", "codes", multiple=True, required=True, metavar="CODE", help="Code to accept; many allowed."
)
@click.option("--note", default="", metavar="TEXT", help="Why.")
@OF_CATALOG
@common
@click.pass_obj
def accept(
    output: Output, words: tuple[str, ...], codes: tuple[str, ...], note: str, where: str | None
) -> None:
    """Accept remarks: they stay, with who and when, and no longer lower the quality."""
    with _open(where) as catalog:
        rows = catalog.accept(list(words), list(codes), note)
    output.more["accepted"] = [f"r{row}" for row in rows]
    output.say(f"{', '.join(codes)} accepted on {len(rows)} recordings")


@click.command(
    "set", epilog="Example: mystax catalog set r12 subject=m1 start=2026-03-01 clock.left=npy:times.npy"
)
@click.argument("recording")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@OF_CATALOG
@common
@click.pass_obj
def set_(output: Output, recording: str, pairs: tuple[str, ...], where: str | None) -> None:
    """Set what is known of a RECORDING.

    Keys: subject project session run start note; species sex birth (of the subject); view.CAMERA
    serial.CAMERA; clock.CAMERA policy.CAMERA offset.CAMERA; meta.NAME.  An empty VALUE takes it away.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise click.UsageError(f"{pair!r} is not KEY=VALUE")
        values[name] = value
    output.inputs.append(recording)
    with _open(where) as catalog:
        catalog.set(recording, **values)
        output.more["recording"] = catalog.show(recording)
    output.say(f"{recording}: {', '.join(f'{name}={value}' for name, value in values.items())}")


@click.command("roots", epilog="Example: mystax catalog roots nas=/mnt/lab --host 'node*'")
@click.argument("pairs", nargs=-1, metavar="[NAME=PATH...]")
@click.option("--host", default="*", metavar="PATTERN", help="Hosts on which the path holds; default all.")
@click.option("--remove", metavar="NAME", help="Forget the path of a root for the hosts of --host.")
@OF_CATALOG
@common
@click.pass_obj
def roots(output: Output, pairs: tuple[str, ...], host: str, remove: str | None, where: str | None) -> None:
    """List the roots of the videos, and whether each is there on this host; or name new paths.

    A root is a named folder with one path per host; the most exact pattern of hosts wins.
    """
    with _open(where) as catalog:
        for pair in pairs:
            name, sign, path = pair.partition("=")
            if not sign or not name or not path:
                raise click.UsageError(f"{pair!r} is not NAME=PATH")
            catalog.set_root(name, path, host)
        if remove is not None:
            catalog.remove_root(remove, host)
        known = catalog.roots()
    rows: list[dict[str, str]] = []
    output.more |= {"host": known.host, "roots": rows}
    for name, pattern, path in known.rows:
        here = known.path_of(name)
        state = "" if str(here) != path else "here" if Path(path).is_dir() else "away (Q606)"
        rows.append({"name": name, "host": pattern, "path": path, "state": state})
        output.say(f"{name:<16} {pattern:<12} {path}  {state}")


@click.command("rebuild", epilog="Example: mystax catalog rebuild")
@OF_CATALOG
@common
@click.pass_obj
def rebuild(output: Output, where: str | None) -> None:
    """Make the rows again from what lies in the folder of outcomes; no outcome is touched."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.at(where) as catalog:
        found = catalog.rebuild(report=output.report)
    output.more |= found.as_dict()
    for error in found.problems:
        output.fail(error)
    output.say(
        f"{found.recordings} recordings, {found.outcomes} outcomes, {found.superseded} superseded,"
        f" {found.missing} missing"
    )
    output.settle(found.outcomes + len(found.problems))


@click.command("prune", epilog="Example: mystax catalog prune --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@OF_CATALOG
@common
@click.pass_obj
def prune(output: Output, dry_run: bool, yes: bool, where: str | None) -> None:
    """Remove superseded outcomes and what dead runs left behind; current outcomes stay."""
    with _open(where) as catalog:
        found = catalog.prune(dry_run=True)
        if not dry_run and found.files:
            size = f"{found.bytes / 2**20:.1f} MiB"
            _agree(f"remove {len(found.files)} files ({size})", yes=yes)
            found = catalog.prune()
    output.more |= found.as_dict()
    for path in found.files[:SHOWN]:
        output.say(path)
    verb = "would be removed" if dry_run else "removed"
    output.say(f"{len(found.files)} files, {found.bytes / 2**20:.1f} MiB {verb}")


@click.command("backup", epilog="Example: mystax catalog backup catalog-2026-03-01.db")
@click.argument("file", type=click.Path(path_type=Path))
@OF_CATALOG
@common
@click.pass_obj
def backup(output: Output, file: Path, where: str | None) -> None:
    """Copy the SQLite database to a new FILE, also while others write."""
    with _open(where) as catalog:
        catalog.backup(file)
    output.more["backup"] = str(file)
    output.say(f"copied to {file}")


@click.command("upgrade", epilog="Example: mystax catalog upgrade")
@click.option("--yes", is_flag=True, help="Do not ask (PostgreSQL: make a copy with pg_dump first).")
@OF_CATALOG
@common
@click.pass_obj
def upgrade(output: Output, yes: bool, where: str | None) -> None:
    """Bring the tables of an older mystax up to date; of an SQLite file a copy is made first."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.at(where) as catalog:
        if not catalog.database.is_sqlite and catalog.needs_upgrade():
            _agree("change the tables of the database (copy it with pg_dump first)", yes=yes)
        before, after, copy = catalog.upgrade()
    output.more |= {"from": before, "to": after, "copy": None if copy is None else str(copy)}
    output.say(f"schema {before} -> {after}" + (f", copy in {copy}" if copy is not None else ""))

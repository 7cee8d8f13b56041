"""`mystax doctor`: one line per check, with what to do."""

from pathlib import Path

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.core.safe_names import is_there

__all__ = ["command"]

WIDTH = 14


@click.command("doctor", epilog="Example: mystax doctor face.mystax --verify")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--verify", is_flag=True, help="Read every byte of every outcome.")
@click.option("--fix", is_flag=True, help="Remove what dead runs left behind; an outcome is never removed.")
@click.option("--rebuild", is_flag=True, help="Of a catalogue: make its rows again from the outcomes first.")
@click.option("--prune", is_flag=True, help="Of a catalogue: remove superseded outcomes first.")
@common
@click.pass_obj
def command(output: Output, path: Path | None, verify: bool, fix: bool, rebuild: bool, prune: bool) -> None:
    """Check this machine, a folder of outcomes, or a catalogue.

    Exit status 0 healthy, 1 the machine is not usable, 3 some outcomes or inputs are damaged.
    """
    from mystax.engine.doctor import examine

    if path is not None:
        output.inputs.append(str(path))
        if not (is_there(path) or is_there(path, folder=True)):
            raise click.UsageError(f"there is no {str(path)!r}")
    if rebuild or prune:
        _tend(output, path, rebuild=rebuild, prune=prune)
    checks = []
    for check in examine(path, verify=verify, fix=fix):
        checks.append(check.as_dict())
        where = f"{check.where}: " if check.where else ""
        hint = f" -> {check.hint}" if check.hint else ""
        code = f"{check.code} " if check.code else ""
        output.say(f"{check.status:<5} {check.name:<{WIDTH}} {code}{where}{check.got}{hint}")
    failed = {check["name"] for check in checks if check["status"] == "fail"}
    of_outcomes = {"outcomes", "inputs", "strays"}
    output.more |= {"healthy": not failed, "checks": checks}
    output.status = 0 if not failed else 3 if failed <= of_outcomes else 1


def _tend(output: Output, path: Path | None, *, rebuild: bool, prune: bool) -> None:
    """Do to a catalogue what `mystax catalog rebuild` and `prune` do."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.at(path) as catalog:
        if rebuild:
            found = catalog.rebuild(report=output.report)
            output.more["rebuild"] = found.as_dict()
            output.say(f"rebuilt: {found.recordings} recordings, {found.outcomes} outcomes")
        if prune:
            removed = catalog.prune()
            output.more["prune"] = removed.as_dict()
            output.say(f"pruned: {len(removed.files)} files, {removed.bytes / 2**20:.1f} MiB")

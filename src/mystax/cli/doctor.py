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
@common
@click.pass_obj
def command(output: Output, path: Path | None, verify: bool, fix: bool) -> None:
    """Check this machine, or a folder of outcomes.

    Exit status 0 healthy, 1 the machine is not usable, 3 some outcomes or inputs are damaged.
    """
    from mystax.engine.doctor import examine

    if path is not None:
        output.inputs.append(str(path))
        if not (is_there(path) or is_there(path, folder=True)):
            raise click.UsageError(f"there is no {str(path)!r}")
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

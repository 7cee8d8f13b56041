"""`mystax export`: outcomes as another tool's files."""

from pathlib import Path
from typing import Literal

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.errors import MystaxError

__all__ = ["command"]


@click.command("export", epilog="Example: mystax export face.mystax --facemap .")
@click.argument("targets", nargs=-1, required=True, metavar="FOLDER...", type=click.Path(path_type=Path))
@click.option(
    "--facemap", type=click.Path(path_type=Path), metavar="DIR", help="Write Facemap's _proc.npy to DIR."
)
@click.option(
    "--flavour",
    type=click.Choice(["facemap", "element"]),
    default="facemap",
    help="facemap: motSv of the last region, as Facemap has it; element: a list per region.",
)
@click.option("--mat", "matlab", is_flag=True, help="Write _proc.mat instead of _proc.npy.")
@click.option("--overwrite", is_flag=True, help="Replace a file of the same name.")
@common
@click.pass_obj
def command(
    output: Output,
    targets: tuple[Path, ...],
    facemap: Path | None,
    flavour: str,
    matlab: bool,
    overwrite: bool,
) -> None:
    """Write outcomes in the files of another tool.

    A folder that was imported from a Facemap file is written back equal, leaf by leaf.
    """
    if facemap is None:
        raise click.UsageError("say what to write: --facemap DIR")
    for target in targets:
        output.inputs.append(str(target))
        try:
            _export_one(output, target, facemap, flavour, matlab, overwrite)
        except MystaxError as error:
            output.fail(error)
    output.settle(len(targets))


def _export_one(
    output: Output, target: Path, folder: Path, flavour: str, matlab: bool, overwrite: bool
) -> None:
    from mystax.engine.exchange import export_facemap

    kind: Literal["facemap", "element"] = "element" if flavour == "element" else "facemap"
    path = export_facemap(target, folder, flavour=kind, matlab=matlab, overwrite=overwrite)
    output.more.setdefault("files", [])
    files = output.more["files"]
    if isinstance(files, list):
        files.append(str(path))
    output.say(str(path))

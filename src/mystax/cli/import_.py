"""`mystax import`: another tool's files as outcomes that `mystax.load` reads."""

from pathlib import Path

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.errors import MystaxError

__all__ = ["command"]


@click.command("import", epilog="Example: mystax import face_proc.npy --repair")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the outcomes (one FILE only)."
)
@click.option(
    "--repair", is_flag=True, help="Mend known defects of Facemap's files that can be mended exactly."
)
@common
@click.pass_obj
def command(output: Output, files: tuple[Path, ...], out: Path | None, repair: bool) -> None:
    """Read Facemap's _proc.npy and _proc.mat; nothing in them is run.

    Every leaf is kept as it was, and what it means is written as outcomes of mystax, with a remark on
    each value that Facemap is known to store wrongly.
    """
    if out is not None and len(files) > 1:
        raise click.UsageError("--out takes one FILE")
    for path in files:
        output.inputs.append(str(path))
        try:
            _import_one(output, path, out, repair)
        except MystaxError as error:
            output.fail(error)
    output.settle(len(files))


def _import_one(output: Output, path: Path, out: Path | None, repair: bool) -> None:
    from mystax.core.quality import flags_from_json
    from mystax.engine.exchange import import_facemap

    outcomes = import_facemap(path, out, repair=repair, report=output.report)
    for name, dataset in outcomes.items():
        for flag in flags_from_json(str(dataset.attrs.get("quality", "[]"))):
            output.warn(flag.code, flag.text, outcome=name)
        place = str(outcomes.folder / f"{name.partition('/')[0]}.nc") if outcomes.folder is not None else ""
        output.outcomes.append(
            {"path": place, "analysis": name, "recording": path.stem, "state": "imported", "coverage": 1.0}
        )
    output.say(f"{path.name}: {', '.join(outcomes)} in {outcomes.folder}")

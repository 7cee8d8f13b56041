"""`mystax import`: another tool's files as outcomes that `mystax.load` reads, or as weights."""

from pathlib import Path
from typing import Any

import click

from mystax.cli.options import common
from mystax.cli.output import Output
from mystax.engine.importing import ImportWishes

__all__ = ["command"]


@click.command("import", epilog="Example: mystax import face_proc.npy --repair")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the outcomes (one FILE only)."
)
@click.option(
    "--as",
    "form",
    metavar="FORMAT",
    help="nwb, alf, csv, parquet, anipose, dlc-3d, facemap or keypoints; default: what the content says.",
)
@click.option("--rate", type=float, metavar="HZ", help="Frames per second, for files without times.")
@click.option("--keep-frame", is_flag=True, help="Leave Anipose's coordinates as they are stored.")
@click.option(
    "--unit", type=float, metavar="MM", help="Length of the unit of DeepLabCut's points in space, mm."
)
@click.option(
    "--follow-links", is_flag=True, help="Follow links of an NWB file to files in its folder or below."
)
@click.option(
    "--repair", is_flag=True, help="Mend known defects of Facemap's files that can be mended exactly."
)
@click.option(
    "--facemap-weights",
    "is_weights",
    is_flag=True,
    help="FILE is a checkpoint of Facemap's keypoint network: make weights of it.",
)
@click.option("--name", metavar="NAME", help="Name of these weights; default that of the file.")
@click.option(
    "--keypoints", metavar="SET|FILE", help="Points of these weights, in order; default Facemap's 15."
)
@click.option(
    "--normalise",
    type=click.Choice(["crop", "frame"]),
    help="Grey levels by the face box (crop, the default), or by the whole frame as Facemap does.",
)
@common
@click.pass_obj
def command(
    output: Output,
    /,
    files: tuple[Path, ...],
    out: Path | None,
    form: str | None,
    rate: float | None,
    keep_frame: bool,
    unit: float | None,
    follow_links: bool,
    repair: bool,
    is_weights: bool,
    **weights: str | None,
) -> None:
    """Read files of other tools as outcomes; nothing in them is run.

    FILE is an NWB file, a session of the IBL, a table of mystax export, points in space of Anipose or
    DeepLabCut, a tracker's keypoints or Facemap's _proc.npy; what it is, is seen in its content.  What
    mystax exported comes back as it was.  Of Facemap's files every leaf is kept, with a remark on each
    value that Facemap is known to store wrongly.  With --facemap-weights a checkpoint of its network
    (facemap_model_state.pt) becomes weights for mystax track.
    """
    if is_weights:
        _import_weights(output, files, out, repair, weights)
        return
    given = [f"--{name}" for name, value in weights.items() if value is not None]
    if given:
        raise click.UsageError(f"{given[0]} belongs to --facemap-weights")
    if out is not None and len(files) > 1:
        raise click.UsageError("--out takes one FILE")
    for path in files:
        output.inputs.append(str(path))
        with output.going_on():
            _import_one(output, path, ImportWishes(form, out, repair, rate, keep_frame, unit, follow_links))
    output.settle(len(files))


def _import_weights(
    output: Output,
    files: tuple[Path, ...],
    out: Path | None,
    repair: bool,
    wishes: dict[str, str | None],
) -> None:
    from mystax.engine.training.foreign_weights import import_facemap_weights

    state, *others = files
    if repair:
        raise click.UsageError("--repair does not belong to --facemap-weights")
    if len(others) > 1:
        raise click.UsageError("--facemap-weights takes one checkpoint")
    output.inputs.append(str(state))
    if others:
        output.note(f"{others[0].name} is not opened: the shapes of the weights tell all that it says")
    options: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None}
    made = import_facemap_weights(state, out=out, **options)
    output.outcomes.append({"path": str(made), "name": made.stem, "state": "imported"})
    output.say(f"weights: {made}")
    output.say(f"use them: mystax track VIDEO --weights {made if out is not None else made.stem}")


def _import_one(output: Output, path: Path, wishes: ImportWishes) -> None:
    from mystax.core.quality import flags_from_json
    from mystax.engine.importing import import_file

    for recording, outcomes in import_file(path, wishes, report=output.report).items():
        for name in outcomes:
            attributes = outcomes.attributes(name)
            for flag in flags_from_json(str(attributes.get("quality", "[]"))):
                output.warn(flag.code, flag.text, outcome=name)
            folder = outcomes.folder
            place = str(folder / f"{name.partition('/')[0]}.nc") if folder is not None else ""
            output.outcomes.append(
                {
                    "path": place,
                    "analysis": name,
                    "recording": recording,
                    "state": "imported",
                    "coverage": attributes.get("coverage", 1.0),
                }
            )
        output.say(f"{path.name}: {', '.join(outcomes)} in {outcomes.folder}")

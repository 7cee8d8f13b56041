"""`mystax train`: a tracker from labelled frames."""

from pathlib import Path
from typing import Any

import click

from mystax.cli.options import common
from mystax.cli.output import Output

__all__ = ["command"]


@click.command("train", epilog="Example: mystax train faces.labels --minutes 2")
@click.argument("labels", metavar="LABELS", type=click.Path(path_type=Path))
@click.option(
    "--base",
    default="mouse-face",
    show_default=True,
    metavar="NAME|none",
    help="Weights to start from; none for other animals.",
)
@click.option("--name", metavar="NAME", help="Name of the new weights; default that of the labels.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the weights; default the user's own, where they are found by name.",
)
@click.option("--keypoints", metavar="SET|FILE", help="Keypoint set of a label file.")
@click.option("--minutes", type=float, default=2.0, show_default=True, help="Time per member, 0.2 to 600.")
@click.option("--seed", type=int, default=0, show_default=True, help="Start of all random numbers.")
@click.option("--size", type=int, default=256, show_default=True, help="Side of the crops [px], 128 to 512.")
@click.option(
    "--replay",
    type=float,
    default=0.125,
    show_default=True,
    help="Share of rendered faces in a batch, 0 to 0.9.",
)
@click.option(
    "--hold-out",
    type=click.Choice(["recording", "block"]),
    default="recording",
    show_default=True,
    help="What is held out to judge by.",
)
@click.option(
    "--members",
    type=int,
    default=1,
    show_default=True,
    help="Networks to train, 1 to 5: an ensemble finds points better, at as many times the cost.",
)
@click.option("--cores", type=click.IntRange(1), help="Threads; default all that the process may use.")
@click.option("--force", is_flag=True, help="Take the new weights although they are not better.")
@click.option(
    "--queue", "as_job", is_flag=True, help="As a job of a catalogue's queue: mystax queue work trains."
)
@click.option("--catalog", "catalog_at", metavar="PATH|URL", help="The catalogue of --queue.")
@common
@click.pass_obj
def command(output: Output, /, labels: Path, as_job: bool, catalog_at: str | None, **options: Any) -> None:
    """Train or refine a tracker on LABELS: a .labels folder, or a keypoint file beside its pictures.

    Ten frames are enough to begin with.  The old weights stay if the new ones are worse on frames that they
    have not seen.  A training that was stopped goes on when the same command is given again.  Needs the
    extra: pip install "mystax[train]".
    """
    from mystax.engine.machine import available_cores
    from mystax.engine.signals import stop_wishes
    from mystax.engine.training.train import train

    output.inputs.append(str(labels))
    if as_job:
        _queue(output, labels, options, catalog_at)
        return
    cores = options.pop("cores") or available_cores()
    with stop_wishes() as stop:
        report = train(labels, **options, cores=cores, progress=stop.watching(output.report))
    output.more["training"] = report.as_dict()
    output.more["accepted"] = report.is_accepted
    output.say(f"{report.n_frames} labelled frames, {report.split}")
    old = "" if report.base_error != report.base_error else f", {report.base_error:.2f} before"
    output.say(f"error on held-out frames: {report.held_out_error:.2f} px@256{old}")
    for name, value in report.per_point.items():
        weak = "  (fewer than 5 labels)" if name in report.weak else ""
        other = (
            "  (your labels mean another place than the weights before)" if name in report.redefined else ""
        )
        output.say(f"  {name:<16} {value:6.2f}{weak}{other}")
    if report.is_accepted:
        output.say(f"weights: {report.path}")
        known = str(report.path) if options["out"] else report.path.stem
        output.say(f"use them: mystax track VIDEO --weights {known}")
    else:
        output.say("the old weights stay: " + "; ".join(report.reasons))
        output.say(f"the new ones are kept as {report.path}")
    output.say(f"report: {report.page}")


def _queue(output: Output, labels: Path, options: dict[str, Any], catalog_at: str | None) -> None:
    """Queue the training instead of doing it here."""
    from mystax.engine.catalog.catalog import Catalog

    with Catalog.open(catalog_at) as catalog:
        ids = catalog.add_training(labels, options)
    output.more["jobs"] = [f"j{number}" for number in ids]
    output.say(f"queued as j{ids[0]}" if ids else "it is in the queue already")

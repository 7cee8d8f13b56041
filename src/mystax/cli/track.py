"""`mystax track`: keypoints of the face in videos and pictures."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mystax.cli.options import OneAnalysisCommand, common
from mystax.cli.output import Output
from mystax.cli.run import reporting, tell_outcomes

__all__ = ["command"]

EPILOG = "Example: mystax track face.mp4 --overlay points.mp4"


@click.command("track", cls=OneAnalysisCommand, analysis="pose", epilog=EPILOG)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=click.Path(path_type=Path))
@click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the video with its points (one SOURCE).",
)
@click.option("--overwrite", is_flag=True, help="Let --overlay replace a file of the same name.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Outcomes go to DIR/<recording>/<recipe>."
)
@click.option("--cores", type=click.IntRange(1), help="Threads; default all that the process may use.")
@click.option("--force", is_flag=True, help="Make outcomes again that are current.")
@common
@click.pass_context
def command(ctx: click.Context, /, sources: tuple[Path, ...], **options: Any) -> None:
    """Track the face in each SOURCE: a video, or a folder of pictures.

    Works with the shipped weights on a CPU; the face is found by itself.  Outcomes go to
    SOURCE.mystax/pose.nc beside the video, with a report to look at.
    """
    output: Output = ctx.obj
    parameters: Mapping[str, Mapping[str, str]] = ctx.meta["mystax.parameters"]
    if options["overlay"] is not None and len(sources) > 1:
        raise click.UsageError("--overlay takes one SOURCE")
    output.inputs = [str(source) for source in sources]
    if len(sources) > 1:
        from mystax.engine.folders import refuse_shared

        refuse_shared(sources, options["out"])
    for source in sources:
        with output.going_on():
            _track(output, source, options, parameters)
    output.settle(len(sources))


def _track(
    output: Output, source: Path, options: Mapping[str, Any], parameters: Mapping[str, Mapping[str, str]]
) -> None:
    from mystax.engine.stills import is_stills

    made: list[str] = []
    report = reporting(output, made)
    start = time.monotonic()
    if is_stills(source):
        from mystax.engine.track_stills import track_folder

        if options["overlay"] is not None:
            raise click.UsageError("--overlay is for videos")
        outcomes = track_folder(
            source,
            parameters["pose"],
            out=options["out"],
            cores=options["cores"],
            force=options["force"],
            progress=report,
        )
    else:
        from mystax.engine.run import run

        if options["overlay"] is not None:
            _check_overlay(source, options)
        outcomes = run(
            str(source),
            analyses=["pose"],
            parameters=parameters,
            out=options["out"],
            cores=options["cores"],
            force=options["force"],
            progress=report,
        )
    tell_outcomes(output, outcomes, made, time.monotonic() - start)
    if options["overlay"] is not None:
        from mystax.engine.overlay import write_overlay

        path = write_overlay(
            outcomes, options["overlay"], overwrite=options["overwrite"], progress=output.report
        )
        output.more["overlay"] = str(path)
        output.say(f"overlay: {path}")


def _check_overlay(source: Path, options: Mapping[str, Any]) -> None:
    from mystax.engine.cameras import plan_cameras
    from mystax.engine.overlay import check_overlay

    files = [file for camera in plan_cameras(str(source)).files.values() for file in camera]
    check_overlay(options["overlay"], files, overwrite=options["overwrite"])

"""`mystax triangulate`: keypoints in space from the poses of calibrated cameras."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mystax.cli.options import OneAnalysisCommand, camera_files, common, pairs
from mystax.cli.output import Output
from mystax.cli.run import reporting, tell_outcomes
from mystax.core.events import Event
from mystax.errors import MystaxError

__all__ = ["command"]

EPILOG = "Example: mystax triangulate face.mystax/pose.nc --rig calibration.toml"


@click.command("triangulate", cls=OneAnalysisCommand, analysis="pose3d", epilog=EPILOG)
@click.argument("poses", required=False, metavar="[POSES]", type=click.Path(path_type=Path))
@click.option(
    "--rig",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The calibrated cameras; needed but for a project of Anipose.",
)
@click.option(
    "--camera", "cameras", multiple=True, metavar="NAME=FILE", help="Track of a camera, any known format."
)
@click.option("--rate", type=float, metavar="HZ", help="Frames per second of tracks that hold no times.")
@click.option("--reference", default="", metavar="NAME", help="Camera whose times are those of the outcome.")
@click.option(
    "--offset", "offsets", multiple=True, metavar="NAME=S", help="Seconds added to a camera's times."
)
@click.option(
    "--offset-xy",
    "crops",
    multiple=True,
    metavar="NAME=X,Y",
    help="Place of its pictures in the calibrated ones.",
)
@click.option("--side", "sides", multiple=True, metavar="NAME=left|right", help="Side that a camera sees.")
@click.option("--scale-rig", is_flag=True, help="Scale a rig of pictures of another size and equal shape.")
@click.option("--rig-unit", type=float, metavar="MM", help="Length of the rig's unit, where it is not 1 mm.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the outcome.")
@click.option("--cores", type=click.IntRange(1), default=1, help="Threads; the result does not depend on it.")
@click.option("--no-report", is_flag=True, help="Write no report.")
@common
@click.pass_context
def command(ctx: click.Context, /, poses: Path | None, **options: Any) -> None:
    """Bring the points of several cameras together in space.

    POSES is a folder of outcomes or its pose.nc with two cameras or more; other tracks are given with
    --camera.  The outcome pose3d.nc goes beside it, with a report.  POSES may also be a project of Anipose
    (its folder, or config.toml): all its recordings are made, with its rigs, axes, limbs and angles.
    """
    output: Output = ctx.obj
    files = camera_files(options["cameras"])
    if (poses is None) == (not files):
        raise click.UsageError("give POSES, or --camera NAME=FILE for each camera")
    for name, paths in files.items():
        if len(paths) > 1:
            raise click.UsageError(f"--camera {name} is given twice")
    from mystax.engine.space.pose3d import triangulate_files
    from mystax.engine.space.pose3d_request import Request3d
    from mystax.io.formats.anipose_project import find_anipose_project

    project = None if poses is None or (poses / "pose.nc").is_file() else find_anipose_project(poses)
    if project is None and options["rig"] is None:
        raise click.UsageError("Missing option '--rig'.")
    request = Request3d(
        rate=options["rate"],
        reference=options["reference"],
        offsets=_numbers(options["offsets"], "--offset"),
        crops=_crops(options["crops"]),
        sides=pairs(options["sides"], "--side"),
        scale_rig=options["scale_rig"],
        rig_unit=options["rig_unit"],
    )
    parameters: Mapping[str, Mapping[str, str]] = ctx.meta["mystax.parameters"]
    output.inputs = [str(poses)] if poses is not None else [{name: paths[0] for name, paths in files.items()}]
    if project is not None:
        _project(output, project, request, parameters["pose3d"], options)
        return
    made: list[str] = []
    report = reporting(output, made)
    start = time.monotonic()
    outcomes = triangulate_files(
        poses if poses is not None else {name: paths[0] for name, paths in files.items()},
        options["rig"],
        request,
        parameters["pose3d"],
        out=options["out"],
        cores=options["cores"],
        report=not options["no_report"],
        progress=report,
    )
    tell_outcomes(output, outcomes, made, time.monotonic() - start)
    output.settle(1)


def _project(
    output: Output, project_file: Path, request: Any, parameters: Mapping[str, str], options: Any
) -> None:
    """Make the points of all recordings of a project; one that fails does not stop the others."""
    from mystax.engine.space.anipose import ProjectWishes, place_of, triangulate_trial
    from mystax.io.formats.anipose_project import read_anipose_project
    from mystax.io.formats.anipose_trials import anipose_trials

    project = read_anipose_project(project_file)
    trials = anipose_trials(project)
    wishes = ProjectWishes(
        request, parameters, options["rig"], options["out"], options["cores"], not options["no_report"]
    )
    for trial in trials:
        made: list[str] = []

        def report(event: Event, made: list[str] = made) -> None:
            if event.kind == "outcome":
                made.append(str(event.data.get("analysis", "")))
            output.report(event)

        start = time.monotonic()
        folder = place_of(project, trial, wishes.out, is_only=len(trials) == 1)
        try:
            outcomes = triangulate_trial(project, trial, wishes, folder, progress=report)
        except MystaxError as error:
            output.fail(error)
            continue
        output.say(f"{trial.name or trial.session.name}: {folder}")
        tell_outcomes(output, outcomes, made, time.monotonic() - start)
    output.settle(len(trials))


def _numbers(values: tuple[str, ...], what: str) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in pairs(values, what).items()}
    except ValueError as error:
        raise click.UsageError(f"{what} takes NAME=NUMBER") from error


def _crops(values: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    found = {}
    for name, value in pairs(values, "--offset-xy").items():
        parts = value.split(",")
        try:
            found[name] = (float(parts[0]), float(parts[1]))
        except (ValueError, IndexError) as error:
            raise click.UsageError("--offset-xy takes NAME=X,Y") from error
    return found

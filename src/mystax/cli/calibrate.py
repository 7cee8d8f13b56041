"""`mystax calibrate`: calibrated cameras from pictures of a board; boards to print; checks of a rig."""

from pathlib import Path
from typing import Any

import click

from mystax.cli.options import camera_files, common
from mystax.cli.output import Output
from mystax.core.events import Event

__all__ = ["command"]

EPILOG = "Example: mystax calibrate board/*.mp4 --board charuco:10x7:17:13 --out calibration.toml"


@click.command("calibrate", epilog=EPILOG)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=click.Path(path_type=Path))
@click.option(
    "--board",
    default="",
    metavar="KIND:COLSxROWS:SQUARE[:MARKER[:DICTIONARY]]",
    help="The board; squares, mm.",
)
@click.option("--camera", "cameras", multiple=True, metavar="NAME=PATH", help="Video or folder of a camera.")
@click.option("--model", default="auto", metavar="MODEL", help="auto, pinhole, pinhole-k1 or fisheye.")
@click.option(
    "--k3",
    is_flag=True,
    help="Free the third radial number too, for wide lenses (of a fisheye the third and fourth).",
)
@click.option(
    "--board-error",
    type=float,
    default=0.0,
    metavar="MM",
    help="How far corners may lie from their places on the board (SD), such as 0.1 for paper.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where the rig goes (calibration.toml)."
)
@click.option("--draw", "drawn", default="", metavar="BOARD", help="Draw a board as a PDF instead.")
@click.option("--overwrite", is_flag=True, help="With --draw: replace a file of the same name.")
@click.option(
    "--check", "rig_file", type=click.Path(path_type=Path), metavar="RIG", help="Check a rig; SOURCE: poses."
)
@click.option("--refine", is_flag=True, help="With --check: adjust the cameras' poses, write a new file.")
@click.option(
    "--rate", type=float, metavar="HZ", help="With --check: frames per second of tracks without times."
)
@common
@click.pass_obj
def command(output: Output, /, sources: tuple[Path, ...], **options: Any) -> None:
    """Calibrate cameras from videos, folders or pictures of a board, one SOURCE per camera.

    A file of corners (*.corners.nc) calibrates again without pictures.
    """
    if options["drawn"]:
        _draw(output, options)
    elif options["rig_file"] is not None:
        _check(output, sources, options)
    else:
        _calibrate(output, sources, options)
    output.settle(1)


def _draw(output: Output, options: Any) -> None:
    from mystax.engine.space.board_pdf import write_board

    path = write_board(options["drawn"], options["out"] or Path("board.pdf"), overwrite=options["overwrite"])
    output.more["board"] = str(path)
    output.say(f"{path}: print at 100 %, then measure the ruler")


def _calibrate(output: Output, sources: tuple[Path, ...], options: Any) -> None:
    from mystax.engine.space.calibrate import calibrate_files

    files = camera_files(options["cameras"])
    if bool(files) == bool(sources):
        raise click.UsageError("give one SOURCE per camera, or --camera NAME=PATH for each")
    given: Any = {name: paths if len(paths) > 1 else paths[0] for name, paths in files.items()} or list(
        sources
    )
    output.inputs = [str(source) for source in sources] or [dict(files)]
    start = options["out"] or Path("calibration.toml")
    found = calibrate_files(
        given,
        options["board"],
        model=options["model"],
        k3=options["k3"],
        board_error=options["board_error"],
        out=start,
        progress=output.report,
    )
    output.more["rig"] = found.summary
    output.more["calibration"] = str(found.path)
    for flag in found.flags:
        output.warn(flag.code, flag.text)
    for line in found.lines:
        output.say(line)
    output.say(f"rig: {found.path}")


def _check(output: Output, sources: tuple[Path, ...], options: Any) -> None:
    from mystax.engine.space.calibrate import check_rig

    files = camera_files(options["cameras"])
    if len(sources) > 1 or (not sources and not files):
        raise click.UsageError(
            "--check RIG takes poses: a folder of outcomes, a pose.nc, or --camera NAME=FILE"
        )
    poses: Any = sources[0] if sources else {name: paths[0] for name, paths in files.items()}

    def report(event: Event) -> None:
        output.report(event)

    found = check_rig(
        options["rig_file"],
        poses,
        rate=options["rate"],
        refine=options["refine"],
        out=options["out"],
        progress=report,
    )
    output.more["check"] = found.summary
    for flag in found.flags:
        output.warn(flag.code, flag.text)
    for line in found.lines:
        output.say(line)
    if found.path is not None:
        output.more["calibration"] = str(found.path)
        output.say(f"refined rig: {found.path}")

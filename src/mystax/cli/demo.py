"""`mystax demo`: a synthetic recording, measured, and compared with its truth."""

from pathlib import Path
from typing import Any

import click

from mystax.cli.options import common
from mystax.cli.output import Output

__all__ = ["command"]


@click.command("demo", epilog="Example: mystax demo")
@click.argument("folder", default="mystax-demo", type=click.Path(path_type=Path))
@click.option("--seed", default=0, help="Start of all random numbers; default 0.")
@click.option("--no-browser", is_flag=True, help="Do not open the report.")
@common
@click.pass_obj
def command(output: Output, folder: Path, seed: int, no_browser: bool) -> None:
    """Film synthetic mice, measure and track them in space, encode, find states, and show what was recovered.

    Needs no data, no network and no GPU; videos and outcomes go to FOLDER.
    """
    from mystax.engine.demo.brain import BRAIN_FOLDER, OUTCOMES, true_ceiling, true_runs
    from mystax.engine.demo.brain_study import recovered_neurons, recovered_runs
    from mystax.engine.demo.demo import demo, recovered
    from mystax.engine.demo.face import FACE_FOLDER, recovered_places, recovered_points
    from mystax.engine.demo.face import OUTCOMES as FACE_OUTCOMES
    from mystax.io.outcomes import Outcomes, load

    outcomes = demo(folder, seed=seed, progress=output.report)
    output.inputs.append(str(folder))
    face, brain = folder / FACE_FOLDER, folder / BRAIN_FOLDER / OUTCOMES
    encoded: Any = load(brain / "encoding.nc")
    states: Any = load(brain / "states.nc")
    faces = Outcomes.of_folder(face / FACE_OUTCOMES)
    lines = [
        *recovered(outcomes, seed=seed),
        *recovered_points(faces, face),
        recovered_places(faces["pose3d"], face),
        recovered_runs(states, true_runs(folder / BRAIN_FOLDER)),
        *recovered_neurons(encoded, true_ceiling(folder / BRAIN_FOLDER)),
    ]
    output.say(f"{'measured':<24}{'truth':<20}found")
    for line in lines:
        output.say(f"{line.what:<24}{line.truth:<20}{line.found}{'' if line.is_right else '  (!)'}")
    output.more["recovered"] = [
        {"what": line.what, "truth": line.truth, "found": line.found, "right": line.is_right}
        for line in lines
    ]
    output.status = 0 if all(line.is_right for line in lines) else 1
    if outcomes.folder is None:
        return
    report = outcomes.folder / "report.html"
    output.more["report"] = str(report)
    output.say(f"report: {report}")
    output.say(f"keypoints: {face / FACE_OUTCOMES / 'report.html'}")
    output.say(f"neurons: {brain / 'report.html'} (ten simulated minutes: no claim about real mice)")
    if not no_browser and report.exists():
        import webbrowser

        webbrowser.open(report.resolve().as_uri())

"""`mystax labels suggest`, `check` and `evaluate`: what to label next, and how good labels and models are."""

from pathlib import Path
from typing import Any

import click

from mystax.cli.options import PLACE, common, pairs
from mystax.cli.output import Output
from mystax.errors import RecipeError

__all__ = ["check", "evaluate", "suggest"]


@click.command("suggest", epilog="Example: mystax labels suggest faces.labels face.mp4 -n 20")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@click.argument("videos", nargs=-1, metavar="[VIDEO...]", type=PLACE)
@click.option(
    "-n", "n", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many frames."
)
@click.option(
    "--pose",
    "poses",
    multiple=True,
    metavar="FILE.nc",
    type=PLACE,
    help="Predicted keypoints of the videos, in their order: frames a model is unsure of come first.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice.")
@common
@click.pass_obj
def suggest(
    output: Output, folder: Path, videos: tuple[Path, ...], n: int, poses: tuple[Path, ...], seed: int
) -> None:
    """Suggest frames to label next, the worst first, each with its reason."""
    from mystax.engine.labels.labels import Labels
    from mystax.engine.labels.suggest import suggest_frames
    from mystax.io.outcomes import Outcomes, load

    output.inputs += [str(folder), *map(str, videos)]
    if len(poses) > len(videos):
        raise click.UsageError("--pose belongs to a VIDEO: name as many videos")
    datasets: dict[int, Any] = {}
    for k, path in enumerate(poses):
        found = load(path)
        if isinstance(found, Outcomes):
            raise RecipeError(
                "P403", str(path), "the file holds several cameras", hint="name one camera's file"
            )
        datasets[k] = found
    with Labels(folder) as labels:
        for flag in labels.flags:
            output.warn(flag.code, flag.text, folder=str(folder))
        chosen = suggest_frames(labels, n, list(videos) or None, poses=datasets, seed=seed)
    for item in chosen:
        output.outcomes.append(
            {
                "video": item.path,
                "frame": item.frame,
                "pts": item.key[1],
                "reason": item.reason,
                "suspicion": round(item.suspicion, 4),
            }
        )
        output.say(f"{Path(item.path).name} frame {item.frame}: {item.reason}")


@click.command("check", epilog="Example: mystax labels check faces.labels")
@click.argument("folder", metavar="FOLDER", type=PLACE)
@click.option("--no-videos", is_flag=True, help="Do not compare the copies of frames with the videos.")
@common
@click.pass_obj
def check(output: Output, folder: Path, no_videos: bool) -> None:
    """Look for labels that are probably wrong; nothing is changed."""
    from mystax.engine.labels.check import check_labels
    from mystax.engine.labels.labels import Labels

    output.inputs.append(str(folder))
    with Labels(folder) as labels:
        for flag in labels.flags:
            output.warn(flag.code, flag.text, folder=str(folder))
        problems = check_labels(labels, videos=not no_videos)
        n_frames = len(labels)
    for problem in problems:
        output.outcomes.append(
            {
                "kind": problem.kind,
                "camera": problem.camera,
                "frame": problem.frame,
                "keypoints": list(problem.keypoints),
                "text": problem.text,
            }
        )
        output.say(f"{problem.camera}:{problem.frame} {problem.kind}: {problem.text}")
    output.say(f"{n_frames} labelled frames, {len(problems)} remarks")


@click.command(
    "evaluate",
    epilog="Example: mystax labels evaluate faces.labels --weights mouse-face --test-last 45",
)
@click.argument("labels", metavar="LABELS", type=PLACE)
@click.option(
    "--weights",
    multiple=True,
    metavar="NAME|FILE",
    help="Weights of a network; repeat: the first is compared with the others.",
)
@click.option(
    "--predictions",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Keypoints that another tool predicted, beside or instead of weights.",
)
@click.option("--box", default="frame", show_default=True, metavar="frame|X,Y,SIDE", help="Face box [px].")
@click.option("--keypoints", metavar="SET", help="Set for a LABELS file.")
@click.option("--map", "table", metavar="FILE.csv", type=PLACE, help="Names in LABELS: theirs and ours.")
@click.option("--test-last", type=click.IntRange(1), metavar="N", help="Judge by the last N frames only.")
@click.option("--width", type=click.FloatRange(1), help="Reference width [px]; by default the picture's.")
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=PLACE,
    help="Write evaluation.json, frames.csv and evaluation.html.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the intervals.")
@common
@click.pass_obj
def evaluate(
    output: Output,
    labels: Path,
    weights: tuple[str, ...],
    predictions: tuple[str, ...],
    box: str,
    keypoints: str | None,
    table: Path | None,
    test_last: int | None,
    width: float | None,
    folder: Path | None,
    seed: int,
) -> None:
    """Measure weights or predicted keypoints on labels: errors in px@256 with intervals, and calibration.

    LABELS is a folder of labels, or any readable file of keypoints beside its pictures.
    """
    from mystax.core.keypoints import KeypointSet
    from mystax.engine.labels.exchange import read_name_table
    from mystax.engine.labels.frames import (
        PoseFunction,
        Predictions,
        labelled_frames,
        predictions_from_table,
    )
    from mystax.engine.training.evaluate import evaluate as measure
    from mystax.engine.training.evaluate import write_evaluation
    from mystax.engine.training.judge import pose_function
    from mystax.io.formats.keypoint_files import read_keypoints

    output.inputs.append(str(labels))
    if not weights and not predictions:
        raise click.UsageError("name --weights or --predictions to be judged")
    frames = labelled_frames(
        labels,
        keypoints=KeypointSet.load(keypoints) if keypoints else None,
        names=read_name_table(table) if table is not None else None,
        width=width,
    )
    pool = None
    if test_last is not None:
        pool, frames = frames.last(test_last)
    named = {name or Path(path).stem: path for name, path in pairs(predictions, "--predictions").items()}
    models: dict[str, Predictions | PoseFunction] = {name: pose_function(name, box=box) for name in weights}
    models |= {name: predictions_from_table(frames, read_keypoints(path)) for name, path in named.items()}
    found = measure(frames, models, pool=pool, seed=seed)
    output.more["evaluation"] = found.as_dict()
    for model, figures in found.figures.items():
        output.say(_row(model, figures["all"]))
        if "without_whiskers" in figures:
            output.say(_row("  without whiskers", figures["without_whiskers"]))
    if folder is not None:
        output.outcomes += [{"path": str(path)} for path in write_evaluation(found, folder)]


def _row(name: str, figures: Any) -> str:
    low, high = figures["mean_interval"]
    return (
        f"{name:<20} mean {figures['mean']:.2f} ({low:.2f} to {high:.2f})  median {figures['median']:.2f}  "
        f"p95 {figures['p95']:.2f} px@256  PCK@10 {figures['pck']['10']:.3f}  {figures['n']} points"
        + (f", {figures['n_missing']} without a prediction" if figures["n_missing"] else "")
    )

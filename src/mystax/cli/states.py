"""`mystax states`: expressions and behaviours as states, from keypoints and traces."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mystax.cli.options import OneAnalysisCommand, common
from mystax.cli.output import Output
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from mystax.engine.states.run import StatesRun
else:
    StatesRun = Any

__all__ = ["command"]


@click.command(
    "states",
    cls=OneAnalysisCommand,
    analysis="states",
    epilog="Example: mystax states pose-3d.csv --k 9 --rate 30 --keypoints human-face-21",
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", type=click.Path(path_type=Path))
@click.option("--k", "k", metavar="auto|N", help="Number of states (the same as --n-states).")
@click.option("--keypoints", metavar="SET", help="Keypoint set by name, or the path of a .toml file.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), metavar="FILE", help="Table of names: theirs, ours."
)
@click.option(
    "--model", type=click.Path(path_type=Path), metavar="FILE", help="Apply a stored fit; nothing is fitted."
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table recording, group[, individual][, pair].",
)
@click.option(
    "--events", type=click.Path(path_type=Path), metavar="FILE", help="Table with times of events [s]."
)
@click.option(
    "--match",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Another fit: which of its states is which of these.",
)
@click.option(
    "--clips", type=click.IntRange(1, 25), metavar="N", help="Write movies of N example bouts per state."
)
@click.option(
    "--video", type=click.Path(path_type=Path), metavar="FILE", help="Video behind the clips (one INPUT)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of outcome, figures and report."
)
@common
@click.pass_context
def command(ctx: click.Context, /, inputs: tuple[Path, ...], **options: Any) -> None:
    """Find the states of a face: which there are, how often, how long, in which order.

    INPUT is a folder of outcomes or a file of Anipose, OpenFace, MediaPipe, DeepLabCut, SLEAP or Lightning
    Pose; several are fitted together.  States are numbered: mystax never says what a person feels.
    """
    from mystax.engine.states.groups import individuals_of
    from mystax.engine.states.run import run_states
    from mystax.engine.states.store import keep_states

    output: Output = ctx.obj
    output.inputs += [str(path) for path in inputs]
    values = dict(ctx.meta["mystax.parameters"]["states"])
    if options["k"] is not None:
        values["n_states"] = options["k"]
    out = options["out"] or _default_out(inputs)
    done = run_states(
        list(inputs),
        values,
        keypoints=_set_of(options["keypoints"]),
        model=options["model"],
        table=_names_of(options["map_file"]),
        individuals=individuals_of(options["groups"]) if options["groups"] is not None else None,
        progress=output.report,
    )
    folders = keep_states(
        done, out, groups=options["groups"], events=options["events"], progress=output.report
    )
    for error in done.failed:
        output.fail(error)
    _tell(output, done, folders)
    if options["match"] is not None:
        _tell_match(output, done, options["match"], folders[-1])
    if options["clips"] is not None:
        from mystax.engine.states.clips import write_clips

        made = write_clips(done, folders[0], options["clips"], video=options["video"], progress=output.report)
        output.more["clips"] = [str(path) for path in made]
        output.say(f"clips: {len(made)} in {folders[0] / 'clips'}")
    output.status = 3 if done.failed else (0 if done.fit.is_complete else 130)


def _tell_match(output: Output, done: StatesRun, other: Path, folder: Path) -> None:
    """Say which state is which of another fit."""
    from mystax.engine.states.store import keep_match

    match = keep_match(done, other, folder)
    by = "frames of both" if match.how == "frames" else "what the states look like"
    output.say(f"compared with {other} by {by}: {100 * match.share:.0f} % of the time in matching states")
    output.say("  " + ", ".join(f"{a} is {b} there" for a, b in match.pairs))
    for which, states in (("here", match.unmatched), ("there", match.other_unmatched)):
        if states:
            output.say(f"  without a partner {which}: {', '.join(map(str, states))}")
    output.more["match"] = {
        "by": match.how,
        "share": match.share,
        "pairs": [list(pair) for pair in match.pairs],
        "unmatched": list(match.unmatched),
        "other_unmatched": list(match.other_unmatched),
    }


def _default_out(inputs: tuple[Path, ...]) -> Path:
    first = inputs[0]
    if len(inputs) > 1:
        return Path("states.mystax")
    if first.is_dir():
        return first
    return first.parent if first.suffix == ".nc" else first.with_suffix(".mystax")


def _set_of(text: str | None) -> str | Path | None:
    if text is None:
        return None
    return Path(text) if text.endswith(".toml") else text


def _names_of(path: Path | None) -> Mapping[str, str] | None:
    if path is None:
        return None
    from mystax.io.formats.texts import read_cells

    rows = read_cells(path)
    if not rows or [cell.strip() for cell in rows[0][:2]] != ["theirs", "ours"]:
        raise RecipeError(
            "P403", str(path), expected="columns theirs, ours", got=str(rows[0] if rows else "nothing")
        )
    return {row[0].strip(): row[1].strip() if len(row) > 1 else "" for row in rows[1:]}


def _tell(output: Output, done: StatesRun, folders: list[Path]) -> None:
    """Print the verdict, the frequencies, and where everything is."""
    fit = done.fit
    output.say(fit.verdict)
    share = [float(value) for value in _pooled(done)]
    output.say(
        "share of the time: " + ", ".join(f"{k + 1}: {100 * value:.0f} %" for k, value in enumerate(share))
    )
    for folder in folders:
        report = folder / "report.html"
        output.say(f"report: {report}" if report.is_file() else f"tables and figures: {folder}")
    for dataset, folder in zip(done.datasets, folders, strict=False):
        output.outcomes.append(
            {
                "path": str(folder / "states.nc"),
                "analysis": "states",
                "recording": str(dataset.attrs["recording"]),
                "state": "made",
                "coverage": float(dataset.attrs["coverage"]),
            }
        )
    own = next((item for item in fit.candidates if item.n_states == fit.model.n_states), None)
    output.more |= {
        "n_states": fit.model.n_states,
        "held_out": {str(item.n_states): item.mean for item in fit.candidates},
        "stability": own.stability if own is not None and own.stability == own.stability else None,
        "occupancy": share,
        "flags": sorted({flag.code for flag in fit.flags}),
        "verdict": fit.verdict,
    }


def _pooled(done: StatesRun) -> list[float]:
    total = [0.0] * done.fit.model.n_states
    for dataset in done.datasets:
        for k, value in enumerate(dataset["occupancy_time"].values):
            total[k] += float(value)
    whole = sum(total) or 1.0
    return [value / whole for value in total]

"""How good a tracker is after few labels: run by hand, ``python -m benchmarks.few_labels --data FOLDER``.

The protocol is fixed.  `mouse_faces`: frames in their order, the first 67 may teach, the last 45 judge; n
labels are the first n of ``default_rng(seed).permutation(67)``.  `openfield`: random halves.  `mirror`: the
same, with its 17 points.  Every run trains as `mystax train` does, in a process of its own.  Runs that
``few_labels.json`` holds already, with the same wishes and weights to begin with, are not done again.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["LABELS", "choose_rows", "find_done", "main", "rendered_growth", "table", "train_and_judge"]

N_JUDGES = 45
N_RENDERED, RENDERED_SEED = 500, 20_260_710
"""Rendered faces that tell what a training has forgotten."""
LABELS = {
    "mouse_faces": "mouse_faces/labels.csv",
    "openfield": "dlc_openfield/labeled-data/m4s1/CollectedData_Pranav.csv",
    "mirror": "lp_mirror_mouse/CollectedData.csv",
}
WISHES = ("set", "n", "seed", "base", "members", "minutes", "digest")
"""What tells one run from another."""
GOALS = {("mouse_faces", 10): 2.10, ("mouse_faces", 20): 1.95, ("mouse_faces", 67): 1.85}
"""Mean errors that were set as goals [px@256]."""


def choose_rows(name: str, n_frames: int, n: int, seed: int) -> tuple[list[int], list[int]]:
    """Say which frames, in the order of their numbers, teach and which judge.

    Examples
    --------
    >>> teach, judge = choose_rows("mouse_faces", 112, 10, 0)
    >>> len(teach), max(teach) < 67, judge == list(range(67, 112))
    (10, True, True)
    """
    rng = np.random.default_rng(seed)
    if name == "mouse_faces":
        first = n_frames - N_JUDGES
        return rng.permutation(first)[:n].tolist(), list(range(first, n_frames))
    order = rng.permutation(n_frames).tolist()
    return order[: n_frames // 2], order[n_frames // 2 :]


def train_and_judge(job: dict[str, Any]) -> dict[str, Any]:
    """Train on the frames of a job and measure the weights on the others."""
    from mystax.compute.keypoint_errors import mean_shape_error
    from mystax.core.events import Event
    from mystax.engine.labels.frames import labelled_frames
    from mystax.engine.training.evaluate import evaluate
    from mystax.engine.training.judge import pose_function
    from mystax.engine.training.train import train

    frames = labelled_frames(Path(job["data"]) / LABELS[job["set"]])
    frames = frames.rows(np.argsort(frames.number, kind="stable"))
    teach, judge = choose_rows(job["set"], len(frames), job["n"], job["seed"])
    teachers, judges = frames.rows(teach), frames.rows(judge)
    out = Path(job["out"])
    promised: list[float] = []

    def listen(event: Event) -> None:
        if event.stage == "estimate" and "seconds" in event.data:
            promised.append(float(str(event.data["seconds"])))

    begin = (time.monotonic(), time.process_time())
    report = train(
        teachers,
        base=job["base"],
        name="w",
        out=out,
        minutes=job["minutes"],
        seed=job["seed"],
        members=job["members"],
        cores=job["cores"],
        force=True,
        progress=listen,
    )
    seconds = (time.monotonic() - begin[0], time.process_time() - begin[1])
    figures = evaluate(judges, {"new": pose_function(report.path)}).figures["new"]
    shape = mean_shape_error(teachers.position, judges.position, judges.width)
    every: Any = figures["all"]
    grown = rendered_growth(job["base"], str(report.path), teachers.ids, report.redefined, job["cores"])
    return {
        **{key: job[key] for key in WISHES},
        "mean": every["mean"],
        "median": every["median"],
        "p95": every["p95"],
        "mean_shape": float(np.nanmean(shape)),
        "held_out": report.held_out_error,
        "forgetting": report.forgetting,
        **grown,
        "redefined": list(report.redefined),
        "reasons": list(report.reasons),
        "ece": figures.get("ece"),
        "rank_correlation": figures.get("rank_correlation"),
        "steps": report.steps,
        "wall": seconds[0],
        "promised": promised[0] if promised else float("nan"),
        "cpu": seconds[1],
    }


def rendered_growth(
    base: str, new: str, points: Sequence[str], redefined: Sequence[str], cores: int = 2
) -> dict[str, float]:
    """Return how many times the error on 500 rendered faces has become: of all points, and of those kept.

    A point that the labels put elsewhere must be farther from the rendered truth than before.
    """
    from mystax.synth.head import render_batch
    from mystax.synth.head_mesh import KEYPOINTS

    known = [name for name in points if name in KEYPOINTS]
    kept = [k for k, name in enumerate(known) if name not in redefined]
    if base == "none" or not known:
        return {"rendered_500": float("nan"), "rendered_500_kept": float("nan")}
    batch = render_batch(RENDERED_SEED, 0, N_RENDERED, workers=cores)
    columns = [KEYPOINTS.index(name) for name in known]
    truth = np.where(batch.state[:, columns, None] == 2, batch.xy[:, columns], np.nan)
    before, after = (
        np.linalg.norm(_places(weights, batch.image, known, cores) - truth, axis=-1)
        for weights in (base, new)
    )
    return {
        "rendered_500": float(np.nanmean(after) / np.nanmean(before)),
        "rendered_500_kept": float(np.nanmean(after[:, kept]) / np.nanmean(before[:, kept]))
        if kept
        else float("nan"),
    }


def _places(weights: str, pictures: np.ndarray, points: Sequence[str], cores: int) -> np.ndarray:
    """Find points (n, point, space) in pictures that are face boxes."""
    from mystax.nets.crop import frame_box
    from mystax.nets.predictor import open_predictor

    predictor = open_predictor(weights, keypoints=",".join(points), cores=cores)
    rows = [predictor.keypoints.ids.index(name) for name in points]
    height, width = pictures.shape[1:]
    box = frame_box(height, width)
    crops = np.stack([predictor.network.prepare(picture, box)[0] for picture in pictures])
    return predictor.predict(crops, box, (height, width)).xy[:, rows]


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return one row per set, number of labels and base: mean and range over the seeds."""
    lines = [
        "| set | labels | base | seeds | mean (range) | goal | mean shape | rendered | ECE, rank | time |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, int, str, int], list[dict[str, Any]]] = {}
    for row in found:
        groups.setdefault((row["set"], row["n"], row["base"], row["members"]), []).append(row)
    for (name, n, base, members), rows in groups.items():
        goal = GOALS.get((name, n))
        errors, forgot, grown = (_column(rows, key) for key in ("mean", "forgetting", "rendered_500"))
        ece, rank = _column(rows, "ece"), _column(rows, "rank_correlation")
        cells = (
            f"`{name}`",
            str(n or "half"),
            base if members == 1 else f"{base}, {members} members",
            str(len(rows)),
            f"{errors.mean():.2f} ({errors.min():.2f}-{errors.max():.2f})",
            "" if goal is None else f"{goal:.2f}",
            f"{_column(rows, 'mean_shape').mean():.2f}",
            ", ".join(f"x {values.mean():.2f}" for values in (forgot, grown) if len(values)),
            f"{ece.mean():.3f}, {rank.mean():.2f}" if len(ece) and len(rank) else "",
            _seconds(rows),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _seconds(rows: Sequence[dict[str, Any]]) -> str:
    """Say what runs took, and what was promised before they began."""
    wall, cpu, promised = (_column(rows, key) for key in ("wall", "cpu", "promised"))
    before = f" ({promised.mean():.0f} s promised)" if len(promised) else ""
    return f"{wall.mean():.0f} s{before}, {cpu.mean():.0f} s"


def find_done(path: Path, job: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row of an earlier run with the same wishes, if ``few_labels.json`` has one."""
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return next((row for row in rows if all(row.get(key) == job[key] for key in WISHES)), None)


def keep(path: Path, row: dict[str, Any]) -> None:
    """Add a row to ``few_labels.json``; a reader never sees half of it."""
    rows = json.loads(path.read_text("utf-8")) if path.is_file() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps([*rows, row], indent=1) + "\n", "utf-8")
    part.replace(path)


def _digest(base: str) -> str:
    """Return what names the weights that a run begins with; empty for none."""
    from mystax.io.weights import find_weights

    return "" if base == "none" else hashlib.sha256(find_weights(base).read_bytes()).hexdigest()


def _column(rows: Sequence[dict[str, Any]], key: str) -> np.ndarray:
    """Return the numbers of a column that are known."""
    values = np.array([row.get(key, np.nan) for row in rows], np.float64)
    return values[np.isfinite(values)]


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; write ``few_labels.json`` and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", default=os.environ.get("MYSTAX_TEST_DATA", "../shared/data"))
    parser.add_argument("--set", nargs="+", default=["mouse_faces"], choices=sorted(LABELS), dest="sets")
    parser.add_argument("--labels", nargs="+", type=int, default=[10, 20, 67], help="of mouse_faces")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--base", nargs="+", default=["mouse-face"], help="weights, or none")
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    parser.add_argument("--job", help=argparse.SUPPRESS)
    wishes = parser.parse_args(words)
    if wishes.job:
        print(json.dumps(train_and_judge(json.loads(wishes.job))))
        return 0
    notes = wishes.out / "few_labels.json"
    found: list[dict[str, Any]] = []
    for name in wishes.sets:
        for n in wishes.labels if name == "mouse_faces" else [0]:
            for base in wishes.base:
                for seed in wishes.seeds:
                    place = wishes.out / "work" / "few_labels" / f"{name}-{n}-{Path(base).stem}-{seed}"
                    job = {
                        "data": wishes.data,
                        "set": name,
                        "n": n,
                        "seed": seed,
                        "base": base,
                        "digest": _digest(base),
                        "members": wishes.members,
                        "minutes": wishes.minutes,
                        "cores": wishes.cores,
                        "out": str(place),
                    }
                    row = find_done(notes, job)
                    if row is None:
                        command = [sys.executable, "-m", "benchmarks.few_labels", "--job", json.dumps(job)]
                        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                        row = json.loads(done.stdout.splitlines()[-1])
                        keep(notes, row)
                    found.append(row)
                    print(table(found[-1:]).splitlines()[-1], flush=True)
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())

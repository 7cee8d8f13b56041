"""How the tracker does on rendered faces that no training saw: ``python -m benchmarks.tracker``.

Each check consists of parts; a part that ``work/tracker`` below the folder of results holds already, made
with the same weights, is not done again.  The figures are those of the acceptance of the tracker:
calibration on fresh pictures, face boxes of faces of any turn, videos without a face, jitter of an animal
that does not move, fast whisks, frames suggested for labelling.
"""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tracker_parts as parts
from mystax.compute.keypoint_errors import area_under_curve, calibration_error, ellipse_coverage
from mystax.nets.face_box import FOUND

__all__ = ["CHECKS", "Check", "main", "run_check"]

Part = dict[str, np.ndarray]
Figures = dict[str, float]
FORM = 2
"""Raised with what a part holds: those of before are made again."""
GOOD = 5.0
"""Largest error of a good point [px@256]."""


def calibration(found: Sequence[Part]) -> Figures:
    """Judge confidence and ellipses, of the usual 13 points and of all."""
    xy, truth, state, confidence, covariance = (
        np.concatenate([part[name] for part in found])
        for name in ("xy", "truth", "state", "confidence", "covariance")
    )
    figures: Figures = {"pictures": len(xy)}
    for name, n_points in (("13", 13), ("all", xy.shape[1])):
        placed = state[:, :n_points] == 2
        error = np.linalg.norm(xy - truth, axis=-1)[:, :n_points]
        sure = confidence[:, :n_points]
        seen = np.where(placed[..., None], xy[:, :n_points], np.nan)
        figures |= {
            f"median.{name}": float(np.median(error[placed])),
            f"pck10.{name}": float((error[placed] <= 10).mean()),
            f"ece.{name}": calibration_error(sure.ravel(), (placed & (error <= GOOD)).ravel()),
            f"auroc10.{name}": area_under_curve(1 - sure[placed], error[placed] > 10),
            f"cover90.{name}": ellipse_coverage(seen, covariance[:, :n_points], truth[:, :n_points], 0.9),
            f"cover50.{name}": ellipse_coverage(seen, covariance[:, :n_points], truth[:, :n_points], 0.5),
        }
    return figures


def boxes(found: Sequence[Part]) -> Figures:
    """Judge face boxes: how much of them is shared with the true ones."""
    overlap = np.array([parts.shared_area(part["truth"], part["box"]) for part in found])
    seconds = np.array([float(part["seconds"]) for part in found])
    return {
        "pictures": len(found),
        "iou_above_0.6": float((overlap >= 0.6).mean()),
        "iou_median": float(np.median(overlap)),
        "turn_right": float(np.mean([int(part["turn"]) == int(part["true_turn"]) for part in found])),
        "found": float(np.mean([float(part["score"]) >= FOUND for part in found])),
        "seconds_mean": float(seconds.mean()),
        "seconds_most": float(seconds.max()),
    }


def no_face(found: Sequence[Part]) -> Figures:
    """Count the videos without a face in which none was found."""
    scores = np.array([float(part["score"]) for part in found])
    return {
        "videos": len(found),
        "flagged": int((scores < FOUND).sum()),
        "score_most": float(scores.max()),
    }


def still(found: Sequence[Part]) -> Figures:
    """Judge the movement [px@256 per frame] of points that do not move."""
    return {
        "videos": len(found),
        "jitter": float(np.mean([part["smooth"] for part in found])),
        "jitter_median": float(np.median([part["smooth"] for part in found])),
        "jitter_worst_video": float(np.max([part["smooth"].mean() for part in found])),
        "jitter_raw": float(np.mean([part["raw"] for part in found])),
        **_held(found),
    }


def _held(found: Sequence[Part]) -> Figures:
    """Return how often the ellipses of 90 % of smoothed places hold the truth."""
    return {name: float(np.mean([part[name] for part in found])) for name in ("held", "held_moved")}


def whisk(found: Sequence[Part]) -> Figures:
    """Judge how much of a fast whisk is left, at the points where the smoother took it for movement."""
    smooth, raw, true, period = (
        np.concatenate([part[name] for part in found]) for name in ("smooth", "raw", "true", "period")
    )
    passed = np.abs(smooth) >= 0.1 * np.abs(raw)
    lost = 20 * np.log10(np.abs(smooth[passed]) / np.abs(raw[passed]))
    lag = np.angle(smooth[passed] / raw[passed]) / (2 * math.pi) * period[passed]
    return {
        "points": len(raw),
        "taken_for_movement": float(passed.mean()),
        "true_amplitude": float(np.median(np.abs(true))),
        "network_share": float(np.median(np.abs(raw) / np.abs(true))),
        "smoother_db": float(np.median(lost)),
        "smoother_db_worst": float(np.min(lost)),
        "lag_frames": float(np.max(np.abs(lag))),
        **_held(found),
    }


def suggest(found: Sequence[Part]) -> Figures:
    """Judge suggested frames by their mean error against that of all frames."""
    ratios = np.array([float(part["suggested"]) / float(part["all"]) for part in found])
    return {"sets": len(found), "ratio": float(ratios.mean()), "ratio_least": float(ratios.min())}


@dataclass(frozen=True, slots=True)
class Check:
    """A check: how a part is made, how many there are, and what comes of them.

    Attributes
    ----------
    make : callable
        Weights and number of the part to its arrays.
    judge : callable
        All parts to figures.
    n_parts : int
        How many parts the full form has.
    goal : str
        What is to be reached, in words.
    """

    make: Callable[[str, int], Part]
    judge: Callable[[Sequence[Part]], Figures]
    n_parts: int
    goal: str


CHECKS = {
    "calibration": Check(
        parts.fresh_pictures, calibration, 20, "ECE <= 0.05, 90 % ellipses 0.85 to 0.95, AUROC >= 0.9"
    ),
    "boxes": Check(parts.turned_face, boxes, 50, "IoU >= 0.6 in >= 90 %, <= 5 s"),
    "no_face": Check(parts.empty_video, no_face, 20, "flagged in >= 18 of 20"),
    "still": Check(parts.still_video, still, 4, "<= 0.015 px@256 per frame; ellipses 0.85 to 0.95"),
    "whisk": Check(parts.whisking_video, whisk, 4, "attenuated <= 1 dB, lag 0; ellipses 0.85 to 0.95"),
    "suggest": Check(parts.suggested_frames, suggest, 2, "ratio >= 1.5"),
}


def run_check(name: str, weights: str, folder: Path, n_parts: int | None = None) -> Figures:
    """Do the parts of a check that are missing, and judge all.

    Parameters
    ----------
    name : str
        One of `CHECKS`.
    weights : str
        Name or path of the weights.
    folder : Path
        Where parts are kept.
    n_parts : int, optional
        Fewer parts than the full form has.

    Returns
    -------
    dict
        Figures.
    """
    from mystax.io.weights import find_weights

    check = CHECKS[name]
    digest = hashlib.sha256(find_weights(weights).read_bytes()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Part] = []
    for number in range(n_parts or check.n_parts):
        path = folder / f"{name}-{FORM}-{digest}-{number:03d}.npz"
        if not path.is_file():
            made = check.make(weights, number)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                np.savez(file, **dict[str, Any](made))
            part.replace(path)
        with np.load(path, allow_pickle=False) as held:
            found.append({key: held[key] for key in held.files})
    return check.judge(found)


def main(words: Sequence[str] | None = None) -> int:
    """Run the checks that are asked for; write ``tracker.json`` and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", nargs="+", default=list(CHECKS), choices=list(CHECKS), dest="checks")
    parser.add_argument("--weights", default="mouse-face")
    parser.add_argument("--parts", type=int, help="fewer parts than the full form")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    wishes = parser.parse_args(words)
    notes = wishes.out / "tracker.json"
    for name in wishes.checks:
        figures = run_check(name, wishes.weights, wishes.out / "work" / "tracker", wishes.parts)
        text = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        print(f"{name} (goal: {CHECKS[name].goal}): {text}", flush=True)
        held: dict[str, Any] = json.loads(notes.read_text("utf-8")) if notes.is_file() else {}
        notes.write_text(json.dumps({**held, name: figures}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

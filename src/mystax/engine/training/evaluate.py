"""How good predicted keypoints are, measured on labels: errors, intervals, baselines, calibration."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.keypoint_errors import (
    Summary,
    area_under_curve,
    bootstrap_mean,
    calibration_error,
    ellipse_coverage,
    mean_shape_error,
    pixel_errors,
    reliability,
    summarise,
)
from mystax.core.typing import Bool, Float64
from mystax.engine.labels.frames import LabelledFrames, PoseFunction, Predictions
from mystax.errors import ParameterError

if TYPE_CHECKING:
    from mystax.plot.evaluation import WorstFrame
else:
    WorstFrame = Any

__all__ = ["Evaluation", "evaluate", "frames_table", "worst_frames", "write_evaluation"]

RIGHT, WRONG = 5.0, 10.0
"""A point within 5 px@256 is right (what a confidence means); one beyond 10 is wrong."""
WHISKER = "whisker"
N_WORST = 12


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures of one or several models on the same labels.

    Attributes
    ----------
    frames : LabelledFrames
        The labels.
    errors : dict of str to array (row, keypoint)
        Model or baseline to its errors [px@256].
    figures : dict of str to dict
        Model or baseline to plain values for JSON.
    said : dict of str to Predictions
        What the models said.
    worst : list of int
        Rows with the largest mean error of the first model.
    """

    frames: LabelledFrames
    errors: Mapping[str, Float64[np.ndarray, "row keypoint"]]
    figures: Mapping[str, dict[str, object]]
    said: Mapping[str, Predictions] = field(default_factory=dict)
    worst: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        found = {
            "keypoint_set": self.frames.keypoints.name,
            "n_frames": len(self.frames),
            "keypoints": list(self.frames.ids),
            "unit": "px@256",
            "models": dict(self.figures),
            "worst_frames": [self.frames.names[i] for i in self.worst],
        }
        plain: dict[str, object] = _without_nan(found)
        return plain


def evaluate(
    frames: LabelledFrames,
    models: Mapping[str, Predictions | PoseFunction],
    *,
    pool: LabelledFrames | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure models on labelled frames.

    Parameters
    ----------
    frames : LabelledFrames
        The labels that judge.
    models : mapping of str to Predictions or callable
        Name to what the model says, or to the model itself; the first is compared with all others.
    pool : LabelledFrames, optional
        Frames that could teach: the baseline `mean shape` is their mean place of each point.
    seed : int, optional
        Of the bootstrap.

    Returns
    -------
    Evaluation
        Figures in px@256: per model all points, per point, whisker points apart, calibration, and the
        paired difference to the first model.

    Raises
    ------
    ParameterError
        P401, if there is no model, or one speaks of other frames or points.
    """
    if not models:
        raise ParameterError("P401", "evaluation", expected="at least one model", got="none")
    said = {name: model(frames) if callable(model) else model for name, model in models.items()}
    errors: dict[str, np.ndarray] = {}
    figures: dict[str, dict[str, object]] = {}
    for name, prediction in said.items():
        if prediction.position.shape != frames.position.shape:
            raise ParameterError(
                "P401",
                f"predictions of {name!r}",
                expected=str(frames.position.shape),
                got=str(prediction.position.shape),
            )
        errors[name] = pixel_errors(prediction.position, frames.position, frames.width)
        figures[name] = _figures(frames, errors[name], seed) | _calibration(frames, prediction, errors[name])
    if pool is not None and pool.ids == frames.ids:
        errors["mean shape"] = mean_shape_error(pool.position, frames.position, frames.width)
        figures["mean shape"] = _figures(frames, errors["mean shape"], seed)
    first = next(iter(said))
    for name, values in errors.items():
        if name != first:
            paired = bootstrap_mean(errors[first] - values, seed=seed)
            figures[name]["first_minus_this"] = {"mean": paired.mean, "interval": [paired.low, paired.high]}
    with_error = np.isfinite(errors[first]).any(1)
    mean = np.where(
        with_error, np.nansum(errors[first], 1) / np.maximum(1, np.isfinite(errors[first]).sum(1)), -1
    )
    worst = [int(i) for i in np.argsort(-mean, kind="stable")[:N_WORST] if mean[i] >= 0]
    return Evaluation(frames, errors, figures, said, worst)


def _figures(
    frames: LabelledFrames, errors: Float64[np.ndarray, "row keypoint"], seed: int
) -> dict[str, object]:
    """Summarise errors: all points, each point, whisker points and the others, and in eye lengths."""
    labelled = np.isfinite(frames.position).all(-1)

    def over(columns: Bool[np.ndarray, " keypoint"]) -> Summary:
        return summarise(errors[:, columns], labelled[:, columns], seed=seed)

    every = np.ones(len(frames.ids), np.bool_)
    whisker = np.array([WHISKER in name for name in frames.ids])
    found: dict[str, object] = {"all": over(every).as_dict()}
    if whisker.any() and not whisker.all():
        found |= {"whiskers": over(whisker).as_dict(), "without_whiskers": over(~whisker).as_dict()}
    found["keypoints"] = {
        name: over(np.arange(len(frames.ids)) == k).as_dict() for k, name in enumerate(frames.ids)
    }
    lengths = _eye_lengths(frames)
    if lengths is not None:
        share = errors * (frames.width / 256.0 / lengths)[:, None]
        found["median_in_eye_lengths"] = (
            float(np.nanmedian(share)) if np.isfinite(share).any() else float("nan")
        )
    return found


def _eye_lengths(frames: LabelledFrames) -> Float64[np.ndarray, " row"] | None:
    """Return the labelled length of the eye in each frame [px]; None if the set has no such points."""
    if not {"eye_front", "eye_back"} <= set(frames.ids):
        return None
    front, back = (frames.position[:, frames.ids.index(name)] for name in ("eye_front", "eye_back"))
    return np.asarray(np.hypot(*(front - back).T))


def _calibration(
    frames: LabelledFrames, prediction: Predictions, errors: Float64[np.ndarray, "row keypoint"]
) -> dict[str, object]:
    """Tell whether confidences and covariances keep their word."""
    found: dict[str, object] = {}
    known = np.isfinite(errors)
    if prediction.confidence is not None:
        confidence = prediction.confidence[known]
        sure = np.isfinite(confidence)
        confidence, wrong = confidence[sure], errors[known][sure]
        found |= {
            "ece": calibration_error(confidence, wrong <= RIGHT),
            "auroc": area_under_curve(1.0 - confidence, wrong > WRONG),
            "rank_correlation": _rank_correlation(confidence, wrong),
            "reliability": reliability(confidence, wrong <= RIGHT).tolist(),
        }
    if prediction.covariance is not None:
        found["ellipses"] = {
            f"{share:.0%}": ellipse_coverage(
                prediction.position, prediction.covariance, frames.position, share
            )
            for share in (0.5, 0.9)
        }
    return found


def _rank_correlation(confidence: np.ndarray, errors: np.ndarray) -> float:
    from scipy.stats import rankdata

    if len(errors) < 3 or np.ptp(confidence) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(confidence), rankdata(errors))[0, 1])


def write_evaluation(found: Evaluation, folder: str | Path) -> list[Path]:
    """Write ``evaluation.json``, the errors of every frame (``frames.csv``) and ``evaluation.html``.

    Parameters
    ----------
    found : Evaluation
        From `evaluate`.
    folder : path
        Made if it does not exist.

    Returns
    -------
    list of Path
        The files.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    paths = [place / name for name in ("evaluation.json", "frames.csv", "evaluation.html")]
    paths[0].write_text(json.dumps(found.as_dict(), indent=1, allow_nan=False), "utf-8")
    paths[1].write_text(frames_table(found), "utf-8")
    paths[2].write_text(_page(found), "utf-8")
    return paths


def frames_table(found: Evaluation) -> str:
    """Return the errors of every frame as a table: model, frame, one column per point [px@256]."""
    from mystax.io.formats.texts import number, text_of_cells

    rows = [["model", "frame", *found.frames.ids]]
    for model, errors in found.errors.items():
        rows += [
            [model, name, *(number(round(float(value), 4)) for value in errors[i])]
            for i, name in enumerate(found.frames.names)
        ]
    return text_of_cells(rows)


def worst_frames(found: Evaluation) -> list[WorstFrame]:
    """Return the worst frames of the first model with their pictures."""
    from mystax.plot.evaluation import WorstFrame as Worst

    first = next(iter(found.said))
    return [
        Worst(
            found.frames.names[i],
            found.frames.picture(i),
            found.frames.position[i],
            found.said[first].position[i],
            float(np.nanmean(found.errors[first][i])),
        )
        for i in found.worst
    ]


def _page(found: Evaluation) -> str:
    """Draw the figures of an evaluation and write its page."""
    from mystax.plot.evaluation import errors_figure, evaluation_page, reliability_figure, worst_figure

    drawings = [errors_figure(found.errors, found.frames.ids)]
    tables: dict[str, Any] = {
        name: figures["reliability"] for name, figures in found.figures.items() if figures.get("reliability")
    }
    if tables:
        drawings.append(reliability_figure(tables))
    worst = worst_frames(found)
    if worst:
        drawings.append(worst_figure(worst))
    return evaluation_page(found.frames.keypoints.name, found.as_dict(), drawings)


def _without_nan(value: Any) -> Any:
    """Return plain values with null where a number is not known: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

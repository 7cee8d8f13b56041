"""The page of a training: before and after on frames that were held out, calibration, the worst frames."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float64
from mystax.engine.labels.frames import LabelledFrames, Predictions
from mystax.engine.training.evaluate import Evaluation, evaluate, frames_table, worst_frames

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
    from mystax.nets.refined import Found, RefineResult
else:
    CropBox = Found = RefineResult = Any

__all__ = ["write_training_page"]

NEW = "new weights"


def write_training_page(
    result: RefineResult,
    frames: LabelledFrames,
    boxes: list[CropBox],
    size: int,
    folder: Path,
    name: str,
    base: str,
) -> Path:
    """Write ``report.html``, its figures (``evaluation.json``) and every frame's errors (``frames.csv``).

    Parameters
    ----------
    result : RefineResult
        What was found out.
    frames : LabelledFrames
        The labels.
    boxes : list of CropBox
        Where each frame was cut out.
    size : int
        Side of the crops [px].
    folder : Path
        Made if it does not exist.
    name : str
        Name of the new weights.
    base : str
        Name or path of the weights before.

    Returns
    -------
    Path
        ``report.html``.
    """
    from mystax.io.whole_files import write_whole

    base = Path(base).stem
    sides = np.array([box.side for box in boxes])
    judged = replace(frames, width=sides)
    models = {NEW: _predictions(result.held_out, boxes, size)}
    if result.base_found is not None:
        models[base] = _predictions(result.base_found, boxes, size)
    rows = np.flatnonzero(np.isfinite(result.held_out_error).any(axis=1))
    models = {key: _rows(value, rows) for key, value in models.items()}
    found = evaluate(judged.rows(rows), models)
    plain = found.as_dict() | {"training": _facts(result, base)}
    write_whole(folder / "evaluation.json", json.dumps(plain, indent=1, allow_nan=False).encode())
    write_whole(folder / "frames.csv", frames_table(found).encode())
    write_whole(folder / "report.html", _page(result, found, name, base).encode())
    return folder / "report.html"


def _predictions(found: Found, boxes: list[CropBox], size: int) -> Predictions:
    """Carry places in crops to the pictures that they were cut from."""
    position = np.stack([box.to_source(xy, size) for box, xy in zip(boxes, found.xy, strict=True)])
    scale: Float64[np.ndarray, " row"] = np.array([box.side / size for box in boxes])
    return Predictions(
        position.astype(np.float64),
        found.confidence.astype(np.float64),
        found.covariance.astype(np.float64) * scale[:, None, None] ** 2,
    )


def _rows(said: Predictions, rows: np.ndarray) -> Predictions:
    """Return what was said of some frames."""
    return Predictions(
        said.position[rows],
        None if said.confidence is None else said.confidence[rows],
        None if said.covariance is None else said.covariance[rows],
    )


def _facts(result: RefineResult, base: str) -> dict[str, str]:
    """Return what a reader should know beside the figures."""
    steps = f"{result.steps} in the final fit"
    facts = {
        "held out": result.split,
        "steps": steps if len(result.nets) == 1 else f"{steps} of each of {len(result.nets)} members",
        "confidence": {"none": "not calibrated", "synthetic": "calibrated on rendered faces"}.get(
            result.calibration.origin, f"calibrated on the frames below ({result.calibration.origin})"
        ),
    }
    if result.base_found is not None:
        facts["start"] = f"the weights {base!r}"
    if np.isfinite(result.forgetting):
        facts["rendered faces"] = f"error {result.forgetting:.2f} times that of {base!r}"
    if result.redefined:
        facts["defined otherwise"] = (
            f"{', '.join(result.redefined)}: your labels lie at another place of the face than {base!r} "
            "puts them; your labels count"
        )
    if result.weak:
        facts["few labels"] = f"{', '.join(result.weak)}: fewer than 5, hardly judged"
    if result.reasons:
        facts["not accepted"] = "; ".join(result.reasons)
    return facts


def _page(result: RefineResult, found: Evaluation, name: str, base: str) -> str:
    """Draw the figures and write the page."""
    from mystax.plot.evaluation import errors_figure, evaluation_page, reliability_figure, worst_figure
    from mystax.plot.training import progress_figure

    drawings = [errors_figure(found.errors, found.frames.ids)]
    curves: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for look in result.looks:
        curves.setdefault((look.member, look.fold), []).append((look.step, look.error))
    drawings.append(progress_figure(list(curves.values())))
    tables: dict[str, Any] = {
        model: figures["reliability"]
        for model, figures in found.figures.items()
        if figures.get("reliability")
    }
    if tables:
        drawings.append(reliability_figure(tables))
    worst = worst_frames(found)
    if worst:
        drawings.append(worst_figure(worst))
    new, old = result.comparison.new, result.comparison.old
    before = f", {old:.2f} before" if np.isfinite(old) else ""
    mean = float(np.nanmean(result.held_out_error)) if not np.isfinite(new) else new
    verdict = f"Mean error on frames that were not trained on: {mean:.2f} px@256{before}. " + (
        f"The new weights are used as {name!r}."
        if result.is_accepted
        else f"The old weights stay; the new ones are kept as {name!r}."
    )
    return evaluation_page(
        name,
        found.as_dict(),
        drawings,
        kind="training of a tracker",
        verdict=verdict,
        facts=_facts(result, base),
    )

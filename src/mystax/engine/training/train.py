"""Training on labels: from frames with points to weights that replace the old ones only if better."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.extras import require
from mystax.core.safe_names import as_path
from mystax.engine.labels.frames import LabelledFrames, labelled_frames
from mystax.engine.training.inputs import NONE, cut_crops, knows_mouse, label_pairs, read_base
from mystax.errors import ParameterError, RecipeError

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
    from mystax.nets.refined import RefineResult
    from mystax.nets.training_data import Plan
    from mystax.nets.unfinished import Unfinished
else:
    CropBox = Plan = RefineResult = Unfinished = Any

__all__ = ["TrainReport", "check_wishes", "train", "weights_name"]

LEAST_FRAMES = 10
MOST_MEMBERS = 5


@dataclass(frozen=True)
class TrainReport:
    """What training made, and how good it is.

    Attributes
    ----------
    path : Path
        The ``.onnx`` file; beside it the ``.safetensors`` with the same weights.
    page : Path
        ``report.html``: errors before and after, calibration, the worst held-out frames.
    is_accepted : bool
        Whether the new weights carry the wanted name; else they lie beside it, marked ``rejected``.
    reasons : tuple of str
        Why they are not accepted.
    held_out_error, base_error : float
        Mean errors on held-out frames, of the new weights and of the base [px@256]; NaN without a base.
    per_point : mapping of str to float
        Mean held-out error of each point [px@256].
    forgetting : float
        Error on rendered faces, new over base; NaN without.
    split : str
        How frames were held out.
    weak : tuple of str
        Points with fewer than 5 labels.
    redefined : tuple of str
        Points that the labels put at another place of the face than the base does.
    n_frames, steps, members : int
        Labelled frames, steps of the final fit, and networks in the file.
    calibration : str
        Where the confidence comes from.
    seconds : float
        Wall time.
    """

    path: Path
    page: Path
    is_accepted: bool
    reasons: tuple[str, ...]
    held_out_error: float
    base_error: float
    per_point: Mapping[str, float]
    forgetting: float
    split: str
    weak: tuple[str, ...]
    redefined: tuple[str, ...]
    n_frames: int
    steps: int
    members: int
    calibration: str
    seconds: float = field(compare=False)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report; numbers that are not known are left out."""
        values: dict[str, object] = {
            "weights": str(self.path),
            "report": str(self.page),
            "accepted": self.is_accepted,
            "reasons": list(self.reasons),
            "held_out_error": self.held_out_error,
            "base_error": self.base_error,
            "per_point": {name: value for name, value in self.per_point.items() if np.isfinite(value)},
            "forgetting": self.forgetting,
            "split": self.split,
            "weak": list(self.weak),
            "redefined": list(self.redefined),
            "n_frames": self.n_frames,
            "steps": self.steps,
            "members": self.members,
            "calibration": self.calibration,
            "seconds": round(self.seconds, 1),
        }
        return {
            name: value
            for name, value in values.items()
            if not (isinstance(value, float) and np.isnan(value))
        }


def train(
    labels: str | Path | LabelledFrames,
    *,
    base: str = "mouse-face",
    name: str | None = None,
    out: str | Path | None = None,
    keypoints: str | None = None,
    minutes: float = 2.0,
    seed: int = 0,
    size: int = 256,
    replay: float = 0.125,
    hold_out: str = "recording",
    members: int = 1,
    cores: int = 1,
    force: bool = False,
    progress: Report = silent,
) -> TrainReport:
    """Train a tracker on labelled frames.

    A training that was stopped goes on where it was when it is asked for again with the same labels and
    values.

    Parameters
    ----------
    labels : path or LabelledFrames
        A folder of labels, or any readable file of keypoints beside its pictures.
    base : str, optional
        Weights to start from; ``none`` starts from nothing, for other animals or points.
    name : str, optional
        Name of the new weights; by default that of the labels.
    out : path, optional
        Folder of the weights; by default the user's own, where they are found by name.
    keypoints : str, optional
        Keypoint set of a label file: a shipped name or a TOML file.
    minutes : float, optional
        Time that may be spent on each member, 0.2-600.
    seed : int, optional
        Same labels, seed and cores: same weights.
    size : int, optional
        Side of the crops [px], 128-512, a multiple of 32.
    replay : float, optional
        Share of rendered faces in a batch, 0-0.9; only where the base knows the mouse's face.
    hold_out : {"recording", "block"}, optional
        What is held out to judge by.
    members : int, optional
        Networks to train, 1-5.  Several make an ensemble in one file: better places, and covariances that
        know where the members disagree, at as many times the cost.
    cores : int, optional
        Threads.
    force : bool, optional
        Take the new weights although they are not better.
    progress : callable, optional
        Takes events; may raise `Cancelled`.

    Returns
    -------
    TrainReport
        Where the weights are and how good they are on frames that they have not seen.

    Raises
    ------
    ExtraMissing
        X001, if the extra ``train`` is not installed.
    ParameterError
        P401, if a value is outside its range, or the base is unknown.
    RecipeError
        P403, if there are fewer than 10 labelled frames.

    References
    ----------
    Synthetic first, few real frames after: doi:10.1038/s41467-023-42898-9
    """
    check_wishes(minutes=minutes, size=size, replay=replay, hold_out=hold_out, members=members)
    require("torch", "train")
    require("onnx", "train")
    start = time.monotonic()
    frames = labels if isinstance(labels, LabelledFrames) else _read(labels, keypoints)
    if len(frames) < LEAST_FRAMES:
        raise RecipeError(
            "P403",
            "labels",
            "there are too few labelled frames",
            expected=f"at least {LEAST_FRAMES}",
            got=str(len(frames)),
            hint="label more frames: 'mystax labels suggest' names good ones",
        )
    from mystax.engine.training.report import write_training_page
    from mystax.nets.training import refine

    chosen, folder = weights_name(labels, name), _folder(out)
    begin, base_rows = read_base(base, frames)
    labelled, boxes = cut_crops(frames, size, is_folder=_is_folder(labels))
    pool = None
    if begin is not None and replay > 0 and knows_mouse(begin):
        from mystax.engine.replay import replay_pool

        pool = replay_pool(progress=progress)
    from mystax.nets.training_data import Plan as Wishes

    wishes = Wishes(
        seed=seed, size=size, replay=replay, hold_out=hold_out, members=members, lanes=_lanes(cores)
    )
    pairs = label_pairs(frames)
    unfinished = _unfinished(
        folder, chosen, (labelled, frames.ids, pairs, begin, base_rows, pool, wishes, minutes)
    )
    plan = _plan(len(frames), minutes, begin is not None, wishes, unfinished, progress)
    result = refine(
        labelled,
        frames.ids,
        pairs=pairs,
        base=begin,
        base_rows=base_rows,
        replay=pool,
        plan=plan,
        kept=unfinished,
        report=progress,
    )
    full = chosen if result.is_accepted or force else f"{chosen}.rejected"
    path = _write(result, frames, folder, full, plan, base, boxes)
    page = write_training_page(result, frames, boxes, size, folder / f"{full}.report", full, base)
    unfinished.remove()
    return _report(result, path, page, len(frames), time.monotonic() - start, force=force)


def check_wishes(
    *,
    minutes: float = 2.0,
    size: int = 256,
    replay: float = 0.125,
    hold_out: str = "recording",
    members: int = 1,
) -> None:
    """Refuse values of `train` that are outside their range.

    Raises
    ------
    ParameterError
        P401.
    """
    checks = (
        ("minutes", 0.2 <= minutes <= 600, "0.2 <= minutes <= 600", minutes),
        ("size", 128 <= size <= 512 and size % 32 == 0, "128 to 512 px, a multiple of 32", size),
        ("replay", 0 <= replay <= 0.9, "0 <= replay <= 0.9", replay),
        ("hold_out", hold_out in ("recording", "block"), "recording or block", hold_out),
        ("members", 1 <= members <= MOST_MEMBERS, f"1 <= members <= {MOST_MEMBERS}", members),
    )
    for parameter, is_good, expected, got in checks:
        if not is_good:
            raise ParameterError(
                "P401", f"parameter {parameter!r} of 'train'", expected=expected, got=str(got)
            )


def _read(labels: str | Path, keypoints: str | None) -> LabelledFrames:
    from mystax.core.keypoints import KeypointSet

    return labelled_frames(labels, keypoints=KeypointSet.load(keypoints) if keypoints else None)


def _is_folder(labels: str | Path | LabelledFrames) -> bool:
    return not isinstance(labels, LabelledFrames) and as_path(labels, "labels").is_dir()


def weights_name(labels: str | Path | LabelledFrames, name: str | None = None) -> str:
    """Return the name of the weights that a training on labels makes.

    Raises
    ------
    ParameterError
        P401, if the wished one is no name for weights.
    """
    if name:
        from mystax.io.weights import check_weights_name

        return check_weights_name(name)
    if isinstance(labels, LabelledFrames):
        return f"{labels.keypoints.name}-refined"
    place = as_path(labels, "labels").absolute()
    return place.stem if place.is_dir() else f"{place.parent.name}-{place.stem}"


def _folder(out: str | Path | None) -> Path:
    from mystax.io.weights import own_folder

    return as_path(out, "out") if out is not None else own_folder()


def _lanes(cores: int) -> int:
    """Return into how many parts a batch is divided."""
    from mystax.nets.training_data import BATCH

    return next(n for n in (8, 4, 2, 1) if n <= max(1, cores) and BATCH % n == 0)


def _unfinished(folder: Path, name: str, parts: tuple[object, ...]) -> Unfinished:
    """Open what is left of the same training, if it was stopped."""
    from mystax.io.provenance import software_versions
    from mystax.io.training_state import state_path
    from mystax.nets.unfinished import Unfinished as Kept
    from mystax.nets.unfinished import training_digest

    return Kept(state_path(folder, name), training_digest(*parts, dict(software_versions())))


def _plan(
    n_frames: int, minutes: float, has_base: bool, wishes: Plan, unfinished: Unfinished, progress: Report
) -> Plan:
    """Choose the number of steps by labels and time, after a short measurement of this machine."""
    from dataclasses import replace

    from mystax.nets.estimate import estimate_training, measure_step

    if unfinished.steps:
        text = f"the training that was stopped goes on after {unfinished.n_steps} steps"
        progress(Event("note", "estimate", text=text, data={"steps": unfinished.steps}))
        return replace(wishes, steps=unfinished.steps)
    per_step = measure_step(wishes, 1)
    found = estimate_training(n_frames, per_step, minutes, has_base=has_base)
    n_total, seconds = found.n_total * wishes.members, found.seconds * wishes.members
    cores = f"{wishes.lanes} core{'s' if wishes.lanes > 1 else ''}"
    text = (
        f"{n_frames} labelled frames, {n_total} steps in all, about {seconds:.0f} s "
        f"({1000 * per_step:.0f} ms per step on {cores})"
    )
    progress(Event("note", "estimate", text=text, data={"seconds": seconds, "steps": found.steps}))
    return replace(wishes, steps=found.steps)


def _write(
    result: RefineResult,
    frames: LabelledFrames,
    folder: Path,
    name: str,
    plan: Plan,
    base: str,
    boxes: list[CropBox],
) -> Path:
    """Write both files of the weights."""
    from mystax.io.provenance import software_versions
    from mystax.io.weights import write_weights
    from mystax.nets.export import pack_weights

    provenance: dict[str, object] = {
        "base": base,
        "seed": plan.seed,
        "steps": result.steps,
        "n_frames": len(frames),
        "split": result.split,
        "held_out_error": float(np.nanmean(result.held_out_error)),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software_versions(),
    }
    onnx, tensors, info = pack_weights(
        result.nets,
        size=plan.size,
        points=result.points,
        keypoints=frames.keypoints.subset(result.points).to_toml(),
        box=_usual_box(frames, boxes, base),
        calibration=result.calibration,
        prior=result.prior,
        provenance=provenance,
    )
    return write_weights(folder, name, onnx, tensors, info)


def _usual_box(frames: LabelledFrames, boxes: list[CropBox], base: str) -> str:
    """Say which box suits the weights: points that fill the picture are looked for in all of it."""
    if base != NONE:
        return "auto"
    from mystax.nets.crop import frame_box

    return "frame" if boxes[0] == frame_box(*frames.picture(0).shape) else "auto"


def _report(
    result: RefineResult, path: Path, page: Path, n_frames: int, seconds: float, *, force: bool
) -> TrainReport:
    with np.errstate(invalid="ignore"):
        held = result.held_out_error
        counted = np.isfinite(held)
        means = {
            name: float(held[counted[:, k], k].mean()) if counted[:, k].any() else np.nan
            for k, name in enumerate(result.points)
        }
    new = result.comparison.new  # without weights before there is nothing to compare with
    return TrainReport(
        path,
        page,
        result.is_accepted or force,
        result.reasons,
        new if np.isfinite(new) else float(held[counted].mean()) if counted.any() else float("nan"),
        result.comparison.old,
        means,
        result.forgetting,
        result.split,
        result.weak,
        result.redefined,
        n_frames,
        result.steps,
        len(result.nets),
        result.calibration.origin,
        seconds,
    )

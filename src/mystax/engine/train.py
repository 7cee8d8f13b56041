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
from mystax.core.typing import Float64
from mystax.engine.labelled_frames import LabelledFrames, labelled_frames
from mystax.errors import ParameterError, RecipeError

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
    from mystax.nets.training import RefineResult
    from mystax.nets.training_data import Base, Labelled, Plan
else:
    Base = CropBox = Labelled = Plan = RefineResult = Any

__all__ = ["TrainReport", "train"]

NONE = "none"
LEAST_FRAMES = 10
UNLABELLED = 255
FILLED = 0.5
"""Share of the picture's side that labels fill, from which on the whole picture is the box."""
GREY_TOP = 170.0
"""Grey level that the 99th percentile of deep pictures is brought to; the rest is headroom."""


@dataclass(frozen=True)
class TrainReport:
    """What training made, and how good it is.

    Attributes
    ----------
    path : Path
        The ``.onnx`` file; beside it the ``.safetensors`` with the same weights.
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
    n_frames, steps : int
        Labelled frames, and steps of the final fit.
    calibration : str
        Where the confidence comes from.
    seconds : float
        Wall time.
    """

    path: Path
    is_accepted: bool
    reasons: tuple[str, ...]
    held_out_error: float
    base_error: float
    per_point: Mapping[str, float]
    forgetting: float
    split: str
    weak: tuple[str, ...]
    n_frames: int
    steps: int
    calibration: str
    seconds: float = field(compare=False)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report; numbers that are not known are left out."""
        values: dict[str, object] = {
            "weights": str(self.path),
            "accepted": self.is_accepted,
            "reasons": list(self.reasons),
            "held_out_error": self.held_out_error,
            "base_error": self.base_error,
            "per_point": {name: value for name, value in self.per_point.items() if np.isfinite(value)},
            "forgetting": self.forgetting,
            "split": self.split,
            "weak": list(self.weak),
            "n_frames": self.n_frames,
            "steps": self.steps,
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
    replay: float = 0.5,
    hold_out: str = "recording",
    cores: int = 1,
    force: bool = False,
    progress: Report = silent,
) -> TrainReport:
    """Train a tracker on labelled frames.

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
        Time that may be spent, 0.2-600.
    seed : int, optional
        Same labels, seed and cores: same weights.
    size : int, optional
        Side of the crops [px], 128-512, a multiple of 32.
    replay : float, optional
        Share of rendered faces in a batch, 0-0.9; only where the base knows the mouse's face.
    hold_out : {"recording", "block"}, optional
        What is held out to judge by.
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
    _check_ranges(minutes=minutes, size=size, replay=replay, hold_out=hold_out)
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
    from mystax.nets.training import refine

    begin, base_rows = _base(base, frames)
    labelled = _crops(frames, size, is_folder=_is_folder(labels))
    pool = None
    if begin is not None and replay > 0 and _knows_mouse(begin):
        from mystax.engine.replay import replay_pool

        pool = replay_pool(progress=progress)
    plan = _plan(len(frames), minutes, begin is not None, seed, size, replay, hold_out, cores, progress)
    ids, pairs = frames.ids, _pairs(frames)
    result = refine(
        labelled, ids, pairs=pairs, base=begin, base_rows=base_rows, replay=pool, plan=plan, report=progress
    )
    path = _write(result, frames, _name_of(labels, name), out, size, base, seed, force=force)
    return _report(result, path, len(frames), time.monotonic() - start, force=force)


def _check_ranges(*, minutes: float, size: int, replay: float, hold_out: str) -> None:
    checks = (
        ("minutes", 0.2 <= minutes <= 600, "0.2 <= minutes <= 600", minutes),
        ("size", 128 <= size <= 512 and size % 32 == 0, "128 to 512 px, a multiple of 32", size),
        ("replay", 0 <= replay <= 0.9, "0 <= replay <= 0.9", replay),
        ("hold_out", hold_out in ("recording", "block"), "recording or block", hold_out),
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
    return not isinstance(labels, LabelledFrames) and Path(labels).is_dir()


def _name_of(labels: str | Path | LabelledFrames, name: str | None) -> str:
    if name:
        return name
    if isinstance(labels, LabelledFrames):
        return f"{labels.keypoints.name}-refined"
    place = Path(labels).absolute()
    return place.stem if place.is_dir() else f"{place.parent.name}-{place.stem}"


def _base(base: str, frames: LabelledFrames) -> tuple[Base | None, list[int] | None]:
    """Load the weights to start from; say for each labelled point which of theirs it is, -1 for none."""
    if base == NONE:
        return None, None
    from mystax.core.keypoints import KeypointSet
    from mystax.io.weights import find_weights, read_tensors
    from mystax.nets.confidence import Calibration
    from mystax.nets.training_data import Base as Begin

    tensors, info = read_tensors(find_weights(base))
    every = KeypointSet.from_toml(info.keypoints, base)
    rows = []
    for name in frames.ids:
        point = frames.keypoints.point(name)
        found = next((f for n in point.names() if (f := every.find(n)) is not None), None)
        rows.append(-1 if found is None else info.points.index(found.id))
    calibration = Calibration.from_tensors(dict(info.tensors), len(info.points), info.calibration)
    return Begin(tensors, info.points, info.width, calibration), rows


def _knows_mouse(base: Base) -> bool:
    from mystax.core.keypoints import KeypointSet
    from mystax.nets.predictor import BASE_SET

    return bool(set(base.points) & set(KeypointSet.load(BASE_SET).ids))


def _pairs(frames: LabelledFrames) -> list[tuple[int, int]]:
    ids = frames.ids
    return [(ids.index(a), ids.index(b)) for a, b in frames.keypoints.pairs if a in ids and b in ids]


def _crops(frames: LabelledFrames, size: int, *, is_folder: bool) -> Labelled:
    """Cut the labelled frames as prediction will: the whole picture, or a box about the labelled face."""
    from mystax.nets.crop import crop_resize
    from mystax.nets.training_data import Labelled as Ready

    n, n_points = frames.state.shape
    crops = np.zeros((n, size, size), np.uint8)
    valid = np.zeros((n, size, size), np.bool_)
    xy = np.full((n, n_points, 2), np.nan, np.float32)
    names = sorted(set(frames.recordings))
    recording = np.array([names.index(one) for one in frames.recordings], np.int64)
    boxes: dict[int, CropBox] = {}
    for row in range(n):
        pixels = frames.picture(row)
        mine = int(recording[row])
        if mine not in boxes:
            boxes[mine] = _box(frames.position[recording == mine], pixels.shape, frames, is_folder=is_folder)
        box = boxes[mine]
        crop, inside = crop_resize(pixels, box, size)
        crops[row], valid[row] = _to_bytes(crop, inside, pixels.dtype), inside
        xy[row] = box.to_crop(frames.position[row].astype(np.float32), size)
    state = np.where(frames.state < 0, UNLABELLED, frames.state).astype(np.uint8)
    return Ready(crops, xy, state, valid, recording, np.full(n, np.nan))


def _box(
    position: Float64[np.ndarray, "row keypoint space"],
    shape: tuple[int, int],
    frames: LabelledFrames,
    *,
    is_folder: bool,
) -> CropBox:
    """Return the box of a recording: the whole picture for single pictures and where labels fill it."""
    from mystax.nets.crop import frame_box
    from mystax.nets.face_box import box_about
    from mystax.nets.predictor import points_for_box

    placed = position[np.isfinite(position).all(axis=-1)]
    filled = float(np.ptp(placed, axis=0).max()) / max(shape) if len(placed) else 1.0
    if not is_folder or filled > FILLED:
        return frame_box(*shape)
    return box_about(position.astype(np.float32), points_for_box(frames.keypoints))


def _to_bytes(crop: np.ndarray, inside: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Bring a crop of any depth to 8 bits; the network normalises it anyhow."""
    if dtype == np.uint8:
        return np.asarray(np.round(crop).astype(np.uint8))
    seen = crop[inside]
    low, high = np.percentile(seen, [1, 99]) if len(seen) else (0.0, 1.0)
    scaled = (crop - low) / max(high - low, 1e-9) * GREY_TOP
    return np.asarray(np.clip(np.round(scaled), 0, 255).astype(np.uint8))


def _plan(
    n_frames: int,
    minutes: float,
    has_base: bool,
    seed: int,
    size: int,
    replay: float,
    hold_out: str,
    cores: int,
    progress: Report,
) -> Plan:
    """Choose the number of steps by labels and time, after a short measurement of this machine."""
    from dataclasses import replace

    from mystax.nets.estimate import estimate_training, measure_step
    from mystax.nets.training_data import BATCH
    from mystax.nets.training_data import Plan as Wishes

    lanes = next(n for n in (8, 4, 2, 1) if n <= max(1, cores) and BATCH % n == 0)
    plan = Wishes(seed=seed, size=size, replay=replay, hold_out=hold_out, lanes=lanes)
    per_step = measure_step(plan, 1)
    found = estimate_training(n_frames, per_step, minutes, has_base=has_base)
    text = (
        f"{n_frames} labelled frames, {found.n_total} steps in all, about {found.seconds:.0f} s "
        f"({1000 * per_step:.0f} ms per step on {lanes} core{'s' if lanes > 1 else ''})"
    )
    progress(Event("note", "estimate", text=text, data={"seconds": found.seconds, "steps": found.steps}))
    return replace(plan, steps=found.steps)


def _write(
    result: RefineResult,
    frames: LabelledFrames,
    name: str,
    out: str | Path | None,
    size: int,
    base: str,
    seed: int,
    *,
    force: bool,
) -> Path:
    """Write both files of the weights."""
    from mystax.io.provenance import software_versions
    from mystax.io.weights import own_folder, write_weights
    from mystax.nets.export import pack_weights

    provenance: dict[str, object] = {
        "base": base,
        "seed": seed,
        "steps": result.steps,
        "n_frames": len(frames),
        "split": result.split,
        "held_out_error": float(np.nanmean(result.held_out_error)),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software_versions(),
    }
    onnx, tensors, info = pack_weights(
        result.net,
        size=size,
        points=result.points,
        keypoints=frames.keypoints.subset(result.points).to_toml(),
        calibration=result.calibration,
        prior=result.prior,
        provenance=provenance,
    )
    folder = Path(out) if out is not None else own_folder()
    full = name if result.is_accepted or force else f"{name}.rejected"
    return write_weights(folder, full, onnx, tensors, info)


def _report(result: RefineResult, path: Path, n_frames: int, seconds: float, *, force: bool) -> TrainReport:
    with np.errstate(invalid="ignore"):
        held = result.held_out_error
        counted = np.isfinite(held)
        means = {
            name: float(held[counted[:, k], k].mean()) if counted[:, k].any() else np.nan
            for k, name in enumerate(result.points)
        }
    return TrainReport(
        path,
        result.is_accepted or force,
        result.reasons,
        result.comparison.new,
        result.comparison.old,
        means,
        result.forgetting,
        result.split,
        result.weak,
        n_frames,
        result.steps,
        result.calibration.origin,
        seconds,
    )

"""What a training works on: crops of the labelled frames, and the weights to start from."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float64
from mystax.engine.labels.frames import LabelledFrames
from mystax.errors import ParameterError

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
    from mystax.nets.training_data import Base, Labelled
else:
    Base = CropBox = Labelled = Any

__all__ = ["NONE", "cut_crops", "knows_mouse", "label_pairs", "read_base"]

NONE = "none"
"""Name of the base where a network is made from nothing."""
UNLABELLED = 255
FILLED = 0.5
"""Share of the picture's side that labels fill, from which on the whole picture is the box."""
GREY_TOP = 170.0
"""Grey level that the 99th percentile of deep pictures is brought to; the rest is headroom."""


def read_base(base: str, frames: LabelledFrames) -> tuple[Base | None, list[int] | None]:
    """Load the weights to start from; say for each labelled point which of theirs it is, -1 for none."""
    if base == NONE:
        return None, None
    from mystax.core.keypoints import KeypointSet
    from mystax.io.weights import find_weights, read_tensors
    from mystax.nets.confidence import Calibration
    from mystax.nets.training_data import Base as Begin

    tensors, info = read_tensors(find_weights(base))
    if info.arch != "dense":
        raise ParameterError(
            "P401",
            "base",
            expected="weights that mystax trained",
            got=f"{base} ({info.arch})",
            hint="imported networks predict only: train with --base mouse-face, or --base none",
        )
    every = KeypointSet.from_toml(info.keypoints, base)
    rows = []
    for name in frames.ids:
        point = frames.keypoints.point(name)
        found = next((f for n in point.names() if (f := every.find(n)) is not None), None)
        rows.append(-1 if found is None else info.points.index(found.id))
    calibration = Calibration.from_tensors(dict(info.tensors), len(info.points), info.calibration)
    first, *others = (_member(tensors, k, info.members) for k in range(info.members))
    return Begin(first, info.points, info.width, calibration, tuple(others)), rows


def _member(tensors: dict[str, np.ndarray], number: int, n_members: int) -> dict[str, np.ndarray]:
    """Return the weights of one network of a file."""
    if n_members == 1:
        return tensors
    prefix = f"{number}."
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def knows_mouse(base: Base) -> bool:
    """Tell whether weights know points of the mouse's face, of which there are rendered ones."""
    from mystax.core.keypoints import KeypointSet
    from mystax.nets.predictor import BASE_SET

    return bool(set(base.points) & set(KeypointSet.load(BASE_SET).ids))


def label_pairs(frames: LabelledFrames) -> list[tuple[int, int]]:
    """Return the left and right points that a mirror swaps, by their places."""
    ids = frames.ids
    return [(ids.index(a), ids.index(b)) for a, b in frames.keypoints.pairs if a in ids and b in ids]


def cut_crops(frames: LabelledFrames, size: int, *, is_folder: bool) -> tuple[Labelled, list[CropBox]]:
    """Cut the labelled frames as prediction will: the whole picture, or a box about the labelled face."""
    from mystax.nets.crop import crop_resize
    from mystax.nets.training_data import Labelled as Ready

    n, n_points = frames.state.shape
    crops = np.zeros((n, size, size), np.uint8)
    valid = np.zeros((n, size, size), np.bool_)
    xy = np.full((n, n_points, 2), np.nan, np.float32)
    names = sorted(set(frames.recordings))
    recording = np.array([names.index(one) for one in frames.recordings], np.int64)
    boxes: dict[tuple[int, tuple[int, ...]], CropBox] = {}
    used: list[CropBox] = []
    for row in range(n):
        pixels = frames.picture(row)
        mine = int(recording[row])
        key = (mine, pixels.shape)  # pictures of one folder may have several sizes
        if key not in boxes:
            boxes[key] = _box(frames.position[recording == mine], pixels.shape, frames, is_folder=is_folder)
        box = boxes[key]
        used.append(box)
        crop, inside = crop_resize(pixels, box, size)
        crops[row], valid[row] = _to_bytes(crop, inside, pixels.dtype), inside
        xy[row] = box.to_crop(frames.position[row].astype(np.float32), size)
    state = np.where(frames.state < 0, UNLABELLED, frames.state).astype(np.uint8)
    time = frames.number.astype(np.float64) if frames.time is None else frames.time
    return Ready(crops, xy, state, valid, recording, time), used


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

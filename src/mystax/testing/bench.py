"""Synthetic frames and regions for any analysis, and one measurement in memory."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.analysis import Spool, Tiles, get_analysis
from mystax.core.geometry import Ellipse, Rectangle, Roi, Shape
from mystax.core.params import check_params
from mystax.core.recording import ArraySource, FrameSource
from mystax.engine.passes import CameraPass, MemorySpool, assemble_outcome, drive, whole_frame

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["make_frames", "measure", "measure_in_two", "rois_for_test"]

SHAPE = (72, 96)


def make_frames(
    n_frames: int = 40,
    *,
    seed: int = 0,
    reason: np.ndarray | None = None,
    times: np.ndarray | None = None,
    level: int | None = None,
    poison: int = 0,
) -> ArraySource:
    """Make frames with a dark disc that changes its size, on a texture that moves.

    Parameters
    ----------
    n_frames : int, optional
        Number of frames.
    seed : int, optional
        Of texture, movement and noise.
    reason : array (time,), optional
        `mystax.core.recording.Reason` of each frame.
    times : array (time,), optional
        Times [s]; by default 30 frames per second.
    level : int, optional
        One grey level for all pixels of all frames instead.
    poison : int, optional
        Byte in missing frames.

    Returns
    -------
    ArraySource
        72 rows, 96 columns, 8 bits.
    """
    if level is not None:
        frames = np.full((n_frames, *SHAPE), level, np.uint8)
    else:
        frames = _drawn(n_frames, seed).copy()
    return ArraySource(frames, times=times, reason=reason, poison=poison)


@lru_cache(maxsize=8)
def _drawn(n_frames: int, seed: int) -> np.ndarray:
    """Draw the frames of `make_frames`: a battery asks for the same ones again and again."""
    rng = np.random.default_rng(seed)
    rows, columns = SHAPE
    texture = rng.normal(0, 1, (rows * 2, columns * 2))
    for _ in range(3):
        texture = (texture + np.roll(texture, 1, 0) + np.roll(texture, 1, 1) + np.roll(texture, -1, 0)) / 4
    texture = 130 + 30 * texture / texture.std()
    y, x = np.mgrid[0:rows, 0:columns]
    shift = np.cumsum(rng.integers(-2, 3, (n_frames, 2)), 0)
    radius = 8 + 2 * np.sin(np.arange(n_frames) / 4)
    frames = np.empty((n_frames, rows, columns), np.uint8)
    for k in range(n_frames):
        picture = np.roll(texture, shift[k], (0, 1))[:rows, :columns]
        distance = np.hypot(x - 24, y - 24)
        inside = np.clip(radius[k] + 0.5 - distance, 0, 1)
        eye = np.where(distance < 18, 110.0, picture)
        picture = eye * (1 - inside) + 20 * inside + rng.normal(0, 2, eye.shape)
        frames[k] = np.clip(np.rint(picture), 0, 255)
    return frames


def rois_for_test(name: str, n: int = 2) -> tuple[Roi, ...]:
    """Return regions that fit `make_frames`, of the kind that an analysis takes.

    Parameters
    ----------
    name : str
        Name of the analysis.
    n : int, optional
        How many: 1 or 2.

    Returns
    -------
    tuple of Roi
        Empty for an analysis without regions.
    """
    wanted = get_analysis(name).roi_input
    if wanted is None:
        return ()
    eye, lid = Ellipse(24, 24, 16, 16), Ellipse(25, 23, 17, 15)
    shapes: Mapping[str, tuple[Shape, Shape]] = {
        "pupil": (eye, lid),
        "blink": (lid, eye),
        "motion": (Rectangle(4, 4, 80, 60), Ellipse(60, 40, 30, 25)),
        "running": (Rectangle(50, 10, 40, 56), Rectangle(44, 30, 48, 40)),
        "face": (Rectangle(0, 0, 96, 72), Rectangle(4, 4, 80, 60)),
    }
    return tuple(
        Roi(f"{wanted.kind}{k}", _kind(wanted.kind), shape, "face")
        for k, shape in enumerate(shapes[wanted.kind][:n])
    )


def _kind(kind: str) -> Any:
    return kind


def measure(
    name: str,
    source: FrameSource,
    rois: Sequence[Roi] = (),
    parameters: dict[str, object] | None = None,
    *,
    size: int | None = None,
    tiles: Tiles | None = None,
) -> Dataset:
    """Run one analysis on frames in memory.

    Parameters
    ----------
    name : str
        Name of the analysis.
    source : FrameSource
        The frames.
    rois : sequence of Roi, optional
        Its regions; without any the whole frame, where the analysis takes one.
    parameters : dict, optional
        Its parameters.
    size : int, optional
        Frames per chunk.
    tiles : Tiles, optional
        Threads.

    Returns
    -------
    Dataset
        The outcome, in the form of its schema.
    """
    analysis = get_analysis(name)
    lent = CameraPass(source, "face", _placed(name, source, rois), tiles=tiles)
    reducer = analysis.make(check_params(analysis.params, parameters or {}, name))
    reason = drive(source, {name: (reducer, lent)}, size=size)
    return assemble_outcome(reducer.finish(), analysis, lent, reason)


def _placed(name: str, source: FrameSource, rois: Sequence[Roi]) -> Sequence[Roi]:
    wanted = get_analysis(name).roi_input
    if not rois and wanted is not None and wanted.whole_frame:
        return (whole_frame(source.shape, "face"),)
    return rois


class _Spools:
    """Spools in memory that can be cut back to what they held at some moment."""

    def __init__(self) -> None:
        self.made: dict[str, MemorySpool] = {}

    def __call__(self, name: str, width: int, dtype: str, scratch: bool) -> Spool:  # noqa: ARG002 - all in memory
        if name not in self.made:
            self.made[name] = MemorySpool(width, dtype)
        return self.made[name]

    def cut(self) -> "_Spools":
        kept = _Spools()
        for name, spool in self.made.items():
            copy = MemorySpool(spool.width, spool.dtype.str)
            if spool.n_rows:
                copy.append(spool.read(0, spool.n_rows))
            kept.made[name] = copy
        return kept


def measure_in_two(
    name: str,
    source: FrameSource,
    rois: Sequence[Roi] = (),
    parameters: dict[str, object] | None = None,
    *,
    cut: int,
    size: int = 8,
) -> Dataset:
    """Run one analysis, stop it after `cut` chunks and pieces of work, go on with a new reducer.

    Parameters
    ----------
    name, source, rois, parameters : optional
        As for `measure`.
    cut : int
        After how many calls of `update` and `work` the first reducer is thrown away.
    size : int, optional
        Frames per chunk.

    Returns
    -------
    Dataset
        The outcome, which may not differ from that of an undisturbed run.
    """
    analysis = get_analysis(name)
    params = check_params(analysis.params, parameters or {}, name)
    placed, spools = _placed(name, source, rois), _Spools()
    lent = CameraPass(source, "face", placed, spools=spools)
    reducer = analysis.make(params)
    reducer.start(lent)
    reason = np.zeros(source.n_frames, np.uint8)
    calls = 0

    def again() -> None:
        nonlocal reducer, lent, spools
        state = {key: np.array(value) for key, value in reducer.state().items()}
        spools = spools.cut()
        lent = CameraPass(source, "face", placed, spools=spools)
        reducer = analysis.make(params)
        reducer.start(lent)
        reducer.restore(state)

    done = 0
    while reducer.n_passes > done:
        for chunk in source.chunks(size=size):
            reason[chunk.index] = chunk.reason
            reducer.update(chunk)
            calls += 1
            if calls == cut:
                again()
        reducer.end_pass()
        done += 1
    while reducer.work() is not None:
        calls += 1
        if calls == cut:
            again()
    return assemble_outcome(reducer.finish(), analysis, lent, reason)

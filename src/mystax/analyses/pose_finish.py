"""From rows of the tracker to an outcome: smoothing, flags per point, remarks on the whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.pose_params import PoseParams
from mystax.analyses.pose_rows import SMOOTHED, Columns, SmoothedColumns, columns_of
from mystax.compute.keypoint_errors import REFERENCE
from mystax.compute.track_flags import MEMBERS_SD, flags_of, jumps
from mystax.compute.tracks import SmoothTracks, smooth_tracks
from mystax.core.analysis import Spool
from mystax.core.lazy import ROWS_PER_BLOCK, lazy_rows
from mystax.core.point_flags import FLAG_MASKS, flag_attributes
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float32, Float64, UInt8
from mystax.nets.box_text import box_text
from mystax.nets.face_box import FaceBox
from mystax.nets.predictor import SHAPE_LIMIT, Predictor

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Tracked", "finish_pose"]

BLOCK = 60.0
"""Time over which the middle of the face is compared with that of the whole recording [s]."""
DRIFT = 0.15
"""Movement of the face's middle, as a share of the box, that is told."""
OUTER = 0.05
"""Width of the outer part of the box, as a share of its side."""
MOST_OUTER = 0.01
"""Share of frames with points in the outer part that is told."""
WAYS = "a region of kind face, or the parameter box of pose (x,y,side)"
"""How a face box is given, whatever the command or call."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that is known after the last frame.

    Attributes
    ----------
    rows : Spool
        What the tracker said about each frame.
    n_frames : int
        Number of frames.
    times : array (time,)
        Their times [s].
    face : FaceBox
        The box, and how sure it was.
    predictor : Predictor
        The network.
    smoothed : sequence of Spool
        Room for the smoothed rows of each point.
    is_skipped : bool
        Whether no frame was looked at, since there is no face.
    shape : tuple of int
        Rows and columns of the frames.
    """

    rows: Spool
    n_frames: int
    times: Float64[np.ndarray, " time"]
    face: FaceBox
    predictor: Predictor
    smoothed: Sequence[Spool]
    is_skipped: bool = False
    shape: tuple[int, int] = (0, 0)

    @property
    def is_whole(self) -> bool:
        """Whether the box holds all of every frame."""
        (rows, columns), box = self.shape, self.face.box
        reaches = box.x + box.side >= columns and box.y + box.side >= rows
        return min(self.shape) > 0 and max(box.x, box.y) <= 0 and reaches

    @property
    def blocks(self) -> Iterator[slice]:
        """Frames that are looked at together."""
        for start in range(0, self.n_frames, ROWS_PER_BLOCK):
            yield slice(start, min(start + ROWS_PER_BLOCK, self.n_frames))

    def column(self, point: int, *names: str) -> Float32[np.ndarray, "time column"]:
        """Return some values of one point over all frames."""
        n_points = self.predictor.n_points
        chosen = [columns_of(n_points, name)[point] for name in names]
        columns = Columns(self.rows, chosen)
        found = np.empty((self.n_frames, len(chosen)), np.float32)
        for here in self.blocks:
            found[here] = columns.read(here.start, here.stop)
        return found


def finish_pose(tracked: Tracked, params: PoseParams) -> tuple[Dataset, list[Flag]]:
    """Smooth every point and say what is doubtful.

    Parameters
    ----------
    tracked : Tracked
        What the tracker found.
    params : PoseParams
        Parameters.

    Returns
    -------
    dataset : Dataset
        `position`, `covariance` and `flag` with the coordinates of a pose.
    flags : list of Flag
        Remarks: no face, a face that moves out of its box, flat pictures.
    """
    import xarray as xr

    predictor, n = tracked.predictor, tracked.n_frames
    n_points = predictor.n_points
    flag = np.zeros((n, n_points, 1), np.uint8)
    noise, cutoff = np.full(n_points, np.nan), np.full(n_points, np.nan)
    for k in range(n_points):
        smooth = None
        if not tracked.is_skipped:
            smooth, flag[:, k, 0] = _one_point(tracked, k, params)
            noise[k], cutoff[k] = smooth.noise[0], smooth.cutoff[0]
        _keep(tracked, k, smooth)
    place, cov = ("time", "space", "keypoint", "individual"), ("time", "cov", "keypoint", "individual")
    dataset = xr.Dataset(
        {
            "position": lazy_rows(
                SmoothedColumns(tracked.smoothed, "x", "y"), place, (n, 2, n_points, 1), "float32"
            ),
            "covariance": lazy_rows(
                SmoothedColumns(tracked.smoothed, "xx", "xy", "yy"), cov, (n, 3, n_points, 1), "float32"
            ),
            "flag": (("time", "keypoint", "individual"), flag, flag_attributes(FLAG_MASKS)),
        },
        coords={
            "space": ["x", "y"],
            "cov": ["xx", "xy", "yy"],
            "keypoint": list(predictor.keypoints.ids),
            "individual": ["face"],
        },
        attrs={
            "keypoint_set": predictor.keypoints.to_toml(),
            "weights": predictor.name,
            "weights_sha256": predictor.network.digest,
            "calibration": predictor.network.info.calibration,
            "box": box_text(tracked.face.box),
            "box_score": tracked.face.score,
            "noise": noise,
            "cutoff": cutoff,
            "source_software": "mystax",
        },
    )
    return dataset, _remarks(tracked, params)


def _keep(tracked: Tracked, k: int, smooth: SmoothTracks | None) -> None:
    """Put the smoothed rows of a point where they are read from; those of an interrupted end are there."""
    room = tracked.smoothed[k]
    for block in tracked.blocks:
        if block.stop <= room.n_rows:
            continue
        here = slice(max(block.start, room.n_rows), block.stop)
        rows = np.full((here.stop - here.start, len(SMOOTHED)), np.nan, np.float32)
        if smooth is not None:
            rows[:, :2], rows[:, 2:] = smooth.position[here, 0], smooth.covariance[here, 0]
        room.append(rows)


def _one_point(
    tracked: Tracked, k: int, params: PoseParams
) -> tuple[SmoothTracks, UInt8[np.ndarray, " time"]]:
    """Smooth one point and mark its frames."""
    columns = tracked.column(k, "x", "y", "xx", "xy", "yy", "confidence")
    raw, sure = columns[:, None, :2], columns[:, 5]
    smooth = smooth_tracks(
        raw,
        columns[:, None, 2:5],
        sure[:, None],
        tracked.times,
        method=params.smooth,
        min_cutoff=params.min_cutoff,
        max_gap=params.max_gap,
    )
    # A frame that could not be read has no place, however short the gap.
    missing = ~np.isfinite(sure)
    smooth.position[missing] = np.nan
    smooth.covariance[missing] = np.nan
    residual, clipped, spread = tracked.column(k, "residual", "clipped", "spread").T
    most = MEMBERS_SD * tracked.face.box.side / REFERENCE
    with np.errstate(invalid="ignore"):
        marks = flags_of(
            low_confidence=(sure < params.low_confidence)[:, None],
            jump=jumps(raw, smooth.distance, tracked.face.box.side),
            shape=(residual > SHAPE_LIMIT)[:, None],
            clipped=(clipped > 0)[:, None],
            gap_filled=smooth.gap_filled & ~missing[:, None],
            missing_frame=missing[:, None],
            ensemble_disagrees=(spread > most)[:, None],
        )
    return smooth, marks[:, 0]


def _remarks(tracked: Tracked, params: PoseParams) -> list[Flag]:
    """Say what concerns the whole recording."""
    found = []
    if not tracked.face.is_found:
        did = "nothing was tracked" if tracked.is_skipped else "the whole frame was tracked"
        score = f"best score {tracked.face.score:.2f}"
        text = f"no face was found ({score}): {did}; draw a box: {WAYS}"
        found.append(Flag("N302", text))
    if tracked.is_skipped:
        return found
    looks = _look(tracked, params)
    flat = np.flatnonzero(looks.flat)
    if len(flat):
        text = "nothing can be told apart in the face box (constant, black or saturated)"
        found.append(Flag.about("N301", text, flat.tolist()))
    if tracked.face.is_found:
        found += _drift(tracked, looks)
    return found


@dataclass(frozen=True, slots=True)
class _Looks:
    """Where the face is in its box.

    Attributes
    ----------
    flat : array (time,)
        Frames in which nothing could be told apart, as measured: a bridged one showed nothing all the same.
    seen : array (time,)
        Frames with a sure point.
    outer : array (time,)
        Those with a sure point in the outer part of the box.
    middle : array (time, space)
        Mean of the sure points [px].
    """

    flat: Bool[np.ndarray, " time"]
    seen: Bool[np.ndarray, " time"]
    outer: Bool[np.ndarray, " time"]
    middle: Float32[np.ndarray, "time space"]


def _look(tracked: Tracked, params: PoseParams) -> _Looks:
    """Look at all frames, some at a time."""
    n, n_points, box = tracked.n_frames, tracked.predictor.n_points, tracked.face.box
    low = np.array([box.x - 0.5, box.y - 0.5]) + OUTER * box.side
    high = low + (1 - 2 * OUTER) * box.side
    measured = Columns(tracked.rows, columns_of(n_points, "confidence", "x"))
    smoothed = SmoothedColumns(tracked.smoothed, "x", "y")
    flat, seen, outer = np.zeros((3, n), np.bool_)
    looks = _Looks(flat, seen, outer, np.full((n, 2), np.nan, np.float32))
    for here in tracked.blocks:
        sure, x = np.hsplit(measured.read(here.start, here.stop), 2)
        flat[here] = (sure == 0).all(axis=1) & np.isnan(x).all(axis=1)
        position = smoothed.read(here.start, here.stop).reshape(-1, 2, n_points)
        with np.errstate(invalid="ignore"):
            good = (sure >= params.low_confidence) & np.isfinite(position).all(axis=1)
            outside = (position < low[None, :, None]) | (position > high[None, :, None])
        outer[here] = (outside.any(axis=1) & good).any(axis=1)
        some = seen[here] = good.any(axis=1)
        looks.middle[here][some] = np.nanmean(np.where(good[some][:, None], position[some], np.nan), axis=2)
    return looks


def _drift(tracked: Tracked, looks: _Looks) -> list[Flag]:
    """Say whether the face leaves the middle of its box for a minute, or touches its edge often."""
    times, box = tracked.times, tracked.face.box
    seen = looks.seen & np.isfinite(times)
    if not seen.any():
        return []
    share, middle = float(looks.outer[seen].mean()), looks.middle[seen]
    block = ((times[seen] - times[seen][0]) // BLOCK).astype(np.int64)
    usual = np.median(middle, axis=0)
    blocks = np.unique(block)
    away = np.array([np.linalg.norm(np.median(middle[block == b], axis=0) - usual) for b in blocks])
    moved = blocks[away > DRIFT * box.side]
    if share <= MOST_OUTER and not len(moved):
        return []
    what = (
        f"the face moves away from the middle of its box, first in minute {int(moved[0])}"
        if len(moved)
        else f"points lie at the edge of the face box in {100 * share:.1f} % of the frames"
    )
    hint = "" if tracked.is_whole else f": draw a larger one: {WAYS}"
    return [Flag.about("N331", what + hint, np.flatnonzero(seen & looks.outer))]

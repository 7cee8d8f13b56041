"""The pupil in single frames: the fit and its preview."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.crops import grey_crop, grey_unit
from mystax.compute.kernels.pupil import compat_moments
from mystax.compute.kernels.rim import N_RAYS, fit_frames
from mystax.compute.pupil_field import PupilDecided, PupilField, PupilSettings
from mystax.core.analysis import Tiles
from mystax.core.geometry import Roi
from mystax.core.recording import FrameChunk
from mystax.core.typing import Bool, Float, Float32, Float64, Int64, Shaped, UInt8

__all__ = ["COLUMNS", "CONFIDENCE", "FitRoom", "PupilPreview", "fit_box", "fit_pupil", "preview_pupil"]

COLUMNS = (
    "area",
    "diameter",
    "major",
    "minor",
    "angle",
    "x",
    "y",
    "confidence",
    "rim_seen",
    "contrast",
    "reflection",
)
"""Numbers per frame and region, in the order of their columns."""

CONFIDENCE = COLUMNS.index("confidence")
_FRAMES_PER_TILE = 16


@dataclass(frozen=True, eq=False)
class FitRoom:
    """What the fit saw in the last frame that it worked on: picture, hidden pixels, rim points."""

    picture: Float32[np.ndarray, "y x"]
    hidden: UInt8[np.ndarray, "y x"]
    points: Float64[np.ndarray, "ray 3"]

    @classmethod
    def of(cls, field: PupilField) -> "FitRoom":
        """Make room for the box of a region."""
        shape = field.mask.shape
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.full((N_RAYS, 3), np.nan))


def fit_box(
    frames: Shaped[np.ndarray, "n y x"],
    index: Int64[np.ndarray, " n"],
    unit: float,
    field: PupilField,
    decided: PupilDecided,
    settings: PupilSettings,
    room: FitRoom | None = None,
) -> Float64[np.ndarray, "n fit"]:
    """Fit the pupil in frames that are cut to the box of the region.

    Parameters
    ----------
    frames : array (n, y, x)
        Full-range grey in the camera's depth.
    index : array (n,)
        Frame numbers: the start of the random numbers.
    unit : float
        Grey levels of 8 bits per code.
    field : PupilField
        The region.
    decided : PupilDecided
        What was decided before the first frame.
    settings : PupilSettings
        Parameters.
    room : FitRoom, optional
        Where to leave what was seen in the last frame.

    Returns
    -------
    array (n, fit)
        x, y [px, in the box], long and short semi-axis [px], angle [rad], confidence, rim_seen, contrast,
        reflection.
    """
    room = room or FitRoom.of(field)
    rows = np.empty((len(frames), 9))
    if settings.facemap_compat:
        rows[:, 5:] = np.nan
        compat_moments(
            frames,
            unit,
            decided.is_bright,
            field.mask,
            field.drawn,
            decided.thresholds[0],
            settings.sigma,
            rows,
        )
        return rows
    fit_frames(
        frames,
        index,
        field.seed,
        unit,
        decided.is_bright,
        field.mask,
        field.border,
        field.drawn,
        np.array(decided.thresholds, np.float64),
        decided.reflection_level / unit,
        settings.sigma,
        settings.max_axis_ratio,
        settings.method == "rim",
        rows,
        room.picture,
        room.hidden,
        room.points,
    )
    return rows


def _columns(
    rows: Float64[np.ndarray, "n fit"], field: PupilField, settings: PupilSettings
) -> Float64[np.ndarray, "n column"]:
    """Turn fits into the numbers of the outcome; a fit below the least confidence is missing."""
    x, y, a, b, angle, confidence, rim_seen, contrast, reflection = rows.T
    columns = np.stack(
        [
            np.pi * a * b,
            2.0 * np.sqrt(a * b),
            2.0 * a,
            2.0 * b,
            angle,
            x + field.box.x0,
            y + field.box.y0,
            confidence,
            rim_seen,
            contrast,
            reflection,
        ],
        axis=1,
    )
    if not settings.facemap_compat:
        doubtful = ~(confidence > 0.0) | (confidence < settings.min_confidence)
        keep = columns[doubtful, CONFIDENCE]
        columns[doubtful] = np.nan
        columns[doubtful, CONFIDENCE] = keep
    return columns


def fit_pupil(
    chunk: FrameChunk,
    field: PupilField,
    decided: PupilDecided,
    settings: PupilSettings,
    tiles: Tiles | None = None,
) -> Float64[np.ndarray, "n column"]:
    """Measure the pupil in every frame of a chunk.

    Parameters
    ----------
    chunk : FrameChunk
        The frames.
    field : PupilField
        The region in the picture.
    decided : PupilDecided
        What was decided before the first frame.
    settings : PupilSettings
        Parameters.
    tiles : Tiles, optional
        Threads; slices of frames are independent, so that the numbers do not depend on them.

    Returns
    -------
    array (n, column)
        `COLUMNS` of each frame; missing frames are NaN, frames without a trusted fit too but for their
        confidence.

    References
    ----------
    .. [1] Halir & Flusser (1998), Numerically stable direct least squares fitting of ellipses.
    .. [2] Syeda et al. (2024), doi:10.1038/s41593-023-01490-6 (the moments of `facemap_compat`).
    """
    columns = np.full((len(chunk), len(COLUMNS)), np.nan)
    places = np.flatnonzero(chunk.valid)
    frames = grey_crop(chunk, field.box)
    unit = grey_unit(chunk.bits)

    def work(part: Int64[np.ndarray, " n"]) -> None:
        fits = fit_box(frames[part], chunk.base + chunk.index[part], unit, field, decided, settings)
        columns[part] = _columns(fits, field, settings)

    parts: Sequence[np.ndarray] = [
        places[first : first + _FRAMES_PER_TILE] for first in range(0, len(places), _FRAMES_PER_TILE)
    ]
    if tiles is None:
        for part in parts:
            work(part)
    else:
        tiles.map(work, parts)
    return columns


@dataclass(frozen=True, eq=False)
class PupilPreview:
    """One frame as the fit sees it.

    Attributes
    ----------
    values : array (column,)
        `COLUMNS` exactly as the outcome holds them.
    ellipse : tuple (x, y, long, short, angle)
        The best fit in source pixels [px, rad], also where its confidence is too low; NaN without any.
    picture : array (y, x)
        Smoothed grey of the box (255 - grey for a bright pupil).
    hidden : array (y, x)
        Pixels taken as reflections.
    origin : tuple (x, y)
        Place of the box in the picture.
    points : array (ray, 3)
        Rim points: x, y [px, source] and weight; NaN where none was found.
    """

    values: Float32[np.ndarray, " column"]
    ellipse: tuple[float, float, float, float, float]
    picture: Float32[np.ndarray, "y x"]
    hidden: Bool[np.ndarray, "y x"]
    origin: tuple[int, int]
    points: Float[np.ndarray, "ray 3"]

    @property
    def named(self) -> dict[str, float]:
        """The values by name."""
        return {name: float(value) for name, value in zip(COLUMNS, self.values, strict=True)}


def preview_pupil(
    chunk: FrameChunk, roi: Roi, settings: PupilSettings, decided: PupilDecided
) -> PupilPreview:
    """Show the fit of one frame: the same numbers as the outcome, and what led to them.

    Parameters
    ----------
    chunk : FrameChunk
        One whole frame (``source.frame_at(i)``).
    roi : Roi
        The region.
    settings : PupilSettings
        Parameters.
    decided : PupilDecided
        From `decide_pupil` with the samples of the same video.

    Returns
    -------
    PupilPreview
        Numbers, ellipse, picture, reflections and rim points.
    """
    field = PupilField(roi, (chunk.codes.shape[1], chunk.codes.shape[2]))
    room = FitRoom.of(field)
    box = field.box
    if not chunk.valid[0]:
        nothing = float("nan")
        values = np.full(len(COLUMNS), np.nan, np.float32)
        ellipse = (nothing, nothing, nothing, nothing, nothing)
        return PupilPreview(values, ellipse, room.picture, room.hidden == 1, (box.x0, box.y0), room.points)
    unit = grey_unit(chunk.bits)
    frames = grey_crop(chunk.part(0, 1), box)
    fit = fit_box(frames, chunk.base + chunk.index[:1], unit, field, decided, settings, room)
    if settings.facemap_compat:
        grey = frames[0] * unit
        room.picture[:] = 255.0 - grey if decided.is_bright else grey
        room.hidden[:] = field.drawn
    x, y, a, b, angle = (float(value) for value in fit[0, :5])
    return PupilPreview(
        _columns(fit, field, settings)[0].astype(np.float32),
        (x + box.x0, y + box.y0, a, b, angle),
        room.picture,
        room.hidden == 1,
        (box.x0, box.y0),
        room.points + np.array([box.x0, box.y0, 0.0]),
    )

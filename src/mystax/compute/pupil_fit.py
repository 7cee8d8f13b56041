"""The pupil in single frames: the fit and its preview."""

from collections.abc import Sequence

import numpy as np

from mystax.compute.crops import grey_crop, grey_unit
from mystax.compute.kernels.pupil import compat_moments
from mystax.compute.kernels.rim import N_RAYS, fit_frames
from mystax.compute.pupil_field import PupilDecided, PupilField, PupilSettings
from mystax.core.analysis import Tiles
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float64, Int64, Shaped

__all__ = ["COLUMNS", "CONFIDENCE", "fit_box", "fit_pupil"]

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


def fit_box(
    frames: Shaped[np.ndarray, "n y x"],
    index: Int64[np.ndarray, " n"],
    unit: float,
    field: PupilField,
    decided: PupilDecided,
    settings: PupilSettings,
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

    Returns
    -------
    array (n, fit)
        x, y [px, in the box], long and short semi-axis [px], angle [rad], confidence, rim_seen, contrast,
        reflection.
    """
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
    shape = field.mask.shape
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
        np.zeros(shape, np.float32),
        np.zeros(shape, np.uint8),
        np.full((N_RAYS, 3), np.nan),
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
        fits = fit_box(frames[part], chunk.index[part], unit, field, decided, settings)
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

"""What the pupil measurement decides from samples: thresholds, reflections, polarity."""

from typing import Literal

import numpy as np

from mystax.compute.crops import grey_crop, grey_unit
from mystax.compute.kernels.pupil import hide_reflections, smooth_picture
from mystax.compute.pupil_field import PupilDecided, PupilField, PupilSettings
from mystax.compute.pupil_fit import fit_box
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float32, Shaped, UInt8

__all__ = ["decide_pupil"]

FLAT_CONTRAST = 8.0
_TRIES = (0.35, 0.2, 0.5)
_STEP = 2.0


def _seen(
    frame: Shaped[np.ndarray, "y x"], unit: float, decided: PupilDecided, field: PupilField
) -> tuple[Float32[np.ndarray, "y x"], UInt8[np.ndarray, "y x"]]:
    """Give the picture that the fit sees and its hidden pixels."""
    h, w = frame.shape
    picture, hidden = np.empty((h, w), np.float32), np.empty((h, w), np.uint8)
    padded, rows = np.empty((h + 6, w + 6), np.float32), np.empty((h, w + 6), np.float32)
    smooth_picture(frame, unit, decided.is_bright, padded, rows, picture)
    hide_reflections(frame, decided.reflection_level / unit, field.drawn, hidden)
    return picture, hidden


def _reflection_level(
    grey: Shaped[np.ndarray, " pixel"], is_bright: bool, level: float | Literal["auto"]
) -> float:
    """Find from which grey level on a pixel is a reflection."""
    if level != "auto":
        return float(level) if level < 256 else float("inf")
    if is_bright:
        # Reflections must be brighter than the pupil, which is about the brightest hundredth.
        found = max(200.0, float(np.percentile(grey, 99.0)) + 30.0)
    else:
        found = max(200.0, float(np.median(grey)) + 60.0)
    return found if found <= 255.0 else float("inf")


def _decide(
    frames: Shaped[np.ndarray, "n y x"],
    unit: float,
    field: PupilField,
    settings: PupilSettings,
    is_bright: bool,
) -> PupilDecided:
    """Decide thresholds and reflection level for one polarity."""
    usable = (field.mask == 1) & (field.drawn == 0)
    if len(frames) == 0 or not usable.any():
        given = 0.0 if settings.threshold == "auto" else float(settings.threshold)
        return PupilDecided((given,), float("inf"), is_bright, True)
    grey = frames[:, usable].ravel() * unit
    level = _reflection_level(grey, is_bright, settings.reflection_level)
    first = PupilDecided((), level, is_bright)
    pools = []
    for frame in frames:
        picture, hidden = _seen(frame, unit, first, field)
        pools.append(picture[usable & (hidden == 0)])
    pool = np.concatenate(pools)
    if len(pool) == 0:
        return PupilDecided((0.0,), level, is_bright, True)
    bottom, low, high, top = np.percentile(pool, [0.1, 1.0, 75.0, 99.9]).tolist()
    if settings.threshold == "auto":
        # In coarse steps, so that a few samples more or less (damaged frames) decide the same.
        low, high = _STEP * round(low / _STEP), _STEP * round(high / _STEP)
        thresholds = tuple(low + share * (high - low) for share in _TRIES)
    else:
        thresholds = (float(settings.threshold),)
    return PupilDecided(thresholds, level, is_bright, top - bottom < FLAT_CONTRAST)


def decide_pupil(sample: FrameChunk, field: PupilField, settings: PupilSettings) -> PupilDecided:
    """Decide thresholds, reflection level and polarity from sampled frames.

    Parameters
    ----------
    sample : FrameChunk
        Frames at fixed places of the video (``source.sample(64)``).
    field : PupilField
        The region in the picture.
    settings : PupilSettings
        Parameters.

    Returns
    -------
    PupilDecided
        What the fit of every frame uses.
    """
    unit = grey_unit(sample.bits)
    frames = grey_crop(sample, field.box)[sample.valid]
    if settings.polarity != "auto":
        return _decide(frames, unit, field, settings, settings.polarity == "bright")
    index = sample.index[sample.valid]
    tries = [_decide(frames, unit, field, settings, is_bright) for is_bright in (False, True)]
    if len(frames) == 0:
        return tries[0]
    dark, bright = (
        np.median(fit_box(frames, index, unit, field, decided, settings)[:, 5]) for decided in tries
    )
    return tries[int(bright > dark)]

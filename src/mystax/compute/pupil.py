"""The analysis `pupil` at work: frames in, traces of size and place out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.frame_rows import check_state, open_rows, read_columns
from mystax.compute.pupil_decide import decide_pupil
from mystax.compute.pupil_field import PupilDecided, PupilField, PupilSettings
from mystax.compute.pupil_fit import COLUMNS, CONFIDENCE, fit_pupil, preview_pupil
from mystax.compute.sight import Sight, sight_dataset
from mystax.compute.smoothing import bridge_gaps, robust_sd, running_median
from mystax.core.analysis import Pass, Spool
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Bool, Float64, Shaped

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["N_SAMPLES", "PupilField", "PupilReducer", "decide_pupil", "preview_pupil", "steady_frames"]

N_SAMPLES = 64
"""Frames from which thresholds and polarity are decided."""

TRUSTED = 0.8
"""Confidence from which a frame takes part in the smoothed traces."""

_N_SD = 8.0
_LEAST_SPREAD = 0.05


def steady_frames(
    area: Shaped[np.ndarray, " time"],
    confidence: Shaped[np.ndarray, " time"],
    times: Float64[np.ndarray, " time"],
) -> Bool[np.ndarray, " time"]:
    """Tell which frames may enter the smoothed traces.

    Parameters
    ----------
    area : array (time,)
        Area [px2]; NaN where missing.
    confidence : array (time,)
        0..1; NaN where it was not judged.
    times : array (time,)
        Times [s].

    Returns
    -------
    array (time,)
        True where the confidence is at least 0.8 (or was not judged) and the logarithm of the area does
        not change faster than 8 robust standard deviations of its rate.
    """
    steady = np.isfinite(area) & (area > 0) & np.isfinite(times) & ~(confidence < TRUSTED)
    places = np.flatnonzero(steady)
    if len(places) > 2:
        rate = np.diff(np.log(area[places].astype(np.float64))) / np.diff(times[places])
        # The floor (5 % per second) keeps slow changes of a noise-free trace.
        limit = _N_SD * max(robust_sd(rate), _LEAST_SPREAD)
        wild: np.ndarray = np.abs(rate - np.median(rate)) > limit
        steady[places[1:][wild]] = False
    return np.asarray(steady)


class PupilReducer:
    """Measures every pupil region of one camera, frame by frame.

    Parameters
    ----------
    settings : PupilSettings
        Parameters.
    """

    n_passes = 1

    def __init__(self, settings: PupilSettings) -> None:
        self._settings = settings
        self._source: Pass
        self._fields: list[PupilField] = []
        self._decided: list[PupilDecided] = []
        self._rows: Spool
        self._flags: list[Flag] = []

    @property
    def decided(self) -> tuple[PupilDecided, ...]:
        """What was decided before the first frame, per region."""
        return tuple(self._decided)

    def start(self, source: Pass) -> None:
        """Take the facts about the frames and decide thresholds from samples."""
        self._source = source
        self._fields = [PupilField(roi, source.shape) for roi in source.rois]
        sample = source.sample(N_SAMPLES)
        self._decided = [decide_pupil(sample, field, self._settings) for field in self._fields]
        self._rows = open_rows(source, "pupil", len(COLUMNS) * len(self._fields))

    def update(self, chunk: FrameChunk) -> None:
        """Measure the next frames."""
        fits = [
            fit_pupil(chunk, field, decided, self._settings, self._source.tiles)
            for field, decided in zip(self._fields, self._decided, strict=True)
        ]
        self._rows.append(np.concatenate(fits, axis=1).astype(np.float32))

    def end_pass(self) -> None:
        """Nothing is left to do after the frames."""

    def work(self) -> float | None:
        """Nothing is left to do after the frames."""
        return None

    def state(self) -> Mapping[str, np.ndarray]:
        """Return what was decided; all else is in the spooled rows."""
        thresholds = np.full((len(self._decided), 3), np.nan)
        for row, decided in zip(thresholds, self._decided, strict=True):
            row[: len(decided.thresholds)] = decided.thresholds
        return {
            "pupil_thresholds": thresholds,
            "pupil_reflection_level": np.array([each.reflection_level for each in self._decided]),
            "pupil_is_bright": np.array([each.is_bright for each in self._decided]),
            "pupil_is_flat": np.array([each.is_flat for each in self._decided]),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state.

        Raises
        ------
        DamagedError
            S502, if it is not a state of this analysis with as many regions.
        """
        check_state("pupil", state, self.state())
        self._decided = [
            PupilDecided(
                tuple(float(value) for value in row if np.isfinite(value)),
                float(state["pupil_reflection_level"][i]),
                bool(state["pupil_is_bright"][i]),
                bool(state["pupil_is_flat"][i]),
            )
            for i, row in enumerate(state["pupil_thresholds"])
        ]

    def sight(self, chunk: FrameChunk) -> Dataset:
        """Show what the fit of the first region sees in a chunk of one whole frame."""
        if not chunk.valid[0]:
            return sight_dataset(None)
        field, decided = self._fields[0], self._decided[0]
        seen = preview_pupil(chunk, field.roi, self._settings, decided)
        return sight_dataset(
            Sight(
                seen.picture,
                field.mask,
                seen.hidden,
                decided.thresholds,
                field.box,
                is_inverted=decided.is_bright,
                points=seen.points[:, :2],
                ellipse=seen.ellipse,
            )
        )

    def _smoothed(self, columns: Shaped[np.ndarray, "time column"]) -> Shaped[np.ndarray, "time 4"]:
        """Smooth area, diameter, x and y; frames that are missing in the video stay missing."""
        times = self._source.times
        confidence = columns[:, CONFIDENCE]
        kept = steady_frames(columns[:, 0], confidence, times)
        smoothed = np.empty((len(columns), 4), np.float32)
        not_judged = self._settings.facemap_compat
        present = np.isfinite(columns[:, 0]) if not_judged else np.isfinite(confidence)
        for k, name in enumerate(("area", "diameter", "x", "y")):
            trace = np.where(kept, columns[:, COLUMNS.index(name)], np.nan)
            middle = running_median(trace, times, self._settings.smooth)
            middle[~kept] = np.nan
            smoothed[:, k] = np.where(present, bridge_gaps(middle, times, self._settings.max_gap), np.nan)
        return smoothed

    def finish(self) -> Dataset:
        """Return traces of all regions."""
        import xarray as xr

        n, n_rois = self._source.n_frames, len(self._fields)
        values = np.empty((n, n_rois, len(COLUMNS)), np.float32)
        smooth = np.empty((n, n_rois, 4), np.float32)
        self._flags = []
        for i, field in enumerate(self._fields):
            columns = read_columns(self._rows, n, i * len(COLUMNS), (i + 1) * len(COLUMNS))
            values[:, i] = columns
            smooth[:, i] = self._smoothed(columns)
            self._flags += self._remarks(field, self._decided[i], columns)
        place = COLUMNS.index("x")
        variables: dict[str, Any] = {
            name: (("time", "roi"), values[:, :, k])
            for k, name in enumerate(COLUMNS)
            if name not in ("x", "y")
        }
        variables["centre"] = (("time", "roi", "space"), values[:, :, place : place + 2])
        variables["area_smooth"] = (("time", "roi"), smooth[:, :, 0])
        variables["diameter_smooth"] = (("time", "roi"), smooth[:, :, 1])
        variables["centre_smooth"] = (("time", "roi", "space"), smooth[:, :, 2:])
        scales = [field.roi.scale for field in self._fields]
        if any(scale is not None for scale in scales):
            per_pixel = np.array([np.nan if scale is None else scale[0] * scale[1] for scale in scales])
            variables["area_scaled"] = (("time", "roi"), (values[:, :, 0] * per_pixel).astype(np.float32))
            variables["diameter_scaled"] = (
                ("time", "roi"),
                (values[:, :, 1] * np.sqrt(per_pixel)).astype(np.float32),
            )
        variables["threshold"] = (
            ("roi",),
            np.array([each.thresholds[0] for each in self._decided], np.float32),
        )
        variables["reflection_level"] = (
            ("roi",),
            np.array([min(each.reflection_level, 256.0) for each in self._decided], np.float32),
        )
        variables["inverted"] = (("roi",), np.array([each.is_bright for each in self._decided], np.int8))
        return xr.Dataset(variables, coords={"space": ("space", ["x", "y"])})

    def _remarks(
        self, field: PupilField, decided: PupilDecided, columns: Shaped[np.ndarray, "time column"]
    ) -> list[Flag]:
        """Say where and why there is no value."""
        name = field.roi.name
        if decided.is_flat:
            return [
                Flag(
                    "N301", f"region {name!r}: nothing can be told apart in it (constant, black or saturated)"
                )
            ]
        measured = np.isfinite(columns[:, 0])
        seen = measured if self._settings.facemap_compat else np.isfinite(columns[:, CONFIDENCE])
        blind = np.flatnonzero(seen & ~measured)
        if len(blind) == 0:
            return []
        count = f"in {len(blind)} of {int(seen.sum())} frames"
        if 2 * len(blind) > int(seen.sum()):
            text = (
                f"region {name!r}: no edge between pupil and iris {count}: "
                "brighten the eye or use the pupil keypoint"
            )
        else:
            text = (
                f"region {name!r}: the pupil is hidden or its edge is not clear {count}; they have no value"
            )
        return [Flag.about("N302", text, blind.tolist())]

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome (after `finish`)."""
        return tuple(self._flags)

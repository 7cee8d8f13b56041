"""The analysis `blink` at work: frames in, openness of the lids and blinks out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from mystax.compute.blink_events import BlinkEvents, closed_state, find_blinks, open_level, openness_of
from mystax.compute.crops import grey_crop, grey_unit, mask_in_box
from mystax.compute.frame_rows import check_state, open_rows, read_columns
from mystax.compute.kernels.blink import dark_sums
from mystax.compute.sight import Sight, sight_dataset
from mystax.core.analysis import Pass, Spool
from mystax.core.geometry import Box, Roi
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk
from mystax.core.typing import Float32, Float64, Int8, Integer, UInt8

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = [
    "BlinkDecided",
    "BlinkField",
    "BlinkReducer",
    "BlinkSettings",
    "decide_blink",
    "measure_darkness",
    "otsu_level",
]

N_SAMPLES = 64
_FLAT_SPREAD = 8.0
_LEVEL_STEP = 4.0


@runtime_checkable
class BlinkSettings(Protocol):
    """What the measurement must be told (declared with ranges and help in `mystax.analyses.blink`)."""

    @property
    def level(self) -> float | Literal["auto"]:
        """Grey level below which pixels are eye."""
        ...

    @property
    def threshold(self) -> float:
        """Openness below which the eye is closed."""
        ...

    @property
    def baseline(self) -> float:
        """Window of the open level [s]."""
        ...

    @property
    def min_duration(self) -> float:
        """Shortest closing [s]."""
        ...

    @property
    def max_duration(self) -> float:
        """Longest blink [s]."""
        ...


@dataclass(frozen=True, eq=False)
class BlinkField:
    """A blink region in a picture of `shape` (rows, columns): its box and mask."""

    roi: Roi
    shape: tuple[int, int]

    @cached_property
    def box(self) -> Box:
        """The region's box inside the picture."""
        return self.roi.box(self.shape)

    @cached_property
    def mask(self) -> UInt8[np.ndarray, "y x"]:
        """1 inside the region."""
        return mask_in_box(self.roi, self.box)


@dataclass(frozen=True, slots=True)
class BlinkDecided:
    """What is decided before the first frame: the level [grey level]; whether the samples show nothing."""

    level: float
    is_flat: bool = False


def otsu_level(histogram: Integer[np.ndarray, " level"]) -> float:
    """Split a histogram of grey levels where the two classes differ most.

    Parameters
    ----------
    histogram : array (level,)
        Number of pixels at each whole grey level.

    Returns
    -------
    float
        Grey level below which a pixel is of the dark class; the middle, where several serve equally.

    References
    ----------
    .. [1] Otsu (1979), doi:10.1109/TSMC.1979.4310076

    Examples
    --------
    >>> otsu_level(np.array([0, 0, 5, 0, 0, 0, 5, 0]))
    4.0
    """
    counts = histogram.astype(np.float64)
    levels = np.arange(len(counts))
    dark = np.cumsum(counts)[:-1]
    light = counts.sum() - dark
    mass = np.cumsum(counts * levels)
    between = np.zeros(len(dark))
    both = (dark > 0) & (light > 0)
    difference = mass[:-1][both] / dark[both] - (mass[-1] - mass[:-1][both]) / light[both]
    between[both] = dark[both] * light[both] * difference**2
    if not both.any():
        return float(np.argmax(counts))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(best[0] + best[-1]) / 2.0 + 0.5


def decide_blink(sample: FrameChunk, field: BlinkField, settings: BlinkSettings) -> BlinkDecided:
    """Decide the level from sampled frames.

    Parameters
    ----------
    sample : FrameChunk
        Frames at fixed places of the video (``source.sample(64)``).
    field : BlinkField
        The region in the picture.
    settings : BlinkSettings
        Parameters.

    Returns
    -------
    BlinkDecided
        What every frame is measured with.
    """
    frames = grey_crop(sample, field.box)[sample.valid]
    grey = frames[:, field.mask == 1].ravel() * grey_unit(sample.bits)
    given = settings.level
    if len(grey) == 0:
        return BlinkDecided(0.0 if given == "auto" else float(given), True)
    bottom, top = np.percentile(grey, [0.1, 99.9]).tolist()
    is_flat = top - bottom < _FLAT_SPREAD
    if given != "auto":
        return BlinkDecided(float(given), is_flat)
    if is_flat:
        # Sensor noise has no two classes; below its darkest pixel nothing is eye.
        return BlinkDecided(float(grey.min()), True)
    level = otsu_level(np.bincount(grey.astype(np.int64), minlength=256))
    # In coarse steps, so that a few samples more or less (damaged frames) decide the same.
    return BlinkDecided(max(1.0, _LEVEL_STEP * round(level / _LEVEL_STEP)), False)


def measure_darkness(
    chunk: FrameChunk, field: BlinkField, decided: BlinkDecided
) -> Float32[np.ndarray, " n"]:
    """Mean over the region of how much darker than the level each pixel is.

    Parameters
    ----------
    chunk : FrameChunk
        The frames.
    field : BlinkField
        The region in the picture.
    decided : BlinkDecided
        The level.

    Returns
    -------
    array (n,)
        Mean of max(0, level - grey) [grey level], from exact integer sums; NaN for missing frames.
    """
    unit = grey_unit(chunk.bits)
    frames = grey_crop(chunk, field.box)
    counts, sums = np.empty(len(chunk), np.int64), np.empty(len(chunk), np.int64)
    dark_sums(frames, field.mask, decided.level / unit, counts, sums)
    n_pixels = max(1, int(field.mask.sum()))
    darkness = ((counts * decided.level - sums * unit) / n_pixels).astype(np.float32)
    darkness[~chunk.valid] = np.nan
    return darkness


class BlinkReducer:
    """Measures the openness of the lids in every blink region of one camera.

    Parameters
    ----------
    settings : BlinkSettings
        Parameters.
    """

    n_passes = 1

    def __init__(self, settings: BlinkSettings) -> None:
        self._settings = settings
        self._source: Pass
        self._fields: list[BlinkField] = []
        self._decided: list[BlinkDecided] = []
        self._rows: Spool

    @property
    def decided(self) -> tuple[BlinkDecided, ...]:
        """What was decided before the first frame, per region."""
        return tuple(self._decided)

    def start(self, source: Pass) -> None:
        """Take the facts about the frames and decide the levels from samples."""
        self._source = source
        self._fields = [BlinkField(roi, source.shape) for roi in source.rois]
        sample = source.sample(N_SAMPLES)
        self._decided = [decide_blink(sample, field, self._settings) for field in self._fields]
        self._rows = open_rows(source, "blink", len(self._fields))

    def update(self, chunk: FrameChunk) -> None:
        """Measure the next frames."""
        pairs = zip(self._fields, self._decided, strict=True)
        darkness = [measure_darkness(chunk, field, decided) for field, decided in pairs]
        self._rows.append(np.stack(darkness, axis=1))

    def end_pass(self) -> None:
        """Nothing is left to do after the frames."""

    def work(self) -> float | None:
        """Nothing is left to do after the frames."""
        return None

    def state(self) -> Mapping[str, np.ndarray]:
        """Return what was decided; all else is in the spooled rows."""
        return {
            "blink_level": np.array([each.level for each in self._decided]),
            "blink_is_flat": np.array([each.is_flat for each in self._decided]),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state.

        Raises
        ------
        DamagedError
            S502, if it is not a state of this analysis with as many regions.
        """
        check_state("blink", state, self.state())
        pairs = zip(state["blink_level"].tolist(), state["blink_is_flat"].tolist(), strict=True)
        self._decided = [BlinkDecided(float(level), bool(is_flat)) for level, is_flat in pairs]

    def sight(self, chunk: FrameChunk) -> Dataset:
        """Show which pixels of the first region count as eye in a chunk of one whole frame."""
        if not chunk.valid[0]:
            return sight_dataset(None)
        field, level = self._fields[0], self._decided[0].level
        picture = grey_crop(chunk.part(0, 1), field.box)[0] * grey_unit(chunk.bits)
        nothing = np.zeros(picture.shape, np.bool_)
        return sight_dataset(Sight(picture, field.mask, nothing, (level,), field.box))

    def finish(self) -> Dataset:
        """Return traces and events of all regions."""
        import xarray as xr

        times = self._source.times
        darkness = read_columns(self._rows, self._source.n_frames, 0, len(self._fields))
        openness = np.full(darkness.shape, np.nan, np.float32)
        closed = np.full(darkness.shape, -1, np.int8)
        events = []
        for i in range(len(self._fields)):
            level = open_level(darkness[:, i], times, self._settings.baseline)
            trace = openness_of(darkness[:, i], level)
            state = closed_state(trace, level, self._settings.threshold)
            openness[:, i], closed[:, i] = trace, state
            events.append(
                find_blinks(
                    trace,
                    state,
                    times,
                    min_duration=self._settings.min_duration,
                    max_duration=self._settings.max_duration,
                )
            )
        dataset = xr.Dataset(
            {
                "darkness": (("time", "roi"), darkness),
                "openness": (("time", "roi"), openness),
                "closed": (("time", "roi"), closed),
                "level": (("roi",), np.array([each.level for each in self._decided], np.float32)),
                **self._event_variables(events),
            },
            attrs={"blinks_per_minute": self._rates(events, closed)},
        )
        dataset["closed"].attrs |= {"flag_values": [-1, 0, 1], "flag_meanings": "missing open closed"}
        dataset["event_kind"].attrs |= {"flag_values": [0, 1], "flag_meanings": "blink closure"}
        return dataset

    def _event_variables(self, events: Sequence[BlinkEvents]) -> dict[str, Any]:
        """Join the events of all regions in order of time."""
        names = [field.roi.name for field in self._fields]
        which = np.concatenate([np.full(len(each.start), i) for i, each in enumerate(events)])
        start = np.concatenate([each.start for each in events])
        order = np.lexsort((which, start))
        width = max((len(name) for name in names), default=1)
        return {
            "event_start": (("event",), start[order]),
            "event_stop": (("event",), np.concatenate([each.stop for each in events])[order]),
            "event_depth": (
                ("event",),
                np.concatenate([each.depth for each in events])[order].astype(np.float32),
            ),
            "event_roi": (("event",), np.array(names, f"U{width}")[which.astype(np.int64)[order]]),
            "event_kind": (("event",), np.concatenate([each.kind for each in events])[order]),
            "event_cut": (("event",), np.concatenate([each.cut for each in events])[order]),
        }

    def _rates(
        self, events: Sequence[BlinkEvents], closed: Int8[np.ndarray, "time roi"]
    ) -> Float64[np.ndarray, " roi"]:
        """Blinks per minute of valid time, per region; NaN without any."""
        minutes = (closed >= 0).sum(axis=0) * self._source.clock.interval / 60.0
        counts = np.array([each.starts_seen for each in events], np.float64)
        known = np.isfinite(minutes) & (minutes > 0)
        rates = np.full(len(counts), np.nan)
        rates[known] = counts[known] / minutes[known]
        return rates

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome (after `finish`)."""
        return tuple(
            Flag(
                "N301",
                f"region {field.roi.name!r}: nothing can be told apart in it (constant, black or saturated)",
            )
            for field, decided in zip(self._fields, self._decided, strict=True)
            if decided.is_flat
        )

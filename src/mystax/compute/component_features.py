"""Components on their way through the bank: windows, memories, rhythms, rectified changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.feature_table import (
    CHANGES,
    DEAD,
    ENVELOPE,
    ENVELOPE_MEMORY,
    FORGOTTEN,
    HALF_WAVE,
    RHYTHMS,
    SIGNED,
    SLOW,
    STATES,
    STATES_MEMORY,
)
from mystax.compute.filters import Filters, Shape
from mystax.compute.grid_bins import Bins
from mystax.compute.whitening import FittedPart, components_of
from mystax.core.behaviour import BehaviourPart
from mystax.core.typing import Bool, Float64

__all__ = ["Made", "base_signals", "component_features"]


TOGETHER = 8
"""Components that are filtered at once: few enough for the memory."""


@dataclass(frozen=True, eq=False)
class Made:
    """Features of some components.

    Attributes
    ----------
    columns : array (component, feature, time)
        In the order of `features_of_one`.
    levels : array (component, level)
        Median of each envelope, then sd of each half-wave.
    """

    columns: Float64[np.ndarray, "component feature time"]
    levels: Float64[np.ndarray, "component level"]


def component_features(
    values: Float64[np.ndarray, "component sample"],
    bank: str,
    filters: Filters,
    bins: Bins,
    training: Bool[np.ndarray, " sample"] | None = None,
    levels: Float64[np.ndarray, "component level"] | None = None,
) -> Made:
    """Make the features of components, averaged inside the bins.

    Parameters
    ----------
    values : array (component, sample)
        The components.
    bank : str
        One of `BANKS`.
    filters : Filters
        On the valid samples of the part.
    bins : Bins
        Neural bins.
    training : array (sample,), optional
        Frames that levels are learned from; by default `levels` are used.
    levels : array (component, level), optional
        What was learned before.

    Returns
    -------
    Made
        Features and levels.
    """
    made = []
    for first in range(0, len(values), TOGETHER):
        some = slice(first, first + TOGETHER)
        known = None if levels is None else levels[some]
        made.append(_Components(values[some], filters, training, known).features(bank, bins))
    return Made(np.concatenate([one.columns for one in made]), np.concatenate([one.levels for one in made]))


class _Components:
    """Some components on their way through the bank."""

    def __init__(
        self,
        values: Float64[np.ndarray, "component sample"],
        filters: Filters,
        training: Bool[np.ndarray, " sample"] | None,
        known: Float64[np.ndarray, "component level"] | None,
    ) -> None:
        self.values, self.filters = values, filters
        self.training = None if training is None else np.flatnonzero(training)
        self.known = known
        self.levels: list[Float64[np.ndarray, " component"]] = []

    def features(self, bank: str, bins: Bins) -> Made:
        """Make all features, in the order of `features_of_one`."""
        found = np.concatenate(list(self._through(bank, bins)))
        levels = np.array(self.levels).reshape(-1, len(self.values))
        return Made(found.transpose(1, 0, 2), levels.T)

    def _through(self, bank: str, bins: Bins) -> Iterator[Float64[np.ndarray, "_feature component _time"]]:
        if bank == "states":
            yield self._windows(self.values, STATES, bins)
            yield self._memory(self.values, STATES_MEMORY, bins)
            return
        yield self._windows(self.values, SIGNED, bins)
        for tau in SLOW:
            yield self._memory(self.values, tau, bins)
        if bank == "full":
            for size in self.envelopes():
                yield self._windows(size, ENVELOPE, bins)
                yield self._memory(size, ENVELOPE_MEMORY, bins)
            for change in self.half_waves():
                yield self._windows(change, HALF_WAVE, bins)

    def _windows(
        self,
        values: Float64[np.ndarray, "component sample"],
        windows: Sequence[tuple[float, float]],
        bins: Bins,
    ) -> Float64[np.ndarray, "window component time"]:
        return self.filters.means(values, [Shape.bump(c, w, self.filters.rate) for c, w in windows], bins)

    def _memory(
        self, values: Float64[np.ndarray, "component sample"], tau: float, bins: Bins
    ) -> Float64[np.ndarray, "1 component time"]:
        return bins.means(self.filters.memory(values, tau))[None]

    def _level(
        self, find: Float64[np.ndarray, "component sample"], kind: str
    ) -> Float64[np.ndarray, " component"]:
        """Return levels of the training frames, or those that were learned before."""
        if self.training is None:
            if self.known is None:
                raise ValueError("levels are learned from training frames, or given")
            level = self.known[:, len(self.levels)]
        else:
            inside = find.take(self.training, axis=1)
            level = np.asarray(np.median(inside, axis=1) if kind == "median" else inside.std(axis=1))
        self.levels.append(level)
        return level

    def envelopes(self) -> Iterator[Float64[np.ndarray, "_component _sample"]]:
        """Give the size of each rhythm, on a logarithmic scale."""
        shapes = [Shape.envelope(f) for f in RHYTHMS if f <= 0.4 * self.filters.rate]
        for size in self.filters.envelopes(self.values, shapes):
            yield np.log1p(size / (self._level(size, "median")[:, None] + 1e-6))

    def half_waves(self) -> Iterator[Float64[np.ndarray, "_component _sample"]]:
        """Give changes over the last seconds, up and down apart."""
        slow = self.filters.memory(self.values, FORGOTTEN)
        for tau in CHANGES:
            change = (self.filters.memory(self.values, tau) if tau else self.values) - slow
            change = change / np.maximum(self._level(change, "sd"), 1e-9)[:, None]
            for sign in (1, -1):
                yield np.maximum(sign * change - DEAD, 0)


def base_signals(
    fitted: FittedPart, part: BehaviourPart, number: int, filters: Filters
) -> Float64[np.ndarray, "signal sample"]:
    """Return signals without a delay of their own: a component, the size of its rhythms, its two sides.

    Parameters
    ----------
    fitted : FittedPart
        A whitened part with its levels.
    part : BehaviourPart
        The same part of a grid.
    number : int
        Component.
    filters : Filters
        On the valid samples of the part.

    Returns
    -------
    array (signal, sample)
        The component alone for a signed bank or states.
    """
    one = slice(number, number + 1)
    components = _Components(components_of(fitted, part)[one], filters, None, fitted.levels[one])
    found = [components.values]
    if fitted.bank == "full":
        sides = (np.maximum(sign * components.values - DEAD, 0) for sign in (1, -1))
        found += [*components.envelopes(), *sides]
    return np.concatenate(found)

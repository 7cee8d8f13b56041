"""One component on its way through the bank: windows, memories, rhythms, rectified changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

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


@dataclass(eq=False)
class Made:
    """Features of one component.

    Attributes
    ----------
    columns : list of arrays (time,)
        In the order of `features_of_one`.
    levels : list of float
        Median of each envelope, then sd of each half-wave.
    """

    columns: list[Float64[np.ndarray, " time"]] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)


def component_features(
    values: Float64[np.ndarray, " sample"],
    bank: str,
    filters: Filters,
    bins: Bins,
    training: Bool[np.ndarray, " sample"] | None = None,
    levels: Sequence[float] = (),
) -> Made:
    """Make the features of a component, averaged inside the bins.

    Parameters
    ----------
    values : array (sample,)
        The component.
    bank : str
        One of `BANKS`.
    filters : Filters
        On the valid samples of the part.
    bins : Bins
        Neural bins.
    training : array (sample,), optional
        Frames that levels are learned from; by default `levels` are used.
    levels : sequence of float, optional
        What was learned before.

    Returns
    -------
    Made
        Features and levels.
    """
    return _Component(values, filters, bins, training, list(levels)).features(bank)


class _Component:
    """One component on its way through the bank."""

    def __init__(
        self,
        values: Float64[np.ndarray, " sample"],
        filters: Filters,
        bins: Bins | None,
        training: Bool[np.ndarray, " sample"] | None,
        known: list[float],
    ) -> None:
        self.values, self.filters, self.bins = values, filters, bins
        self.training, self.known = training, known
        self.made = Made()

    @cached_property
    def rate(self) -> float:
        return self.filters.rate

    def features(self, bank: str) -> Made:
        """Make all features, in the order of `features_of_one`."""
        if bank == "states":
            self._windows(self.values, STATES)
            self._memory(self.values, STATES_MEMORY)
            return self.made
        self._windows(self.values, SIGNED)
        for tau in SLOW:
            self._memory(self.values, tau)
        if bank == "full":
            for size in self.envelopes():
                self._windows(size, ENVELOPE)
                self._memory(size, ENVELOPE_MEMORY)
            for change in self.half_waves():
                self._windows(change, HALF_WAVE)
        return self.made

    def _windows(
        self, values: Float64[np.ndarray, " sample"], windows: Sequence[tuple[float, float]]
    ) -> None:
        shapes = [Shape.bump(c, w, self.rate) for c, w in windows]
        self._take(self.filters.apply(values, shapes))

    def _memory(self, values: Float64[np.ndarray, " sample"], tau: float) -> None:
        self._take([self.filters.memory(values, tau)])

    def _take(self, found: Sequence[Float64[np.ndarray, " sample"]]) -> None:
        if self.bins is not None:
            self.made.columns += [self.bins.mean(values) for values in found]

    def _level(self, find: Float64[np.ndarray, " sample"], kind: str) -> float:
        """Return a level of the training frames, or the one that was learned before."""
        if self.training is None:
            level = self.known[len(self.made.levels)]
        else:
            inside = find[self.training]
            level = float(np.median(inside)) if kind == "median" else float(inside.std())
        self.made.levels.append(level)
        return level

    def envelopes(self) -> Iterator[Float64[np.ndarray, " sample"]]:
        """Give the size of each rhythm, on a logarithmic scale."""
        for frequency in RHYTHMS:
            if frequency > 0.4 * self.rate:
                continue
            size = self.filters.envelope(self.values, Shape.envelope(frequency))
            yield np.log1p(size / (self._level(size, "median") + 1e-6))

    def half_waves(self) -> Iterator[Float64[np.ndarray, " sample"]]:
        """Give changes over the last seconds, up and down apart."""
        slow = self.filters.memory(self.values, FORGOTTEN)
        for tau in CHANGES:
            change = (self.filters.memory(self.values, tau) if tau else self.values) - slow
            change = change / max(self._level(change, "sd"), 1e-9)
            for sign in (1, -1):
                yield np.maximum(sign * change - DEAD, 0)


def base_signals(
    fitted: FittedPart, part: BehaviourPart, number: int, filters: Filters
) -> list[Float64[np.ndarray, " sample"]]:
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
    list of arrays (sample,)
        The component alone for a signed bank or states.
    """
    one = _Component(
        components_of(fitted, part)[:, number], filters, None, None, fitted.levels[number].tolist()
    )
    found = [one.values]
    if fitted.bank == "full":
        found += [*one.envelopes(), *(np.maximum(sign * one.values - DEAD, 0) for sign in (1, -1))]
    return found

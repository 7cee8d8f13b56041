"""Behaviour on one regular grid of times: what an encoder is fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float32, Float64

__all__ = ["Bank", "BehaviourGrid", "BehaviourPart"]

Bank = Literal["full", "signed", "states"]
"""Which temporal features are made of a part's components."""


@dataclass(frozen=True, eq=False)
class BehaviourPart:
    """Columns of behaviour that belong together and are whitened together.

    Attributes
    ----------
    group : str
        Where they come from: keypoints, pupil, blink, running, motion, movie, states, or a custom name.
    part : str
        Part of the face, or region.
    bank : {"full", "signed", "states"}
        Temporal features that are made of them.
    columns : tuple of str
        Names, such as ``nose_tip.x``.
    values : array (time, column)
        On the grid, in the unit of the source; NaN is missing.
    """

    group: str
    part: str
    bank: Bank
    columns: tuple[str, ...]
    values: Float32[np.ndarray, "time column"]

    @property
    def valid(self) -> Bool[np.ndarray, " time"]:
        """Whether all columns have a value."""
        return np.asarray(np.isfinite(self.values).all(axis=1))


@dataclass(frozen=True, eq=False)
class BehaviourGrid:
    """Behaviour of one recording at equal steps of the session clock.

    Attributes
    ----------
    start : float
        Time of the first sample [s].
    rate : Fraction
        Samples per second.
    parts : tuple of BehaviourPart
        All of one length.
    left_out : mapping of str to str
        Column to the reason why it is not here.
    flags : tuple of Flag
        N309, where columns were left out.
    """

    start: float
    rate: Fraction
    parts: tuple[BehaviourPart, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.parts[0].values) if self.parts else 0

    @property
    def seconds(self) -> Float64[np.ndarray, " time"]:
        """Times of the samples [s]."""
        return np.asarray(self.start + np.arange(self.n) * float(1 / self.rate))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, each once, in the order of the parts."""
        return tuple(dict.fromkeys(part.group for part in self.parts))

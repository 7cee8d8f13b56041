"""What behaviour and neurons have in common in time: enough of it, and in the same unit."""

from dataclasses import dataclass

import numpy as np

from mystax.core.quality import Flag
from mystax.core.typing import Float64
from mystax.errors import ClockError

__all__ = ["Overlap", "find_overlap"]

LEAST, SHORT = 180.0, 600.0
"""Less than this in common is refused, or flagged [s]."""
ROUNDING = 1.0
"""Three minutes of frames end one frame earlier; bins are not cut for it [s]."""
SLIPS = {
    1e3: "ms",
    1e6: "us",
    1e9: "ns",
    1 / 60: "min",
    1 / 3600: "hours",
    1 / 86400: "days",
}
"""Ratio of spans to the unit that the longer or shorter one may be in."""
SLIP_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Overlap:
    """Time that behaviour and neurons share.

    Attributes
    ----------
    start, stop : float
        Its ends [s].
    behaviour, neural : tuple of float
        Ends of both recordings [s].
    flags : tuple of Flag
        N310, if it is short.
    """

    start: float
    stop: float
    behaviour: tuple[float, float]
    neural: tuple[float, float]
    flags: tuple[Flag, ...] = ()

    @property
    def seconds(self) -> float:
        """Length [s]."""
        return self.stop - self.start

    def __str__(self) -> str:
        ends = [f"{name} {a:.1f} to {b:.1f} s" for name, (a, b) in _pairs(self.behaviour, self.neural)]
        return f"{self.seconds / 60:.1f} min in common ({', '.join(ends)})"


def _pairs(
    behaviour: tuple[float, float], neural: tuple[float, float]
) -> tuple[tuple[str, tuple[float, float]], ...]:
    return ("behaviour", behaviour), ("neurons", neural)


def find_overlap(
    behaviour: Float64[np.ndarray, " frame"],
    neural: Float64[np.ndarray, " row"],
    where: str = "behaviour and neurons",
) -> Overlap:
    """Find the time that behaviour and neurons share.

    Parameters
    ----------
    behaviour : array (frame,)
        Times of the frames [s], rising.
    neural : array (row,)
        Times of the rows, or of the spikes [s], rising.
    where : str, optional
        Name for messages.

    Returns
    -------
    Overlap
        At least 3 min.

    Raises
    ------
    ClockError
        C206, if the spans differ as units do; C204, if less than 3 min are shared.
    """
    if len(behaviour) == 0 or len(neural) == 0:
        raise ClockError("C204", where, expected="times of both", got=f"{len(behaviour)} and {len(neural)}")
    ends = [(float(times[0]), float(times[-1])) for times in (behaviour, neural)]
    start, stop = max(first for first, _ in ends), min(last for _, last in ends)
    _check_units(ends, stop - start, where)
    if stop - start < LEAST - ROUNDING:
        common = f"{max(0.0, stop - start):.1f} s in common"
        raise ClockError(
            "C204",
            where,
            "too little time in common" if stop > start else "no time in common",
            expected=f"at least {LEAST / 60:.0f} min",
            got=", ".join([common, *(f"{name} {a:.6g} to {b:.6g} s" for name, (a, b) in _pairs(*ends))]),
            hint="are both on one clock? --clock and --neural-clock bring them there",
        )
    flags: tuple[Flag, ...] = ()
    if stop - start < SHORT - ROUNDING:
        flags = (Flag("N310", f"short: {(stop - start) / 60:.1f} min in common, intervals will be wide"),)
    return Overlap(start, stop, ends[0], ends[1], flags)


def _check_units(ends: list[tuple[float, float]], shared: float, where: str) -> None:
    """Refuse times of which one is plainly in another unit: spans that differ by a unit's factor."""
    spans = [last - first for first, last in ends]
    if min(spans) <= 0:
        return
    for name, ratio in (("neurons", spans[1] / spans[0]), ("behaviour", spans[0] / spans[1])):
        for factor, unit in SLIPS.items():
            if unit == "min" and shared >= LEAST:
                continue  # four minutes of video in four hours of neurons exist; days of either do not
            if abs(ratio / factor - 1) <= SLIP_SHARE:
                raise ClockError(
                    "C206",
                    where,
                    f"the times of the {name} look like {unit}",
                    expected="times in seconds on both sides",
                    got=f"behaviour spans {spans[0]:.6g} against {spans[1]:.6g} of the neurons",
                    hint=f"are the times in {unit}? name the unit of the clock, such as npy:FILE:ms",
                )

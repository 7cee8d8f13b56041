"""What a synthetic animal does: pupil, gaze, blinks, whisking, sniffing and running as functions of time."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mystax.core.typing import Float64
from mystax.synth.eye import lid_openness

__all__ = ["Behaviour"]

Trace = Float64[np.ndarray, " time"]
STEP = 1 / 240
"""Interval of the grid on which running speed is summed up to a position [s]."""
LID_TIME = 0.02
"""Time in which the lids close, and open again [s]."""
BLINK_SLOT = 4.0
"""There is at most one blink in each slot of this length [s]."""


@dataclass(frozen=True)
class Behaviour:
    """One script of behaviour: the same for the same seed, at any rate and for any part of the time.

    All traces are sums of slow waves with random phases; running, whisking and pupil share a hidden
    arousal, as in animals.

    Parameters
    ----------
    seed : int
        Start of the random numbers.

    Examples
    --------
    >>> times = np.arange(90) / 30
    >>> bool((Behaviour(3).pupil(times) == Behaviour(3).pupil(times)).all())
    True
    """

    seed: int = 0

    @cached_property
    def _phases(self) -> Float64[np.ndarray, "trace wave"]:
        return np.random.default_rng((self.seed, 0xBE)).uniform(0, 2 * math.pi, (12, 3))

    def _waves(self, times: Trace, trace: int, *frequencies: float) -> Trace:
        """Sum of waves [1/s] with amplitudes 1, 1/2, 1/4 and the phases of one trace, within -1..1."""
        total = np.zeros(len(times))
        for k, frequency in enumerate(frequencies):
            total += 0.5**k * np.sin(2 * math.pi * frequency * times + self._phases[trace, k])
        return np.asarray(total / sum(0.5**k for k in range(len(frequencies))))

    def arousal(self, times: Trace) -> Trace:
        """Arousal, 0..1."""
        return 0.5 + 0.5 * self._waves(times, 0, 0.083, 0.21, 0.47)

    def speed(self, times: Trace) -> Trace:
        """Return the running speed, 0..1 of the fastest: bouts where arousal is high."""
        drive = 0.6 * self.arousal(times) + 0.4 * (0.5 + 0.5 * self._waves(times, 1, 0.19, 0.37))
        ramp = np.clip((drive - 0.35) / 0.4, 0.0, 1.0)
        return np.asarray(ramp * ramp * (3 - 2 * ramp))

    def distance(self, times: Trace) -> Trace:
        """Distance run since time 0, in seconds at the fastest speed."""
        if len(times) == 0:
            return np.zeros(0)
        grid = np.arange(0.0, float(times.max()) + 2 * STEP, STEP)
        summed = np.concatenate([[0.0], np.cumsum(self.speed(grid)[:-1] + self.speed(grid)[1:]) * STEP / 2])
        return np.asarray(np.interp(times, grid, summed))

    def wobble(self, times: Trace) -> Trace:
        """Sideways place of the running surface, -1..1."""
        return self._waves(times, 2, 0.31, 0.9)

    def pupil(self, times: Trace) -> Trace:
        """Radius of the pupil over its middle value, 0.7..1.3."""
        return 1.0 + 0.22 * self._waves(times, 0, 0.083, 0.21, 0.47) + 0.08 * self._waves(times, 3, 0.6, 1.1)

    def gaze(self, times: Trace) -> Float64[np.ndarray, "time space"]:
        """Place of the pupil's centre in the eye, -1..1 in x (towards the nose) and y (down)."""
        return np.stack([self._waves(times, 4, 0.13, 0.5, 1.3), self._waves(times, 5, 0.17, 0.6)], axis=1)

    def whisk(self, times: Trace) -> Trace:
        """Angle of the whiskers, -1..1: bouts of 7.3 per second around a drifting set point."""
        gate = np.clip(1.4 * self.arousal(times) - 0.2, 0.05, 1.0)
        phase = 2 * math.pi * 7.3 * times + self._phases[6, 0]
        return np.asarray(0.65 * gate * np.sin(phase) + 0.35 * self._waves(times, 7, 0.3, 0.7))

    def sniff(self, times: Trace) -> Trace:
        """Movement of the nose with breathing, -1..1, 4.1 per second."""
        breath = np.sin(2 * math.pi * 4.1 * times + self._phases[8, 0])
        return np.asarray(breath * (0.4 + 0.6 * self.arousal(times)))

    def sway(self, times: Trace) -> Float64[np.ndarray, "time space"]:
        """Movement of the whole head, -1..1 in x (towards the nose) and y (down)."""
        return np.stack([self._waves(times, 9, 0.27, 0.8), self._waves(times, 10, 0.35, 1.2)], axis=1)

    def light(self, times: Trace) -> Trace:
        """Brightness of the lamp over its middle value, 0.99..1.01."""
        return 1.0 + 0.01 * self._waves(times, 11, 0.7, 2.3)

    def blinks(self, stop: float) -> tuple[Float64[np.ndarray, " blink"], Float64[np.ndarray, " blink"]]:
        """Return when the lids pass half-way, down and up, in all blinks that begin before `stop`.

        Parameters
        ----------
        stop : float
            End of the script [s].

        Returns
        -------
        start, stop : arrays (blink,)
            Half-way times [s]; blinks last 0.1 to 0.25 s.
        """
        found = []
        for slot in range(math.ceil(max(stop, 0.0) / BLINK_SLOT)):
            generator = np.random.default_rng((self.seed, 0xB1, slot))
            start = BLINK_SLOT * slot + float(generator.uniform(0.5, BLINK_SLOT - 0.5))
            length, happens = float(generator.uniform(0.1, 0.25)), generator.uniform() < 0.8
            if happens and start < stop:
                found.append((start, start + length))
        pairs = np.array(found, np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def openness(self, times: Trace) -> Trace:
        """Return the openness of the lids, 0..1, at rising times."""
        openness = np.ones(len(times))
        for start, stop in np.stack(
            self.blinks(float(times[-1]) + LID_TIME if len(times) else 0.0), 1
        ).tolist():
            low, high = np.searchsorted(times, [start - LID_TIME, stop + LID_TIME]).tolist()
            openness[low:high] = lid_openness(times[low:high], np.array([start]), np.array([stop]), LID_TIME)
        return openness

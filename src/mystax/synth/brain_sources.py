"""What a simulated animal does, sample by sample: the sources of its keypoints and of its neurons."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.special import expit

from mystax.core.typing import Float64

__all__ = ["MOVERS", "Sources", "memory", "play_sources", "standardised"]

Trace = Float64[np.ndarray, " time"]

MOVERS = (
    "whisk",
    "setpoint",
    "sniff",
    "eye_x",
    "eye_y",
    "blink",
    "pupil",
    "lick",
    "groom",
    "bob",
)
"""Sources that move keypoints."""
LEAD = 60.0
"""Played before the recording begins, so that slow processes have forgotten their start [s]."""


def standardised(values: Float64[np.ndarray, "time ..."]) -> Float64[np.ndarray, "time ..."]:
    """Bring traces to mean 0 and standard deviation 1 over time; a constant becomes 0."""
    sd = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(sd > 0, sd, 1.0))


def memory(
    values: Float64[np.ndarray, "time ..."], tau: float, rate: float
) -> Float64[np.ndarray, "time ..."]:
    """Fade the past out exponentially: y_t = a y_{t-1} + (1 - a) x_t with a = exp(-1 / (tau rate)).

    Parameters
    ----------
    values : array (time, ...)
        Traces.
    tau : float
        Time constant [s].
    rate : float
        Samples per second.

    Returns
    -------
    array (time, ...)
        Their memories, as if the first value had lasted for ever.
    """
    a = float(np.exp(-1 / (tau * rate)))
    faded, _ = lfilter([1 - a], [1, -a], values, axis=0, zi=a * values[:1])
    return np.asarray(faded)


@dataclass(frozen=True, eq=False)
class _Stage:
    """Random traces of one length and rate."""

    random: np.random.Generator
    n: int
    rate: float

    def wander(self, tau: float) -> Trace:
        """Ornstein-Uhlenbeck process of variance 1 with a correlation time [s]."""
        a = float(np.exp(-1 / (tau * self.rate)))
        noise = self.random.standard_normal(self.n)
        rest, _ = lfilter([np.sqrt(1 - a * a)], [1, -a], noise[1:], zi=a * noise[:1])
        return np.concatenate([noise[:1], rest])

    def smooth(self, trace: Trace, sd: float) -> Trace:
        """Smooth with a Gaussian [s]."""
        return np.asarray(gaussian_filter1d(trace, sd * self.rate, mode="nearest"))

    def bouts(self, wait: float, shortest: float, longest: float) -> Trace:
        """1 in bouts of uniform length, 0 in pauses of exponential length [s]."""
        trace, at = np.zeros(self.n), 0.0
        while at < self.n / self.rate:
            start = at + float(self.random.exponential(wait))
            at = start + float(self.random.uniform(shortest, longest))
            trace[round(start * self.rate) : round(at * self.rate)] = 1.0
        return trace

    def events(self, frequency: float) -> Float64[np.ndarray, " event"]:
        """Draw the samples at which a Poisson process has events [1/s]."""
        count = int(self.random.poisson(frequency * self.n / self.rate))
        return np.sort(self.random.uniform(0, self.n, count))

    def turn(self, frequency: Trace) -> Trace:
        """Sine of a phase that runs with a frequency [1/s]."""
        return np.asarray(np.sin(2 * np.pi * np.cumsum(frequency) / self.rate))


@dataclass(frozen=True, eq=False)
class Sources:
    """Traces of what an animal does.

    Attributes
    ----------
    traces : mapping of str to array (time,)
        `run arousal wa whisk setpoint sa sniff eye_x eye_y blink pupil lm lick gm groom bob`.
    rate : float
        Samples per second; sample 0 is at 0 s.
    """

    traces: Mapping[str, Trace]
    rate: float

    def stacked(self, *names: str) -> Float64[np.ndarray, "time source"]:
        """Return some traces side by side."""
        return np.stack([self.traces[name] for name in names], axis=1)


def play_sources(seconds: float, rate: float, random: np.random.Generator) -> Sources:
    """Let an animal run, whisk, sniff, look, blink, lick and groom.

    Parameters
    ----------
    seconds : float
        Length [s].
    rate : float
        Samples per second.
    random : Generator
        Gives the random numbers.

    Returns
    -------
    Sources
        Traces of ``round(seconds * rate)`` samples.
    """
    n, lead = round(seconds * rate), round(LEAD * rate)
    stage = _Stage(random, n + lead, rate)
    is_running = stage.bouts(25, 4, 25)
    run = stage.smooth(is_running, 0.4) * np.exp(0.4 * stage.wander(3))
    arousal = standardised(0.7 * stage.wander(25) + 1.5 * stage.smooth(run, 2))
    wa = expit(1.6 * stage.wander(0.8) + 2 * run - 0.8)
    sa = expit(1.5 * stage.wander(1) + arousal - 0.5)
    lm, gm = stage.smooth(stage.bouts(20, 0.8, 3), 0.1), stage.smooth(stage.bouts(40, 1.5, 6), 0.2)
    eye = _gaze(stage)
    traces = {
        "is_running": is_running,
        "run": run,
        "arousal": arousal,
        "wa": wa,
        "whisk": wa * stage.turn(9 + 2.5 * np.tanh(stage.wander(0.5)) + 2 * run / (1 + run)),
        "setpoint": standardised(stage.wander(1.2) + 0.8 * run),
        "sa": sa,
        "sniff": sa * stage.turn(4 + 2 * np.tanh(stage.wander(1) + arousal)),
        "eye_x": eye[:, 0],
        "eye_y": eye[:, 1],
        "blink": _blinks(stage),
        "pupil": standardised(arousal + 0.4 * stage.wander(2)),
        "lm": lm,
        "lick": lm * (0.5 + 0.5 * stage.turn(6.5 + 0.5 * stage.wander(1))),
        "gm": gm,
        "groom": gm * stage.wander(0.12),
        "bob": run * np.sin(2 * np.pi * 3 * np.arange(stage.n) / rate),
    }
    return Sources({name: trace[lead:] for name, trace in traces.items()}, rate)


def _gaze(stage: _Stage) -> Float64[np.ndarray, "time space"]:
    """Jump to a new direction now and then: half of the old one and something new."""
    gaze, place = np.zeros((stage.n, 2)), np.zeros(2)
    for event in stage.events(0.35):
        place = 0.5 * place + stage.random.standard_normal(2)
        gaze[int(event) :] = place
    return np.stack([stage.smooth(gaze[:, k], 0.03) for k in range(2)], axis=1)


def _blinks(stage: _Stage) -> Trace:
    """Pulses of height 1 and sd 0.06 s."""
    trace, places = np.zeros(stage.n), np.arange(stage.n)
    for event in stage.events(0.08):
        low, high = (max(0, int(event + sign * 0.4 * stage.rate)) for sign in (-1, 1))
        trace[low:high] += np.exp(-0.5 * ((places[low:high] - event) / (0.06 * stage.rate)) ** 2)
    return trace

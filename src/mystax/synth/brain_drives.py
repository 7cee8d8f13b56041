"""Drives of simulated neurons by behaviour: half-waves, envelopes, slow memories, gated half-waves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit

from mystax.core.typing import Float64
from mystax.synth.brain_sources import Sources, memory, standardised

__all__ = ["N_DRIVES", "WORLDS", "Drive", "make_drives", "mean_in_bins"]

Kind = Literal["half-wave", "envelope", "slow", "gated"]
Trace = Float64[np.ndarray, " time"]

N_DRIVES = 28
WORLDS: Mapping[str, Mapping[Kind, int]] = {
    "A": {"half-wave": 28},
    "B": {"half-wave": 11, "envelope": 8, "slow": 6, "gated": 3},
}
"""Drives of each kind: A is what one filter, rectified, can reach; B has what it cannot."""
SEEN = ("whisk", "setpoint", "sniff", "eye_x", "eye_y", "blink", "pupil", "lick", "groom", "run")
STRENGTHS = ("wa", "sa", "lm", "gm", "run")
LATEST = 0.5
"""Neurons follow behaviour by at most this [s]."""


@dataclass(frozen=True, eq=False)
class Drive:
    """One behavioural drive of the neurons.

    Attributes
    ----------
    kind : {"half-wave", "envelope", "slow", "gated"}
        What is made of the sources.
    delay : float
        By how much it follows the behaviour [s].
    source : str
        The source that is sure to be in it.
    trace : array (time,)
        At the rate of the sources, standardised.
    """

    kind: Kind
    delay: float
    source: str
    trace: Trace


def make_drives(world: str, sources: Sources, random: np.random.Generator) -> tuple[Drive, ...]:
    """Draw the drives of a world.

    Parameters
    ----------
    world : {"A", "B"}
        Which kinds there are.
    sources : Sources
        What the animal does.
    random : Generator
        Gives the random numbers.

    Returns
    -------
    tuple of Drive
        28 of them, kind by kind.
    """
    made = []
    for kind, count in WORLDS[world].items():
        for _ in range(count):
            delay = float(random.uniform(0, LATEST))
            trace, source = _trace(kind, sources, random)
            made.append(Drive(kind, delay, source, standardised(_later(trace, round(delay * sources.rate)))))
    return tuple(made)


def _later(trace: Trace, n: int) -> Trace:
    """Delay by some samples; the first value lasts until then."""
    return np.concatenate([np.full(n, trace[0]), trace[: len(trace) - n]])


def _trace(kind: Kind, sources: Sources, random: np.random.Generator) -> tuple[Trace, str]:
    if kind == "half-wave":
        return _half_wave(sources, random)
    if kind == "gated":
        trace, source = _half_wave(sources, random)
        arousal = standardised(memory(sources.traces["arousal"], 3, sources.rate))
        return np.asarray(trace * expit(2 * arousal)), source
    source = STRENGTHS[int(random.integers(len(STRENGTHS)))]
    strength = standardised(sources.traces[source])
    if kind == "slow":
        return memory(strength, float(random.uniform(4, 15)), sources.rate), source
    return np.maximum(memory(strength, float(random.uniform(0.1, 0.7)), sources.rate), -0.5), source


def _half_wave(sources: Sources, random: np.random.Generator) -> tuple[Trace, str]:
    """Rectify a mixture of sources after a filter of one or two time constants."""
    weights = np.where(random.random(len(SEEN)) < 0.4, random.standard_normal(len(SEEN)), 0.0)
    sure = int(random.integers(len(SEEN)))
    weights[sure] += 1
    mixed = standardised(standardised(sources.stacked(*SEEN)) @ weights)
    tau = float(random.uniform(0.05, 0.6))
    slow = memory(mixed, 3 * tau, sources.rate) if random.random() < 0.4 else 0.0
    filtered = standardised(memory(mixed, tau, sources.rate) - slow)
    return np.maximum(filtered - float(random.uniform(-0.5, 0.8)), 0.0), SEEN[sure]


def mean_in_bins(
    traces: Float64[np.ndarray, "time trace"], rate: float, bin_rate: float, n_bins: int
) -> Float64[np.ndarray, "bin trace"]:
    """Average in bins by cumulative sums; a sample that two bins share counts for each by its share.

    Parameters
    ----------
    traces : array (time, trace)
        At `rate`; sample k lasts from k / rate to (k + 1) / rate.
    rate, bin_rate : float
        Samples and bins per second.
    n_bins : int
        Number of bins; bin k begins at k / bin_rate.

    Returns
    -------
    array (bin, trace)
        Means.
    """
    summed = np.concatenate([np.zeros((1, traces.shape[1])), np.cumsum(traces, axis=0)])
    edges = np.minimum(np.arange(n_bins + 1) * (rate / bin_rate), len(traces))
    whole = np.minimum(edges.astype(np.int64), len(traces) - 1)
    at_edges = summed[whole] + (edges - whole)[:, None] * traces[whole]
    return np.asarray(np.diff(at_edges, axis=0) / np.diff(edges)[:, None])

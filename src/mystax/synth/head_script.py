"""What a rendered mouse does: whisking, sniffing, licking, blinks, gaze, pupil, chewing, grooming, posture.

All traces are functions of time: the same at any rate and for any part of the time.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from mystax.core.typing import Float64
from mystax.synth.head_parts import Expression
from mystax.synth.head_view import Pose

__all__ = ["ACTS", "HeadScript", "Traces", "express", "pose_at"]

ACTS = ("whisk", "sniff", "lick", "blink", "gaze", "pupil", "chew", "groom", "posture")
"""Everything a script can do."""
Trace = Float64[np.ndarray, " time"]
TONGUE_JAW = math.radians(16)
PIVOT = np.array([1.6, 0.0, -0.2])
"""The head turns about this place, in its own units."""
GROOM_PATH = ((-0.1, 0.22, -0.75), (0.25, 0.42, -0.2))
"""Place of the paw while it waits and at the height of a stroke (x, side, z)."""


@dataclass(frozen=True, eq=False)
class Traces:
    """What a script does at given times; angles [rad], lengths in units of the head.

    Attributes
    ----------
    times : array (time,)
        Times [s].
    whisk : array (time,)
        Forward angle of the whiskers beyond their rest.
    sniff : array (time,)
        Height of the nose beyond its rest.
    jaw, tongue, lids, pupil : array (time,)
        Opening of the jaw, how far the tongue is out, openness of the lids, angular radius of the pupil.
    gaze : array (time, 2)
        Turn of the eye, caudal and up.
    paw : array (time, 3)
        Place of the grooming paw for a camera on the left; NaN where it is not near.
    turn : array (time, 3)
        Roll, pitch and yaw of the head.
    shift : array (time, 3)
        Movement of the head.
    """

    times: Trace
    whisk: Trace
    sniff: Trace
    jaw: Trace
    tongue: Trace
    lids: Trace
    pupil: Trace
    gaze: Float64[np.ndarray, "time 2"]
    paw: Float64[np.ndarray, "time 3"]
    turn: Float64[np.ndarray, "time 3"]
    shift: Float64[np.ndarray, "time 3"]

    def at(self, k: int) -> "Traces":
        """Traces of one time."""
        return Traces(*(getattr(self, one.name)[k : k + 1] for one in fields(self)))


@dataclass(frozen=True)
class HeadScript:
    """A script of behaviour.

    Parameters
    ----------
    seed : int
        Start of the random numbers.
    acts : tuple of str, optional
        What happens, of `ACTS`; nothing for an animal that does not move.
    whisk_rate, whisk_amplitude, whisk_bouts : (float, float)
        Strokes per second; half the swing [rad]; length of the bouts [s].
    sniff_rate, sniff_shift : (float, float)
        Sniffs per second, movement of the nose [units of the head].
    lick_rate, lick_time : (float, float)
        Licks per second; how long the tongue is out [s].
    chew_rate : (float, float)
        Strokes of the jaw per second.
    blink_gap, blink_time : (float, float)
        Time between blinks and length of one [s].
    saccade : (float, float)
        Size of the eye's jumps [rad].
    pupil_radius, pupil_spread : float
        Middle and largest change of the pupil's angular radius [rad].
    posture_shift, posture_turn : float
        Slow movement of the head [units of the head], [rad].

    Examples
    --------
    >>> times = np.arange(50) / 100
    >>> bool((HeadScript(3).traces(times).whisk == HeadScript(3).traces(times).whisk).all())
    True
    """

    seed: int = 0
    acts: tuple[str, ...] = ACTS
    whisk_rate: tuple[float, float] = (5.0, 20.0)
    whisk_amplitude: tuple[float, float] = (math.radians(10), math.radians(40))
    whisk_bouts: tuple[float, float] = (0.5, 2.5)
    sniff_rate: tuple[float, float] = (4.0, 12.0)
    sniff_shift: tuple[float, float] = (0.005, 0.02)
    lick_rate: tuple[float, float] = (6.0, 8.0)
    lick_time: tuple[float, float] = (0.05, 0.08)
    chew_rate: tuple[float, float] = (4.0, 6.0)
    blink_gap: tuple[float, float] = (5.0, 30.0)
    blink_time: tuple[float, float] = (0.1, 0.3)
    saccade: tuple[float, float] = (math.radians(5), math.radians(10))
    pupil_radius: float = 0.35
    pupil_spread: float = 0.15
    posture_shift: float = 0.03
    posture_turn: float = math.radians(2.5)

    @staticmethod
    def motionless(seed: int = 0) -> "HeadScript":
        """Script of an animal that does not move at all."""
        return HeadScript(seed, acts=())

    def bouts(
        self, code: int, stop: float, slot: float, length: tuple[float, float], probability: float
    ) -> Iterator[tuple[float, float, np.random.Generator]]:
        """Give start, length and random numbers of the bouts before `stop`, at most one per slot [s]."""
        for number in range(math.ceil(max(stop, 0.0) / slot) + 1):
            generator = np.random.default_rng((self.seed, 0x5C, code, number))
            lasts = float(generator.uniform(*length))
            start = slot * number + float(generator.uniform(0, max(slot - lasts, 0.0)))
            if generator.random() < probability and start < stop:
                yield start, lasts, generator

    def waves(self, times: Trace, code: int, *rates: float) -> Trace:
        """Sum of waves [1/s] with amplitudes 1, 1/2, ... and random phases, within -1..1."""
        phases = np.random.default_rng((self.seed, 0x5D, code)).uniform(0, 2 * math.pi, len(rates))
        parts = [np.sin(2 * math.pi * rate * times + phases[k]) / (k + 1) for k, rate in enumerate(rates)]
        return np.asarray(np.sum(parts, axis=0) / sum(1 / (k + 1) for k in range(len(rates))))

    def rhythm(
        self,
        times: Trace,
        code: int,
        rate: tuple[float, float],
        size: tuple[float, float],
        probability: float,
    ) -> Trace:
        """Strokes in bouts: a wave of random rate and size in each, faded in and out."""
        total = np.zeros(len(times))
        stop = float(times.max()) if len(times) else 0.0
        for start, lasts, generator in self.bouts(code, stop, 3.0, self.whisk_bouts, probability):
            here = (times >= start) & (times <= start + lasts)
            since = times[here] - start
            swing = generator.uniform(*size) * np.sin(
                2 * math.pi * generator.uniform(*rate) * since + generator.uniform(0, 2 * math.pi)
            )
            total[here] += swing * fade(since, lasts, 0.1)
        return total

    def traces(self, times: Trace) -> Traces:
        """Return what the animal does.

        Parameters
        ----------
        times : array (time,)
            Times [s].

        Returns
        -------
        Traces
            All movements.
        """
        n, nothing = len(times), np.zeros(len(times))
        whisk, sniff, jaw = nothing.copy(), nothing.copy(), nothing.copy()
        if "whisk" in self.acts:
            whisk = self.rhythm(times, 0, self.whisk_rate, self.whisk_amplitude, 0.8)
            whisk += math.radians(12) * self.waves(times, 1, 0.13, 0.31)
        if "sniff" in self.acts:
            sniff = self.rhythm(times, 2, self.sniff_rate, self.sniff_shift, 0.8)
        if "chew" in self.acts:
            size = (math.radians(3), math.radians(8))
            jaw = np.abs(self.rhythm(times, 3, (self.chew_rate[0] / 2, self.chew_rate[1] / 2), size, 0.2))
        tongue = self.licks(times) if "lick" in self.acts else nothing.copy()
        jaw = np.maximum(jaw, TONGUE_JAW * np.minimum(tongue / 0.15, 1.0))
        slow = np.stack([self.waves(times, 20 + k, 0.05, 0.11, 0.23) for k in range(6)], axis=1)
        still = "posture" not in self.acts
        return Traces(
            times,
            whisk,
            sniff,
            jaw,
            tongue,
            self.openness(times) if "blink" in self.acts else np.ones(n),
            self.pupil_radius
            + (
                self.pupil_spread * self.waves(times, 5, 0.03, 0.07, 0.15, 0.29)
                if "pupil" in self.acts
                else 0.0
            )
            + nothing,
            self.looks(times) if "gaze" in self.acts else np.zeros((n, 2)),
            self.strokes(times) if "groom" in self.acts else np.full((n, 3), np.nan),
            np.zeros((n, 3)) if still else self.posture_turn * slow[:, :3],
            np.zeros((n, 3)) if still else self.posture_shift * slow[:, 3:],
        )

    def licks(self, times: Trace) -> Trace:
        """How far the tongue is out."""
        out = np.zeros(len(times))
        stop = float(times.max()) if len(times) else 0.0
        for start, lasts, generator in self.bouts(4, stop, 5.0, (0.5, 2.0), 0.4):
            rate, long = generator.uniform(*self.lick_rate), generator.uniform(*self.lick_time)
            for k in range(int(lasts * rate)):
                since = (times - start - k / rate) / long
                here = (since > 0) & (since < 1)
                out[here] = np.maximum(out[here], 0.4 * np.sin(math.pi * since[here]))
        return out

    def blinks(self, stop: float) -> tuple[Float64[np.ndarray, " blink"], Float64[np.ndarray, " blink"]]:
        """Return start and length of all blinks that begin before `stop` [s]."""
        generator = np.random.default_rng((self.seed, 0x5E))
        starts, lengths, now = [], [], float(generator.uniform(0, self.blink_gap[1]) / 2)
        while now < stop and "blink" in self.acts:
            starts.append(now)
            lengths.append(float(generator.uniform(*self.blink_time)))
            now += float(generator.uniform(*self.blink_gap))
        return np.array(starts, np.float64), np.array(lengths, np.float64)

    def openness(self, times: Trace) -> Trace:
        """Give the openness of the lids, 0..1: down and up as a raised cosine."""
        lids = np.ones(len(times))
        for start, long in zip(*self.blinks(float(times.max()) if len(times) else 0.0), strict=True):
            phase = np.clip((times - start) / long, 0.0, 1.0)
            lids = np.minimum(lids, 0.5 + 0.5 * np.cos(2 * math.pi * phase))
        return lids

    def looks(self, times: Trace) -> Float64[np.ndarray, "time 2"]:
        """Gaze: fixations and jumps."""
        slots = np.floor(times / 1.3).astype(int)
        gaze = np.zeros((len(times), 2))
        for slot in np.unique(np.concatenate([slots, slots - 1])):
            generator = np.random.default_rng((self.seed, 0x5F, int(slot) + 1))
            jump = 1.3 * slot + generator.uniform(0, 1.2)
            turn, size = generator.uniform(0, 2 * math.pi), generator.uniform(*self.saccade)
            weight = 1 / (1 + np.exp(-np.clip((times - jump) / 0.008, -40, 40)))
            nxt = 1 / (1 + np.exp(-np.clip((times - jump - 1.3) / 0.008, -40, 40)))
            gaze += (weight - nxt)[:, None] * size * np.array([math.cos(turn), 0.5 * math.sin(turn)])
        return gaze

    def strokes(self, times: Trace) -> Float64[np.ndarray, "time 3"]:
        """Place of a grooming paw."""
        paw = np.full((len(times), 3), np.nan)
        stop = float(times.max()) if len(times) else 0.0
        low, high = (np.array(place) for place in GROOM_PATH)
        for start, lasts, generator in self.bouts(7, stop, 8.0, (0.8, 2.5), 0.35):
            here = (times >= start) & (times <= start + lasts)
            since = times[here] - start
            lift = 0.5 - 0.5 * np.cos(2 * math.pi * generator.uniform(3, 6) * since)
            paw[here] = low + (lift * fade(since, lasts, 0.15))[:, None] * (high - low)
        return paw


def fade(since: Trace, lasts: float, ramp: float) -> Trace:
    """Rise from 0 to 1 and fall back within a bout."""
    edge = np.clip(np.minimum(since, lasts - since) / min(ramp, lasts / 2), 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(math.pi * edge))


def express(rest: Expression, traces: Traces, k: int, side: int) -> Expression:
    """Expression at one time: the animal's rest, moved by a script."""
    paw = traces.paw[k]
    whisk = float(traces.whisk[k])
    return replace(
        rest,
        whisk=rest.whisk + whisk,
        pad_shift=(rest.pad_shift[0] - 0.1 * whisk, rest.pad_shift[1] + 0.02 * whisk),
        nose_shift=(rest.nose_shift[0], rest.nose_shift[1], rest.nose_shift[2] + float(traces.sniff[k])),
        jaw=rest.jaw + float(traces.jaw[k]),
        tongue=float(traces.tongue[k]),
        lids=rest.lids * float(traces.lids[k]),
        pupil=float(traces.pupil[k]),
        gaze=(float(traces.gaze[k, 0]), float(traces.gaze[k, 1])),
        paw=(float(paw[0]), side * float(paw[1]), float(paw[2])) if np.isfinite(paw[0]) else rest.paw,
    )


def pose_at(traces: Traces, k: int, length: float) -> Pose:
    """Place of the head in the world at one time."""
    roll, pitch, yaw = traces.turn[k]
    if not traces.turn[k].any() and not traces.shift[k].any():
        return Pose.still()
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    turn = about_z @ about_y @ about_x
    return Pose(turn, (PIVOT - turn @ PIVOT + traces.shift[k]) * length)

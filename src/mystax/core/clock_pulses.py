"""Which pulse is which frame: pulses of a camera and frames of its video, where either lacks some."""

from dataclasses import dataclass

import numpy as np

from mystax.core.clock_fit import Line, fit_line
from mystax.core.clock_match import MIN_EVENTS, pair_nearest
from mystax.core.typing import Float64, Int64
from mystax.errors import ClockError

__all__ = ["PulseMatch", "match_pulses"]

MAX_INSERTED = 0.05
MAX_MATCH_RMS = 0.25
"""Largest residual of an accepted match, in intervals."""
MIN_RATIO = 3.0
PREFIX = 1024
"""Frames by which offsets are compared before the best are followed to the end."""
N_FULL = 8


@dataclass(frozen=True, eq=False)
class PulseMatch:
    """Frames of a video and the pulses that belong to them.

    Attributes
    ----------
    frame, pulse : array (pair,)
        Places in the two trains, rising.
    residual_rms : float
        What is left of a line through the pairs [s].
    ratio : float
        How many times worse the next best offset is.
    """

    frame: Int64[np.ndarray, " pair"]
    pulse: Int64[np.ndarray, " pair"]
    residual_rms: float
    ratio: float


def match_pulses(
    frames: Float64[np.ndarray, " n"], pulses: Float64[np.ndarray, " m"], *, where: str = "clock"
) -> PulseMatch:
    """Match the frames of a video to the pulses of its camera where either lacks some.

    Every offset at which the first pulse falls on one of the first frames, or the first frame on one of
    the first pulses, is followed through the recording: each frame takes the pulse within half an
    interval of its expected time.  An offset is judged by the root mean square of its residuals in
    intervals, where every frame or pulse that is left over beyond the difference of the counts stands
    for a residual of one interval.

    Parameters
    ----------
    frames : array (n,)
        Times of the frames by the video's own stamps [s], rising.
    pulses : array (m,)
        Times of the pulses, session clock [s], rising.
    where : str, optional
        Name of the clock for messages.

    Returns
    -------
    PulseMatch
        The pairs.

    Raises
    ------
    ClockError
        C202, if more than 5 % are left over, the residual is not below a quarter of an interval, or the
        next best offset is not at least three times worse.
    """
    if min(len(frames), len(pulses)) < MIN_EVENTS:
        raise ClockError(
            "C202", where, "too few to match", got=f"{len(frames)} frames and {len(pulses)} stamps"
        )
    interval = float(np.median(np.diff(frames)))
    most = int(MAX_INSERTED * len(frames)) + abs(len(frames) - len(pulses))
    starts = [(0, j) for j in range(min(most + 1, len(pulses)))]
    starts += [(i, 0) for i in range(1, min(most + 1, len(frames)))]
    starts = _most_likely(frames, pulses, starts, interval)
    found = sorted(
        (_Offset.follow(frames, pulses, start, interval) for start in starts), key=lambda way: way.score
    )
    best = found[0]
    # another start on the same pairs is not another offset
    others = [way.score for way in found[1:] if not way.is_same(best)]
    ratio = min(others, default=np.inf) / max(best.score, 1e-6)
    left_over = len(frames) + len(pulses) - 2 * len(best.frame)
    refused = ""
    if left_over > MAX_INSERTED * len(frames):
        refused = f"{left_over} frames and stamps would be left over, more than {MAX_INSERTED:.0%}"
    elif best.rms >= MAX_MATCH_RMS:
        refused = f"the residual is {best.rms:.2f} intervals, not below {MAX_MATCH_RMS}"
    elif ratio < MIN_RATIO:
        refused = f"another offset is only {ratio:.1f} times worse, not {MIN_RATIO:.0f} times"
    if refused:
        raise ClockError(
            "C202",
            where,
            f"the stamps cannot be matched to the frames: {refused}",
            got=f"{len(frames)} frames and {len(pulses)} stamps",
            hint="name the policy that is true (drop_tail, drop_head, counter:COLUMN)",
        )
    return PulseMatch(best.frame, best.pulse, best.rms * interval, float(ratio))


@dataclass(frozen=True, eq=False)
class _Offset:
    """One way to lay the pulses on the frames."""

    frame: np.ndarray
    pulse: np.ndarray
    rms: float
    score: float

    @classmethod
    def follow(
        cls, frames: np.ndarray, pulses: np.ndarray, start: tuple[int, int], interval: float
    ) -> "_Offset":
        frame, pulse = _lay(frames, pulses, start, interval)
        line = fit_line(frames[frame], pulses[pulse], interval)
        residual = (pulses[pulse] - line(frames[frame])) / interval
        rms = float(np.sqrt(np.mean(residual**2)))
        excess = len(frames) + len(pulses) - 2 * len(frame) - abs(len(frames) - len(pulses))
        return cls(frame, pulse, rms, float(np.sqrt(rms**2 + excess / len(frame))))

    def is_same(self, other: "_Offset") -> bool:
        """Tell whether most pairs are those of another way."""
        _, here, there = np.intersect1d(self.frame, other.frame, assume_unique=True, return_indices=True)
        return 2 * int((self.pulse[here] == other.pulse[there]).sum()) > len(self.frame)


def _most_likely(
    frames: np.ndarray, pulses: np.ndarray, starts: list[tuple[int, int]], interval: float
) -> list[tuple[int, int]]:
    """Keep the offsets worth following to the end: at both ends of the trains, and the best beginnings."""
    if len(starts) <= 2 * N_FULL or len(frames) <= PREFIX:
        return starts
    tail = len(pulses) - len(frames)
    at_ends = [(max(0, -k), max(0, k)) for base in (0, tail) for k in range(base - 2, base + 3)]
    span = pulses[-1] - pulses[0] - (frames[-1] - frames[0])
    by_time = int(np.argmin(np.abs(pulses[: len(starts)] - pulses[0] - span))) if span > 0 else 0
    late = int(np.argmin(np.abs(frames[: len(starts)] - frames[0] + span))) if span < 0 else 0
    at_ends += [(0, max(0, by_time + k)) for k in (-1, 0, 1)] + [(max(0, late + k), 0) for k in (-1, 0, 1)]
    early = frames[:PREFIX]
    scored = [
        (_Offset.follow(early[i:], pulses[j : j + 2 * PREFIX], (0, 0), interval).rms, (i, j))
        for i, j in starts
        if len(early) - i >= MIN_EVENTS and len(pulses) - j >= MIN_EVENTS
    ]
    scored.sort(key=lambda entry: entry[0])
    known = set(starts)
    kept = [start for start in dict.fromkeys(at_ends) if start in known]
    return list(dict.fromkeys([*kept, *(start for _, start in scored[:N_FULL])]))


def _lay(
    frames: np.ndarray, pulses: np.ndarray, start: tuple[int, int], interval: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lay pulses on frames from a pair of them on, in blocks that follow the drift of the clocks."""
    i, j = start
    lag = float(pulses[j] - frames[i])
    line = Line(float(frames[i]), float(frames[i]) + lag, 1.0)
    kept_frames: list[np.ndarray] = []
    kept_pulses: list[np.ndarray] = []
    size, done = 16, i
    while done < len(frames):
        block = frames[done : done + size]
        wanted = line(block)
        low, high = np.searchsorted(pulses, (wanted[0] - 2 * interval, wanted[-1] + 2 * interval))
        if high > low:
            frame, pulse = pair_nearest(wanted, pulses[low:high], 0.5 * interval)
            kept_frames.append(frame + done)
            kept_pulses.append(pulse + low)
            recent_frames = np.concatenate(kept_frames[-4:])[-512:]
            recent_pulses = np.concatenate(kept_pulses[-4:])[-512:]
            if len(recent_frames) >= 8:
                line = fit_line(frames[recent_frames], pulses[recent_pulses], interval)
        done += size
        size = min(2 * size, 512)
    if not kept_frames or sum(map(len, kept_frames)) == 0:
        return np.array([i], np.int64), np.array([j], np.int64)
    frame, pulse = np.concatenate(kept_frames), np.concatenate(kept_pulses)
    forward = np.concatenate([[True], np.diff(pulse) > 0])
    return frame[forward], pulse[forward]

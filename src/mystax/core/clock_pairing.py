"""Stamps of a clock file and frames of a video: which stamp belongs to which frame, and what is left over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from mystax.core.clock import Clock
from mystax.core.clock_fit import fit_line
from mystax.core.clock_match import MIN_EVENTS
from mystax.core.clock_pulses import match_pulses
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64, Int64
from mystax.errors import ClockError, ParameterError, nearest

__all__ = ["POLICIES", "PairedClock", "check_policy", "pair_stamps", "unwrap_counter"]

POLICIES = ("drop_tail", "drop_head", "counter", "match")
"""What may be done where a clock file and a video differ in count."""


@dataclass(frozen=True, eq=False)
class PairedClock:
    """Times of all frames of a video, and how they came about.

    Attributes
    ----------
    clock : Clock
        One rising time per frame; frames without a time have a filler between their neighbours.
    no_time : array (time,)
        Frames that have no time (`Reason.NO_TIME`).
    report : mapping
        JSON-able: counts, policy, stamps not used, residual and drift against the video's own stamps.
    flags : tuple of Flag
        C202 where counts differ.
    """

    clock: Clock
    no_time: Bool[np.ndarray, " time"]
    report: Mapping[str, object]
    flags: tuple[Flag, ...] = field(default=())


class _Residual(NamedTuple):
    """What a line through frames and stamps leaves [s], and the relative drift of the clocks."""

    rms: float
    largest: float
    drift: float

    def as_dict(self) -> dict[str, object]:
        return {
            "residual_rms": self.rms,
            "residual_max": self.largest,
            "drift_ppm": self.drift * 1e6,
            "drift_per_hour": self.drift * 3600,
        }


def check_policy(policy: str | None) -> tuple[str, str]:
    """Split a policy into its name and the column of `counter:COLUMN`.

    Parameters
    ----------
    policy : str or None
        Text of `--clock-policy`.

    Returns
    -------
    tuple of str
        Name ("" for none) and column.

    Raises
    ------
    ParameterError
        P401, if there is no such policy, or its column is missing.
    """
    name, _, column = (policy or "").partition(":")
    if name and (name not in POLICIES or bool(column) != (name == "counter")):
        what = f"there is no such policy{nearest(name, POLICIES)}"
        if name in POLICIES:
            what = "the column is missing" if name == "counter" else f"nothing can follow {name}"
        raise ParameterError(
            "P401",
            f"clock policy {policy!r}",
            what,
            expected="drop_tail, drop_head, counter:COLUMN or match",
            got=str(policy),
        )
    return name, column


def pair_stamps(
    stamps: Clock,
    n_frames: int,
    video: Clock | None = None,
    policy: str | None = None,
    counter: Int64[np.ndarray, " row"] | None = None,
    kept: Bool[np.ndarray, " stamp_row"] | None = None,
) -> PairedClock:
    """Give every frame of a video its stamp.

    Parameters
    ----------
    stamps : Clock
        The stamps of the clock file.
    n_frames : int
        Number of frames.
    video : Clock, optional
        The video's own times, to judge residuals and to match intervals.
    policy : str, optional
        What to do where counts differ: ``drop_tail``, ``drop_head``, ``counter:COLUMN`` or ``match``.
    counter : array (row,), optional
        For the policy `counter`: the camera's counter of triggers, one row per frame.
    kept : array (stamp_row,), optional
        Which rows of the clock file have a stamp, where stamps that repeat the one before were dropped:
        the others keep their place, and frames that belong to them have no time.

    Returns
    -------
    PairedClock
        Times, frames without time, report.

    Raises
    ------
    ClockError
        C202, if counts differ and no policy is named, or if the policy cannot bring them together.
    ParameterError
        P401, if there is no such policy.
    """
    name, _ = check_policy(policy)
    if name == "counter":
        frames, used = _by_counter(stamps, n_frames, counter, kept)
    elif kept is not None and len(kept) == n_frames:
        frames, used = np.flatnonzero(kept).astype(np.int64), np.arange(stamps.n, dtype=np.int64)
    elif stamps.n == n_frames:
        frames = used = np.arange(n_frames, dtype=np.int64)
    elif name == "match":
        if video is None:
            raise ClockError(
                "C202", stamps.source, "the video has no stamps of its own to match", hint="name a policy"
            )
        found = match_pulses(video.seconds, stamps.seconds, where=stamps.source)
        frames, used = found.frame, found.pulse
    elif name in ("drop_tail", "drop_head"):
        frames, used = _cut(stamps.n, n_frames, name)
    else:
        raise _differ(stamps, n_frames, video)
    no_time = np.ones(n_frames, bool)
    no_time[frames] = False
    n_lost = int(no_time.sum())
    n_inside = int(used[-1] - used[0] + 1 - len(used)) if len(used) else 0
    unused = {
        "head": int(used[0]) if len(used) else stamps.n,
        "inside": n_inside,
        "tail": int(stamps.n - 1 - used[-1]) if len(used) else 0,
    }
    report: dict[str, object] = {
        "source": stamps.source,
        "policy": policy or "",
        "n_frames": n_frames,
        "n_stamps": stamps.n,
        "unused_stamps": unused,
        "frames_without_time": n_lost,
    }
    if video is not None and len(frames) > 1:
        report |= _residual(video.seconds[frames], stamps.seconds[used]).as_dict()
    flags: tuple[Flag, ...] = ()
    if sum(unused.values()) or n_lost:
        how = f"policy {policy}" if policy else "stamps that repeat the one before are dropped"
        text = f"{n_frames} frames and {stamps.n} stamps: {how}; "
        text += f"{sum(unused.values())} stamps unused, {n_lost} frames without time"
        flags = (Flag.about("C202", text, np.flatnonzero(no_time).tolist()),)
    return PairedClock(_spread(stamps, frames, used, n_frames), no_time, report, flags)


def _cut(n_stamps: int, n_frames: int, policy: str) -> tuple[np.ndarray, np.ndarray]:
    """Pair from one end."""
    common = np.arange(min(n_stamps, n_frames), dtype=np.int64)
    if policy == "drop_tail":
        return common, common
    return common + n_frames - len(common), common + n_stamps - len(common)


def _by_counter(
    stamps: Clock,
    n_frames: int,
    counter: Int64[np.ndarray, " row"] | None,
    kept: Bool[np.ndarray, " stamp_row"] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Pair by the camera's own count of triggers."""
    if counter is None or len(counter) != n_frames:
        raise ClockError(
            "C202",
            stamps.source,
            "the counter does not belong to the frames",
            expected=f"{n_frames} rows, one per frame",
            got="no counter" if counter is None else f"{len(counter)} rows",
        )
    if n_frames == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = unwrap_counter(counter, stamps.source)
    place = place - place[0]
    there = np.ones(stamps.n, bool) if kept is None else kept
    if len(there) == n_frames and int(place[-1]) >= n_frames:
        raise ClockError(
            "C202",
            stamps.source,
            "there are as many stamps as frames, but the counter names more triggers",
            expected=f"a stamp of each of {int(place[-1]) + 1} triggers",
            got=f"{n_frames} stamps",
            hint="stamps that are one for each frame need no policy",
        )
    frames = np.flatnonzero(place < len(there)).astype(np.int64)
    frames = frames[there[place[frames]]]
    return frames, (np.cumsum(there) - 1)[place[frames]]


def unwrap_counter(counter: Int64[np.ndarray, " row"], where: str = "counter") -> Int64[np.ndarray, " row"]:
    """Make a counter of 8, 16 or 32 bits rise beyond its largest value.

    Parameters
    ----------
    counter : array (row,)
        Counts as the camera gave them.
    where : str, optional
        Name of the file for messages.

    Returns
    -------
    array (row,)
        Rising counts.

    Raises
    ------
    ClockError
        C206, if the counts do not rise, also not as a counter of 8, 16 or 32 bits.

    Examples
    --------
    >>> unwrap_counter(np.array([254, 255, 0, 2])).tolist()
    [254, 255, 256, 258]
    """
    # compared, not subtracted: differences of any two whole numbers of 64 bits do not fit into one
    falls = np.flatnonzero(counter[1:] <= counter[:-1])
    if len(counter) < 2 or (not len(falls) and int(counter[-1]) - int(counter[0]) < 2**62):
        return counter
    for bits in (8, 16, 32):
        size = 2**bits
        if counter.min() >= 0 and counter.max() < size:
            steps = np.diff(counter) % size
            # a step over half the range would be a step back
            if np.all(steps > 0) and np.all(steps < size // 2):
                return np.concatenate([counter[:1], counter[0] + np.cumsum(steps)]).astype(np.int64)
    row = int(falls[0]) + 1 if len(falls) else len(counter) - 1
    raise ClockError(
        "C206",
        where,
        "the counter does not rise",
        expected="rising counts, or a counter of 8, 16 or 32 bits",
        got=f"{int(counter[row - 1])} then {int(counter[row])} at row {row}",
    )


def _residual(frames: Float64[np.ndarray, " n"], stamps: Float64[np.ndarray, " n"]) -> _Residual:
    interval = float(np.median(np.diff(frames)))
    line = fit_line(frames, stamps, interval)
    rest = stamps - line(frames)
    return _Residual(float(np.sqrt(np.mean(rest**2))), float(np.abs(rest).max()), line.rate - 1.0)


def _differ(stamps: Clock, n_frames: int, video: Clock | None) -> ClockError:
    """Say what each simple policy would leave, and suggest one where they can be told apart."""
    text, hint = "", "say which is true by --clock-policy (drop_tail, drop_head, counter:COLUMN, match)"
    if video is not None and min(n_frames, stamps.n) >= MIN_EVENTS:
        left = {}
        for policy in ("drop_tail", "drop_head"):
            frames, used = _cut(stamps.n, n_frames, policy)
            left[policy] = _residual(video.seconds[frames], stamps.seconds[used]).rms
        text = ", ".join(f"{policy} would leave {rms * 1e3:.3g} ms" for policy, rms in left.items())
        better, worse = sorted(left, key=lambda policy: left[policy])
        if left[worse] > 3 * left[better]:
            hint = f"{better} fits better: --clock-policy {better}, if it is true"
        else:
            hint = f"the intervals do not tell the ends apart; {hint}"
    return ClockError(
        "C202",
        stamps.source,
        "the clock file and the video differ in count" + (f"; {text} (rms)" if text else ""),
        expected=f"{n_frames} stamps, one per frame",
        got=str(stamps.n),
        hint=hint,
    )


def _spread(stamps: Clock, frames: np.ndarray, used: np.ndarray, n_frames: int) -> Clock:
    """Return the clock of all frames; those without a stamp get fillers that keep it rising."""
    if len(used) == n_frames == stamps.n:
        return stamps
    if len(used) == 0:
        raise ClockError("C202", stamps.source, "no frame gets a time")
    known = stamps.ticks[used]
    if len(used) == n_frames:
        return Clock(known, stamps.tick, stamps.start, stamps.source)
    base = int(known[0])
    start = stamps.start + base * stamps.tick
    tick, known = stamps.tick, known - base
    usual = float(np.median(np.diff(known) / np.diff(frames))) if len(known) > 1 else 1.0
    places = np.arange(n_frames)
    for _ in range(2):
        before, after = np.minimum(places - frames[0], 0), np.maximum(places - frames[-1], 0)
        ticks = np.rint(np.interp(places, frames, known) + usual * (before + after)).astype(np.int64)
        ticks[frames] = known
        if np.all(np.diff(ticks) > 0):
            break
        # ticks too coarse for fillers between neighbours
        tick, known, usual = Fraction(tick, 1000), known * 1000, usual * 1000
    return Clock(ticks, tick, start, stamps.source)

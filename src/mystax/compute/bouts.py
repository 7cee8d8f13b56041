"""Bouts of states: when each begins and ends, how long it dwells, which comes next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float64, Int64

__all__ = [
    "Bouts",
    "StateNumbers",
    "Trials",
    "chains",
    "find_bouts",
    "merge_short",
    "state_numbers",
    "transition_counts",
    "trial_numbers",
]

N_SHUFFLES = 2_000
SWAPS, MOST_SWAPS = 4, 50_000
"""Swaps of two bouts between a shuffle and the next: so many per bout, and at most."""
MOST_SETTLING = 100
"""Shuffles until equal states that a first random order brought together must have parted."""


@dataclass(frozen=True, eq=False)
class Bouts:
    """Runs of equal labels.

    Attributes
    ----------
    first, last : array (bout,)
        First frame, and the frame after the last.
    label : array (bout,)
        State.
    start, stop : array (bout,)
        Times [s]; a bout lasts until the next frame would come.
    complete : array (bout,)
        Whether neither end is cut by a gap, missing frames or the edge of the recording.
    """

    first: Int64[np.ndarray, " bout"]
    last: Int64[np.ndarray, " bout"]
    label: Int64[np.ndarray, " bout"]
    start: Float64[np.ndarray, " bout"]
    stop: Float64[np.ndarray, " bout"]
    complete: Bool[np.ndarray, " bout"]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def duration(self) -> Float64[np.ndarray, " bout"]:
        """Length of each bout [s]."""
        return np.asarray(self.stop - self.start)


def frame_ends(
    times: Float64[np.ndarray, " time"], is_start: Bool[np.ndarray, " time"]
) -> Float64[np.ndarray, " time"]:
    """Return when each frame ends: at the next one, or one median step later where a segment ends."""
    n = len(times)
    if n == 0:
        return times.copy()
    step = np.diff(times)
    inside = step[~is_start[1:]]
    usual = float(np.median(inside)) if len(inside) else (float(np.median(step)) if len(step) else 0.0)
    ends = np.append(times[1:], times[-1] + usual)
    cut = np.append(is_start[1:], True)
    ends[cut] = times[cut] + usual
    return ends


def find_bouts(
    label: Int64[np.ndarray, " time"],
    times: Float64[np.ndarray, " time"],
    is_start: Bool[np.ndarray, " time"] | None = None,
) -> Bouts:
    """Cut labels into bouts.

    Parameters
    ----------
    label : array (time,)
        State of each frame; negative: missing.
    times : array (time,)
        Times [s].
    is_start : array (time,), optional
        Where segments start; no bout goes across.

    Returns
    -------
    Bouts
        Without the missing stretches.

    Examples
    --------
    >>> found = find_bouts(np.array([1, 1, 2, 2, 2, 1]), np.arange(6) / 10)
    >>> found.label.tolist(), found.complete.tolist()
    ([1, 2, 1], [False, True, False])
    """
    n = len(label)
    starts = np.zeros(n, bool) if is_start is None else np.asarray(is_start, bool).copy()
    if n == 0:
        empty = np.zeros(0, np.int64)
        return Bouts(empty, empty, empty, np.zeros(0), np.zeros(0), np.zeros(0, bool))
    starts[0] = True
    change = starts.copy()
    change[1:] |= label[1:] != label[:-1]
    first = np.flatnonzero(change)
    last = np.append(first[1:], n)
    found = label[first]
    begins_clean = ~starts[first] & (np.append(-1, found[:-1]) >= 0)
    ends_clean = np.append(~starts[first[1:]], False) & (np.append(found[1:], -1) >= 0)
    ends = frame_ends(times, starts)
    keep = found >= 0
    return Bouts(
        first[keep],
        last[keep],
        found[keep].astype(np.int64),
        times[first[keep]],
        ends[last[keep] - 1],
        (begins_clean & ends_clean)[keep],
    )


def merge_short(
    label: Int64[np.ndarray, " time"],
    posterior: Float64[np.ndarray, "time state"],
    times: Float64[np.ndarray, " time"],
    is_start: Bool[np.ndarray, " time"],
    shortest: float,
) -> Int64[np.ndarray, " time"]:
    """Give bouts shorter than `shortest` to the neighbour that is more probable there, shortest bout first.

    Parameters
    ----------
    label : array (time,)
        States from 0; -1 missing.
    posterior : array (time, state)
        Probabilities.
    times : array (time,)
        Times [s].
    is_start : array (time,)
        Where segments start.
    shortest : float
        Shortest bout that stays [s].

    Returns
    -------
    array (time,)
        New labels; a bout without neighbours stays.
    """
    label = label.copy()
    while True:
        bouts = find_bouts(label, times, is_start)
        done = True
        for k in np.argsort(bouts.duration, kind="stable").tolist():
            if bouts.duration[k] >= shortest * (1 - 1e-9):
                break
            a, b = int(bouts.first[k]), int(bouts.last[k])
            sides = []
            if a > 0 and not is_start[a] and label[a - 1] >= 0:
                sides.append(int(label[a - 1]))
            if b < len(label) and not is_start[b] and label[b] >= 0:
                sides.append(int(label[b]))
            if sides:
                label[a:b] = max(sides, key=lambda state: float(posterior[a:b, state].sum()))
                done = False
                break
        if done:
            return label


def transition_counts(
    label: Int64[np.ndarray, " time"], is_start: Bool[np.ndarray, " time"], n_states: int
) -> Int64[np.ndarray, "state next"]:
    """Count moves between neighbouring frames, those that stay included; none across segments or holes."""
    counts = np.zeros((n_states, n_states), np.int64)
    good = ~is_start[1:] & (label[1:] >= 0) & (label[:-1] >= 0)
    np.add.at(counts, (label[:-1][good], label[1:][good]), 1)
    return counts


@dataclass(frozen=True, eq=False)
class StateNumbers:
    """Numbers of each state of one recording.

    Attributes
    ----------
    time : array (state,)
        Time spent [s].
    occupancy : array (state,)
        Share of the observed time.
    n_bouts : array (state,)
        Bouts, cut ones included.
    bout_rate : array (state,)
        Bouts per minute of observed time.
    dwell_mean, dwell_median, dwell_cv, dwell_longest : array (state,)
        Of complete bouts [s]; NaN without any.
    latency : array (state,)
        Start of the first bout after the start of the recording [s]; NaN without any.
    """

    time: Float64[np.ndarray, " state"]
    occupancy: Float64[np.ndarray, " state"]
    n_bouts: Int64[np.ndarray, " state"]
    bout_rate: Float64[np.ndarray, " state"]
    dwell_mean: Float64[np.ndarray, " state"]
    dwell_median: Float64[np.ndarray, " state"]
    dwell_cv: Float64[np.ndarray, " state"]
    dwell_longest: Float64[np.ndarray, " state"]
    latency: Float64[np.ndarray, " state"]


@dataclass(frozen=True, eq=False)
class Trials:
    """States around events.

    Attributes
    ----------
    share : array (trial, state)
        Share of the observed time of the trial.
    time : array (trial, state)
        Time in the state [s].
    n_onsets : array (trial, state)
        Bouts that begin in the trial.
    latency : array (trial, state)
        From the event to the first onset at or after it [s]; NaN if there is none in the trial.
    """

    share: Float64[np.ndarray, "trial state"]
    time: Float64[np.ndarray, "trial state"]
    n_onsets: Int64[np.ndarray, "trial state"]
    latency: Float64[np.ndarray, "trial state"]


def state_numbers(bouts: Bouts, n_states: int, begin: float) -> StateNumbers:
    """Count and measure the bouts of each state.

    Parameters
    ----------
    bouts : Bouts
        Of one recording.
    n_states : int
        Number of states.
    begin : float
        Time at which the recording begins [s].

    Returns
    -------
    StateNumbers
        A state without bouts has occupancy 0 and NaN dwell.
    """
    duration = bouts.duration
    time = np.bincount(bouts.label, duration, n_states)
    total = float(duration.sum())
    n_bouts = np.bincount(bouts.label, minlength=n_states)
    numbers = {name: np.full(n_states, np.nan) for name in ("mean", "median", "cv", "longest", "latency")}
    for k in range(n_states):
        mine = bouts.label == k
        if mine.any():
            numbers["latency"][k] = float(bouts.start[mine].min()) - begin
        whole = duration[mine & bouts.complete]
        if len(whole):
            numbers["mean"][k], numbers["median"][k] = whole.mean(), np.median(whole)
            numbers["longest"][k] = whole.max()
        if len(whole) > 1 and whole.mean() > 0:
            numbers["cv"][k] = whole.std(ddof=1) / whole.mean()
    return StateNumbers(
        time,
        time / total if total > 0 else np.zeros(n_states),
        n_bouts.astype(np.int64),
        n_bouts / (total / 60) if total > 0 else np.zeros(n_states),
        numbers["mean"],
        numbers["median"],
        numbers["cv"],
        numbers["longest"],
        numbers["latency"],
    )


def trial_numbers(
    label: Int64[np.ndarray, " bout"],
    start: Float64[np.ndarray, " bout"],
    stop: Float64[np.ndarray, " bout"],
    events: Sequence[float],
    n_states: int,
    reach: tuple[float, float],
) -> Trials:
    """Measure the states around events.

    Parameters
    ----------
    label : array (bout,)
        State of each bout, from 0.
    start, stop : array (bout,)
        Its times [s].
    events : sequence of float
        Times of the events [s].
    n_states : int
        Number of states.
    reach : tuple of float
        How far a trial reaches before and after its event [s].

    Returns
    -------
    Trials
        A trial of which nothing was observed has shares and latencies of NaN.
    """
    shape = (len(events), n_states)
    time, onsets, latency = np.zeros(shape), np.zeros(shape, np.int64), np.full(shape, np.nan)
    for row, event in enumerate(events):
        begin, end = event - reach[0], event + reach[1]
        inside = np.clip(np.minimum(stop, end) - np.maximum(start, begin), 0, None)
        time[row] = np.bincount(label, inside, n_states)
        onsets[row] = np.bincount(label[(start >= begin) & (start < end)], minlength=n_states)
        for state in range(n_states):
            later = start[(label == state) & (start >= event) & (start < end)]
            if len(later):
                latency[row, state] = later.min() - event
    total = time.sum(1, keepdims=True)
    share = np.where(total > 0, time / np.where(total > 0, total, 1), np.nan)
    return Trials(share, time, onsets, latency)


def entropy_rate(
    transitions: Float64[np.ndarray, "state next"], share: Float64[np.ndarray, " state"]
) -> float:
    """Return how uncertain the next frame's state is, given this one's [bit per frame]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(transitions > 0, -transitions * np.log2(transitions), 0).sum(1)
    return float(share @ terms)


def chains(
    bouts: Bouts, is_joined: Bool[np.ndarray, " bout"], most: int = 10
) -> list[tuple[tuple[int, int, int], int, float, float]]:
    """List the commonest chains of three states, against shuffles of the order of bouts.

    Parameters
    ----------
    bouts : Bouts
        Of one recording.
    is_joined : array (bout,)
        Whether a bout follows the one before it without a hole.
    most : int, optional
        Longest list.

    Returns
    -------
    list of (chain, count, expected, p)
        `expected` is the mean of 2,000 shuffles (fixed generator) in which no state follows itself, as none
        does in bouts; `p` the share of shuffles with at least as many.

    Notes
    -----
    Of the orders that are possible each is as probable as any other: one is made of the one before by
    swapping bouts at random, where that brings no equal states together.  Where there is only one order, as
    of two states, the expected counts are those found, and `p` is 1.
    """
    label = bouts.label
    if len(label) < 3:
        return []
    inside = np.asarray(is_joined[1:-1] & is_joined[2:])
    n = int(label.max()) + 1

    def counted(order: Int64[np.ndarray, " bout"]) -> Int64[np.ndarray, " chain"]:
        code = (order[:-2] * n + order[1:-1]) * n + order[2:]
        good = inside & (order[:-2] != order[1:-1]) & (order[1:-1] != order[2:])
        return np.bincount(code[good], minlength=n**3)

    observed = counted(label)
    top = np.argsort(-observed, kind="stable")[:most]
    top = top[observed[top] > 1]
    generator = np.random.default_rng(0xC4A1)
    total, above = np.zeros(len(top)), np.zeros(len(top))
    shuffles = _shuffles(label.astype(np.int64), is_joined, generator)
    for _ in range(N_SHUFFLES if len(top) else 0):
        found = counted(next(shuffles))[top]
        total += found
        above += found >= observed[top]
    return [
        (
            (int(code) // n**2, int(code) // n % n, int(code) % n),
            int(observed[code]),
            float(total[j] / N_SHUFFLES),
            float((above[j] + 1) / (N_SHUFFLES + 1)),
        )
        for j, code in enumerate(top.tolist())
    ]


def _shuffles(
    label: Int64[np.ndarray, " bout"], is_joined: Bool[np.ndarray, " bout"], generator: np.random.Generator
) -> Iterator[Int64[np.ndarray, " bout"]]:
    """Yield orders of bouts in which no state follows itself without a hole."""
    from mystax.compute.kernels.chains import swap_bouts

    n = len(label)
    size = (min(SWAPS * n, MOST_SWAPS), 2)

    def swapped(order: Int64[np.ndarray, " bout"]) -> int:
        return int(swap_bouts(order, is_joined, generator.integers(n, size=size)))

    # an order that repeats itself, such as 1 2 3 1 2 3, allows no swap: begin from a random one
    order = generator.permutation(label)
    if not any(swapped(order) == 0 for _ in range(MOST_SETTLING)):
        order = label.copy()
    while True:
        swapped(order)
        yield order

"""What a claim is: sides that do the same job, a check of their outputs, and goals for their ratios."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.measure import Row

__all__ = [
    "MAX_SPREAD",
    "OURS",
    "QUANTITIES",
    "Claim",
    "Goal",
    "Ratio",
    "State",
    "Verdict",
    "judge",
    "ratio_of",
    "spread",
]

State = Literal["passed", "failed", "invalid", "not measured"]
Quantity = Literal["cpu", "wall", "rss"]

MAX_SPREAD = 1.5
"""Largest CPU time over smallest of one side; above it the machine was too busy to say anything."""

MAX_LOAD, IDLE_LOAD = 2.0, 0.5
"""Waiting processes per core above which nothing is decided, and below which wall time decides."""

OURS = "mystax"

QUANTITIES: tuple[Quantity, ...] = ("cpu", "wall", "rss")
ORDER: tuple[State, ...] = ("failed", "invalid", "not measured", "passed")


@dataclass(frozen=True)
class Goal:
    """A bound on one ratio.

    Attributes
    ----------
    quantity : {"cpu", "wall", "rss"}
        What is compared.
    other : str
        ``"peer"``: the ratio is peer / mystax, and must be at least `bound`.  ``"floor"``: mystax / floor,
        at most `bound`.  ``"self"``: mystax alone, in seconds or MiB, at most `bound`.
    bound : float
        The limit.
    """

    quantity: Quantity
    other: Literal["peer", "floor", "self"]
    bound: float

    @property
    def text(self) -> str:
        """The goal in words."""
        if self.other == "self":
            return f"{self.quantity} <= {self.bound:g} {'MiB' if self.quantity == 'rss' else 's'}"
        return f"{self.quantity} {'>=' if self.other == 'peer' else '<='} {self.bound:g} x {self.other}"


@dataclass(frozen=True)
class Claim:
    """One claim of speed, with the correctness check that stands beside it.

    Attributes
    ----------
    name : str
        As on the command line.
    title : str
        The job in words.
    module : str
        Where its functions are.
    sets : tuple of str
        ``quick``, ``full``, ``scaling``: where it is part of; ``full`` holds ``quick``.
    sides : mapping of str to str
        Name -> function of `module`; ``mystax`` first, ``floor``, a variant of mystax, or ``peer`` where the
        peer is a library of this environment.
    peer : tuple of str, optional
        Name of the peer that has an environment of its own, and of the task of its runner.
    prepare : str
        Function that makes the inputs and returns the job; ``""`` for an empty job.
    check : str
        Function of the job and the last values of each side; returns ``{"ok": bool, ...}``.
    goals : tuple of Goal
        What must hold.
    basis : {"process", "work"}
        Whether whole processes are compared, or the work inside them (for per-frame costs).
    arguments : mapping
        Given to all functions as part of the job.
    """

    name: str
    title: str
    module: str
    sets: tuple[str, ...]
    sides: Mapping[str, str]
    goals: tuple[Goal, ...]
    peer: tuple[str, str] | None = None
    prepare: str = "prepare"
    check: str = "check"
    basis: Literal["process", "work"] = "process"
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ratio:
    """Median of the ratios of the repetitions, with the smallest and the largest."""

    median: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return plain values."""
        return {"median": round(self.median, 4), "min": round(self.low, 4), "max": round(self.high, 4)}


@dataclass(frozen=True)
class Verdict:
    """What came of one goal."""

    goal: Goal
    state: State
    value: float | None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        value = None if self.value is None else round(self.value, 4)
        return {"goal": self.goal.text, "state": self.state, "value": value, "why": self.why}


def _value(row: Row, quantity: str, basis: str) -> float:
    if quantity == "rss":
        return row.rss_mib
    if quantity == "cpu":
        return row.work_cpu_s if basis == "work" else row.cpu_s
    return row.work_wall_s if basis == "work" else row.wall_s


def _per_item(row: Row, quantity: str, basis: str) -> float:
    """Return time per item, so that sides may do different amounts; memory is not divided."""
    value = _value(row, quantity, basis)
    return value if quantity == "rss" else value / max(1, row.n)


def _best(rows: Sequence[Row], sides: Sequence[str], rep: int, quantity: str, basis: str) -> float | None:
    found = [_per_item(row, quantity, basis) for row in rows if row.side in sides and row.rep == rep]
    return min(found, default=None)


def ratio_of(
    rows: Sequence[Row],
    upper: Sequence[str],
    lower: Sequence[str],
    quantity: Quantity,
    basis: str = "process",
) -> Ratio | None:
    """Compare two sides, repetition by repetition.

    Parameters
    ----------
    rows : sequence of Row
        All rows of a claim.
    upper, lower : sequence of str
        Names of sides; of several the better counts in each repetition.
    quantity : {"cpu", "wall", "rss"}
        What is compared.
    basis : {"process", "work"}, optional
        Whole processes or the work inside.

    Returns
    -------
    Ratio or None
        None where the two sides share no counted repetition.
    """
    ratios = []
    for rep in sorted({row.rep for row in rows if row.rep > 0}):
        above, below = _best(rows, upper, rep, quantity, basis), _best(rows, lower, rep, quantity, basis)
        if above is not None and below is not None and below > 0:
            ratios.append(above / below)
    if not ratios:
        return None
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def spread(rows: Sequence[Row], side: str, basis: str = "process") -> float:
    """Return the largest over the smallest CPU time of one side, warm-up left out; 1 without rows."""
    times = [_value(row, "cpu", basis) for row in rows if row.side == side and row.rep > 0]
    return max(times) / min(times) if times and min(times) > 0 else 1.0


def judge(
    claim: Claim, rows: Sequence[Row], check: Mapping[str, Any], *, cores: int, idle_load: float
) -> tuple[State, list[Verdict]]:
    """Decide a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    rows : sequence of Row
        Its measurements.
    check : mapping
        Outcome of its check: ``ok`` and numbers.
    cores : int
        Of this machine.
    idle_load : float
        One-minute load before anything was started.

    Returns
    -------
    str
        State of the claim: the worst of its goals that were measured; ``failed`` if the check failed.
    list of Verdict
        One for each goal.
    """
    verdicts = [_judge_goal(claim, goal, rows, cores, idle_load) for goal in claim.goals]
    if not rows:
        return "not measured", verdicts
    if not check.get("ok", False):
        return "failed", verdicts
    states = [verdict.state for verdict in verdicts]
    measured = [state for state in states if state != "not measured"]
    if states and not measured:
        return "not measured", verdicts
    return min(measured, key=ORDER.index, default="passed"), verdicts


def _judge_goal(claim: Claim, goal: Goal, rows: Sequence[Row], cores: int, idle_load: float) -> Verdict:
    peers = sorted({row.side for row in rows if row.side.startswith("peer")})
    names: tuple[list[str], list[str]] = {
        "peer": (peers, [OURS]),
        "floor": ([OURS], ["floor"]),
        "self": ([OURS], [OURS]),
    }[goal.other]
    if goal.other == "self":
        own = [_value(row, goal.quantity, claim.basis) for row in rows if row.side == OURS and row.rep > 0]
        value = statistics.median(own) if own else None
    else:
        ratio = ratio_of(rows, *names, goal.quantity, claim.basis)
        value = None if ratio is None else ratio.median
    if value is None:
        return Verdict(goal, "not measured", None, f"no {goal.other} on this machine")
    reached = value >= goal.bound if goal.other == "peer" else value <= goal.bound
    if goal.quantity == "rss":
        return Verdict(goal, "passed" if reached else "failed", value)
    why = _unfit(claim, goal, [row for row in rows if row.side in names[0] + names[1]], cores, idle_load)
    if why:
        return Verdict(goal, "invalid", value, why)
    return Verdict(goal, "passed" if reached else "failed", value)


def _unfit(claim: Claim, goal: Goal, rows: Sequence[Row], cores: int, idle_load: float) -> str:
    """Say why times taken here cannot decide a goal; empty if they can."""
    for side in sorted({row.side for row in rows}):
        if (found := spread(rows, side, claim.basis)) > MAX_SPREAD:
            return f"CPU of {side} varies {found:.2f} x"
    load = max((row.load_before for row in rows if row.rep > 0), default=0.0)
    if load > MAX_LOAD * cores:
        return f"load {load:.1f} on {cores} cores"
    if goal.quantity == "wall" and idle_load >= IDLE_LOAD * cores:
        return f"load {idle_load:.1f} on {cores} cores before the run: wall time decides nothing"
    return ""

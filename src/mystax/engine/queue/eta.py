"""When a queue will be done: work that is left, by the speed of attempts that are through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["Backlog", "Eta", "estimate_end"]

LAST = 20
"""Attempts that a speed is taken from."""

ENOUGH = 0.05
"""Share of a running job from which its own speed says something."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Open jobs of one kind: what is left, and how fast such jobs have been.

    Attributes
    ----------
    left : float
        Work of all open jobs of the kind, less what is done of them.
    speeds : sequence of float
        Work per second of the attempts that are through, the latest first.
    running : sequence of tuple
        Share done, work done and seconds so far of jobs that run.
    longest : float
        Work of the longest job that has not begun.
    """

    left: float
    speeds: Sequence[float] = ()
    running: Sequence[tuple[float, float, float]] = ()
    longest: float = 0.0

    def rates(self) -> list[float]:
        """Return the speeds that can be used: the last 20, else those of running jobs."""
        past = [speed for speed in self.speeds if speed > 0][:LAST]
        if past:
            return past
        return [work / seconds for share, work, seconds in self.running if share >= ENOUGH and seconds > 0]


@dataclass(frozen=True, slots=True)
class Eta:
    """Seconds that are left: the middle, and the range from the 20 % to the 80 % of the speeds."""

    seconds: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return the JSON object."""
        return {"seconds": self.seconds, "low": self.low, "high": self.high}


def estimate_end(backlogs: Mapping[str, Backlog], slots: int) -> Eta | None:
    """Estimate how long a queue will take.

    Parameters
    ----------
    backlogs : mapping of str to Backlog
        Kind of jobs to what is left of them.
    slots : int
        Jobs that run side by side.

    Returns
    -------
    Eta or None
        None as long as one of the kinds has shown no speed.

    Examples
    --------
    >>> estimate_end({"pass": Backlog(left=600.0, speeds=[10.0, 10.0])}, slots=2).seconds
    30.0
    """
    low = middle = high = longest = 0.0
    for backlog in backlogs.values():
        if backlog.left <= 0:
            continue
        rates = backlog.rates()
        if not rates:
            return None
        slow, fast = (rates[0], rates[0])
        if len(rates) > 1:
            cuts = quantiles(rates, n=5, method="inclusive")
            slow, fast = cuts[0], cuts[-1]
        usual = median(rates)
        low, middle, high = (
            low + backlog.left / fast,
            middle + backlog.left / usual,
            high + backlog.left / slow,
        )
        longest = max(longest, backlog.longest / usual)
    n = max(1, slots)
    # However many slots there are, the longest job has to be gone through by one.
    return Eta(max(middle / n, longest), low / n, max(high / n, longest))

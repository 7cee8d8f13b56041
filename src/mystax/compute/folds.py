"""Folds of contiguous blocks with a gap: no bin is predicted from its neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.compute.estimator import Estimator
from mystax.compute.explained import DRAWS, block_draws
from mystax.core.typing import Bool, Float64, Int64
from mystax.errors import NumbersError

__all__ = ["BlockFolds", "FoldPlan", "published_split"]

SHARE, SHORTEST, LONGEST = 20, 15.0, 60.0
"""A block is a twentieth of the recording, within these limits [s]."""
SEGMENTS, TRAINED, SKIPPED = 10, 0.75, 3
"""Of each of ten segments the first three quarters train; three bins are skipped; the rest is tested."""


@dataclass(frozen=True)
class FoldPlan:
    """Which bins train and test in each fold.

    Attributes
    ----------
    times : array (time,)
        Centres of the bins [s].
    usable : array (time,)
        Bins that may be used at all.
    block : array (time,)
        Number of the block of each bin.
    first, last : array (block,)
        Times of the edges of the blocks [s].
    n_folds : int
        Number of folds; block b belongs to fold b mod n_folds.
    gap : float
        Time left out on both sides of every test block [s].
    tested : array (block,), optional
        Blocks that are tested, where some only train; by default all.
    """

    times: Float64[np.ndarray, " time"]
    usable: Bool[np.ndarray, " time"]
    block: Int64[np.ndarray, " time"]
    first: Float64[np.ndarray, " block"]
    last: Float64[np.ndarray, " block"]
    n_folds: int
    gap: float
    tested: Bool[np.ndarray, " block"] | None = None

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.first)

    @property
    def fold(self) -> Int64[np.ndarray, " time"]:
        """Outer fold of each bin; -1 where it is never tested."""
        return np.asarray(self.block_fold[self.block])

    @property
    def block_fold(self) -> Int64[np.ndarray, " block"]:
        """Outer fold of each block; -1 where it is never tested."""
        folds = np.arange(self.n_blocks) % self.n_folds
        return folds if self.tested is None else np.where(self.tested, folds, -1)

    @property
    def spread(self) -> float:
        """How much wider an interval is than tested blocks alone say, for each fold has a fit of its own.

        Another recording of the same brain would also give other fits; folds that share most of what they
        are fitted on hide it.  With J folds and their mean ratio of tested to training bins the variance is
        1 + J ratio times that of the blocks (Nadeau & Bengio 2003, doi:10.1023/A:1024068626366).
        """
        folds = [(self.test(fold).sum(), self.train(fold).sum()) for fold in range(self.n_folds)]
        return float(np.sqrt(1 + sum(tested / max(trained, 1) for tested, trained in folds)))

    def draws(self, n_draws: int = DRAWS, *, seed: int = 0) -> Float64[np.ndarray, "draw block"]:
        """Draw tested blocks with replacement, for intervals.

        Parameters
        ----------
        n_draws : int, optional
            Number of draws.
        seed : int, optional
            Start of the random numbers.

        Returns
        -------
        array (draw, block)
            How often each block counts in each draw; 0 where it is never tested.
        """
        places = np.flatnonzero(self.block_fold >= 0)
        found = np.zeros((n_draws, self.n_blocks))
        found[:, places] = block_draws(len(places), n_draws=n_draws, seed=seed)
        return found

    def test(self, fold: int) -> Bool[np.ndarray, " time"]:
        """Tell which bins fold number `fold` predicts."""
        return np.asarray(self.usable & (self.fold == fold))

    def train(self, fold: int) -> Bool[np.ndarray, " time"]:
        """Tell which bins fold number `fold` is fitted on: at least the gap away from every test block."""
        return np.asarray(self.usable & ~self._near(np.flatnonzero(self.block_fold == fold)))

    def inner(
        self, train: Bool[np.ndarray, " time"], n: int = 4
    ) -> list[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]]:
        """Split training bins again, for penalties, stopping and stacking.

        Parameters
        ----------
        train : array (time,)
            Bins to split.
        n : int, optional
            Number of inner folds; the blocks that hold training bins are dealt out in turn.

        Returns
        -------
        list of pairs of arrays (time,)
            Inner training bins (with the same gap), held-out bins.
        """
        here = np.unique(self.block[train])
        found = []
        for number in range(n):
            held = here[number::n]
            found.append((train & ~self._near(held), train & np.isin(self.block, held)))
        return found

    def _near(self, blocks: Int64[np.ndarray, " some"]) -> Bool[np.ndarray, " time"]:
        """Tell which bins lie in some blocks or closer to them than the gap."""
        near = np.zeros(len(self.times), bool)
        for b in blocks:
            near |= (self.times > self.first[b] - self.gap) & (self.times < self.last[b] + self.gap)
        return near | np.isin(self.block, blocks)


class BlockFolds(Estimator):
    """Contiguous blocks dealt out to folds, with a gap between training and test.

    Parameters
    ----------
    n_folds : int, optional
        Number of folds, 2-20.
    gap : float, optional
        Time left out on both sides of every test block [s].
    block : float, optional
        Length of a block [s]; by default a twentieth of the recording, within 15-60 s.
    longest : float, optional
        Longest filter of the features [s]: a shorter gap is refused.

    Examples
    --------
    >>> folds = BlockFolds(2, gap=0.0, block=2.0)
    >>> [test.tolist() for _, test in folds.split(np.zeros((8, 1)), groups=np.arange(8.0))]
    [[0, 1, 4, 5], [2, 3, 6, 7]]
    """

    def __init__(
        self, n_folds: int = 5, *, gap: float = 7.0, block: float | None = None, longest: float = 0.0
    ) -> None:
        self.n_folds, self.gap, self.block, self.longest = n_folds, gap, block, longest

    def plan(
        self, times: Float64[np.ndarray, " time"], usable: Bool[np.ndarray, " time"] | None = None
    ) -> FoldPlan:
        """Lay the blocks.

        Parameters
        ----------
        times : array (time,)
            Centres of the bins, rising [s].
        usable : array (time,), optional
            Bins that may be used; by default all.

        Returns
        -------
        FoldPlan
            Which bins train and test in each fold.

        Raises
        ------
        NumbersError
            N305, if the gap is shorter than the longest filter, there are fewer than two blocks per fold,
            or nothing is left to train on.
        """
        if self.gap < self.longest:
            raise NumbersError(
                "N305",
                f"gap {self.gap:g} s",
                "the gap between training and test is shorter than the longest filter",
                expected=f"at least {self.longest:g} s",
                got=f"{self.gap:g} s",
                hint=f"--gap {self.longest:g}",
            )
        n = len(times)
        step = float(np.median(np.diff(times))) if n > 1 else 1.0
        span = float(times[-1] - times[0]) + step if n else 0.0
        length = self.block if self.block is not None else float(np.clip(span / SHARE, SHORTEST, LONGEST))
        n_blocks = int(np.floor(span / length + 1e-9))
        if n_blocks < 2 * self.n_folds:
            raise NumbersError(
                "N305",
                f"{self.n_folds} folds",
                "there are fewer than two blocks per fold",
                expected=f"blocks of at most {span / (2 * self.n_folds):.3g} s",
                got=f"{length:g} s in a recording of {span:.4g} s",
                hint=f"at most {max(n_blocks // 2, 0)} folds, or a longer recording",
            )
        edges = times[0] - step / 2 + span * np.arange(n_blocks + 1) / n_blocks
        block = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, n_blocks - 1).astype(np.int64)
        good = np.ones(n, bool) if usable is None else usable
        plan = FoldPlan(times, good, block, edges[:-1], edges[1:], self.n_folds, self.gap)
        self._check_left(plan, span / n_blocks)
        return plan

    def _check_left(self, plan: FoldPlan, length: float) -> None:
        for fold in range(self.n_folds):
            train = plan.train(fold)
            if len(np.unique(plan.block[train])) < 2 or not plan.test(fold).any():
                room = length * (self.n_folds - 1) / 2
                raise NumbersError(
                    "N305",
                    f"fold {fold + 1} of {self.n_folds}",
                    "too few usable bins are left to train and test on",
                    expected=f"a gap well below {room:.3g} s for blocks of {length:.3g} s",
                    got=f"{self.gap:g} s",
                    hint="a smaller gap, fewer folds, or a longer recording",
                )

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002
        """Return the number of folds (scikit-learn's protocol).

        Parameters
        ----------
        X, y, groups : object, optional
            Not used.

        Returns
        -------
        int
            Number of folds.
        """
        return self.n_folds

    def split(
        self,
        X: Any,
        y: Any = None,  # noqa: ARG002
        groups: Float64[np.ndarray, " time"] | None = None,
    ) -> Iterator[tuple[Int64[np.ndarray, " train"], Int64[np.ndarray, " test"]]]:
        """Give training and test rows of each fold (scikit-learn's protocol).

        Parameters
        ----------
        X : array (time, ...)
            Data; only the number of rows counts.
        y : object, optional
            Not used.
        groups : array (time,), optional
            Times of the rows [s]; by default one row per second.

        Yields
        ------
        pair of arrays
            Rows to train on, rows to test on.

        Raises
        ------
        NumbersError
            N305, as `plan`.
        """
        times = np.arange(len(X), dtype=np.float64) if groups is None else np.asarray(groups, np.float64)
        plan = self.plan(times)
        for fold in range(self.n_folds):
            yield np.flatnonzero(plan.train(fold)), np.flatnonzero(plan.test(fold))


def published_split(
    times: Float64[np.ndarray, " time"], usable: Bool[np.ndarray, " time"] | None = None
) -> FoldPlan:
    """Lay the single split of Syeda et al. (2024): ten segments, the first 75 % of each train.

    Parameters
    ----------
    times : array (time,)
        Centres of the bins, rising [s].
    usable : array (time,), optional
        Bins that may be used; by default all.

    Returns
    -------
    FoldPlan
        One fold; blocks that train and blocks that test in turn.  The first three bins of a block that tests
        are not used.

    Raises
    ------
    NumbersError
        N305, if a segment is too short, or no usable bin is left on one side.
    """
    n = len(times)
    step = float(np.median(np.diff(times))) if n > 1 else 1.0
    edges = np.round(np.linspace(0, n, SEGMENTS + 1)).astype(np.int64)
    turns = edges[:-1] + np.floor(TRAINED * np.diff(edges)).astype(np.int64)
    bounds = np.sort(np.concatenate([edges, turns]))
    if n < SEGMENTS or (np.diff(bounds) <= SKIPPED).any():
        raise NumbersError(
            "N305",
            "published split",
            "its segments are too short",
            expected=f"at least {SEGMENTS * 4 * (SKIPPED + 1)} bins",
            got=f"{n}",
        )
    block = np.repeat(np.arange(2 * SEGMENTS), np.diff(bounds))
    corners = np.append(times, times[-1] + step)[bounds] - step / 2
    good = np.ones(n, bool) if usable is None else usable.copy()
    good[(turns[:, None] + np.arange(SKIPPED)).reshape(-1)] = False
    tested = np.arange(2 * SEGMENTS) % 2 == 1
    plan = FoldPlan(times, good, block, corners[:-1], corners[1:], 1, 0.0, tested)
    if len(np.unique(block[plan.train(0)])) < 2 or not plan.test(0).any():
        raise NumbersError("N305", "published split", "too few usable bins are left to train and test on")
    return plan

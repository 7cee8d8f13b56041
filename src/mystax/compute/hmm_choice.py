"""How many states: likelihood of blocks of time that a model has not seen, and how stable the states are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from mystax.compute.hmm import HmmModel, HmmPrior, best_states, expect, stationary
from mystax.compute.hmm_frames import HmmFrames
from mystax.compute.hmm_search import search_hmm, spread_rows
from mystax.compute.statistics import adjusted_rand
from mystax.core.analysis import Tiles
from mystax.core.typing import Float64, Int64

__all__ = ["Candidate", "Choice", "choose", "make_blocks", "parameter_count", "score_candidates"]

Covariance = Literal["full", "diagonal", "tied"]
BLOCK_SECONDS = 30.0
GUARD_SECONDS = 1.0
FEWEST, MOST = 5, 10
FIT_FRAMES = 50_000
STOP_AFTER = 3


@dataclass(frozen=True, eq=False)
class Candidate:
    """One tried number of states.

    Attributes
    ----------
    n_states : int
        The number.
    held_out : array (block,)
        Log-likelihood per frame of each block under the model of the others.
    stability : float
        Mean adjusted Rand index between the labels of the blocks' models on all frames; NaN for one state.
    """

    n_states: int
    held_out: Float64[np.ndarray, " block"]
    stability: float

    @property
    def mean(self) -> float:
        """Mean over blocks."""
        return float(self.held_out.mean())

    @property
    def error(self) -> float:
        """Standard error over blocks."""
        n = len(self.held_out)
        return float(self.held_out.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")


@dataclass(frozen=True, eq=False)
class Choice:
    """What was tried and what was chosen."""

    candidates: tuple[Candidate, ...]
    n_states: int

    def of(self, n_states: int) -> Candidate:
        """Return the candidate of a number of states."""
        return next(item for item in self.candidates if item.n_states == n_states)


def parameter_count(n_states: int, n_features: int, covariance: Covariance) -> int:
    """Return the number of free parameters of a model."""
    per_full = n_features * (n_features + 1) // 2
    spread = {"full": n_states * per_full, "diagonal": n_states * n_features, "tied": per_full}[covariance]
    return n_states * n_features + spread + n_states * (n_states - 1) + n_states - 1


def make_blocks(
    recording: Int64[np.ndarray, " frame"], rate: float, most: int = MOST
) -> list[tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]]:
    """Divide frames into blocks that are held out in turn.

    Parameters
    ----------
    recording : array (frame,)
        Number of the recording of each frame, rising.
    rate : float
        Frames per second [Hz].
    most : int, optional
        Blocks at most.

    Returns
    -------
    list of (training rows, test rows)
        With 5 recordings or more: groups of recordings; else contiguous blocks with a second left out on
        both sides.
    """
    n, n_recordings = len(recording), int(recording.max(initial=0)) + 1
    if n_recordings >= FEWEST:
        group = recording * min(most, n_recordings) // n_recordings
        return [(np.flatnonzero(group != k), np.flatnonzero(group == k)) for k in range(int(group.max()) + 1)]
    n_blocks = int(np.clip(n / rate // BLOCK_SECONDS, FEWEST, most))
    edges = np.round(np.linspace(0, n, n_blocks + 1)).astype(int)
    guard = min(round(GUARD_SECONDS * rate), n // (4 * n_blocks))
    every = np.arange(n)
    found = []
    for a, b in pairwise(edges.tolist()):
        near = (every >= a - guard) & (every < b + guard)
        found.append((every[~near], every[a:b]))
    return found


def held_out_likelihood(frames: HmmFrames, model: HmmModel) -> float:
    """Return the log-likelihood per observed frame, starting from the stationary distribution."""
    plain = HmmModel(
        stationary(model.transitions), model.transitions, model.means, model.covariances, model.covariance
    )
    n = max(1, int(frames.has_value.sum()))
    return expect(frames, plain).total / n


def score_candidates(
    frames: HmmFrames,
    recording: Int64[np.ndarray, " frame"],
    rate: float,
    numbers: Sequence[int],
    covariance: Covariance,
    prior: HmmPrior,
    *,
    most_frames: int = FIT_FRAMES,
    scan: bool = False,
    pool: Tiles | None = None,
) -> list[Candidate]:
    """Score numbers of states on held-out blocks.

    Parameters
    ----------
    frames : HmmFrames
        All frames.
    recording : array (frame,)
        Number of the recording of each frame.
    rate : float
        Frames per second [Hz].
    numbers : sequence of int
        Numbers of states, rising.
    covariance : {"full", "diagonal", "tied"}
        Form of the covariances.
    prior : HmmPrior
        Pseudo-counts and floor.
    most_frames : int, optional
        Frames that are used: blocks spread evenly.
    scan : bool, optional
        A number is to be chosen: up to ten blocks, not five, and it stops after three successive numbers
        that are worse than the best by more than a standard error.
    pool : Tiles, optional
        Threads; the result does not depend on them.

    Returns
    -------
    list of Candidate
        In the order of `numbers`.
    """
    rows = spread_rows(frames, most_frames, 1500)
    part, of = (frames, recording) if len(rows) == len(frames) else (frames.taken(rows), recording[rows])
    blocks = make_blocks(of, rate, MOST if scan else FEWEST)
    pieces = [(part.taken(train), part.taken(test)) for train, test in blocks]
    # a block without any value, of a recording that says nothing, has no likelihood
    pieces = [piece for piece in pieces if all(side.has_value.any() for side in piece)]
    found: list[Candidate] = []
    worse = 0
    for n_states in numbers:

        def one(piece: tuple[HmmFrames, HmmFrames], k: int = n_states) -> tuple[float, np.ndarray]:
            train, test = piece
            model = search_hmm(train, k, covariance, prior, thorough=False).fit.model
            return held_out_likelihood(test, model), best_states(part, model)

        results = [one(piece) for piece in pieces] if pool is None else pool.map(one, pieces)
        labels = [np.where(part.has_value, item[1], -1) for item in results]
        agreement = [adjusted_rand(a, b) for a, b in combinations(labels, 2)]
        held = np.array([item[0] for item in results])
        found.append(Candidate(n_states, held, float(np.mean(agreement)) if n_states > 1 else float("nan")))
        if scan:
            best = max(found, key=lambda item: item.mean)
            worse = worse + 1 if _falls_short(found[-1], best) else 0
            if worse >= STOP_AFTER:
                break
    return found


def _falls_short(candidate: Candidate, best: Candidate) -> bool:
    """Tell whether a candidate is worse than the best by more than a standard error of the difference."""
    gap = best.held_out - candidate.held_out
    if len(gap) < 2:
        return bool(gap.mean() > 0)
    return bool(gap.mean() > gap.std(ddof=1) / np.sqrt(len(gap)))


def choose(candidates: Sequence[Candidate]) -> Choice:
    """Choose the smallest number of states that is not worse than the best by more than a standard error."""
    best = max(candidates, key=lambda item: item.mean)
    within = [item.n_states for item in candidates if not _falls_short(item, best)]
    return Choice(tuple(candidates), min(within))

"""How long a refine is, in steps and in seconds."""

import time
from dataclasses import dataclass

import numpy as np

from mystax.nets.fitting import Batch, Fitter, can_use_half
from mystax.nets.holdout import FEW
from mystax.nets.tracker import Dense, build_tracker
from mystax.nets.training_data import BATCH, Plan

__all__ = ["Estimate", "count_steps", "estimate_steps", "estimate_training", "make_fitter", "measure_step"]

_LEAST_STEPS, _MOST_STEPS = 300, 1500
_OVERHEAD = 1.15
NEW_RATE = 3e-3
"""Highest rate of a network made from nothing."""


def estimate_steps(n_frames: int, *, has_base: bool) -> int:
    """Choose the steps of the final fit by the number of labelled frames.

    Parameters
    ----------
    n_frames : int
        Labelled frames.
    has_base : bool
        Whether a base is refined, or a network made from nothing.

    Returns
    -------
    int
        300-1500 steps of 8 crops; from nothing one and a half times as many.

    Examples
    --------
    >>> estimate_steps(10, has_base=True), estimate_steps(2000, has_base=True)
    (380, 1500)
    """
    steps = min(_MOST_STEPS, _LEAST_STEPS + 8 * n_frames)
    return steps if has_base else min(_MOST_STEPS, steps * 3 // 2)


def count_steps(steps: int, n_frames: int) -> tuple[int, int]:
    """Return the steps of a fold, and of all folds and the final fit.

    Parameters
    ----------
    steps : int
        Steps of the final fit.
    n_frames : int
        Labelled frames.

    Returns
    -------
    fold_steps, total : int
        Fewer than 40 frames: three folds of half length; otherwise one fold of full length.

    Examples
    --------
    >>> count_steps(400, 20), count_steps(400, 60)
    ((200, 1000), (400, 800))
    """
    fold_steps = max(steps // 2 if n_frames < FEW else steps, 1)
    return fold_steps, fold_steps * (3 if n_frames < FEW else 1) + steps


def make_fitter(net: Dense, plan: Plan, steps: int, *, has_base: bool) -> Fitter:
    """Return the fitter of a refine.

    Parameters
    ----------
    net : Dense
        Where to start.
    plan : Plan
        The user's wishes.
    steps : int
        Length of the training: short ones average over fewer steps.
    has_base : bool
        Whether the trunk is trained already.

    Returns
    -------
    Fitter
        A trained base keeps its norms, and its heads learn three times as fast as its trunk.
    """
    return Fitter(
        net,
        peak=plan.rate if has_base else NEW_RATE,
        head_factor=3.0 if has_base else 1.0,
        has_fixed_norms=has_base,
        # Averaging over more than a fraction of a short training would keep its beginning.
        average=min(0.995, 1.0 - 15.0 / steps) if steps > 15 else 0.0,
        lanes=plan.lanes,
        is_half=can_use_half(),
    )


def measure_step(plan: Plan, n_keypoints: int, *, width: float = 1.0, seconds: float = 2.0) -> float:
    """Return the seconds of one step on this machine, now.

    Parameters
    ----------
    plan : Plan
        Size and lanes.
    n_keypoints : int
        Number of points.
    width : float, optional
        Factor on the channel counts (1).
    seconds : float, optional
        Time to spend, at least three steps (2).

    Returns
    -------
    float
        Median of the steps after the first.
    """
    fitter = make_fitter(build_tracker(n_keypoints, width=width), plan, 100, has_base=True)
    rng = np.random.default_rng(0)
    n = BATCH // plan.lanes
    batch: Batch = (
        rng.random((n, plan.size, plan.size), dtype=np.float32),
        rng.uniform(0, plan.size, (n, n_keypoints, 2)).astype(np.float32),
        np.full((n, n_keypoints), 2, np.uint8),
    )
    spent: list[float] = []
    try:
        while len(spent) < 3 or (sum(spent) < seconds and len(spent) < 50):
            begin = time.perf_counter()
            fitter.step(lambda _: batch, 0.5)
            spent.append(time.perf_counter() - begin)
    finally:
        fitter.close()
    return float(np.median(spent[1:]))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Length of a refine.

    Attributes
    ----------
    steps : int
        Steps of the final fit.
    n_total : int
        Steps of all folds and the final fit.
    seconds : float
        Expected duration [s].
    """

    steps: int
    n_total: int
    seconds: float


def estimate_training(n_frames: int, step_seconds: float, minutes: float, *, has_base: bool) -> Estimate:
    """Fit a refine into a budget of time.

    Parameters
    ----------
    n_frames : int
        Labelled frames.
    step_seconds : float
        Of `measure_step` [s].
    minutes : float
        The budget [min]; steps are taken off down to a sixth of the least useful number, in fifties, so that
        a small change of speed gives the same training.
    has_base : bool
        Whether a base is refined.

    Returns
    -------
    Estimate
        Steps and seconds.

    Examples
    --------
    >>> estimate_training(20, 0.1, 2.0, has_base=True)
    Estimate(steps=400, n_total=1000, seconds=115.0)
    """
    steps = estimate_steps(n_frames, has_base=has_base)
    while (
        steps > _LEAST_STEPS // 6
        and count_steps(steps, n_frames)[1] * step_seconds * _OVERHEAD > 60 * minutes
    ):
        steps = max((steps - 1) // 50 * 50, _LEAST_STEPS // 6)
    n_total = count_steps(steps, n_frames)[1]
    return Estimate(steps, n_total, round(n_total * step_seconds * _OVERHEAD, 3))

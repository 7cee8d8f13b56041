"""Refine a network on a user's labels: folds, final fit, verdict, calibration."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.core.typing import Bool, Float, Float32, Int64, UInt8
from mystax.errors import RecipeError
from mystax.nets.augment import PLACED, UNLABELLED, mirror_order
from mystax.nets.confidence import Calibration, features, fit_calibration, refit_calibration
from mystax.nets.crop import normalise_crops
from mystax.nets.decode import Decoded
from mystax.nets.definitions import is_redefined
from mystax.nets.estimate import count_steps, estimate_steps, make_fitter
from mystax.nets.fitting import predict
from mystax.nets.holdout import Comparison, Fold, compare_paired, make_folds
from mystax.nets.shape_prior import ShapePrior, fit_shape_prior
from mystax.nets.tracker import Dense, build_tracker
from mystax.nets.training_data import (
    Base,
    Batches,
    Labelled,
    Plan,
    Replay,
    forget_points,
    load_base,
    match_rows,
    project_replay,
    split_replay,
)

__all__ = ["LEAST_FRAMES", "RefineResult", "refine"]

LEAST_FRAMES = 10
"""Labelled frames that a refine needs."""

_WEAK = 5
_MOST_FORGETTING = 1.3
_REPLAY_TEST = 100
_LOOKS = 4


@dataclass(frozen=True)
class RefineResult:
    """What a refine made.

    Attributes
    ----------
    net : Dense
        The refined network, in evaluation mode.
    points : tuple of str
        Its points.
    calibration : Calibration
        Of the held-out labels where there are enough, else of the base.
    prior : ShapePrior or None
        How points lie to each other.
    steps : int
        Steps of the final fit.
    held_out_error : array (n, keypoint)
        Errors of the folds' networks on frames they did not see [px@256]; NaN where there is none.
    base_error : array (n, keypoint)
        Errors of the base on the same frames; NaN where it does not know the point.
    comparison : Comparison
        New against base.
    forgetting : float
        Error on rendered crops, new over base; NaN without base or replay.
    is_accepted : bool
        Better than the base on held-out frames, and not forgetful.
    reasons : tuple of str
        Why it is not accepted; empty if it is.
    weak : tuple of str
        Points with fewer than 5 labels.
    redefined : tuple of str
        Points that the labels put at another place of the face than the base does.
    split : str
        How frames were held out, in words.
    """

    net: Dense
    points: tuple[str, ...]
    calibration: Calibration
    prior: ShapePrior | None
    steps: int
    held_out_error: Float32[np.ndarray, "n keypoint"]
    base_error: Float32[np.ndarray, "n keypoint"]
    comparison: Comparison
    forgetting: float
    is_accepted: bool
    reasons: tuple[str, ...]
    weak: tuple[str, ...]
    redefined: tuple[str, ...]
    split: str


def refine(
    labelled: Labelled,
    points: Sequence[str],
    *,
    pairs: Sequence[tuple[int, int]] = (),
    base: Base | None = None,
    base_rows: Sequence[int] | None = None,
    replay: Replay | None = None,
    plan: Plan | None = None,
    report: Report = silent,
) -> RefineResult:
    """Train a network on labels, judge it on held-out ones, and say whether it should replace the base.

    Folds are trained first, at half length where labels are few; the final network then sees all labels.

    Parameters
    ----------
    labelled : Labelled
        Labelled crops, at least 10 with a placed point.
    points : sequence of str
        Ids of the points.
    pairs : sequence of (int, int)
        Left and right points that a mirror swaps.
    base : Base, optional
        Where to start; by default from nothing.
    base_rows : sequence of int, optional
        For each point, its place among the base's points, -1 for none; by default by id.
    replay : Replay, optional
        Rendered crops to mix in; points are matched by id.
    plan : Plan, optional
        The user's wishes.
    report : callable, optional
        Takes events: ``progress`` with steps done and in all, ``note``; may raise `Cancelled`.

    Returns
    -------
    RefineResult
        The network and all that was found out about it.

    Raises
    ------
    RecipeError
        P403, if there are too few labelled frames.
    WeightsError
        M702, if the base's weights do not fit the network.
    """
    plan = plan or Plan()
    usable = np.flatnonzero((labelled.state == PLACED).any(axis=1))
    if len(usable) < LEAST_FRAMES:
        raise RecipeError(
            "P403",
            "labels",
            "there are too few labelled frames",
            expected=f"at least {LEAST_FRAMES}",
            got=str(len(usable)),
            hint="label more frames: 'mystax labels suggest' names good ones",
        )
    rows = match_rows(points, base, base_rows)
    work = _Work(
        labelled, tuple(points), list(pairs), base, rows, project_replay(replay, points), plan, report
    )
    return work.run(usable)


class _Work:
    """One refine."""

    def __init__(
        self,
        labelled: Labelled,
        points: tuple[str, ...],
        pairs: list[tuple[int, int]],
        base: Base | None,
        base_rows: list[int],
        replay: Replay | None,
        plan: Plan,
        report: Report,
    ) -> None:
        self._labelled, self._points, self._pairs = labelled, points, pairs
        self._base, self._base_rows, self._plan, self._report = base, base_rows, plan, report
        self._ready = normalise_crops(labelled.crops, labelled.valid)
        self._base_error, self._redefined = self._look_at_base()
        self._test: Replay | None = None
        if replay is not None:
            # Where the user means another place, rendered truth would pull the point back.
            replay = forget_points(replay, self._redefined)
            if len(replay.crops) >= 4 * _REPLAY_TEST:
                replay, self._test = split_replay(replay, _REPLAY_TEST)
        self._replay = replay
        self._batches = Batches(labelled, replay, plan, mirror_order(len(points), pairs))
        self._done = self._total = 0

    def _look_at_base(self) -> tuple[Float32[np.ndarray, "n keypoint"], Bool[np.ndarray, " keypoint"]]:
        """Return the base's errors on all labelled frames, and which points have another definition there."""
        state, truth = self._labelled.state, self._labelled.xy
        if self._base is None:
            return np.full(state.shape, np.nan, np.float32), np.zeros(len(self._points), np.bool_)
        unit = 256.0 / self._ready.shape[-1]
        known = np.array([row >= 0 for row in self._base_rows])
        xy = predict(self._start(), self._ready).xy
        error = _placed_error(xy, truth, state, unit)
        error[:, ~known] = np.nan
        placed = (state == PLACED) & known
        return error, is_redefined(xy, truth, placed, unit=unit, can_mirror=not self._pairs)

    def run(self, usable: Int64[np.ndarray, " row"]) -> RefineResult:
        """Do everything."""
        plan, labelled = self._plan, self._labelled
        n = len(labelled.crops)
        recording = np.zeros(n, np.int64) if labelled.recording is None else labelled.recording
        clock = np.full(n, np.nan) if labelled.time is None else labelled.time
        folds, split = make_folds(recording[usable], clock[usable], plan.seed, by=plan.hold_out)
        folds = [Fold(usable[fold.training], usable[fold.held_out]) for fold in folds]
        steps = plan.steps or estimate_steps(len(usable), has_base=self._base is not None)
        fold_steps, self._total = count_steps(steps, len(usable))
        prior = self._prior(usable)
        errors = np.full(labelled.state.shape, np.nan, np.float32)
        found: list[tuple[np.ndarray, Decoded]] = []
        best: list[float] = []
        for number, fold in enumerate(folds):
            decoded, share = self._fold(fold, number, fold_steps)
            errors[fold.held_out] = self._error(decoded, fold.held_out)
            found.append((fold.held_out, decoded))
            best.append(share)
        final_steps = max(1, round(steps * float(np.median(best))))
        self._total = self._done + final_steps
        net = self._fit(usable, (9,), final_steps)
        forgetting = self._forgetting(net)
        comparison = compare_paired(errors, self._base_error, plan.seed)
        reasons = _reasons(comparison, forgetting, has_base=self._base is not None)
        counts = (labelled.state[usable] == PLACED).sum(axis=0)
        return RefineResult(
            net=net,
            points=self._points,
            calibration=self._calibrate(found, prior),
            prior=prior,
            steps=final_steps,
            held_out_error=errors,
            base_error=self._base_error,
            comparison=comparison,
            forgetting=forgetting,
            is_accepted=not reasons,
            reasons=reasons,
            weak=tuple(p for p, c in zip(self._points, counts, strict=True) if c < _WEAK),
            redefined=tuple(p for p, new in zip(self._points, self._redefined, strict=True) if new),
            split=split,
        )

    def _start(self) -> Dense:
        """Return the network to begin with: the base's trunk, known points' heads, random new ones."""
        width = self._plan.width if self._base is None else self._base.width
        net = build_tracker(len(self._points), width=width, seed=self._plan.seed)
        return net if self._base is None else load_base(net, self._base, self._base_rows)

    def _fit(
        self,
        rows: Int64[np.ndarray, " row"],
        key: tuple[int, ...],
        steps: int,
        look: Callable[[int, Dense], None] | None = None,
    ) -> Dense:
        """Train on some rows; `look` sees the averaged network at a few places on the way."""
        fitter = make_fitter(self._start(), self._plan, steps, has_base=self._base is not None)
        looks = {round(steps * (i + 1) / _LOOKS) for i in range(_LOOKS)}
        begin = time.monotonic()
        try:
            for step in range(steps):
                loss = fitter.step(partial(self._batches.make, rows, key, step), step / steps)
                self._done += 1
                self._report(
                    Event(
                        "progress",
                        "train",
                        self._done,
                        self._total,
                        data={"loss": loss, "seconds": time.monotonic() - begin},
                    )
                )
                if look is not None and step + 1 in looks:
                    look(step + 1, fitter.averaged())
            return fitter.averaged()
        finally:
            fitter.close()

    def _fold(self, fold: Fold, number: int, steps: int) -> tuple[Decoded, float]:
        """Train without the held-out frames; return their places, and where on the way they were best."""
        seen: list[tuple[float, int, Decoded]] = []

        def look(step: int, net: Dense) -> None:
            decoded = predict(net, self._ready[fold.held_out])
            error = float(np.nanmean(self._error(decoded, fold.held_out)))
            seen.append((error if np.isfinite(error) else np.inf, step, decoded))
            self._report(
                Event(
                    "note",
                    "hold-out",
                    text=f"fold {number + 1}, step {step}: {error:.2f} px@256 on held-out frames",
                    data={"fold": number, "step": step, "error": error},
                )
            )

        self._fit(fold.training, (number,), steps, look)
        error, step, decoded = min(seen, key=lambda item: item[0])
        # A last look that is as good as the best wins: earlier minima are mostly luck.
        if seen[-1][0] <= 1.02 * error:
            error, step, decoded = seen[-1]
        return decoded, step / steps

    def _error(
        self, decoded: Decoded, rows: Int64[np.ndarray, " row"]
    ) -> Float32[np.ndarray, "row keypoint"]:
        """Return errors of placed points [px@256]."""
        unit = 256.0 / self._ready.shape[-1]
        return _placed_error(decoded.xy, self._labelled.xy[rows], self._labelled.state[rows], unit)

    def _forgetting(self, net: Dense) -> float:
        """Return how much the error on rendered crops has grown; NaN where nothing can be compared."""
        if self._base is None or self._test is None:
            return float("nan")
        ready = normalise_crops(self._test.crops, None)
        known = np.array([row >= 0 for row in self._base_rows])
        state = np.where(known, self._test.state, UNLABELLED).astype(np.uint8)
        if not (state == PLACED).any():
            return float("nan")
        means = [
            np.nanmean(_placed_error(predict(one, ready).xy, self._test.xy, state, 1.0))
            for one in (net, self._start())
        ]
        return float(means[0] / means[1])

    def _prior(self, usable: Int64[np.ndarray, " row"]) -> ShapePrior | None:
        """Fit the shape prior to labelled and rendered shapes."""
        xy, seen = self._labelled.xy[usable], self._labelled.state[usable] == PLACED
        if self._replay is not None:
            xy = np.concatenate((xy, self._replay.xy))
            seen = np.concatenate((seen, self._replay.state == PLACED))
        return fit_shape_prior(xy, seen, can_mirror=not self._pairs)

    def _calibrate(self, found: list[tuple[np.ndarray, Decoded]], prior: ShapePrior | None) -> Calibration:
        """Calibrate on held-out frames: from the base's where there is one."""
        size = self._ready.shape[-1]
        values = np.concatenate([features(decoded, prior, size) for _, decoded in found])
        window = np.concatenate([decoded.covariance for _, decoded in found])
        rows = np.concatenate([held for held, _ in found])
        offset = np.nan_to_num(
            np.concatenate([decoded.xy for _, decoded in found]) - self._labelled.xy[rows], nan=1e6
        )
        placed = self._labelled.state[rows] == PLACED
        labelled = self._labelled.state[rows] != UNLABELLED
        old = None if self._base is None else self._base.calibration
        if old is not None and all(row >= 0 for row in self._base_rows):
            return refit_calibration(
                _select(old, self._base_rows), values, window, offset, placed, labelled, size=size
            )
        n = int(labelled.sum())
        if n < 60:
            return Calibration.uncalibrated(len(self._points))
        return fit_calibration(values, window, offset, placed, labelled, size=size, origin=f"labels:n={n}")


def _select(calibration: Calibration, rows: list[int]) -> Calibration:
    """Return the calibration of some points."""
    return replace(calibration, intercepts=calibration.intercepts[rows], scale=calibration.scale[rows])


def _placed_error(
    xy: Float[np.ndarray, "n keypoint space"],
    truth: Float[np.ndarray, "n keypoint space"],
    state: UInt8[np.ndarray, "n keypoint"],
    unit: float,
) -> Float32[np.ndarray, "n keypoint"]:
    error = np.linalg.norm(xy - truth, axis=-1) * unit
    return np.where(state == PLACED, error, np.nan).astype(np.float32)


def _reasons(comparison: Comparison, forgetting: float, *, has_base: bool) -> tuple[str, ...]:
    """Say why a network should not replace the base."""
    found = []
    if has_base and not comparison.is_better:
        found.append(
            f"held-out error {comparison.new:.2f} px@256 against {comparison.old:.2f} of the base "
            f"(95 % interval of the change {100 * comparison.low:+.0f} to {100 * comparison.high:+.0f} %)"
        )
    if forgetting > _MOST_FORGETTING:
        found.append(f"error on rendered faces has grown by a factor of {forgetting:.2f}")
    return tuple(found)

"""Refine networks on a user's labels: folds, final fit, verdict, calibration."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from mystax.core.events import Event, Report, silent
from mystax.core.typing import Bool, Float32, Int64
from mystax.errors import Cancelled, RecipeError
from mystax.nets.augment import PLACED, UNLABELLED, mirror_order
from mystax.nets.confidence import Calibration, features, fit_calibration, refit_calibration
from mystax.nets.crop import normalise_crops
from mystax.nets.decode import Decoded
from mystax.nets.definitions import is_redefined, where_labels_lie
from mystax.nets.ensemble import merge_decoded
from mystax.nets.estimate import count_steps, estimate_steps, make_fitter
from mystax.nets.fitting import predict
from mystax.nets.holdout import Fold, compare_paired, make_folds
from mystax.nets.refined import Found, Look, RefineResult
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
from mystax.nets.unfinished import Unfinished
from mystax.nets.verdict import placed_error, reasons_against

__all__ = ["LEAST_FRAMES", "refine"]

LEAST_FRAMES = 10
"""Labelled frames that a refine needs."""

_WEAK = 5
_REPLAY_TEST = 100
_LOOKS = 4
_FINAL = 9
"""Stands for the final fit where folds have their number."""


def refine(
    labelled: Labelled,
    points: Sequence[str],
    *,
    pairs: Sequence[tuple[int, int]] = (),
    base: Base | None = None,
    base_rows: Sequence[int] | None = None,
    replay: Replay | None = None,
    plan: Plan | None = None,
    kept: Unfinished | None = None,
    report: Report = silent,
) -> RefineResult:
    """Train networks on labels, judge them on held-out ones, and say whether they should replace the base.

    Folds are trained first, at half length where labels are few; the final networks then see all labels.
    The members of an ensemble hold out the same frames, so that it is judged as an ensemble.

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
    kept : Unfinished, optional
        Where the state is kept on the way; what it holds of this training already is not done again.
    report : callable, optional
        Takes events: ``progress`` with steps done and in all, ``note``; may raise `Cancelled`.

    Returns
    -------
    RefineResult
        The networks and all that was found out about them.

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
    if not plan.steps:
        plan = replace(plan, steps=estimate_steps(len(usable), has_base=base is not None))
    state = kept or Unfinished()
    state.plan(plan.steps)
    work = _Work(
        labelled, tuple(points), list(pairs), base, rows, project_replay(replay, points), plan, state, report
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
        kept: Unfinished,
        report: Report,
    ) -> None:
        self._labelled, self._points, self._pairs = labelled, points, pairs
        self._base, self._base_rows, self._plan = base, base_rows, plan
        self._kept, self._report = kept, report
        self._ready = normalise_crops(labelled.crops, labelled.valid)
        self._unit = 256.0 / self._ready.shape[-1]
        self._base_decoded = None if base is None else self._merged(self._base_nets(), self._ready)
        self._exchanged: list[tuple[str, str]] = []
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
        self._looks: list[Look] = []

    # the base ----------------------------------------------------------------------------------------

    def _base_nets(self) -> list[Dense]:
        """Return the base's networks with the points that are wanted; new points have random heads."""
        return [] if self._base is None else [self._start(k) for k in range(self._base.n_members)]

    def _look_at_base(self) -> tuple[Float32[np.ndarray, "n keypoint"], Bool[np.ndarray, " keypoint"]]:
        """Return the base's errors on all labelled frames, and which points have another definition there."""
        state, truth = self._labelled.state, self._labelled.xy
        if self._base_decoded is None:
            return np.full(state.shape, np.nan, np.float32), np.zeros(len(self._points), np.bool_)
        known = np.array([row >= 0 for row in self._base_rows])
        xy = self._base_decoded.xy
        error = placed_error(xy, truth, state, self._unit)
        error[:, ~known] = np.nan
        placed = (state == PLACED) & known
        lie = where_labels_lie(np.where(known[:, None], xy, np.nan), truth, placed, unit=self._unit)
        self._exchanged = [(self._points[k], self._points[j]) for k, j in enumerate(lie) if j != k]
        return error, is_redefined(xy, truth, placed, unit=self._unit, can_mirror=not self._pairs)

    def _merged(self, nets: Sequence[Dense], crops: Float32[np.ndarray, "n y x"]) -> Decoded:
        """Find the points with one network or several."""
        return _merge([predict(net, crops) for net in nets])

    # all of it ---------------------------------------------------------------------------------------

    def run(self, usable: Int64[np.ndarray, " row"]) -> RefineResult:
        """Do everything."""
        plan, labelled = self._plan, self._labelled
        n, members = len(labelled.crops), range(plan.members)
        recording = np.zeros(n, np.int64) if labelled.recording is None else labelled.recording
        clock = np.full(n, np.nan) if labelled.time is None else labelled.time
        folds, split = make_folds(recording[usable], clock[usable], plan.seed, by=plan.hold_out)
        folds = [Fold(usable[fold.training], usable[fold.held_out]) for fold in folds]
        fold_steps, per_member = count_steps(plan.steps, len(usable))
        self._total = per_member * plan.members
        prior = self._prior(usable)
        found: list[tuple[np.ndarray, Decoded]] = []
        best: list[float] = []
        for number, fold in enumerate(folds):
            parts = [self._fold(fold, member, number, fold_steps) for member in members]
            found.append((fold.held_out, _merge([decoded for decoded, _ in parts])))
            best += [share for _, share in parts]
        final_steps = max(1, round(plan.steps * float(np.median(best))))
        self._total = self._done + final_steps * plan.members
        nets = tuple(self._final(usable, member, final_steps) for member in members)
        calibration = self._calibrate(found, prior)
        held_out = self._found(found, prior, calibration)
        errors = placed_error(held_out.xy, labelled.xy, labelled.state, self._unit)
        forgetting = self._forgetting(nets)
        comparison = compare_paired(errors, self._base_error, plan.seed)
        has_base = self._base is not None
        reasons = reasons_against(comparison, forgetting, has_base=has_base, exchanged=self._exchanged)
        counts = (labelled.state[usable] == PLACED).sum(axis=0)
        return RefineResult(
            nets=nets,
            points=self._points,
            calibration=calibration,
            prior=prior,
            steps=final_steps,
            held_out=held_out,
            held_out_error=errors,
            base_found=self._base_found(prior),
            base_error=self._base_error,
            comparison=comparison,
            forgetting=forgetting,
            is_accepted=not reasons,
            reasons=reasons,
            weak=tuple(p for p, c in zip(self._points, counts, strict=True) if c < _WEAK),
            redefined=tuple(p for p, new in zip(self._points, self._redefined, strict=True) if new),
            split=split,
            looks=tuple(self._looks),
        )

    # fits --------------------------------------------------------------------------------------------

    def _start(self, member: int) -> Dense:
        """Return the network to begin with: the base's trunk, known points' heads, random new ones."""
        width = self._plan.width if self._base is None else self._base.width
        net = build_tracker(len(self._points), width=width, seed=self._plan.seed + member)
        return net if self._base is None else load_base(net, self._base, self._base_rows, member)

    def _fit(
        self,
        name: str,
        member: int,
        rows: Int64[np.ndarray, " row"],
        key: tuple[int, ...],
        steps: int,
        look: Callable[[int, Dense], None] | None = None,
        looked: list[tuple[float, int, Decoded]] | None = None,
    ) -> Dense:
        """Train on some rows; `look` sees the averaged network at a few places on the way."""
        fitter = make_fitter(self._start(member), self._plan, steps, has_base=self._base is not None)
        looks = {round(steps * (i + 1) / _LOOKS) for i in range(_LOOKS)}
        begin = time.monotonic()
        first = 0
        old = self._kept.running(name)
        if old is not None:
            first, state = old
            fitter.restore({n[2:]: torch.from_numpy(v) for n, v in state.items() if n.startswith("f.")})
            if looked is not None:
                looked += _unpack_looks(state)
            self._done += first

        def state_now() -> dict[str, np.ndarray]:
            kept = {f"f.{n}": v.numpy() for n, v in fitter.tensors().items()}
            return kept | _pack_looks(looked or [])

        try:
            for step in range(first, steps):
                loss = fitter.step(partial(self._batches.make, rows, key, step), step / steps)
                self._done += 1
                if look is not None and step + 1 in looks:
                    look(step + 1, fitter.averaged())
                self._kept.keep(name, step + 1, state_now)
                data: dict[str, object] = {"loss": loss, "seconds": time.monotonic() - begin}
                try:
                    self._report(Event("progress", "train", self._done, self._total, data=data))
                except Cancelled:
                    self._kept.keep(name, step + 1, state_now, now=True)
                    raise
            return fitter.averaged()
        finally:
            fitter.close()

    def _fold(self, fold: Fold, member: int, number: int, steps: int) -> tuple[Decoded, float]:
        """Train without the held-out frames; return their places, and where on the way they were best."""
        name = f"member{member}.fold{number}"
        seen: list[tuple[float, int, Decoded]] = []
        done = self._kept.finished(name)
        if done is not None:
            seen += _unpack_looks(done)
            self._done += steps
        else:

            def look(step: int, net: Dense) -> None:
                decoded = predict(net, self._ready[fold.held_out])
                error = float(np.nanmean(self._error(decoded, fold.held_out)))
                seen.append((error if np.isfinite(error) else np.inf, step, decoded))
                text = f"fold {number + 1}, step {step}: {error:.2f} px@256 on held-out frames"
                if self._plan.members > 1:
                    text = f"member {member + 1}, {text}"
                data: dict[str, object] = {"member": member, "fold": number, "step": step, "error": error}
                self._report(Event("note", "hold-out", text=text, data=data))

            self._fit(name, member, fold.training, (member, number), steps, look, seen)
            self._kept.finish(name, steps, _pack_looks(seen))
        self._looks += [Look(member, number, step, error) for error, step, _ in seen]
        error, step, decoded = min(seen, key=lambda item: item[0])
        # A last look that is as good as the best wins: earlier minima are mostly luck.
        if seen[-1][0] <= 1.02 * error:
            error, step, decoded = seen[-1]
        return decoded, step / steps

    def _final(self, usable: Int64[np.ndarray, " row"], member: int, steps: int) -> Dense:
        """Train a member on all labelled frames."""
        name = f"member{member}.final"
        done = self._kept.finished(name)
        if done is None:
            net = self._fit(name, member, usable, (member, _FINAL), steps)
            self._kept.finish(name, steps, {n: v.numpy() for n, v in net.state_dict().items()})
            return net
        self._done += steps
        net = self._start(member).eval()
        net.load_state_dict({n: torch.from_numpy(v) for n, v in done.items()})
        return net.requires_grad_(requires_grad=False)

    # judging -----------------------------------------------------------------------------------------

    def _error(
        self, decoded: Decoded, rows: Int64[np.ndarray, " row"]
    ) -> Float32[np.ndarray, "row keypoint"]:
        """Return errors of placed points [px@256]."""
        return placed_error(decoded.xy, self._labelled.xy[rows], self._labelled.state[rows], self._unit)

    def _forgetting(self, nets: Sequence[Dense]) -> float:
        """Return how much the error on rendered crops has grown; NaN where nothing can be compared."""
        if self._base is None or self._test is None:
            return float("nan")
        ready = normalise_crops(self._test.crops, None)
        known = np.array([row >= 0 for row in self._base_rows])
        state = np.where(known, self._test.state, UNLABELLED).astype(np.uint8)
        if not (state == PLACED).any():
            return float("nan")
        means = [
            np.nanmean(placed_error(self._merged(one, ready).xy, self._test.xy, state, 1.0))
            for one in (nets, self._base_nets())
        ]
        return float(means[0] / means[1])

    def _prior(self, usable: Int64[np.ndarray, " row"]) -> ShapePrior | None:
        """Fit the shape prior to labelled and rendered shapes."""
        xy, seen = self._labelled.xy[usable], self._labelled.state[usable] == PLACED
        if self._replay is not None:
            xy = np.concatenate((xy, self._replay.xy))
            seen = np.concatenate((seen, self._replay.state == PLACED))
        return fit_shape_prior(xy, seen, can_mirror=not self._pairs)

    def _old_calibration(self) -> Calibration | None:
        """Return the base's calibration of the wanted points; None if it does not know them all."""
        old = None if self._base is None else self._base.calibration
        if old is None or any(row < 0 for row in self._base_rows):
            return None
        rows = self._base_rows
        return replace(old, intercepts=old.intercepts[rows], scale=old.scale[rows])

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
        old = self._old_calibration()
        if old is not None:
            return refit_calibration(old, values, window, offset, placed, labelled, size=size)
        n = int(labelled.sum())
        if n < 60:
            return Calibration.uncalibrated(len(self._points))
        return fit_calibration(values, window, offset, placed, labelled, size=size, origin=f"labels:n={n}")

    def _found(
        self,
        found: list[tuple[np.ndarray, Decoded]],
        prior: ShapePrior | None,
        calibration: Calibration,
    ) -> Found:
        """Lay what was said of some frames out over all labelled frames."""
        shape, size = self._labelled.state.shape, self._ready.shape[-1]
        xy = np.full((*shape, 2), np.nan, np.float32)
        covariance = np.full((*shape, 3), np.nan, np.float32)
        confidence = np.full(shape, np.nan, np.float32)
        for rows, decoded in found:
            xy[rows] = decoded.xy
            confidence[rows] = calibration.confidence(features(decoded, prior, size))
            covariance[rows] = calibration.covariance(decoded.covariance, confidence[rows], size)
        return Found(xy, covariance, confidence)

    def _base_found(self, prior: ShapePrior | None) -> Found | None:
        """Return what the base said of the labelled frames."""
        if self._base_decoded is None:
            return None
        old = self._old_calibration()
        calibration = old or Calibration.uncalibrated(len(self._points))
        found = self._found([(np.arange(len(self._ready)), self._base_decoded)], prior, calibration)
        found.xy[:, [row < 0 for row in self._base_rows]] = np.nan
        if old is None:
            found.confidence[:] = np.nan
        return found


def _merge(found: Sequence[Decoded]) -> Decoded:
    """Merge what the members of an ensemble say."""
    if len(found) == 1:
        return found[0]
    names = Decoded.__slots__
    joined = {name: np.concatenate([getattr(one, name) for one in found], axis=1) for name in names}
    return merge_decoded(Decoded(**joined), len(found))


def _pack_looks(seen: Sequence[tuple[float, int, Decoded]]) -> dict[str, np.ndarray]:
    """Return looks as arrays by name."""
    packed: dict[str, np.ndarray] = {}
    for number, (error, step, decoded) in enumerate(seen):
        packed[f"look{number}.at"] = np.array([error, step], np.float64)
        packed |= {f"look{number}.{name}": getattr(decoded, name) for name in Decoded.__slots__}
    return packed


def _unpack_looks(packed: Mapping[str, np.ndarray]) -> list[tuple[float, int, Decoded]]:
    """Return the looks that `_pack_looks` packed."""
    seen: list[tuple[float, int, Decoded]] = []
    while f"look{len(seen)}.at" in packed:
        place = f"look{len(seen)}"
        error, step = packed[f"{place}.at"].tolist()
        seen.append((error, int(step), Decoded(**{n: packed[f"{place}.{n}"] for n in Decoded.__slots__})))
    return seen

"""What goes beyond explained variance in every fold: parts of the face, and one lag at a time."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_fold import Extra, FoldOutcome, Found
from mystax.analyses.encoding_members import FoldDesign, Units
from mystax.compute.explained import explained_variance, gain_interval
from mystax.compute.folds import FoldPlan
from mystax.compute.lag_curve import LAGS, lag_designs, lag_peaks
from mystax.compute.linear_fit import fit_quickly, predict_rows, sum_inner
from mystax.compute.scoring import score_blocks
from mystax.core.typing import Bool, Float32

__all__ = ["lags_found", "lags_of_fold", "part_labels", "parts_found", "parts_of_fold"]


def part_labels(parts: Sequence[tuple[str, str]]) -> list[tuple[str, list[int]]]:
    """Name parts, and groups with several parts where there are several groups.

    Parameters
    ----------
    parts : sequence of (group, part)
        Parts of the behaviour.

    Returns
    -------
    list of (name, places)
        Which parts belong to each name.
    """
    found = [(f"{group}/{part}", [k]) for k, (group, part) in enumerate(parts)]
    groups = list(dict.fromkeys(group for group, _ in parts))
    if len(groups) > 1:
        for group in groups:
            inside = [k for k, (name, _) in enumerate(parts) if name == group]
            if len(inside) > 1:
                found.append((group, inside))
    return found if len(parts) > 1 else []


def parts_of_fold(data: EncodingData, plan: FoldPlan) -> Extra:
    """Return the work of a fold: errors of the filterbank without each part, and of each part alone."""

    def extra(design: FoldDesign, units: Units, fold: int) -> Mapping[str, np.ndarray]:
        owner = np.array([f"{f.group}/{f.part}" for f in design.bank.features_])
        every = np.arange(len(owner))
        test = plan.test(fold)
        scores = []

        def said(features: np.ndarray) -> None:
            # A group that added nothing beside all the others may be all that is left of them here.
            scales = [design.scale, design.family_scale]
            if (scales[0][features] == scales[1][features]).all():
                del scales[1]
            weights, intercept = fit_quickly(design.sums, features, *scales)
            scores.append(predict_rows(design.x[test][:, features], weights, intercept))

        names = [(part.group, part.part) for part in data.grid.parts]
        said(every)
        for _, places in part_labels(names):
            mine = np.isin(owner, ["/".join(names[k]) for k in places])
            said(every[~mine])
            said(every[mine])
        errors = _errors(data, plan, fold, units, scores)
        return {"parts_full": errors[0], "parts_without": errors[1::2], "parts_alone": errors[2::2]}

    return extra


def _errors(
    data: EncodingData,
    plan: FoldPlan,
    fold: int,
    units: Units,
    scores: Sequence[Float32[np.ndarray, "test component"]],
) -> Float32[np.ndarray, "model block neuron"]:
    """Return the errors of predicted components per block and neuron."""
    loadings = units.loadings.astype(np.float32)

    def predict(rows: slice, slab: slice) -> Iterator[np.ndarray]:
        return (some[rows] @ loadings[slab].T for some in scores)

    return score_blocks(
        data.population, units.pair, plan, fold, predict, len(scores), with_products=False
    ).sse


def _in_order(folds: Sequence[FoldOutcome], name: str, n_blocks: int) -> Float32[np.ndarray, "..."]:
    """Put what the folds kept in the order of the blocks (the axis before the last)."""
    first = folds[0].extra[name]
    found = np.zeros((*first.shape[:-2], n_blocks, first.shape[-1]), np.float32)
    for fold in folds:
        found[..., fold.scores.blocks, :] = fold.extra[name]
    return found


def parts_found(
    data: EncodingData,
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    sst: Float32[np.ndarray, "block neuron"],
    seed: int,
) -> tuple[Found, Found]:
    """Return unique and alone of every part, with the coordinate `part`."""
    labels = part_labels([(part.group, part.part) for part in data.grid.parts])
    if not labels:
        return {}, {}
    draws, spread = plan.draws(seed=seed), plan.spread
    full = _in_order(folds, "parts_full", plan.n_blocks)
    without = _in_order(folds, "parts_without", plan.n_blocks)
    alone = _in_order(folds, "parts_alone", plan.n_blocks)
    made = {
        name: np.empty((len(labels), sst.shape[1]), np.float32)
        for name in ("unique", "unique_low", "unique_high", "alone")
    }
    whole = explained_variance(full, sst)
    for k in range(len(labels)):
        made["unique"][k] = whole - explained_variance(without[k], sst)
        ends = gain_interval(full, without[k], sst, draws, spread)
        made["unique_low"][k], made["unique_high"][k] = ends
        made["alone"][k] = explained_variance(alone[k], sst)
    names = np.array([name for name, _ in labels], object)
    return {name: (("part", "neuron"), values) for name, values in made.items()}, {"part": (("part",), names)}


def lags_of_fold(data: EncodingData, plan: FoldPlan) -> Extra:
    """Return the work of a fold: errors at one lag at a time."""

    def extra(design: FoldDesign, units: Units, fold: int) -> Mapping[str, np.ndarray]:
        train, test = plan.train(fold), plan.test(fold)
        inner = plan.inner(train)
        scores = []
        for x in lag_designs(design.bank, data.grid, data.bins, train, data.width):
            sums = sum_inner(x, units.scores, train, inner)
            weights, intercept = fit_quickly(sums, np.arange(x.shape[1]), np.ones(x.shape[1]))
            scores.append(predict_rows(x[test], weights, intercept))
        return {"lag_sse": _errors(data, plan, fold, units, scores)}

    return extra


def lags_found(
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    sst: Float32[np.ndarray, "block neuron"],
    significant: Bool[np.ndarray, " neuron"] | None,
    seed: int,
) -> tuple[Found, Found]:
    """Return the curves and their peaks, with the coordinate `lag`; peaks of significant neurons only."""
    sse = _in_order(folds, "lag_sse", plan.n_blocks)
    curve, peak = lag_peaks(sse, sst, plan.draws(200, seed=seed), plan.spread)
    if significant is not None:
        peak[:, ~significant] = np.nan
    names = ("peak_lag", "peak_lag_low", "peak_lag_high")
    found: Found = {"lag_curve": (("lag", "neuron"), curve.astype(np.float32))}
    found |= {name: (("neuron",), peak[k].astype(np.float32)) for k, name in enumerate(names)}
    return found, {"lag": (("lag",), np.asarray(LAGS))}

"""From folds to the outcome `encoding`: explained variance, intervals, predictions, weights."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.encoding import ENCODING
from mystax.analyses.encoding_data import EncodingData, left_out_json
from mystax.analyses.encoding_fold import FoldOutcome
from mystax.analyses.encoding_members import FAMILIES
from mystax.compute.explained import (
    bits_per_spike,
    correlation_from_sums,
    deviance_explained,
    explained_interval,
    explained_variance,
    gain_interval,
    interval_of,
    population_variance,
)
from mystax.compute.folds import FoldPlan
from mystax.core.dataset import check_outcome, complete_outcome
from mystax.core.typing import Float32, Float64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BASELINE", "STATISTICS", "Extras", "assemble_encoding", "pooled_errors"]

BASELINE = "lagged-ridge"
STATISTICS = ("mean", "median", "pooled", "low", "high", "share_negative")
LEAST_BASELINE = 0.005
"""No ratio to a baseline that explains less is ever written."""
MOST_VALUES = 64_000_000
"""Predictions with more values are kept as components."""

Extras = Mapping[str, tuple[tuple[str, ...], np.ndarray]]
"""Further variables: name to dimensions and values."""


def pooled_errors(
    folds: Sequence[FoldOutcome], n_blocks: int
) -> tuple[Float32[np.ndarray, "model block neuron"], Float32[np.ndarray, "block neuron"]]:
    """Put the errors of all folds in the order of the blocks."""
    first = folds[0].scores
    sse = np.zeros((first.sse.shape[0], n_blocks, first.sse.shape[2]), np.float32)
    sst = np.zeros((n_blocks, first.sse.shape[2]), np.float32)
    for fold in folds:
        sse[:, fold.scores.blocks] = fold.scores.sse
        sst[fold.scores.blocks] = fold.scores.sst
    return sse, sst


def assemble_encoding(
    data: EncodingData,
    plan: FoldPlan,
    folds: Sequence[FoldOutcome],
    *,
    seed: int,
    moments: tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]] | None = None,
    extras: Extras | None = None,
    coordinates: Extras | None = None,
    attributes: Mapping[str, object] | None = None,
) -> Dataset:
    """Lay out what the folds found.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    plan : FoldPlan
        Folds.
    folds : sequence of FoldOutcome
        All of them, in order.
    seed : int
        Start of the random numbers of the bootstrap.
    moments : pair of arrays (neuron,), optional
        Mean and sd of the usable bins, where they are known already.
    extras, coordinates : mapping, optional
        Further variables and coordinates.
    attributes : mapping, optional
        Further attributes.

    Returns
    -------
    Dataset
        In the form of `ENCODING`.
    """
    import xarray as xr

    sse, sst = pooled_errors(folds, plan.n_blocks)
    models, members = folds[0].models, folds[0].members
    draws, spread = plan.draws(seed=seed), plan.spread
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        **_explained(models, sse, sst, draws, spread),
        "correlation": (("model", "neuron"), _correlation([(f.scores.n, f.scores.products) for f in folds])),
        "correlation_coarse": (
            ("model", "neuron"),
            _correlation([(f.scores.n_coarse, f.scores.coarse) for f in folds]),
        ),
        "component_variance": (("model", "component"), _components(folds)),
        "fold": (("time",), plan.fold.astype(np.int8)),
        "usable": (("time",), plan.usable.astype(np.int8)),
        "sse": (("model", "block", "neuron"), sse),
        "sst": (("block", "neuron"), sst),
        "stack_weight": (
            ("member", "neuron"),
            np.mean([f.weights for f in folds], axis=0).astype(np.float32),
        ),
        "scale": (("family",), _mean_known(np.array([f.scales for f in folds])).astype(np.float32)),
        **_predictions(data, plan, folds),
        **(extras or {}),
    }
    if data.is_counts:
        variables |= _counts(data, plan, folds)
    dataset = xr.Dataset(
        variables,
        coords={
            **_neurons(data, moments or data.population.moments(data.usable)),
            "time": data.times,
            "model": list(models),
            "statistic": list(STATISTICS),
            "member": list(members),
            "family": list(FAMILIES),
            "block_start": ("block", plan.first),
            "block_fold": ("block", plan.block_fold),
            **(coordinates or {}),
        },
        attrs={
            "n_folds": plan.n_folds,
            "gap": plan.gap,
            "interval_spread": spread,
            "bin": data.width,
            "groups": json.dumps(list(data.grid.groups)),
            "features_left_out": json.dumps(dict(data.grid.left_out)),
            "neurons_left_out": left_out_json(data),
            "signal": str(data.neural.attrs.get("signal", "")),
            "position_unit": str(data.neural.attrs.get("unit", "")),
            **_ratio(models, sse, sst, draws, spread),
            **(attributes or {}),
        },
    )
    dataset["time"].attrs["units"] = "s"
    dataset = complete_outcome(dataset, ENCODING)
    check_outcome(dataset, ENCODING, "outcome 'encoding'")
    return dataset


def _mean_known(rows: Float64[np.ndarray, "fold family"]) -> Float64[np.ndarray, " family"]:
    """Average the folds that know a number; NaN where none does (a family without columns)."""
    known = np.isfinite(rows)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, rows, 0.0).sum(0) / np.maximum(count, 1), np.nan)


def _explained(
    models: Sequence[str],
    sse: Float32[np.ndarray, "model block neuron"],
    sst: Float32[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float,
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Explained variance, gains over the baseline, and their intervals."""
    names = ("explained_variance", "explained_variance_low", "explained_variance_high")
    gains = ("gain", "gain_low", "gain_high")
    found = {name: np.empty((len(models), sst.shape[1]), np.float32) for name in (*names, *gains)}
    population = np.empty((len(models), len(STATISTICS)))
    baseline = sse[models.index(BASELINE)]
    for k in range(len(models)):
        each = explained_variance(sse[k], sst)
        found[names[0]][k] = each
        found[names[1]][k], found[names[2]][k] = explained_interval(sse[k], sst, draws, spread)
        found[gains[0]][k] = each - explained_variance(baseline, sst)
        found[gains[1]][k], found[gains[2]][k] = gain_interval(sse[k], baseline, sst, draws, spread)
        whole = population_variance(sse[k], sst, draws, spread)
        population[k] = [getattr(whole, name) for name in STATISTICS]
    return {
        **{name: (("model", "neuron"), values) for name, values in found.items()},
        "population": (("model", "statistic"), population),
    }


def _ratio(
    models: Sequence[str],
    sse: Float32[np.ndarray, "model block neuron"],
    sst: Float32[np.ndarray, "block neuron"],
    draws: Float64[np.ndarray, "draw block"],
    spread: float,
) -> dict[str, float]:
    """Return how many times the baseline the stack explains, where the baseline explains enough to say so."""
    base = population_variance(sse[models.index(BASELINE)], sst, draws, spread)
    if not (base.mean >= LEAST_BASELINE and base.low > 0):
        return {}
    stack = population_variance(sse[models.index("stacked")], sst, draws, spread)
    drawn = np.where(base.drawn > 0, stack.drawn / base.drawn, np.nan)
    low, high = interval_of(drawn, round(float(draws[0].sum())))
    return {"ratio": stack.mean / base.mean, "ratio_low": float(low), "ratio_high": float(high)}


def _correlation(
    sums: Sequence[tuple[int, Float64[np.ndarray, "model five neuron"]]],
) -> Float32[np.ndarray, "model neuron"]:
    """Return correlations over all folds; 0 where nothing was counted."""
    total = np.sum([products for _, products in sums], axis=0)
    n = float(max(1, sum(count for count, _ in sums)))
    return np.stack([correlation_from_sums(n, p[0], p[1], p[2], p[3], p[4]) for p in total]).astype(
        np.float32
    )


def _components(folds: Sequence[FoldOutcome]) -> Float32[np.ndarray, "model component"]:
    """Return explained variance of the components, each over the folds that have it."""
    most = max(len(f.component_sst) for f in folds)
    sse, sst = np.zeros((len(folds[0].models), most)), np.zeros(most)
    for f in folds:
        sse[:, : len(f.component_sst)] += f.component_sse
        sst[: len(f.component_sst)] += f.component_sst
    return np.asarray(1 - sse / np.where(sst > 0, sst, np.inf), np.float32)


def _predictions(
    data: EncodingData, plan: FoldPlan, folds: Sequence[FoldOutcome]
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Return the stacked prediction of every bin, or its components where there would be too many values."""
    n_times, n = len(data.times), data.population.n
    if n_times * n <= MOST_VALUES:
        found = np.full((n_times, n), np.nan, np.float32)
        for f in folds:
            made = np.zeros((int(plan.test(f.fold).sum()), n), np.float32)
            for scores, weights in zip(f.predictions, f.weights, strict=True):
                made += (scores @ f.loadings.T) * weights.astype(np.float32)
            found[plan.test(f.fold)] = made
        return {"prediction": (("time", "neuron"), found)}
    # folds of few bins differ in components: those that a fold lacks are 0
    r, m = max(f.loadings.shape[1] for f in folds), len(folds[0].members)
    scores = np.full((m, n_times, r), np.nan, np.float32)
    loadings = np.zeros((len(folds), n, r), np.float32)
    for k, f in enumerate(folds):
        own = f.loadings.shape[1]
        loadings[k, :, :own] = f.loadings
        rows = np.flatnonzero(plan.test(f.fold))
        scores[:, rows] = 0
        scores[:, rows, :own] = f.predictions
    return {
        "prediction_score": (("member", "time", "component"), scores),
        "loading": (("fold_number", "neuron", "component"), loadings),
        "member_weight": (
            ("fold_number", "member", "neuron"),
            np.stack([f.weights for f in folds]).astype(np.float32),
        ),
    }


def _counts(
    data: EncodingData, plan: FoldPlan, folds: Sequence[FoldOutcome]
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Return deviance and bits per spike of the stack and the baseline, for counts."""
    models = folds[0].models
    found = {
        name: np.full((len(models), data.population.n), np.nan, np.float32)
        for name in ("deviance_explained", "bits_per_spike")
    }
    rows = np.concatenate([np.flatnonzero(plan.test(f.fold)) for f in folds])
    for slab in data.population.slabs:
        counts = data.population.read(slab)[rows]
        mean = np.concatenate(
            [
                np.broadcast_to(f.mean[slab], (int(plan.test(f.fold).sum()), slab.stop - slab.start))
                for f in folds
            ]
        ).astype(np.float32)
        for name in ("mean-only", "lagged-ridge", "stacked"):
            said = np.concatenate([_in_units(f, name, slab) for f in folds])
            k = models.index(name)
            found["deviance_explained"][k, slab] = deviance_explained(counts, said, mean)
            found["bits_per_spike"][k, slab] = bits_per_spike(counts, said, mean)
    return {name: (("model", "neuron"), values) for name, values in found.items()}


def _in_units(fold: FoldOutcome, model: str, slab: slice) -> Float32[np.ndarray, "test some"]:
    """Return a prediction in the unit of the activity."""
    loadings = fold.loadings[slab]
    made = np.zeros((fold.predictions.shape[1], len(loadings)), np.float32)
    for k, name in enumerate(fold.members):
        weight = fold.weights[k, slab] if model == "stacked" else float(name == model)
        made += (fold.predictions[k] @ loadings.T) * np.asarray(weight, np.float32)
    return np.asarray((made * fold.sd[slab] + fold.mean[slab]).astype(np.float32))


def _neurons(
    data: EncodingData, moments: tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]
) -> dict[str, tuple[str, np.ndarray]]:
    """Return the coordinates of the neurons that take part."""
    keep, neural = data.population.neurons, data.neural
    mean, sd = moments
    found = {
        name: ("neuron", np.asarray(neural[source].values)[keep])
        for name, source in (
            ("neuron", "neuron"),
            ("neuron_x", "neuron_x"),
            ("neuron_y", "neuron_y"),
            ("neuron_z", "neuron_z"),
            ("area", "area"),
            ("plane", "plane"),
            ("neuron_quality", "quality"),
        )
    }
    found["neuron_mean"], found["neuron_sd"] = (
        ("neuron", mean.astype(np.float32)),
        ("neuron", sd.astype(np.float32)),
    )
    return found

"""One fold of the encoder: components, designs, models, stacking, and their errors on the test bins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.compute.filterbank import Filterbank
from mystax.compute.folds import FoldPlan
from mystax.compute.lagged import Lagged
from mystax.compute.linear_fit import (
    InnerSums,
    LinearFit,
    choose_scales,
    fit_linear,
    fit_reduced_rank,
    sum_inner,
)
from mystax.compute.lowrank import leading_components, n_components_for
from mystax.compute.scoring import BlockScores, score_blocks, stack_sums
from mystax.compute.stacking import stack_error, stack_weights
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float32, Float64

__all__ = [
    "FAMILIES",
    "Fitted",
    "FoldOutcome",
    "FoldSettings",
    "Units",
    "fit_fold",
    "units_of",
]

FAMILIES = ("envelope", "half-wave", "slow", "signed")
"""Families of features, in the order in which their scales are tried."""

Scales = Literal["search", "one"]


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """What is fitted in every fold.

    Attributes
    ----------
    deep : object or None
        `mystax.nets.encoder.DeepSettings`, or None without a network.
    scales : str
        ``search`` for scales of families, ``one`` to leave them.
    reduced_rank, one_point : bool
        Whether these linear models are reported too.
    seed : int
        Start of the random numbers.
    """

    deep: object | None = None
    scales: Scales = "search"
    reduced_rank: bool = False
    one_point: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Units:
    """Units and components of the population, learned on some bins.

    Attributes
    ----------
    mean, sd : array (neuron,)
        Of the training bins.
    loadings : array (neuron, component)
        Directions.
    scores : array (time, component)
        Of all bins.
    """

    mean: Float64[np.ndarray, " neuron"]
    sd: Float64[np.ndarray, " neuron"]
    loadings: Float64[np.ndarray, "neuron component"]
    scores: Float32[np.ndarray, "time component"]

    @property
    def pair(self) -> tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]:
        """Mean and sd."""
        return self.mean, self.sd


def units_of(data: EncodingData, train: Bool[np.ndarray, " time"], seed: int) -> Units:
    """Standardise the population on training bins, and find its components there."""
    population = data.population
    mean, sd = population.moments(train)
    n = int(train.sum())
    r = n_components_for(population.n, n)
    loadings = leading_components(population.readers(mean, sd, train), n, population.n, r, seed)
    return Units(mean, sd, loadings, population.scores(mean, sd, loadings))


@dataclass(frozen=True)
class Fitted:
    """One model of a fold: what it says of the test bins, and said of the training bins out of fold."""

    scores: Float32[np.ndarray, "test component"]
    held: Float32[np.ndarray, "train component"]


@dataclass(frozen=True)
class FoldOutcome:
    """Everything that is kept of a fold.

    Attributes
    ----------
    fold : int
        Its number.
    models : tuple of str
        Names on the first axis of the scores.
    members : tuple of str
        Names on the first axis of weights and predictions.
    scores : BlockScores
        Errors per block.
    weights : array (member, neuron)
        Stacking weights.
    predictions : array (member, test, component)
        Predicted components, mean of the out-of-fold predictions removed.
    loadings : array (neuron, component)
        From components to neurons.
    mean, sd : array (neuron,)
        Units.
    component_sse, component_sst : array (model, component), (component,)
        Squared errors of the components.
    scales : array (family,)
        Mean factor of each family of features.
    fallback : bool
        Whether the baseline alone is used, since stacking did not help.
    notes : mapping
        Numbers for the report: rank, epochs.
    extra : mapping of str to array
        Errors of parts and lags.
    """

    fold: int
    models: tuple[str, ...]
    members: tuple[str, ...]
    scores: BlockScores
    weights: Float64[np.ndarray, "member neuron"]
    predictions: Float32[np.ndarray, "member test component"]
    loadings: Float64[np.ndarray, "neuron component"]
    mean: Float64[np.ndarray, " neuron"]
    sd: Float64[np.ndarray, " neuron"]
    component_sse: Float64[np.ndarray, "model component"]
    component_sst: Float64[np.ndarray, " component"]
    scales: Float64[np.ndarray, " family"]
    fallback: bool
    notes: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldDesign:
    """The filterbank of a fold with its sums, for what is computed from sub-blocks."""

    bank: Filterbank
    x: Float32[np.ndarray, "time feature"]
    sums: InnerSums
    scale: Float64[np.ndarray, " feature"]


Extra = Callable[[FoldDesign, Units, int], Mapping[str, np.ndarray]]


def fit_fold(
    data: EncodingData,
    plan: FoldPlan,
    fold: int,
    settings: FoldSettings,
    tiles: Tiles,
    *,
    extras: Sequence[Extra] = (),
    watch: Callable[[str, float], None] = lambda stage, share: None,
) -> FoldOutcome:
    """Fit all models of one fold on its training bins and judge them on its test bins.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    plan : FoldPlan
        Folds.
    fold : int
        Which one.
    settings : FoldSettings
        What is fitted.
    tiles : Tiles
        Threads for independent pieces; the result does not depend on them.
    extras : sequence of callables, optional
        Further analyses of the fold's filterbank.
    watch : callable, optional
        Told what is being done and the share of the fold that is done; may raise to stop.

    Returns
    -------
    FoldOutcome
        Errors and predictions.
    """
    train, test = plan.train(fold), plan.test(fold)
    inner = plan.inner(train)
    watch("components", 0.0)
    units = units_of(data, train, settings.seed)
    fitted: dict[str, Fitted] = {}
    notes: dict[str, float] = {}

    def keep(name: str, fit: LinearFit, x: np.ndarray) -> None:
        fitted[name] = Fitted(fit.predict(x[test]), fit.held)

    watch("lagged-ridge", 0.1)
    lagged = Lagged().fit_transform(data.grid, data.bins, data.times, data.width, train)
    keep("lagged-ridge", fit_linear(lagged, sum_inner(lagged, units.scores, train, inner), train, inner), lagged)
    del lagged
    if settings.one_point:
        point = Lagged(one_point=True).fit_transform(data.grid, data.bins, data.times, data.width, train)
        keep("one-point", fit_linear(point, sum_inner(point, units.scores, train, inner), train, inner), point)
    watch("filterbank", 0.2)
    design = fit_design(data, units, train, inner, settings.scales)
    keep(
        "filterbank", fit_linear(design.x, design.sums, train, inner, scale=design.scale), design.x
    )
    if settings.reduced_rank:
        fit, rank = fit_reduced_rank(design.x, design.sums, train, inner, scale=design.scale)
        keep("reduced-rank", fit, design.x)
        notes["rank"] = rank
    members = ["lagged-ridge", "filterbank"]
    if settings.deep is not None:
        from mystax.nets.encoder import DeepSettings, fit_deep
        from mystax.nets.encoder_weights import evaluate_members

        watch("deep", 0.4)
        if not isinstance(settings.deep, DeepSettings):
            raise TypeError("settings of the network must be DeepSettings")
        x = design.x[:, design.scale > 0]
        deep = fit_deep(
            x, units.scores, train, inner, settings.deep, tiles, lambda: watch("deep", 0.6)
        )
        fitted["deep"] = Fitted(evaluate_members(deep.members, x[test]), deep.held)
        notes["epochs"] = float(np.mean(deep.epochs))
        members.append("deep")
    watch("stack", 0.9)
    found = {}
    for extra in extras:
        found |= extra(design, units, fold)
    return _judge(data, plan, fold, units, fitted, members, design, notes, found)


def fit_design(
    data: EncodingData,
    units: Units,
    train: Bool[np.ndarray, " time"],
    inner: Sequence[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]],
    scales: Scales,
) -> FoldDesign:
    """Make the filterbank of some training bins, its sums, and the scales of its families."""
    bank = Filterbank()
    x = bank.fit_transform(data.grid, data.bins, train)
    sums = sum_inner(x, units.scores, train, inner)
    scale = np.ones(x.shape[1])
    if scales == "search":
        features = bank.features_
        scale = choose_scales(sums, [f.family for f in features], [f.group for f in features], FAMILIES)
    return FoldDesign(bank, x, sums, scale)


def _judge(
    data: EncodingData,
    plan: FoldPlan,
    fold: int,
    units: Units,
    fitted: Mapping[str, Fitted],
    members: Sequence[str],
    design: FoldDesign,
    notes: Mapping[str, float],
    extra: Mapping[str, np.ndarray],
) -> FoldOutcome:
    """Stack the members and compare everything with the test bins."""
    train, test = plan.train(fold), plan.test(fold)
    held = [fitted[name].held for name in members]
    products, across = stack_sums(data.population, units.pair, train, units.loadings, held)
    weights = stack_weights(products, across)
    alone = np.zeros_like(weights)
    alone[0] = 1
    fallback = bool(
        stack_error(weights, products, across).sum() >= stack_error(alone, products, across).sum()
    )
    if fallback:
        weights = alone
    means = [p.mean(0, dtype=np.float64).astype(np.float32) for p in held]
    predictions = np.stack([fitted[name].scores - m for name, m in zip(members, means, strict=True)])
    loadings = units.loadings.astype(np.float32)

    def single(scores: np.ndarray) -> Callable[[slice], np.ndarray]:
        return lambda slab: scores @ loadings[slab].T

    def stacked(slab: slice) -> np.ndarray:
        found = np.zeros((int(test.sum()), slab.stop - slab.start), np.float32)
        for k, scores in enumerate(predictions):
            found += (scores @ loadings[slab].T) * weights[k, slab].astype(np.float32)
        return found

    nothing = np.zeros((int(test.sum()), loadings.shape[1]), np.float32)
    names = ("mean-only", *fitted, "stacked")
    said = [single(nothing), *(single(item.scores) for item in fitted.values()), stacked]
    scores = score_blocks(data.population, units.pair, plan, fold, said)
    truth = units.scores[test].astype(np.float64)
    mean_weights = weights.mean(1)
    blend = np.einsum("m,mtr->tr", mean_weights, predictions)
    component_sse = np.stack(
        [((truth - p) ** 2).sum(0) for p in (nothing, *(item.scores for item in fitted.values()), blend)]
    )
    families = [f.family for f in design.bank.features_]
    scales = np.array(
        [
            design.scale[[f == family for f in families]].mean() if family in families else np.nan
            for family in FAMILIES
        ]
    )
    return FoldOutcome(
        fold,
        names,
        tuple(members),
        scores,
        weights,
        predictions.astype(np.float32),
        units.loadings,
        *units.pair,
        component_sse,
        ((truth - truth.mean(0)) ** 2).sum(0),
        scales,
        fallback,
        notes,
        extra,
    )

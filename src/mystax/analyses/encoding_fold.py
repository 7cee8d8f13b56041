"""One fold of the encoder: components, designs, models, stacking, and their errors on the test bins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.compute.filterbank import Filterbank
from mystax.compute.folds import FoldPlan
from mystax.compute.lagged import Lagged
from mystax.compute.linear_fit import (
    Decompositions,
    InnerSums,
    LinearFit,
    choose_scales,
    fit_linear,
    fit_reduced_rank,
    mean_of,
    sum_inner,
)
from mystax.compute.lowrank import leading_components, n_components_for
from mystax.compute.scoring import BlockScores, score_blocks, stack_sums
from mystax.compute.stacking import stack_error, stack_weights
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float32, Float64

__all__ = [
    "FAMILIES",
    "Extra",
    "FoldDesign",
    "FoldOutcome",
    "FoldSettings",
    "Found",
    "Members",
    "Stack",
    "Units",
    "fit_design",
    "fit_fold",
    "fit_members",
    "stack_members",
    "units_of",
]

Inner = Sequence[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]]

FAMILIES = ("envelope", "half-wave", "slow", "signed")
"""Families of features, in the order in which their scales are tried."""

Scales = Literal["search", "one"]
Found = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Variables: name to dimensions and values."""


@dataclass(frozen=True, slots=True)
class FoldSettings:
    """What is fitted in every fold.

    Attributes
    ----------
    deep : DeepSettings or None
        Of `mystax.nets.encoder`; None without a network.
    facemap : FacemapSettings or None
        Of `mystax.nets.facemap_encoder`; None without it.
    n_inner : int
        Inner folds, and networks of the ensemble.
    scales : str
        ``search`` for scales of families, ``one`` to leave them.
    reduced_rank, one_point : bool
        Whether these linear models are reported too.
    seed : int
        Start of the random numbers.
    """

    deep: Any = None
    facemap: Any = None
    n_inner: int = 4
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
    watch: Callable[[str, float], None] = lambda _stage, _share: None,
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
    train = plan.train(fold)
    watch("components", 0.0)
    units = units_of(data, train, settings.seed)
    fits = fit_members(data, units, train, plan.inner(train, settings.n_inner), settings, tiles, watch)
    watch("stack", 0.9)
    found: dict[str, np.ndarray] = {}
    for extra in extras:
        found |= extra(fits.design, units, fold)
    return _judge(data, plan, fold, units, fits, found)


@dataclass(frozen=True)
class Members:
    """All models of some training bins.

    Attributes
    ----------
    lagged : Lagged
        The baseline's design.
    design : FoldDesign
        The filterbank's.
    linear : mapping of str to (array (time, feature), LinearFit)
        Linear models by name, with their designs.
    deep : DeepFit or None
        The networks.
    facemap : FacemapFit or None
        The published network.
    stacked : tuple of str
        Names of those that take part in the stack.
    notes : mapping of str to float
        Numbers for the report: rank, epochs.
    """

    lagged: Lagged
    design: "FoldDesign"
    linear: Mapping[str, tuple[Float32[np.ndarray, "time feature"], LinearFit]]
    deep: Any
    facemap: Any
    stacked: tuple[str, ...]
    notes: Mapping[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all models."""
        return (
            *self.linear,
            *(("deep",) if self.deep is not None else ()),
            *(("facemap",) if self.facemap is not None else ()),
        )

    def said(self, name: str, rows: Bool[np.ndarray, " time"]) -> Float32[np.ndarray, "some component"]:
        """Return what a model says of some bins."""
        if name == "deep":
            from mystax.nets.encoder_weights import evaluate_members

            return evaluate_members(self.deep.members, self.design.x[rows][:, self.design.scale > 0])
        if name == "facemap":
            found: np.ndarray = self.facemap.predict(rows)
            return found
        x, fit = self.linear[name]
        return fit.predict(x[rows])

    def held(self, name: str) -> Float32[np.ndarray, "train component"]:
        """Return what a model of the stack said of the training bins out of fold."""
        found: np.ndarray = self.deep.held if name == "deep" else self.linear[name][1].held
        return found


def fit_members(
    data: EncodingData,
    units: Units,
    train: Bool[np.ndarray, " time"],
    inner: Inner,
    settings: FoldSettings,
    tiles: Tiles,
    watch: Callable[[str, float], None] = lambda _stage, _share: None,
) -> Members:
    """Fit all models on some training bins.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    units : Units
        Of the training bins.
    train : array (time,)
        Training bins.
    inner : sequence of pairs
        Inner folds.
    settings : FoldSettings
        What is fitted.
    tiles : Tiles
        Threads for independent pieces.
    watch : callable, optional
        Told what is being done.

    Returns
    -------
    Members
        The models.
    """
    linear: dict[str, tuple[np.ndarray, LinearFit]] = {}
    notes: dict[str, float] = {}
    watch("lagged-ridge", 0.1)
    lagged = Lagged()
    for name, maker in (
        ("lagged-ridge", lagged),
        *((("one-point", Lagged(one_point=True)),) if settings.one_point else ()),
    ):
        x = maker.fit_transform(data.grid, data.bins, data.times, data.width, train)
        found = Decompositions(sum_inner(x, units.scores, train, inner))
        linear[name] = (x, fit_linear(x, found, train, inner))
    watch("filterbank", 0.2)
    design = fit_design(data, units, train, inner, settings.scales)
    found = Decompositions(design.sums, design.scale)
    low, rank = fit_reduced_rank(design.x, found, train, inner)
    ridge = fit_linear(design.x, found, train, inner)
    # what ridge and its leading directions say errs in different ways: their mean is better than either
    linear["filterbank"] = (design.x, mean_of(ridge, low))
    if settings.reduced_rank:
        linear["reduced-rank"] = (design.x, low)
    notes["rank"] = rank
    deep = facemap = None
    if settings.deep is not None:
        from mystax.nets.encoder import fit_deep

        watch("deep", 0.4)
        x = design.x[:, design.scale > 0]
        deep = fit_deep(x, units.scores, train, inner, settings.deep, tiles, lambda: watch("deep", 0.6))
        notes["epochs"] = float(np.mean(deep.epochs))
    if settings.facemap is not None:
        from mystax.nets.facemap_encoder import fit_facemap

        watch("facemap", 0.4)
        facemap = fit_facemap(
            data.grid,
            data.times,
            units.scores,
            train,
            inner[0],
            settings.facemap,
            lambda: watch("facemap", 0.6),
            n_neurons=data.population.n,
        )
        notes["facemap_epoch"] = float(facemap.epoch)
    stacked = ("lagged-ridge", "filterbank", *(("deep",) if deep is not None else ()))
    return Members(lagged, design, linear, deep, facemap, stacked, notes)


@dataclass(frozen=True)
class Stack:
    """How the members are weighed.

    Attributes
    ----------
    weights : array (member, neuron)
        Weights.
    means : array (member, component)
        Means of the out-of-fold predictions, taken off before weighing.
    fallback : bool
        Whether the baseline alone is used, since weighing did not help.
    """

    weights: Float64[np.ndarray, "member neuron"]
    means: Float32[np.ndarray, "member component"]
    fallback: bool


def stack_members(data: EncodingData, units: Units, train: Bool[np.ndarray, " time"], fits: Members) -> Stack:
    """Weigh the members from their out-of-fold predictions; the baseline alone where that is no better."""
    held = [fits.held(name) for name in fits.stacked]
    products, across = stack_sums(data.population, units.pair, train, units.loadings, held)
    weights = stack_weights(products, across)
    alone = np.zeros_like(weights)
    alone[0] = 1
    error = [stack_error(item, products, across).sum() for item in (weights, alone)]
    fallback = bool(error[0] >= error[1])
    means = np.stack([p.mean(0, dtype=np.float64).astype(np.float32) for p in held])
    return Stack(alone if fallback else weights, means, fallback)


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
    fits: Members,
    extra: Mapping[str, np.ndarray],
) -> FoldOutcome:
    """Stack the members and compare everything with the test bins."""
    train, test = plan.train(fold), plan.test(fold)
    stack = stack_members(data, units, train, fits)
    said = {name: fits.said(name, test) for name in fits.names}
    predictions = np.stack([said[name] - m for name, m in zip(fits.stacked, stack.means, strict=True)])
    loadings = units.loadings.astype(np.float32)
    weights = stack.weights.astype(np.float32)

    def single(scores: np.ndarray) -> Callable[[slice], np.ndarray]:
        return lambda slab: scores @ loadings[slab].T

    def stacked(slab: slice) -> np.ndarray:
        found = np.zeros((predictions.shape[1], slab.stop - slab.start), np.float32)
        for k, scores in enumerate(predictions):
            found += (scores @ loadings[slab].T) * weights[k, slab]
        return found

    nothing = np.zeros(predictions.shape[1:], np.float32)
    models = [single(nothing), *(single(scores) for scores in said.values()), stacked]
    scores = score_blocks(data.population, units.pair, plan, fold, models)
    truth = units.scores[test].astype(np.float64)
    blend = np.einsum("m,mtr->tr", stack.weights.mean(1), predictions)
    component_sse = np.stack([((truth - p) ** 2).sum(0) for p in (nothing, *said.values(), blend)])
    families = np.array([f.family for f in fits.design.bank.features_])
    scales = [
        float(fits.design.scale[families == family].mean()) if (families == family).any() else np.nan
        for family in FAMILIES
    ]
    return FoldOutcome(
        fold,
        ("mean-only", *fits.names, "stacked"),
        fits.stacked,
        scores,
        stack.weights,
        predictions.astype(np.float32),
        units.loadings,
        *units.pair,
        component_sse,
        ((truth - truth.mean(0)) ** 2).sum(0),
        np.array(scales),
        stack.fallback,
        fits.notes,
        extra,
    )

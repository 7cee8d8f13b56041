"""All models of some training bins: units of the population, filterbank, linear models, networks, stack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.compute.filterbank import Filterbank
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
from mystax.compute.population import Population
from mystax.compute.scoring import stack_sums
from mystax.compute.stacking import stack_error, stack_weights
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float32, Float64

__all__ = [
    "FAMILIES",
    "FoldDesign",
    "FoldSettings",
    "Members",
    "Stack",
    "Units",
    "fit_design",
    "fit_members",
    "stack_members",
    "units_of",
]

Inner = Sequence[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]]

FAMILIES = ("envelope", "half-wave", "slow", "signed")
"""Families of features, in the order in which their scales are tried."""

Scales = Literal["search", "one"]


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
    return units_of_population(data.population, train, seed)


def units_of_population(population: Population, train: Bool[np.ndarray, " time"], seed: int) -> Units:
    """Return the units of a population, or of some of its neurons."""
    mean, sd = population.moments(train)
    n = int(train.sum())
    r = n_components_for(population.n, n)
    loadings = leading_components(population.readers(mean, sd, train), n, population.n, r, seed)
    return Units(mean, sd, loadings, population.scores(mean, sd, loadings))


@dataclass(frozen=True)
class FoldDesign:
    """The filterbank of a fold with its sums, for what is computed from sub-blocks."""

    bank: Filterbank
    x: Float32[np.ndarray, "time feature"]
    sums: InnerSums
    scale: Float64[np.ndarray, " feature"]
    family_scale: Float64[np.ndarray, " feature"]


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
    design: FoldDesign
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
    scale = family_scale = np.ones(x.shape[1])
    if scales == "search":
        families, groups = [f.family for f in bank.features_], [f.group for f in bank.features_]
        family_scale, scale = choose_scales(sums, families, groups, FAMILIES)
    return FoldDesign(bank, x, sums, scale, family_scale)

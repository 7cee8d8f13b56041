"""One fold of the encoder: all models fitted on its training bins, and their errors on its test bins."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_members import (
    FAMILIES,
    FoldDesign,
    FoldSettings,
    Members,
    Stack,
    Units,
    fit_members,
    stack_members,
    units_of,
)
from mystax.compute.folds import FoldPlan
from mystax.compute.scoring import BlockScores, Predict, score_blocks
from mystax.core.analysis import Tiles
from mystax.core.typing import Float32, Float64

__all__ = ["Extra", "FoldOutcome", "Found", "fit_fold"]

Found = dict[str, tuple[tuple[str, ...], np.ndarray]]
"""Variables: name to dimensions and values."""


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
    loadings: Float32[np.ndarray, "neuron component"]
    mean: Float64[np.ndarray, " neuron"]
    sd: Float64[np.ndarray, " neuron"]
    component_sse: Float64[np.ndarray, "model component"]
    component_sst: Float64[np.ndarray, " component"]
    scales: Float64[np.ndarray, " family"]
    fallback: bool
    notes: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, np.ndarray] = field(default_factory=dict)


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
    predict = _predictor(said, fits.stacked, stack, loadings)
    scores = score_blocks(data.population, units.pair, plan, fold, predict, len(said) + 2)
    nothing = np.zeros(predictions.shape[1:], np.float32)
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
        loadings,
        *units.pair,
        component_sse,
        ((truth - truth.mean(0)) ** 2).sum(0),
        np.array(scales),
        stack.fallback,
        fits.notes,
        extra,
    )


def _predictor(
    said: Mapping[str, Float32[np.ndarray, "test component"]],
    stacked: Sequence[str],
    stack: Stack,
    loadings: Float32[np.ndarray, "neuron component"],
) -> Predict:
    """Return what predicts neurons: the mean, then every model, then the stack of some of them."""
    weights, means = stack.weights.astype(np.float32), stack.means @ loadings.T

    def predict(rows: slice, slab: slice) -> Iterator[np.ndarray]:
        blend = np.zeros((rows.stop - rows.start, slab.stop - slab.start), np.float32)
        yield np.zeros_like(blend)
        for name, scores in said.items():
            found = scores[rows] @ loadings[slab].T
            yield found
            if name in stacked:
                k = stacked.index(name)
                blend += (found - means[k, slab]) * weights[k, slab]
        yield blend

    return predict

"""Ceilings on shared variance: what other neurons, or shared components, say."""

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_fold import Found
from mystax.analyses.encoding_members import units_of_population
from mystax.compute.ceilings import SvcaFold, halves_of, svca_fold, svca_shares
from mystax.compute.explained import explained_variance
from mystax.compute.filterbank import Filterbank
from mystax.compute.folds import FoldPlan
from mystax.compute.linear_fit import Decompositions, fit_linear, sum_inner
from mystax.compute.population import Population
from mystax.compute.scoring import score_blocks
from mystax.core.quality import Flag

__all__ = ["peer_ceiling", "svca_found"]

SVCA_DIMENSIONS, SVCA_SPLITS, SVCA_NEURONS = 256, 4, 3000


def peer_ceiling(
    data: EncodingData, plan: FoldPlan, seed: int
) -> tuple[Found, dict[str, object], list[Flag]]:
    """Predict each half of the population from the other one, in the same bins and folds."""
    neural, keep = data.neural, data.population.neurons
    x, y, z = (np.asarray(neural[f"neuron_{axis}"].values, np.float64)[keep] for axis in "xyz")
    halves = halves_of(x, y, z, seed=seed)
    sse = np.zeros((plan.n_blocks, data.population.n), np.float32)
    sst = np.zeros_like(sse)
    for fold in range(plan.n_folds):
        train = plan.train(fold)
        inner = plan.inner(train)
        for side in (0, 1):
            givers = np.flatnonzero((halves.half == side) & halves.predicts)
            takers = np.flatnonzero(halves.half != side)
            one = units_of_population(_some(data, givers), train, seed)
            other = units_of_population(_some(data, takers), train, seed)
            spread = one.scores[train].std(0, dtype=np.float64)
            design = (one.scores / np.where(spread > 0, spread, np.inf)).astype(np.float32)
            fit = fit_linear(
                design, Decompositions(sum_inner(design, other.scores, train, inner)), train, inner
            )
            said = fit.predict(design[plan.test(fold)])
            population = Population(data.population.activity, keep[takers])
            loadings = other.loadings.astype(np.float32)

            def predict(
                some: slice, slab: slice, said: np.ndarray = said, loadings: np.ndarray = loadings
            ) -> list[np.ndarray]:
                return [said[some] @ loadings[slab].T]

            scored = score_blocks(population, other.pair, plan, fold, predict, 1, with_products=False)
            rows = np.ix_(scored.blocks, takers)
            sse[rows], sst[rows] = scored.sse[0], scored.sst
    flags = []
    unit = str(neural.attrs.get("unit", "um"))
    if halves.kind != "random" and unit != "um":
        text = f"peers are parted by places in {unit}: squares of 200, borders of 40 {unit}, not um."
        flags.append(Flag("N310", text))
    if halves.kind == "random":
        flags.append(
            Flag(
                "N310",
                "random halves: neurons have no places, or lie too near each other to be parted by them, so "
                "peers may share tissue or electrodes.",
            )
        )
    peer = explained_variance(sse, sst).astype(np.float32)
    return {"ceiling_peer": (("neuron",), peer)}, {"peer_halves": halves.kind}, flags


def _some(data: EncodingData, some: np.ndarray) -> Population:
    return Population(data.population.activity, data.population.neurons[some])


def svca_found(data: EncodingData, plan: FoldPlan, seed: int) -> Found:
    """Return the shared components of two halves, and how much of them behaviour explains."""
    some = np.arange(data.population.n)
    if len(some) > SVCA_NEURONS:
        some = np.sort(np.random.default_rng([seed, 0x5C]).permutation(len(some))[:SVCA_NEURONS])
    population = _some(data, some)
    splits: list[list[SvcaFold]] = [[] for _ in range(SVCA_SPLITS)]
    for fold in range(plan.n_folds):
        train = plan.train(fold)
        units = population.moments(train)
        z = np.concatenate([population.standardised(slab, *units) for slab in population.slabs], axis=1)
        x = Filterbank().fit_transform(data.grid, data.bins, train)
        for split, folds in enumerate(splits):
            half = np.zeros(len(some), bool)
            half[np.random.default_rng([seed, split]).permutation(len(half))[: len(half) // 2]] = True
            folds.append(svca_fold(z[:, half], z[:, ~half], train, plan.test(fold), x, 1.0, SVCA_DIMENSIONS))
    reliable, behaviour = svca_shares(splits)
    return {
        "svca_reliable": (("shared",), reliable.astype(np.float32)),
        "svca_behaviour": (("shared",), behaviour.astype(np.float32)),
    }

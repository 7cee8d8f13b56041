"""Errors per block, and sums for correlations, against the plain formulas."""

import numpy as np

from mystax.compute.explained import correlation_from_sums
from mystax.compute.folds import BlockFolds, FoldPlan
from mystax.compute.population import Population
from mystax.compute.scoring import BlockScores, coarse_bins, score_blocks

N, WIDTH = 600, 0.5
TIMES = (np.arange(N) + 0.5) * WIDTH
RNG = np.random.default_rng(0)
ACTIVITY = RNG.normal(size=(N, 5)).astype(np.float32)
SAID = (ACTIVITY + RNG.normal(size=(N, 5))).astype(np.float32)
UNITS = (np.zeros(5), np.ones(5))


def plan() -> FoldPlan:
    usable = np.ones(N, bool)
    usable[100:103] = False
    return BlockFolds(2, gap=7, block=30).plan(TIMES, usable)


def scored() -> BlockScores:
    said = SAID[plan().test(0)]
    return score_blocks(
        Population(ACTIVITY, slab=2), UNITS, plan(), 0, lambda rows, slab: [said[rows, slab]], 1
    )


def test_errors_per_block_are_sums_of_squares() -> None:
    found, rows = scored(), plan().test(0)
    here = plan().block[rows] == found.blocks[1]
    y, p = ACTIVITY[rows].astype(np.float64), SAID[rows].astype(np.float64)
    assert np.allclose(found.sse[0, 1], ((y - p)[here] ** 2).sum(0), rtol=1e-5)
    assert np.allclose(found.sst[1], ((y - y.mean(0))[here] ** 2).sum(0), rtol=1e-5)


def test_correlation_of_all_test_bins() -> None:
    found, rows = scored(), plan().test(0)
    wanted = [np.corrcoef(ACTIVITY[rows, k], SAID[rows, k])[0, 1] for k in range(5)]
    assert np.allclose(correlation_from_sums(found.n, *found.products[0]), wanted, atol=1e-5)


def test_coarse_correlation_is_that_of_means_of_four_neighbours() -> None:
    found = scored()
    groups = []
    for block in found.blocks:
        places = np.flatnonzero(plan().test(0) & (plan().block == block))
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            groups += [run[k : k + 4] for k in range(0, len(run) - 3, 4)]
    y, p = (np.array([values[some].mean(0) for some in groups]) for values in (ACTIVITY, SAID))
    assert found.n_coarse == len(groups)
    wanted = [np.corrcoef(y[:, k], p[:, k])[0, 1] for k in range(5)]
    assert np.allclose(correlation_from_sums(found.n_coarse, *found.coarse[0]), wanted, atol=1e-5)


def test_fours_never_reach_over_a_hole_or_the_edge_of_a_block() -> None:
    rows = np.ones(12, bool)
    rows[5] = False
    block = np.repeat([0, 1], [9, 3])
    found = np.flatnonzero(rows)[coarse_bins(rows, block)]
    assert found.tolist() == [[0, 1, 2, 3]]
    assert coarse_bins(np.ones(3, bool), np.zeros(3, np.int64)).shape == (0, 4)

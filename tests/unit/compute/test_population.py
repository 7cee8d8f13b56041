"""Neurons that are read slab by slab, and errors per block, against whole arrays."""

import numpy as np
import pytest

from mystax.compute.folds import BlockFolds
from mystax.compute.population import Population
from mystax.compute.scoring import score_blocks, stack_sums

N, NEURONS = 400, 23


@pytest.fixture
def activity() -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 3, (N, NEURONS)).astype(np.float32)


def test_slabs_give_what_the_array_holds(activity: np.ndarray) -> None:
    some = np.array([1, 2, 5, 11, 12, 22])
    population = Population(activity, some, slab=4)
    found = np.concatenate([population.read(slab) for slab in population.slabs], axis=1)
    assert np.array_equal(found, activity[:, some])


def test_moments_and_units(activity: np.ndarray) -> None:
    population = Population(activity, slab=5)
    rows = np.arange(N) < 250
    mean, sd = population.moments(rows)
    assert np.allclose(mean, activity[rows].mean(0), rtol=1e-5)
    assert np.allclose(sd, activity[rows].std(0), rtol=1e-5)
    z = np.concatenate([population.standardised(slab, mean, sd) for slab in population.slabs], axis=1)
    assert np.allclose(z, (activity - mean) / sd, atol=1e-4)


def test_moments_keep_their_digits_far_from_zero_and_over_many_blocks() -> None:
    values = (1e5 + np.random.default_rng(1).normal(size=(1500, 3))).astype(np.float32)
    values[:, 1] = 7
    mean, sd = Population(values, slab=2).moments(np.ones(1500, bool))
    assert np.allclose(mean, values.mean(0, dtype=np.float64), rtol=1e-12)
    assert np.allclose(
        sd, [values[:, 0].std(dtype=np.float64), 1, values[:, 2].std(dtype=np.float64)], rtol=1e-9
    )


def test_activity_in_memory_is_left_as_it_is(activity: np.ndarray) -> None:
    before = activity.copy()
    population = Population(activity)
    for rows in (None, np.ones(N, bool)):
        population.standardised(slice(0, NEURONS), np.ones(NEURONS), np.full(NEURONS, 2.0), rows)
    assert np.array_equal(activity, before)


def test_missing_values_become_the_mean(activity: np.ndarray) -> None:
    activity[7, 3] = np.nan
    population = Population(activity)
    z = population.standardised(slice(0, NEURONS), np.zeros(NEURONS), np.ones(NEURONS))
    assert z[7, 3] == 0


def test_scores_are_projections(activity: np.ndarray) -> None:
    population = Population(activity, slab=6)
    mean, sd = population.moments(np.ones(N, bool))
    loadings = np.linalg.qr(np.random.default_rng(1).normal(size=(NEURONS, 3)))[0]
    assert np.allclose(population.scores(mean, sd, loadings), (activity - mean) / sd @ loadings, atol=1e-3)


def test_errors_per_block_are_sums_of_squares(activity: np.ndarray) -> None:
    population = Population(activity, slab=6)
    plan = BlockFolds(4, gap=2, block=25).plan(np.arange(float(N)))
    units = population.moments(plan.train(1))
    test = plan.test(1)
    z = (activity[test] - units[0]) / units[1]
    said = np.random.default_rng(2).normal(size=z.shape).astype(np.float32)
    found = score_blocks(population, units, plan, 1, lambda rows, slab: [said[rows, slab]], 1)
    for k, block in enumerate(found.blocks):
        rows = plan.block[test] == block
        assert np.allclose(found.sse[0, k], ((z - said)[rows] ** 2).sum(0), rtol=1e-4)
        assert np.allclose(found.sst[k], ((z - z.mean(0))[rows] ** 2).sum(0), rtol=1e-4)
    assert np.allclose(found.products[0, 4], (z * said).sum(0), atol=1e-2)
    assert found.n == test.sum()


def test_sums_for_stacking_equal_products_of_predictions(activity: np.ndarray) -> None:
    population = Population(activity, slab=6)
    rows = np.arange(N) < 300
    units = population.moments(rows)
    rng = np.random.default_rng(3)
    loadings = np.linalg.qr(rng.normal(size=(NEURONS, 4)))[0]
    held = [rng.normal(size=(300, 4)).astype(np.float32) + 1 for _ in range(2)]
    products, across = stack_sums(population, units, rows, loadings, held)
    z = (activity[rows] - units[0]) / units[1]
    said = [(p - p.mean(0)) @ loadings.T for p in held]
    for a in range(2):
        assert np.allclose(across[:, a], (said[a] * z).sum(0), atol=0.05)
        for b in range(2):
            assert np.allclose(products[:, a, b], (said[a] * said[b]).sum(0), rtol=1e-4, atol=1e-3)

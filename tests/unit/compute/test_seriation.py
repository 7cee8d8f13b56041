"""Sorting neurons by likeness."""

import numpy as np

from mystax.compute.seriation import sort_neurons


def components(y: np.ndarray, r: int = 64) -> np.ndarray:
    z = (y - y.mean(0)) / y.std(0)
    _, s, vt = np.linalg.svd(z, full_matrices=False)
    return np.asarray(vt[:r].T * s[:r])


def test_neurons_on_a_line_are_put_in_order() -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(0, 1, 400)
    track = np.abs((np.arange(3000) / 300) % 2 - 1)
    y = np.exp(-((track[:, None] - place) ** 2) / 0.02)
    y = y / y.std(0) + 3 * rng.normal(size=y.shape)
    order = sort_neurons(components(y))
    rank = np.empty(400)
    rank[order] = np.arange(400)
    true = np.argsort(np.argsort(place))
    assert abs(np.corrcoef(rank, true)[0, 1]) >= 0.98


def test_hidden_groups_lie_together() -> None:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 12, 480)
    sources = rng.normal(size=(3000, 12))
    y = sources[:, group] + 3 * rng.normal(size=(3000, 480))
    order = sort_neurons(components(y))
    alike = group[order][1:] == group[order][:-1]
    assert alike.mean() >= 0.97  # of 479 pairs, eleven at borders are never alike


def test_the_same_order_comes_again() -> None:
    rng = np.random.default_rng(2)
    loadings = rng.normal(size=(200, 10))
    assert np.array_equal(sort_neurons(loadings, seed=1), sort_neurons(loadings, seed=1))
    assert sorted(sort_neurons(loadings).tolist()) == list(range(200))


def test_few_neurons_stay_as_they_are() -> None:
    assert sort_neurons(np.ones((2, 3))).tolist() == [0, 1]


def test_neurons_without_components_have_a_place_too() -> None:
    rng = np.random.default_rng(3)
    loadings = rng.normal(size=(50, 5))
    loadings[7] = 0
    assert sorted(sort_neurons(loadings).tolist()) == list(range(50))

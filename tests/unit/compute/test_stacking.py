"""Stacking against a search over all weights."""

from itertools import product

import numpy as np
import pytest

from mystax.compute.stacking import stack_error, stack_weights


def sums(predictions: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return products of predictions (member, time, neuron), and with the activity (time, neuron)."""
    return np.einsum("atn,btn->nab", predictions, predictions), np.einsum("atn,tn->na", predictions, y)


def world(neurons: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(400, neurons))
    members = np.stack([truth + s * rng.normal(size=truth.shape) for s in (1.0, 0.5, 3.0)])
    return members, truth + rng.normal(size=truth.shape)


@pytest.mark.parametrize("pooled", [0.0, 2.0])
def test_weights_equal_non_negative_least_squares(pooled: float) -> None:
    from scipy.optimize import nnls

    members, y = world()
    products, across = sums(members, y)
    found = stack_weights(products, across, pooled=pooled, most=9.0)
    for n in range(6):
        g = products[n] + pooled * products.mean(0)
        h = across[n] + pooled * across.mean(0)
        root = np.linalg.cholesky(g).T
        wanted = nnls(root, np.linalg.solve(root.T, h))[0]
        assert np.allclose(found[:, n], wanted, atol=1e-6)


def test_useless_models_get_no_weight_and_useful_ones_share_it() -> None:
    members, y = world(40)
    weights = stack_weights(*sums(members, y))
    assert weights[1].mean() > weights[0].mean() > weights[2].mean() >= 0


def test_neurons_without_signal_fall_to_the_mean() -> None:
    rng = np.random.default_rng(1)
    members, y = rng.normal(size=(2, 2000, 50)), rng.normal(size=(2000, 50))
    assert stack_weights(*sums(members, y)).max() < 0.1


def test_weights_are_limited() -> None:
    members, y = world()
    assert stack_weights(*sums(members / 4, y)).max() == 1.2


def test_error_is_that_of_the_weighted_prediction() -> None:
    members, y = world()
    products, across = sums(members, y)
    weights = np.abs(np.random.default_rng(0).normal(size=(3, 6)))
    wanted = ((y - np.einsum("an,atn->tn", weights, members)) ** 2).sum(0) - (y**2).sum(0)
    assert np.allclose(stack_error(weights, products, across), wanted)


def test_best_of_all_weights_on_a_lattice_is_not_better() -> None:
    members, y = world(3)
    products, across = sums(members, y)
    weights = stack_weights(products, across, pooled=0.0)
    best = stack_error(weights, products, across)
    for trial in product(np.linspace(0, 1.2, 7), repeat=3):
        tried = np.repeat(np.array(trial)[:, None], 3, axis=1)
        assert (stack_error(tried, products, across) >= best - 1e-9).all()


def test_models_that_say_nothing_are_passed_over() -> None:
    members, y = world()
    members[0] = 0
    weights = stack_weights(*sums(members, y))
    assert (weights[0] == 0).all()
    assert (weights[1] > 0).all()

"""The deep encoder: what it learns, when it stops, and that it comes out the same again."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.compute.folds import BlockFolds
from mystax.compute.tiles import TilePool

pytestmark = pytest.mark.extra("train")
pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.encoder import DeepFit, fit_deep, one_thread  # noqa: E402 - needs torch
from mystax.nets.encoder_settings import DeepSettings  # noqa: E402
from mystax.nets.encoder_weights import evaluate_members  # noqa: E402

N = 1200
SMALL = DeepSettings(width=32, latent=16, epochs=20, learning_rate=1e-2, batch=64)


def world(follows: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 6)).astype(np.float32)
    y = np.maximum(x[:, :2], 0) - 0.4 if follows else rng.normal(size=(N, 2))
    return x, (2 * y + 0.3 * rng.normal(size=(N, 2)) + 3).astype(np.float32)


def fit(x: np.ndarray, y: np.ndarray, cores: int = 1, settings: DeepSettings = SMALL) -> DeepFit:
    plan = BlockFolds(3, gap=2, block=50).plan(np.arange(float(N)))
    train = plan.train(0)
    with TilePool(cores) as tiles:
        return fit_deep(x, y, train, plan.inner(train, 2), settings, tiles)


def test_it_learns_what_is_not_linear() -> None:
    x, y = world(follows=True)
    plan = BlockFolds(3, gap=2, block=50).plan(np.arange(float(N)))
    test, train = plan.test(0), plan.train(0)
    found = evaluate_members(fit(x, y).members, x[test])
    line = np.linalg.lstsq(np.c_[x[train], np.ones(train.sum())], y[train], rcond=None)[0]
    linear = ((y[test] - np.c_[x[test], np.ones(test.sum())] @ line) ** 2).sum()
    assert ((y[test] - found) ** 2).sum() < 0.75 * linear


def test_on_unrelated_data_it_stays_near_the_mean() -> None:
    x, y = world(follows=False)
    made = fit(x, y)
    assert max(made.epochs) <= 4
    assert np.abs(made.held - y.mean(0)).mean() < 0.2 * y.std()


def test_out_of_fold_predictions_are_those_of_the_member_that_did_not_see_them() -> None:
    x, y = world(follows=True)
    plan = BlockFolds(3, gap=2, block=50).plan(np.arange(float(N)))
    train = plan.train(0)
    made = fit(x, y, settings=replace(SMALL, refits=0))
    for member, (_, held) in zip(made.members, plan.inner(train, 2), strict=True):
        assert np.allclose(evaluate_members([member], x[held]), made.held[held[train]], atol=1e-4)


@pytest.mark.parametrize("cores", [1, 2])
def test_runs_and_threads_give_the_same_weights(cores: int) -> None:
    x, y = world(follows=True)
    quick = DeepSettings(width=32, latent=8, epochs=2)
    a, b = fit(x, y, settings=quick), fit(x, y, cores, quick)
    assert np.array_equal(a.held, b.held)
    assert np.array_equal(a.members[1].first, b.members[1].first)


def test_members_and_seeds_differ() -> None:
    x, y = world(follows=True)
    quick = DeepSettings(width=32, latent=8, epochs=2)
    other = DeepSettings(width=32, latent=8, epochs=2, seed=1)
    a = fit(x, y, settings=quick)
    assert not np.array_equal(a.members[0].first, a.members[1].first)
    assert not np.array_equal(a.held, fit(x, y, settings=other).held)


def test_torch_has_its_threads_back() -> None:
    import torch

    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_networks_on_all_training_bins_take_the_place_of_the_members() -> None:
    x, y = world(follows=True)
    quick = DeepSettings(width=32, latent=8, epochs=2, refits=3)
    made, plain = fit(x, y, settings=quick), fit(x, y, settings=replace(quick, refits=0))
    assert (len(made.members), len(plain.members), len(made.epochs)) == (3, 2, 2)
    assert np.array_equal(made.held, plain.held)

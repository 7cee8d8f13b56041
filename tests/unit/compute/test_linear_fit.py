"""Linear models of one fold against straightforward fits."""

import numpy as np
import pytest

from mystax.compute.folds import BlockFolds
from mystax.compute.linear_fit import (
    Decompositions,
    InnerSums,
    choose_scales,
    fit_linear,
    fit_quickly,
    fit_reduced_rank,
    mean_of,
    predict_rows,
    sum_inner,
)
from mystax.compute.regression import Sums

N, P, R = 900, 12, 5


class Case:
    """A fold of a small regression."""

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.x = rng.normal(size=(N, P)).astype(np.float32)
        weights = rng.normal(size=(P, 2)) @ rng.normal(size=(2, R))
        weights[6:] = 0
        self.y = (self.x @ weights + 2 * rng.normal(size=(N, R)) + 1).astype(np.float32)
        plan = BlockFolds(3, gap=2, block=40).plan(np.arange(float(N)))
        self.train, self.test = plan.train(0), plan.test(0)
        self.inner = plan.inner(self.train, 3)
        self.sums = sum_inner(self.x, self.y, self.train, self.inner)

    def solve(self, rows: np.ndarray, penalty: float, scale: np.ndarray | None = None) -> np.ndarray:
        """Predict all bins with ridge fitted on some."""
        x = self.x.astype(np.float64) * (1 if scale is None else scale)
        a, b = x[rows], self.y[rows].astype(np.float64)
        gram = (a - a.mean(0)).T @ (a - a.mean(0)) + penalty * len(a) * np.eye(P)
        weights = np.linalg.solve(gram, (a - a.mean(0)).T @ (b - b.mean(0)))
        return np.asarray(b.mean(0) + (x - a.mean(0)) @ weights)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


def test_sums_of_inner_folds_equal_direct_sums(case: Case) -> None:
    for (part, held), (fit, rest) in zip(case.sums.pairs, case.inner, strict=True):
        for found, rows in ((part, fit), (held, rest)):
            direct = Sums.of(case.x[rows], case.y[rows])
            assert found.n == direct.n
            assert np.allclose(found.xx, direct.xx, atol=1e-6)
            assert np.allclose(found.xy, direct.xy, atol=1e-6)
    assert case.sums.whole.n == case.train.sum()


def test_predictions_in_and_out_of_fold_are_those_of_ridge(case: Case) -> None:
    fit = fit_linear(case.x, Decompositions(case.sums, None, [0.3]), case.train, case.inner)
    assert np.allclose(fit.predict(case.x), case.solve(case.train, 0.3), atol=1e-4)
    wanted = np.zeros((N, R))
    for rows, rest in case.inner:
        wanted[rest] = case.solve(rows, 0.3)[rest]
    assert np.allclose(fit.held, wanted[case.train], atol=1e-4)


def test_scaled_features_are_shrunk_more_and_zero_leaves_them_out(case: Case) -> None:
    scale = np.array([1.0] * 4 + [0.3] * 4 + [0.0] * 4)
    fit = fit_linear(case.x, Decompositions(case.sums, scale, [0.3]), case.train, case.inner)
    assert np.allclose(fit.predict(case.x), case.solve(case.train, 0.3, scale), atol=1e-4)
    assert (fit.weights[8:] == 0).all()


def test_reduced_rank_finds_the_rank_of_the_truth(case: Case) -> None:
    fit, rank = fit_reduced_rank(case.x, Decompositions(case.sums), case.train, case.inner)
    assert rank == 2
    assert np.linalg.matrix_rank(fit.weights, tol=1e-8) == 2


def test_the_mean_of_two_models_predicts_the_mean(case: Case) -> None:
    found = Decompositions(case.sums)
    ridge = fit_linear(case.x, found, case.train, case.inner)
    low, _ = fit_reduced_rank(case.x, found, case.train, case.inner)
    both = mean_of(ridge, low)
    assert np.allclose(both.predict(case.x), (ridge.predict(case.x) + low.predict(case.x)) / 2, atol=1e-5)


def test_scales_leave_out_features_that_say_nothing(case: Case) -> None:
    labels = ["useful"] * 6 + ["useless"] * 6
    families, scale = choose_scales(case.sums, labels, ["one"] * P, ("useless", "useful"))
    np.testing.assert_array_equal(families, scale)
    assert (scale[:6] == 1).all()
    assert (scale[6:] < 1).all()


def test_scales_stay_where_nothing_is_gained() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(N, 2)).astype(np.float32)
    y = x @ rng.normal(size=(2, 3)).astype(np.float32)
    plan = BlockFolds(3, gap=2, block=40).plan(np.arange(float(N)))
    sums = sum_inner(x, y, plan.train(0), plan.inner(plan.train(0)))
    for factors in choose_scales(sums, ["a", "b"], ["g", "h"], ("a", "b")):
        assert factors.tolist() == [1, 1]


def test_a_group_that_adds_nothing_explains_what_it_can_alone() -> None:
    """Of two noisy copies the noisier gets no weight beside the other; alone it must get one again."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=(N, 1))
    x = (truth + np.array([0.01, 1.0]) * rng.normal(size=(N, 2))).astype(np.float32)
    y = (truth + 0.1 * rng.normal(size=(N, 3))).astype(np.float32)
    plan = BlockFolds(3, gap=2, block=40).plan(np.arange(float(N)))
    sums = sum_inner(x, y, plan.train(0), plan.inner(plan.train(0)))
    families, scale = np.ones(2), np.array([1.0, 0.0])
    alone, _ = fit_quickly(sums, np.array([1]), scale, families)
    assert (alone[0] > 0.3).all()  # the slope on a copy with as much noise as signal is a half
    both, _ = fit_quickly(sums, np.array([0, 1]), families, scale)
    found, _ = fit_quickly(sums, np.array([0, 1]), scale)
    assert np.abs(both - found).max() < 0.02


def test_quick_fit_of_some_features_is_a_ridge_of_those_features(case: Case) -> None:
    some = np.array([0, 2, 5])
    weights, intercept = fit_quickly(case.sums, some, np.ones(P))
    found = predict_rows(case.x[:, some], weights, intercept)
    a = case.x[case.train][:, some].astype(np.float64)
    b = case.y[case.train].astype(np.float64)
    fits = []
    for penalty in 10.0 ** np.arange(-1.5, 1.6):
        gram = (a - a.mean(0)).T @ (a - a.mean(0)) + penalty * len(a) * np.eye(3)
        w = np.linalg.solve(gram, (a - a.mean(0)).T @ (b - b.mean(0)))
        fits.append(b.mean(0) + (case.x[:, some] - a.mean(0)) @ w)
    nearest = np.min([np.abs(found - fit).max(0) for fit in fits], axis=0)
    assert nearest.max() < 1e-4


def test_a_quick_fit_of_nothing_says_the_mean(case: Case) -> None:
    weights, intercept = fit_quickly(case.sums, np.arange(P), np.zeros(P))
    assert (weights == 0).all()
    assert np.allclose(intercept, case.y[case.train].mean(0), atol=1e-4)


def test_features_are_taken_from_all_sums(case: Case) -> None:
    some = InnerSums(case.sums.whole, case.sums.pairs).only(np.array([1, 3]))
    assert some.whole.xx.shape == some.pairs[0][1].xx.shape == (2, 2)

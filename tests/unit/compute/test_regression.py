"""Ridge regression against the normal equations."""

import numpy as np
import pytest

from mystax.compute.folds import BlockFolds
from mystax.compute.regression import HeldOut, Ridge, Sums, decompose, held_errors, row_slabs
from tests.fixtures.estimators import GroupFolds, cloned


def data(n: int = 300, p: int = 12, r: int = 4, noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + 3
    w = rng.normal(size=(p, r))
    return x, x @ w + 5 + noise * rng.normal(size=(n, r)), w


def solve(x: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Normal equations of centred data."""
    a, b = x - x.mean(0), y - y.mean(0)
    return np.linalg.solve(a.T @ a + penalty * np.eye(x.shape[1]), a.T @ b)


@pytest.mark.parametrize("penalty", [1e-3, 1.0, 100.0])
def test_ridge_equals_the_normal_equations(penalty: float) -> None:
    x, y, _ = data()
    model = Ridge(penalty).fit(x, y)
    wanted = solve(x, y, penalty * len(x))
    assert np.abs(model.coef_ - wanted).max() <= 1e-6 * np.abs(wanted).max()
    assert np.allclose(model.predict(x), y.mean(0) + (x - x.mean(0)) @ wanted, atol=1e-6)


@pytest.mark.parametrize("p", [1, 2, 12, 130])
@pytest.mark.parametrize("n_held", [1, 11, 100])
def test_held_errors_equal_errors_of_predictions(p: int, n_held: int) -> None:
    """Also of one feature, and of fewer rows than features."""
    x, y, _ = data(p=p)
    fitted = decompose(Sums.of(x[:200], y[:200]))
    held = Sums.of(x[200 : 200 + n_held], y[200 : 200 + n_held])
    found = held_errors(HeldOut.of(fitted, held, [0.1, 50.0]))
    for place, penalty in enumerate((0.1, 50.0)):
        weights = solve(x[:200], y[:200], penalty)
        residual = (y[200:] - y[:200].mean(0) - (x[200:] - x[:200].mean(0)) @ weights)[:n_held]
        assert np.allclose(found[place], (residual**2).sum(0), rtol=1e-7)


def test_weights_of_one_penalty_per_target_are_those_of_each() -> None:
    x, y, _ = data()
    found = decompose(Sums.of(x, y)).weights(np.array([3.0, 0.1, 3.0, 700.0]))
    for target, penalty in enumerate((3.0, 0.1, 3.0, 700.0)):
        assert np.allclose(found[:, target], solve(x, y, penalty)[:, target], rtol=1e-8)


def test_turning_there_and_back_changes_nothing_and_makes_the_gram_matrix_tridiagonal() -> None:
    x, y, _ = data()
    fitted = decompose(Sums.of(x, y))
    basis = fitted.turned_back(np.eye(12))
    assert np.allclose(basis.T @ basis, np.eye(12), atol=1e-12)
    assert np.allclose(fitted.turned(basis), np.eye(12), atol=1e-12)
    gram = basis.T @ np.cov(x.T, bias=True) @ basis * len(x)
    wanted = np.diag(fitted.diagonal) + np.diag(fitted.beside, 1) + np.diag(fitted.beside, -1)
    assert np.allclose(gram, wanted, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("penalty", [0.0, 1e-300, 1e-9])
def test_more_features_than_rows_and_hardly_a_penalty_still_fit_the_rows(penalty: float) -> None:
    x, y, _ = data(n=20, p=60)
    x[:, 7] = 3  # one never changes
    model = Ridge(penalty).fit(x, y)
    assert np.abs(model.predict(x) - y).max() < 1e-4 * np.abs(y).max()


def test_sums_add_and_subtract_like_sets_of_rows() -> None:
    x, y, _ = data()
    whole, part = Sums.of(x, y), Sums.of(x[:77], y[:77])
    rest = whole - part
    direct = Sums.of(x[77:], y[77:])
    for found, wanted in zip(rest.centred(), direct.centred(), strict=True):
        assert np.allclose(found, wanted, rtol=1e-9, atol=1e-6)
    assert rest.n == direct.n
    assert np.allclose((rest + part).xx, whole.xx)


def test_sums_of_some_and_of_scaled_features() -> None:
    x, y, _ = data()
    some, scale = np.array([1, 5, 6]), np.linspace(0.5, 2, 12)
    assert np.allclose(Sums.of(x, y).only(some).xx, Sums.of(x[:, some], y).xx)
    assert np.allclose(Sums.of(x, y).scaled(scale).xy, Sums.of(x * scale, y).xy)


def test_every_target_gets_the_penalty_that_its_noise_asks_for() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 30))
    w = rng.normal(size=30)
    y = np.stack([x @ w, x @ w + 60 * rng.normal(size=400)], axis=1)
    model = Ridge().fit(x, y)
    assert model.penalty_[0] < 0.1 < model.penalty_[1]


def test_one_penalty_for_all_is_the_best_of_the_sum() -> None:
    x, y, _ = data(noise=30)
    model = Ridge(per_target=False).fit(x, y)
    assert len(set(model.penalty_.tolist())) == 1


def test_chosen_penalty_is_the_best_of_a_search_by_hand() -> None:
    x, y, _ = data(n=200, noise=20)
    folds = BlockFolds(2, gap=1.0, block=20.0)
    choices = [0.01, 0.1, 1.0, 10.0]
    model = Ridge(choices, folds=folds).fit(x, y, groups=np.arange(200.0))
    error = np.zeros((4, y.shape[1]))
    for train, held in folds.split(x, groups=np.arange(200.0)):
        for k, choice in enumerate(choices):
            w = solve(x[train], y[train], choice * len(train))
            error[k] += ((y[held] - y[train].mean(0) - (x[held] - x[train].mean(0)) @ w) ** 2).sum(0)
    assert model.penalty_.tolist() == [choices[k] for k in error.argmin(0)]


def test_white_noise_targets_are_not_explained() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2000, 40)), rng.normal(size=(2000, 50))
    model = Ridge(folds=BlockFolds(4, gap=0, block=100)).fit(x[:1500], y[:1500], np.arange(1500.0))
    rest = y[1500:] - y[:1500].mean(0)
    explained = 1 - ((y[1500:] - model.predict(x[1500:])) ** 2).sum(0) / (rest**2).sum(0)
    assert abs(explained.mean()) <= 0.01


def test_it_is_cloned_and_searched_like_the_estimators_of_scikit_learn() -> None:
    x, y, _ = data()
    model = cloned(Ridge([0.1, 1.0], folds=GroupFolds()))
    assert set(model.fit(x, y, np.repeat(np.arange(30), 10)).penalty_.tolist()) <= {0.1, 1.0}
    assert model.set_params(penalties=3.0).get_params()["penalties"] == 3.0
    with pytest.raises(AttributeError, match="no parameter 'alpha'"):
        model.set_params(alpha=1)


def test_slabs_cover_all_rows_once() -> None:
    assert [(s.start, s.stop) for s in row_slabs(10, 4)] == [(0, 4), (4, 8), (8, 10)]

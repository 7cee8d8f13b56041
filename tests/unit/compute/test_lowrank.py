"""Principal components of slabs, and reduced-rank regression against brute force."""

from collections.abc import Callable

import numpy as np
import pytest

from mystax.compute import lowrank
from mystax.compute.lowrank import ReducedRank, leading_components, n_components_for, rank_errors, reduced
from mystax.compute.regression import HeldOut, Sums, decompose
from tests.fixtures.estimators import cloned


def readers(z: np.ndarray, size: int) -> list[Callable[[], np.ndarray]]:
    def reader(a: int) -> Callable[[], np.ndarray]:
        return lambda: z[:, a : a + size].astype(np.float32)

    return [reader(a) for a in range(0, z.shape[1], size)]


def low_rank(n: int = 500, neurons: int = 120, rank: int = 5, noise: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(0)
    strengths = np.geomspace(4, 1.5, rank)
    z = (rng.normal(size=(n, rank)) * strengths) @ np.linalg.qr(rng.normal(size=(neurons, rank)))[0].T
    return np.asarray(z * 3 + noise * rng.normal(size=z.shape), np.float32)


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest absolute cosine between columns of the same number."""
    return float(np.abs((a * b).sum(0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)).min())


@pytest.mark.parametrize("route", ["neurons", "rows", "random"])
def test_components_equal_the_singular_vectors(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    z = low_rank()
    monkeypatch.setattr(lowrank, "EXACT", {"neurons": 3000, "rows": 100, "random": 10}[route])
    if route == "rows":
        z = z[:90]
    wanted = np.linalg.svd(z, full_matrices=False)[2][:5].T
    found = leading_components(readers(z, 50), len(z), z.shape[1], 5)
    assert np.allclose(found.T @ found, np.eye(5), atol=1e-4)
    assert alike(found, wanted) > (0.9999 if route != "random" else 0.99)


def test_largest_loading_is_positive() -> None:
    found = leading_components(readers(low_rank(), 50), 500, 120, 5)
    assert (found[np.abs(found).argmax(0), np.arange(5)] > 0).all()


def test_random_route_gives_the_same_digits_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lowrank, "EXACT", 10)
    z = low_rank()
    a, b = (leading_components(readers(z, 50), 500, 120, 5, seed=3) for _ in range(2))
    assert np.array_equal(a, b)


def test_number_of_components_grows_with_the_population() -> None:
    assert [n_components_for(n, 10_000) for n in (20, 500, 5000, 30_000)] == [20, 64, 128, 256]
    assert n_components_for(500, 100) == 10


def regression(n: int = 120, p: int = 6, r: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    return x, x @ rng.normal(size=(p, 2)) @ rng.normal(size=(2, r)) + rng.normal(size=(n, r))


def loss(x: np.ndarray, y: np.ndarray, w: np.ndarray, penalty: float) -> float:
    a, b = x - x.mean(0), y - y.mean(0)
    return float(((b - a @ w) ** 2).sum() + penalty * (w**2).sum())


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_reduced_rank_is_the_optimum_that_a_search_finds(rank: int) -> None:
    from scipy.optimize import minimize

    x, y = regression()
    model = ReducedRank(rank, penalties=0.05).fit(x, y)
    penalty = 0.05 * len(x)
    a, b = x - x.mean(0), y - y.mean(0)

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        left, right = flat[: 6 * rank].reshape(6, rank), flat[6 * rank :].reshape(rank, 4)
        w = left @ right
        slope = -2 * a.T @ (b - a @ w) + 2 * penalty * w
        return loss(x, y, w, penalty), np.concatenate([(slope @ right.T).ravel(), (left.T @ slope).ravel()])

    rng = np.random.default_rng(rank)
    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    starts = [rng.normal(size=10 * rank) for _ in range(6)]
    best = min(minimize(value, s, jac=True, method="L-BFGS-B", options=options).fun for s in starts)
    assert np.linalg.matrix_rank(model.coef_) == rank
    assert loss(x, y, model.coef_, penalty) == pytest.approx(best, rel=1e-6)


def test_full_rank_equals_ridge() -> None:
    x, y = regression()
    fitted = decompose(Sums.of(x, y))
    assert np.allclose(reduced(fitted, 3.0).weights(4), fitted.weights(3.0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("p", "most"), [(6, 4), (3, 3), (1, 1)])
def test_errors_of_all_ranks_equal_predictions_rank_by_rank(p: int, most: int) -> None:
    x, y = regression(200, p)
    fitted = decompose(Sums.of(x[:150], y[:150]))
    found = rank_errors(HeldOut.of(fitted, Sums.of(x[150:], y[150:]), [9.0, 2.0]), 1)
    assert len(found) == most
    for rank in range(1, most + 1):
        weights = reduced(fitted, 2.0).weights(rank)
        assert np.linalg.matrix_rank(weights) == rank
        residual = y[150:] - y[:150].mean(0) - (x[150:] - x[:150].mean(0)) @ weights
        assert np.allclose(found[rank - 1], (residual**2).sum(0), rtol=1e-10)


def test_rank_is_chosen_on_held_out_rows() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(800, 10))
    y = x @ rng.normal(size=(10, 2)) @ rng.normal(size=(2, 40)) + 6 * rng.normal(size=(800, 40))
    assert ReducedRank(penalties=[0.01, 0.1]).fit(x, y).rank_ == 2


def test_it_is_cloned_like_the_estimators_of_scikit_learn() -> None:
    x, y = regression()
    found = cloned(ReducedRank([1, 2])).fit(x, y)
    assert found.rank_ in (1, 2)
    assert found.predict(x).shape == y.shape

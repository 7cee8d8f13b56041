"""Hidden Markov models: against sums over all paths, against hmmlearn, and against themselves."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mystax.compute.hmm import HmmModel, HmmPrior, best_states, expect, fit_hmm, stationary
from mystax.compute.hmm_frames import make_frames
from mystax.compute.tiles import TilePool
from tests.fixtures.hmm_worlds import chain, random_model


def log_densities_by_scipy(model: HmmModel, values: np.ndarray) -> np.ndarray:
    """Return the log density of each frame under each state, from SciPy, over the observed columns."""
    table = np.zeros((len(values), model.n_states))
    for t, row in enumerate(values):
        seen = np.isfinite(row)
        for k in range(model.n_states if seen.any() else 0):
            cov = model.covariances[k][np.ix_(seen, seen)]
            table[t, k] = multivariate_normal.logpdf(row[seen], model.means[k][seen], cov)
    return table


def all_paths(model: HmmModel, values: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the log probability of each path together with the observed values."""
    table, start, moves = (
        log_densities_by_scipy(model, values),
        np.log(model.start),
        np.log(model.transitions),
    )
    found = {}
    for path in product(range(model.n_states), repeat=len(values)):
        steps = sum(moves[a, b] for a, b in pairwise(path))
        found[path] = float(start[path[0]] + steps + sum(table[t, k] for t, k in enumerate(path)))
    return found


WORLDS = [(7, 3, 2, 0.0), (8, 2, 3, 0.0), (6, 3, 3, 0.3), (8, 3, 1, 0.0), (7, 2, 2, 0.5)]


@pytest.mark.parametrize("covariance", ["full", "diagonal", "tied"])
@pytest.mark.parametrize(("n", "k", "d", "holes"), WORLDS)
def test_likelihood_and_posterior_equal_sums_over_all_paths(
    n: int, k: int, d: int, holes: float, covariance: str
) -> None:
    generator = np.random.default_rng(n * 100 + k)
    model = random_model(n + 10 * d, k, d, covariance)
    values = generator.normal(size=(n, d))
    values[generator.random((n, d)) < holes] = np.nan
    found = expect(make_frames(values), model)
    paths = all_paths(model, values)
    joint = np.array(list(paths.values()))
    total = float(np.logaddexp.reduce(joint))
    assert found.total == pytest.approx(total, rel=1e-12, abs=1e-12)
    posterior, moves = np.zeros((n, k)), np.zeros((k, k))
    for path, value in paths.items():
        weight = np.exp(value - total)
        posterior[np.arange(n), path] += weight
        for a, b in pairwise(path):
            moves[a, b] += weight
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-11)
    np.testing.assert_allclose(found.moves, moves, atol=1e-11)
    np.testing.assert_allclose(found.starts, posterior[0], atol=1e-11)


@pytest.mark.parametrize(("n", "k", "d", "holes"), WORLDS)
def test_best_path_is_the_best_of_all_paths(n: int, k: int, d: int, holes: float) -> None:
    generator = np.random.default_rng(n)
    model = random_model(n + d, k, d)
    values = generator.normal(size=(n, d))
    values[generator.random((n, d)) < holes] = np.nan
    paths = all_paths(model, values)
    best = max(paths, key=lambda path: paths[path])
    assert best_states(make_frames(values), model).tolist() == list(best)


def test_segments_are_independent() -> None:
    model = random_model(5, 3, 2)
    values = np.random.default_rng(0).normal(size=(40, 2))
    starts = np.zeros(40, bool)
    starts[[0, 15, 16]] = True
    together = expect(make_frames(values, starts), model)
    apart = [expect(make_frames(values[a:b]), model) for a, b in ((0, 15), (15, 16), (16, 40))]
    np.testing.assert_allclose(
        together.posterior, np.concatenate([one.posterior for one in apart]), atol=1e-13
    )
    np.testing.assert_allclose(together.starts, sum(one.starts for one in apart), atol=1e-13)
    assert together.total == pytest.approx(sum(one.total for one in apart), rel=1e-13)


def test_missing_frame_is_decided_by_the_transitions() -> None:
    model = random_model(2, 3, 2)
    values = np.full((3, 2), np.nan)
    found = expect(make_frames(values), model)
    want = model.start
    for t in range(3):
        np.testing.assert_allclose(found.posterior[t], want, atol=1e-14)
        want = want @ model.transitions
    assert found.total == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("covariance", ["full", "diagonal", "tied"])
def test_em_equals_hmmlearn_from_equal_starts(covariance: str) -> None:
    hmm = pytest.importorskip("hmmlearn.hmm", reason='pip install "mystax[dev]"')
    _, values = chain(3, 3000, 4, 5, 0.95)
    start = random_model(8, 4, 5, covariance)
    ours = fit_hmm(make_frames(values), start, HmmPrior(0, 0, 0), iterations=10, tolerance=0, mend=False)
    word = {"full": "full", "diagonal": "diag", "tied": "tied"}[covariance]
    peer = hmm.GaussianHMM(
        4, covariance_type=word, n_iter=10, tol=-np.inf, init_params="", covars_prior=0, min_covar=0,
        covars_weight=1 if word == "diag" else 0,
    )  # fmt: skip
    peer.startprob_, peer.transmat_, peer.means_ = start.start, start.transitions, start.means
    by_word = {"full": start.covariances, "tied": start.covariances[0]}
    peer.covars_ = by_word.get(word, np.einsum("kii->ki", start.covariances))
    peer.fit(values)
    assert ours.log_likelihood == pytest.approx(peer.score(values), rel=1e-9)
    np.testing.assert_allclose(ours.model.means, peer.means_, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.model.transitions, peer.transmat_, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_objective_never_falls(seed: int) -> None:
    check_objective(seed)


@pytest.mark.slow
def test_objective_never_falls_in_200_problems() -> None:
    for seed in range(200):
        check_objective(seed)


def check_objective(seed: int) -> None:
    """Fit a random problem, and look at its objective after every step."""
    generator = np.random.default_rng(seed)
    k, d = int(generator.integers(1, 5)), int(generator.integers(1, 5))
    covariance = ("full", "diagonal", "tied")[seed % 3]
    values = generator.normal(size=(200, d)) * generator.uniform(0.2, 3, d)
    values[generator.random((200, d)) < 0.1 * (seed % 2)] = np.nan
    prior = HmmPrior(1.0, float(10 * (seed % 4 == 1)), 0.01)
    fit = fit_hmm(make_frames(values), random_model(seed, k, d, covariance), prior, iterations=25, mend=False)
    steps = np.diff(fit.objective)
    assert (steps >= -1e-8 * np.abs(fit.objective[0])).all()


def test_threads_do_not_change_a_bit() -> None:
    _, values = chain(1, 40_000, 3, 4, 0.98)
    start = random_model(1, 3, 4)
    alone = fit_hmm(make_frames(values), start, iterations=3, tolerance=0)
    with TilePool(2) as pool:
        two = fit_hmm(make_frames(values), start, iterations=3, tolerance=0, pool=pool)
    assert alone.objective == two.objective
    assert np.array_equal(alone.model.covariances, two.model.covariances)


def test_floor_is_the_smallest_eigenvalue() -> None:
    values = np.random.default_rng(0).normal(size=(300, 3)) * [1, 1, 1e-4]
    fit = fit_hmm(make_frames(values), random_model(0, 2, 3), HmmPrior(1, 0, 0.05), iterations=20)
    assert np.linalg.eigvalsh(fit.model.covariances).min() >= 0.05 * (1 - 1e-9)


def test_dwell_prior_lengthens_bouts() -> None:
    _, values = chain(4, 1500, 3, 2, 0.5, apart=0.7)
    start = random_model(4, 3, 2)
    free = fit_hmm(make_frames(values), start, HmmPrior(), iterations=40)
    sticky = fit_hmm(make_frames(values), start, HmmPrior(1.0, 50.0), iterations=40)
    assert np.diag(sticky.model.transitions).min() > np.diag(free.model.transitions).min()
    assert np.diag(sticky.model.transitions).mean() > 0.9


def test_state_without_frames_is_seeded_again_and_said() -> None:
    _, values = chain(6, 600, 2, 2, 0.95, apart=3)
    start = random_model(6, 2, 2)
    far = HmmModel(start.start, start.transitions, np.array([[0.0, 0.0], [1e4, 1e4]]), start.covariances)
    fit = fit_hmm(make_frames(values), far, iterations=60)
    assert fit.remarks
    assert "seeded again" in fit.remarks[0]
    counts = expect(make_frames(values), fit.model).posterior.sum(0)
    assert counts.min() > 5


def test_stationary_distribution_is_left_as_it_is() -> None:
    transitions = random_model(3, 4, 1).transitions
    found = stationary(transitions)
    np.testing.assert_allclose(found @ transitions, found, atol=1e-12)
    assert found.sum() == pytest.approx(1)


def test_hidden_column_is_integrated_out() -> None:
    """The posterior of frames that lack a column is that of the model without it."""
    model = random_model(9, 3, 3)
    values = np.random.default_rng(9).normal(size=(30, 3))
    values[:, 2] = np.nan
    whole = expect(make_frames(values), model)
    small = HmmModel(model.start, model.transitions, model.means[:, :2], model.covariances[:, :2, :2])
    marginal = expect(make_frames(values[:, :2].copy()), small)
    np.testing.assert_allclose(whole.posterior, marginal.posterior, atol=1e-9)
    assert whole.total == pytest.approx(marginal.total, rel=1e-12)

"""The search: it recovers what was simulated, twice alike."""

import numpy as np
import pytest

from mystax.compute.hmm import HmmPrior, best_states, fit_hmm
from mystax.compute.hmm_frames import HmmFrames, make_frames
from mystax.compute.hmm_search import model_from_labels, search_hmm, spread_rows, start_labels
from mystax.compute.statistics import adjusted_rand
from tests.fixtures.hmm_worlds import chain


def test_states_of_a_chain_are_recovered() -> None:
    states, values = chain(0, 2500, 4, 4, 0.98, apart=2)
    found = search_hmm(make_frames(values), 4, thorough=False)
    assert adjusted_rand(states, best_states(make_frames(values), found.fit.model)) > 0.98


def test_two_searches_are_equal_in_every_bit() -> None:
    _, values = chain(1, 600, 3, 3, 0.95)
    first, second = (search_hmm(make_frames(values), 3, thorough=False) for _ in range(2))
    assert np.array_equal(first.fit.model.means, second.fit.model.means)
    assert first.starts == second.starts


@pytest.fixture(scope="module")
def searched() -> tuple[HmmFrames, float]:
    """A short recording whose states overlap, and how likely the whole search makes it."""
    _, values = chain(5, 150, 3, 2, 0.96, apart=1.0)
    frames = make_frames(values)
    return frames, search_hmm(frames, 3).fit.log_likelihood


def test_split_and_merge_never_loses(searched: tuple[HmmFrames, float]) -> None:
    frames, found = searched
    assert found >= search_hmm(frames, 3, thorough=False).fit.log_likelihood - 1e-6


@pytest.mark.slow
def test_search_is_as_good_as_many_random_starts(searched: tuple[HmmFrames, float]) -> None:
    frames, found = searched
    generator = np.random.default_rng(0)
    others = [
        fit_hmm(
            frames,
            model_from_labels(frames, generator.integers(3, size=150), 3, "full", HmmPrior()),
            iterations=60,
        ).log_likelihood
        for _ in range(20)
    ]
    assert found >= max(others) - 1e-3


def test_one_state_is_the_gaussian_of_all_frames() -> None:
    _, values = chain(3, 300, 3, 2, 0.9)
    fit = search_hmm(make_frames(values), 1, prior=HmmPrior(1, 0, 0)).fit
    np.testing.assert_allclose(fit.model.means[0], values.mean(0), atol=1e-9)
    np.testing.assert_allclose(fit.model.covariances[0], np.cov(values.T, bias=True), atol=1e-9)


def test_starts_have_as_many_groups_as_states() -> None:
    _, values = chain(4, 500, 5, 2, 0.97, apart=3)
    for _, labels in start_labels(make_frames(values), 5):
        assert len(np.unique(labels)) == 5


@pytest.mark.parametrize("most", [500, 1500])
def test_spread_rows_are_contiguous_blocks_over_all_time(most: int) -> None:
    frames = make_frames(np.zeros((10_000, 1)))
    rows = spread_rows(frames, most, 250)
    assert len(rows) <= most
    assert rows[0] == 0
    assert rows[-1] == 9_999
    assert (np.diff(rows) == 1).mean() > 0.99


def test_fewer_draws_leave_the_starts_in_time() -> None:
    _, values = chain(4, 500, 3, 2, 0.97, apart=3)
    every, few = (start_labels(make_frames(values), 3, n) for n in (5, 2))
    assert [name for name, _ in few] == [name for name, _ in every[:-3]]
    for one, other in zip(few, every, strict=False):
        assert np.array_equal(one[1], other[1])


@pytest.mark.slow
def test_a_recording_that_is_not_short_is_split_and_merged_to_the_truth() -> None:
    states, values = chain(6, 8000, 6, 4, 0.98, apart=1.2)
    frames = make_frames(values)
    quick, whole = search_hmm(frames, 6, thorough=False).fit, search_hmm(frames, 6).fit
    assert whole.log_likelihood >= quick.log_likelihood - 1e-4 * abs(quick.log_likelihood)
    assert adjusted_rand(states, best_states(frames, whole.model)) > 0.9

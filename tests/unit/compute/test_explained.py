"""Explained variance and its intervals against closed forms."""

import numpy as np
import pytest

from mystax.compute.explained import (
    bits_per_spike,
    block_draws,
    correlation_from_sums,
    deviance_explained,
    explained_interval,
    explained_variance,
    gain_interval,
    interval_of,
    population_variance,
)


def errors(neurons: int = 30, blocks: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.chisquare(60, (blocks, neurons)), rng.chisquare(60, (blocks, neurons)) * 2


def test_explained_variance_is_never_clipped() -> None:
    sse, sst = np.array([[1.0, 3.0], [1.0, 3.0]]), np.array([[2.0, 2.0], [2.0, 2.0]])
    assert explained_variance(sse, sst).tolist() == [0.5, -0.5]


def test_a_neuron_without_variance_has_none() -> None:
    assert np.isnan(explained_variance(np.zeros((3, 1)), np.zeros((3, 1)))).all()


def test_draws_are_blocks_with_replacement() -> None:
    draws = block_draws(12, n_draws=500)
    assert (draws.sum(1) == 12).all()
    assert draws.mean() == pytest.approx(1)
    assert draws.var(0).mean() == pytest.approx(1 - 1 / 12, rel=0.1)  # a binomial of 12 trials, p = 1 / 12
    assert np.array_equal(draws, block_draws(12, n_draws=500))


def test_interval_has_the_width_of_the_spread_over_blocks() -> None:
    rng = np.random.default_rng(0)
    blocks = 50
    share = 0.6 + 0.1 * rng.normal(size=(blocks, 400))
    low, high = explained_interval(share, np.ones((blocks, 400)), block_draws(blocks))
    expected = 2 * 1.96 * share.std(0) / np.sqrt(blocks)
    assert np.allclose(high - low, expected, rtol=0.15)
    assert ((low < 0.4) & (high > 0.4)).mean() > 0.85


def test_a_paired_gain_is_sharper_than_the_models_themselves() -> None:
    rng = np.random.default_rng(1)
    hard = rng.chisquare(5, (20, 30))
    sst = np.full((20, 30), 5.0)
    draws = block_draws(20)
    low, high = gain_interval(0.8 * hard, hard, sst, draws)
    alone = explained_interval(hard, sst, draws)
    assert ((high - low) < 0.5 * (alone[1] - alone[0])).all()
    gain = explained_variance(0.8 * hard, sst) - explained_variance(hard, sst)
    assert ((low < gain) & (gain < high)).all()


def test_population_numbers_are_means_over_neurons() -> None:
    sse, sst = errors()
    draws = block_draws(20)
    found = population_variance(sse, sst, draws)
    each = explained_variance(sse, sst)
    assert found.mean == pytest.approx(each.mean())
    assert found.median == pytest.approx(np.median(each))
    assert found.pooled == pytest.approx(1 - sse.sum() / sst.sum())
    assert found.share_negative == (each < 0).mean()
    by_hand = np.array([np.mean(1 - (d @ sse) / (d @ sst)) for d in draws])
    assert (found.low, found.high) == pytest.approx(tuple(interval_of(by_hand, 20)))


def test_bootstrap_covers_the_truth_at_its_rate() -> None:
    rng = np.random.default_rng(2)
    draws = block_draws(20, n_draws=400)
    hits = 0
    for _ in range(200):
        sse = rng.chisquare(40, (20, 1)) * 0.7
        found = population_variance(sse, np.full((20, 1), 40.0), draws)
        hits += found.low <= 0.3 <= found.high
    assert 0.90 <= hits / 200 <= 0.98


def test_intervals_of_few_units_reach_as_far_as_students_t() -> None:
    from scipy.stats import norm, t

    drawn = np.random.default_rng(0).normal(size=200_000) * np.sqrt(9 / 10)  # the spread of ten units
    low, high = interval_of(drawn, 10)
    assert (high, low) == pytest.approx((t.ppf(0.975, 9), t.ppf(0.025, 9)), abs=0.03)
    many = interval_of(drawn, 100_000)
    assert many[1] == pytest.approx(np.sqrt(0.9) * norm.ppf(0.975), abs=0.03)


def test_two_units_span_all_that_was_drawn() -> None:
    assert interval_of(np.array([1.0, 2.0, 3.0]), 2) == pytest.approx([1.0, 3.0])


def test_correlation_from_sums_equals_numpy() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.normal(size=(2, 100, 4))
    p = p + y
    p[:, 3] = 2
    sums = (y.sum(0), p.sum(0), (y * y).sum(0), (p * p).sum(0), (y * p).sum(0))
    found = correlation_from_sums(100, *sums)
    assert np.allclose(found[:3], [np.corrcoef(y[:, k], p[:, k])[0, 1] for k in range(3)])
    assert found[3] == 0


def test_deviance_of_a_perfect_and_of_a_mean_prediction() -> None:
    rng = np.random.default_rng(4)
    rate = rng.uniform(1, 5, (400, 3))
    y = rng.poisson(rate).astype(float)
    mean = np.broadcast_to(y.mean(0), y.shape)
    assert np.allclose(deviance_explained(y, mean, mean), 0)
    assert np.allclose(deviance_explained(np.maximum(y, 1), np.maximum(y, 1), mean), 1)
    assert (deviance_explained(y, rate, mean) > 0.2).all()


def test_bits_per_spike_equal_the_likelihood() -> None:
    from scipy.stats import poisson

    rng = np.random.default_rng(5)
    rate = rng.uniform(0.5, 4, (300, 2))
    y = rng.poisson(rate).astype(float)
    mean = np.broadcast_to(y.mean(0), y.shape)
    wanted = (poisson.logpmf(y, rate) - poisson.logpmf(y, mean)).sum(0) / y.sum(0) / np.log(2)
    assert np.allclose(bits_per_spike(y, rate, mean), wanted)


def test_predictions_below_zero_are_lifted_and_silent_neurons_have_no_bits() -> None:
    y = np.array([[0.0, 0.0], [2.0, 0.0]])
    mean = np.broadcast_to(y.mean(0), y.shape)
    found = bits_per_spike(y, np.array([[-1.0, 0.0], [2.0, 0.0]]), mean)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def silent_but_once() -> tuple[np.ndarray, np.ndarray]:
    """Errors of one steady neuron and of one that is active in a single fold's three blocks of twelve."""
    sse, sst = np.random.default_rng(6).chisquare(40, (2, 12, 2))
    sst[3:, 1] = 0
    return sse, sst


def test_draws_without_any_variance_count_nothing() -> None:
    sse, sst = silent_but_once()
    draws = block_draws(12)
    whole = draws @ sst[:, 1]
    assert (whole == 0).sum() > 15  # (3 / 4) ** 12 of the draws leave all three blocks out
    defined = 1 - (draws @ sse[:, 1])[whole > 0] / whole[whole > 0]
    found = explained_interval(sse, sst, draws)[:, 1]
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, interval_of(defined, 12))
    gain = gain_interval(sse, 2 * sse, sst, draws)[:, 1]
    np.testing.assert_allclose(gain, interval_of(1 - defined, 12))


def test_population_mean_leaves_out_neurons_without_variance_in_a_draw() -> None:
    sse, sst = silent_but_once()
    draws = block_draws(12)
    found = population_variance(sse, sst, draws)
    with np.errstate(divide="ignore"):
        each = 1 - (draws @ sse) / (draws @ sst)
    by_hand = [row[np.isfinite(row)].mean() for row in each]
    np.testing.assert_allclose(found.drawn, by_hand)
    assert np.isfinite([found.low, found.high]).all()


def test_a_spread_moves_the_ends_away_from_the_statistic_by_itself() -> None:
    rng = np.random.default_rng(5)
    sst = rng.uniform(1, 3, (20, 4))
    sse, base = 0.7 * sst * rng.uniform(0.5, 1.5, (20, 4)), 0.9 * sst * rng.uniform(0.5, 1.5, (20, 4))
    draws = block_draws(20)
    each = explained_variance(sse, sst)
    one, two = (explained_interval(sse, sst, draws, spread) - each for spread in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)
    gain = each - explained_variance(base, sst)
    one, two = (gain_interval(sse, base, sst, draws, spread) - gain for spread in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)
    narrow, wide = (population_variance(sse, sst, draws, spread) for spread in (1.0, 2.0))
    assert wide.mean == narrow.mean
    assert wide.high - wide.mean == pytest.approx(2 * (narrow.high - narrow.mean))
    assert wide.mean - wide.low == pytest.approx(2 * (narrow.mean - narrow.low))
    np.testing.assert_allclose(wide.drawn - wide.mean, 2 * (narrow.drawn - narrow.mean), atol=1e-12)

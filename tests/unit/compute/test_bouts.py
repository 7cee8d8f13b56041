"""Bouts, dwell and transitions of labels written by hand."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from mystax.compute.bouts import (
    chains,
    entropy_rate,
    find_bouts,
    merge_short,
    state_numbers,
    transition_counts,
    trial_numbers,
)

LABEL = np.array([0, 0, 1, 1, 1, -1, -1, 1, 0, 0, 2, 2, 0])
TIMES = np.arange(13) * 0.5
STARTS = np.zeros(13, bool)
STARTS[[0, 10]] = True  # a gap of the clock before the last three frames
TIMES[10:] += 5


def test_bouts_of_a_sequence_with_hole_and_gap() -> None:
    found = find_bouts(LABEL, TIMES, STARTS)
    assert found.label.tolist() == [0, 1, 1, 0, 2, 0]
    assert found.start.tolist() == [0.0, 1.0, 3.5, 4.0, 10.0, 11.0]
    assert found.stop.tolist() == [1.0, 2.5, 4.0, 5.0, 11.0, 11.5]
    assert found.complete.tolist() == [False, False, False, False, False, False]


def test_complete_bouts_have_neighbours_on_both_sides() -> None:
    found = find_bouts(np.array([0, 1, 1, 2, 2, 0]), np.arange(6.0))
    assert found.complete.tolist() == [False, True, True, False]


def test_numbers_of_states_are_counted() -> None:
    label = np.array([0, 0, 1, 1, 1, 0, 2, 2, 0, 1, 0, 0])
    numbers = state_numbers(find_bouts(label, np.arange(12) * 0.5), 4, 0.0)
    assert numbers.time.tolist() == [3.0, 2.0, 1.0, 0.0]
    np.testing.assert_allclose(numbers.occupancy, np.array([6, 4, 2, 0]) / 12)
    assert numbers.n_bouts.tolist() == [4, 2, 1, 0]
    np.testing.assert_allclose(numbers.bout_rate, np.array([4, 2, 1, 0]) / 0.1)
    assert numbers.dwell_mean[:3].tolist() == [0.5, 1.0, 1.0]  # the bouts of 0 at the edges do not count
    assert np.isnan(numbers.dwell_mean[3])
    assert numbers.dwell_longest[1] == 1.5
    assert numbers.dwell_cv[1] == pytest.approx(np.std([1.5, 0.5], ddof=1))
    assert numbers.latency[:3].tolist() == [0.0, 1.0, 3.0]


def test_transitions_do_not_go_across_holes_or_gaps() -> None:
    counts = transition_counts(LABEL, STARTS, 3)
    assert counts.tolist() == [[2, 1, 0], [1, 2, 0], [1, 0, 1]]


def test_geometric_dwell_is_what_a_chain_gives() -> None:
    lengths = np.random.default_rng(0).geometric(0.1, 60_000)  # dwells of a chain that stays with 0.9
    label = np.repeat(np.arange(60_000) % 2, lengths)
    numbers = state_numbers(find_bouts(label, np.arange(len(label)) / 10), 2, 0.0)
    np.testing.assert_allclose(numbers.dwell_mean, 1 / (10 * 0.1), rtol=0.01)


def test_short_bouts_go_to_the_better_neighbour() -> None:
    label = np.array([0, 0, 0, 2, 1, 1, 1])
    posterior = np.tile([0.2, 0.5, 0.3], (7, 1))
    found = merge_short(label, posterior, np.arange(7) / 10, np.arange(7) == 0, 0.15)
    assert found.tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_entropy_rate_of_a_coin_is_one_bit() -> None:
    assert entropy_rate(np.full((2, 2), 0.5), np.full(2, 0.5)) == pytest.approx(1.0)
    assert entropy_rate(np.eye(2), np.full(2, 0.5)) == 0.0


def test_repeated_chain_is_found_to_be_common() -> None:
    label = np.array([0, 1, 2] * 12 + [0])
    bouts = find_bouts(label, np.arange(len(label)) / 10)
    found = chains(bouts, np.ones(len(bouts), bool))
    assert {item[0] for item in found} == {(0, 1, 2), (1, 2, 0), (2, 0, 1)}
    assert all(count > 2 * expected and p < 0.01 for _, count, expected, p in found)
    assert found[0][1] == 12


def test_chains_of_a_random_order_are_as_common_as_expected() -> None:
    generator = np.random.default_rng(3)
    label = np.cumsum(generator.integers(1, 3, 900)) % 3  # each of the other two states with equal chance
    bouts = find_bouts(label, np.arange(len(label)) / 10)
    found = chains(bouts, np.ones(len(bouts), bool), most=12)
    assert len(found) == 12
    assert sum(item[2] for item in found) == pytest.approx(len(label) - 2)  # of these each order is made
    for _, count, expected, p in found:
        assert expected == pytest.approx((len(label) - 2) / 12, rel=0.2)  # states are not equally common
        assert count == pytest.approx(expected, abs=4.5 * np.sqrt(expected))
        assert p > 1e-3
    assert np.mean([p for *_, p in found]) == pytest.approx(0.5, abs=0.3)


def test_expected_counts_are_those_of_all_orders_that_there_are() -> None:
    label = np.array([0, 1, 0, 2, 0, 1, 2, 1])
    bouts = find_bouts(label, np.arange(8) / 10)
    orders = [item for item in set(permutations(label.tolist())) if all(a != b for a, b in pairwise(item))]
    triples = [list(zip(item, item[1:], item[2:], strict=False)) for item in orders]
    for chain, count, expected, p in chains(bouts, np.ones(8, bool)):
        counts = np.array([item.count(chain) for item in triples])
        assert count == list(zip(label, label[1:], label[2:], strict=False)).count(chain)
        assert expected == pytest.approx(counts.mean(), abs=0.06)
        assert p == pytest.approx((counts >= count).mean(), abs=0.05)


def test_two_states_that_alternate_make_no_chain_that_surprises() -> None:
    bouts = find_bouts(np.arange(60) % 2, np.arange(60) / 10)
    found = chains(bouts, np.ones(60, bool))
    assert [item[0] for item in found] == [(0, 1, 0), (1, 0, 1)]
    assert all((count, p) == (expected, 1.0) for _, count, expected, p in found)


def test_trials_are_counted_as_by_hand() -> None:
    label = np.array([0, 1, 0, 2])
    start, stop = np.array([0.0, 2.0, 3.0, 6.0]), np.array([2.0, 3.0, 5.0, 8.0])  # nothing is known in 5..6
    found = trial_numbers(label, start, stop, [2.5, 6.0, 20.0], 3, (1.0, 2.0))
    np.testing.assert_allclose(found.time[0], [0.5 + 1.5, 1.0, 0.0])  # 1.5 to 4.5 s
    np.testing.assert_allclose(found.share[0], [2 / 3, 1 / 3, 0])
    assert found.n_onsets[0].tolist() == [1, 1, 0]
    np.testing.assert_array_equal(found.latency[0], [0.5, np.nan, np.nan])
    np.testing.assert_allclose(found.share[1], [0, 0, 1])  # 5 to 8 s, of which 2 s are observed
    assert found.time[1].tolist() == [0, 0, 2]
    assert found.latency[1, 2] == 0
    assert np.isnan(found.share[2]).all()
    assert np.isnan(found.latency[2]).all()

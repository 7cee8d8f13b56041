"""Groups of rows and stretches of time."""

import numpy as np

from mystax.compute.clusters import best_change, k_means, merged_stretches, two_means


def test_separate_groups_are_found_and_twice_alike() -> None:
    generator = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 50)
    points = 10.0 * truth[:, None] + generator.normal(size=(150, 2))
    first = k_means(points, np.ones(150), 3, 0, 3)
    assert len({(int(a), int(b)) for a, b in zip(truth, first, strict=True)}) == 3
    assert np.array_equal(first, k_means(points, np.ones(150), 3, 0, 3))


def test_rows_without_weight_do_not_move_the_means() -> None:
    points = np.array([[0.0], [0.1], [5.0], [5.1], [1000.0]])
    found = k_means(points, np.array([1.0, 1, 1, 1, 0]), 2, 0, 3)
    assert found[0] == found[1] != found[2] == found[3]


def test_stretches_end_where_the_values_change() -> None:
    values = np.repeat([0.0, 3.0, 1.0], [40, 30, 50])[:, None]
    starts = np.arange(120) == 0
    found = merged_stretches(values, starts, [3, 10])
    assert np.flatnonzero(np.diff(found[3])).tolist() == [39, 69]
    assert len(np.unique(found[10])) == 10


def test_nothing_is_merged_across_segments() -> None:
    starts = np.zeros(60, bool)
    starts[[0, 20, 40]] = True
    found = merged_stretches(np.zeros((60, 1)), starts, [1])[1]
    assert np.array_equal(found, np.repeat([0, 1, 2], 20))


def test_cut_in_two_and_change_in_time() -> None:
    values = np.concatenate([np.zeros(10), np.ones(20)])[:, None] * 5
    assert np.array_equal(best_change(values), np.arange(30) >= 10)
    mixed = np.tile([0.0, 5.0], 15)[:, None]
    side = two_means(mixed)
    assert np.array_equal(side, side[1] == (mixed[:, 0] > 2)) or np.array_equal(side, mixed[:, 0] > 2)

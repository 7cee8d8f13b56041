"""Blocks, gaps and folds."""

import numpy as np
import pytest

from mystax.compute.explained import block_draws
from mystax.compute.folds import BlockFolds, published_split
from mystax.errors import NumbersError
from tests.fixtures.estimators import cloned

TIMES = (np.arange(7200) + 0.5) / 6  # 20 min at 6 Hz


def test_every_usable_bin_is_tested_once() -> None:
    plan = BlockFolds().plan(TIMES)
    assert (np.sum([plan.test(fold) for fold in range(5)], axis=0) == 1).all()


def test_a_block_is_a_twentieth_within_15_and_60_seconds() -> None:
    lengths = [np.diff(BlockFolds().plan(TIMES[:n]).first).mean() for n in (7200, 3600, 1200)]
    assert np.allclose(lengths, [60, 30, 200 / 13], atol=0.01)
    assert np.isclose(np.diff(BlockFolds().plan(np.arange(0, 7200, 0.5)).first).mean(), 60, atol=0.01)


def test_training_bins_keep_the_gap_to_every_test_bin() -> None:
    plan = BlockFolds(4, gap=9).plan(TIMES)
    for fold in range(4):
        train, test = TIMES[plan.train(fold)], TIMES[plan.test(fold)]
        nearest = np.abs(train[:, None] - test[None, :]).min()
        assert nearest >= 9


def test_everything_outside_of_gaps_and_test_blocks_trains() -> None:
    plan = BlockFolds(5, gap=7).plan(TIMES)
    # 4 test blocks of 60 s, 7 gaps of 7 s (the first block of fold 0 has only one side)
    assert plan.train(0).sum() == 7200 - 4 * 360 - 7 * 42


def test_inner_folds_part_the_training_bins_and_keep_the_gap() -> None:
    plan = BlockFolds().plan(TIMES)
    train = plan.train(2)
    inner = plan.inner(train)
    assert np.array_equal(np.sum([held for _, held in inner], axis=0), train)
    for fit, held in inner:
        assert not (fit & ~train).any()
        assert np.abs(TIMES[fit][:, None] - TIMES[held][None, :]).min() >= 7


def test_unusable_bins_take_no_part() -> None:
    usable = np.ones(7200, bool)
    usable[1000:1300] = False
    plan = BlockFolds().plan(TIMES, usable)
    for fold in range(5):
        assert not (plan.train(fold) | plan.test(fold))[1000:1300].any()


def test_a_gap_shorter_than_the_longest_filter_is_refused_with_the_one_that_works() -> None:
    with pytest.raises(NumbersError, match=r"N305.*at least 6\.5 s, got 3 s.*--gap 6\.5"):
        BlockFolds(gap=3, longest=6.5).plan(TIMES)


def test_fewer_than_two_blocks_per_fold_are_refused_with_the_block_that_works() -> None:
    with pytest.raises(NumbersError, match=r"N305.*blocks of at most 10 s"):
        BlockFolds(5).plan(TIMES[:600])


def test_a_gap_that_leaves_nothing_to_train_on_is_refused() -> None:
    with pytest.raises(NumbersError, match=r"N305.*too few usable bins"):
        BlockFolds(2, gap=200).plan(TIMES)


def test_split_follows_the_protocol_of_scikit_learn() -> None:
    folds = cloned(BlockFolds(3, gap=2, block=50))
    pairs = list(folds.split(np.zeros((600, 2)), None, np.arange(600.0)))
    assert len(pairs) == folds.get_n_splits() == 3
    assert np.array_equal(np.sort(np.concatenate([test for _, test in pairs])), np.arange(600))
    assert all(not np.intersect1d(train, test).size for train, test in pairs)


def test_the_published_split_trains_three_quarters_of_ten_segments() -> None:
    plan = published_split(TIMES)
    train, test = np.flatnonzero(plan.train(0)), np.flatnonzero(plan.test(0))
    assert len(train) == 0.75 * 7200
    assert len(test) == 0.25 * 7200 - 10 * 3
    assert np.abs(train[:, None] - test[None, :]).min() == 1  # at the start of the next segment
    ends = train[np.flatnonzero(np.diff(train) > 1)]
    starts = test[np.r_[0, np.flatnonzero(np.diff(test) > 1) + 1]]
    assert (starts[: len(ends)] - ends == 4).all()


def test_the_published_split_has_inner_folds_of_training_bins_only() -> None:
    plan = published_split(TIMES)
    train = plan.train(0)
    held = [pair[1] for pair in plan.inner(train)]
    assert (np.sum(held, axis=0) == train).all()
    assert all(not (fit & out).any() for fit, out in plan.inner(train))


def test_only_tested_blocks_are_drawn() -> None:
    draws = published_split(TIMES).draws(50)
    assert (draws[:, ::2] == 0).all()
    assert (draws.sum(1) == 10).all()
    plan = BlockFolds().plan(TIMES)
    assert np.array_equal(plan.draws(50, seed=3), block_draws(plan.n_blocks, n_draws=50, seed=3))


def test_intervals_are_wider_the_less_each_fold_is_fitted_on() -> None:
    """By hand from the numbers of bins: one split, and five folds whose gaps cost training bins."""
    assert published_split(TIMES).spread == pytest.approx(np.sqrt(1 + (1800 - 30) / 5400))
    wide, gapless = BlockFolds(5, gap=20).plan(TIMES), BlockFolds(5, gap=0).plan(TIMES)
    assert gapless.spread == pytest.approx(np.sqrt(1 + 5 * 1 / 4), rel=1e-3)
    ratios = [wide.test(k).sum() / wide.train(k).sum() for k in range(5)]
    assert wide.spread == pytest.approx(np.sqrt(1 + 5 * np.mean(ratios)))
    assert wide.spread > gapless.spread


def test_blocks_that_are_never_tested_have_no_fold() -> None:
    plan = published_split(TIMES)
    assert plan.block_fold.tolist() == [-1, 0] * 10
    assert set(plan.fold[plan.train(0)]) == {-1}


def test_a_recording_too_short_for_the_published_split_is_refused() -> None:
    with pytest.raises(NumbersError, match=r"N305 published split"):
        published_split(TIMES[:100])
    with pytest.raises(NumbersError, match=r"N305 published split.*usable"):
        published_split(TIMES, np.zeros(len(TIMES), bool))

"""Folds without neighbours, and the paired comparison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.nets.holdout import compare_paired, make_folds


@given(
    n=st.integers(10, 120),
    n_recordings=st.integers(1, 8),
    seed=st.integers(0, 99),
    by=st.sampled_from(["recording", "block"]),
)
def test_folds_never_share_a_frame_and_few_labels_are_all_held_out_once(
    n: int, n_recordings: int, seed: int, by: str
) -> None:
    recording = np.arange(n) % n_recordings
    folds, _ = make_folds(recording, np.full(n, np.nan), seed, by=by)
    for fold in folds:
        assert not set(fold.training) & set(fold.held_out)
        assert len(fold.training) > 0
        assert len(fold.held_out) > 0
    if n < 40:
        assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(n))
    else:
        assert len(folds) == 1


def test_three_recordings_are_held_out_whole() -> None:
    recording = np.repeat([0, 1, 2, 3, 4], 20)
    (fold,), words = make_folds(recording, np.full(100, np.nan), 1)
    held = set(recording[fold.held_out])
    assert not held & set(recording[fold.training])
    assert len(fold.held_out) == 20
    assert words == "5 recordings, whole recordings held out"


def test_small_recordings_are_added_up_to_a_fifth() -> None:
    recording = np.repeat(np.arange(25), 4)
    (fold,), _ = make_folds(recording, np.full(100, np.nan), 2)
    assert 20 <= len(fold.held_out) <= 30


@pytest.mark.parametrize("seed", range(6))
def test_large_recording_is_never_held_out_for_a_fifth(seed: int) -> None:
    recording = np.repeat([0, 1, 2], [80, 10, 10])
    (fold,), _ = make_folds(recording, np.full(100, np.nan), seed)
    assert len(fold.held_out) == 20


def test_smallest_is_held_out_where_all_recordings_are_large() -> None:
    recording = np.repeat([0, 1, 2], [40, 35, 32])
    (fold,), _ = make_folds(recording, np.full(107, np.nan), 0)
    assert set(recording[fold.held_out]) == {2}


def test_one_recording_is_held_out_in_one_block_of_time() -> None:
    time = np.random.default_rng(0).permutation(60).astype(float) * 5
    (fold,), words = make_folds(np.zeros(60, np.int64), time, 3)
    held = np.sort(time[fold.held_out])
    assert len(held) == 12
    np.testing.assert_allclose(np.diff(held), 5.0)
    assert "errors on new recordings will be larger" in words


def test_training_frames_within_a_second_of_the_block_are_dropped() -> None:
    time = np.arange(60) * 0.4
    (fold,), _ = make_folds(np.zeros(60, np.int64), time, 4)
    gaps = np.abs(time[fold.training][:, None] - time[fold.held_out])
    assert gaps.min() >= 1.0
    assert len(fold.training) >= 60 - 12 - 6


def test_neighbours_stay_where_too_few_frames_would_remain() -> None:
    (first, *_), _ = make_folds(np.zeros(12, np.int64), np.arange(12) * 0.01, 0)
    assert len(first.training) == 8


def test_hold_out_by_block_ignores_recordings() -> None:
    recording = np.repeat([0, 1, 2], 20)
    (fold,), words = make_folds(recording, np.tile(np.arange(20) * 9.0, 3), 0, by="block")
    assert len(fold.held_out) == 12
    assert words.startswith("3 recordings, blocks")


def test_clear_gain_is_better_and_clear_loss_is_not() -> None:
    rng = np.random.default_rng(0)
    old = rng.gamma(2, 2, (30, 5))
    better, worse = (compare_paired(factor * old, old, 0) for factor in (0.8, 1.2))
    assert better.is_better
    assert better.new == pytest.approx(0.8 * better.old)
    assert better.low == pytest.approx(-0.2, abs=0.05)
    assert better.high == pytest.approx(-0.2, abs=0.05)
    assert not worse.is_better


def test_gain_that_may_be_luck_is_no_gain() -> None:
    rng = np.random.default_rng(1)
    old = rng.gamma(2, 2, (12, 1))
    new = rng.gamma(2, 2, (12, 1)) * 0.99
    new *= 0.98 * old.mean() / new.mean()
    found = compare_paired(new, old, 0)
    assert found.new < found.old
    assert found.high > 0.05
    assert not found.is_better


def test_interval_covers_the_true_change_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(200):
        old = rng.gamma(4, 1, (40, 1))
        new = old + rng.normal(-0.4, 1, (40, 1))
        found = compare_paired(new, old, seed, n_draws=400)
        hits += found.low * found.old <= -0.4 <= found.high * found.old
    assert 0.89 <= hits / 200 <= 0.99


def test_points_that_one_of_them_does_not_know_do_not_count() -> None:
    new = np.array([[1.0, 50.0], [1.0, 50.0]])
    old = np.array([[2.0, np.nan], [2.0, np.nan]])
    found = compare_paired(new, old, 0)
    assert (found.new, found.old) == (1.0, 2.0)


def test_nothing_to_compare_is_not_better() -> None:
    assert not compare_paired(np.full((3, 2), np.nan), np.ones((3, 2)), 0).is_better

"""Frames that are worth labelling: unlike each other, and suspicious."""

import numpy as np
import pytest

from mystax.compute.frame_choice import (
    choose_different,
    choose_unsure,
    frame_features,
    rank_share,
    thumbnail,
)


def clusters(sizes: list[int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make clusters far apart in 3 components; returns features and the cluster of each."""
    rng = np.random.default_rng(seed)
    which = np.repeat(np.arange(len(sizes)), sizes)
    centres = rng.normal(size=(len(sizes), 3)) * 50
    return centres[which] + rng.normal(size=(len(which), 3)), which


def test_thumbnail_averages_areas() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (64, 96))
    small = thumbnail(pixels, 32)
    blocks = pixels.reshape(32, 2, 32, 3).mean((1, 3))
    low, high = np.percentile(blocks, [1, 99])
    np.testing.assert_allclose(small, np.clip((blocks - low) / (high - low), 0, 1.5))


def test_thumbnail_of_odd_size_keeps_the_mean_and_a_flat_one_is_zero() -> None:
    ramp = np.tile(np.linspace(0, 1, 37), (41, 1))
    small = thumbnail(ramp, 8)
    assert np.allclose(small, small[0])
    assert (np.diff(small[0]) >= 0).all()
    assert not thumbnail(np.full((5, 5), 7.0), 4).any()


def test_thumbnail_does_not_see_brightness_and_contrast() -> None:
    pixels = np.random.default_rng(1).uniform(0, 100, (40, 40))
    np.testing.assert_allclose(thumbnail(pixels), thumbnail(pixels * 2 + 30))


def test_features_are_principal_components() -> None:
    pictures = np.random.default_rng(2).normal(size=(30, 4, 4))
    found = frame_features(pictures, 5)
    flat = pictures.reshape(30, 16) - pictures.reshape(30, 16).mean(0)
    values = np.linalg.eigvalsh(flat.T @ flat)[::-1][:5]
    np.testing.assert_allclose((found**2).sum(0), values)
    np.testing.assert_allclose(found.T @ found, np.diag(values), atol=1e-9)


def test_ranks_go_from_nought_to_one() -> None:
    assert rank_share(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]
    assert rank_share(np.array([7.0])).tolist() == [0.0]


def test_one_frame_of_each_cluster_is_chosen_also_of_rare_ones() -> None:
    features, which = clusters([200, 60, 5, 3])
    found = choose_different(features, np.arange(268.0), 4)
    assert sorted(which[found].tolist()) == [0, 1, 2, 3]
    assert which[found[0]] == 0  # largest first


def test_chosen_frames_are_apart_in_time() -> None:
    features, _ = clusters([50, 50])
    time = np.arange(100) * 0.1
    found = choose_different(features, time, 10, gap=0.5)
    assert np.diff(np.sort(time[found])).min() >= 0.5 - 1e-9


def test_only_allowed_frames_are_chosen_and_no_more_than_there_are() -> None:
    features, _ = clusters([20, 20])
    allowed = np.zeros(40, bool)
    allowed[[3, 25, 31]] = True
    assert sorted(choose_different(features, np.arange(40.0), 10, allowed=allowed).tolist()) == [3, 25, 31]
    assert len(choose_different(features, np.arange(40.0), 5, allowed=np.zeros(40, bool))) == 0


def test_choice_is_the_same_for_the_same_seed() -> None:
    features, _ = clusters([40, 40, 40], 3)
    one, two = (choose_different(features, np.arange(120.0), 7, seed=4) for _ in range(2))
    assert one.tolist() == two.tolist()


def test_equal_frames_are_no_error() -> None:
    assert len(choose_different(np.zeros((20, 3)), np.arange(20.0), 5)) == 5


def test_most_suspicious_frame_comes_first_and_its_likes_come_late() -> None:
    features, which = clusters([10, 10, 10], 5)
    suspicion = np.where(which == 0, 1.0, np.where(which == 1, 0.8, 0.1))
    suspicion[4] = 1.2
    found = choose_unsure(features, suspicion, np.arange(30.0), 3)
    assert found[0] == 4
    assert which[found].tolist() == [0, 1, 2]


def test_frames_that_are_taken_are_not_chosen_again_and_their_likes_come_late() -> None:
    features, which = clusters([10, 10], 6)
    suspicion = np.where(which == 0, 1.0, 0.5)
    found = choose_unsure(features, suspicion, np.arange(20.0), 1, taken=np.array([0]))
    assert which[found].tolist() == [1]


def test_suspicious_frames_are_apart_in_time() -> None:
    features, _ = clusters([50])
    time = np.arange(50) * 0.1
    found = choose_unsure(features, np.ones(50), time, 8, gap=0.5)
    assert np.diff(np.sort(time[found])).min() >= 0.5 - 1e-9


@pytest.mark.parametrize("n", [0, 1])
def test_few_frames_are_no_error(n: int) -> None:
    found = choose_unsure(np.zeros((n, 3)), np.ones(n), np.arange(n) * 1.0, 5)
    assert len(found) == n

"""Merging of members against the formulas of independent normal estimates."""

import numpy as np
import pytest

from mystax.nets.ensemble import merge_members


def _round(variance: float, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.array([variance, 0.0, variance]), (*shape, 3)).copy()


def test_equal_members_give_their_mean() -> None:
    xy = np.array([[[[1.0, 2.0]]], [[[3.0, 4.0]]], [[[2.0, 6.0]]]])
    merged = merge_members(xy, _round(4.0, (3, 1, 1)))
    np.testing.assert_allclose(merged.xy[0, 0], [2.0, 4.0], atol=1e-5)


def test_surer_members_count_more() -> None:
    xy = np.array([[[[0.0, 0.0]]], [[[1.0, 1.0]]]])
    covariance = np.concatenate((_round(1.0, (1, 1, 1)), _round(3.0, (1, 1, 1))))
    np.testing.assert_allclose(merge_members(xy, covariance).xy[0, 0], [0.25, 0.25], atol=1e-3)


def test_tilted_covariances_weight_each_direction() -> None:
    xy = np.array([[[[0.0, 0.0]]], [[[2.0, 2.0]]]])
    covariance = np.array([[[[0.5, 0.0, 8.0]]], [[[8.0, 0.0, 0.5]]]])
    merged = merge_members(xy, covariance).xy[0, 0]
    np.testing.assert_allclose(merged, [2 * 0.5 / 8.5, 2 * 8 / 8.5], atol=2e-3)


def test_a_wild_member_is_left_out_and_still_seen_in_the_spread() -> None:
    rng = np.random.default_rng(0)
    xy = rng.normal(0, 0.3, (5, 20, 3, 2))
    wild = xy.copy()
    wild[2] += 100
    calm, merged = (merge_members(values, _round(0.2, (5, 20, 3))) for values in (xy, wild))
    assert np.abs(merged.xy).max() < 1.5
    assert merged.covariance[..., [0, 2]].max() < 2
    assert merged.spread.min() > 20
    assert calm.spread.max() < 2


def test_covariance_is_within_plus_between() -> None:
    xy = np.array([[[[-1.0, 0.0]]], [[[1.0, 0.0]]]])
    merged = merge_members(xy, _round(0.5, (2, 1, 1)))
    np.testing.assert_allclose(merged.covariance[0, 0], [1.5, 0.0, 0.5], atol=1e-5)


def test_two_members_far_apart_are_both_kept() -> None:
    xy = np.array([[[[0.0, 0.0]]], [[[60.0, 0.0]]]])
    merged = merge_members(xy, _round(0.5, (2, 1, 1)))
    np.testing.assert_allclose(merged.xy[0, 0], [30.0, 0.0], atol=1e-3)
    assert merged.covariance[0, 0, 0] == pytest.approx(900.5, rel=1e-3)


def test_merged_ellipses_hold_independent_errors() -> None:
    rng = np.random.default_rng(1)
    error = rng.normal(0, 1.0, (4000, 1, 2))  # common to all members: no merging takes it away
    xy = error + rng.normal(0, 0.5, (4, 4000, 1, 2))
    merged = merge_members(xy, _round(1.0 + 0.25, (4, 4000, 1)))
    square = (merged.xy.astype(float) ** 2 / merged.covariance[..., [0, 2]]).sum(axis=-1)
    assert np.mean(square < 4.605) > 0.9

"""Several trackers as one: median, variances within and between."""

import numpy as np
import pytest

from mystax.compute.ensembles import GRAIN, combine_tracks, merge_members
from mystax.errors import ParameterError


def test_covariance_is_the_mean_within_plus_the_variance_between() -> None:
    rng = np.random.default_rng(0)
    members = rng.normal(size=(5, 7, 2, 2))
    own = np.tile([0.5, 0.1, 0.3], (5, 7, 2, 1)) * rng.uniform(0.5, 2, (5, 7, 2, 1))
    place, covariance = merge_members(members, own)
    for t in range(7):
        for k in range(2):
            np.testing.assert_allclose(place[t, k], np.median(members[:, t, k], axis=0))
            between = np.cov(members[:, t, k].T)
            expected = own[:, t, k].mean(0) + np.array([between[0, 0], between[0, 1], between[1, 1]])
            np.testing.assert_allclose(covariance[t, k], expected)


def test_member_that_does_not_see_a_point_does_not_count() -> None:
    members = np.zeros((3, 1, 1, 2))
    members[:, 0, 0, 0] = [1.0, 3.0, np.nan]
    place, covariance = merge_members(members)
    assert place[0, 0].tolist() == [2.0, 0.0]
    np.testing.assert_allclose(covariance[0, 0], [GRAIN + 2.0, 0.0, GRAIN])


def test_point_that_one_member_sees_has_that_members_covariance() -> None:
    members = np.full((2, 1, 1, 2), np.nan)
    members[0] = 4.0
    _, covariance = merge_members(members, np.tile([0.5, 0.2, 0.7], (2, 1, 1, 1)))
    np.testing.assert_allclose(covariance[0, 0], [0.5, 0.2, 0.7])


def test_point_that_nobody_sees_stays_missing() -> None:
    place, covariance = merge_members(np.full((2, 1, 1, 2), np.nan))
    assert np.isnan(place).all()
    assert np.isnan(covariance).all()


def test_combined_track_is_nearer_to_the_truth_than_its_members() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(1000) / 100
    truth = np.stack([np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)], -1)[:, None] * 5
    members = [truth + rng.normal(size=truth.shape) for _ in range(5)]
    found = combine_tracks(members, t, confidences=[np.full((1000, 1), 0.8)] * 5)

    def error(place: np.ndarray) -> float:
        return float(np.sqrt(((place - truth) ** 2).sum(-1)).mean())

    assert error(found.smooth.position) < 0.5 * error(found.position) < 0.5 * error(members[0])
    assert (found.confidence == 0.8).all()


def test_confidence_of_a_member_that_sees_nothing_is_zero() -> None:
    members = [np.zeros((3, 1, 2)), np.full((3, 1, 2), np.nan), np.full((3, 1, 2), np.nan)]
    assert (combine_tracks(members, np.arange(3.0)).confidence == 0).all()


@pytest.mark.parametrize("members", [[], [np.zeros((3, 1, 2)), np.zeros((4, 1, 2))], [np.zeros((4, 1, 2))]])
def test_tracks_of_other_shapes_are_refused(members: list[np.ndarray]) -> None:
    with pytest.raises(ParameterError, match="P401"):
        combine_tracks(members, np.arange(3.0))

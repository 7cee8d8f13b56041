"""The causal filter: the forward half of the smoother, which knows no more at the last frame."""

import numpy as np
import pytest

from mystax.compute.track_filter import CausalFilter
from mystax.compute.tracks import smooth_tracks


def _walk(n: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    starts = np.array([[50.0, 60.0], [90.0, 20.0]])
    path = np.cumsum(rng.normal(0, 0.2, (n, 2, 2)), axis=0) + starts
    return np.asarray(path + rng.normal(0, 0.5, path.shape))


def _covariance(n: int) -> np.ndarray:
    return np.tile([0.25, 0.05, 0.25], (n, 2, 1))


@pytest.mark.parametrize("n", [2, 3, 10, 80])
def test_the_last_frame_is_that_of_the_smoother(n: int) -> None:
    z, r, time = _walk(n), _covariance(n), np.arange(n) / 100
    smooth = smooth_tracks(z, r, np.ones((n, 2)), time, method="ml", cutoff=20.0)
    filtered = CausalFilter(2, cutoff=20.0)
    for k in range(n):
        position, covariance = filtered.step(z[k], r[k], np.ones(2), float(time[k]))
    np.testing.assert_allclose(position, smooth.position[-1], atol=1e-6)
    np.testing.assert_allclose(covariance, smooth.covariance[-1], atol=1e-6)


def test_the_first_frame_is_as_measured() -> None:
    z, r = _walk(1), _covariance(1)
    position, covariance = CausalFilter(2).step(z[0], r[0], np.ones(2), 4.0)
    np.testing.assert_array_equal(position, z[0])
    np.testing.assert_array_equal(covariance, r[0])


def test_an_unseen_point_is_carried_on_and_lost_after_a_while() -> None:
    filtered = CausalFilter(1, max_gap=0.25)
    speed = np.array([100.0, -50.0])
    for k in range(100):
        place = np.array([[10.0, 200.0]]) + speed * k / 100
        filtered.step(place, np.full((1, 3), [0.01, 0, 0.01]), np.ones(1), k / 100)
    unseen = np.full((1, 2), np.nan)
    soon, variance = filtered.step(unseen, np.full((1, 3), np.nan), np.zeros(1), 1.09)
    np.testing.assert_allclose(soon, [[10.0 + 109.0, 200.0 - 54.5]], atol=0.1)
    assert variance[0, 0] > 0.01
    late, _ = filtered.step(unseen, np.full((1, 3), np.nan), np.zeros(1), 1.5)
    assert np.isnan(late).all()


def test_a_point_that_comes_back_begins_anew() -> None:
    filtered = CausalFilter(1)
    r = np.full((1, 3), [0.04, 0, 0.04])
    filtered.step(np.array([[5.0, 5.0]]), r, np.ones(1), 0.0)
    position, _ = filtered.step(np.array([[300.0, 200.0]]), r, np.ones(1), 2.0)
    np.testing.assert_array_equal(position, [[300.0, 200.0]])


def test_an_outlier_moves_the_point_less_than_its_covariance_says() -> None:
    def after(jump: float) -> float:
        filtered = CausalFilter(1, cutoff=5.0)
        r = np.full((1, 3), [0.04, 0, 0.04])
        for k in range(50):
            filtered.step(np.array([[0.0, 0.0]]), r, np.ones(1), k / 100)
        position, _ = filtered.step(np.array([[jump, 0.0]]), r, np.ones(1), 0.5)
        return float(position[0, 0]) / jump

    assert after(20.0) < 0.5 * after(0.1)


def test_a_doubtful_measurement_counts_less() -> None:
    def after(confidence: float) -> float:
        filtered = CausalFilter(1, cutoff=20.0)
        r = np.full((1, 3), [0.04, 0, 0.04])
        for k in range(50):
            filtered.step(np.array([[0.0, 0.0]]), r, np.ones(1), k / 100)
        position, _ = filtered.step(np.array([[0.4, 0.0]]), r, np.array([confidence]), 0.5)
        return float(position[0, 0])

    assert after(0.1) < after(1.0)


def test_times_must_rise() -> None:
    filtered = CausalFilter(2)
    filtered.step(_walk(1)[0], _covariance(1)[0], np.ones(2), 1.0)
    with pytest.raises(ValueError, match="must follow each other"):
        filtered.step(_walk(1)[0], _covariance(1)[0], np.ones(2), 1.0)

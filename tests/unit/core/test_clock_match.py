"""Matching of two trains of the same events."""

import numpy as np
import pytest

from mystax.core.clock_fit import fit_events
from mystax.core.clock_match import match_events
from mystax.errors import ClockError

INTERVAL = 1 / 30


def _trains(seed: int, loss: float = 0.05, drift: float = 5e-5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 60 random events as the camera and as the session saw them, and their true numbers."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.5, 3, 60))
    seen, logged = rng.random(60) >= loss, rng.random(60) >= loss
    return times[seen], (times * (1 + drift) + 123.4)[logged], times


@pytest.mark.parametrize("seed", range(20))
def test_random_events_with_losses_on_both_sides_are_fitted_within_a_millisecond(seed: int) -> None:
    camera, session, times = _trains(seed)
    found = match_events(camera, session, INTERVAL)
    fit = fit_events(camera[found.camera], session[found.session], INTERVAL)
    assert np.abs(fit(times) - (times * (1 + 5e-5) + 123.4)).max() <= 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_matched_pairs_are_the_same_events(seed: int) -> None:
    camera, session, _ = _trains(seed, drift=0.0)
    found = match_events(camera, session, INTERVAL)
    assert np.allclose(session[found.session] - camera[found.camera], 123.4, atol=1e-9)
    assert found.share >= 0.9
    assert found.runner_up <= 0.5


@pytest.mark.parametrize("n_more", [0, 1, 7])
def test_regular_events_are_refused(n_more: int) -> None:
    times = np.arange(60.0)
    with pytest.raises(ClockError, match="C205"):
        match_events(times, np.arange(60 + n_more) + 5.0, INTERVAL)


def test_almost_regular_events_are_refused() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(60.0) + rng.normal(0, 0.002, 60)
    with pytest.raises(ClockError, match="C205"):
        match_events(times, times + 5, INTERVAL)


def test_trains_of_different_events_are_refused() -> None:
    rng = np.random.default_rng(4)
    a, b = (np.cumsum(rng.uniform(0.5, 3, 60)) for _ in range(2))
    with pytest.raises(ClockError, match="C205"):
        match_events(a, b, INTERVAL)


def test_too_few_events_are_refused() -> None:
    with pytest.raises(ClockError, match="too few"):
        match_events(np.array([0.0, 1.0, 3.0]), np.arange(9.0), INTERVAL)


def test_camera_that_saw_a_part_of_the_session_is_matched() -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.5, 3, 200))
    found = match_events(times[80:120] - 30.0, times, INTERVAL)
    assert found.session.tolist() == list(range(80, 120))


def test_matching_stands_noise_of_the_size_of_a_frame() -> None:
    rng = np.random.default_rng(6)
    times = np.cumsum(rng.uniform(0.5, 3, 60))
    seen = np.floor(times / INTERVAL) * INTERVAL
    found = match_events(seen, times + 9, INTERVAL)
    assert found.camera.tolist() == found.session.tolist() == list(range(60))

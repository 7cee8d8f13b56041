"""Matching of two trains of the same events."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.clock_fit import fit_events
from mystax.core.clock_match import match_events, pair_nearest
from mystax.errors import ClockError
from tests.fixtures.refusals import attempt

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


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_swapped_trains_give_the_same_pairs_swapped(seed: int, loss: float) -> None:
    camera, session, _ = _trains(seed, loss)
    one, other = match_events(camera, session, INTERVAL), match_events(session, camera, INTERVAL)
    assert one.camera.tolist() == other.session.tolist()
    assert one.session.tolist() == other.camera.tolist()


@pytest.mark.parametrize("shift", [-1e6, -0.3, 1e4, 1.7e9])
def test_pairs_do_not_depend_on_where_the_clocks_begin(shift: float) -> None:
    camera, session, _ = _trains(7)
    plain, moved = match_events(camera, session, INTERVAL), match_events(camera, session + shift, INTERVAL)
    np.testing.assert_array_equal(moved.camera, plain.camera)
    np.testing.assert_array_equal(moved.session, plain.session)


@pytest.mark.parametrize("drift", [-9e-4, -1e-5, 0.0, 9e-4])
def test_pairs_do_not_depend_on_the_drift(drift: float) -> None:
    camera, session, _ = _trains(8, drift=drift)
    still = match_events(*_trains(8, drift=0.0)[:2], INTERVAL)
    found = match_events(camera, session, INTERVAL)
    np.testing.assert_array_equal(found.camera, still.camera)
    np.testing.assert_array_equal(found.session, still.session)


def test_events_of_one_train_only_are_never_paired() -> None:
    rng = np.random.default_rng(9)
    times = np.cumsum(rng.uniform(0.5, 3, 80))
    more = np.sort(np.concatenate([times, times[::10] + 0.23]))
    found = match_events(times, more + 5, INTERVAL)
    np.testing.assert_allclose(more[found.session], times)
    assert found.share == 1


def test_the_shorter_train_is_what_the_share_counts() -> None:
    rng = np.random.default_rng(10)
    times = np.cumsum(rng.uniform(0.5, 3, 100))
    found = match_events(times[:20], times, INTERVAL)
    assert (found.share, len(found.camera)) == (1.0, 20)


@pytest.mark.parametrize("n_wrong", [0, 3, 10])
def test_few_wrong_events_are_borne_many_are_refused(n_wrong: int) -> None:
    rng = np.random.default_rng(11)
    times = np.cumsum(rng.uniform(0.5, 3, 40))
    camera = times.copy()
    wrong = rng.choice(np.arange(1, 39), n_wrong, replace=False)
    camera[wrong] += 0.2
    if n_wrong <= 3:
        found = match_events(camera, times + 7, INTERVAL)
        assert not set(wrong.tolist()) & set(found.camera.tolist())
    else:
        with pytest.raises(ClockError, match="C205"):
            match_events(camera, times + 7, INTERVAL)


RISING = st.lists(st.floats(0.01, 5), min_size=1, max_size=25).map(np.cumsum)


@given(RISING, RISING, st.floats(0.0, 2.0))
def test_nearest_pairs_are_those_of_every_comparison(
    wanted: np.ndarray, times: np.ndarray, near: float
) -> None:
    here, there = pair_nearest(wanted, times, near)
    apart = np.abs(wanted[:, None] - times[None, :])
    for i in range(len(wanted)):
        for j in range(len(times)):
            best = apart[i, j] == apart[i].min() == apart[:, j].min()
            alone = (apart[i] == apart[i, j]).sum() == 1 == (apart[:, j] == apart[i, j]).sum()
            paired = bool(((here == i) & (there == j)).any())
            if paired:
                assert best
                assert apart[i, j] <= near
            elif best and alone:
                assert apart[i, j] > near
    assert (np.diff(here) > 0).all()
    assert (np.diff(there) > 0).all()


@settings(deadline=None, max_examples=40)
@given(RISING, RISING)
def test_any_two_trains_are_matched_rising_or_refused(camera: np.ndarray, session: np.ndarray) -> None:
    found, refusal = attempt(lambda: match_events(camera, session, INTERVAL))
    if refusal is not None:
        assert refusal.code == "C205"
    else:
        assert found is not None
        assert found.is_clear
        assert (np.diff(found.camera) > 0).all()
        assert (np.diff(found.session) > 0).all()
        shift = session[found.session] - camera[found.camera]
        assert np.ptp(shift) <= 0.05 * np.ptp(camera) + 1

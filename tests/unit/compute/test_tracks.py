"""Smoothed keypoints against closed forms: frequency response, the dense linear problem, ellipses, gaps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.compute.ensembles import combine_tracks
from mystax.compute.kernels.kalman import smooth_point
from mystax.compute.tracks import SmoothTracks, cutoff_of, smooth_tracks, strength_of
from mystax.errors import ParameterError
from tests.fixtures.tracks import read_members

RATE = 100.0


def one_point(
    place: np.ndarray, variance: float | np.ndarray = 0.04, rate: float = RATE, **more: Any
) -> SmoothTracks:
    """Smooth one point whose covariance is round."""
    n = len(place)
    cov = np.zeros((n, 1, 3))
    cov[:, 0, 0] = cov[:, 0, 2] = variance
    return smooth_tracks(place[:, None, :], cov, np.ones((n, 1)), np.arange(n) / rate, **more)


def dense_solution(
    times: np.ndarray, z: np.ndarray, r: np.ndarray, q: np.ndarray, speed_variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Solve the same least squares problem with one big matrix; returns states and their covariance."""
    n = len(times)
    information, right = np.zeros((4 * n, 4 * n)), np.zeros(4 * n)
    for k in range(n):
        if np.isfinite(z[k, 0]):
            inverse = np.linalg.inv([[r[k, 0], r[k, 1]], [r[k, 1], r[k, 2]]])
            place = slice(4 * k, 4 * k + 2)
            information[place, place] += inverse
            right[place] += inverse @ z[k]
        if k + 1 < n:
            dt = times[k + 1] - times[k]
            move = np.kron([[1, dt], [0, 1]], np.eye(2))
            noise = q[k] * np.kron([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]], np.eye(2))
            jacobian = np.hstack([-move, np.eye(4)])
            both = slice(4 * k, 4 * k + 8)
            information[both, both] += jacobian.T @ np.linalg.inv(noise) @ jacobian
    information[2, 2] += 1 / speed_variance
    information[3, 3] += 1 / speed_variance
    return np.linalg.solve(information, right).reshape(n, 4), np.linalg.inv(information)


@pytest.mark.parametrize("seed", range(4))
def test_smoother_solves_the_dense_linear_problem(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    times = np.cumsum(rng.uniform(0.005, 0.03, n))
    z = np.cumsum(rng.normal(size=(n, 2)), axis=0)
    z[7:11] = np.nan
    root = rng.normal(size=(n, 2, 2))
    full = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(2)
    r = np.stack([full[:, 0, 0], full[:, 0, 1], full[:, 1, 1]], 1)
    q = np.exp(2 * rng.normal(size=n) + 8)
    mean, cov, distance = np.empty((n, 4)), np.empty((n, 3)), np.empty(n)
    smooth_point(times, z, r, q, 1e8, 0, np.ones(n), mean, cov, distance)
    states, covariance = dense_solution(times, z, r, q, 1e8)
    np.testing.assert_allclose(mean, states, atol=1e-6)
    for k in range(n):
        block = covariance[4 * k : 4 * k + 2, 4 * k : 4 * k + 2]
        np.testing.assert_allclose(cov[k], [block[0, 0], block[0, 1], block[1, 1]], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("frequency", [1.0, 2.0, 4.0, 6.0])
def test_sine_comes_through_as_the_formula_says_and_without_lag(frequency: float) -> None:
    rate, cutoff = 1000.0, 4.0
    t = np.arange(8000) / rate
    wave = np.exp(2j * np.pi * frequency * t)
    place = np.stack([wave.real, wave.imag], 1)
    found = one_point(place, 100.0, rate=rate, cutoff=cutoff).position[:, 0]
    answer = (found[:, 0] + 1j * found[:, 1]) / wave
    middle = answer[3000:5000].mean()
    # the closed form is that of continuous time; at 1000 frames/s the difference is below 1e-3
    assert middle.real == pytest.approx(1 / (1 + (frequency / cutoff) ** 4), abs=1e-3)
    assert abs(middle.imag) < 1e-9


def test_impulse_is_answered_alike_before_and_after() -> None:
    place = np.zeros((801, 2))
    place[400, 0] = 0.01  # small: no outlier
    found = one_point(place, cutoff=5.0).position[:, 0, 0]
    np.testing.assert_allclose(found[300:501], found[300:501][::-1], atol=1e-10)


def test_cutoff_and_strength_are_each_others_inverse() -> None:
    assert cutoff_of(strength_of(20.0, 0.09, 0.004), 0.09, 0.004) == pytest.approx(20.0)
    assert strength_of(1.0, 2.0, 0.5) == pytest.approx(2 * np.pi * (2 * np.pi) ** 3)


def random_walk(n: int, q: float, rate: float, seed: int) -> np.ndarray:
    """Draw a path of the model itself."""
    rng = np.random.default_rng(seed)
    dt = 1 / rate
    noise = np.linalg.cholesky(q * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]))
    steps = noise @ rng.normal(size=(2, n * 2)).reshape(2, n, 2).swapaxes(0, 1)
    state = np.zeros((2, 2))
    path = np.empty((n, 2))
    for k in range(n):
        path[k] = state[0]
        state = np.stack([state[0] + dt * state[1], state[1]]) + steps[k]
    return path


def test_posterior_ellipses_cover_what_they_claim() -> None:
    n, q = 4000, 4000.0
    truth = random_walk(n, q, RATE, 1)
    rng = np.random.default_rng(2)
    variance = rng.uniform(0.1, 2.0, n)
    found = one_point(truth + rng.normal(size=(n, 2)) * np.sqrt(variance)[:, None], variance, method="ml")
    error = found.position[:, 0] - truth
    xx, xy, yy = found.covariance[:, 0].T
    det = xx * yy - xy**2
    distance = (yy * error[:, 0] ** 2 - 2 * xy * error[:, 0] * error[:, 1] + xx * error[:, 1] ** 2) / det
    # -2 log(1 - 0.9); neighbours share their errors, so 4,000 frames are some hundred independent ones
    assert 0.85 < (distance < -2 * np.log(0.1)).mean() < 0.95


def test_likeliest_strength_is_that_of_the_walk() -> None:
    truth = random_walk(20_000, 3000.0, RATE, 3)
    found = one_point(truth + np.random.default_rng(4).normal(size=truth.shape), 1.0, method="ml")
    expected = cutoff_of(3000.0, 1.0, 1 / RATE)
    assert found.cutoff[0] == pytest.approx(expected, rel=0.1)


def test_long_recordings_find_their_strength_from_blocks() -> None:
    truth = random_walk(30_000, 3000.0, RATE, 5)
    found = one_point(truth + np.random.default_rng(6).normal(size=truth.shape), 1.0, method="ml")
    assert found.cutoff[0] == pytest.approx(cutoff_of(3000.0, 1.0, 1 / RATE), rel=0.1)


def whisking(seconds: float, variance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make half a video of stillness and half of 20 Hz whisking, 3 px, and its noisy measurement."""
    t = np.arange(int(seconds * RATE)) / RATE
    truth = np.stack([np.where(t > seconds / 2, 3 * np.sin(2 * np.pi * 20 * t), 0.0), np.zeros_like(t)], 1)
    return truth, truth + np.random.default_rng(seed).normal(size=truth.shape) * np.sqrt(variance)


@pytest.mark.parametrize("believed", [0.04, 0.3])
def test_adaptive_smoother_is_still_where_the_animal_is_and_keeps_fast_whisks(believed: float) -> None:
    truth, measured = whisking(20.0, 0.04, 7)
    place = one_point(measured, believed).position[:, 0]
    quiet, moving = slice(100, 900), slice(1100, 1900)
    jitter = np.hypot(*np.diff(place[quiet], axis=0).T).mean()
    raw = np.hypot(*np.diff(measured[quiet], axis=0).T).mean()
    assert jitter < 0.05 * raw
    gain = (place[moving, 0] * truth[moving, 0]).sum() / (truth[moving, 0] ** 2).sum()
    assert 20 * np.log10(gain) > -1.0
    lags = np.arange(-3, 4)
    match = [np.dot(place[moving, 0], np.roll(truth[:, 0], lag)[moving]) for lag in lags]
    assert lags[int(np.argmax(match))] == 0


def spiked(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make the trace of a still point, and the same that is at another place for some frames now and then."""
    rng = np.random.default_rng(seed)
    still = rng.normal(size=(n, 2)) * 0.4
    measured = still.copy()
    for start in range(20, n - 20, 23):
        measured[start : start + length, 0] += 25.0
    return still, measured


@pytest.mark.parametrize("length", [1, 2])
def test_point_that_is_elsewhere_for_a_frame_or_two_does_not_move(length: int) -> None:
    still, measured = spiked(1200, length, 18)
    # The covariance allows for both places: by its own word no measurement is odd.
    expected, found = (one_point(z, 400.0).position[:, 0] for z in (still, measured))
    assert np.abs(found - expected).max() < 1.0
    steps = [np.hypot(*np.diff(place, axis=0).T).mean() for place in (expected, found)]
    assert steps[1] < 1.5 * steps[0]


def test_single_frames_are_believed_where_frames_are_slow() -> None:
    _, measured = spiked(300, 1, 19)
    found = [one_point(measured, 400.0, rate=rate, cutoff=10.0).position[20, 0, 0] for rate in (25.0, 100.0)]
    assert found[0] > 8.0  # at 25 frames/s a lick lasts no longer
    assert abs(found[1]) < 2.0


@pytest.mark.parametrize("strokes", [1, 3])
def test_few_strokes_are_no_spikes(strokes: int) -> None:
    t = np.arange(600) / RATE
    whisk = np.where((t > 3) & (t < 3 + strokes / 20), 3 * np.sin(2 * np.pi * 20 * (t - 3)), 0.0)
    measured = np.stack([whisk, np.zeros_like(t)], 1) + np.random.default_rng(20).normal(size=(600, 2)) * 0.05
    free = one_point(measured, 0.04, cutoff=40.0).position[:, 0, 0]
    # Ten times the time between frames lets no rule about spikes apply.
    n, cov = len(t), np.tile([0.04, 0.0, 0.04], (600, 1, 1))
    slow = smooth_tracks(measured[:, None], cov, np.ones((n, 1)), 10 * t, cutoff=4.0).position[:, 0, 0]
    np.testing.assert_allclose(free[290:330], slow[290:330], atol=1e-3)


def test_fast_whisk_loses_less_than_a_decibel_at_100_frames_per_second() -> None:
    truth, measured = whisking(10.0, 0.01, 22)
    place, moving = one_point(measured, 0.04).position[:, 0], slice(600, 900)
    gain = (place[moving, 0] * truth[moving, 0]).sum() / (truth[moving, 0] ** 2).sum()
    assert -0.8 < 20 * np.log10(gain) < -0.2


def test_single_quick_movement_is_followed() -> None:
    t = np.arange(1000) / RATE
    step = 6.0 / (1 + np.exp(-(t - 5.0) / 0.012))  # nine tenths of the way in 0.05 s, as a lid closes
    measured = np.stack([step, np.zeros_like(t)], 1) + np.random.default_rng(21).normal(size=(1000, 2)) * 0.1
    place = one_point(measured, 0.1).position[:, 0, 0]
    assert np.abs(place - step).max() < 0.6


def test_motionless_point_is_smoothed_to_the_quiet_cutoff() -> None:
    measured = np.random.default_rng(8).normal(size=(3000, 2)) * 0.1
    place = one_point(measured, 0.01).position[:, 0]
    assert np.hypot(*np.diff(place[100:-100], axis=0).T).mean() < 0.015


def test_outlier_moves_the_track_little() -> None:
    rng = np.random.default_rng(9)
    measured = rng.normal(size=(500, 2)) * 0.2
    clean = one_point(measured).position[:, 0].copy()
    measured[250] += 80.0
    found = one_point(measured)
    assert np.abs(found.position[:, 0] - clean).max() < 1.0
    assert found.distance[250, 0] > 25


def test_short_gap_is_bridged_with_more_variance_and_long_one_is_not() -> None:
    rng = np.random.default_rng(10)
    measured = rng.normal(size=(400, 2)) * 0.2
    measured[100:120] = np.nan  # 0.21 s between the frames around it
    measured[200:230] = np.nan
    measured[:5] = np.nan
    found = one_point(measured)
    filled = np.flatnonzero(found.gap_filled[:, 0])
    assert filled.tolist() == list(range(100, 120))
    missing = np.flatnonzero(~np.isfinite(found.position[:, 0, 0]))
    assert missing.tolist() == [*range(5), *range(200, 230)]
    variance = found.covariance[:, 0, 0]
    assert variance[110] > variance[101] > variance[90]


def test_lower_confidence_counts_less() -> None:
    n = 200
    place = np.zeros((n, 1, 2))
    place[100] = 1.0
    cov = np.tile([1.0, 0.0, 1.0], (n, 1, 1))
    times = np.arange(n) / RATE
    answers = []
    for value in (1.0, 0.1):
        confidence = np.ones((n, 1))
        confidence[100] = value
        found = smooth_tracks(place, cov, confidence, times, cutoff=10.0)
        answers.append(found.position[100, 0, 0])
    assert answers[1] < 0.5 * answers[0]


def test_frames_without_a_time_stay_missing_and_others_do_not_change() -> None:
    rng = np.random.default_rng(11)
    place, times = rng.normal(size=(100, 1, 2)), np.arange(100) / RATE
    cov, confidence = np.tile([1.0, 0.0, 1.0], (100, 1, 1)), np.ones((100, 1))
    holed = times.copy()
    holed[40] = np.nan
    found = smooth_tracks(place, cov, confidence, holed, cutoff=5.0)
    keep = np.arange(100) != 40
    without = smooth_tracks(place[keep], cov[keep], confidence[keep], times[keep], cutoff=5.0)
    assert np.isnan(found.position[40]).all()
    np.testing.assert_array_equal(found.position[keep], without.position)


def test_points_do_not_influence_each_other() -> None:
    rng = np.random.default_rng(12)
    place, times = rng.normal(size=(200, 3, 2)), np.arange(200) / RATE
    cov, confidence = np.tile([1.0, 0.0, 1.0], (200, 3, 1)), np.ones((200, 3))
    every = smooth_tracks(place, cov, confidence, times)
    alone = smooth_tracks(place[:, 1:2], cov[:, 1:2], confidence[:, 1:2], times)
    np.testing.assert_array_equal(every.position[:, 1], alone.position[:, 0])


def test_none_gives_the_points_as_measured() -> None:
    place = np.random.default_rng(13).normal(size=(50, 2))
    found = one_point(place, method="none")
    np.testing.assert_array_equal(found.position[:, 0], place)


def test_lowest_cutoff_is_kept() -> None:
    found = one_point(np.random.default_rng(14).normal(size=(500, 2)), 1.0, method="ml", min_cutoff=7.0)
    assert found.cutoff[0] >= 7.0 * 0.999


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_short_recordings_are_no_error(n: int) -> None:
    found = one_point(np.zeros((n, 2)))
    assert found.position.shape == (n, 1, 2)


def test_point_never_seen_is_missing() -> None:
    found = one_point(np.full((50, 2), np.nan))
    assert np.isnan(found.position).all()


def test_unknown_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'adaptive'"):
        one_point(np.zeros((5, 2)), method="adaptiv")


def test_times_that_fall_are_refused() -> None:
    with pytest.raises(ParameterError, match="times that rise"):
        smooth_tracks(np.zeros((3, 1, 2)), np.ones((3, 1, 3)), np.ones((3, 1)), np.array([0.0, 2.0, 1.0]))


@pytest.mark.needs_data
def test_pupil_diameters_of_five_trackers_agree_better_when_combined(real_data: Path) -> None:
    members, time = read_members(sorted((real_data / "eks" / "ibl-pupil").glob("*.csv")))
    found = combine_tracks(list(members), time)

    def agreement(place: np.ndarray) -> float:
        vertical = np.hypot(*(place[:, 2] - place[:, 0]).T)
        horizontal = np.hypot(*(place[:, 3] - place[:, 1]).T)
        return float(np.corrcoef(vertical, horizontal)[0, 1])

    assert agreement(np.median(members, axis=0)) == pytest.approx(0.745, abs=0.001)
    assert agreement(found.smooth.position) >= 0.82

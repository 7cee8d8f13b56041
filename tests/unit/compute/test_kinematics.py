"""Speeds against movements of known speed, on clocks that jitter."""

import numpy as np
import pytest

from mystax.compute.kinematics import derivatives, noise_floor, rotation_speed, segment_starts, speed_of


def jittered(rate: float, n: int = 400, seed: int = 0) -> np.ndarray:
    return (np.arange(n) + 0.3 * np.random.default_rng(seed).uniform(-1, 1, n)) / rate


def test_quadratic_is_differentiated_exactly_on_a_jittered_clock() -> None:
    times = jittered(50)
    values = np.stack([1 + 2 * times + 3 * times**2, -times], 1)
    found = derivatives(times, values)
    np.testing.assert_allclose(found.slope, np.stack([2 + 6 * times, -np.ones_like(times)], 1), atol=1e-6)
    np.testing.assert_allclose(found.bend[:, 0], 6, atol=1e-4)


@pytest.mark.parametrize("rate", [50, 100])
def test_turning_and_moving_head(rate: int) -> None:
    times = jittered(rate)
    angle = times  # 1 rad/s about z
    rotation = np.zeros((len(times), 3, 3))
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
    rotation[:, 1, 0], rotation[:, 0, 1] = np.sin(angle), -np.sin(angle)
    rotation[:, 2, 2] = 1
    place = np.stack([10 * times, 0 * times, 0 * times], 1)  # 10 mm/s
    np.testing.assert_allclose(rotation_speed(times, rotation), 1.0, rtol=0.01)
    np.testing.assert_allclose(speed_of(derivatives(times, place).slope), 10.0, rtol=0.01)


def test_two_rates_agree() -> None:
    fast = np.arange(800) / 100
    slow = fast[::2]
    speeds = [
        speed_of(derivatives(t, np.stack([np.sin(3 * t), np.cos(2 * t)], 1)).slope) for t in (fast, slow)
    ]
    np.testing.assert_allclose(speeds[0][::2][5:-5], speeds[1][5:-5], rtol=0.02)


def test_nothing_is_known_across_gaps() -> None:
    times = np.concatenate([np.arange(10) / 50, 5 + np.arange(10) / 50])
    values = np.concatenate([np.zeros(10), np.full(10, 100.0)])[:, None]
    found = derivatives(times, values)
    np.testing.assert_allclose(found.slope, 0, atol=1e-9)
    assert segment_starts(times).sum() == 2


def test_missing_values_stay_missing() -> None:
    times = np.arange(12) / 30
    values = (2 * times)[:, None].copy()
    values[5] = np.nan
    slope = derivatives(times, values).slope[:, 0]
    assert np.isnan(slope[5])
    np.testing.assert_allclose(np.delete(slope, 5), 2.0, atol=1e-9)


def test_too_few_frames_give_nothing() -> None:
    assert np.isnan(derivatives(np.array([0.0, 0.1]), np.zeros((2, 1))).slope).all()


def test_noise_floor_is_the_speed_of_pure_noise() -> None:
    times = np.arange(4000) / 50
    noise = 0.2 * np.random.default_rng(1).normal(size=(4000, 2))
    found = speed_of(derivatives(times, noise).slope)
    assert np.sqrt((found**2).mean()) == pytest.approx(noise_floor(times, np.full(2, 0.2)), rel=0.05)

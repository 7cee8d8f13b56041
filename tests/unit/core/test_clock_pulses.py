"""Matching of pulses to the frames of a video."""

from typing import Any

import numpy as np
import pytest

from mystax.core.clock_pulses import match_pulses
from mystax.errors import ClockError

INTERVAL = 1 / 30


def _pulses(
    seed: int,
    n: int = 300,
    *,
    jitter: float = 0.0,
    noise: float = 0.0,
    n_lost: int = 0,
    head: int = 0,
    tail: int = 0,
    dropped: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return stamps of frames, pulses, and the true slot of each."""
    rng = np.random.default_rng(seed)
    slots = np.arange(n + head + tail + dropped)
    times = slots * INTERVAL + rng.normal(0, jitter * INTERVAL, len(slots))
    frames, pulses = slots[head : len(slots) - tail], slots
    if dropped:
        frames = np.delete(frames, rng.choice(np.arange(1, len(frames) - 1), dropped, replace=False))
    if n_lost:
        pulses = np.delete(pulses, head + rng.choice(np.arange(1, n - 1), n_lost, replace=False))
    stamps = times[frames] + rng.normal(0, noise * INTERVAL, len(frames))
    return stamps - stamps[0], times[pulses] * (1 + 8e-5) + 50, frames, pulses


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "kind",
    [
        {"n_lost": 3},
        {"n_lost": 3, "noise": 0.005},
        {"n_lost": 3, "jitter": 0.03},
        {"dropped": 5},
        {"head": 3, "jitter": 0.02},
    ],
)
def test_pulses_are_matched_to_the_right_frames(seed: int, kind: dict[str, Any]) -> None:
    stamps, pulses, frame_slots, pulse_slots = _pulses(seed, **kind)
    found = match_pulses(stamps, pulses)
    assert np.array_equal(frame_slots[found.frame], pulse_slots[found.pulse])
    assert len(found.frame) == min(len(stamps), len(pulses))
    assert found.ratio >= 3


@pytest.mark.parametrize("kind", [{"head": 3}, {"tail": 3}, {"head": 2, "n_lost": 2, "dropped": 4}])
def test_pulses_that_could_lie_otherwise_are_refused(kind: dict[str, Any]) -> None:
    for seed in range(5):
        stamps, pulses, *_ = _pulses(seed, **kind)
        with pytest.raises(ClockError, match="C202"):
            match_pulses(stamps, pulses)


def test_accepted_match_is_never_wrong_by_a_frame() -> None:
    n_accepted = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        stamps, pulses, frame_slots, pulse_slots = _pulses(
            seed,
            int(rng.integers(100, 400)),
            jitter=float(rng.choice([0, 0.01, 0.05])),
            noise=float(rng.choice([0, 0.002, 0.02])),
            n_lost=int(rng.integers(0, 5)),
            head=int(rng.integers(0, 3)),
            dropped=int(rng.integers(0, 3)),
        )
        try:
            found = match_pulses(stamps, pulses)
        except ClockError:
            continue
        n_accepted += 1
        assert np.array_equal(frame_slots[found.frame], pulse_slots[found.pulse]), seed
    assert n_accepted >= 5


def test_too_many_left_over_are_refused() -> None:
    stamps, pulses, *_ = _pulses(1, n_lost=30, jitter=0.03)
    with pytest.raises(ClockError, match="left over"):
        match_pulses(stamps, pulses)


def test_unrelated_pulses_are_refused() -> None:
    rng = np.random.default_rng(8)
    stamps = np.cumsum(rng.uniform(0.01, 0.06, 200))
    with pytest.raises(ClockError, match="C202"):
        match_pulses(stamps, np.cumsum(rng.uniform(0.01, 0.06, 203)))


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(ClockError, match="too few"):
        match_pulses(np.arange(3.0), np.arange(9.0))


def test_long_train_with_drift_is_followed_to_its_end() -> None:
    stamps, pulses, frame_slots, pulse_slots = _pulses(9, 2500, jitter=0.05, noise=0.003, n_lost=5)
    found = match_pulses(stamps, pulses)
    assert np.array_equal(frame_slots[found.frame], pulse_slots[found.pulse])

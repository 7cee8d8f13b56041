"""Scripts of behaviour: ranges, reproducibility, independence of rate and length."""

import numpy as np
import pytest

from mystax.synth.behaviour import Behaviour

TIMES = np.arange(0, 120, 1 / 30)
RANGES = {
    "arousal": (0.0, 1.0),
    "speed": (0.0, 1.0),
    "wobble": (-1.0, 1.0),
    "pupil": (0.7, 1.3),
    "whisk": (-1.0, 1.0),
    "sniff": (-1.0, 1.0),
    "light": (0.99, 1.01),
    "openness": (0.0, 1.0),
    "gaze": (-1.0, 1.0),
    "sway": (-1.0, 1.0),
}


@pytest.mark.parametrize("name", sorted(RANGES))
def test_traces_keep_their_range_and_are_not_constant(name: str) -> None:
    low, high = RANGES[name]
    for seed in range(4):
        trace = getattr(Behaviour(seed), name)(TIMES)
        assert trace.min() >= low
        assert trace.max() <= high
        assert trace.std() > 0


@pytest.mark.parametrize("name", [*sorted(RANGES), "distance"])
def test_a_part_of_the_time_gives_a_part_of_the_trace(name: str) -> None:
    act = Behaviour(2)
    whole, part = getattr(act, name)(TIMES), getattr(act, name)(TIMES[600:900])
    np.testing.assert_allclose(part, whole[600:900], atol=1e-9)


def test_seeds_differ() -> None:
    assert not np.allclose(Behaviour(0).pupil(TIMES), Behaviour(1).pupil(TIMES))


def test_distance_is_the_sum_of_speed() -> None:
    act, times = Behaviour(1), np.arange(0, 20, 0.001)
    distance = act.distance(times)
    assert distance[0] == 0.0
    assert (np.diff(distance) >= 0).all()
    np.testing.assert_allclose(np.diff(distance) / 0.001, act.speed(times)[:-1], atol=0.02)


def test_the_animal_runs_and_rests() -> None:
    for seed in range(4):
        speed = Behaviour(seed).speed(TIMES)
        assert 0.05 < (speed > 0.5).mean() < 0.9
        assert (speed < 0.05).mean() > 0.05


def test_pupils_are_wider_while_the_animal_runs() -> None:
    act = Behaviour(0)
    pupil, speed = act.pupil(TIMES), act.speed(TIMES)
    assert pupil[speed > 0.5].mean() > pupil[speed < 0.1].mean()


def test_blinks_are_short_and_apart() -> None:
    start, stop = Behaviour(5).blinks(120.0)
    assert 10 <= len(start) <= 30
    assert ((stop - start >= 0.1) & (stop - start <= 0.25)).all()
    assert (np.diff(start) > 0.5).all()
    assert (start < 120.0).all()


def test_lids_are_shut_in_the_middle_of_a_blink_and_half_open_at_its_ends() -> None:
    act = Behaviour(5)
    start, stop = act.blinks(60.0)
    np.testing.assert_allclose(act.openness((start + stop) / 2), 0.0)
    np.testing.assert_allclose(act.openness(start), 0.5)
    np.testing.assert_allclose(act.openness(stop), 0.5)


def test_lids_are_open_between_blinks() -> None:
    act = Behaviour(5)
    start, stop = act.blinks(60.0)
    apart = np.all((TIMES[:, None] < start - 0.02) | (TIMES[:, None] > stop + 0.02), axis=1) & (TIMES < 55)
    assert (act.openness(TIMES)[apart] == 1.0).all()


def test_no_time_is_no_behaviour() -> None:
    act, none = Behaviour(0), np.zeros(0)
    assert act.openness(none).shape == act.distance(none).shape == (0,)
    assert act.blinks(0.0)[0].shape == (0,)

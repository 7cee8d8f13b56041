"""Length of a refine: steps by labels, steps by budget, seconds by measurement."""

import time

import pytest

pytest.importorskip("torch", reason='pip install "mystax[train]"')

from mystax.nets.estimate import (
    count_steps,
    estimate_steps,
    estimate_training,
    make_fitter,
    measure_step,
)
from mystax.nets.tracker import build_tracker
from mystax.nets.training_data import Plan

pytestmark = pytest.mark.extra("train")
SMALL = Plan(size=64, width=0.25)


def test_steps_grow_with_the_labels_and_stay_in_their_range() -> None:
    counts = [estimate_steps(n, has_base=True) for n in (10, 20, 67, 500)]
    assert counts == sorted(counts)
    assert counts[0] >= 300
    assert counts[-1] == 1500
    assert estimate_steps(10, has_base=False) > counts[0]


@pytest.mark.parametrize("n_frames", [10, 39, 40, 500])
@pytest.mark.parametrize("minutes", [0.5, 2.0, 60.0])
def test_estimate_keeps_to_the_budget(n_frames: int, minutes: float) -> None:
    found = estimate_training(n_frames, 0.1, minutes, has_base=True)
    assert found.n_total == count_steps(found.steps, n_frames)[1]
    assert found.seconds <= 60 * minutes
    if minutes == 60.0:
        assert found.steps == estimate_steps(n_frames, has_base=True)


def test_hopeless_budget_still_trains_a_little() -> None:
    assert estimate_training(20, 5.0, 0.2, has_base=True).steps == 50


def test_small_changes_of_speed_give_the_same_steps() -> None:
    steps = {estimate_training(20, s, 1.0, has_base=True).steps for s in (0.100, 0.101, 0.102)}
    assert len(steps) == 1


def test_measured_step_is_that_of_a_training() -> None:
    measured = measure_step(SMALL, 3, width=0.25, seconds=0.3)
    begin = time.perf_counter()
    measure_step(SMALL, 3, width=0.25, seconds=0.3)
    assert 0 < measured < time.perf_counter() - begin


def test_short_trainings_average_over_fewer_steps() -> None:
    fitters = [make_fitter(build_tracker(2, width=0.25), SMALL, n, has_base=True) for n in (4, 300, 9000)]
    for fitter in fitters:
        fitter.close()
    assert [fitter.average for fitter in fitters] == [0.0, pytest.approx(0.95), 0.995]

"""The curve of a training: every loss counts once, and there are never more points than a screen shows."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.app.loss_curve import LossCurve


def step(done: int, loss: object, seconds: object = 1.0, total: int = 100) -> dict[str, Any]:
    return {"kind": "progress", "done": done, "total": total, "data": {"loss": loss, "seconds": seconds}}


@given(st.integers(1, 3000), st.sampled_from([4, 10, 64]), st.integers(0, 9))
def test_points_are_means_of_even_stretches(n: int, most: int, seed: int) -> None:
    losses = np.random.default_rng(seed).normal(size=n)
    curve = LossCurve(most)
    for k, loss in enumerate(losses.tolist()):
        curve.take(step(k + 1, loss, k + 1.0))
    shown = curve.shown()
    assert len(shown.steps) == len(shown.losses) < most
    if not shown.steps:
        return
    (width,) = {b - a for a, b in zip([0, *shown.steps], shown.steps, strict=False)} or {1}
    wanted = losses[: shown.steps[-1]].reshape(-1, width).mean(axis=1)
    np.testing.assert_allclose(shown.losses, wanted, atol=1e-12)


def test_each_fit_begins_where_its_clock_does() -> None:
    curve = LossCurve()
    for done, seconds in enumerate([0.1, 0.2, 0.3, 0.05, 0.15, 0.02], 1):
        curve.take(step(done, 1.0 / done, seconds))
    assert curve.shown().starts == [1, 4, 6]
    assert curve.shown().total == 100


def test_a_look_at_held_out_frames_stands_at_the_step_it_was_taken() -> None:
    curve = LossCurve()
    curve.take(step(7, 0.5))
    curve.take({"kind": "note", "stage": "hold-out", "data": {"fold": 0, "step": 3, "error": 4.25}})
    (look,) = curve.shown().held_out
    assert (look.step, look.error) == (7, 4.25)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"kind": "progress", "done": 1},
        {"kind": "progress", "done": 1, "data": None},
        step(1, None),
        step(1, "0.5"),
        step(1, math.nan),
        step(1, True),
        {"kind": "note", "stage": "hold-out", "data": {"error": math.inf}},
        {"error": {"code": "P403"}},
    ],
)
def test_all_other_events_are_passed_over(event: dict[str, Any]) -> None:
    curve = LossCurve()
    curve.take(event)
    shown = curve.shown()
    assert (shown.steps, shown.losses, shown.held_out) == ([], [], [])

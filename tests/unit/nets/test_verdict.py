"""The verdict on refined weights: each reason is told, and none is invented."""

import numpy as np
import pytest

from mystax.nets.holdout import Comparison
from mystax.nets.verdict import placed_error, reasons_against

BETTER, WORSE = Comparison(2.0, 3.0, -0.4, -0.2, True), Comparison(3.0, 2.0, 0.2, 0.6, False)


def test_better_weights_that_forget_little_have_nothing_against_them() -> None:
    assert reasons_against(BETTER, 1.29, has_base=True) == ()
    assert reasons_against(BETTER, float("nan"), has_base=True) == ()


def test_worse_weights_are_told_with_their_errors() -> None:
    (reason,) = reasons_against(WORSE, 1.0, has_base=True)
    assert reason.startswith("held-out error 3.00 px@256 against 2.00 of the base")
    assert "+20 to +60 %" in reason


def test_without_a_base_nothing_can_be_worse() -> None:
    assert reasons_against(WORSE, float("nan"), has_base=False) == ()


@pytest.mark.parametrize(
    ("exchanged", "words"),
    [
        ([("a", "b")], "labels of a lie where the base finds b"),
        ([("a", "b"), ("b", "a")], "labels of a lie where the base finds b, of b lie where the base finds a"),
        ([(f"p{k}", "q") for k in range(5)], "of p2 lie where the base finds q, and so on for 2 more"),
    ],
)
def test_exchanged_names_are_a_reason_whatever_the_errors(
    exchanged: list[tuple[str, str]], words: str
) -> None:
    (reason,) = reasons_against(BETTER, 1.0, has_base=True, exchanged=exchanged)
    assert reason.startswith("names of points seem to be exchanged")
    assert reason.endswith(words)


def test_only_placed_points_have_an_error() -> None:
    xy = np.array([[[0.0, 0.0], [3.0, 4.0], [9.0, 9.0]]])
    state = np.array([[2, 2, 1]], np.uint8)
    error = placed_error(xy, np.zeros((1, 3, 2)), state, 2.0)
    np.testing.assert_array_equal(error, [[0.0, 10.0, np.nan]])

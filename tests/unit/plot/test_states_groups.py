"""Figure of what two groups differ in."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Annotation

from mystax.plot.states_groups import GroupDifference, difference_figure, stars
from mystax.plot.style import style


def found() -> GroupDifference:
    moves = np.array([[np.nan, 0.2, -0.2], [0.01, np.nan, np.nan], [-0.1, 0.1, np.nan]])
    return GroupDifference(
        ("control", "treated"),
        (6, 6),
        np.array([[0.12, -0.05, -0.07], [1.0, 0.0, -1.0], [0.1, 0.2, -0.3]]),
        np.array([[2.5, -0.6, -0.9], [0.8, 0.1, -0.7], [0.2, 0.4, np.nan]]),
        np.array([[1.6, -1.4, -2.0], [0.1, -0.9, -1.8], [-0.8, -0.5, np.nan]]),
        np.array([[4.4, 0.2, 0.1], [1.9, 1.1, 0.3], [1.2, 1.6, np.nan]]),
        np.array([[0.004, 0.6, 0.3], [0.5, 1.0, 0.7], [1.0, 1.0, np.nan]]),
        moves,
        np.where(np.isfinite(moves), np.where(moves > 0.15, 0.03, 0.8), np.nan),
    )


@pytest.mark.parametrize(
    ("p", "text"), [(0.06, ""), (0.05, "*"), (0.01, "**"), (0.0009, "***"), (np.nan, "")]
)
def test_stars_count_the_levels_that_p_reaches(p: float, text: str) -> None:
    assert stars(p) == text


def test_numbers_are_those_of_the_comparison() -> None:
    with style():
        made = difference_figure(found())
    table = {name: list(column) for name, column in made.numbers.items()}
    assert table["quantity"][:3] == ["occupancy"] * 3
    assert table["difference"][:3] == [0.12, -0.05, -0.07]
    assert table["p_family"][0] == 0.004
    moves = [k for k, name in enumerate(table["quantity"]) if name == "transition"]
    assert [(table["state"][k], table["next_state"][k]) for k in moves] == [
        (1, 2),
        (1, 3),
        (2, 1),
        (3, 1),
        (3, 2),
    ]


def test_only_differing_moves_are_arrows_and_clear_ones_are_whole_lines() -> None:
    with style():
        made = difference_figure(found())
    graph = made.figure.axes[1]
    arrows = [
        item.arrow_patch
        for item in graph.texts
        if isinstance(item, Annotation) and item.arrow_patch is not None
    ]
    assert len(arrows) == 4  # 0.01 is too little
    assert sum(arrow.get_linestyle() == "-" for arrow in arrows) == 1
    assert "+12.0**" in [item.get_text() for item in graph.texts]


def test_sentence_counts_what_differs_or_says_why_there_is_no_p() -> None:
    with style():
        assert "2 quantities" in difference_figure(found()).alternative
        few = replace(
            found(),
            effect=np.full((3, 3), np.nan),
            p_family=np.full((3, 3), np.nan),
            reason="the group 'a' has 2 units; 3 are the fewest",
        )
        assert "has 2 units" in difference_figure(few).alternative

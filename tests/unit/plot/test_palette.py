"""Colours stay apart for normal, deutan and protan sight, by CIEDE2000."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import mystax
from tests.fixtures.colours import difference, seen_as

PALETTE = tomllib.loads((Path(mystax.__file__).parent / "data" / "palette.toml").read_text("utf-8"))
SIGHTS = ("normal", "deutan", "protan")


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [  # Sharma, Wu and Dalal 2005, table 1: pairs 1, 4, 7, 13, 17, 25
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_the_measure_gives_the_published_differences(
    one: tuple[float, ...], other: tuple[float, ...], wanted: float
) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(wanted, abs=1e-4)


def least(colours: list[str], sight: str) -> float:
    """Return the smallest difference of two colours."""
    seen = [seen_as(colour, sight) for colour in colours]
    return min(difference(a, b) for a, b in combinations(seen, 2))


@pytest.mark.parametrize("sight", SIGHTS)
def test_keypoints_of_a_face_stay_apart(sight: str) -> None:
    parts = [PALETTE["keypoints"][name] for name in ("eye", "whisker", "nose", "mouth")]
    assert least([colour for part in parts for colour in part], sight) >= 12


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_first_seven_states_stay_apart(sight: str) -> None:
    assert least(PALETTE["states"]["colours"][:7], sight) >= 11

"""Colours of the palette are told apart, by people who see red and green alike too."""

from itertools import combinations

import numpy as np
import pytest

from mystax.core.typing import Float64
from mystax.plot.style import palette

LINEAR_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = LINEAR_TO_XYZ.sum(1)
SIGHT = {
    # Linear RGB as it is seen without one kind of cone: Machado et al. (2009), doi:10.1109/TVCG.2009.113.
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}
LEAST = {"keypoints": 12.0, "states": 11.0}


def lab(colour: str, sight: str) -> Float64[np.ndarray, " 3"]:
    """Give CIE L*a*b* (D65) of a colour as it is seen."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    share = LINEAR_TO_XYZ @ np.clip(SIGHT[sight] @ linear, 0, 1) / WHITE
    x, y, z = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def ciede2000(one: Float64[np.ndarray, " 3"], other: Float64[np.ndarray, " 3"]) -> float:
    """Give the difference of two colours: Sharma, Wu & Dalal (2005), doi:10.1002/col.20070."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    grow = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    c1, c2 = np.hypot(grow * a1, b1), np.hypot(grow * a2, b2)
    h1, h2 = (
        np.degrees(np.arctan2(b, grow * a)) % 360 if (a or b) else 0.0 for a, b in ((a1, b1), (a2, b2))
    )
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cosines = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(k * np.cos(np.radians(n * hue + shift)) for k, n, shift in cosines)
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    tilt = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    twist = -tilt * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    d_l, d_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / s_h
    return float(np.sqrt(d_l**2 + d_c**2 + d_h**2 + twist * d_c * d_h))


def colours_of(what: str) -> list[str]:
    """Give the thirteen colours of a mouse's face, or the first seven of states."""
    if what == "states":
        return list(palette()["states"]["colours"])[:7]
    found = palette()["keypoints"]
    return [colour for part in ("eye", "whisker", "nose", "mouth") for colour in found[part]]


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [  # of the table of Sharma, Wu & Dalal
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_published_table(
    one: tuple[float, ...], other: tuple[float, ...], difference: float
) -> None:
    assert ciede2000(np.array(one, float), np.array(other, float)) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(np.array(other, float), np.array(one, float)) == pytest.approx(difference, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("what", LEAST)
def test_no_two_colours_are_taken_for_each_other(what: str, sight: str) -> None:
    seen = {colour: lab(colour, sight) for colour in colours_of(what)}
    close = {
        (one, other): round(found, 1)
        for one, other in combinations(seen, 2)
        if (found := ciede2000(seen[one], seen[other])) < LEAST[what]
    }
    assert close == {}


def test_the_colours_of_a_part_differ_from_those_of_every_other() -> None:
    every = [colour.lower() for part in palette()["keypoints"].values() for colour in part]
    assert len(every) == len(set(every))

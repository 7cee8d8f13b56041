"""Normalised energy stays the same where light, noise, rate or region change and movement does not."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mystax.core.recording import ArraySource
from tests.fixtures.measure import measure, rectangle

SECONDS = 4.0
SIDE = 96


@cache
def texture() -> np.ndarray:
    """Make a smooth texture, longer than the picture, with brightness 100 and contrast 25."""
    smooth = gaussian_filter(np.random.default_rng(5).normal(size=(SIDE, SIDE + 60)), 5)
    return np.asarray(100 + 25 * smooth / smooth.std())


@dataclass(frozen=True)
class Change:
    """One change of how the same movement is filmed."""

    light: float = 1.0
    flicker: float = 0.0
    steps: float = 0.0
    noise: float = 2.0
    rate: int = 100
    height: int = 48


def place(time: float) -> float:
    """Return where the texture is at a time: it rests half of the time [px]."""
    return 20 + (10 * np.sin(2 * np.pi * 2 * time) if time % 2 < 1 else 0.0)


def film(change: Change) -> tuple[float, float]:
    """Return mean normalised and plain energy while moving."""
    generator = np.random.default_rng(9)
    n = int(SECONDS * change.rate)
    times = np.arange(n) / change.rate
    columns = np.arange(SIDE)
    whole = np.arange(SIDE + 60)
    frames = np.empty((n, SIDE, SIDE))
    for number, time in enumerate(times):
        shifted = columns + place(float(time))
        low = shifted.astype(int)
        share = shifted - low
        frames[number] = texture()[:, low] * (1 - share) + texture()[:, low + 1] * share
    assert low.max() + 1 < len(whole)
    light = change.light * (1 + change.flicker * np.sin(2 * np.pi * 7.3 * times))
    light *= 1 + change.steps * (np.floor(times / 0.7) % 2)
    frames = frames * light[:, None, None] + generator.normal(0, change.noise, frames.shape)
    source = ArraySource(np.rint(frames).clip(0, 255).astype(np.uint8), change.rate)
    roi = rectangle("r", 0, (SIDE - change.height) // 2, SIDE, change.height)
    found = measure("motion", source, [roi], bin=4)
    moving = (times % 2 > 0.02) & (times % 2 < 0.98)
    return float(found.energy_norm.values[moving, 0].mean()), float(found.energy.values[moving, 0].mean())


@cache
def reference() -> tuple[float, float]:
    """Return the energies of the unchanged film."""
    return film(Change())


@pytest.mark.parametrize(
    "change",
    [
        Change(light=0.5),
        Change(light=1.2),
        Change(flicker=0.1),
        Change(steps=0.25),
        Change(noise=4.0),
        Change(noise=8.0),
        Change(rate=50),
        Change(rate=200),
        Change(height=96),
    ],
    ids=repr,
)
def test_normalised_energy_is_comparable(change: Change) -> None:
    assert film(change)[0] / reference()[0] == pytest.approx(1, abs=0.1)


def test_plain_energy_is_not_comparable_under_another_light() -> None:
    assert film(Change(light=0.5))[1] / reference()[1] < 0.6

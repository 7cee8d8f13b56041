"""Random choices of a synthetic picture: ordinary ranges, or shifted ones that no training has seen."""

from collections.abc import Sequence

import numpy as np

from mystax.errors import ParameterError

__all__ = ["Draw", "Typical"]

WIDEN = 1.25
"""How much wider the shifted ranges are."""
HELD_OUT = 0.3
"""How often the shifted ranges use a family that the ordinary ones never use."""


class Draw:
    """Random numbers of one picture.

    Parameters
    ----------
    key : sequence of int
        What the numbers depend on: seed, number of the picture.
    ranges : {"ordinary", "shifted"}, optional
        Shifted ranges are 25 % wider and include families that are held out of the ordinary ones.

    Raises
    ------
    ParameterError
        P401, if `ranges` is neither of the two.

    Examples
    --------
    >>> Draw((1, 2)).uniform(3, 4) == Draw((1, 2)).uniform(3, 4)
    True
    """

    def __init__(self, key: Sequence[int], ranges: str = "ordinary") -> None:
        if ranges not in {"ordinary", "shifted"}:
            raise ParameterError(
                "P401", "parameter 'ranges'", expected="'ordinary' or 'shifted'", got=repr(ranges)
            )
        self.shifted = ranges == "shifted"
        self.generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([*key])))

    def uniform(self, low: float, high: float, *, floor: float = -np.inf, ceiling: float = np.inf) -> float:
        """Draw a number between two limits; shifted ranges reach beyond, but not past floor and ceiling."""
        u = self.generator.random()
        if self.shifted:
            u = 0.5 + (u - 0.5) * WIDEN
        return min(max(low + (high - low) * u, floor), ceiling)

    def log_uniform(self, low: float, high: float) -> float:
        """Draw a positive number whose logarithm is uniform."""
        return float(np.exp(self.uniform(np.log(low), np.log(high))))

    def normal(self, sd: float) -> float:
        """Draw a number with mean 0, at most 2.5 standard deviations away."""
        value = float(self.generator.standard_normal())
        return sd * min(max(value, -2.5), 2.5) * (WIDEN if self.shifted else 1.0)

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return bool(self.generator.random() < probability)

    def family(self, weights: dict[str, float], held_out: str = "") -> str:
        """Choose a family by weight; the one held out is never chosen from ordinary ranges."""
        u, hidden = self.generator.random(2)
        if held_out and self.shifted and hidden < HELD_OUT:
            return held_out
        total = sum(weights.values())
        for name, weight in weights.items():
            u -= weight / total
            if u < 0:
                return name
        return next(iter(weights))

    def direction(self) -> np.ndarray:
        """Draw a unit vector."""
        vector = self.generator.standard_normal(3)
        return np.asarray(vector / np.linalg.norm(vector))

    def seed(self) -> int:
        """Draw a start for the random numbers of compiled loops."""
        return int(self.generator.integers(1, 2**62))


class Typical(Draw):
    """Draw the middle of all ranges, the first family, and what is more likely than not.

    Examples
    --------
    >>> Typical().uniform(3, 4)
    3.5
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__((seed, 0x717))

    def uniform(self, low: float, high: float, *, floor: float = -np.inf, ceiling: float = np.inf) -> float:
        """Give the middle."""
        return min(max((low + high) / 2, floor), ceiling)

    def normal(self, sd: float) -> float:
        """Give 0, whatever the standard deviation."""
        return 0.0 * sd

    def chance(self, probability: float) -> bool:
        """Say yes to what is more likely than not."""
        return probability > 0.5

    def family(self, weights: dict[str, float], held_out: str = "") -> str:
        """Give the first family that is not held out."""
        return next(name for name in weights if name != held_out)

"""Lengths of limbs as unknowns of the smoother: one step of places and lengths together.

Taking turns (places, then lengths) crawls where limbs are stiff: each holds the other in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mystax.compute.kernels.trajectory import solve_band
from mystax.core.typing import Float64

__all__ = ["Limb", "solve_with_lengths"]


@dataclass(frozen=True, slots=True)
class Limb:
    """Two points (by number, a < b) whose distance is nearly constant.

    Attributes
    ----------
    a, b : int
        The points.
    length : float
        Their distance [mm].
    sd : float
        Relative standard deviation of the distance.
    """

    a: int
    b: int
    length: float
    sd: float

    def longer(self, step: float) -> "Limb":
        """Return the limb with another length; it neither vanishes nor more than doubles in one step."""
        return replace(self, length=self.length + min(max(step, -0.5 * self.length), self.length))


def solve_with_lengths(
    factor: Float64[np.ndarray, "n width"],
    rhs: Float64[np.ndarray, " n"],
    x: Float64[np.ndarray, "time keypoint 3"],
    limbs: Sequence[Limb],
    damping: float,
) -> Float64[np.ndarray, " limb"]:
    """Solve the equations of places and lengths; the lengths are eliminated.

    Parameters
    ----------
    factor : array (n, width)
        Cholesky factor of the equations of the places.
    rhs : array (n,)
        Their right side; becomes the step of the places.
    x : array (time, keypoint, 3)
        The places [mm].
    limbs : sequence of Limb
        The limbs, with their present lengths.
    damping : float
        Relative addition to the diagonal.

    Returns
    -------
    array (limb,)
        Step of the lengths [mm].
    """
    n_limbs = len(limbs)
    coupling = np.zeros((n_limbs, x.shape[0], x.shape[1], 3))
    own, right = np.empty(n_limbs), np.empty(n_limbs)
    for k, limb in enumerate(limbs):
        d = x[:, limb.a] - x[:, limb.b]
        norm = np.linalg.norm(d, axis=1)
        known = norm > 1e-12
        by_place = np.where(known[:, None], d / np.where(known, norm, 1.0)[:, None], 0.0) / (
            limb.sd * limb.length
        )
        by_length = np.where(known, -norm / (limb.sd * limb.length**2), 0.0)
        off = np.where(known, (norm / limb.length - 1) / limb.sd, 0.0)
        coupling[k, :, limb.a] = by_place * by_length[:, None]
        coupling[k, :, limb.b] = -coupling[k, :, limb.a]
        own[k] = (by_length**2).sum() * (1 + damping)
        right[k] = -(off * by_length).sum()
    columns = coupling.reshape(n_limbs, -1)
    solved = columns.copy()
    for column in solved:
        solve_band(factor, column)
    solve_band(factor, rhs)
    reduced = np.diag(np.maximum(own, 1e-12)) - columns @ solved.T
    steps = np.linalg.lstsq(reduced, right - columns @ rhs, rcond=1e-12)[0]
    rhs -= steps @ solved
    return np.asarray(steps)

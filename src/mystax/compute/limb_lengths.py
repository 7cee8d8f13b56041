"""Limbs: their lengths and stiffness from free places, and their lengths as unknowns of the smoother.

Taking turns (places, then lengths) crawls where limbs are stiff: each holds the other in place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mystax.compute.kernels.trajectory import solve_band
from mystax.core.typing import Float64

__all__ = ["Limb", "limb_terms", "solve_with_lengths"]

MIN_LIMB_SD = 0.005
LIMB_TRUST = 0.02
"""Frames where a point's standard deviation is below this share of the limb decide its length."""


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


def limb_terms(
    pairs: Sequence[tuple[int, int]],
    position: Float64[np.ndarray, "time keypoint 3"],
    covariance: Float64[np.ndarray, "time keypoint 6"],
) -> list[Limb]:
    """Length and stiffness of limbs from places that were found without them.

    Parameters
    ----------
    pairs : sequence of pairs of int
        The points.
    position : array (time, keypoint, 3)
        Places [mm].
    covariance : array (time, keypoint, 6)
        Their covariance [mm2].

    Returns
    -------
    list of Limb
        Median length over good frames; the spread that the covariances do not explain, at least 0.5 %.
    """
    found = []
    for first, second in pairs:
        a, b = min(first, second), max(first, second)
        d = position[:, a] - position[:, b]
        length = np.linalg.norm(d, axis=1)
        known = np.isfinite(length) & (length > 0)
        if not known.any():
            continue
        usual = float(np.median(length[known]))
        with np.errstate(invalid="ignore", divide="ignore"):
            sum_cov = covariance[:, a] + covariance[:, b]
            u = d / length[:, None]
            x, y, z = u.T
            variance = (
                sum_cov * np.stack([x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z], axis=1)
            ).sum(axis=1)
            sd = np.sqrt(np.maximum(covariance[:, [a, b]][..., [0, 3, 5]].sum(axis=2).max(axis=1) / 3, 0))
        good = known & (sd < LIMB_TRUST * usual) & np.isfinite(variance)
        used = good if good.sum() >= 20 else known
        usual = float(np.median(length[used]))
        spread = 1.4826 * float(np.median(np.abs(length[used] - usual))) / usual
        expected = (
            float(np.nanmedian(variance[used])) / usual**2 if np.isfinite(variance[used]).any() else 0.0
        )
        found.append(Limb(a, b, usual, max(MIN_LIMB_SD, float(np.sqrt(max(spread**2 - expected, 0.0))))))
    return found

"""Steps of the smoother: information of the pixels, normal equations, descent, strength and covariance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.kernels.trajectory import (
    HARD,
    add_information,
    add_limbs,
    add_penalty,
    factor_band,
    information,
    inverse_blocks,
    limb_cost,
    penalty_cost,
    solve_band,
)
from mystax.compute.limb_lengths import Limb, solve_with_lengths
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Iterate", "Pixels", "descend", "likely_strength", "one_step", "uncertainty"]

MAX_SEARCH = 20_000
"""Frames on which the strength is searched."""
UNSOLVABLE = 1e200
"""Criterion of a strength with which the equations cannot be solved: above all others, yet finite."""
DECADES = (-4.0, 9.0)
"""Range of the search about the strength at which differences of the start weigh one."""
CHI2_MEDIAN = 1.3863
"""Median of chi-square with two degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """What the cameras say about some points over time.

    Attributes
    ----------
    uv : array (camera, time, keypoint, 2)
        Distorted pixels; NaN where not seen.
    precision : array (camera, time, keypoint, 3)
        Inverse covariance xx, xy, yy [1/px2].
    confirmed : array (camera, time, keypoint), optional
        Pixels that are no outliers (`confirmed_pixels`): where they lie far from a smooth path, the point
        has moved.  By default none.
    """

    uv: Float64[np.ndarray, "camera time keypoint 2"]
    precision: Float64[np.ndarray, "camera time keypoint 3"]
    confirmed: Bool[np.ndarray, "camera time keypoint"] | None = None

    def of_points(self, points: Int64[np.ndarray, " point"]) -> "Pixels":
        """Return what is said about some of the points."""
        confirmed = None if self.confirmed is None else self.confirmed[:, :, points]
        return Pixels(self.uv[:, :, points], self.precision[:, :, points], confirmed)


@dataclass
class Iterate:
    """A component on its way: places, information and normal equations."""

    rows: Float64[np.ndarray, "camera number"]
    fisheye: Bool[np.ndarray, " camera"]
    pixels: Pixels
    coefficients: Float64[np.ndarray, "row width"]
    weights: Float64[np.ndarray, " row"]
    x: Float64[np.ndarray, "time keypoint 3"]
    loss: int
    loss_scale: float

    def __post_init__(self) -> None:
        n_time, n_points = self.x.shape[:2]
        self.info = np.zeros((n_points, n_time, 6))
        self.grad = np.zeros((n_points, n_time, 3))
        self.m2 = np.full((n_points, len(self.rows), n_time), np.nan)
        known = self.pixels.confirmed
        self._confirmed = np.zeros((len(self.rows), n_time, n_points), np.bool_) if known is None else known

    @property
    def n_points(self) -> int:
        """Number of points."""
        return int(self.x.shape[1])

    def measure(self, loss: int, *, x: Float64[np.ndarray, "time keypoint 3"] | None = None) -> float:
        """Take the information at the places; return the cost of the pixels."""
        at = self.x if x is None else x
        total = 0.0
        for k in range(self.n_points):
            total += information(
                self.rows,
                self.fisheye,
                self.pixels.uv[:, :, k],
                self.pixels.precision[:, :, k],
                self._confirmed[:, :, k],
                at[:, k],
                loss,
                self.loss_scale,
                self.info[k],
                self.grad[k],
                self.m2[k],
            )
        return total

    def prior(
        self,
        strength: Float64[np.ndarray, " keypoint"],
        limbs: Sequence[Limb],
        x: Float64[np.ndarray, "time keypoint 3"],
    ) -> float:
        """Return the cost of roughness and limbs."""
        total = sum(
            float(strength[k]) * penalty_cost(self.coefficients, self.weights, x[:, k])
            for k in range(self.n_points)
        )
        return float(total + sum(limb_cost(x, item.a, item.b, item.length, item.sd**-2) for item in limbs))

    def equations(
        self, strength: Float64[np.ndarray, " keypoint"], limbs: Sequence[Limb]
    ) -> tuple[Float64[np.ndarray, "row width"], Float64[np.ndarray, " row"]]:
        """Return the banded matrix and the right side for the step from the present places."""
        n = self.x.size
        width = min(3 * self.n_points * (self.coefficients.shape[1] - 1) + 1, n)
        band, rhs = np.zeros((n, max(width, 3 * self.n_points))), np.zeros(n)
        for k in range(self.n_points):
            add_information(band, self.info[k], self.grad[k], k, self.n_points, rhs)
            add_penalty(
                band, self.coefficients, self.weights, float(strength[k]), k, self.n_points, self.x, rhs
            )
        for item in limbs:
            add_limbs(band, rhs, self.x, item.a, item.b, item.length, item.sd**-2)
        return band, rhs


def likely_strength(state: Iterate, k: int) -> float:
    """Return the strength of one point by restricted likelihood."""
    from scipy.optimize import minimize_scalar

    n_time = len(state.x)
    order = state.coefficients.shape[1] - 1
    start = max(0, (n_time - MAX_SEARCH) // 2)
    at = slice(start, min(start + MAX_SEARCH, n_time))
    rows = slice(at.start, max(at.stop - order, at.start))
    coefficients, weights = state.coefficients[rows], state.weights[rows]
    x, info, grad = state.x[at, k : k + 1].copy(), state.info[k, at], state.grad[k, at]
    n, n_rows = x.size, len(coefficients)
    rough = penalty_cost(coefficients, weights, x[:, 0])
    if n_rows == 0 or not rough > 0:
        return 1e6
    centre = np.log10(3 * n_rows / rough)
    full = info[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(-1, 3, 3)

    def criterion(decades: float) -> float:
        strength = 10 ** (centre + decades)
        band, rhs = np.zeros((n, 3 * order + 1)), np.zeros(n)
        add_information(band, info, grad, 0, 1, rhs)
        add_penalty(band, coefficients, weights, strength, 0, 1, x, rhs)
        logdet = factor_band(band)
        if not np.isfinite(logdet):
            return UNSOLVABLE
        solve_band(band, rhs)
        d = rhs.reshape(-1, 3)
        data = np.einsum("ti,tij,tj->", d, full, d) - 2 * float((grad * d).sum())
        smooth = strength * penalty_cost(coefficients, weights, x[:, 0] + d)
        return float(data + smooth + logdet - 3 * n_rows * np.log(strength))

    # The criterion may have two valleys (all is noise, all is movement): look at every decade first.
    grid = np.arange(DECADES[0], DECADES[1] + 0.5)
    best = float(grid[int(np.argmin([criterion(float(place)) for place in grid]))])
    around = (best - 1.0, best + 1.0)
    found = minimize_scalar(
        criterion, bounds=around, method="bounded", options={"xatol": 0.02, "maxiter": 16}
    )
    return float(10 ** (centre + found.x))


def one_step(state: Iterate, strength: Float64[np.ndarray, " keypoint"], limbs: Sequence[Limb]) -> bool:
    """Take one step from the present places; returns whether the equations could be solved."""
    band, rhs = state.equations(strength, limbs)
    band[:, 0] *= 1 + 1e-12
    if not np.isfinite(factor_band(band)):
        return False
    solve_band(band, rhs)
    state.x += rhs.reshape(state.x.shape)
    return True


def descend(
    state: Iterate,
    strength: Float64[np.ndarray, " keypoint"],
    limbs: list[Limb],
    *,
    n_steps: int,
    tolerance: float,
    free_lengths: bool,
) -> float:
    """Minimise by damped steps (Levenberg-Marquardt on the whole); returns the cost."""
    damping = 0.0
    cost = state.measure(state.loss) + state.prior(strength, limbs, state.x)
    for _ in range(n_steps):
        before, lengths = state.x.copy(), list(limbs)
        band, rhs = state.equations(strength, limbs)
        band[:, 0] *= 1 + max(damping, 1e-12)
        if np.isfinite(factor_band(band)):
            if free_lengths and limbs:
                steps = solve_with_lengths(band, rhs, state.x, limbs, max(damping, 1e-12))
                limbs[:] = [limb.longer(float(step)) for limb, step in zip(limbs, steps, strict=True)]
            else:
                solve_band(band, rhs)
            state.x += rhs.reshape(state.x.shape)
            after = state.measure(state.loss) + state.prior(strength, limbs, state.x)
        else:
            after = np.inf
        if after <= cost:
            done = cost - after <= tolerance * cost
            cost, damping = after, damping / 5 if damping > 1e-9 else 0.0
            if done:
                break
            continue
        state.x[:], limbs[:] = before, lengths
        state.measure(state.loss)
        damping = max(10 * damping, 1e-4)
        if damping > 1e8:
            break
    return cost


def uncertainty(
    state: Iterate, strength: Float64[np.ndarray, " keypoint"], limbs: Sequence[Limb]
) -> tuple[Float64[np.ndarray, "time keypoint 6"], Float64[np.ndarray, " keypoint"]]:
    """Posterior covariance with outliers left out, times the scale that the residuals ask for."""
    n_time, n_points = state.x.shape[:2]
    state.measure(HARD)
    band, _ = state.equations(strength, limbs)
    blocks = np.full((n_time * n_points, 6), np.nan)
    band[:, 0] *= 1 + 1e-12
    if np.isfinite(factor_band(band)):
        inverse_blocks(band, blocks)
    covariance = blocks.reshape(n_time, n_points, 6)
    scale = np.ones(n_points)
    for k in range(n_points):
        m2 = state.m2[k]
        known = np.isfinite(m2)
        if known.sum() < 20:
            continue
        # trace(I_t C_t): what the observations of a frame give away to their own fit
        own = (state.info[k] * covariance[:, k] * np.array([1, 2, 2, 1, 2, 1])).sum(axis=1)
        seen = known.sum(axis=0)
        free = 1 - np.clip(own / np.maximum(2 * seen, 1), 0, 0.95)
        ratio = (m2 / free)[known]
        scale[k] = max(float(np.median(ratio)) / CHI2_MEDIAN, 1e-4)
    return covariance * scale[:, None], scale

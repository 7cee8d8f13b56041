"""Places over time: a smoother with automatic strength, with limbs, and with the covariance of what it says.

Minimised over all places at once: robust distances of the pixels from the projected points, plus the strength
times the squared differences of order 2 or 3 over real time steps, plus the squared relative errors of limb
lengths.  The strength of each point is that of the highest restricted likelihood; nothing is held out or
drawn at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mystax.compute.kernels.trajectory import (
    GEMAN,
    HARD,
    HUBER,
    SOFT_L1,
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
from mystax.core.rig_model import RigModel
from mystax.core.typing import Bool, Float64

__all__ = [
    "LOSSES",
    "Limb",
    "Pixels",
    "Smoothed",
    "difference_operator",
    "fill_gaps",
    "limb_terms",
    "smooth_trajectory",
    "strength_for",
]

Loss = Literal["geman-mcclure", "huber", "soft_l1"]
LOSSES = {"geman-mcclure": GEMAN, "huber": HUBER, "soft_l1": SOFT_L1}
N_ROUNDS = 5
N_AUTO_ROUNDS = 3
MAX_SEARCH = 20_000
"""Frames on which the strength is searched."""
UNSOLVABLE = 1e200
"""Criterion of a strength with which the equations cannot be solved: above all others, yet finite."""
DECADES = (-4.0, 9.0)
"""Range of the search about the strength at which differences of the start weigh one."""
MIN_LIMB_SD = 0.005
LIMB_TRUST = 0.02
"""Frames where a point's standard deviation is below this share of the limb decide its length."""
WINDOW = 20_000
BAND_LIMIT = 60
MAX_WHOLE = 50_000
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
    """

    uv: Float64[np.ndarray, "camera time keypoint 2"]
    precision: Float64[np.ndarray, "camera time keypoint 3"]


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Smoothed places.

    Attributes
    ----------
    position : array (time, keypoint, 3)
        Place [mm]; NaN for a point that is never found.
    covariance : array (time, keypoint, 6)
        Posterior covariance xx, xy, xz, yy, yz, zz [mm2].
    strength : array (keypoint,)
        Strength of the smoothing.
    cutoff : array (keypoint,)
        Frequency at which half of the amplitude is left [Hz].
    scale : array (keypoint,)
        What the given variances of the pixels had to be multiplied by.
    cost : float
        Value of the objective.
    limbs : tuple of Limb
        Limbs as used; their lengths as found where they were free.
    """

    position: Float64[np.ndarray, "time keypoint 3"]
    covariance: Float64[np.ndarray, "time keypoint 6"]
    strength: Float64[np.ndarray, " keypoint"]
    cutoff: Float64[np.ndarray, " keypoint"]
    scale: Float64[np.ndarray, " keypoint"]
    cost: float
    limbs: tuple[Limb, ...] = ()


def difference_operator(
    times: Float64[np.ndarray, " time"], order: int = 2
) -> tuple[Float64[np.ndarray, "row width"], Float64[np.ndarray, " row"]]:
    """Differences over real time steps, and their weights.

    Parameters
    ----------
    times : array (time,)
        Rising times [s].
    order : int, optional
        2: change of slope (white acceleration); 3: change of the change of slope per step.

    Returns
    -------
    coefficients : array (row, order + 1)
        Row r acts on the places r..r + order.
    weights : array (row,)
        One over the mean step between them [1/s].
    """
    step = np.diff(times)
    before, after = 1 / step[:-1], 1 / step[1:]
    second = np.stack([before, -(before + after), after], axis=1)
    middle = (step[:-1] + step[1:]) / 2
    if order == 2:
        return second, 1 / middle
    bend = second / middle[:, None]  # second derivative
    third = np.zeros((max(len(bend) - 1, 0), 4))
    third[:, :3] -= bend[:-1]
    third[:, 1:] += bend[1:]
    return third, 1 / ((times[3:] - times[:-3]) / 3)


def fill_gaps(
    times: Float64[np.ndarray, " time"], places: Float64[np.ndarray, "time keypoint 3"]
) -> Float64[np.ndarray, "time keypoint 3"]:
    """Fill missing places by straight lines in time; a point that is never found stays NaN."""
    filled = places.copy()
    for k in range(places.shape[1]):
        known = np.isfinite(places[:, k, 0])
        if known.any() and not known.all():
            for axis in range(3):
                filled[~known, k, axis] = np.interp(times[~known], times[known], places[known, k, axis])
    return filled


def strength_for(cutoff: float, information_per_frame: float, step: float) -> float:
    """Return the strength of a smoothing of order 2 that leaves half of the amplitude at a frequency [Hz]."""
    return information_per_frame / (step * (2 * np.pi * cutoff) ** 4)


@dataclass
class _State:
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

    @property
    def n_points(self) -> int:
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


def _search(state: _State, k: int) -> float:
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


def _solve(state: _State, strength: Float64[np.ndarray, " keypoint"], limbs: Sequence[Limb]) -> bool:
    """Take one step from the present places; returns whether the equations could be solved."""
    band, rhs = state.equations(strength, limbs)
    band[:, 0] *= 1 + 1e-12
    if not np.isfinite(factor_band(band)):
        return False
    solve_band(band, rhs)
    state.x += rhs.reshape(state.x.shape)
    return True


def _descend(
    state: _State,
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


def _uncertainty(
    state: _State, strength: Float64[np.ndarray, " keypoint"], limbs: Sequence[Limb]
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


def smooth_trajectory(
    rig: RigModel,
    pixels: Pixels,
    start: Float64[np.ndarray, "time keypoint 3"],
    times: Float64[np.ndarray, " time"],
    *,
    strength: Float64[np.ndarray, " keypoint"] | float | None = None,
    cutoff: float | None = None,
    order: int = 2,
    limbs: Sequence[Limb] = (),
    free_lengths: bool = False,
    loss: Loss = "geman-mcclure",
    loss_scale: float = 1.0,
    n_steps: int = N_ROUNDS,
    tolerance: float = 1e-9,
) -> Smoothed:
    """Smooth the places of one component: points that limbs join, normally one point.

    Parameters
    ----------
    rig : RigModel
        The cameras (crops are taken as applied already).
    pixels : Pixels
        What the cameras say.
    start : array (time, keypoint, 3)
        Places to start from [mm]; NaN is filled by straight lines.
    times : array (time,)
        Times of the frames [s].
    strength : array (keypoint,) or float, optional
        Strength per point; by default the one of the highest restricted likelihood.
    cutoff : float, optional
        Frequency at which half of the amplitude is left [Hz], instead of a strength.
    order : int, optional
        Order of the differences, 2 or 3.
    limbs : sequence of Limb, optional
        Pairs of points whose distance is nearly constant.
    free_lengths : bool, optional
        Whether the lengths of the limbs are found too.
    loss : str, optional
        One of `LOSSES`.
    loss_scale : float, optional
        Scale of ``huber`` and ``soft_l1`` [standard deviations, px].
    n_steps : int, optional
        Most steps.
    tolerance : float, optional
        Relative fall of the cost that ends the steps.

    Returns
    -------
    Smoothed
        Places of all frames, gaps filled.
    """
    n_time, n_points = start.shape[:2]
    empty = np.full(n_points, np.nan)
    found = np.isfinite(start[..., 0]).any(axis=0)
    if n_time <= order or not found.any():
        return Smoothed(start.copy(), np.full((n_time, n_points, 6), np.nan), empty, empty, empty, 0.0)
    coefficients, weights = difference_operator(times, order)
    state = _State(
        rig.rows(),
        rig.fisheye(),
        pixels,
        coefficients,
        weights,
        fill_gaps(times, start),
        LOSSES[loss],
        loss_scale,
    )
    step = float(np.median(np.diff(times)))
    fixed = strength is not None or cutoff is not None
    values = np.ones(n_points)
    if strength is not None:
        values[:] = strength
    chosen = list(limbs)
    cost = state.measure(state.loss)
    if cutoff is not None:
        values[:] = [strength_for(cutoff, _typical(state.info[k]), step) for k in range(n_points)]
    if not fixed:
        for _ in range(N_AUTO_ROUNDS):
            state.measure(state.loss)
            values[:] = [_search(state, k) for k in range(n_points)]
            if not _solve(state, values, ()):
                break
    cost = _descend(
        state,
        values,
        chosen,
        n_steps=n_steps if fixed or chosen else max(n_steps - N_AUTO_ROUNDS, 2),
        tolerance=tolerance,
        free_lengths=free_lengths,
    )
    covariance, scale = _uncertainty(state, values, chosen)
    typical = np.array([_typical(state.info[k]) for k in range(n_points)])
    with np.errstate(divide="ignore"):
        frequency = (typical / (values * step)) ** 0.25 / (2 * np.pi)
    return Smoothed(state.x, covariance, values, frequency, scale, cost, tuple(chosen))


def _typical(info: Float64[np.ndarray, "time 6"]) -> float:
    """Return the median information per axis and frame."""
    trace = info[:, [0, 3, 5]].sum(axis=1) / 3
    known = trace[trace > 0]
    return float(np.median(known)) if len(known) else 1.0


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

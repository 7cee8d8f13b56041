"""Places over time: a smoother with automatic strength, with limbs, and with the covariance of what it says.

Minimised over all places at once: robust distances of the pixels from the projected points, plus the strength
times the squared differences of order 2 or 3 over real time steps, plus the squared relative errors of limb
lengths.  The strength of each point is that of the highest restricted likelihood; nothing is held out or
drawn at random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mystax.compute.kernels.trajectory import GEMAN, HUBER, SOFT_L1
from mystax.compute.limb_lengths import Limb
from mystax.compute.trajectory_steps import Iterate, Pixels, descend, likely_strength, one_step, uncertainty
from mystax.core.rig_model import RigModel
from mystax.core.typing import Float64, Int64

__all__ = [
    "LOSSES",
    "Smoothed",
    "difference_operator",
    "fill_gaps",
    "smooth_trajectory",
    "strength_for",
]

Loss = Literal["geman-mcclure", "huber", "soft_l1"]
LOSSES = {"geman-mcclure": GEMAN, "huber": HUBER, "soft_l1": SOFT_L1}
N_ROUNDS = 5
N_AUTO_ROUNDS = 3


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


def strength_for(cutoff: float, information_per_frame: float, step: float, order: int = 2) -> float:
    """Return the strength of a smoothing that leaves half of the amplitude at a frequency [Hz].

    A swing of frequency f adds step (2 pi f)^(2 order) of its square to the squared differences per frame.
    """
    return float(information_per_frame / (step * (2 * np.pi * cutoff) ** (2 * order)))


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
        One of `LOSSES`; ``geman-mcclure`` lets go of outliers, but of no confirmed pixel.
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
    if not found.all():
        # a point without any place has no equations: with it the others could not be solved either
        kept = np.flatnonzero(found)
        part = smooth_trajectory(
            rig,
            pixels.of_points(kept),
            start[:, kept],
            times,
            strength=strength[kept] if isinstance(strength, np.ndarray) else strength,
            cutoff=cutoff,
            order=order,
            limbs=_renamed(limbs, {int(k): j for j, k in enumerate(kept)}),
            free_lengths=free_lengths,
            loss=loss,
            loss_scale=loss_scale,
            n_steps=n_steps,
            tolerance=tolerance,
        )
        return _spread_out(part, kept, n_points)
    coefficients, weights = difference_operator(times, order)
    state = Iterate(
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
        values[:] = [strength_for(cutoff, _typical(state.info[k]), step, order) for k in range(n_points)]
    if not fixed:
        for _ in range(N_AUTO_ROUNDS):
            state.measure(state.loss)
            values[:] = [likely_strength(state, k) for k in range(n_points)]
            if not one_step(state, values, ()):
                break
    cost = descend(
        state,
        values,
        chosen,
        n_steps=n_steps if fixed or chosen else max(n_steps - N_AUTO_ROUNDS, 2),
        tolerance=tolerance,
        free_lengths=free_lengths,
    )
    covariance, scale = uncertainty(state, values, chosen)
    typical = np.array([_typical(state.info[k]) for k in range(n_points)])
    with np.errstate(divide="ignore"):
        frequency = (typical / (values * step)) ** (0.5 / order) / (2 * np.pi)
    return Smoothed(state.x, covariance, values, frequency, scale, cost, tuple(chosen))


def _renamed(limbs: Sequence[Limb], number: Mapping[int, int]) -> list[Limb]:
    """Return the limbs whose points are both there, with other numbers of the points."""
    return [
        replace(limb, a=number[limb.a], b=number[limb.b])
        for limb in limbs
        if limb.a in number and limb.b in number
    ]


def _spread_out(part: Smoothed, kept: Int64[np.ndarray, " point"], n_points: int) -> Smoothed:
    """Return what was found of some points among all; the others have nothing."""

    def among(values: Float64[np.ndarray, "..."], axis: int) -> Float64[np.ndarray, "..."]:
        out = np.full((*values.shape[:axis], n_points, *values.shape[axis + 1 :]), np.nan)
        out[(slice(None),) * axis + (kept,)] = values
        return out

    return Smoothed(
        among(part.position, 1),
        among(part.covariance, 1),
        among(part.strength, 0),
        among(part.cutoff, 0),
        among(part.scale, 0),
        part.cost,
        tuple(_renamed(part.limbs, dict(enumerate(kept.tolist())))),
    )


def _typical(info: Float64[np.ndarray, "time 6"]) -> float:
    """Return the median information per axis and frame."""
    trace = info[:, [0, 3, 5]].sum(axis=1) / 3
    known = trace[trace > 0]
    return float(np.median(known)) if len(known) else 1.0

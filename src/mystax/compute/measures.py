"""Named measures of points in the plane or in space: distances, angles, areas, volumes, each with its SD.

The standard deviation is that of first order: the gradient of the measure by central differences, with the
covariances of its points.  Points are taken as independent of each other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.kinematics import segment_starts
from mystax.core.keypoint_measures import Measure
from mystax.core.typing import Float64
from mystax.errors import RecipeError, nearest

__all__ = ["Measured", "measure_all", "unit_of"]

ANGLES = frozenset({"angle", "line_angle", "dihedral", "direction", "plane_angle"})
STEP = 1e-4
Points = Float64[np.ndarray, "argument time space"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure over time.

    Attributes
    ----------
    value, sd : array (time,)
        In `unit`; NaN where a point is missing.
    unit : str
        ``mm``, ``mm2``, ``mm3``, ``rad``, ``mm/s`` or ``1`` (px instead of mm in the plane).
    """

    value: Float64[np.ndarray, " time"]
    sd: Float64[np.ndarray, " time"]
    unit: str


def unit_of(measure: Measure, length: str, others: Mapping[str, str]) -> str:
    """Return the unit of a measure where points have the unit `length`."""
    if measure.kind in ANGLES:
        return "rad"
    if measure.kind in ("ratio", "asymmetry"):
        return "1"
    if measure.kind in ("difference", "mean"):
        return others[measure.of[0]]
    power = {"area": "2", "ellipse": "2", "volume": "3"}.get(measure.kind, "")
    return f"{length}/s" if measure.kind == "speed" else f"{length}{power}"


def _norm(v: Float64[np.ndarray, "time space"]) -> Float64[np.ndarray, " time"]:
    return np.asarray(np.sqrt((v * v).sum(axis=-1)))


def _in_space(v: Float64[np.ndarray, "time space"]) -> Float64[np.ndarray, "time 3"]:
    return v if v.shape[-1] == 3 else np.concatenate([v, np.zeros((*v.shape[:-1], 1))], axis=-1)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.cross(_in_space(a), _in_space(b))


def _between(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Angle between vectors; never by an arc cosine, which knows nothing about small angles."""
    return np.asarray(np.arctan2(_norm(_cross(u, v)), (u * v).sum(axis=-1)))


def _turn(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Angle from u to v: signed in the plane, 0..pi in space."""
    if u.shape[-1] == 2:
        return np.asarray(np.arctan2(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0], (u * v).sum(axis=-1)))
    return _between(u, v)


def _dihedral(p: Points) -> np.ndarray:
    b1, b2, b3 = p[1] - p[0], p[2] - p[1], p[3] - p[2]
    n1, n2 = _cross(b1, b2), _cross(b2, b3)
    y = _norm(b2) * (_in_space(b1) * n2).sum(axis=-1)
    return np.asarray(np.arctan2(y, (n1 * n2).sum(axis=-1)))


def _normal(p: Points) -> np.ndarray:
    n = _cross(p[1] - p[0], p[2] - p[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(n / _norm(n)[:, None])


def _area(p: Points) -> np.ndarray:
    """Area of the vector area of a polygon."""
    total = sum(_cross(p[k] - p[0], p[k + 1] - p[0]) for k in range(1, len(p) - 1))
    return _norm(np.asarray(total)) / 2


def _ellipse(p: Points) -> np.ndarray:
    middle = (p[0] + p[1]) / 2
    return np.asarray(np.pi / 4 * _norm(p[0] - p[1]) * (_norm(p[2] - middle) + _norm(p[3] - middle)))


def _volume(p: Points) -> np.ndarray:
    """Volume of a tetrahedron, or of the convex hull (Qhull; flat ones have none)."""
    if p.shape[-1] == 2:
        return np.full(p.shape[1], np.nan)
    if len(p) == 4:
        return np.asarray(np.abs((_cross(p[1] - p[0], p[2] - p[0]) * (p[3] - p[0])).sum(axis=-1)) / 6)
    from scipy.spatial import ConvexHull, QhullError

    found = np.full(p.shape[1], np.nan)
    for t in np.flatnonzero(np.isfinite(p).all(axis=(0, 2))):
        try:
            found[t] = ConvexHull(p[:, t]).volume
        except QhullError:
            found[t] = 0.0
    return found


def _direction(p: Points) -> np.ndarray:
    d = p[1] - p[0]
    return np.asarray(np.arctan2(d[:, 1], d[:, 0]))


def _along(p: Points) -> np.ndarray:
    axis = p[3] - p[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((p[1] - p[0]) * axis).sum(axis=-1) / _norm(axis))


_OF_POINTS: Mapping[str, Callable[[Points], np.ndarray]] = {
    "distance": lambda p: _norm(p[1] - p[0]),
    "length": lambda p: np.asarray(sum(_norm(p[k + 1] - p[k]) for k in range(len(p) - 1))),
    "angle": lambda p: _between(p[0] - p[1], p[2] - p[1]),
    "line_angle": lambda p: _turn(p[1] - p[0], p[3] - p[2]),
    "dihedral": _dihedral,
    "direction": _direction,
    "along": _along,
    "area": _area,
    "ellipse": _ellipse,
    "volume": _volume,
    "plane_angle": lambda p: np.arcsin(
        np.clip(
            (_normal(p[2:]) * _in_space(p[1] - p[0])).sum(-1) / np.maximum(_norm(p[1] - p[0]), 1e-300), -1, 1
        )
    ),
    "height": lambda p: (_normal(p[1:]) * _in_space(p[0] - p[1])).sum(axis=-1),
}


def _arguments(measure: Measure, names: Sequence[str]) -> list[list[int]]:
    groups = [*measure.points, *((name,) for name in measure.plane)]
    found = []
    for group in groups:
        for name in group:
            if name not in names:
                raise RecipeError(
                    "P403", f"point {name!r} of a measure", f"there is none{nearest(name, names)}"
                )
        found.append([list(names).index(name) for name in group])
    return found


def _of_points(
    measure: Measure,
    position: Float64[np.ndarray, "time space keypoint"],
    variance: Float64[np.ndarray, "time space space keypoint"],
    names: Sequence[str],
    times: Float64[np.ndarray, " time"],
) -> tuple[np.ndarray, np.ndarray]:
    """Value and SD of a measure of points."""
    groups = _arguments(measure, names)
    points = np.stack([position[:, :, group].mean(axis=2) for group in groups])
    spread = np.stack([variance[..., group].mean(axis=3) / len(group) for group in groups])
    if measure.kind == "speed":
        return _speed(points.mean(axis=0), spread.mean(axis=0) / len(points), times)
    formula = _OF_POINTS[measure.kind]
    value = formula(points)
    total = np.zeros(len(value))
    is_angle = measure.kind in ANGLES
    for k in range(len(points)):
        gradient = np.empty((len(value), points.shape[2]))
        for axis in range(points.shape[2]):
            up, down = points.copy(), points.copy()
            up[k, :, axis] += STEP
            down[k, :, axis] -= STEP
            change = formula(up) - formula(down)
            if is_angle:
                change = (change + np.pi) % (2 * np.pi) - np.pi
            gradient[:, axis] = change / (2 * STEP)
        total += np.einsum("ti,tij,tj->t", gradient, spread[k], gradient)
    missing = ~np.isfinite(points).all(axis=(0, 2))
    value = np.where(missing, np.nan, value)
    return value, np.where(missing, np.nan, np.sqrt(np.maximum(total, 0)))


def _speed(
    place: Float64[np.ndarray, "time space"],
    covariance: Float64[np.ndarray, "time space space_too"],
    times: Float64[np.ndarray, " time"],
) -> tuple[Float64[np.ndarray, " time"], Float64[np.ndarray, " time"]]:
    """Speed from the frame before to the frame after; over one step at the ends and beside a gap."""
    starts = segment_starts(times)
    index = np.arange(len(times))
    before = np.where(starts, index, index - 1)
    after = np.where(np.append(starts[1:], True), index, index + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(after > before, times[after] - times[before], np.nan)
        velocity = (place[after] - place[before]) / step[:, None]
        value = _norm(velocity)
        u = velocity / value[:, None]
        return value, np.sqrt(2 * np.einsum("ti,tij,tj->t", u, covariance, u)) / step


def _of_measures(measure: Measure, parts: Sequence[Measured]) -> tuple[np.ndarray, np.ndarray]:
    """Value and SD of a measure that is made of others."""
    values, sds = [part.value for part in parts], [part.sd for part in parts]
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure.kind == "mean":
            n = len(parts)
            return np.asarray(sum(values) / n), np.sqrt(np.asarray(sum(sd**2 for sd in sds))) / n
        a, b = values[:2]
        sa, sb = sds[:2]
        if measure.kind == "difference":
            return a - b, np.hypot(sa, sb)
        if measure.kind == "ratio":
            return a / b, np.hypot(sa / b, a * sb / b**2)
        total = a + b
        return (a - b) / total, 2 * np.hypot(b * sa, a * sb) / total**2


def measure_all(
    measures: Mapping[str, Measure],
    position: Float64[np.ndarray, "time space keypoint"],
    covariance: Float64[np.ndarray, "time cov keypoint"] | None,
    names: Sequence[str],
    times: Float64[np.ndarray, " time"],
    length: str = "mm",
) -> dict[str, Measured]:
    """Take all measures whose points are there.

    Parameters
    ----------
    measures : mapping
        Name to declared measure.
    position : array (time, space, keypoint)
        Places.
    covariance : array (time, cov, keypoint), optional
        3 (plane) or 6 (space) elements; without it all SDs are NaN.
    names : sequence of str
        Names of the keypoints.
    times : array (time,)
        Times [s].
    length : str, optional
        Unit of the places.

    Returns
    -------
    dict
        Name to `Measured`; measures with unknown points are left out.
    """
    n_space = position.shape[1]
    index = [0, 1, 1, 2] if n_space == 2 else [0, 1, 2, 1, 3, 4, 2, 4, 5]
    shape = (len(position), n_space, n_space, position.shape[2])
    variance = np.full(shape, np.nan) if covariance is None else covariance[:, index].reshape(shape)
    known = set(names)
    found: dict[str, Measured] = {}

    def take(name: str) -> Measured | None:
        measure = measures[name]
        if name in found:
            return found[name]
        if measure.of:
            parts = [take(other) for other in measure.of]
            if any(part is None for part in parts):
                return None
            value, sd = _of_measures(measure, [part for part in parts if part is not None])
        elif (measure.point_names() | measure.plane_names()) <= known and not (
            measure.kind == "volume" and n_space == 2
        ):
            value, sd = _of_points(measure, position, variance, names, times)
        else:
            return None
        unit = unit_of(measure, length, {other: item.unit for other, item in found.items()})
        found[name] = Measured(value, sd, unit)
        return found[name]

    for name in measures:
        take(name)
    return {name: found[name] for name in measures if name in found}

"""Confidence that means something: from what the maps look like to the chance of a small error."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mystax.core.typing import Bool, Float, Float32, Float64
from mystax.nets.decode import Decoded
from mystax.nets.shape_prior import ShapePrior

__all__ = ["Calibration", "features", "fit_calibration", "refit_calibration"]

GOOD_ERROR = 5.0
"""Largest error of a good point [px@256]."""

_N_FEATURES = 6
_ARRAYS = ("centre", "spread", "slopes", "intercepts", "knots", "scale")
_MOST_KNOTS = 32
_SEEN_MASS = 0.5
_CHI_50, _CHI_90 = 2 * np.log(2.0), 2 * np.log(10.0)  # quantiles of chi-square with 2 degrees of freedom
_LEAST_FOR_MAP = 500
_BORROWED = 60.0
_SLANTS = np.linspace(0.0, 1.0, 11)
_DOUBT_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns features into confidence, and windows into covariances.

    Attributes
    ----------
    centre, spread : array (feature,)
        Mean and standard deviation of the features it was fitted on.
    slopes : array (feature,)
        Weights of the standardised features.
    intercepts : array (keypoint,)
        One per point.
    knots : array (knot, 2)
        Monotone map from the logit to the confidence; none means the logistic function.
    scale : array (keypoint,)
        Factor s on the standard deviation.
    floor : float
        tau, added to the window's variance [px@256].
    origin : str
        ``synthetic``, ``labels:n=...`` or ``none``.
    slant : float, optional
        How much wider doubtful points are: the standard deviation grows by exp(-slant x logit of the
        confidence) (0).
    """

    centre: Float32[np.ndarray, " feature"]
    spread: Float32[np.ndarray, " feature"]
    slopes: Float32[np.ndarray, " feature"]
    intercepts: Float32[np.ndarray, " keypoint"]
    knots: Float32[np.ndarray, "knot 2"]
    scale: Float32[np.ndarray, " keypoint"]
    floor: float
    origin: str
    slant: float = 0.0

    @classmethod
    def uncalibrated(cls, n_keypoints: int) -> "Calibration":
        """Return what is used before anything is fitted: the window's mass, and its covariance."""
        return cls(
            centre=np.zeros(_N_FEATURES, np.float32),
            spread=np.ones(_N_FEATURES, np.float32),
            slopes=np.array([1, 0, 0, 0, 0, 0], np.float32),
            intercepts=np.zeros(n_keypoints, np.float32),
            knots=np.array(
                [[-12.0, np.exp(-12.0)], *((np.log(m), m) for m in np.linspace(0.05, 1, 20))], np.float32
            ),
            scale=np.ones(n_keypoints, np.float32),
            floor=0.5,
            origin="none",
        )

    def tensors(self) -> dict[str, Float32[np.ndarray, "..."]]:
        """Return the arrays that weights keep beside the network."""
        found = {f"calibration.{name}": getattr(self, name) for name in _ARRAYS}
        numbers = {"floor": self.floor, "slant": self.slant}
        return found | {f"calibration.{k}": np.array([v], np.float32) for k, v in numbers.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray], n_keypoints: int, origin: str) -> "Calibration":
        """Read what `tensors` gave; uncalibrated if there is nothing."""
        if "calibration.slopes" not in tensors:
            return cls.uncalibrated(n_keypoints)
        arrays = {name: tensors[f"calibration.{name}"] for name in _ARRAYS}
        if any(arrays[name].shape != (_N_FEATURES,) for name in ("centre", "spread", "slopes")):
            raise ValueError("the calibration is of other features")
        slant = float(tensors.get("calibration.slant", np.zeros(1))[0])  # files of before had none
        return cls(**arrays, floor=float(tensors["calibration.floor"][0]), origin=origin, slant=slant)

    def logits(self, values: Float[np.ndarray, "n keypoint feature"]) -> Float64[np.ndarray, "n keypoint"]:
        """Return the logistic regression's score of features."""
        standard = (np.asarray(values, np.float64) - self.centre) / self.spread
        found: np.ndarray = standard @ self.slopes.astype(np.float64) + self.intercepts
        return found

    def confidence(
        self, values: Float[np.ndarray, "n keypoint feature"]
    ) -> Float32[np.ndarray, "n keypoint"]:
        """Return the chance that a point is in view and off by at most 5 px@256."""
        score = self.logits(values)
        if len(self.knots):
            found: np.ndarray = np.interp(score, self.knots[:, 0], self.knots[:, 1])
        else:
            found = 1.0 / (1.0 + np.exp(-score))
        return found.astype(np.float32)

    def covariance(
        self,
        window: Float[np.ndarray, "n keypoint cov"],
        confidence: Float[np.ndarray, "n keypoint"],
        size: int,
    ) -> Float32[np.ndarray, "n keypoint cov"]:
        """Return covariances [crop px^2] from the windows' own and the confidence."""
        unit = size / 256.0
        widened = np.asarray(window, np.float64) + (self.floor * unit) ** 2 * np.array([1.0, 0.0, 1.0])
        factor = self.scale.astype(np.float64) ** 2 * _doubt(confidence) ** (2 * self.slant)
        return (widened * factor[..., None]).astype(np.float32)


def _doubt(confidence: Float[np.ndarray, "n keypoint"]) -> Float64[np.ndarray, "n keypoint"]:
    """Return the odds against a point, within 1/50 and 50."""
    sure = np.clip(np.asarray(confidence, np.float64), 1 / 51, 50 / 51)
    return np.asarray((1 - sure) / sure)


def features(
    found: Decoded, prior: ShapePrior | None, size: int
) -> Float32[np.ndarray, "n keypoint feature"]:
    """Collect what tells good points from bad ones, of one frame only.

    Parameters
    ----------
    found : Decoded
        Decoded maps.
    prior : ShapePrior or None
        How points lie to each other.
    size : int
        Side of the crops [px].

    Returns
    -------
    array (n, keypoint, feature)
        log window mass; log area of the window's ellipse [px@256^2]; log peak / runner-up; logit of the
        visibility; log(1 + shape residual); distance to the edge [crop sides, at most 0.25].
    """
    unit = 256.0 / size
    xx, xy, yy = (found.covariance[..., c].astype(np.float64) * unit**2 for c in range(3))
    area = 0.5 * np.log(np.maximum(xx * yy - xy * xy, 1e-6))
    if prior is None:
        residual = np.zeros(found.mass.shape)
    else:
        residual = prior.residuals(found.xy, found.mass > _SEEN_MASS).astype(np.float64)
    edge = np.minimum(found.xy + 0.5, size - 0.5 - found.xy).min(axis=-1) / size
    return np.stack(
        (
            np.log(np.maximum(found.mass, np.exp(-12.0))),
            np.clip(area, -4.0, 7.0),
            np.clip(found.lead, 0.0, 15.0),
            np.clip(found.visibility_logit, -15.0, 15.0),
            np.log1p(np.minimum(residual, 1e4)),
            np.clip(edge, 0.0, 0.25),
        ),
        axis=-1,
    ).astype(np.float32)


def fit_calibration(
    values: Float[np.ndarray, "n keypoint feature"],
    window: Float[np.ndarray, "n keypoint cov"],
    offset: Float[np.ndarray, "n keypoint space"],
    is_placed: Bool[np.ndarray, "n keypoint"],
    is_labelled: Bool[np.ndarray, "n keypoint"],
    *,
    size: int,
    origin: str = "synthetic",
    ridge: float = 1.0,
) -> Calibration:
    """Fit confidence and covariance to known errors.

    Logistic regression with shared slopes and an intercept per point, then a monotone map of at most 32
    knots; scale per point and one floor so that the ellipses of 50 % and 90 % hold what they say.

    Parameters
    ----------
    values : array (n, keypoint, feature)
        Of `features`.
    window : array (n, keypoint, cov)
        The windows' covariances [crop px^2].
    offset : array (n, keypoint, space)
        Decoded less true place [crop px].
    is_placed : array (n, keypoint)
        Points that are in view.
    is_labelled : array (n, keypoint)
        Points of which the truth is known; a labelled point that is not placed is never good.
    size : int
        Side of the crops [px].
    origin : str, optional
        What the truth was.
    ridge : float, optional
        Penalty on standardised slopes and on differences of intercepts (1).

    Returns
    -------
    Calibration
        The fitted calibration.
    """
    unit = 256.0 / size
    error = np.hypot(offset[..., 0], offset[..., 1]) * unit
    is_good = is_placed & (error <= GOOD_ERROR)
    flat = np.asarray(values, np.float64)[is_labelled]
    point = np.nonzero(is_labelled)[1]
    good = is_good[is_labelled].astype(np.float64)
    centre, spread = flat.mean(axis=0), np.maximum(flat.std(axis=0), 1e-3)
    slopes, intercepts = _logistic((flat - centre) / spread, point, good, values.shape[1], ridge)
    score = (flat - centre) / spread @ slopes + intercepts[point]
    knots = _monotone_map(score, good) if len(good) >= _LEAST_FOR_MAP else np.zeros((0, 2))
    found = Calibration(
        centre=centre.astype(np.float32),
        spread=spread.astype(np.float32),
        slopes=slopes.astype(np.float32),
        intercepts=intercepts.astype(np.float32),
        knots=knots.astype(np.float32),
        scale=np.ones(values.shape[1], np.float32),
        floor=0.0,
        origin=origin,
    )
    doubt = _doubt(found.confidence(values))
    floor, slant, scale = _ellipses(window, offset, is_placed & is_labelled, unit, doubt)
    return replace(found, floor=floor, slant=slant, scale=scale.astype(np.float32))


def _logistic(
    x: Float64[np.ndarray, "sample feature"],
    point: np.ndarray,
    good: Float64[np.ndarray, " sample"],
    n_points: int,
    ridge: float,
) -> tuple[Float64[np.ndarray, " feature"], Float64[np.ndarray, " keypoint"]]:
    """Fit slopes and intercepts by Newton's method; returns intercepts that hold the common one."""
    n_features = x.shape[1]
    own = np.zeros((len(x), n_points))
    own[np.arange(len(x)), point] = 1.0
    design = np.hstack((x, own, np.ones((len(x), 1))))
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-6
    beta = np.zeros(design.shape[1])
    for _ in range(60):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (p - good) + penalty * beta
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        step *= min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        beta -= step
        if np.abs(step).max() < 1e-8:
            break
    return beta[:n_features], beta[n_features:-1] + beta[-1]


def _monotone_map(
    score: Float64[np.ndarray, " sample"], good: Float64[np.ndarray, " sample"]
) -> Float64[np.ndarray, "knot 2"]:
    """Fit a rising piecewise linear map from scores to shares of good points."""
    from scipy.optimize import isotonic_regression  # prediction, which needs none, starts without it

    order = np.argsort(score, kind="stable")
    fitted = isotonic_regression(good[order]).x
    # Means over equal parts of the isotonic fit: the steps become slopes between the parts' centres.
    parts = np.array_split(np.arange(len(score)), min(_MOST_KNOTS, max(2, len(score) // 50)))
    x = np.array([score[order][part].mean() for part in parts])
    y = np.array([fitted[part].mean() for part in parts])
    keep = np.append(True, np.diff(x) > 1e-9)
    limit = 0.5 / len(parts[0])
    return np.stack((x[keep], np.clip(y[keep], limit, 1 - limit)), axis=-1)


def _ellipses(
    window: Float[np.ndarray, "n keypoint cov"],
    offset: Float[np.ndarray, "n keypoint space"],
    use: Bool[np.ndarray, "n keypoint"],
    unit: float,
    doubt: Float64[np.ndarray, "n keypoint"],
) -> tuple[float, float, Float64[np.ndarray, " keypoint"]]:
    """Find the floor [px@256], the slant and the scale per point.

    The best floor and slant are those with which ellipses hold what they say among sure and among doubtful
    points alike.
    """
    n_points = use.shape[1]
    if not use.any():
        return 0.5, 0.0, np.ones(n_points)
    cov = np.asarray(window, np.float64) * unit**2
    off = np.asarray(offset, np.float64) * unit
    groups = np.array_split(np.argsort(doubt[use], kind="stable"), min(_DOUBT_GROUPS, int(use.sum())))
    best = (np.inf, 0.5, 0.0, np.ones(n_points))
    for floor in np.geomspace(0.05, 8.0, 20):
        plain = _distance(cov, off, floor)
        for slant in _SLANTS:
            distance = plain / doubt ** (2 * slant)
            scale = _scales(distance, use)
            rest = (distance / scale**2)[use]
            ratios = [np.quantile(rest[group], [0.5, 0.9]) / (_CHI_50, _CHI_90) for group in groups]
            misfit = float(np.mean(np.log(np.maximum(ratios, 1e-9)) ** 2))
            if misfit < best[0]:
                best = (misfit, float(floor), float(slant), scale)
    return best[1], best[2], best[3]


def _scales(
    distance: Float64[np.ndarray, "n keypoint"], use: Bool[np.ndarray, "n keypoint"]
) -> Float64[np.ndarray, " keypoint"]:
    """Return by what each point's standard deviation is to be multiplied; few errors lean on all points'."""
    logs = np.zeros((use.shape[1], 2))
    pooled = np.log(np.maximum(np.quantile(distance[use], [0.5, 0.9]) / (_CHI_50, _CHI_90), 1e-9))
    for k in range(use.shape[1]):
        n = int(use[:, k].sum())
        logs[k] = pooled
        if n:
            own = np.quantile(distance[use[:, k], k], [0.5, 0.9]) / (_CHI_50, _CHI_90)
            logs[k] += n / (n + 20.0) * (np.log(np.maximum(own, 1e-9)) - pooled)
    # Tails are heavy: of the two ellipses the outer one is the more needed.
    return np.asarray(np.exp(0.5 * (logs @ (0.25, 0.75))))


def _distance(
    cov: Float64[np.ndarray, "n keypoint cov"], off: Float64[np.ndarray, "n keypoint space"], floor: float
) -> Float64[np.ndarray, "n keypoint"]:
    """Return squared Mahalanobis distances under windows that are widened by a floor."""
    xx, xy, yy = cov[..., 0] + floor**2, cov[..., 1], cov[..., 2] + floor**2
    dx, dy = off[..., 0], off[..., 1]
    found: np.ndarray = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / (xx * yy - xy * xy)
    return found


def refit_calibration(
    base: Calibration,
    values: Float[np.ndarray, "n keypoint feature"],
    window: Float[np.ndarray, "n keypoint cov"],
    offset: Float[np.ndarray, "n keypoint space"],
    is_placed: Bool[np.ndarray, "n keypoint"],
    is_labelled: Bool[np.ndarray, "n keypoint"],
    *,
    size: int,
) -> Calibration:
    """Adapt a calibration to few held-out labels: slope and intercept of its logit, and the scales.

    All are shrunk towards the base by n / (n + 60), n being the number of held-out points.

    Parameters
    ----------
    base : Calibration
        What is known already.
    values, window, offset, is_placed, is_labelled : array
        As for `fit_calibration`, of held-out points.
    size : int
        Side of the crops [px].

    Returns
    -------
    Calibration
        The adapted calibration; the base itself if fewer than 60 points are held out.
    """
    n = int(is_labelled.sum())
    if n < _BORROWED:
        return base
    unit = 256.0 / size
    good = (is_placed & (np.hypot(offset[..., 0], offset[..., 1]) * unit <= GOOD_ERROR))[is_labelled]
    before = np.clip(base.confidence(values)[is_labelled].astype(np.float64), 1e-4, 1 - 1e-4)
    logit = np.log(before / (1 - before))
    x = logit[:, None]
    slope, intercept = _logistic(x, np.zeros(n, np.int64), good.astype(np.float64), 1, 1.0)
    share = n / (n + _BORROWED)
    steep = float(np.exp(share * np.log(max(float(slope[0]), 0.1))))
    lift = share * float(intercept[0])
    # The new map, written on the base's scores: its knots, or points of the logistic function.
    at = base.knots[:, 0] if len(base.knots) else np.linspace(-8.0, 8.0, _MOST_KNOTS, dtype=np.float32)
    level = base.knots[:, 1] if len(base.knots) else 1.0 / (1.0 + np.exp(-at))
    level = np.clip(level.astype(np.float64), 1e-4, 1 - 1e-4)
    new = 1.0 / (1.0 + np.exp(-(steep * np.log(level / (1 - level)) + lift)))
    use = is_placed & is_labelled
    moved = replace(base, knots=np.stack((at, new), axis=-1).astype(np.float32), origin=f"labels:n={n}")
    distance = _distance(
        np.asarray(window, np.float64) * unit**2, np.asarray(offset, np.float64) * unit, base.floor
    ) / _doubt(moved.confidence(values)) ** (2 * base.slant)
    scale = base.scale.astype(np.float64).copy()
    for k in range(len(scale)):
        n_own = int(use[:, k].sum())
        if n_own:
            ratio = np.quantile(distance[use[:, k], k], [0.5, 0.9]) / (_CHI_50, _CHI_90) / scale[k] ** 2
            own = n_own / (n_own + _BORROWED / 4)
            scale[k] *= np.exp(0.5 * own * float(np.log(np.maximum(ratio, 1e-6)) @ (0.25, 0.75)))
    return replace(moved, scale=scale.astype(np.float32))

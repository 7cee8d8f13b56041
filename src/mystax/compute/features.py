"""Features of states: aligned, centred, whitened shapes and columns; fitted once, applied to many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mystax.compute.alignment import Align, Aligned, align_frames, make_template
from mystax.compute.timeline import StateClock, average_onto, bridge_holes, bring_beside, make_clock
from mystax.core.typing import Float64, Int64
from mystax.errors import NumbersError

__all__ = [
    "Column",
    "ColumnModel",
    "FeatureModel",
    "FeatureRules",
    "Prepared",
    "ShapeModel",
    "Track",
    "fit_features",
    "prepare",
]

LIVELY = 5.0
"""A point of a spread over so many times the median spread counts as one of that spread."""
TINY = 1e-6
EQUAL_FROM = 1_000
"""Recordings of at least so many frames count alike."""
MISSING_VARIANCE = 0.5
COLUMN_COMPONENTS = 5
DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Column:
    """A source of further columns of one recording.

    Attributes
    ----------
    times : array (time,)
        Times [s].
    values : array (time, column)
        NaN where missing.
    is_log : bool
        Whether the logarithm is taken (areas, energies).
    """

    times: Float64[np.ndarray, " time"]
    values: Float64[np.ndarray, "time column"]
    is_log: bool = False


@dataclass(frozen=True, eq=False)
class Track:
    """What one recording brings.

    Attributes
    ----------
    name : str
        Its name.
    times : array (time,)
        Times [s].
    points : array (time, keypoint, space)
        Places, masked; no points without a pose.
    columns : mapping
        Name to source of further columns.
    """

    name: str
    times: Float64[np.ndarray, " time"]
    points: Float64[np.ndarray, "time keypoint space"]
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FeatureRules:
    """How features are made.

    Attributes
    ----------
    rate : float
        Rate of the states [Hz].
    align : {"none", "translate", "rigid", "similarity"}
        How frames are aligned.
    rigid : array (rigid,)
        Points that do not move against each other.
    groups : tuple of array
        Points that are aligned together (one group per camera).
    max_gap : float
        Longest hole that is interpolated [s].
    variance, max_components : float, int
        Share of the variance kept; components at most.
    centre : {"recording", "none"}
        Whose median shape is subtracted.
    use_shape : bool
        Whether the shape itself is a feature.
    axes : tuple of (axis, from point, to point)
        Directions of the animal, along which the template in space is turned.
    """

    rate: float
    align: Align = "rigid"
    rigid: Int64[np.ndarray, " rigid"] = field(default_factory=lambda: np.zeros(0, np.int64))
    groups: tuple[Int64[np.ndarray, " _"], ...] = ()
    max_gap: float = 0.1
    variance: float = 0.95
    max_components: int = 10
    centre: Literal["recording", "individual", "none"] = "recording"
    use_shape: bool = True
    axes: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class ShapeModel:
    """Components of the aligned shape.

    Attributes
    ----------
    mean : array (coordinate,)
        Mean of the centred, weighted coordinates (keypoint, space).
    weight : array (keypoint,)
        Factor of each point: below 1 for very lively ones.
    loadings : array (component, coordinate)
        Orthonormal; the largest entry is positive.
    variances : array (component,)
        Variance along each component.
    noise : float
        Variance of what the components leave.
    spectrum : array (rank,)
        All variances, for the scree figure.
    """

    mean: Float64[np.ndarray, " coordinate"]
    weight: Float64[np.ndarray, " keypoint"]
    loadings: Float64[np.ndarray, "component coordinate"]
    variances: Float64[np.ndarray, " component"]
    noise: float
    spectrum: Float64[np.ndarray, " rank"]


@dataclass(frozen=True, eq=False)
class ColumnModel:
    """How a source of further columns becomes features.

    Attributes
    ----------
    is_log : bool
        Whether the logarithm is taken.
    median, scale : array (column,)
        Robust standardisation.
    loadings : array (feature, column)
        Identity for one column; else components, whitened.
    """

    is_log: bool
    median: Float64[np.ndarray, " column"]
    scale: Float64[np.ndarray, " column"]
    loadings: Float64[np.ndarray, "feature column"]


@dataclass(frozen=True, eq=False)
class FeatureModel:
    """Everything that turns a recording into features.

    Attributes
    ----------
    rules : FeatureRules
        How they are made.
    template : array (keypoint, space)
        Shape on which frames are aligned.
    shape : ShapeModel, optional
        Components of the shape; None without points.
    columns : mapping
        Name to `ColumnModel`.
    names : tuple of str
        Names of the features: ``pc1``.., then those of the columns.
    centre_shape : array (keypoint, space)
        Median shape over all recordings.
    """

    rules: FeatureRules
    template: Float64[np.ndarray, "keypoint space"]
    shape: ShapeModel | None
    columns: Mapping[str, ColumnModel]
    names: tuple[str, ...]
    centre_shape: Float64[np.ndarray, "keypoint space"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """One recording on the clock of the states.

    Attributes
    ----------
    name : str
        Its name.
    clock : StateClock
        Times and segments.
    points : array (time, keypoint, space)
        Places before alignment.
    aligned : Aligned
        Places after it, and the pose of the head.
    features : array (time, feature)
        Whitened; NaN where missing.  Empty until a model is applied.
    """

    name: str
    clock: StateClock
    points: Float64[np.ndarray, "time keypoint space"]
    aligned: Aligned
    features: Float64[np.ndarray, "time feature"]


def _on_clock(
    track: Track, rules: FeatureRules
) -> tuple[StateClock, Float64[np.ndarray, "time keypoint space"]]:
    clock = make_clock(track.times, rules.rate)
    n, n_points, space = track.points.shape
    if not n_points:
        return clock, np.zeros((len(clock.times), 0, space))
    flat = bridge_holes(track.times, track.points.reshape(n, n_points * space), rules.max_gap)
    return clock, average_onto(clock, flat).reshape(-1, n_points, space)


def align_groups(
    points: Float64[np.ndarray, "time keypoint space"],
    template: Float64[np.ndarray, "keypoint space"],
    rules: FeatureRules,
) -> Aligned:
    """Align each group of points by itself; the pose is that of the first group."""
    groups = rules.groups or (np.arange(points.shape[1]),)
    out = np.full(points.shape, np.nan)
    first: Aligned | None = None
    for group in groups:
        rigid = np.flatnonzero(np.isin(group, rules.rigid))
        found = align_frames(points[:, group], template[group], rigid, rules.align)
        out[:, group] = found.points
        first = found if first is None else first
    assert first is not None  # noqa: S101 - there is always one group
    return Aligned(out, first.rotation, first.translation, first.scale)


def _template(points: Sequence[Float64[np.ndarray, "_ keypoint space"]], rules: FeatureRules) -> np.ndarray:
    joined = np.concatenate(points)
    groups = rules.groups or (np.arange(joined.shape[1]),)
    if joined.shape[2] == 3 and len(rules.axes) > 1:
        # medians know the axes of space: they are taken along those of the animal, however it was filmed
        known = np.isfinite(joined)
        mean = np.where(known, joined, 0).sum(0) / np.maximum(known.sum(0), 1)
        joined = joined @ _axes_turn(mean, rules.axes).T
    out: np.ndarray = np.full(joined.shape[1:], np.nan)
    for group in groups:
        rigid = np.flatnonzero(np.isin(group, rules.rigid))
        out[group] = make_template(joined[:, group], rigid, rules.align)
    if joined.shape[2] == 3 and rules.align in ("rigid", "similarity") and len(groups) == 1:
        out = out @ _axes_turn(out, rules.axes).T
    return out


def _axes_turn(
    template: Float64[np.ndarray, "keypoint space"], axes: Sequence[tuple[int, int, int]]
) -> Float64[np.ndarray, "space space_too"]:
    """Return the rotation that lays the animal's axes along x, y and z; the first one exactly."""
    given = {axis: template[stop] - template[start] for axis, start, stop in axes}
    given = {
        axis: item for axis, item in given.items() if np.isfinite(item).all() and np.linalg.norm(item) > 0
    }
    if len(given) < 2:
        return np.eye(3)
    first, second = list(given)[:2]
    third = 3 - first - second
    rows = np.zeros((3, 3))
    rows[first] = given[first] / np.linalg.norm(given[first])
    rest = given[second] - (given[second] @ rows[first]) * rows[first]
    if np.linalg.norm(rest) < 0.1 * np.linalg.norm(given[second]):
        return np.eye(3)
    rows[second] = rest / np.linalg.norm(rest)
    rows[third] = np.cross(rows[(third + 1) % 3], rows[(third + 2) % 3])
    return rows


def median_shape(points: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, "keypoint space"]:
    """Return the median of each coordinate; NaN where a point is never seen."""
    found = np.full(points.shape[1:], np.nan)
    seen = np.isfinite(points).any(0)
    if seen.any():
        found[seen] = np.nanmedian(points[:, seen], axis=0)
    return found


def fit_features(tracks: Sequence[Track], rules: FeatureRules) -> tuple[FeatureModel, list[Prepared]]:
    """Find template, components and scales of the features of recordings, and make the features.

    Parameters
    ----------
    tracks : sequence of Track
        The recordings.
    rules : FeatureRules
        How features are made.

    Returns
    -------
    tuple of FeatureModel and list of Prepared
        The model, and each recording with its features.

    Raises
    ------
    NumbersError
        N303, if nothing varies, or more than half of the frames of every recording are missing.
    """
    on_clock = [_on_clock(track, rules) for track in tracks]
    n_points = tracks[0].points.shape[1]
    has_points = n_points > 0 and rules.use_shape
    template = _template([points for _, points in on_clock], rules) if n_points else np.zeros((0, 2))
    aligned = [
        align_groups(points, template, rules) if n_points else _nothing(points, len(clock.times))
        for clock, points in on_clock
    ]
    centre = median_shape(np.concatenate([item.points for item in aligned])) if n_points else template
    shape = None
    if has_points:
        centred = [item.points - _centre_of(item.points, centre, rules) for item in aligned]
        shape = _fit_shape(centred, rules)
    columns = _fit_columns(tracks, [clock for clock, _ in on_clock])
    names = [f"pc{k + 1}" for k in range(len(shape.variances))] if shape is not None else []
    for name, column in columns.items():
        n = len(column.loadings)
        names += [name] if n == 1 else [f"{name}.{k + 1}" for k in range(n)]
    if not names:
        raise NumbersError("N303", "features", "nothing varies: there is no feature to tell states apart by")
    model = FeatureModel(rules, template, shape, columns, tuple(names), centre)
    prepared = [
        _with_features(model, track, clock, points, item)
        for track, (clock, points), item in zip(tracks, on_clock, aligned, strict=True)
    ]
    _check_coverage(prepared)
    return model, prepared


def prepare(model: FeatureModel, track: Track) -> Prepared:
    """Make the features of a new recording with a model that was fitted to others."""
    clock, points = _on_clock(track, model.rules)
    aligned = (
        align_groups(points, model.template, model.rules)
        if points.shape[1]
        else _nothing(points, len(clock.times))
    )
    return _with_features(model, track, clock, points, aligned)


def _nothing(points: Float64[np.ndarray, "time keypoint space"], n: int) -> Aligned:
    space = points.shape[2]
    return Aligned(
        points, np.full((n, space, space), np.nan), np.full((n, space), np.nan), np.full(n, np.nan)
    )


def _check_coverage(prepared: Sequence[Prepared]) -> None:
    shares = [float(np.isfinite(item.features).any(1).mean()) for item in prepared if len(item.features)]
    if not shares or max(shares) < 0.5:
        best = f"{100 * max(shares):.0f} %" if shares else "no frames"
        raise NumbersError(
            "N303",
            "features",
            "too many frames are missing in every recording",
            expected="at least 50 % usable in one of them",
            got=best,
            hint="lower --min-confidence, or raise --max-gap",
        )


def _centre_of(
    points: Float64[np.ndarray, "time keypoint space"],
    pooled: Float64[np.ndarray, "keypoint space"],
    rules: FeatureRules,
) -> Float64[np.ndarray, "keypoint space"]:
    """Return the shape that is subtracted; points that a recording lacks take the pooled one."""
    if rules.centre == "none" and rules.align != "none":
        return pooled
    own = median_shape(points)
    return np.where(np.isfinite(own), own, pooled)


def _fit_shape(
    centred: Sequence[Float64[np.ndarray, "_ keypoint space"]], rules: FeatureRules
) -> ShapeModel | None:
    """Find the components of centred shapes; None where nothing moves."""
    n_points, space = centred[0].shape[1:]
    spread = _point_spread(np.concatenate(centred))
    positive = spread[spread > 0]
    limit = LIVELY * float(np.median(positive)) if len(positive) else 0.0
    weight = (
        np.where(spread > limit, limit / np.where(spread > 0, spread, 1), 1.0)
        if limit > 0
        else np.ones(n_points)
    )
    rows = [(item * weight[:, None]).reshape(len(item), n_points * space) for item in centred]
    is_equal = all(np.isfinite(item).all(1).sum() >= EQUAL_FROM or len(item) >= EQUAL_FROM for item in rows)
    mean, cov = _pooled_covariance(rows, equal=is_equal)
    values, vectors = np.linalg.eigh(cov)
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[0] <= 1e-18 * max(1.0, float(np.nanmax(np.abs(mean)) ** 2)) or values[0] <= 0:
        return None
    positive_values = np.where(values > TINY * values[0], values, 0)
    share = np.cumsum(positive_values) / positive_values.sum()
    n = min(
        int(np.searchsorted(share, rules.variance - 1e-12)) + 1,
        rules.max_components,
        int((positive_values > 0).sum()),
    )
    loadings = vectors[:, :n].T.copy()
    largest = np.abs(loadings).argmax(1)
    loadings *= np.sign(loadings[np.arange(n), largest])[:, None]
    rest = positive_values[n:]
    n_rest = max(1, len(values) - n)
    noise = max(float(rest.sum()) / n_rest, TINY * float(values[0]))
    return ShapeModel(mean, weight, loadings, values[:n].copy(), noise, positive_values)


def _point_spread(points: Float64[np.ndarray, "time keypoint space"]) -> Float64[np.ndarray, " keypoint"]:
    """Return the robust SD of each point, over its coordinates."""
    middle = median_shape(points)
    spread = np.zeros(points.shape[1])
    for k in range(points.shape[1]):
        gap = np.abs(points[:, k] - middle[k])
        known = gap[np.isfinite(gap).all(1)]
        if len(known):
            spread[k] = 1.4826 * float(np.sqrt((np.median(known, axis=0) ** 2).sum()))
    return spread


def _pooled_covariance(
    rows: Sequence[Float64[np.ndarray, "_ coordinate"]], *, equal: bool
) -> tuple[Float64[np.ndarray, " coordinate"], Float64[np.ndarray, "coordinate coordinate_too"]]:
    """Return mean and covariance over pairs of observed values, recordings weighted alike or by frames."""
    p = rows[0].shape[1]
    total, first, second = np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    for item in rows:
        known = np.isfinite(item).astype(float)
        value = np.where(known > 0, item, 0)
        weight = 1 / max(1, len(item)) if equal else 1.0
        total += weight * (known.T @ known)
        first += weight * (value.T @ known)
        second += weight * (value.T @ value)
    safe = np.where(total > 0, total, 1)
    own = np.diag(first) / np.diag(safe)
    # around the mean of each pair's common frames
    cov = np.where(total > 0, second / safe - (first / safe) * (first.T / safe), 0)
    return own, (cov + cov.T) / 2


def shape_scores(
    model: ShapeModel, rows: Float64[np.ndarray, "time coordinate"]
) -> Float64[np.ndarray, "time component"]:
    """Return whitened scores; a frame with holes by its posterior mean, or missing if that says too little.

    Parameters
    ----------
    model : ShapeModel
        Components.
    rows : array (time, coordinate)
        Centred, weighted coordinates; NaN where missing.

    Returns
    -------
    array (time, component)
        Unit variance.
    """
    n = len(model.variances)
    out = np.full((len(rows), n), np.nan)
    scale = np.sqrt(model.variances)
    known = np.isfinite(rows)
    complete = known.all(1)
    out[complete] = (rows[complete] - model.mean) @ model.loadings.T / scale
    partial = np.flatnonzero(~complete & known.any(1))
    if not len(partial):
        return out
    patterns, codes = np.unique(known[partial], axis=0, return_inverse=True)
    order = np.argsort(np.asarray(codes).ravel(), kind="stable")
    edges = np.searchsorted(np.asarray(codes).ravel()[order], np.arange(len(patterns) + 1))
    prior = np.diag(1 / model.variances)
    for number, pattern in enumerate(patterns):
        w = model.loadings[:, pattern]
        posterior = np.linalg.inv(w @ w.T / model.noise + prior)
        if float((np.diag(posterior) / model.variances).mean()) > MISSING_VARIANCE:
            continue
        where = partial[order[edges[number] : edges[number + 1]]]
        gap = rows[np.ix_(where, np.flatnonzero(pattern))] - model.mean[pattern]
        out[where] = gap @ w.T @ posterior / model.noise / scale
    return out


def _robust(values: Float64[np.ndarray, " time"]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 0.0
    middle = float(np.median(known))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    return middle, spread if spread > 0 else float(known.std())


def _plain(column: Column) -> Float64[np.ndarray, "time column"]:
    if not column.is_log:
        return column.values
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(np.where(column.values > 0, column.values, np.nan))
    return np.asarray(found)


def _fit_columns(tracks: Sequence[Track], clocks: Sequence[StateClock]) -> dict[str, ColumnModel]:
    names = list(dict.fromkeys(name for track in tracks for name in track.columns))
    found: dict[str, ColumnModel] = {}
    for name in names:
        parts = [
            bring_beside(clock, track.columns[name].times, _plain(track.columns[name]))
            for track, clock in zip(tracks, clocks, strict=True)
            if name in track.columns
        ]
        values = np.concatenate(parts)
        is_log = next(track.columns[name].is_log for track in tracks if name in track.columns)
        robust = [_robust(column) for column in values.T]
        median, scale = (np.array([item[k] for item in robust]) for k in (0, 1))
        live = scale > 1e-12 * np.maximum(1.0, np.abs(median))
        if not live.any():
            continue
        safe = np.where(live, scale, np.inf)
        if values.shape[1] == 1:
            loadings = np.ones((1, 1))
        else:
            z = (values - median) / safe
            _, cov = _pooled_covariance([z], equal=False)
            eigen, vectors = np.linalg.eigh(cov)
            n = min(COLUMN_COMPONENTS, int((eigen > TINY * eigen[-1]).sum()))
            loadings = (vectors[:, ::-1][:, :n] / np.sqrt(eigen[::-1][:n])).T.copy()
            loadings *= np.sign(loadings[np.arange(n), np.abs(loadings).argmax(1)])[:, None]
        found[name] = ColumnModel(is_log, median, safe, loadings)
    return found


def _with_features(
    model: FeatureModel,
    track: Track,
    clock: StateClock,
    points: Float64[np.ndarray, "time keypoint space"],
    aligned: Aligned,
) -> Prepared:
    parts: list[np.ndarray] = []
    if model.shape is not None:
        centred = aligned.points - _centre_of(aligned.points, model.centre_shape, model.rules)
        rows = (centred * model.shape.weight[:, None]).reshape(len(centred), -1)
        parts.append(shape_scores(model.shape, rows))
    for name, column in model.columns.items():
        if name in track.columns:
            found = bring_beside(clock, track.columns[name].times, _plain(track.columns[name]))
            parts.append((found - column.median) / column.scale @ column.loadings.T)
        else:
            parts.append(np.full((len(clock.times), len(column.loadings)), np.nan))
    # rounded, so that the last bits of other units or turns decide nothing in the search
    return Prepared(track.name, clock, points, aligned, np.round(np.concatenate(parts, 1), DECIMALS))

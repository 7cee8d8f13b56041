"""Features of states: aligned, centred, whitened shapes and columns; fitted once, applied to many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mystax.compute.alignment import Align, Aligned, align_frames, make_template
from mystax.compute.column_features import Column, ColumnModel, column_scores, fit_columns
from mystax.compute.partial_shapes import PartialShapes
from mystax.compute.shape_features import ShapeModel, fit_shape, median_shape, shape_scores
from mystax.compute.timeline import StateClock, average_onto, bridge_holes, make_clock
from mystax.core.typing import Float64, Int64
from mystax.errors import NumbersError

__all__ = [
    "FeatureModel",
    "FeatureRules",
    "Prepared",
    "Track",
    "fit_features",
    "prepare",
]

DECIMALS = 6


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
    individual : str
        Whose face it is; empty: nobody else's.
    """

    name: str
    times: Float64[np.ndarray, " time"]
    points: Float64[np.ndarray, "time keypoint space"]
    columns: Mapping[str, Column] = field(default_factory=dict)
    individual: str = ""


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
    centre : {"recording", "individual", "none"}
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
    partial : PartialShapes
        Frames with holes in their shape, and what they tell.
    """

    name: str
    clock: StateClock
    points: Float64[np.ndarray, "time keypoint space"]
    aligned: Aligned
    features: Float64[np.ndarray, "time feature"]
    partial: PartialShapes


def _on_clock(
    track: Track, rules: FeatureRules
) -> tuple[StateClock, Float64[np.ndarray, "time keypoint space"]]:
    clock = make_clock(track.times, rules.rate)
    n, n_points, space = track.points.shape
    if not n_points:
        return clock, np.zeros((len(clock.times), 0, space))
    bridged = bridge_holes(track.times, track.points, rules.max_gap)
    return clock, average_onto(clock, bridged.reshape(n, n_points * space)).reshape(-1, n_points, space)


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
    own = _centres(tracks, [item.points for item in aligned], centre, rules)
    if has_points:
        centred = [item.points - middle for item, middle in zip(aligned, own, strict=True)]
        shape = fit_shape(centred, rules.variance, rules.max_components)
    columns = fit_columns([track.columns for track in tracks], [clock for clock, _ in on_clock])
    names = [f"pc{k + 1}" for k in range(len(shape.variances))] if shape is not None else []
    for name, column in columns.items():
        n = len(column.loadings)
        names += [name] if n == 1 else [f"{name}.{k + 1}" for k in range(n)]
    if not names:
        raise NumbersError("N303", "features", "nothing varies: there is no feature to tell states apart by")
    model = FeatureModel(rules, template, shape, columns, tuple(names), centre)
    prepared = [
        _with_features(model, track, clock, points, item, middle)
        for track, (clock, points), item, middle in zip(tracks, on_clock, aligned, own, strict=True)
    ]
    _check_coverage(prepared)
    return model, prepared


def prepare(model: FeatureModel, tracks: Sequence[Track]) -> list[Prepared]:
    """Make the features of new recordings with a model that was fitted to others.

    Parameters
    ----------
    model : FeatureModel
        Of the fit.
    tracks : sequence of Track
        The recordings; those of one individual share their centre where the model centres individuals.

    Returns
    -------
    list of Prepared
        Each recording with its features.
    """
    on_clock = [_on_clock(track, model.rules) for track in tracks]
    aligned = [
        align_groups(points, model.template, model.rules)
        if points.shape[1]
        else _nothing(points, len(clock.times))
        for clock, points in on_clock
    ]
    own = _centres(tracks, [item.points for item in aligned], model.centre_shape, model.rules)
    return [
        _with_features(model, track, clock, points, item, middle)
        for track, (clock, points), item, middle in zip(tracks, on_clock, aligned, own, strict=True)
    ]


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


def _centres(
    tracks: Sequence[Track],
    points: Sequence[Float64[np.ndarray, "_ keypoint space"]],
    pooled: Float64[np.ndarray, "keypoint space"],
    rules: FeatureRules,
) -> list[Float64[np.ndarray, "keypoint space"]]:
    """Return the shape that is subtracted from each recording; points that it lacks take the pooled one."""
    if rules.centre == "none" and rules.align != "none":
        return [pooled] * len(tracks)
    whose = [
        track.individual if rules.centre == "individual" and track.individual else f"recording {k}"
        for k, track in enumerate(tracks)
    ]
    found = {}
    for name in dict.fromkeys(whose):
        own = median_shape(
            np.concatenate([item for item, of in zip(points, whose, strict=True) if of == name])
        )
        found[name] = np.where(np.isfinite(own), own, pooled)
    return [found[name] for name in whose]


def _with_features(
    model: FeatureModel,
    track: Track,
    clock: StateClock,
    points: Float64[np.ndarray, "time keypoint space"],
    aligned: Aligned,
    centre: Float64[np.ndarray, "keypoint space"],
) -> Prepared:
    parts: list[np.ndarray] = []
    partial = PartialShapes.none(0)
    if model.shape is not None:
        centred = aligned.points - centre
        rows = (centred * model.shape.weight[:, None]).reshape(len(centred), -1)
        scores, partial = shape_scores(model.shape, rows)
        parts.append(scores)
    parts += [column_scores(column, track.columns.get(name), clock) for name, column in model.columns.items()]
    # rounded, so that the last bits of other units or turns decide nothing in the search
    return Prepared(track.name, clock, points, aligned, np.round(np.concatenate(parts, 1), DECIMALS), partial)

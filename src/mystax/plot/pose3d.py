"""The chapter of `pose3d`: mean shape, residuals per camera, movement and uncertainty over time, numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Ellipse

from mystax.core.outcome_faces import edges_of
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.pose import colours_of, draw_movement, first_of, middles_of
from mystax.plot.series import TimeAxis, thinned, trace
from mystax.plot.style import NamedFigure, figure, series_colour, shown
from mystax.plot.tables import Table

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["POSE3D", "pose3d_figures", "pose3d_tables"]

SIDES = ((0, 1), (0, 2), (1, 2))
COV_AT = {(0, 0): 0, (0, 1): 1, (0, 2): 2, (1, 1): 3, (1, 2): 4, (2, 2): 5}


def pose3d_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the mean shape from three sides, residuals per camera, movement, and uncertainty over time."""
    used = [view.dataset for view in views if view.dataset.sizes.get("time", 0)]
    return [
        made
        for dataset in used[:1]
        for made in (_shape(dataset), _residuals(dataset), _movement(dataset), _uncertainty(dataset))
    ]


def _shape(dataset: Dataset) -> NamedFigure:
    """Draw medians with the movement of each point as an ellipse, from three sides."""
    middle, place = middles_of(dataset), first_of(dataset, "position")
    cov = first_of(dataset, "covariance")
    names = [str(name) for name in dataset["keypoint"].values]
    colours = colours_of(dataset)
    made = figure(64.0)
    numbers: dict[str, Sequence[object]] = {"keypoint": names}
    for i, letter in enumerate("xyz"):
        numbers[letter] = middle[i].tolist()
    for axes, (a, b) in zip(made.subplots(1, 3), SIDES, strict=True):
        for first, second in edges_of(dataset):
            axes.plot(
                middle[a, [first, second]], middle[b, [first, second]], color="#9a9a9a", lw=0.6, zorder=1
            )
        every = max(1, len(place) // 200)
        for k, colour in enumerate(colours):
            axes.plot(
                place[::every, a, k],
                place[::every, b, k],
                ".",
                color=colour,
                ms=1,
                alpha=0.3,
                rasterized=True,
            )
            axes.plot(middle[a, k], middle[b, k], "o", color=colour, ms=3)
            _ellipse(axes, middle[[a, b], k], cov[:, :, k], a, b, colour)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(f"{'xyz'[a]} [mm]")
        axes.set_ylabel(f"{'xyz'[b]} [mm]")
    return NamedFigure(
        "pose3d_shape",
        made,
        "Mean shape from three sides",
        "Medians of the points, with up to 200 of their places; ellipses hold 90 % of the usual uncertainty "
        "of one place (often too small to be seen).",
        f"Median places of {len(names)} points seen along z, y and x.",
        numbers,
    )


def _ellipse(axes: Any, centre: np.ndarray, cov: np.ndarray, a: int, b: int, colour: str) -> None:
    """Draw the 90 % ellipse of the median covariance in one plane."""
    known = np.isfinite(cov[:, 0])
    if not known.any() or not np.isfinite(centre).all():
        return
    usual = np.median(cov[known], axis=0)
    matrix = np.array([[usual[COV_AT[i, j] if i <= j else COV_AT[j, i]] for j in (a, b)] for i in (a, b)])
    values, vectors = np.linalg.eigh(matrix)
    size = 2 * np.sqrt(np.maximum(values, 0) * 4.605)
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    axes.add_patch(Ellipse(tuple(centre), size[1], size[0], angle=angle, fill=False, ec=colour, lw=0.8))


def _residuals(dataset: Dataset) -> NamedFigure:
    """Draw median residuals of each camera and keypoint, in sample and left out."""
    cameras = [str(name) for name in dataset["camera"].values]
    names = [str(name) for name in dataset["keypoint"].values]
    made = figure(max(42.0, 14.0 * len(cameras) + 20))
    numbers: dict[str, Sequence[object]] = {"keypoint": names}
    places = np.arange(len(names))
    rows = made.subplots(len(cameras), 1, sharex=True, squeeze=False)[:, 0]
    for c, (camera, axes) in enumerate(zip(cameras, rows, strict=True)):
        for number, (variable, word) in enumerate(
            (("residual", "in sample"), ("residual_left_out", "left out"))
        ):
            values = first_of(dataset, variable)[:, c]
            middle = np.array(
                [np.median(v[np.isfinite(v)]) if np.isfinite(v).any() else np.nan for v in values.T]
            )
            axes.bar(places + 0.4 * number - 0.2, middle, 0.38, color=series_colour(number), label=word)
            numbers[f"{camera} {word}"] = middle.tolist()
        axes.set_ylabel("px")
        axes.set_title(shown(camera), loc="left")
    rows[0].legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
    rows[-1].set_xticks(places, [shown(name) for name in names], rotation=60, ha="right")
    return NamedFigure(
        "pose3d_residuals",
        made,
        "Residuals per camera",
        "Median distance of a camera's point from the projected point in space: in sample, and from the "
        "point that the other cameras give (three cameras or more). Long second bars: moved, or out of time.",
        f"Median residuals of {len(cameras)} cameras and {len(names)} points.",
        numbers,
    )


def _movement(dataset: Dataset) -> NamedFigure:
    """Draw the displacement of the points of each part."""
    made, _, numbers = draw_movement(dataset, "mm")
    return NamedFigure(
        "pose3d_movement",
        made,
        "Movement in space",
        "Smoothed places minus their medians, one row per part; colours are the points in their order.",
        f"Movement of {dataset.sizes['keypoint']} points along three axes.",
        numbers,
    )


def _uncertainty(dataset: Dataset) -> NamedFigure:
    """Draw the standard deviation of the places over time, and how many cameras see the points."""
    axis = TimeAxis([dataset])
    places = axis.places(dataset)
    sd = np.sqrt(first_of(dataset, "covariance")[:, [0, 3, 5]].sum(axis=1))
    raw = np.sqrt(first_of(dataset, "covariance_raw")[:, [0, 3, 5]].sum(axis=1))
    n_seen = (first_of(dataset, "used") >= 0).sum(axis=1).mean(axis=1)
    made = figure(52.0)
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(1.4, 0.6))
    numbers: dict[str, np.ndarray] = {"time": thinned(dataset["time"].values)[0]}
    for values, word, colour in ((raw, "each frame", "#9a9a9a"), (sd, "smoothed", series_colour(0))):
        known = np.isfinite(values)
        mean = np.where(
            known.any(axis=1),
            np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1),
            np.nan,
        )
        trace(upper, places, mean, colour=colour, label=word)
        numbers[word] = thinned(mean)[0]
    upper.set_yscale("log")
    upper.set_ylabel("SD [mm]")
    upper.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
    trace(lower, places, n_seen, colour=series_colour(1))
    lower.set_ylim(0, dataset.sizes["camera"] + 0.3)
    lower.set_ylabel("cameras")
    lower.set_xlabel(axis.label)
    axis.finish(upper)
    axis.finish(lower)
    numbers["cameras"] = thinned(n_seen)[0]
    return NamedFigure(
        "pose3d_uncertainty",
        made,
        "Uncertainty of the places",
        "Standard deviation of a place in space (root of the summed variances), mean over the points, from "
        "each frame alone and smoothed; below, how many cameras see a point on average.",
        "Standard deviation of the places over time.",
        numbers,
        detail=True,
    )


def pose3d_tables(views: Sequence[View]) -> list[Table]:
    """Tell residuals, inliers and offsets per camera, and the numbers of the shape."""
    tables = []
    for view in views[:1]:
        facts = json.loads(str(view.dataset.attrs.get("facts", "{}")))
        cameras = facts.get("cameras", {})
        offsets = facts.get("offsets", {})
        rows: list[tuple[str, ...]] = [
            (
                shown(name),
                f"{100 * item['seen']:.1f}",
                f"{100 * item['inliers']:.1f}" if item["inliers"] == item["inliers"] else "",
                _number(item["residual"]),
                _number(item["left_out"]),
                _number(item["pixel_sd"]),
                _lag(offsets[name]) if name in offsets else "",
            )
            for name, item in cameras.items()
        ]
        head = (
            "camera",
            "sees [%]",
            "agrees [%]",
            "residual, median [px]",
            "left out, median [px]",
            "noise [px]",
            "late by [ms]",
        )
        tables.append(Table(head, rows))
        tables.append(
            Table(
                ("whole", "value"),
                [
                    ("SD of a place, median [mm]", _number(facts.get("sd"), 3)),
                    ("angle of rays, median [deg]", _number(np.degrees(facts.get("ray_angle") or np.nan), 1)),
                    ("flatness of the mean shape", _number(facts.get("flatness"), 3)),
                    ("views that disagree [%]", _number(100 * (facts.get("disagree") or 0.0), 2)),
                ],
            )
        )
    return tables


def _lag(offset: Mapping[str, Any]) -> str:
    """Return how late a camera is [ms], unless the residuals hardly tell that lag from none."""
    return f"{1000 * offset['seconds']:+.1f}" if offset.get("clear", True) else "unclear"


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


POSE3D = ChapterKind(
    "Keypoints in space",
    "Points of several calibrated cameras are triangulated with rejection of cameras that contradict, then "
    "smoothed at the strength of the highest restricted likelihood; every place has a covariance.",
    variable="position",
    figures=pose3d_figures,
    tables=pose3d_tables,
    empty="No point was seen by two cameras.",
)

"""The chapter of `pose`: where the points are, how they move, and how sure they are."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mystax.core.keypoint_names import set_of_outcome
from mystax.core.outcome_faces import edges_of
from mystax.core.quality import flags_from_json
from mystax.core.typing import Float, Float64
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View, picture_axes, show_picture
from mystax.plot.series import N_COLUMNS, TimeAxis, draw_holes, thinned, trace
from mystax.plot.stack import HOLES, PANEL
from mystax.plot.style import NamedFigure, figure, file_name, series_colour, shown
from mystax.plot.tables import Table, table_of

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["POSE", "pose_figures", "pose_tables", "why_nothing"]

N_TRAIL = 400
"""Places per point in the picture: evenly spaced frames."""
LOW = 0.5
REMARKS = ("N302", "N301")
"""Remarks that say why there are no places, the more telling one first."""

Part = tuple[str, list[int]]
"""Name of a part, and the places of its points."""


def parts_of(dataset: Dataset) -> list[Part]:
    """Group the points of an outcome by the parts of its set; points of no part come last."""
    names = [str(name) for name in dataset["keypoint"].values]
    keypoints = set_of_outcome(dataset)
    parts: Mapping[str, tuple[str, ...]] = {} if keypoints is None else keypoints.parts
    found = [
        (part, [names.index(name) for name in inside if name in names]) for part, inside in parts.items()
    ]
    taken = {index for _, indices in found for index in indices}
    found.append(("other" if taken else "points", [k for k in range(len(names)) if k not in taken]))
    return [(part, indices) for part, indices in found if indices]


def colours_of(dataset: Dataset) -> list[str]:
    """Return the colour of each point: that of its part."""
    colours = [""] * dataset.sizes["keypoint"]
    for number, (_, indices) in enumerate(parts_of(dataset)):
        for k in indices:
            colours[k] = series_colour(number)
    return colours


def first_of(dataset: Dataset, variable: str) -> np.ndarray:
    """Return a variable of the first individual."""
    return np.asarray(dataset[variable].isel(individual=0).values)


def pose_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the points on the picture of each camera, their movement, and their confidence."""
    used = _with_places(views)
    if not used:
        return []
    return [_picture_figure(used), *(item for view in used for item in (_movement(view), _sureness(view)))]


def _with_places(views: Sequence[View]) -> list[View]:
    """Leave out cameras without a single place: empty axes would look like measurements."""
    return [view for view in views if not why_nothing(view)]


def why_nothing(outcome: View) -> str:
    """Say why there is nothing to show of a camera.

    Parameters
    ----------
    outcome : View
        What it gave.

    Returns
    -------
    str
        A sentence; "" where some point has a place.
    """
    dataset = outcome.dataset
    if not dataset.sizes.get("time", 0):
        text = "No frame was tracked"
    elif np.isfinite(first_of(dataset, "position")).any():
        return ""
    else:
        flags = {flag.code: flag.text for flag in flags_from_json(str(dataset.attrs.get("quality", "[]")))}
        text = next((flags[code] for code in REMARKS if code in flags), "No point was found in any frame")
    named = f"{outcome.camera}: {text}" if outcome.camera else text[:1].upper() + text[1:]
    return named.rstrip(".") + "."


def _picture_figure(views: Sequence[View]) -> NamedFigure:
    made, places = picture_axes(
        len(views), max(view.picture.aspect if view.picture is not None else 0.75 for view in views)
    )
    numbers: dict[str, Sequence[object]] = {"camera": [], "keypoint": [], "x": [], "y": []}
    for axes, view in zip(places, views, strict=True):
        if view.picture is not None:
            show_picture(axes, view.picture)
        else:
            _empty_picture(axes, view.dataset)
        middle = _draw_points(axes, view.dataset)
        axes.set_title(shown(view.camera) if view.camera else "all frames", loc="left")
        rows = zip(view.dataset["keypoint"].values, middle.tolist(), strict=True)
        for name, (x, y) in rows:
            for column, value in zip(numbers, (view.camera, str(name), x, y), strict=True):
                numbers[column] = [*numbers[column], value]
    box = " The dashed square is the face box that the network sees."
    return NamedFigure(
        "pose_picture",
        made,
        "Where the points are",
        f"Small dots are the smoothed places of up to {N_TRAIL} frames, rings their medians; colours stand "
        "for the parts of the face. Points that are mostly below confidence 0.5 have no ring."
        + (box if any(view.dataset.attrs.get("box") for view in views) else ""),
        "Picture of each camera with the keypoints of the face.",
        numbers,
    )


def _empty_picture(axes: Axes, dataset: Dataset) -> None:
    """Give the axes the size of the picture where the picture itself went away, else that of all places."""
    size = dataset.attrs.get("frame_width"), dataset.attrs.get("frame_height")
    if size[0] is not None and size[1] is not None:
        (left, top), (right, bottom) = (-0.5, -0.5), (float(size[0]) - 0.5, float(size[1]) - 0.5)
    else:
        places = first_of(dataset, "position").swapaxes(1, 2).reshape(-1, 2)
        places = places[np.isfinite(places).all(axis=1)]
        (left, top), (right, bottom) = (places.min(0), places.max(0)) if len(places) else ((0, 0), (1, 1))
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.set_xlabel("x [px]")
    axes.set_ylabel("y [px]")


def _draw_points(axes: Axes, dataset: Dataset) -> Float64[np.ndarray, "keypoint space"]:
    """Draw trails, medians, edges and names; return the medians."""
    position, sure = first_of(dataset, "position"), first_of(dataset, "confidence")
    every = max(1, len(position) // N_TRAIL)
    middle = np.full((position.shape[2], 2), np.nan)
    colours = colours_of(dataset)
    for k, colour in enumerate(colours):
        good = sure[:, k] >= LOW
        x, y = position[::every, 0, k], position[::every, 1, k]
        axes.plot(x, y, ".", color=colour, ms=1.2, alpha=0.35, mew=0, rasterized=True)
        if 2 * int(good.sum()) > len(good):
            middle[k] = np.nanmedian(position[good, :, k], axis=0)
            axes.plot(*middle[k], "o", mfc="none", mec=colour, ms=4.5, mew=1.0)
    for a, b in edges_of(dataset):
        axes.plot(*middle[[a, b]].T, color="white", lw=0.5, alpha=0.6)
    _draw_box(axes, str(dataset.attrs.get("box", "")))
    return middle


def _draw_box(axes: Axes, text: str) -> None:
    numbers = [float(word) for word in text.split(",")] if text else []
    if len(numbers) >= 3:
        x, y, side = numbers[:3]
        corners = np.array([[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]) - 0.5
        axes.plot(*corners.T, color="#E69F00", lw=0.8, ls=(0, (4, 3)))


def middles_of(dataset: Dataset) -> Float64[np.ndarray, "space keypoint"]:
    """Return the median place of each point over time; NaN where it is never there."""
    place = first_of(dataset, "position")
    out = np.full(place.shape[1:], np.nan)
    for k in range(place.shape[2]):
        known = np.isfinite(place[:, :, k]).all(axis=1)
        if known.any():
            out[:, k] = np.median(place[known, :, k], axis=0)
    return out


def draw_movement(
    dataset: Dataset, unit: str, *, has_holes: bool = False
) -> tuple[Figure, np.ndarray, dict[str, np.ndarray]]:
    """Draw the displacement of the points from their medians: a row per part, a column per axis.

    Parameters
    ----------
    dataset : Dataset
        A pose, in pictures or in space.
    unit : str
        Of its places.
    has_holes : bool, optional
        Show where frames are missing.

    Returns
    -------
    figure : Figure
        The figure.
    rows : array (part, axis)
        Its axes.
    numbers : dict of str to array
        What is drawn.
    """
    parts, axis = parts_of(dataset), TimeAxis([dataset])
    places, position, middle = axis.places(dataset), first_of(dataset, "position"), middles_of(dataset)
    names = [str(name) for name in dataset["keypoint"].values]
    letters = [str(name) for name in dataset["space"].values]
    made = figure(max(40.0, PANEL * len(parts) + 10))
    rows = made.subplots(len(parts), len(letters), sharex=True, squeeze=False)
    numbers: dict[str, np.ndarray] = {"time": thinned(dataset["time"].values)[0]}
    for (part, indices), row in zip(parts, rows, strict=True):
        for side, (axes, letter) in enumerate(zip(row, letters, strict=True)):
            if has_holes:
                draw_holes(axes, places, dataset["missing"].values)
            for number, k in enumerate(indices):
                values = position[:, side, k] - middle[side, k]
                trace(axes, places, values, colour=series_colour(number), label=names[k])
                numbers[f"{names[k]}_{letter}"] = thinned(position[:, side, k])[0]
            axes.set_ylabel(f"{letter} [{unit}]")
            axis.finish(axes)
        row[0].set_title(shown(part), loc="left")
    for axes in rows[-1]:
        axes.set_xlabel(axis.label)
    made.align_ylabels()
    return made, rows, numbers


def _movement(view: View) -> NamedFigure:
    """Draw the displacement of the points of each part from their medians."""
    made, rows, numbers = draw_movement(view.dataset, "px", has_holes=True)
    for (_, indices), pair in zip(parts_of(view.dataset), rows, strict=True):
        pair[1].legend(
            frameon=False,
            loc="lower right",
            bbox_to_anchor=(1, 0.97),
            ncols=min(5, len(indices)),
            borderaxespad=0,
            handlelength=1.0,
            columnspacing=0.9,
        )
    name = file_name("pose", view.camera)
    title = f"Movement of the points{f', {view.camera}' if view.camera else ''}"
    text = f"Smoothed places minus their medians, one row per part of the face; y points down. {HOLES}"
    about = f"{title} over time, {view.dataset.sizes['keypoint']} points."
    return NamedFigure(name, made, title, text, about, numbers)


def _median(values: Float[np.ndarray, " time"]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _sureness(view: View) -> NamedFigure:
    """Draw the confidence of every point over time as a map."""
    dataset = view.dataset
    sure = first_of(dataset, "confidence")
    names = [str(name) for name in dataset["keypoint"].values]
    n = len(sure)
    edges = np.linspace(0, n, min(n, N_COLUMNS) + 1).astype(np.int64)
    filled = np.where(np.isfinite(sure), sure, np.nan)
    with np.errstate(invalid="ignore"):
        means = np.stack([_mean(filled[a:b]) for a, b in pairwise(edges.tolist())], axis=1)
    axis = TimeAxis([dataset])
    low, high = axis.limits
    made = figure(max(34.0, 3.6 * len(names) + 16))
    axes = made.subplots()
    axes.set_facecolor("#d9d9d9")
    image = axes.imshow(
        means,
        aspect="auto",
        cmap="cividis",
        vmin=0,
        vmax=1,
        extent=(low, high if high > low else low + 1, len(names) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(names)), [shown(name) for name in names])
    axes.set_xlabel(axis.label)
    bar = made.colorbar(image, ax=axes, fraction=0.03, pad=0.01)
    bar.set_label("confidence")
    bar.outline.set_visible(False)
    numbers = {name: thinned(sure[:, k])[0] for k, name in enumerate(names)}
    numbers = {"time": thinned(dataset["time"].values)[0], **numbers}
    title = f"Confidence of the points{f', {view.camera}' if view.camera else ''}"
    text = (
        "Probability that a point is in view and within 5 px (of a face box of 256 px) of its true place; "
        "grey: no value. Dark stretches are the frames to look at, and to label."
    )
    known = sure[np.isfinite(sure)]
    share = (
        f"{100 * float((known >= LOW).mean()):.1f} % of all values are at least 0.5" if len(known) else "none"
    )
    return NamedFigure(
        file_name("pose_confidence", view.camera),
        made,
        title,
        text,
        f"{title}: {share}.",
        numbers,
        detail=True,
    )


def _mean(rows: Float[np.ndarray, "time keypoint"]) -> Float64[np.ndarray, " keypoint"]:
    known = np.isfinite(rows)
    total = np.where(known, rows, 0).sum(axis=0, dtype=np.float64)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _rows(dataset: Dataset) -> list[tuple[str, ...]]:
    """Tell place, confidence and jitter of each point."""
    position, sure = first_of(dataset, "position"), first_of(dataset, "confidence")
    rows: list[tuple[str, ...]] = []
    for k, name in enumerate(dataset["keypoint"].values):
        known = sure[np.isfinite(sure[:, k]), k]
        if not len(known):
            rows.append((str(name), "", "", "", "", ""))
            continue
        step = np.linalg.norm(np.diff(position[:, :, k], axis=0), axis=1)
        step = step[np.isfinite(step)]
        rows.append(
            (
                str(name),
                f"{_median(position[:, 0, k]):.1f}",
                f"{_median(position[:, 1, k]):.1f}",
                f"{float(np.median(known)):.2f}",
                f"{100 * float((known < LOW).mean()):.1f}",
                f"{float(np.median(step)):.3f}" if len(step) else "",
            )
        )
    return rows


def pose_tables(views: Sequence[View]) -> list[Table]:
    """Tell where the points are and how sure they are."""
    head = (
        "point",
        "x, median [px]",
        "y, median [px]",
        "confidence, median",
        "below 0.5 [%]",
        "movement per frame, median [px]",
    )
    return table_of(head, _with_places(views), _rows)


POSE = ChapterKind(
    "Keypoints",
    "A convolutional network gives a map of probability per point; its covariance feeds a Kalman smoother "
    "over the real times of the frames. Confidence is calibrated.",
    variable="position",
    figures=pose_figures,
    tables=pose_tables,
    why_nothing=why_nothing,
)

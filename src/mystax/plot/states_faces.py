"""Faces of the states: mean faces, components of the shape, first frames of example bouts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Ellipse

from mystax.core.outcome_faces import (
    chosen_bouts,
    component_shift,
    edges_of,
    face_views,
    frame_face,
    has_faces,
)
from mystax.core.typing import Float64, Int64
from mystax.plot.states_draw import draw_face, frame_axes, scale_bar, state_colour, state_title
from mystax.plot.style import NamedFigure, figure

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["clips_figure", "components_figure", "face_distances", "faces_figure"]

ARROWS = 3.0
GREY = "#b5b5b5"
MOST_PANELS = 20


def faces_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw the mean face of each state over the mean of all frames."""
    dataset = datasets[0]
    if not has_faces(dataset):
        return None
    views, edges = face_views(dataset), edges_of(dataset)
    n_states = min(dataset.sizes["state"], MOST_PANELS)
    columns = min(n_states, 5 if len(views) == 1 else 3)
    rows = -(-n_states // columns)
    wide = columns * len(views)
    made = figure(min(220.0, 180.0 / wide * 1.15 * rows + 8))
    places = made.subplots(rows, wide, squeeze=False)
    for axes in places.ravel():
        axes.set_axis_off()
    grand = np.asarray(dataset["grand_mean"].values, np.float64)
    unit = str(dataset.attrs.get("length_unit", ""))
    share, bouts = _shares(datasets)
    for state in range(n_states):
        for v, (word, view) in enumerate(views):
            axes = places[state // columns, state % columns * len(views) + v]
            _face_panel(axes, dataset, grand, state, edges, view)
            if v == 0:
                axes.set_title(
                    f"{state_title(dataset, state + 1)}: {100 * share[state]:.0f} %, {bouts[state]} "
                    f"bout{'s' if bouts[state] != 1 else ''}",
                    fontsize=7,
                    loc="left",
                )
            elif state == 0:
                axes.set_title(word, fontsize=7)
            if state == 0 and v == 0:
                scale_bar(axes, unit)
    numbers: dict[str, list[object]] = {
        name: [] for name in ("state", "keypoint", "axis", "mean", "sd", "grand_mean")
    }
    mean, sd = np.asarray(dataset["face_mean"].values), np.asarray(dataset["face_sd"].values)
    for state in range(dataset.sizes["state"]):
        for k, name in enumerate(dataset["keypoint"].values):
            for j, axis in enumerate(dataset["space"].values):
                row = (state + 1, str(name), str(axis), mean[state, k, j], sd[state, k, j], grand[k, j])
                for column, value in zip(numbers, row, strict=True):
                    numbers[column].append(value)
    more = (
        f" Only the first {MOST_PANELS} of {dataset.sizes['state']} are drawn."
        if dataset.sizes["state"] > MOST_PANELS
        else ""
    )
    text = (
        "Mean face of each state in its colour over the mean of all frames (grey), aligned; "
        "ellipses are 1 SD, arrows show "
        f"displacements {ARROWS:g} times as long. States are numbered by the time spent in them; "
        f"they have no names.{more}"
    )
    return NamedFigure(
        "state_faces", made, "Faces of the states", text, f"Mean faces of {n_states} states.", numbers
    )


def _shares(datasets: Sequence[Dataset]) -> tuple[Float64[np.ndarray, " state"], Int64[np.ndarray, " state"]]:
    time = np.sum([np.asarray(item["occupancy_time"].values) for item in datasets], axis=0)
    bouts = np.sum([np.asarray(item["n_bouts"].values, np.int64) for item in datasets], axis=0)
    return time / max(float(time.sum()), 1e-300), np.asarray(bouts, np.int64)


def _face_panel(
    axes: Any,
    dataset: Dataset,
    grand: Float64[np.ndarray, "keypoint space"],
    state: int,
    edges: list[tuple[int, int]],
    view: tuple[int, int, bool],
) -> None:
    x, y, _ = view
    mean = np.asarray(dataset["face_mean"].values[state], np.float64)
    sd = np.asarray(dataset["face_sd"].values[state], np.float64)
    colour = state_colour(state + 1)
    draw_face(axes, grand, edges, view, GREY, width=0.7, size=1.2)
    if np.isfinite(mean).any():
        draw_face(axes, mean, edges, view, colour)
        for k in np.flatnonzero(np.isfinite(mean).all(1)):
            axes.add_patch(
                Ellipse(
                    (mean[k, x], mean[k, y]), 2 * sd[k, x], 2 * sd[k, y], fc=colour, ec="none", alpha=0.25
                )
            )
            shift = ARROWS * (mean[k] - grand[k])
            axes.annotate(
                "",
                (grand[k, x] + shift[x], grand[k, y] + shift[y]),
                (grand[k, x], grand[k, y]),
                arrowprops={"arrowstyle": "->", "lw": 0.5, "color": "#333333", "shrinkA": 0, "shrinkB": 0},
            )
    frame_axes(axes, grand, view)


def face_distances(dataset: Dataset) -> Float64[np.ndarray, "state state_too"]:
    """Return the RMS distance between the mean faces of states."""
    mean = np.asarray(dataset["face_mean"].values, np.float64)
    n = len(mean)
    found = np.full((n, n), np.nan)
    for a in range(n):
        for b in range(n):
            gap = ((mean[a] - mean[b]) ** 2).sum(1)
            if np.isfinite(gap).any():
                found[a, b] = np.sqrt(np.nanmean(gap))
    return found


def _average_order(distance: Float64[np.ndarray, "state state_too"]) -> Int64[np.ndarray, " state"]:
    """Return the order of states that average linkage gives; states without a face come last."""
    from scipy.cluster.hierarchy import average, leaves_list
    from scipy.spatial.distance import squareform

    known = np.flatnonzero(np.isfinite(distance).sum(1) > 1)
    rest = np.setdiff1d(np.arange(len(distance)), known)
    if len(known) < 3:
        return np.arange(len(distance))
    inner = distance[np.ix_(known, known)]
    order = leaves_list(average(squareform((inner + inner.T) / 2, checks=False)))
    return np.concatenate([known[order], rest]).astype(np.int64)


def components_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw the components of the shape at -2 and +2 SD, their variances, and how alike the states are."""
    dataset = datasets[0]
    if not has_faces(dataset) or "model_loadings" not in dataset:
        return None
    n = min(dataset.sizes["component"], 6)
    _, view = face_views(dataset)[0]
    edges, grand = edges_of(dataset), np.asarray(dataset["grand_mean"].values, np.float64)
    made = figure(96.0)
    parts: Any = made.subfigures(2, 1, height_ratios=[1.0, 1.1])
    top, bottom = parts
    panels = top.subplots(1, n, squeeze=False)[0]
    for k, axes in enumerate(panels):
        for side, colour in ((-2.0, "#0072B2"), (2.0, "#D55E00")):
            score = np.zeros(dataset.sizes["component"])
            score[k] = side
            draw_face(axes, grand + component_shift(dataset, score), edges, view, colour, width=0.8, size=1.5)
        frame_axes(axes, grand, view)
        axes.set_title(f"component {k + 1}", fontsize=7)
    left, right = bottom.subplots(1, 2, width_ratios=[1, 1])
    spectrum = np.asarray(dataset["component_spectrum"].values)
    share = np.cumsum(spectrum) / spectrum.sum()
    shown = min(len(share), 15)
    left.plot(np.arange(1, shown + 1), 100 * share[:shown], "o-", color="#0072B2", ms=3)
    left.axvline(dataset.sizes["component"] + 0.5, color=GREY, lw=0.8, ls="--")
    left.set_xlabel("components")
    left.set_ylabel("variance [%]")
    left.set_ylim(0, 102)
    distance = face_distances(dataset)
    order = _average_order(distance)
    image = right.imshow(distance[np.ix_(order, order)], cmap="cividis")
    right.set_xticks(range(len(order)), [str(k + 1) for k in order])
    right.set_yticks(range(len(order)), [str(k + 1) for k in order])
    right.set_xlabel("state")
    right.set_ylabel("state")
    bar = bottom.colorbar(image, ax=right, fraction=0.046)
    unit = str(dataset.attrs.get("length_unit", ""))
    bar.set_label(f"distance of mean faces [{unit}]")
    bar.outline.set_visible(False)
    numbers = {"component": np.arange(1, len(share) + 1), "variance": spectrum, "cumulative": share}
    text = (
        "Each component of the shape as the mean face at -2 SD (blue) and +2 SD (orange). Below: "
        "variance of the first components "
        "(dashed: those kept), and the root mean square distance between the mean faces of "
        "states, like ones side by side."
    )
    return NamedFigure(
        "components",
        made,
        "Components and likeness of states",
        text,
        f"{n} components of the shape.",
        numbers,
    )


def clips_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw the face at the onset of example bouts and half a second later."""
    dataset = datasets[0]
    if not has_faces(dataset):
        return None
    n_states = min(dataset.sizes["state"], 12)
    edges, grand = edges_of(dataset), np.asarray(dataset["grand_mean"].values, np.float64)
    _, view = face_views(dataset)[0]
    chosen = [chosen_bouts(dataset, state + 1) for state in range(n_states)]
    wide = max(1, max((len(item) for item in chosen), default=1))
    made = figure(min(230.0, 17.0 * n_states + 6), min(180.0, 20.0 * wide + 14))
    places = made.subplots(n_states, wide, squeeze=False)
    times, starts = np.asarray(dataset["time"].values), np.asarray(dataset["bout_start"].values)
    numbers: dict[str, list[object]] = {"state": [], "bout": [], "start": []}
    for state in range(n_states):
        for column in range(wide):
            axes = places[state, column]
            axes.set_axis_off()
            if column < len(chosen[state]):
                bout = int(chosen[state][column])
                first = int(np.searchsorted(times, starts[bout] - 1e-9))
                later = min(len(times) - 1, int(np.searchsorted(times, starts[bout] + 0.5)))
                draw_face(axes, frame_face(dataset, first), edges, view, GREY, width=0.6, size=1.0)
                draw_face(
                    axes,
                    frame_face(dataset, later),
                    edges,
                    view,
                    state_colour(state + 1),
                    width=0.8,
                    size=1.4,
                )
                axes.set_title(f"{starts[bout]:.1f} s", fontsize=5.5, pad=1)
                for name, value in zip(numbers, (state + 1, bout, float(starts[bout])), strict=True):
                    numbers[name].append(value)
            frame_axes(axes, grand, view)
        places[state, 0].text(
            -0.05,
            0.5,
            str(state + 1),
            transform=places[state, 0].transAxes,
            ha="right",
            va="center",
            fontsize=8,
        )
    text = (
        "Example bouts, one row per state: the face at the onset (grey) and half a second later "
        "(colour), with the time of the "
        "onset; drawn from the components, so what the model sees. Movies: mystax states ... --clips 9."
    )
    return NamedFigure(
        "clips", made, "Example bouts", text, f"Example bouts of {n_states} states.", numbers, detail=True
    )

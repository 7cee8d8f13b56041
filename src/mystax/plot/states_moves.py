"""Figures of how states follow each other: moves, dwell times, occupancy, and the number of states."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.typing import Float64, Int64
from mystax.plot.states_draw import state_colour
from mystax.plot.states_groups import stars
from mystax.plot.style import NamedFigure, figure, shown

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["dwell_figure", "frequency_figure", "number_figure", "transitions_figure"]

ARROW_FROM = 0.1


def _pooled_moves(datasets: Sequence[Dataset]) -> Int64[np.ndarray, "state next"]:
    moves = np.sum([np.asarray(item["transition_count"].values, np.int64) for item in datasets], axis=0)
    moves = np.array(moves, np.int64)
    np.fill_diagonal(moves, 0)
    return moves


def transitions_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw the transitions between states as a matrix and as a graph."""
    moves = _pooled_moves(datasets)
    n = len(moves)
    if n < 2:
        return None
    total = moves.sum(1, keepdims=True)
    share = np.where(total > 0, moves / np.maximum(total, 1), np.nan)
    made = figure(86.0)
    left, right = made.subplots(1, 2)
    image = left.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for a in range(n):
        for b in range(n):
            if moves[a, b]:
                left.text(
                    b,
                    a,
                    str(moves[a, b]),
                    ha="center",
                    va="center",
                    fontsize=6 if n <= 12 else 4,
                    color="white" if share[a, b] < 0.5 else "black",
                )
    left.set_xticks(range(n), [str(k + 1) for k in range(n)])
    left.set_yticks(range(n), [str(k + 1) for k in range(n)])
    left.set_xlabel("next state")
    left.set_ylabel("state")
    bar = made.colorbar(image, ax=left, fraction=0.046)
    bar.set_label("share of the moves out of a state")
    bar.outline.set_visible(False)
    time = np.sum([np.asarray(item["occupancy_time"].values) for item in datasets], axis=0)
    _graph(right, share, time / max(float(time.sum()), 1e-300))
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    numbers: dict[str, Sequence[object]] = {
        "state": [a + 1 for a, _ in pairs],
        "next_state": [b + 1 for _, b in pairs],
        "count": [int(moves[a, b]) for a, b in pairs],
        "probability": [float(share[a, b]) for a, b in pairs],
    }
    text = (
        "Moves between states, without staying; counts are written into the matrix. In the graph the "
        f"area of a node is the time spent, arrows are moves of probability {ARROW_FROM:g} or more."
    )
    return NamedFigure(
        "transitions",
        made,
        "Transitions",
        text,
        f"{int(moves.sum())} transitions between {n} states.",
        numbers,
    )


def _graph(
    axes: Axes, share: Float64[np.ndarray, "state next"], occupancy: Float64[np.ndarray, " state"]
) -> None:
    n = len(share)
    angle = np.pi / 2 - 2 * np.pi * np.arange(n) / n
    x, y = np.cos(angle), np.sin(angle)
    for a in range(n):
        for b in range(n):
            if a != b and np.isfinite(share[a, b]) and share[a, b] >= ARROW_FROM:
                axes.annotate(
                    "",
                    (x[b], y[b]),
                    (x[a], y[a]),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "lw": 0.4 + 2.2 * share[a, b],
                        "color": state_colour(a + 1),
                        "connectionstyle": "arc3,rad=0.15",
                        "shrinkA": 9,
                        "shrinkB": 9,
                    },
                )
    axes.scatter(
        x, y, s=60 + 1400 * occupancy, c=[state_colour(k + 1) for k in range(n)], zorder=3, edgecolors="white"
    )
    for k in range(n):
        axes.text(x[k], y[k], str(k + 1), ha="center", va="center", fontsize=7, zorder=4)
    axes.set_xlim(-1.35, 1.35)
    axes.set_ylim(-1.35, 1.35)
    axes.set_aspect("equal")
    axes.set_axis_off()


def dwell_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw how long bouts last, with what a geometric dwell would give."""
    n = datasets[0].sizes["state"]
    lengths = [
        np.concatenate(
            [
                (np.asarray(item["bout_stop"].values) - np.asarray(item["bout_start"].values))[
                    (np.asarray(item["bout_label"].values) == state + 1)
                    & (np.asarray(item["bout_complete"].values) > 0)
                ]
                for item in datasets
            ]
        )
        for state in range(n)
    ]
    every = np.concatenate(lengths)
    if not len(every):
        return None
    columns = min(n, 5)
    rows = -(-n // columns)
    made = figure(32.0 * rows + 14)
    places = made.subplots(rows, columns, sharex=True, squeeze=False)
    step = 1 / float(datasets[0].attrs["state_rate"])
    edges = np.geomspace(max(step / 1.2, every.min() / 1.2), every.max() * 1.2, 16)
    expected = np.asarray(datasets[0]["dwell_expected"].values)
    numbers: dict[str, list[object]] = {"state": [], "low": [], "high": [], "count": [], "expected": []}
    for state, axes in enumerate(places.ravel()):
        if state >= n:
            axes.set_axis_off()
            continue
        counts = np.histogram(lengths[state], edges)[0]
        mean = float(expected[state])
        stay = max(0.0, 1 - step / mean) if np.isfinite(mean) else 1.0
        geometric = len(lengths[state]) * np.diff(1 - stay ** (edges / step))
        axes.stairs(counts, edges, fill=True, color=state_colour(state + 1))
        axes.plot(np.sqrt(edges[1:] * edges[:-1]), geometric, color="black", lw=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_title(f"{state + 1}: {len(lengths[state])} bouts", fontsize=7, loc="left")
        for k in range(len(counts)):
            row = (state + 1, edges[k], edges[k + 1], int(counts[k]), float(geometric[k]))
            for column, value in zip(numbers, row, strict=True):
                numbers[column].append(value)
    made.supxlabel("length of a bout [s]", fontsize=8)
    made.supylabel("bouts", fontsize=8)
    text = (
        "Lengths of complete bouts; the line is what the model's transitions imply (geometric). Bouts "
        "cut by holes or edges are left out."
    )
    return NamedFigure("dwell", made, "Dwell", text, f"Lengths of {len(every)} bouts.", numbers)


def frequency_figure(
    datasets: Sequence[Dataset],
    groups: Sequence[str] | None = None,
    corrected: Float64[np.ndarray, " state"] | None = None,
) -> NamedFigure:
    """Draw how often each state is, absolute and relative; groups side by side, stars where they differ."""
    n = datasets[0].sizes["state"]
    names = list(dict.fromkeys(groups)) if groups else [""]
    member = list(groups) if groups else [""] * len(datasets)
    made = figure(58.0)
    panels = made.subplots(1, 3)
    quantities = (
        ("occupancy_time", "time [s]", 1.0),
        ("n_bouts", "bouts", 1.0),
        ("occupancy", "share of the time [%]", 100.0),
    )
    numbers: dict[str, list[object]] = {
        name: [] for name in ("recording", "group", "state", "time", "bouts", "share")
    }
    for axes, (variable, label, factor) in zip(panels, quantities, strict=True):
        values = factor * np.array([np.asarray(item[variable].values, np.float64) for item in datasets])
        width = 0.8 / len(names)
        for g, group in enumerate(names):
            mine = np.array([k for k, own in enumerate(member) if own == group])
            centre = np.arange(1, n + 1) - 0.4 + width * (g + 0.5)
            colours = [state_colour(k + 1) for k in range(n)]
            axes.bar(
                centre,
                values[mine].mean(0),
                width * 0.92,
                color=colours,
                alpha=1.0 if g == 0 else 0.55,
                hatch="" if g == 0 else "//",
                edgecolor="white",
                lw=0.3,
            )
            if len(mine) > 1:
                error = values[mine].std(0, ddof=1) / np.sqrt(len(mine))
                axes.errorbar(centre, values[mine].mean(0), error, fmt="none", ecolor="black", lw=0.6)
                for row in values[mine]:
                    axes.plot(centre, row, ".", color="#333333", ms=2)
        axes.set_xticks(range(1, n + 1))
        axes.set_xlabel("state")
        axes.set_ylabel(label)
        if corrected is not None and variable == "occupancy":
            for state, p in enumerate(corrected):
                axes.text(state + 1, 1.02 * values[:, state].max(), stars(float(p)), ha="center", fontsize=7)
    for k, item in enumerate(datasets):
        for state in range(n):
            row = (
                str(item.attrs.get("recording", k)),
                member[k],
                state + 1,
                float(item["occupancy_time"][state]),
                int(item["n_bouts"][state]),
                float(item["occupancy"][state]),
            )
            for column, value in zip(numbers, row, strict=True):
                numbers[column].append(value)
    which = (
        f" Groups: {', '.join(shown(name) for name in names)} (hatched from the second on)." if groups else ""
    )
    if corrected is not None:
        which += " Stars: corrected p of the difference of occupancy (0.05, 0.01, 0.001)."
    text = (
        "Absolute and relative frequency of each state; bars are means over recordings, dots "
        f"recordings, lines standard errors.{which}"
    )
    return NamedFigure("frequency", made, "Frequency", text, f"Frequency of {n} states.", numbers)


def number_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw held-out likelihood and stability against the number of states."""
    dataset = datasets[0]
    tried = np.asarray(dataset["candidate"].values)
    if not len(tried):
        return None
    held, error = np.asarray(dataset["held_out"].values), np.asarray(dataset["held_out_se"].values)
    stable = np.asarray(dataset["stability"].values)
    chosen = int(dataset.attrs["n_states"])
    made = figure(60.0)
    left, right = made.subplots(1, 2)
    left.errorbar(tried, held, error, fmt="o-", ms=3, color="#0072B2", lw=0.9, capsize=2)
    if 1 in tried:
        left.axhline(float(held[tried == 1][0]), color="#5b5b5b", lw=0.8, ls="--")
        left.text(
            float(tried[-1]), float(held[tried == 1][0]), "one Gaussian", ha="right", va="bottom", fontsize=6
        )
    left.set_ylabel("held-out log-likelihood per frame")
    right.plot(tried, stable, "o-", ms=3, color="#009E73")
    right.axhline(0.7, color="#5b5b5b", lw=0.8, ls="--")
    right.set_ylim(-0.02, 1.05)
    right.set_ylabel("stability (adjusted Rand index)")
    for axes in (left, right):
        axes.axvline(chosen, color="#D55E00", lw=0.8)
        axes.set_xticks(tried)
        axes.set_xlabel("number of states")
    numbers = {
        "n_states": tried,
        "held_out": held,
        "standard_error": error,
        "stability": stable,
        "bic": np.asarray(dataset["bic"].values),
    }
    text = (
        "Left: likelihood of blocks of time that were not fitted, with standard errors. Right: "
        f"agreement of models of different blocks. Orange: {chosen} states. "
        f"{dataset.attrs.get('verdict', '')}"
    )
    return NamedFigure(
        "number_of_states", made, "How many states", text, str(dataset.attrs.get("verdict", "")), numbers
    )

"""States in time: traces with bands, ethogram, transitions, dwell, frequency, speeds, number of states."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from mystax.core.typing import Int64
from mystax.plot.states_draw import state_colour, state_hatch
from mystax.plot.style import NamedFigure, figure, series_colour, shown

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["TRIAL", "ethogram_figure", "kinematics_figure", "timeline_of_states"]

N_TRACES = 8
MISSING = "#d9d9d9"
TRIAL = (2.0, 5.0)
"""How far a trial reaches before and after its event [s]."""
MOST_POINTS = 4_000


def _runs(label: Int64[np.ndarray, " time"]) -> list[tuple[int, int, int]]:
    """Return (first, last + 1, label) of runs of equal labels."""
    change = np.flatnonzero(np.append(True, label[1:] != label[:-1])) if len(label) else np.zeros(0, np.int64)
    return [
        (int(a), int(b), int(label[a]))
        for a, b in zip(change, np.append(change[1:], len(label)), strict=True)
    ]


def _band(axes: Axes, dataset: Dataset, low: float, height: float, *, numbers: bool = False) -> None:
    """Draw the states as coloured runs; missing time is hatched."""
    times, label = np.asarray(dataset["time"].values), np.asarray(dataset["label"].values, np.int64)
    if len(times) < 2:
        return
    step = float(np.median(np.diff(times)))
    span = float(times[-1] - times[0]) + step
    for a, b, state in _runs(label):
        begin, length = float(times[a]), float(times[b - 1] - times[a]) + step
        colour, hatch = (MISSING, "////") if state < 0 else (state_colour(state), state_hatch(state))
        axes.broken_barh(
            [(begin, length)],
            (low, height),
            facecolor=colour,
            hatch=hatch,
            edgecolor="#777777" if hatch else "none",
            lw=0,
            rasterized=False,
        )
        if numbers and state > 0 and length > 0.02 * span:
            axes.text(
                begin + length / 2,
                low + height / 2,
                str(state),
                ha="center",
                va="center",
                fontsize=6,
                clip_on=True,
            )


def _traces(dataset: Dataset) -> list[tuple[str, np.ndarray]]:
    """Return up to eight named traces with units: measures, else features."""
    if "measure_value" in dataset:
        names = [
            f"{shown(name)}{f' [{unit}]' if str(unit) != '1' else ''}"
            for name, unit in zip(dataset["measure"].values, dataset["measure_unit"].values, strict=True)
        ]
        values = np.asarray(dataset["measure_value"].values, np.float64)
        preferred = [k for k, name in enumerate(names) if "near" not in name and "side" not in name]
        return [(names[k], values[:, k]) for k in preferred[:N_TRACES]]
    values = np.asarray(dataset["feature_value"].values, np.float64)
    return [(shown(name), values[:, k]) for k, name in enumerate(dataset["feature"].values[:N_TRACES])]


def timeline_of_states(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw traces over the states of the first recording, with its posterior and its busiest 10 s."""
    dataset = datasets[0]
    times = np.asarray(dataset["time"].values)
    traces = _traces(dataset)
    if len(times) < 2 or not traces:
        return None
    made = figure(11.0 * len(traces) + 44)
    grid = made.subplots(
        len(traces) + 2,
        2,
        sharex="col",
        squeeze=False,
        width_ratios=[2.2, 1],
        height_ratios=[*([1] * len(traces)), 0.6, 1],
    )
    low, high = _busiest(dataset)
    every = max(1, len(times) // MOST_POINTS)
    posterior = np.asarray(dataset["posterior"].values)
    for column, (begin, end) in enumerate(((float(times[0]), float(times[-1])), (low, high))):
        step = every if column == 0 else 1
        inside = np.flatnonzero((times >= begin) & (times <= end))[::step]
        for row, (name, values) in enumerate(traces):
            axes = grid[row, column]
            axes.plot(times[inside], values[inside], color=series_colour(0), lw=0.6)
            if column == 0:
                axes.set_ylabel(name.replace(" [", "\n["), rotation=0, ha="right", va="center", fontsize=6)
        _band(grid[-2, column], dataset, 0, 1, numbers=True)
        grid[-2, column].set_yticks([])
        for state in range(posterior.shape[1]):
            grid[-1, column].plot(
                times[inside], posterior[inside, state], color=state_colour(state + 1), lw=0.7
            )
        grid[-1, column].set_ylim(-0.03, 1.03)
        grid[-1, column].set_xlim(begin, end)
        grid[-1, column].set_xlabel("time [s]")
    grid[-2, 0].set_ylabel("state", rotation=0, ha="right", va="center")
    grid[-1, 0].set_ylabel("posterior", rotation=0, ha="right", va="center", fontsize=6)
    grid[0, 0].set_title("all", loc="left")
    grid[0, 1].set_title("busiest 10 s", loc="left")
    thin = np.arange(len(times))[::every]
    numbers = {
        "time": times[thin],
        "label": np.asarray(dataset["label"].values)[thin],
        **{name: values[thin] for name, values in traces},
    }
    text = (
        "Traces, states as coloured bands with their numbers (hatched: missing), and the probability "
        "of each state; on the right the 10 s with the most changes."
    )
    return NamedFigure(
        "timeline", made, "States in time", text, f"{len(traces)} traces over time with states.", numbers
    )


def _busiest(dataset: Dataset, window: float = 10.0) -> tuple[float, float]:
    times = np.asarray(dataset["time"].values)
    starts = np.asarray(dataset["bout_start"].values)
    if not len(starts) or times[-1] - times[0] <= window:
        return float(times[0]), float(min(times[-1], times[0] + window))
    counts = np.searchsorted(starts, starts + window) - np.arange(len(starts))
    begin = min(float(starts[int(counts.argmax())]), float(times[-1]) - window)
    return begin, begin + window


def ethogram_figure(datasets: Sequence[Dataset], events: Sequence[float] = ()) -> NamedFigure | None:
    """Draw the states of each recording, or around each event, as rows of runs."""
    rows: list[tuple[str, Dataset]]
    if len(events):
        dataset = datasets[0]
        rows = []
        for number, event in enumerate(events):
            near = dataset.sel(time=slice(event - TRIAL[0], event + TRIAL[1]))
            rows.append((f"{number + 1}", near.assign_coords(time=near["time"] - event)))
    else:
        rows = [
            (
                str(item.attrs.get("recording", k + 1)),
                item.assign_coords(time=item["time"] - float(item["time"][0])),
            )
            for k, item in enumerate(datasets)
        ]
    made = figure(min(220.0, 18 + 7.0 * len(rows)))
    axes = made.subplots()
    numbers: dict[str, list[object]] = {"row": [], "start": [], "stop": [], "label": []}
    for number, (name, item) in enumerate(rows):
        _band(axes, item, number - 0.4, 0.8, numbers=len(rows) <= 3)
        times, label = np.asarray(item["time"].values), np.asarray(item["label"].values, np.int64)
        for a, b, state in _runs(label):
            for column, value in zip(
                numbers, (name, float(times[a]), float(times[b - 1]), state), strict=True
            ):
                numbers[column].append(value)
    axes.set_yticks(range(len(rows)), [shown(name, 18) for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("time from the event [s]" if len(events) else "time from the start [s]")
    if len(events):
        axes.axvline(0, color="black", lw=0.6)
    for state in range(1, datasets[0].sizes["state"] + 1):
        axes.plot([], [], "s", color=state_colour(state), label=str(state))
    made.legend(
        loc="outside upper center",
        ncols=min(20, datasets[0].sizes["state"]),
        frameon=False,
        handletextpad=0.1,
        columnspacing=0.8,
    )
    what = "trial" if len(events) else "recording"
    return NamedFigure(
        "ethogram",
        made,
        "Ethogram",
        f"One row per {what}; colours are states, hatched time is missing.",
        f"{len(rows)} rows of states.",
        numbers,
    )


def kinematics_figure(datasets: Sequence[Dataset]) -> NamedFigure | None:
    """Draw speeds and measures of each state as violins, with the noise floor."""
    first = datasets[0]
    n = first.sizes["state"]
    names = [str(name) for name in first["kinematic"].values]
    units = [str(unit) for unit in first["kinematic_unit"].values]
    own = [str(name) for name in first["keypoint"].values] if "keypoint" in first.coords else []
    chosen = [
        k
        for k, name in enumerate(names)
        if name.removesuffix("_speed") not in own and "acceleration" not in name
    ][:6]
    series = [(f"{shown(names[k]).replace('_', ' ')} [{units[k]}]", "kinematics", k) for k in chosen]
    if "measure_value" in first:
        wanted = [k for k, name in enumerate(first["measure"].values) if "near" not in str(name)][
            : 9 - len(series)
        ]
        for k in wanted:
            unit = str(first["measure_unit"].values[k])
            name = shown(first["measure"].values[k]).replace("_", " ")
            series.append((f"{name} [{unit}]" if unit != "1" else name, "measure_value", k))
    if not series:
        return None
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    made = figure(34.0 * rows + 6)
    places = made.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    numbers: dict[str, list[object]] = {
        "quantity": [],
        "state": [],
        "median": [],
        "low_quartile": [],
        "high_quartile": [],
        "high_95": [],
    }
    label = np.concatenate([np.asarray(item["label"].values) for item in datasets])
    for axes, (name, variable, k) in zip(places, series, strict=False):
        values = np.concatenate([np.asarray(item[variable].values[:, k], np.float64) for item in datasets])
        for state in range(1, n + 1):
            mine = values[(label == state) & np.isfinite(values)]
            if len(mine) < 2:
                continue
            cut = mine[mine <= np.percentile(mine, 99)] if variable == "kinematics" else mine
            thin = cut[:: max(1, len(cut) // 2000)]
            if np.ptp(thin) > 0:
                body = axes.violinplot(thin, [state], showextrema=False, widths=0.85)["bodies"][0]
                body.set_facecolor(state_colour(state))
                body.set_alpha(0.9)
            quarter = np.percentile(mine, [50, 25, 75, 95])
            axes.plot([state, state], quarter[1:3], color="black", lw=1.2)
            axes.plot(state, quarter[0], "o", color="white", ms=2.5, mec="black", mew=0.5)
            for column, value in zip(numbers, (name, state, *quarter.tolist()), strict=True):
                numbers[column].append(value)
        if variable == "kinematics":
            floor = float(first["kinematic_floor"].values[k])
            if np.isfinite(floor):
                axes.axhline(floor, color="black", lw=0.6, ls="--")
        axes.set_title(name, fontsize=7, loc="left")
        axes.set_xticks(range(1, n + 1))
    for axes in places[len(series) :]:
        axes.set_axis_off()
    made.supxlabel("state", fontsize=8)
    text = (
        "Speeds and measures in each state: density (speeds up to the 99th percentile), quartiles and "
        "median; dashed is the speed that errors of places alone would show."
    )
    return NamedFigure(
        "kinematics", made, "Movement in the states", text, f"{len(series)} quantities by state.", numbers
    )

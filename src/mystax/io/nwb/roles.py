"""What is special about each analysis in an NWB file: components, pupil, blinks, poses, states, encoding."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mystax.core.keypoints import KeypointSet
from mystax.errors import MystaxError
from mystax.io.nwb.mapping import PICTURE_FRAME, DatasetMap, Role, table_of
from mystax.io.nwb.naming import Names
from mystax.io.nwb.objects import Column, Points, Pose, Slab, Table

__all__ = ["ROLES"]


# ---------------------------------------------------------------- components


def _svd(here: DatasetMap) -> None:
    """Per region and kind: a table with a row per component, and its scores over time."""
    for kind in ("motion", "movie"):
        if here.has(f"{kind}_svd"):
            for k, roi in enumerate(here.labels("roi")):
                _components(here, kind, k, roi)


def _components(here: DatasetMap, kind: str, k: int, roi: str) -> None:
    name = here.names.fresh("svd", kind, roi, *here.words)
    scores = here.names.fresh("svd", kind, roi, "scores", *here.words)
    columns = [
        here.column(column, f"{kind}_{variable}", "component", roi=k)
        for column, variable in (
            ("singular_value", "singular_value"),
            ("captured", "captured"),
            ("image_mask", "mask"),
        )
        if f"{kind}_{variable}" in here.dataset.variables  # other tools' components lack some of them
    ]
    if f"{kind}_captured" in here.dataset.variables:
        columns.insert(1, _explained(here, kind, k))
    columns += _facts(here, kind, k, here.dataset.sizes["component"])
    text = f"Components of {kind} in the region {roi}; row k belongs to column k of {scores}."
    here.table(Table(name, text, here.dataset.sizes["component"], columns))
    here.series(scores, here.slab(f"{kind}_svd", "time", roi=k))


def _explained(here: DatasetMap, kind: str, k: int) -> Column:
    captured = np.asarray(here.variable(f"{kind}_captured").values[k], np.float64)
    return Column(
        "explained_variance",
        "Share of the total variance in this component alone.",
        values=np.diff(captured, prepend=0.0),
    )


def _facts(here: DatasetMap, kind: str, k: int, n: int) -> list[Column]:
    """Return the columns that make a later move to the extension for motion components mechanical."""
    mask = here.dataset.variables.get(f"{kind}_mask")
    if mask is None or "x_origin" not in here.dataset.variables or mask.dims[-2:] != ("y", "x"):
        return []
    size = float(np.ravel(here.dataset.attrs.get("bin", here.dataset.attrs.get("bin_size", np.nan)))[0])
    height, width = mask.shape[-2:]
    x, y = (int(here.variable(f"{axis}_origin").values[k]) for axis in ("x", "y"))
    corner = np.array([x, y, x + width * size, y + height * size], np.float64)
    return [
        Column("downsampling_factor", "Side of a bin [px].", values=np.full(n, size)),
        Column("mask_coordinates", "Box of the mask: x1, y1, x2, y2 [px].", values=np.tile(corner, (n, 1))),
        Column(
            "processed_frame_dimension",
            "Width and height of the mask [bins].",
            values=np.tile(np.array([width, height], np.int32), (n, 1)),
        ),
    ]


# ---------------------------------------------------------------- blinks


def _in_order(values: np.ndarray) -> tuple[int, ...] | None:
    """Return the order of rising times; None where they rise already."""
    order = np.argsort(values, kind="stable")
    return None if np.array_equal(order, np.arange(len(values))) else tuple(map(int, order))


def _blink(here: DatasetMap) -> None:
    """Give closure 0..1 beside openness, and a table of intervals."""
    if here.has("openness"):
        for k, roi in enumerate(here.labels("roi")):
            word = roi if here.dataset.sizes["roi"] > 1 else ""
            slab = replace(here.slab("openness", "time", roi=k), change=closure)
            here.series(here.names.fresh("blink_closure", word, *here.words), slab)
    if not here.has("event_start", "event_stop"):
        return
    start = np.asarray(here.variable("event_start").values)
    stop = np.asarray(here.variable("event_stop").values)
    if not (np.isfinite(start).all() and np.isfinite(stop).all()):
        return
    rows = _in_order(start)
    columns = [
        _sorted(here.column("start_time", "event_start", "event"), rows),
        _sorted(here.column("stop_time", "event_stop", "event"), rows),
        *(
            _sorted(here.column(name.removeprefix("event_"), name, "event"), rows)
            for name in ("event_depth", "event_kind", "event_cut")
            if name in here.dataset.variables
        ),
    ]
    if "event_roi" in here.dataset.variables:
        texts = [str(text) for text in here.variable("event_roi").values]
        ordered = tuple(texts[k] for k in rows) if rows is not None else tuple(texts)
        columns.append(Column("roi", "Region of the event.", texts=ordered))
    text = "Blinks and longer closures of the eye; kind 0 blink, 1 closure."
    here.table(Table(here.names.fresh("blinks", *here.words), text, len(start), columns, is_intervals=True))


def closure(openness: np.ndarray) -> np.ndarray:
    """Return how closed the eye is, 0..1."""
    return np.asarray(np.clip(1 - openness, 0, 1), np.float32)


def _sorted(column: Column, rows: tuple[int, ...] | None) -> Column:
    if rows is None:
        return column
    if column.slab is not None:
        return replace(column, slab=replace(column.slab, rows=rows))
    return replace(column, values=None if column.values is None else column.values[list(rows)])


# ---------------------------------------------------------------- poses


def _keypoint_set(here: DatasetMap, nodes: tuple[str, ...]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the name of the keypoint set and the edges between the points that are there."""
    text = str(here.dataset.attrs.get("keypoint_set", ""))
    try:
        found = KeypointSet.from_toml(text)
    except MystaxError:
        return text if text and "\n" not in text else "points", ()
    at = {name: k for k, name in enumerate(nodes)}
    return found.name, tuple((at[a], at[b]) for a, b in found.edges if a in at and b in at)


def _pose(here: DatasetMap) -> None:
    """Make one object per individual, with a series per keypoint."""
    if not here.has("position") or here.variable("position").dims[:2] != ("time", "space"):
        return
    is_flat = here.dataset.sizes["space"] == 2
    nodes = tuple(here.labels("keypoint"))
    name, edges = _keypoint_set(here, nodes)
    camera = here.camera or str(here.dataset.attrs.get("camera", ""))
    several = here.dataset.sizes["individual"] > 1
    recording = here.words[1]
    for j, individual in enumerate(here.labels("individual")):
        words = (camera if is_flat else "", individual if several else "", recording)
        title = here.names.fresh("pose" if is_flat else "pose3d", *words)
        labels = Names()  # names that differ only in signs that are not allowed get numbers
        points = tuple(_points(here, k, j, labels.fresh(node)) for k, node in enumerate(nodes))
        made = Pose(
            title,
            here.about("position"),
            _scorer(here),
            "pixels" if is_flat else "millimeters",
            PICTURE_FRAME if is_flat else "axes of the rig, or those that the outcome names",
            points,
            here.timeline,
            name,
            nodes,
            edges,
            camera=(camera or here.filmed_by) if is_flat else "",
            cameras=() if is_flat else tuple(_cameras(here)),
            recording=recording,
        )
        here.mapped.objects.append(made)
        for one in points:
            here.place(one.position, made.path(one, "data"))
            if one.confidence is not None:
                here.place(one.confidence, made.path(one, "confidence"))


def _points(here: DatasetMap, k: int, j: int, label: str) -> Points:
    confidence: Slab | None = None
    if "confidence" in here.dataset.variables and here.variable("confidence").dims == (
        "time",
        "keypoint",
        "individual",
    ):
        confidence = here.slab("confidence", "time", keypoint=k, individual=j)
    place = here.slab("position", "time", keypoint=k, individual=j)
    return Points(label, place, confidence, here.labels("keypoint")[k])


def _cameras(here: DatasetMap) -> list[str]:
    return here.labels("camera") if "camera" in here.dataset.sizes else []


def _scorer(here: DatasetMap) -> str:
    """Return the name of the weights, or of what else made the points."""
    import json

    try:
        parameters = json.loads(str(here.parameters))
    except ValueError:
        return "mystax"
    return str(parameters.get("weights", "mystax")) if isinstance(parameters, dict) else "mystax"


# ---------------------------------------------------------------- states


def _states(here: DatasetMap) -> None:
    """Make intervals of the bouts, a summary per state, transitions and the model."""
    if here.has("bout_start", "bout_stop"):
        start = np.asarray(here.variable("bout_start").values)
        rows = _in_order(start)
        columns = [
            _sorted(here.column(column, name, "bout"), rows)
            for column, name in (
                ("start_time", "bout_start"),
                ("stop_time", "bout_stop"),
                ("state", "bout_label"),
                ("probability", "bout_posterior"),
                ("is_complete", "bout_complete"),
            )
            if name in here.dataset.variables
        ]
        labels = np.asarray(here.variable("bout_label").values)
        ordered = labels if rows is None else labels[list(rows)]
        columns.insert(3, Column("state_name", "Name of the state.", texts=_state_names(ordered)))
        text = "Bouts of behavioural states; probability is the mean posterior of the state."
        here.table(
            Table(
                here.names.fresh("behavior_states", *here.words), text, len(start), columns, is_intervals=True
            )
        )
    for title in ("states_model", "states_transitions", "states_summary"):
        names = [
            name
            for name, item in here.left.items()
            if _states_table(name, tuple(map(str, item.dims))) == title
        ]
        if names:
            table_of(here, title, "state", names)


def _states_table(name: str, dims: tuple[Any, ...]) -> str:
    """Return the table of a variable without time that has a row per state; empty for others."""
    if name.startswith("model_") and dims[0] == "state":
        return "states_model"
    return {("state",): "states_summary", ("state", "next_state"): "states_transitions"}.get(dims, "")


def _state_names(labels: np.ndarray) -> tuple[str, ...]:
    """Return a readable name per bout."""
    return tuple(f"state {int(label)}" if label >= 0 else "missing" for label in labels)


# ---------------------------------------------------------------- encoding


def _encoding(here: DatasetMap) -> None:
    """Make a table of the neurons, with a column per model, and intervals of the test blocks."""
    columns: list[Column] = []
    for name in [n for n, item in here.left.items() if "neuron" in item.dims and "time" not in item.dims]:
        dims = here.variable(name).dims
        if dims == ("model", "neuron"):
            columns += [
                here.column(f"{name}_{model}", name, "neuron", model=k)
                for k, model in enumerate(here.labels("model"))
            ]
        else:
            columns.append(here.column(name, name, "neuron"))
    if columns:
        more = here.other_columns("neuron", ())
        text = "Neurons and how well behaviour predicts each on time that was held out."
        here.table(
            Table(
                here.names.fresh("encoding_neurons", *here.words),
                text,
                here.dataset.sizes["neuron"],
                [*more, *columns],
                source=str(here.dataset.attrs.get("neural_source", "")),
            )
        )
    _blocks(here)


def _blocks(here: DatasetMap) -> None:
    if "block_start" not in here.dataset.variables or "time" not in here.dataset.variables:
        return
    start = np.asarray(here.variable("block_start").values, np.float64)
    times = np.asarray(here.variable("time").values, np.float64)
    if len(start) < 1 or len(times) < 2 or not (np.diff(start) > 0).all():
        return
    end = max(float(times[-1]) + float(np.median(np.diff(times))) / 2, float(start[-1]) + 1e-9)
    columns = [
        here.column("start_time", "block_start", "block"),
        Column("stop_time", "End of the block: the start of the next.", values=np.append(start[1:], end)),
    ]
    if "block_fold" in here.dataset.variables:
        columns.append(here.column("fold", "block_fold", "block"))
    text = "Blocks of time, each predicted by models that did not see it."
    here.table(
        Table(
            here.names.fresh("encoding_test_blocks", *here.words),
            text,
            len(start),
            columns,
            is_intervals=True,
        )
    )


ROLES: Mapping[str, Role] = {
    "svd": _svd,
    "blink": _blink,
    "pose": _pose,
    "pose3d": _pose,
    "states": _states,
    "encoding": _encoding,
}
"""Analysis to what places its variables first; the rest goes by dimensions."""

"""Outcomes: traces at the width of the screen, points, masks, states, and the report."""

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mystax.app.collection import Item, OutcomeItem, find
from mystax.app.envelope import MEDIA_TYPE, pack, unpack
from mystax.app.marks import Kind, Span, binned, gaps_of, spans_where
from mystax.app.rasters import CLIP, Raster, masks_as_bytes
from mystax.app.routes.recordings import spec_of
from mystax.app.schemas import Mark
from mystax.app.security import SANDBOX, refused
from mystax.app.shelf import outcomes_in
from mystax.app.traces import Pyramid
from mystax.core.outcome_faces import edges_of
from mystax.core.point_flags import FLAG_MASKS
from mystax.core.typing import Float64
from mystax.engine.labels.labels import Labels
from mystax.errors import MystaxError
from mystax.io.rig import rig_from_toml

__all__ = ["outcome_of", "router"]

router = APIRouter(tags=["outcomes"])
MOST_POINTS = 1024
"""Frames in a block of points."""
MOST_MASKS = 64
MOST_WHOLE = 100_000
MOST_VALUES = 200_000_000
UNSURE = 0.25
"""Share of the points whose confidence is low from which a frame has a mark."""


def outcome_of(request: Request, key: str) -> OutcomeItem:
    """Return the outcome of an id.

    Raises
    ------
    AppError
        W903, if there is none.
    """
    items: Sequence[Item] = request.app.state.mystax.collection.items()
    owner = key.partition("o")[0]
    for item in items:
        for outcome in item.outcomes() if item.id == owner else ():
            if outcome.id == key:
                return outcome
    raise refused(404, "W903", f"outcome {key[:60]!r}", "there is nothing of that name here")


def _selection(dataset: Any, variable: Any, sel: str) -> dict[str, Any]:
    """Read which component, region or point is meant; the first one where nothing is said."""
    try:
        given = json.loads(sel) if sel else {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refused(
            422, "P401", "sel", "no selection", expected="a JSON object of dimension and label", got=sel[:80]
        )
    chosen: dict[str, Any] = {}
    for dim in variable.dims:
        if dim == "time":
            continue
        labels = [str(value) for value in dataset[dim].values] if dim in dataset.coords else []
        labels = labels or [str(k) for k in range(variable.sizes[dim])]
        wanted = str(given.get(dim, labels[0] if labels else ""))
        if wanted not in labels:
            raise refused(404, "W903", f"{dim} {wanted[:60]!r}", "there is nothing of that name here")
        chosen[str(dim)] = labels.index(wanted)
    return chosen


@router.get("/outcomes/{key}/trace", response_class=Response)
def trace(
    key: str,
    request: Request,
    var: Annotated[str, Query(max_length=100)],
    t0: float,
    t1: float,
    px: Annotated[int, Query(ge=1, le=8192)],
    sel: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Give minima and maxima of a variable between two times, at most two points for each pixel."""
    outcome = outcome_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if var not in dataset.data_vars or "time" not in dataset[var].dims:
        raise refused(404, "W903", f"variable {var[:60]!r}", "there is nothing of that name here")
    variable = dataset[var]
    chosen = _selection(dataset, variable, sel)
    stamp = (outcome.folder / f"{outcome.analysis}.nc").stat().st_mtime_ns

    def make() -> Pyramid:
        values = variable.isel(chosen).values.astype(np.float32)
        return Pyramid(values, np.asarray(dataset["time"].values, np.float64))

    cache = request.app.state.mystax.pyramids
    window = cache.get((key, var, tuple(chosen.items()), stamp), make).window(t0, t1, px)
    arrays = {"lo": window.low, "hi": window.high}
    header: dict[str, Any] = {
        "unit": str(variable.attrs.get("units", "")),
        "label": str(variable.attrs.get("long_name", var)),
        "level": window.level,
        "missing": [list(gap) for gap in window.gaps],
    }
    if (step := window.step) is None:
        arrays["t"] = window.time
    else:
        header |= {"t0": float(window.time[0]), "dt": step}
    return Response(pack(arrays, **header), media_type=MEDIA_TYPE)


@router.get("/outcomes/{key}/points", response_class=Response)
def points(
    key: str, request: Request, i0: Annotated[int, Query(ge=0)], i1: Annotated[int, Query(ge=0)]
) -> Response:
    """Give the keypoints of a block of frames, at most 1,024 of them."""
    outcome = outcome_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if "position" not in dataset.data_vars or "keypoint" not in dataset["position"].dims:
        raise refused(404, "W903", f"points of {outcome.analysis}", "there are no keypoints in this outcome")
    stop = min(i1, i0 + MOST_POINTS, dataset.sizes["time"])
    block = dataset.isel(time=slice(i0, max(i0, stop)))
    order = [dim for dim in ("time", "individual", "keypoint", "space") if dim in block["position"].dims]
    position = block["position"].transpose(*order).values.astype(np.float32)
    confidence = block["confidence"].transpose(*order[:-1]).values.astype(np.float32)
    names = [str(name) for name in dataset["keypoint"].values]
    header = {"dims": order, "keypoints": names, "first": i0, "edges": edges_of(dataset)}
    arrays = {"xy": position, "confidence": confidence}
    if "flag" in block.data_vars:
        arrays["flag"] = block["flag"].transpose(*order[:-1]).values.astype(np.uint8)
    body = pack(arrays, **header, flags=dict(FLAG_MASKS), cameras=_sights(dataset))
    return Response(body, media_type=MEDIA_TYPE)


def _sights(dataset: Any) -> list[dict[str, Any]]:
    """Return how the cameras of points in space are turned: rows right, down and away in the points' axes."""
    text = dataset.attrs.get("rig")
    if not text:
        return []
    rig = rig_from_toml(str(text))
    if "rotation" in dataset.data_vars:
        rig = rig.aligned(dataset["rotation"].values, dataset["origin"].values)
    return [{"name": camera.name, "rotation": camera.rotation.tolist()} for camera in rig.cameras]


@router.get("/outcomes/{key}/values", response_class=Response)
def values(key: str, request: Request, var: Annotated[str, Query(max_length=100)]) -> Response:
    """Give a whole variable, as it is; long ones come as traces, rasters or masks instead."""
    _, dataset, variable = _variable_of(request, key, var, set())
    if variable.size > MOST_WHOLE or variable.dtype.kind not in "iuf":
        raise refused(422, "P401", f"variable {var[:60]!r}", "not given whole", expected="<= 100,000 numbers")
    dims = [str(dim) for dim in variable.dims]
    labels = {dim: [str(one) for one in dataset[dim].values] for dim in dims if dim in dataset.coords}
    header = {"dims": dims, "labels": labels, "unit": str(variable.attrs.get("units", ""))}
    return Response(pack({"values": variable.values}, **header), media_type=MEDIA_TYPE)


def _variable_of(request: Request, key: str, var: str, dims: set[str]) -> tuple[OutcomeItem, Any, Any]:
    """Return an outcome, its dataset and a variable that has some dimensions.

    Raises
    ------
    AppError
        W903, if there is no such variable.
    """
    outcome = outcome_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if var not in dataset.data_vars or not dims <= set(map(str, dataset[var].dims)):
        raise refused(404, "W903", f"variable {var[:60]!r}", "there is nothing of that name here")
    return outcome, dataset, dataset[var]


@router.get("/outcomes/{key}/masks", response_class=Response)
def masks(
    key: str,
    request: Request,
    var: Annotated[str, Query(max_length=100)] = "motion_mask",
    roi: Annotated[str, Query(max_length=200)] = "",
    start: Annotated[int, Query(alias="from", ge=0)] = 0,
    n: Annotated[int, Query(ge=1, le=MOST_MASKS)] = 12,
) -> Response:
    """Give pictures of components as signed bytes, each with its factor."""
    _, dataset, variable = _variable_of(request, key, var, {"component", "y", "x"})
    chosen = _selection(dataset, variable, json.dumps({"roi": roi}) if roi else "")
    for dim in ("component", "y", "x"):
        chosen.pop(dim, None)
    part = variable.isel(chosen).isel(component=slice(start, start + n)).transpose("component", "y", "x")
    pictures, scale = masks_as_bytes(part.values)
    header: dict[str, Any] = {"total": int(dataset.sizes["component"]), "first": start}
    for name in ("x_origin", "y_origin"):
        if name in dataset.data_vars and set(dataset[name].dims) <= set(chosen):
            header[name] = int(dataset[name].isel({dim: chosen[str(dim)] for dim in dataset[name].dims}))
    return Response(pack({"mask": pictures, "scale": scale}, **header), media_type=MEDIA_TYPE)


@router.get("/outcomes/{key}/raster", response_class=Response)
def raster(
    key: str,
    request: Request,
    var: Annotated[str, Query(max_length=100)],
    row: Annotated[str, Query(max_length=60)],
    sel: Annotated[str, Query(max_length=1000)] = "",
    order: Annotated[str, Query(max_length=60)] = "",
    scale: Literal["row", "none"] = "row",
    level: Annotated[int, Query(ge=0, le=40)] = 0,
    tx: Annotated[int, Query(ge=0)] = 0,
    ty: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Give a tile of rows over time as bytes: z-scores from -2 to 2 are 0 to 254, 255 is missing.

    `row` is the dimension of the rows.  `order` names a variable of that dimension by which they are sorted,
    rising (with ``-`` before it: falling).  `scale` none: the values are z-scores already.
    """
    outcome, dataset, variable = _variable_of(request, key, var, {row})
    across = "time" if "time" in variable.dims else str(variable.dims[-1])
    chosen = {dim: k for dim, k in _selection(dataset, variable, sel).items() if dim not in {row, across}}
    if across == row or variable.size > MOST_VALUES:
        raise refused(
            422,
            "P401",
            "raster",
            "no picture",
            expected="two dimensions of at most 200,000,000 values in all",
        )
    name = order.removeprefix("-")
    if name and (name not in dataset or set(dataset[name].dims) != {row}):
        raise refused(404, "W903", f"order {name[:60]!r}", "there is nothing of that name here")

    def make() -> Raster:
        values = variable.isel(chosen).transpose(row, across).values
        if name:
            keys = dataset[name].values
            values = values[np.argsort(-keys if order.startswith("-") else keys, kind="stable")]
        return Raster(values, is_scaled=scale == "none")

    stamp = (outcome.folder / f"{outcome.analysis}.nc").stat().st_mtime_ns
    kept = (key, var, row, tuple(sorted(chosen.items())), order, scale, stamp)
    found: Raster = request.app.state.mystax.rasters.get(kept, make)
    if level >= found.n_levels:
        raise refused(
            422, "P401", "level", "there is none", expected=f"0..{found.n_levels - 1}", got=str(level)
        )
    rows, columns = found.shape(level)
    header: dict[str, Any] = {"rows": rows, "columns": columns, "levels": found.n_levels, "clip": CLIP}
    if across == "time":
        times = _rising(np.asarray(dataset["time"].values, np.float64))
        header |= {"t0": float(times[0]), "t1": float(times[-1])} if len(times) else {}
    return Response(pack({"tile": found.tile(level, tx, ty)}, **header), media_type=MEDIA_TYPE)


@router.get("/outcomes/{key}/states", response_class=Response)
def states(
    key: str,
    request: Request,
    var: Annotated[str, Query(max_length=100)] = "label",
    sel: Annotated[str, Query(max_length=1000)] = "",
    t0: float = -math.inf,
    t1: float = math.inf,
) -> Response:
    """Give the runs of a variable of whole numbers: first and last sample, value, first and last time.

    Runs that touch the window come whole; `step` is the usual distance of two samples [s].
    """
    _, dataset, variable = _variable_of(request, key, var, {"time"})
    values = variable.isel(_selection(dataset, variable, sel)).values
    if values.dtype.kind not in "iub":
        raise refused(422, "P401", f"variable {var[:60]!r}", "no states", expected="whole numbers")
    times = _rising(np.asarray(dataset["time"].values, np.float64))
    edges = np.flatnonzero(np.diff(values.astype(np.int64))) + 1
    start = np.concatenate([[0], edges]).astype(np.int64)[: len(values)]
    stop = np.concatenate([edges, [len(values)]]).astype(np.int64)[: len(start)] - 1
    is_seen = (times[stop] >= t0) & (times[start] <= t1) if len(values) else np.zeros(0, np.bool_)
    start, stop = start[is_seen], stop[is_seen]
    arrays = {"start": start, "stop": stop, "state": values[start].astype(np.int16)}
    arrays |= {"from": times[start], "to": times[stop]}
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    return Response(pack(arrays, total=len(values), step=step), media_type=MEDIA_TYPE)


def _rising(times: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
    """Return times of which none is missing: a sample without one lies between its neighbours."""
    known = np.flatnonzero(np.isfinite(times))
    if len(known) in {0, len(times)}:
        return np.asarray(np.nan_to_num(times), np.float64)
    return np.asarray(np.interp(np.arange(len(times)), known, times[known]), np.float64)


@router.get("/outcomes/{key}/clock", response_class=Response)
def clock(key: str, request: Request) -> Response:
    """Give the times of all samples of an outcome [s]: cameras have others, and other numbers of them."""
    outcome = outcome_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if "time" not in dataset.coords:
        raise refused(404, "W903", f"times of {outcome.analysis}", "there is no time in this outcome")
    return Response(pack({"time": np.asarray(dataset["time"].values, np.float64)}), media_type=MEDIA_TYPE)


@router.get("/recordings/{key}/marks")
async def marks(key: str, request: Request, px: Annotated[int, Query(ge=1, le=8192)] = 1000) -> list[Mark]:
    """Give the marks of the seek bar, joined where they fall on one pixel."""
    state = request.app.state.mystax
    item = find(state.collection.items(), key)
    found: dict[Kind, list[Span]] = {"gap": [], "missing": [], "low": [], "labelled": []}
    times: dict[str, np.ndarray] = {}
    for name, camera_id in item.camera_ids().items():
        try:
            _, body = await state.workers.ask(camera_id, spec_of(item, name), {"do": "open"})
        except MystaxError:  # it is left out of the recording, too, which says why
            continue
        times[name] = np.asarray(unpack(body)[0]["time"], np.float64)
        found["gap"] += gaps_of(times[name])
    known = [one for one in map(_ends, times.values()) if one is not None]
    if not known:
        return []
    await run_in_threadpool(_outcome_marks, item, found)
    for folder in item.labels:
        found["labelled"] += await state.desk.read(folder, lambda labels: _label_marks(labels, item, times))
    return binned(found, min(one[0] for one in known), max(one[1] for one in known), px)


def _ends(times: np.ndarray) -> Span | None:
    finite = times[np.isfinite(times)]
    return (float(finite[0]), float(finite[-1])) if len(finite) else None


def _outcome_marks(item: Item, found: dict[Kind, list[Span]]) -> None:
    """Find missing frames and unsure points in the newest outcomes of each camera."""
    seen: set[tuple[str, str]] = set()
    for outcome in item.outcomes():
        dataset = outcomes_in(outcome.folder)[outcome.name]
        if "time" not in dataset.coords:
            continue
        times = np.asarray(dataset["time"].values, np.float64)
        if "missing" in dataset.data_vars and ("missing", outcome.camera) not in seen:
            seen.add(("missing", outcome.camera))
            found["missing"] += spans_where(dataset["missing"].values != 0, times)
        if outcome.analysis == "pose" and ("low", outcome.camera) not in seen:
            seen.add(("low", outcome.camera))
            flags = dataset["flag"].transpose("time", ...).values.reshape(len(times), -1)
            is_low = ((flags & FLAG_MASKS["low_confidence"]) > 0).mean(1) > UNSURE
            found["low"] += spans_where(is_low, times)


def _label_marks(labels: Labels, item: Item, times: dict[str, np.ndarray]) -> list[Span]:
    """Find the labelled frames of a recording's cameras."""
    sources = labels.store.files.read_sources()
    names = {str(paths[0]): name for name, paths in item.cameras.items()}
    cameras = {video: names[one.path] for video, one in sources.items() if one.path in names}
    found = []
    for (video, _), frame in labels.store.state.labelled():
        known = times.get(cameras.get(video, ""))
        if known is not None and frame.frame < len(known) and np.isfinite(known[frame.frame]):
            found.append((float(known[frame.frame]), float(known[frame.frame])))
    return found


@router.get("/recordings/{key}/report", response_class=Response)
def report(key: str, request: Request) -> Response:
    """Give the report of a recording, in a sandbox: a planted script cannot run."""
    for folder in find(request.app.state.mystax.collection.items(), key).folders:
        page = folder / "report.html"
        if page.is_file():
            headers = {"content-security-policy": SANDBOX}
            return Response(page.read_bytes(), media_type="text/html; charset=utf-8", headers=headers)
    raise refused(404, "W903", "report", "there is none yet", hint="run an analysis first")

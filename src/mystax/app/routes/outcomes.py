"""Outcomes: traces at the width of the screen, points, masks, states, and the report."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response

from mystax.app.envelope import MEDIA_TYPE, pack
from mystax.app.library import Item, OutcomeItem, find
from mystax.app.security import SANDBOX, refused
from mystax.app.traces import Pyramid
from mystax.io.outcomes import Outcomes

__all__ = ["outcome_of", "router"]

router = APIRouter(tags=["outcomes"])
MOST_POINTS = 1024
"""Frames in a block of points."""


def outcome_of(request: Request, key: str) -> OutcomeItem:
    """Return the outcome of an id.

    Raises
    ------
    AppError
        W903, if there is none.
    """
    items: Sequence[Item] = request.app.state.mystax.library.items()
    for item in items:
        for outcome in item.outcomes():
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
    dataset = Outcomes.of_folder(outcome.folder)[outcome.name]
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
    dataset = Outcomes.of_folder(outcome.folder)[outcome.name]
    if "position" not in dataset.data_vars or "keypoint" not in dataset["position"].dims:
        raise refused(404, "W903", f"points of {outcome.analysis}", "there are no keypoints in this outcome")
    stop = min(i1, i0 + MOST_POINTS, dataset.sizes["time"])
    block = dataset.isel(time=slice(i0, max(i0, stop)))
    order = [dim for dim in ("time", "individual", "keypoint", "space") if dim in block["position"].dims]
    position = block["position"].transpose(*order).values.astype(np.float32)
    confidence = block["confidence"].transpose(*order[:-1]).values.astype(np.float32)
    names = [str(name) for name in dataset["keypoint"].values]
    body = pack({"xy": position, "confidence": confidence}, dims=order, keypoints=names, first=i0)
    return Response(body, media_type=MEDIA_TYPE)


@router.get("/recordings/{key}/report", response_class=Response)
def report(key: str, request: Request) -> Response:
    """Give the report of a recording, in a sandbox: a planted script cannot run."""
    for folder in find(request.app.state.mystax.library.items(), key).folders:
        page = folder / "report.html"
        if page.is_file():
            headers = {"content-security-policy": SANDBOX}
            return Response(page.read_bytes(), media_type="text/html; charset=utf-8", headers=headers)
    raise refused(404, "W903", "report", "there is none yet", hint="run an analysis first")

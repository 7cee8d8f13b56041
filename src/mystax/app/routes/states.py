"""States: mean faces, example bouts, and what a person says of them beside an outcome that never changes."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response

from mystax.app.collection import OutcomeItem
from mystax.app.envelope import MEDIA_TYPE, pack
from mystax.app.routes.outcomes import outcome_of
from mystax.app.schemas import Bout, StateEdit, StateEditSet
from mystax.app.security import refused
from mystax.app.shelf import outcomes_in
from mystax.app.writes import check_revision, check_writable, revision_of, turn_in
from mystax.core.outcome_faces import FaceView, chosen_bouts, edges_of, face_views, has_faces
from mystax.io.state_edits import (
    StateEdits,
    edits_from_toml,
    edits_path,
    edits_to_toml,
    read_state_edits,
)
from mystax.io.store import Store

__all__ = ["router"]

router = APIRouter(tags=["states"])
MOST_BOUTS = 25
"""Most example bouts of an answer."""


def _states_of(request: Request, key: str) -> tuple[OutcomeItem, int]:
    """Return an outcome that has states, and how many."""
    outcome = outcome_of(request, key)
    n_states = int(outcomes_in(outcome.folder)[outcome.name].sizes.get("state", 0))
    if outcome.analysis != "states" or n_states == 0:
        raise refused(404, "W903", f"states of {outcome.analysis}", "there are no states in this outcome")
    return outcome, n_states


def _set_of(outcome: OutcomeItem, n_states: int) -> StateEditSet:
    path = edits_path(outcome.folder / f"{outcome.analysis}.nc")
    edits = read_state_edits(path, n_states)
    if edits is None:
        return StateEditSet(rev="", states=[])
    rev = revision_of(edits_to_toml(edits))
    told = sorted({*edits.names, *edits.merged_into, *edits.hidden})
    states = [
        StateEdit(
            state=state,
            name=edits.names.get(state, ""),
            merged_into=edits.merged_into.get(state),
            hidden=state in edits.hidden,
        )
        for state in told
    ]
    return StateEditSet(rev=rev, states=states)


@router.get("/outcomes/{key}/edits")
def edits(key: str, request: Request) -> StateEditSet:
    """Give what a person has said of the states of an outcome."""
    return _set_of(*_states_of(request, key))


@router.put("/outcomes/{key}/edits")
def put_edits(
    key: str, given: StateEditSet, request: Request, if_match: Annotated[str | None, Header()] = None
) -> StateEditSet:
    """Replace what is said of the states, unless somebody else has changed it since."""
    outcome, n_states = _states_of(request, key)
    check_writable(request, "states")
    seen = given.rev if if_match is None else if_match
    new = StateEdits(
        {one.state: one.name.strip() for one in given.states if one.name.strip()},
        {one.state: one.merged_into for one in given.states if one.merged_into is not None},
        frozenset(one.state for one in given.states if one.hidden),
    )
    text = edits_to_toml(new)
    name = edits_path(outcome.folder / f"{outcome.analysis}.nc").name
    edits_from_toml(text, n_states, name)  # refuses what could not be read again
    with turn_in(outcome.folder):
        check_revision(seen, _set_of(outcome, n_states).rev, "states")
        Store(outcome.folder).write_text(name, text)
        return _set_of(outcome, n_states)


@router.get("/outcomes/{key}/faces", response_class=Response)
def faces(key: str, request: Request) -> Response:
    """Give the mean face of each state and of all frames, as it is seen: x to the right, y down.

    In space there are two views, front and side.
    """
    outcome, _ = _states_of(request, key)
    dataset = outcomes_in(outcome.folder)[outcome.name]
    if not has_faces(dataset):
        raise refused(404, "W903", "faces", "the states were found in something else than keypoints")
    views = face_views(dataset)
    arrays = {name: _seen(dataset[name].values, views) for name in ("grand_mean", "face_mean")}
    spread = [np.asarray(dataset["face_sd"].values, np.float32)[..., [x, y]] for _, (x, y, _) in views]
    header: dict[str, Any] = {
        "views": [word for word, _ in views],
        "keypoints": [str(name) for name in dataset["keypoint"].values],
        "edges": edges_of(dataset),
        "unit": str(dataset.attrs.get("length_unit", "")),
    }
    return Response(pack({**arrays, "face_sd": np.stack(spread, -3)}, **header), media_type=MEDIA_TYPE)


def _seen(places: np.ndarray, views: list[tuple[str, FaceView]]) -> np.ndarray:
    """Return places (..., keypoint, space) in each view: (..., view, keypoint, 2), y down."""
    found = []
    for _, (x, y, is_down) in views:
        flat = np.asarray(places, np.float32)[..., [x, y]]
        found.append(flat if is_down else flat * np.array([1, -1], np.float32))
    return np.stack(found, -3)


@router.get("/outcomes/{key}/bouts")
def bouts(
    key: str,
    request: Request,
    state: Annotated[int, Query(ge=1)],
    n: Annotated[int, Query(ge=1, le=MOST_BOUTS)] = 9,
) -> list[Bout]:
    """Give example bouts of a state, the same ones as in the report and in `mystax states --clips`."""
    outcome, n_states = _states_of(request, key)
    if state > n_states:
        raise refused(404, "W903", f"state {state}", "there is nothing of that name here")
    dataset = outcomes_in(outcome.folder)[outcome.name]
    rows = chosen_bouts(dataset, state, n)
    columns = [dataset[f"bout_{name}"].values[rows] for name in ("start", "stop", "complete")]
    return [
        Bout(start=float(start), stop=float(stop), is_whole=bool(whole))
        for start, stop, whole in zip(*columns, strict=True)
    ]

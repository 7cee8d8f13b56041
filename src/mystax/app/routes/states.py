"""Names, merges and hidden states that a person gives: kept beside the outcome, which never changes."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request

from mystax.app.collection import OutcomeItem
from mystax.app.routes.outcomes import outcome_of
from mystax.app.schemas import StateEdit, StateEditSet
from mystax.app.security import refused
from mystax.app.shelf import outcomes_in
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
    rev = hashlib.blake2b(edits_to_toml(edits).encode(), digest_size=8).hexdigest()
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
    if request.app.state.mystax.settings.read_only:
        raise refused(403, "W902", "states", "this page was started with --read-only")
    if (if_match if if_match is not None else given.rev) != _set_of(outcome, n_states).rev:
        raise refused(409, "W904", "states", "somebody else changed them meanwhile", hint="load them again")
    new = StateEdits(
        {one.state: one.name.strip() for one in given.states if one.name.strip()},
        {one.state: one.merged_into for one in given.states if one.merged_into is not None},
        frozenset(one.state for one in given.states if one.hidden),
    )
    text = edits_to_toml(new)
    name = edits_path(outcome.folder / f"{outcome.analysis}.nc").name
    edits_from_toml(text, n_states, name)  # refuses what could not be read again
    Store(outcome.folder).write_text(name, text)
    return _set_of(outcome, n_states)

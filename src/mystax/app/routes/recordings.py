"""Recordings: the list, all about one, and the folders that may be looked into."""

from typing import Any

from fastapi import APIRouter, Request

from mystax.app.collection import Item, find, short_id
from mystax.app.paths import readable
from mystax.app.schemas import CameraInfo, LabelSetRow, OutcomeInfo, RecordingInfo, RecordingRow, VariableInfo
from mystax.app.shelf import outcomes_in
from mystax.errors import MystaxError

__all__ = ["router", "spec_of"]

router = APIRouter(tags=["recordings"])
TEXTS = 200
"""Most coordinate texts that are listed with a variable."""


def spec_of(item: Item, camera: str) -> dict[str, Any]:
    """Return from what a frame worker opens a camera."""
    if camera in item.specs:
        return dict(item.specs[camera])
    files = [str(path) for path in item.cameras[camera]]
    return {"paths": files, "damage": "mark", "clock": None, "no_time": None}


@router.get("/recordings")
def list_recordings(request: Request, q: str = "") -> list[RecordingRow]:
    """List the recordings whose name, subject or project holds a text."""
    items = request.app.state.mystax.collection.items()
    wanted = q.casefold()
    rows = [_row(item) for item in items]
    return [
        row
        for row in rows
        if wanted in " ".join(filter(None, [row.name, row.project, row.subject, row.session])).casefold()
    ]


def _row(item: Item) -> RecordingRow:
    head = item.head
    analyses = head.get("analyses") or sorted({outcome.analysis for outcome in item.outcomes()})
    return RecordingRow(
        id=item.id,
        name=readable(item.name),
        project=head.get("project"),
        subject=head.get("subject"),
        session=head.get("session"),
        cameras=list(item.cameras),
        seconds=head.get("seconds"),
        quality=str(head.get("quality", "unchecked")),
        codes=[str(code) for code in head.get("codes", [])],
        analyses=[str(name) for name in analyses],
        labels=[readable(path.stem) for path in item.labels],
    )


@router.get("/recordings/{key}")
async def show_recording(key: str, request: Request) -> RecordingInfo:
    """Tell all about one recording: its cameras are opened by their workers.

    One that cannot be opened is left out, and `refusals` says why; where nothing else is there to be shown,
    its refusal is the answer.
    """
    state = request.app.state.mystax
    item = find(state.collection.items(), key)
    cameras: list[CameraInfo] = []
    refusals: list[MystaxError] = []
    for name, camera_id in item.camera_ids().items():
        try:
            about, _ = await state.workers.ask(camera_id, spec_of(item, name), {"do": "open"})
        except MystaxError as error:
            refusals.append(error)
            continue
        files = [readable(path.name) for path in item.cameras[name]]
        known = {k: v for k, v in about.items() if k != "key_frames"}
        cameras.append(CameraInfo(id=camera_id, name=name, files=files, **known))
    outcomes = [info for outcome in item.outcomes() if (info := _outcome(outcome)) is not None]
    if refusals and not cameras and not outcomes:
        raise refusals[0]
    state.warming.begin()
    return RecordingInfo(
        id=item.id,
        name=readable(item.name),
        cameras=cameras,
        outcomes=outcomes,
        labels=[LabelSetRow(id=short_id("l", path), name=readable(path.stem)) for path in item.labels],
        report=any((folder / "report.html").is_file() for folder in item.folders),
        refusals=[readable(str(error)) for error in refusals],
    )


def _outcome(outcome: Any) -> OutcomeInfo | None:
    """Say what an outcome holds, without reading its arrays."""
    dataset = outcomes_in(outcome.folder)[outcome.name]
    attributes = dataset.attrs
    variables = []
    for name, variable in dataset.data_vars.items():
        labels = {
            str(dim): [str(value) for value in dataset[dim].values[:TEXTS]]
            for dim in variable.dims
            if dim != "time" and dim in dataset.coords
        }
        variables.append(
            VariableInfo(
                name=str(name),
                dims=[str(dim) for dim in variable.dims],
                shape=list(variable.shape),
                unit=str(variable.attrs.get("units", "")),
                long_name=str(variable.attrs.get("long_name", name)),
                is_trace="time" in variable.dims and variable.dtype.kind in "fiub",
                labels=labels,
            )
        )
    quality = attributes.get("quality", "[]")
    return OutcomeInfo(
        id=outcome.id,
        folder=readable(outcome.folder.name),
        analysis=outcome.analysis,
        camera=outcome.camera,
        version=int(attributes.get("analysis_version", 1)),
        coverage=float(attributes.get("coverage", 1.0)),
        quality=_list_of(quality),
        state="current",
        variables=variables,
    )


def _list_of(text: Any) -> list[dict[str, Any]]:
    """Read the remarks of an outcome."""
    import json

    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return []
    return [one if isinstance(one, dict) else {"code": str(one)} for one in found]

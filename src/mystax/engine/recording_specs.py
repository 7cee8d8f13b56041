"""Recordings as plain values, so that a child process opens exactly what its parent opened."""

from collections.abc import Mapping
from typing import Any

from mystax.core.recording import Recording
from mystax.engine.roots import Roots
from mystax.errors import VideoError

__all__ = ["changed", "opening_of", "recording_from_spec", "spec_of_recording"]

DEFAULTS = {"damage": "mark", "grey_range": "auto"}


def spec_of_recording(recording: Recording) -> dict[str, Any] | None:
    """Return a recording as plain values; None if it cannot be opened again from files alone.

    Parameters
    ----------
    recording : Recording
        The cameras.

    Returns
    -------
    dict or None
        What `recording_from_spec` understands.
    """
    paths = recording.request.get("paths")
    files = {name: list(camera.files) for name, camera in recording.cameras.items()}
    # Cameras that were exchanged by hand after opening are not in the request.
    if not paths or paths != files:
        return None
    return {**recording.request, "name": recording.name, "reference": recording.reference}


def opening_of(recording: Recording) -> dict[str, Any]:
    """Return how a recording was opened, besides its files: what differs from the defaults.

    Parameters
    ----------
    recording : Recording
        The cameras.

    Returns
    -------
    dict
        Arguments of `mystax.open` in a few words; empty for frames in memory, and where times were given as
        numbers, which are in the outcomes themselves.
    """
    request = {name: value for name, value in recording.request.items() if name not in ("paths", "name")}
    clocks = request.get("clocks")
    if isinstance(clocks, Mapping) and not all(isinstance(one, str) for one in clocks.values()):
        return {}
    told = {name: value for name, value in request.items() if value and value != DEFAULTS.get(name)}
    if len(recording.cameras) == 1:
        told.pop("reference", None)
    return told


def recording_from_spec(spec: Mapping[str, Any]) -> Recording:
    """Open the recording that `spec_of_recording`, or a catalogue, described.

    Parameters
    ----------
    spec : mapping
        Arguments of `mystax.open`.  A catalogue gives ``places`` (root and path below it) instead of
        ``paths``, with its ``roots`` and the ``quick_ids`` of the files: where they are is for this host to
        say.

    Returns
    -------
    Recording
        The same cameras, with readers of their own.

    Raises
    ------
    MystaxError
        As `mystax.open`.
    CatalogError
        Q606, if a root is not there on this host.
    VideoError
        V130, if a file is not the one that the catalogue knows.
    """
    from mystax.engine.recordings import open_recording

    values = dict(spec)
    quick_ids = values.pop("quick_ids", {})
    if "places" in values:
        values["paths"] = Roots.of_rows(values.pop("roots")).files(values.pop("places"))
    recording = open_recording(**values)
    for name, known in quick_ids.items():
        camera = recording.cameras[name]
        for file, before, now in zip(camera.files, known, camera.video.identity, strict=False):
            if now != before:
                recording.close()
                raise changed(file, name, before, now)
    return recording


def changed(file: str, camera: str, before: str, now: str) -> VideoError:
    """Return the refusal of a file that is not the one that a catalogue knows (V130)."""
    return VideoError(
        "V130",
        file,
        f"the file of camera {camera!r} changed since it was ingested",
        expected=before,
        got=now,
        hint="mystax catalog ingest takes note of it, mystax queue add plans anew",
    )

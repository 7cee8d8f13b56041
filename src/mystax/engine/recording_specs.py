"""Recordings as plain values, so that a child process opens exactly what its parent opened."""

from collections.abc import Mapping
from typing import Any

from mystax.core.recording import Recording

__all__ = ["recording_from_spec", "spec_of_recording"]


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


def recording_from_spec(spec: Mapping[str, Any]) -> Recording:
    """Open the recording that `spec_of_recording` described.

    Parameters
    ----------
    spec : mapping
        Arguments of `mystax.open`.

    Returns
    -------
    Recording
        The same cameras, with readers of their own.

    Raises
    ------
    MystaxError
        As `mystax.open`.
    """
    from mystax.engine.recordings import open_recording

    return open_recording(**spec)

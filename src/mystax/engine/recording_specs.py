"""Recordings and clocks as plain values, so that a child process opens exactly what its parent opened."""

import base64
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.recording import Recording

__all__ = ["clock_from_values", "clock_values", "recording_from_spec", "spec_of_recording"]


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


def clock_values(clock: Clock) -> dict[str, Any]:
    """Return a clock as plain values, exact."""
    ticks = base64.b64encode(clock.ticks.astype("<i8").tobytes()).decode("ascii")
    period = None if clock.period is None else str(clock.period)
    return {
        "ticks": ticks,
        "tick": str(clock.tick),
        "start": str(clock.start),
        "source": clock.source,
        "period": period,
    }


def clock_from_values(values: Mapping[str, Any]) -> Clock:
    """Return the clock that `clock_values` described."""
    ticks = np.frombuffer(base64.b64decode(values["ticks"]), "<i8").astype(np.int64)
    period = None if values["period"] is None else Fraction(values["period"])
    return Clock(ticks, Fraction(values["tick"]), Fraction(values["start"]), values["source"], period)

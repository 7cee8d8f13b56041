"""What a row of `VideoRecording` says, as a recording: its files, its clock, its facts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.quality import Flag, merge_flags
from mystax.core.recording import Recording
from mystax.element.linking import Link
from mystax.engine.recordings import open_recording
from mystax.errors import CODES, VideoError

__all__ = ["clock_text", "flag_rows", "open_video", "recording_facts", "timestamp_facts"]

CAMERA = "face"
"""A row is one camera; its outcomes name none."""
DAMAGE = frozenset({"V101", "V105", "V106", "V107", "V130"})
"""Codes that say that frames are lost."""
LARGEST_TERM = 10**6


def clock_text(path: str, spec: Mapping[str, Any]) -> str:
    """Return the text of a clock whose file is known.

    Parameters
    ----------
    path : str
        The file.
    spec : mapping
        ``{"kind": "csv", "rest": "time:ms"}``.

    Examples
    --------
    >>> clock_text("t.csv", {"kind": "csv", "rest": "time:ms"})
    'csv:t.csv:time:ms'
    """
    kind, rest = str(spec.get("kind", "csv")), str(spec.get("rest", ""))
    return f"{kind}:{path}" + (f":{rest}" if rest else "")


def open_video(link: Link, files: Sequence[str], clock: tuple[str, Mapping[str, Any]] | None) -> Recording:
    """Open the video of a row.

    Parameters
    ----------
    link : Link
        Where the lab's data lie.
    files : sequence of str
        Paths relative to a root, in order.
    clock : tuple of str and mapping, or None
        Path and spec of the clock file.

    Returns
    -------
    Recording
        One camera; its name is that of the first file.

    Raises
    ------
    RecipeError
        P403, if a file is not there.
    VideoError, ClockError
        Whatever a video or clock refuses.
    """
    places = [link.find(file) for file in files]
    if not places:
        raise VideoError("V104", "VideoRecording.File", "the recording has no file")
    more: dict[str, Any] = {}
    if clock is not None:
        path, spec = clock
        more["clocks"] = clock_text(str(link.find(path)), spec)
        if spec.get("policy"):
            more["clock_policy"] = str(spec["policy"])
    return open_recording({CAMERA: [str(place) for place in places]}, name=places[0].stem, **more)


def recording_facts(recording: Recording) -> dict[str, Any]:
    """Return the attributes of `RecordingInfo`, all by what the container holds, not by what it claims.

    Parameters
    ----------
    recording : Recording
        One camera; its name is that of the first file.

    Returns
    -------
    dict
        Sizes [px], counts, rate [1/s], duration [s].
    """
    source: Any = recording.video()
    clock = source.clock
    probes = source.probes
    rate, fps, duration = _rate(clock, probes[0].rate)
    headers = [probe.n_frames_header for probe in probes]
    return {
        "px_height": source.shape[0],
        "px_width": source.shape[1],
        "nframes": source.n_frames,
        "fps": fps,
        "recording_duration": duration,
        "recording_time": _creation(probes[0].metadata),
        "rate_num": rate.numerator,
        "rate_den": rate.denominator,
        "nframes_header": None if None in headers else sum(headers),
        "is_vfr": not clock.is_constant,
        "n_gaps": len(clock.gaps),
    }


def _rate(clock: Clock, stated: str | None) -> tuple[Fraction, float, float]:
    """Return the container's rate, the measured frames per second, and the duration [s]."""
    if clock.period is not None:
        return 1 / clock.period, float(1 / clock.period), float(clock.n * clock.period)
    times = clock.seconds[np.isfinite(clock.seconds)]
    span = float(times[-1] - times[0]) if len(times) > 1 else 0.0
    if span > 0:
        fps, duration = (len(times) - 1) / span, span + float(np.median(np.diff(times)))
    elif stated:
        fps, duration = float(Fraction(stated)), float(1 / Fraction(stated))
    else:
        raise VideoError("V111", "RecordingInfo", "one frame without a rate has no duration")
    return Fraction(stated) if stated else Fraction(fps).limit_denominator(LARGEST_TERM), fps, duration


def _creation(metadata: Mapping[str, str]) -> datetime | None:
    """Return the container's time of creation, UTC without a zone, as databases keep it."""
    text = metadata.get("creation_time", "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None:
        found = found.astimezone(UTC).replace(tzinfo=None)
    return found.replace(microsecond=0)


def flag_rows(recording: Recording) -> list[dict[str, Any]]:
    """Return the rows of `RecordingInfo.Flag`: one per code."""
    by_code: dict[str, list[Flag]] = {}
    for flag in merge_flags(recording.video().flags, recording.flags):
        by_code.setdefault(flag.code, []).append(flag)
    return [
        {"flag": code, "severity": _severity(code), "detail": {"remarks": [flag.as_dict() for flag in flags]}}
        for code, flags in by_code.items()
    ]


def _severity(code: str) -> str:
    if code in DAMAGE:
        return "error"
    return "warning" if CODES[code].kind == "both" else "note"


def timestamp_facts(recording: Recording, source: str) -> dict[str, Any]:
    """Return the attributes of `Timestamps`; `source` is the kind of the clock file, or ``container``."""
    camera = recording.cameras[recording.reference]
    times = np.asarray(camera.video.times, np.float64)
    residual = camera.clock_report.get("residual_rms")
    known = isinstance(residual, int | float) and bool(np.isfinite(residual))
    return {
        "source": source,
        "residual": float(str(residual)) if known else None,
        "timestamps": times,
        "valid": np.isfinite(times),
    }

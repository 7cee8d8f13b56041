"""Clock files: stamps of frames, pulses of a camera, events seen by two clocks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mystax.core.clock import Clock
from mystax.core.clock_fit import MAX_DRIFT, ClockFit, fit_events
from mystax.core.clock_match import match_events
from mystax.core.clock_pairing import PairedClock, check_policy, pair_stamps
from mystax.core.quality import Flag
from mystax.core.safe_names import is_there
from mystax.core.typing import Bool, Float64, Int64, Shaped
from mystax.errors import ClockError
from mystax.io.clock_specs import ClockSpec
from mystax.io.clock_tables import KIND_OF_SUFFIX, Column, read_column
from mystax.io.clock_units import Stamps, stamps_from_column

__all__ = ["find_file", "fit_trains", "read_counter", "read_stamps", "time_frames"]

QUARTER = 0.4506
"""Lower quartile of the steps between samples of white noise, in standard deviations of the noise."""
MAX_STEPS = 1 << 20
MIN_CONTRAST = 10.0
"""Largest distance, in the same unit, of levels that white noise alone keeps for 2 samples."""
MAX_BEYOND = 60.0
"""A clock that reaches farther outside its events is flagged [s]."""


def find_file(pattern: str, folders: Sequence[Path]) -> Path:
    """Find the one file that a name or a pattern means.

    Parameters
    ----------
    pattern : str
        Path or glob pattern.
    folders : sequence of Path
        Where relative paths start; a file may be found from several of them.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ClockError
        C206, if there is none, or more than one.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        literal = folder / pattern
        if is_there(literal):
            found.setdefault(literal.resolve(), literal)
            continue
        anchor = Path(pattern).anchor
        base, rest = (Path(anchor), pattern[len(anchor) :]) if anchor else (folder, pattern)
        if any(mark in rest for mark in "*?["):
            for path in sorted(base.glob(rest)):
                if path.is_file():
                    found.setdefault(path.resolve(), path)
    if len(found) != 1:
        shown = ", ".join(str(path) for path in list(found.values())[:8])
        raise ClockError(
            "C206", pattern, "the clock file is not clear", expected="one file", got=shown or "none"
        )
    return next(iter(found.values()))


def read_stamps(spec: ClockSpec, folders: Sequence[Path], interval: float = float("nan")) -> Stamps:
    """Read the stamps of a clock file (kinds csv, npy, npz, mat, h5, ttl).

    Parameters
    ----------
    spec : ClockSpec
        What to read.
    folders : sequence of Path
        Where relative paths start.
    interval : float, optional
        Median interval of the video [s], to find out the unit.

    Returns
    -------
    Stamps
        Rising times.

    Raises
    ------
    ClockError
        C206, if the file, its column, its unit or its times are not understood.
    FormatError
        F801-F804, if the file is not safe to read or not of its format.
    """
    path = find_file(spec.file, folders)
    if spec.kind == "ttl":
        column = _edges(spec, path)
        if spec.rate is None and column.values.dtype.kind == "i":
            # whole numbers may be seconds as well as samples without their rate: the video must confirm
            spec = replace(spec, unit="")
    else:
        column = read_column(path, spec.kind, spec.name)
    return stamps_from_column(column, spec, interval)


def read_counter(name: str, spec: ClockSpec, folders: Sequence[Path]) -> Int64[np.ndarray, " row"]:
    """Read the camera's counter of triggers for the policy ``counter:COLUMN``.

    Parameters
    ----------
    name : str
        ``COLUMN`` (or key, variable, path) of the clock file, or ``FILE:COLUMN``.
    spec : ClockSpec
        The clock.
    folders : sequence of Path
        Where relative paths start.

    Returns
    -------
    array (row,)
        One count per frame, as the camera gave it.

    Raises
    ------
    ClockError
        C206, if there is no such column or it holds no whole numbers.
    """
    file, colon, column = name.rpartition(":")
    path = find_file(file if colon else spec.file, folders)
    kind = KIND_OF_SUFFIX.get(path.suffix.lower(), "csv") if colon or spec.kind == "ttl" else spec.kind
    found = read_column(path, kind, column)
    values = found.values
    if values.dtype.kind == "f" and np.all(np.isfinite(values)) and np.all(values == np.rint(values)):
        values = values.astype(np.int64)
    if values.dtype.kind != "i":
        raise ClockError("C206", found.where, expected="whole numbers", got=str(found.values[:3]))
    return values


def _edges(spec: ClockSpec, path: Path) -> Column:
    """Read the edges of one line: given as times or sample numbers, or found on the sampled line."""
    kind = KIND_OF_SUFFIX.get(path.suffix.lower(), "csv")
    column = read_column(path, kind, spec.name)
    values = column.values
    is_rising = len(values) > 1 and values.dtype.kind != "b" and bool(np.all(np.diff(values) >= 0))
    if column.is_text or (is_rising and len(np.unique(values[:1000])) > 2):
        if spec.rate is not None and values.dtype.kind == "f" and np.any(values != np.rint(values)):
            raise ClockError(
                "C206",
                column.where,
                "a rate needs sample numbers",
                expected="whole numbers, or no rate for edges in seconds",
                got=str(values[:3]),
            )
        return column
    if spec.rate is None:
        raise ClockError(
            "C206",
            column.where,
            "a sampled line needs its rate",
            expected=f"ttl:{spec.file}:{spec.name}:{spec.edge}:RATE",
        )
    return Column(_edges_of_line(values, spec.edge, column.where), column.where)


def _edges_of_line(line: Shaped[np.ndarray, " sample"], edge: str, where: str) -> Int64[np.ndarray, " event"]:
    """Return the first sample of each pulse (rising) or the first behind it (falling)."""
    if not len(line):
        raise ClockError("C206", where, expected="a sampled line", got="an empty column")
    if not np.all(np.isfinite(line)):
        raise ClockError("C206", where, "the sampled line holds values that are not finite")
    if line.min() == line.max():
        raise ClockError("C206", where, "the line never changes", got=f"{line[0]:g} throughout")
    state = _without_glitches(np.asarray(line > _middle_level(line)))
    change = np.diff(state.astype(np.int8))
    edges = (np.flatnonzero(change == (1 if edge == "rising" else -1)) + 1).astype(np.int64)
    if not len(edges):
        what = "no pulse of at least 2 samples stands out of the noise"
        raise ClockError("C206", where, what, got=f"levels {line.min():g} to {line.max():g}")
    return edges


def _middle_level(line: Shaped[np.ndarray, " sample"]) -> float:
    """Return the level midway between two that last at least 2 samples.

    However rare pulses are, they count; a single sample does not, however far out it is.  Where such levels
    do not stand out of the steps between samples (noise, edges that a filter rounds), the extremes count.
    """
    low, high = float(line.min()), float(line.max())
    if len(line) < 2:
        return (low + high) / 2
    lasting_high = float(np.minimum(line[1:], line[:-1]).max())
    lasting_low = float(np.maximum(line[1:], line[:-1]).min())
    some = np.linspace(0, len(line) - 2, min(len(line) - 1, MAX_STEPS)).astype(np.int64)
    steps = np.abs(line[some + 1].astype(np.float64) - line[some])
    # With pulses and pauses of 2 samples half of the steps are edges: the lower quarter is noise.
    noise = float(np.quantile(steps, 0.25)) / QUARTER
    if lasting_high - lasting_low > MIN_CONTRAST * noise:
        low, high = lasting_low, lasting_high
    return (low + high) / 2


def _without_glitches(state: Bool[np.ndarray, " sample"]) -> Bool[np.ndarray, " sample"]:
    """Take out pulses, then pauses, of a single sample."""
    clean = state.copy()
    for level in (True, False):
        lone = clean == level
        alone = lone.copy()
        alone[1:] &= ~lone[:-1]
        alone[:-1] &= ~lone[1:]
        alone[[0, -1]] = False
        clean[alone] = not level
    return clean


def time_frames(
    spec: ClockSpec,
    folders: Sequence[Path],
    n_frames: int,
    video: Clock | None,
    policy: str | None = None,
    *,
    max_drift: float = MAX_DRIFT,
) -> tuple[PairedClock, str]:
    """Give the frames of a video the times that a spec means.

    Parameters
    ----------
    spec : ClockSpec
        The clock.
    folders : sequence of Path
        Where relative paths start.
    n_frames : int
        Number of frames.
    video : Clock or None
        The video's own times; None if it has none.
    policy : str, optional
        What to do where stamps and frames differ in count.
    max_drift : float, optional
        Largest relative difference of rates for `events`.

    Returns
    -------
    tuple
        Times, frames without time and report; ``zoned`` or ``naive`` for ISO texts, else "".

    Raises
    ------
    ClockError
        C202, C203, C205, C206.
    """
    if spec.kind == "rate" and spec.rate is not None:
        clock = Clock.from_rate(spec.rate, n_frames, spec.start, "rate")
        return _whole(clock, {"source": spec.text}), ""
    if spec.kind in {"pts", "events"}:
        if video is None:
            raise ClockError(
                "C206", spec.text, "the video has no stamps of its own", hint="give a rate or a clock file"
            )
        return (_whole(video, {}) if spec.kind == "pts" else _fitted(spec, folders, video, max_drift)), ""
    interval = float("nan") if video is None else video.interval
    stamps = read_stamps(spec, folders, interval)
    name, column = check_policy(policy)
    counter = read_counter(column, spec, folders) if name == "counter" else None
    paired = pair_stamps(stamps.clock, n_frames, video, policy, counter, stamps.kept)
    report = {**paired.report, "unit": stamps.unit, "equal_stamps_dropped": stamps.n_equal}
    return PairedClock(paired.clock, paired.no_time, report, paired.flags), stamps.zone


def _whole(clock: Clock, more: dict[str, object], flags: tuple[Flag, ...] = ()) -> PairedClock:
    report = {"source": clock.source, "n_frames": clock.n, "frames_without_time": 0, **more}
    return PairedClock(clock, np.zeros(clock.n, bool), report, flags)


def _fitted(spec: ClockSpec, folders: Sequence[Path], video: Clock, max_drift: float) -> PairedClock:
    """Bring the video's own times to the session clock by events that both have seen."""
    fit, report, flags = fit_trains(spec, folders, video.seconds, video.interval, max_drift=max_drift)
    return _whole(Clock.from_seconds(fit(video.seconds), spec.text), report, flags)


def fit_trains(
    spec: ClockSpec,
    folders: Sequence[Path],
    times: Float64[np.ndarray, " time"],
    interval: float,
    *,
    max_drift: float = MAX_DRIFT,
) -> tuple[ClockFit, dict[str, object], tuple[Flag, ...]]:
    """Fit the way from one clock to another by events that both have seen (kind events).

    Parameters
    ----------
    spec : ClockSpec
        The two trains: in the own time, and in session time.
    folders : sequence of Path
        Where relative paths start.
    times : array (time,)
        Own times that are to be brought over [s].
    interval : float
        How precise the times have to be: usually one frame [s].
    max_drift : float, optional
        Largest relative difference of rates.

    Returns
    -------
    fit : ClockFit
        Gives session times of own times.
    report : dict
        JSON-able: events, residuals, drift.
    flags : tuple of Flag
        C208, if the times reach far beyond the events.

    Raises
    ------
    ClockError
        C203, C205, C206.
    """
    own, session = (_events(file, folders) for file in (spec.file, spec.session_file))
    found = match_events(own, session, interval, where=spec.text)
    fit = fit_events(
        own[found.camera], session[found.session], interval, max_drift=max_drift, where=spec.text
    )
    beyond = fit.beyond(times)
    flags: tuple[Flag, ...] = ()
    if beyond > MAX_BEYOND:
        flags = (Flag.about("C208", f"the clock is extrapolated by {beyond:.0f} s beyond its events"),)
    report: dict[str, object] = {
        "n_events": [len(own), len(session)],
        "n_matched": fit.n_events,
        "share": found.share,
        "runner_up": found.runner_up,
        "is_bent": len(fit.knots) > 0,
        "residual_rms": fit.residual_rms,
        "residual_max": fit.residual_max,
        "drift_ppm": fit.drift * 1e6,
        "drift_per_hour": fit.drift * 3600,
        "extrapolated": beyond,
    }
    return fit, report, flags


def _events(pattern: str, folders: Sequence[Path]) -> Float64[np.ndarray, " event"]:
    """Read a train of events [s] (`FILE` or `FILE#COLUMN`)."""
    name, _, column = pattern.partition("#")
    path = find_file(name, folders)
    found = read_column(path, KIND_OF_SUFFIX.get(path.suffix.lower(), "csv"), column)
    spec = ClockSpec(pattern, "events", unit="s")
    return stamps_from_column(found, spec).clock.seconds

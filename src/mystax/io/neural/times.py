"""Times of neural data: their own, or those of a clock; nothing is paired by number alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from mystax.core.clock import Clock
from mystax.core.clock_pairing import PairedClock, check_policy, pair_stamps
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64
from mystax.errors import ClockError, ParameterError
from mystax.io.clock_specs import ClockSpec, parse_clock_spec
from mystax.io.clock_tables import Column
from mystax.io.clock_units import stamps_from_column
from mystax.io.clocks import find_file, fit_trains, read_counter, read_stamps
from mystax.io.neural.source import NeuralSource

__all__ = [
    "ClockSource",
    "NeuralTimes",
    "Stamped",
    "column_in",
    "no_clock",
    "read_clock",
    "time_rows",
    "time_spikes",
]

ClockSource = str | Clock | np.ndarray
"""What may be said about times: a clock spec, a clock, or seconds."""
SPIKE_INTERVAL = 0.01
"""How precise events must agree for spikes [s]."""


@dataclass(frozen=True, eq=False)
class NeuralTimes:
    """Times of rows or spikes.

    Attributes
    ----------
    seconds : array
        Session times [s].
    usable : array of bool
        Rows that have a time of their own.
    report : mapping
        JSON-able (`clock_report`).
    flags : tuple of Flag
        Remarks.
    """

    seconds: Float64[np.ndarray, " row"]
    usable: Bool[np.ndarray, " row"]
    report: Mapping[str, object]
    flags: tuple[Flag, ...] = ()


@dataclass(frozen=True, eq=False)
class Stamped:
    """A clock that was named for neural data.

    Attributes
    ----------
    spec : ClockSpec
        What was named.
    clock : Clock or None
        Its stamps, where it has some of its own (files, seconds, a clock).
    unit : str
        Unit of the file.
    """

    spec: ClockSpec
    clock: Clock | None = None
    unit: str = ""

    @property
    def n(self) -> int | None:
        """Number of stamps; None if the clock has as many as are wanted."""
        return None if self.clock is None else self.clock.n


def read_clock(
    clock: ClockSource | None, folders: Sequence[Path], rate: Fraction | None = None
) -> Stamped | None:
    """Read the stamps of a clock for neural data.

    Parameters
    ----------
    clock : str, Clock, array or None
        Clock spec, clock, or seconds.
    folders : sequence of Path
        Where relative paths start.
    rate : Fraction, optional
        Frames per second that the data claim: tells the unit of a file that names none.

    Returns
    -------
    Stamped or None
        The clock; None if none is named.

    Raises
    ------
    ParameterError
        P401, if the spec is not understood, or is `pts`.
    ClockError
        C206, if the times are not usable.
    """
    if clock is None:
        return None
    if isinstance(clock, Clock):
        return Stamped(ClockSpec(clock.source, "npy", unit="s"), clock)
    if isinstance(clock, np.ndarray):
        spec = ClockSpec("array of seconds", "npy", unit="s")
        values = clock.reshape(-1) if clock.ndim else clock[None]
        return Stamped(
            spec, stamps_from_column(Column(values.astype(np.float64), spec.text), spec).clock, "s"
        )
    spec = parse_clock_spec(clock)
    if spec.kind == "pts":
        raise ParameterError(
            "P401",
            f"clock {clock!r}",
            "neural data have no video",
            expected="a file of times, rate:NUM/DEN or events:A:B",
        )
    if spec.kind in ("rate", "events"):
        return Stamped(spec)
    interval = float("nan") if rate is None else float(1 / rate)
    try:
        stamps = read_stamps(spec, folders, interval)
    except ClockError as error:
        if spec.unit or "unit" not in error.what:
            raise
        stamps = read_stamps(replace(spec, unit="s"), folders, interval)
    return Stamped(spec, stamps.clock, stamps.unit)


def column_in(spec: ClockSpec, path: Path, folders: Sequence[Path]) -> str:
    """Return the column that a clock takes from a text table of activity itself.

    Parameters
    ----------
    spec : ClockSpec
        What was named.
    path : Path
        The table.
    folders : sequence of Path
        Where relative paths start.

    Returns
    -------
    str
        Its name or number; "" if the clock is of another file, or names none.
    """
    if spec.kind != "csv" or not spec.file or not find_file(spec.file, folders).samefile(path):
        return ""
    return spec.name


def time_rows(
    source: NeuralSource, stamped: Stamped | None, policy: str | None, folders: Sequence[Path]
) -> NeuralTimes:
    """Give every row of activity its time.

    Parameters
    ----------
    source : NeuralSource
        Activity, perhaps with times of its own.
    stamped : Stamped or None
        The clock that was named.
    policy : str or None
        What to do where stamps and rows differ in count.
    folders : sequence of Path
        Where relative paths start.

    Returns
    -------
    NeuralTimes
        Times, rows without one, report.

    Raises
    ------
    ClockError
        C202, if counts differ; C203, C205, C206; C207, if there is neither a clock nor times.
    """
    if source.matrix is None:
        raise ClockError("C207", source.where, expected="rows of activity", got="none")
    n = source.matrix.shape[0]
    if stamped is None:
        if source.times is None:
            raise no_clock(source.where, source.rate)
        return _own(source, n)
    if stamped.spec.kind == "events":
        if source.times is None:
            raise no_clock(source.where, source.rate)
        own = _own(source, n)
        interval = float(np.median(np.diff(own.seconds[own.usable])))
        fit, report, flags = fit_trains(stamped.spec, folders, own.seconds, interval)
        return NeuralTimes(fit(own.seconds), own.usable, {"source": stamped.spec.text, **report}, flags)
    if stamped.spec.kind == "rate" and stamped.spec.rate is not None:
        half = 1 / stamped.spec.rate / 2
        clock = Clock.from_rate(stamped.spec.rate, n, stamped.spec.start + half, stamped.spec.text)
        report = {"source": stamped.spec.text, "n_frames": n, "added": float(half)}
        return _shifted(NeuralTimes(clock.seconds, np.ones(n, bool), report), source.offset)
    return _shifted(_paired(source, stamped, policy, folders, n), source.offset)


def _paired(
    source: NeuralSource, stamped: Stamped, policy: str | None, folders: Sequence[Path], n: int
) -> NeuralTimes:
    """Pair stamps and rows; what the data claim as their rate judges what is left over."""
    if stamped.clock is None:
        raise no_clock(source.where, source.rate)
    name, column = check_policy(policy)
    counter = read_counter(column, stamped.spec, folders) if name == "counter" else None
    nominal = Clock.from_rate(source.rate, n) if source.rate is not None else None
    try:
        paired: PairedClock = pair_stamps(stamped.clock, n, nominal, policy, counter)
    except ClockError as error:
        error.where = f"{source.where} with {stamped.spec.text}"
        raise
    report = {**paired.report, "unit": stamped.unit}
    return NeuralTimes(paired.clock.seconds, ~paired.no_time, report, paired.flags)


def _shifted(times: NeuralTimes, offset: float) -> NeuralTimes:
    """Add what the plane comes later."""
    if not offset:
        return times
    return NeuralTimes(
        times.seconds + offset, times.usable, {**times.report, "plane_offset": offset}, times.flags
    )


def _own(source: NeuralSource, n: int) -> NeuralTimes:
    """Check the times that the files have; the second of two equal rows has none."""
    values = np.asarray(source.times, np.float64)
    if len(values) != n:
        raise ClockError(
            "C202", source.where, "times and rows differ", expected=f"{n} times", got=f"{len(values)}"
        )
    spec = ClockSpec(source.where, "npy", unit="s")
    stamps = stamps_from_column(Column(values, f"times of {source.where}"), spec)
    usable = np.ones(n, bool)
    if stamps.n_equal:
        usable[1:] = np.diff(np.rint(values * 1e9).astype(np.int64)) > 0
    report = {"source": f"times of {source.where}", "n_frames": n, "equal_stamps_dropped": stamps.n_equal}
    return NeuralTimes(values, usable, report)


def no_clock(where: str, rate: Fraction | None = None) -> ClockError:
    """Make the refusal of neural data that have neither times nor a clock.

    Parameters
    ----------
    where : str
        Their name.
    rate : Fraction, optional
        Frames per second that their files claim.

    Returns
    -------
    ClockError
        C207.
    """
    seen = "" if rate is None else f" (the files say {float(rate):g} Hz, but not when they began)"
    text = f"{30 if rate is None else rate}" + ("/1" if rate is None or rate.denominator == 1 else "")
    return ClockError(
        "C207",
        where,
        "it has no times",
        expected="a clock or a rate",
        got=f"neither{seen}",
        hint=f"--neural-clock npy:frame_times.npy or rate:{text}; frames are not paired by number.",
    )


def time_spikes(source: NeuralSource, stamped: Stamped | None, folders: Sequence[Path]) -> NeuralTimes:
    """Bring spike times to the session clock.

    Parameters
    ----------
    source : NeuralSource
        Spikes [s].
    stamped : Stamped or None
        None: they are on the session clock; ``events:A:B``: mapped.
    folders : sequence of Path
        Where relative paths start.

    Returns
    -------
    NeuralTimes
        One time per spike.

    Raises
    ------
    ParameterError
        P401, if another clock than events is named.
    ClockError
        C203, C205, C206.
    """
    times = np.asarray(source.spike_time, np.float64)
    every = np.ones(len(times), bool)
    if stamped is None:
        return NeuralTimes(times, every, {"source": f"times of {source.where}", "n_spikes": len(times)})
    if stamped.spec.kind != "events":
        raise ParameterError(
            "P401",
            f"clock {stamped.spec.text!r}",
            "spikes have times of their own",
            expected="events:A:B (the same events in the probe's and in the session's time), or no clock",
            got=stamped.spec.kind,
        )
    fit, report, flags = fit_trains(stamped.spec, folders, times, SPIKE_INTERVAL)
    return NeuralTimes(fit(times), every, {"source": stamped.spec.text, **report}, flags)

"""Units of clock files: numbers and texts become rising times."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from mystax.core.clock import Clock, check_rising
from mystax.core.typing import Bool, Int64, Shaped
from mystax.errors import ClockError
from mystax.io.clock_specs import ClockSpec
from mystax.io.clock_tables import EMPTY, Column

__all__ = ["Stamps", "clock_from_array", "rising_stamps", "stamps_from_column"]

NS = Fraction(1, 10**9)
UNIT_SECONDS = {"s": Fraction(1), "ms": Fraction(1, 1000), "us": Fraction(1, 10**6), "ns": NS}
UNIT_SHARE = 0.05
"""A unit is taken from the video if it agrees with the video's interval this well."""
MAX_EQUAL = 0.01
FARTHEST = 2**62
"""Nanoseconds from 1970 beyond which nothing is a time: 146 years."""
DATENUM_EPOCH = 719529
"""MATLAB's day number of 1970-01-01."""
FLIR_SPAN = 128


@dataclass(frozen=True, eq=False)
class Stamps:
    """Times read from a clock file.

    Attributes
    ----------
    clock : Clock
        Rising times.
    n_equal : int
        Stamps dropped because they repeat the one before.
    zone : str
        ``zoned`` or ``naive`` for ISO texts, else "".
    unit : str
        Unit that was read, or found from the video.
    kept : array (row,), optional
        Which rows of the file have a stamp, where some were dropped.
    """

    clock: Clock
    n_equal: int = 0
    zone: str = ""
    unit: str = ""
    kept: Bool[np.ndarray, " row"] | None = None


def stamps_from_column(column: Column, spec: ClockSpec, interval: float = float("nan")) -> Stamps:
    """Turn a column into rising times.

    Parameters
    ----------
    column : Column
        Numbers or texts.
    spec : ClockSpec
        Its unit, if one is named.
    interval : float, optional
        Median interval of the video [s], to find out the unit.

    Returns
    -------
    Stamps
        Rising times.

    Raises
    ------
    ClockError
        C206, if a time is missing, not finite, not understood or falls, or the unit is not clear.
    """
    if len(column.values) == 0:
        raise ClockError("C206", column.where, expected="times", got="an empty column")
    if spec.unit == "iso" or (column.is_text and not spec.unit and not _are_numbers(column)):
        ticks, zone = _iso(column)
        clock = Clock(ticks, NS, source=spec.text)
        return rising_stamps(clock, column.where, zone, "iso")
    if column.is_text:
        row = next((k for k, cell in enumerate(column.values) if not _is_number(cell)), 0)
        raise ClockError("C206", column.where, expected="numbers", got=f"{column.values[row]!r} at row {row}")
    values = column.values
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = int(bad[0])
        raise ClockError(
            "C206",
            column.where,
            "times are missing or not finite",
            got=f"{values[row]} at row {row} (of {len(values)}; {len(bad)} in all)",
        )
    unit = spec.unit or _unit(values, interval, column.where)
    return rising_stamps(_in_unit(values, unit, spec, column.where), column.where, "", unit)


def _is_number(cell: object) -> bool:
    """Tell whether a cell is empty, or a number as `clock_tables` reads it."""
    text = str(cell).strip().lower().replace(",", ".")
    try:
        float(text or "nan")
    except ValueError:
        return text in EMPTY
    return "_" not in text


def _are_numbers(column: Column) -> bool:
    """Tell whether most cells that are not empty are numbers: then the others are mistakes, not dates."""
    filled = [cell for cell in column.values if str(cell).strip().lower() not in EMPTY]
    return 2 * sum(_is_number(cell) for cell in filled) > len(filled)


def _in_unit(values: Shaped[np.ndarray, " row"], unit: str, spec: ClockSpec, where: str) -> Clock:
    """Return times in ticks: exact for whole numbers, else of 1 ns."""
    if unit == "flir":
        return Clock(_flir(values, where), Fraction(1, 8000 * 3072), source=spec.text)
    if unit == "datenum":
        days = values - DATENUM_EPOCH
        if float(np.abs(days).max(initial=0.0)) * 86400e9 >= FARTHEST:
            raise ClockError("C206", where, expected="days near those of today", got=f"{values.max()} days")
        return Clock(np.rint(days * 86400e9).astype(np.int64), NS, source=spec.text)
    scale = 1 / spec.rate if unit == "samples" and spec.rate else UNIT_SECONDS[unit]
    if values.dtype.kind in "ib":
        return Clock(values.astype(np.int64), scale, source=spec.text)
    if float(np.abs(values).max(initial=0.0)) * float(scale) * 1e9 >= FARTHEST:
        raise ClockError("C206", where, expected="times below 146 years", got=f"{values.max()} {unit}")
    return Clock(np.rint(values * float(scale * 10**9)).astype(np.int64), NS, source=spec.text)


def _unit(values: Shaped[np.ndarray, " row"], interval: float, where: str) -> str:
    """Find the unit with which the stamps have the video's median interval."""
    step = float(np.median(np.diff(values))) if len(values) > 1 else float("nan")
    fits = [
        unit
        for unit, scale in UNIT_SECONDS.items()
        if interval > 0 and abs(step * float(scale) / interval - 1) <= UNIT_SHARE
    ]
    if len(fits) != 1:
        known = f"{interval:.6g} s" if interval > 0 else "unknown"
        raise ClockError(
            "C206",
            where,
            "the unit of the times is not clear",
            expected=f"a median step that is the video's interval ({known}) in s, ms, us or ns",
            got=f"a median step of {step:.6g}",
            hint="name the unit behind the column: s, ms, us, ns, samples:RATE, iso, datenum or flir",
        )
    return fits[0]


def _iso(column: Column) -> tuple[Int64[np.ndarray, " row"], str]:
    """Read ISO 8601 texts to the nanosecond, from 1970."""
    ticks = np.empty(len(column.values), np.int64)
    zones: set[str] = set()
    for row, cell in enumerate(column.values):
        text = str(cell).strip()
        # datetime keeps microseconds only
        digits = re.search(r"[.,](\d+)", text)
        fraction = int(digits.group(1)[:9].ljust(9, "0")) if digits else 0
        whole = text[: digits.start()] + text[digits.end() :] if digits else text
        try:
            moment = datetime.fromisoformat(whole)
        except ValueError as error:
            raise ClockError(
                "C206", column.where, expected="ISO 8601 texts", got=f"{text!r} at row {row}"
            ) from error
        zones.add("naive" if moment.tzinfo is None else "zoned")
        if len(zones) > 1:
            raise ClockError("C206", column.where, f"row {row} mixes times with and without a zone", got=text)
        since = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        tick = (since.days * 86400 + since.seconds) * 10**9 + fraction
        if abs(tick) >= FARTHEST:
            raise ClockError(
                "C206", column.where, expected="dates of 1824 to 2116", got=f"{text!r} at row {row}"
            )
        ticks[row] = tick
    return ticks, zones.pop()


def _flir(values: Shaped[np.ndarray, " row"], where: str) -> Int64[np.ndarray, " row"]:
    """Unfold the 32-bit stamp of a FireWire cycle timer: seconds, cycles of 1/8000 s, 1/3072 of a cycle."""
    if len(values) and (values.min() < 0 or values.max() >= 2**32):
        raise ClockError("C206", where, expected="stamps of 32 bits", got=f"{values.min()}..{values.max()}")
    values = values.astype(np.int64)
    seconds, cycles, offset = values >> 25 & 127, values >> 12 & 8191, values & 4095
    ticks = (seconds * 8000 + cycles) * 3072 + offset
    span = FLIR_SPAN * 8000 * 3072
    steps = np.diff(ticks)
    steps[steps < -span // 2] += span
    return np.concatenate([ticks[:1], ticks[0] + np.cumsum(steps)]).astype(np.int64)


def rising_stamps(clock: Clock, where: str, zone: str = "", unit: str = "") -> Stamps:
    """Refuse falling times; drop the second of two equal ones if they are few.

    Parameters
    ----------
    clock : Clock
        Times as they were given.
    where : str
        Where they come from, for messages.
    zone, unit : str, optional
        As in `Stamps`.

    Returns
    -------
    Stamps
        Rising times.

    Raises
    ------
    ClockError
        C206, if a time falls, or more than 1 % repeat the one before.
    """
    check_rising(clock, where)
    steps = np.diff(clock.ticks)
    n_equal = int((steps == 0).sum())
    if n_equal > MAX_EQUAL * clock.n:
        row = int(np.flatnonzero(steps == 0)[0]) + 1
        raise ClockError(
            "C206",
            where,
            "times repeat",
            expected=f"at most {MAX_EQUAL:.0%} equal neighbours",
            got=f"{n_equal} of {clock.n}, the first at row {row}",
        )
    kept = np.concatenate([[True], steps > 0]) if n_equal else None
    if kept is not None:
        clock = Clock(clock.ticks[kept], clock.tick, clock.start, clock.source)
    return Stamps(clock, n_equal, zone, unit, kept)


def clock_from_array(seconds: Shaped[np.ndarray, "..."], source: str = "array of seconds") -> Clock:
    """Make a clock of an array of seconds.

    Parameters
    ----------
    seconds : array (row,)
        Times [s]; equal neighbours stay (see `rising_stamps`).
    source : str, optional
        Name for messages.

    Returns
    -------
    Clock
        The times in ticks of 1 ns.

    Raises
    ------
    ClockError
        C206, if the times are not numbers, not finite or fall.
    """
    values = np.asarray(seconds)
    if values.ndim != 1 or values.dtype.kind not in "iuf" or len(values) == 0:
        raise ClockError("C206", source, expected="one row of seconds", got=f"{values.dtype}{values.shape}")
    return Clock.from_seconds(values, source)

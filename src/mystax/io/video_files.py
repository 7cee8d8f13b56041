"""Several files of one camera as one: which belong together, and clocks as plain values."""

import base64
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.typing import Bool, Int64
from mystax.errors import ClockError, ParameterError, RecipeError, VideoError
from mystax.io.video_facts import FileFacts, Scan
from mystax.io.video_parts import Part
from mystax.io.video_pixels import other_range_tag

__all__ = [
    "check_different",
    "check_equal",
    "check_rates",
    "clock_for_frames",
    "clock_from_values",
    "clock_values",
    "format_of",
    "key_frames_of",
    "list_files",
    "part_of",
    "picture_of",
    "thread_count",
]

MAX_THREADS = 8
REOPEN = 15 * 60
"""Seconds of video after which a decoder is opened anew (memory is level from the first time on)."""


def list_files(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files in order, as absolute paths.

    Raises
    ------
    RecipeError
        P403, for no file, or the same one twice.
    """
    many = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [Path(os.path.abspath(path)) for path in many]  # noqa: PTH100 - links stay as they are named
    if not files:
        raise RecipeError("P403", "video", "at least one file is needed")
    for k, path in enumerate(files):
        if path in files[:k]:
            raise RecipeError("P403", str(path), "the same file is given twice")
    return files


def thread_count(threads: int | str) -> int:
    """Return a number of decoder threads: one for each core, at most 8, unless a number is given.

    Raises
    ------
    ParameterError
        P401, for anything else.
    """
    if threads == "auto":
        try:
            cores = len(os.sched_getaffinity(0))
        except AttributeError:  # not on every system
            cores = os.cpu_count() or 1
        return min(cores, MAX_THREADS)
    if not isinstance(threads, int) or threads < 1:
        raise ParameterError("P401", "parameter 'threads'", expected="'auto' or >= 1", got=repr(threads))
    return threads


def format_of(scan: Scan) -> str:
    """Say in words what the header of a file promises: equal words, equal pictures."""
    return f"{scan.picture_size[0]} x {scan.picture_size[1]} pixels of {scan.bits} bits"


def picture_of(facts: FileFacts) -> str:
    """Say in words what the pictures of a file are."""
    rows, columns = facts.shape
    return f"{columns} x {rows} pixels of {facts.plan.bits} bits, {facts.color_range} range"


def check_rates(files: Sequence[FileFacts]) -> None:
    """Refuse consecutive files whose proven rates differ by more than 1e-6 and what stamps can tell.

    Raises
    ------
    VideoError
        V120, naming both files.
    """
    first = files[0].timing
    for facts in files[1:]:
        timing = facts.timing
        if first.period is None or timing.period is None:
            continue
        unsure = sum(float(t.time_base / max(t.last, t.interval, t.time_base)) for t in (first, timing))
        if abs(float(timing.period / first.period) - 1) > 1e-6 + 2 * unsure:
            raise VideoError(
                "V120",
                str(facts.scan.path),
                f"files of one camera differ: this and {files[0].scan.path}",
                expected=f"{float(1 / first.period):.6g} frames/s",
                got=f"{float(1 / timing.period):.6g} frames/s",
                hint="give them as different cameras",
            )


def check_equal(files: Sequence[tuple[Path, str]]) -> None:
    """Refuse consecutive files that differ in what is said of them (depth, size, range).

    Raises
    ------
    VideoError
        V120, naming both files.
    """
    for path, kind in files[1:]:
        if kind != files[0][1]:
            raise VideoError(
                "V120",
                str(path),
                f"files of one camera differ: this and {files[0][0]}",
                expected=files[0][1],
                got=kind,
                hint="give them as different cameras",
            )


def check_different(files: Sequence[FileFacts]) -> None:
    """Refuse the same content twice.

    Raises
    ------
    RecipeError
        P403, naming both files.
    """
    seen: dict[str, Path] = {}
    for facts in files:
        other = seen.setdefault(facts.fingerprint, facts.scan.path)
        if other is not facts.scan.path:
            raise RecipeError("P403", str(facts.scan.path), f"the same file as {other}: given twice")


def part_of(facts: FileFacts, offset: int) -> Part:
    """Return a file as a part of its camera, whose first frame has the number `offset`."""
    interval = float(facts.timing.interval) or 1 / 30
    return Part(
        library=facts.scan.library,
        index=facts.index,
        offset=offset,
        size=facts.size,
        pixel_format=facts.pixel_format,
        plan=facts.plan,
        color_range=facts.color_range,
        other_tag=other_range_tag(facts.color_range, facts.color_range_source, facts.plan),
        rotation=facts.rotation,
        reopen_after=max(1000, round(REOPEN / interval)),
        suspects=facts.suspects,
        check=facts.check,
    )


def key_frames_of(part: Part) -> Int64[np.ndarray, " key"]:
    """Return the numbers of the key frames of a file."""
    index = part.index
    packets = index.keys[index.table.key[index.keys]]
    frames = index.rank[packets]
    return np.asarray(frames[frames >= 0] + part.offset)


def clock_for_frames(
    clock: Clock, no_time: Bool[np.ndarray, " time"] | None, n_frames: int, where: str
) -> Clock:
    """Return a clock with one tick for each frame; frames without a time get one in between, never shown.

    Raises
    ------
    ClockError
        C202, if there are neither as many times as frames, nor as many as frames that have one.
    """
    if clock.n == n_frames:
        return clock
    if no_time is None or clock.n != int((~no_time).sum()) or clock.n < 1:
        raise ClockError(
            "C202", where, "clock and frames differ", expected=f"{n_frames} times", got=f"{clock.n}"
        )
    known = np.flatnonzero(~no_time)
    step = max(1, int(np.median(np.diff(clock.ticks)))) if clock.n > 1 else 1
    place = np.clip(np.searchsorted(known, np.arange(n_frames), "right") - 1, 0, clock.n - 1)
    ticks = clock.ticks[place] + step * (np.arange(n_frames) - known[place])
    return Clock(ticks.astype(np.int64), clock.tick, clock.start, clock.source)


def clock_values(clock: Clock) -> dict[str, Any]:
    """Return a clock as plain values, exact."""
    return {
        "ticks": base64.b64encode(clock.ticks.astype("<i8").tobytes()).decode("ascii"),
        "tick": str(clock.tick),
        "start": str(clock.start),
        "source": clock.source,
        "period": None if clock.period is None else str(clock.period),
    }


def clock_from_values(values: Mapping[str, Any]) -> Clock:
    """Return the clock that `clock_values` described."""
    ticks = np.frombuffer(base64.b64decode(values["ticks"]), "<i8").astype(np.int64)
    period = None if values["period"] is None else Fraction(values["period"])
    return Clock(ticks, Fraction(values["tick"]), Fraction(values["start"]), values["source"], period)

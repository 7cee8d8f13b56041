"""One timeline for several cameras: do they belong together, and which frame goes with which."""

from collections.abc import Collection, Mapping

import numpy as np

from mystax.compute.lag import Lag, find_lag
from mystax.core.clock import Clock, align_times
from mystax.core.recording import Camera, FrameSource, Recording
from mystax.core.typing import Float64, Int64
from mystax.engine.joint import NO_FRAME
from mystax.errors import ClockError

__all__ = ["check_common_time", "motion_of", "propose_offset", "timeline_of"]

MAX_COUNT_SHARE = 1e-3
MAX_RATE_SHARE = 1e-4
MAX_PROPOSAL_FRAMES = 20_000
PROPOSAL_SIDE = 64


def timeline_of(recording: Recording) -> Mapping[str, Int64[np.ndarray, " time"]]:
    """Say for each frame of the reference camera which frame of each camera goes with it.

    Parameters
    ----------
    recording : Recording
        The cameras.

    Returns
    -------
    mapping of str to array (time,)
        Camera to frame numbers; -1 where a camera has no frame within half the reference's median
        interval, or the frame of the reference has no time.
    """
    reference = recording.cameras[recording.reference].video
    wanted = reference.times
    table: dict[str, Int64[np.ndarray, " time"]] = {}
    for name, camera in recording.cameras.items():
        if name == recording.reference:
            table[name] = np.arange(reference.n_frames, dtype=np.int64)
            continue
        # a nearest sample may be half of `max_gap` away
        found = align_times(camera.video.times, wanted, "nearest", reference.clock.interval)
        table[name] = np.where(found.valid, found.index, NO_FRAME).astype(np.int64)
    return table


def check_common_time(
    cameras: Mapping[str, Camera],
    reference: str,
    settled: Collection[str],
    shifted: Collection[str] = (),
    where: str = "recording",
    *,
    propose: bool = True,
) -> None:
    """Refuse cameras whose times cannot be compared.

    Parameters
    ----------
    cameras : mapping of str to Camera
        The cameras.
    reference : str
        The camera to which the others are compared.
    settled : collection of str
        Cameras whose times are those of the session (clock file, events, array).
    shifted : collection of str, optional
        Cameras to which an offset was given: their place is known.
    where : str, optional
        Name of the recording for messages.
    propose : bool, optional
        Decode frames to find the offset that would fit best.

    Raises
    ------
    ClockError
        C201, if only some cameras are on the session's clock, if clocks have nothing in common, or if
        cameras without clocks differ in count (> 0.1 %) or rate (> 1e-4); it proposes an offset.
    """
    first = cameras[reference]
    known = {*settled, *shifted}
    for name, camera in cameras.items():
        if name == reference:
            continue
        is_settled = name in settled, reference in settled
        if {name, reference} <= known or (not any(is_settled) and {name, reference} & known):
            _check_overlap(first, camera, where)
        elif any(is_settled):
            other, bare = (name, reference) if is_settled[0] else (reference, name)
            raise ClockError(
                "C201",
                where,
                f"camera {other!r} has a clock and camera {bare!r} has none",
                expected="a clock or an offset for every camera",
                hint=f"give --clock {bare}=... or --offset {bare}=SECONDS",
            )
        else:
            _check_start(first, camera, where, propose=propose)


def _check_overlap(first: Camera, camera: Camera, where: str) -> None:
    """Refuse clocks that have nothing in common."""
    spans = [_span(item.video.times) for item in (first, camera)]
    if min(spans[0][1], spans[1][1]) < max(spans[0][0], spans[1][0]):
        raise ClockError(
            "C201",
            where,
            f"the clocks of cameras {first.name!r} and {camera.name!r} have nothing in common",
            expected="times that overlap",
            got=f"{spans[0][0]:.3f}..{spans[0][1]:.3f} s and {spans[1][0]:.3f}..{spans[1][1]:.3f} s",
        )


def _span(times: Float64[np.ndarray, " time"]) -> tuple[float, float]:
    known = times[np.isfinite(times)]
    return (float(known[0]), float(known[-1])) if len(known) else (np.inf, -np.inf)


def _rate(clock: Clock) -> float:
    """Return frames per second: proven, else the mean."""
    if clock.period is not None:
        return float(1 / clock.period)
    length = float((int(clock.ticks[-1]) - int(clock.ticks[0])) * clock.tick) if clock.n > 1 else 0.0
    return (clock.n - 1) / length if length > 0 else float("nan")


def _check_start(first: Camera, camera: Camera, where: str, *, propose: bool) -> None:
    """Refuse cameras without clocks that may not have started together."""
    counts = first.video.n_frames, camera.video.n_frames
    rates = _rate(first.clock), _rate(camera.clock)
    same_count = abs(counts[0] - counts[1]) <= max(1.0, MAX_COUNT_SHARE * max(counts))
    same_rate = abs(rates[1] / rates[0] - 1) <= MAX_RATE_SHARE if min(counts) > 1 else True
    if same_count and same_rate:
        return
    spans = [_span(item.video.times) for item in (first, camera)]
    lengths = [span[1] - span[0] for span in spans]
    text = (
        f"{first.name!r}: {counts[0]} frames, {lengths[0]:.3f} s, {rates[0]:.6g} per s;"
        f" {camera.name!r}: {counts[1]} frames, {lengths[1]:.3f} s, {rates[1]:.6g} per s"
    )
    lag = propose_offset(first.video, camera.video) if propose else None
    hint = f"give both a clock, or --offset {camera.name}=SECONDS"
    if lag is not None:
        hint = (
            f"their motion fits best with --offset {camera.name}={lag.seconds:.3f}"
            f" (correlation {lag.correlation:.2f}, {lag.ratio:.1f} times the next best);"
            f" apply it if it is true, or give both a clock"
        )
    raise ClockError(
        "C201",
        where,
        f"cameras {first.name!r} and {camera.name!r} have no common clock and may not have started together",
        expected="equal counts (0.1 %) and rates (1e-4), clocks, or an offset",
        got=text,
        hint=hint,
    )


def propose_offset(first: FrameSource, second: FrameSource) -> Lag | None:
    """Find the shift of the second camera at which the motion of both agrees best.

    Parameters
    ----------
    first, second : FrameSource
        The cameras; their first 20,000 frames are read.

    Returns
    -------
    Lag or None
        Seconds to add to the times of the second camera; None where nothing moves.
    """
    return find_lag(
        first.times[:MAX_PROPOSAL_FRAMES],
        motion_of(first, MAX_PROPOSAL_FRAMES),
        second.times[:MAX_PROPOSAL_FRAMES],
        motion_of(second, MAX_PROPOSAL_FRAMES),
    )


def motion_of(source: FrameSource, n_frames: int) -> Float64[np.ndarray, " time"]:
    """Return the mean absolute difference between frames of a thinned picture [codes]; NaN where unknown."""
    n = min(n_frames, source.n_frames)
    motion = np.full(n, np.nan)
    reader = source.copy()
    down, right = (max(1, size // PROPOSAL_SIDE) for size in source.shape)
    before: np.ndarray | None = None
    was_valid = False
    for chunk in reader.chunks(0, n):
        small = chunk.codes[:, ::down, ::right].astype(np.int32)
        pairs = chunk.pairs()
        change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2))
        motion[chunk.index[1:]] = np.where(pairs[1:], change, np.nan)
        if before is not None and pairs[0] and was_valid:
            motion[chunk.index[0]] = float(np.abs(small[0] - before).mean())
        before, was_valid = small[-1], bool(chunk.valid[-1])
    return motion

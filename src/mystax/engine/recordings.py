"""`mystax.open`: files, folders, NWB files and clocks become a `Recording`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.clock import Clock, as_fraction
from mystax.core.clock_pairing import PairedClock, check_policy, pair_stamps
from mystax.core.quality import Flag
from mystax.core.recording import Camera, FrameSource, Recording
from mystax.engine.cameras import Paths, plan_cameras
from mystax.engine.reclocked import with_times
from mystax.engine.timeline import check_common_time
from mystax.errors import ClockError, ParameterError, RecipeError, VideoError, nearest
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.clock_units import clock_from_array, rising_stamps
from mystax.io.clocks import time_frames
from mystax.io.video_files import clock_from_values, clock_values

if TYPE_CHECKING:
    from mystax.io.nwb.cameras import NwbCamera
else:
    NwbCamera = Any

__all__ = ["ClockLike", "Paths", "clock_camera", "is_settled", "open_recording"]

ClockLike = str | Clock | np.ndarray | Mapping[str, Any]
"""A spec such as ``csv:times.csv``, a clock, or an array of seconds."""
EVERY = ""
"""Key of a setting that belongs to all cameras."""
NO_STAMPS = "V111"
FARTHEST = 10**10
"""Largest offset of a camera [s]: three centuries, more than any clock of a session says."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """What a caller wants for one camera."""

    clock: ClockLike | None = None
    policy: str | None = None
    offset: Fraction | None = None
    damage: str = "mark"
    grey_range: str = "auto"
    starts: tuple[int, ...] = ()


def open_recording(
    paths: Paths,
    clocks: ClockLike | Mapping[str, ClockLike] | None = None,
    *,
    clock_policy: str | Mapping[str, str] | None = None,
    damage: str = "mark",
    grey_range: str = "auto",
    offsets: Mapping[str, float | Fraction | str] | None = None,
    join: bool = False,
    name: str | None = None,
    reference: str | None = None,
) -> Recording:
    """Open the videos of one session.

    Parameters
    ----------
    paths : path, sequence or mapping
        A file (one camera, ``face``); a list of files (one camera, in this order); a mapping from camera
        to file or files; a list of lists (outer consecutive, inner simultaneous: ``camera1``,
        ``camera2``, ...); or a folder whose file names say by words which camera and part they are.
    clocks : str, Clock, array or mapping, optional
        Times of the frames: a spec (``csv:times.csv:time:ms``, ``rate:30000/1001``, ``ttl:...``,
        ``events:...``), a clock, or seconds; for all cameras, or per camera in a mapping.  By default what
        an NWB file says, else the stamps of the video.
    clock_policy : str or mapping, optional
        What to do where a clock file and a video differ in count: ``drop_tail``, ``drop_head``,
        ``counter:COLUMN`` or ``match``; for all cameras or per camera.
    damage : {"mark", "keep", "refuse"}, optional
        What to do with damaged frames.
    grey_range : {"auto", "full", "limited"}, optional
        Range of the stored grey.
    offsets : mapping, optional
        Seconds to add to the times of a camera.
    join : bool, optional
        In a folder, take bare numbers in file names as the order of consecutive files.
    name : str, optional
        Name of the recording; by default that of the file or folder.
    reference : str, optional
        Camera whose frames make the common timeline; by default the first.

    Returns
    -------
    Recording
        Cameras with frames and times.

    Raises
    ------
    RecipeError
        P403, if names do not say what is what, a file is given twice, or a camera is unknown.
    ParameterError
        P401, if a clock spec or policy is not understood, or these are no paths.
    VideoError
        V1xx, if a video cannot be read as asked.
    ClockError
        C201 (cameras without common time), C202 (counts differ), C203, C205, C206 (clock files).
    FormatError
        F802-F804, if an NWB file is refused or names no video.

    Examples
    --------
    >>> recording = open_recording("face.mp4")  # doctest: +SKIP
    >>> recording.video().n_frames  # doctest: +SKIP
    994
    """
    found_name, files, stored = plan_cameras(paths, join=join)
    if reference is not None and reference not in files:
        raise RecipeError("P403", f"reference {reference!r}", f"no such camera{nearest(reference, files)}")
    settings = _settings(files, clocks, clock_policy, offsets, damage, grey_range)
    settings |= {camera: _with_stored(settings[camera], known) for camera, known in stored.items()}
    opened: dict[str, Camera] = {}
    flags: list[Flag] = []
    zones: dict[str, str] = {}
    try:
        for camera, paths_of_camera in files.items():
            source, report, more, zone = _open_camera(paths_of_camera, settings[camera], camera)
            texts = tuple(str(path.absolute()) for path in paths_of_camera)
            opened[camera] = Camera(camera, source, texts, report)
            flags += [_of_camera(flag, camera, len(files)) for flag in more]
            zones[camera] = zone
        _check_twice(opened)
        _check_zones(zones)
        first = reference or next(iter(files))
        settled = [camera for camera, wanted in settings.items() if is_settled(wanted.clock)]
        shifted = [camera for camera, wanted in settings.items() if wanted.offset is not None]
        check_common_time(opened, first, settled, shifted, name or found_name)
    except BaseException:
        for camera_opened in opened.values():
            camera_opened.video.close()
        raise
    request = _request(opened, settings, name or found_name, first)
    return Recording(name or found_name, opened, first, tuple(flags), request)


def _with_stored(wanted: _Settings, known: NwbCamera) -> _Settings:
    """Take the times of an NWB file where no other clock is asked for."""
    if wanted.clock is not None:
        return wanted
    return replace(wanted, clock=known.clock, starts=() if wanted.policy else known.starting_frames)


def _settings(
    files: Mapping[str, Sequence[Path]],
    clocks: ClockLike | Mapping[str, ClockLike] | None,
    policy: str | Mapping[str, str] | None,
    offsets: Mapping[str, float | Fraction | str] | None,
    damage: str,
    grey_range: str,
) -> dict[str, _Settings]:
    """Sort what was asked for by camera, and check it before any file is opened."""
    for what, value, known in (
        ("damage", damage, ("mark", "keep", "refuse")),
        ("grey_range", grey_range, ("auto", "full", "limited")),
    ):
        if value not in known:
            raise ParameterError("P401", f"parameter {what!r}", f"no {value!r}{nearest(value, known)}")
    per_clock = _by_camera(clocks, files, "clock")
    per_policy = _by_camera(policy, files, "clock policy")
    per_offset = _by_camera(offsets or {}, files, "offset")
    if isinstance(clocks, np.ndarray | Clock) and len(files) > 1:
        raise RecipeError("P403", "clocks", "one clock was given for several cameras", hint="give a mapping")
    wanted = {}
    for camera in files:
        clock = per_clock.get(camera)
        if isinstance(clock, str):
            parse_clock_spec(clock)
        check_policy(per_policy.get(camera))
        offset = per_offset.get(camera)
        wanted[camera] = _Settings(
            clock,
            per_policy.get(camera),
            None if offset is None else _seconds(offset, camera),
            damage,
            grey_range,
        )
    return wanted


def _by_camera(given: Any, files: Mapping[str, Sequence[Path]], what: str) -> dict[str, Any]:
    """Return a setting per camera; one without a name belongs to all."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or "ticks" in given:
        return dict.fromkeys(files, given)
    for camera in given:
        if camera not in (*files, EVERY):
            raise RecipeError(
                "P403", f"{what} of camera {camera!r}", f"no such camera{nearest(camera, files)}"
            )
    return {camera: given.get(camera, given.get(EVERY)) for camera in files if {camera, EVERY} & set(given)}


def _seconds(offset: float | Fraction | str, camera: str) -> Fraction:
    refused = ParameterError(
        "P401",
        f"offset of camera {camera!r}",
        expected=f"seconds, at most {FARTHEST:.0e}",
        got=str(offset)[:40],
    )
    try:
        seconds = Fraction(offset) if isinstance(offset, str) else as_fraction(offset)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise refused from error
    if abs(seconds) > FARTHEST:
        raise refused
    return seconds


def is_settled(clock: ClockLike | None) -> bool:
    """Tell whether a clock says where in the session the camera started."""
    if isinstance(clock, str):
        spec = parse_clock_spec(clock)
        return spec.kind not in ("pts", "rate") or clock.count(":") > 1
    return clock is not None


def _open_camera(
    files: Sequence[Path], wanted: _Settings, camera: str
) -> tuple[FrameSource, Mapping[str, object], tuple[Flag, ...], str]:
    """Open the files of one camera and give its frames their times."""
    from mystax.io.video import Video

    spec = parse_clock_spec(wanted.clock) if isinstance(wanted.clock, str) else None
    rate = spec.rate if spec is not None and spec.kind == "rate" else None
    video = Video(
        [str(file) for file in files], rate=rate, damage=wanted.damage, grey_range=wanted.grey_range
    )
    try:
        if wanted.starts:
            from mystax.io.nwb.cameras import check_starts

            check_starts(wanted.starts, [probe.n_frames for probe in video.probes], str(files[0]))
        return clock_camera(video, wanted.clock, wanted.policy, wanted.offset, files)
    except BaseException as error:
        video.close()
        if isinstance(error, ClockError):
            error.where = f"camera {camera!r}, {error.where}"
        raise


def clock_camera(
    source: FrameSource,
    clock: ClockLike | None,
    policy: str | None = None,
    offset: Fraction | None = None,
    files: Sequence[Path] = (),
) -> tuple[FrameSource, Mapping[str, object], tuple[Flag, ...], str]:
    """Give the frames of a camera the times that are asked for.

    Parameters
    ----------
    source : FrameSource
        The frames with their own times.
    clock : str, Clock, array or mapping, or None
        As for `open_recording`; None leaves the source's own times.
    policy : str, optional
        What to do where counts differ.
    offset : Fraction, optional
        Seconds to add.
    files : sequence of Path, optional
        Files of the camera; clock files are looked for in the working folder and beside the first.

    Returns
    -------
    tuple
        Frames, JSON-able report, flags, and ``zoned``, ``naive`` or "" for ISO texts.

    Raises
    ------
    VideoError
        V111, if the source has no times and none are given.
    ClockError
        C202, C203, C205, C206.
    """
    zone = ""
    paired: PairedClock | None = None
    if isinstance(clock, str):
        spec = parse_clock_spec(clock)
        if spec.kind != "pts":
            folders = list(dict.fromkeys([Path.cwd(), *([files[0].absolute().parent] if files else [])]))
            paired, zone = time_frames(spec, folders, source.n_frames, _own_clock(source), policy)
    elif clock is not None:
        given = clock if isinstance(clock, Clock) else _plain_clock(clock)
        stamps = rising_stamps(given, given.source or "clock")
        paired = pair_stamps(stamps.clock, source.n_frames, _own_clock(source), policy, kept=stamps.kept)
        if stamps.n_equal:
            paired = replace(paired, report={**paired.report, "equal_stamps_dropped": stamps.n_equal})
    # times that nobody gives are refused here, not at the first frame
    times = source.clock if paired is None else paired.clock
    report: dict[str, object] = {} if paired is None else dict(paired.report)
    if offset is not None:
        times = times.shifted(offset)
        report["offset"] = float(offset)
    if paired is not None or offset is not None:
        source = with_times(source, times, None if paired is None else paired.no_time)
    return source, report, () if paired is None else paired.flags, zone


def _own_clock(source: FrameSource) -> Clock | None:
    """Return the source's own times; None if it has none, which does not matter beside a clock file."""
    try:
        return source.clock
    except VideoError as error:
        if error.code != NO_STAMPS:
            raise
        return None


def _plain_clock(clock: np.ndarray | Mapping[str, Any]) -> Clock:
    """Make a clock of an array of seconds, or of the plain values of `Recording.request`."""
    if not isinstance(clock, Mapping):
        return clock_from_array(clock)
    return clock_from_values(clock)


def _of_camera(flag: Flag, camera: str, n_cameras: int) -> Flag:
    return replace(flag, text=f"camera {camera}: {flag.text}") if n_cameras > 1 else flag


def _check_twice(cameras: Mapping[str, Camera]) -> None:
    """Refuse one file (by content) in two cameras."""
    seen: dict[str, tuple[str, str]] = {}
    for name, camera in cameras.items():
        for file, mark in zip(camera.files, camera.video.identity, strict=False):
            if mark in seen and seen[mark][0] != name:
                other = seen[mark]
                raise RecipeError(
                    "P403",
                    f"cameras {other[0]!r} and {name!r}",
                    "the same video is given twice",
                    got=f"{other[1]} and {file}",
                )
            seen[mark] = (name, file)


def _check_zones(zones: Mapping[str, str]) -> None:
    """Refuse ISO clocks with a zone beside ones without."""
    zoned = [camera for camera, zone in zones.items() if zone == "zoned"]
    naive = [camera for camera, zone in zones.items() if zone == "naive"]
    if zoned and naive:
        raise ClockError(
            "C206",
            f"cameras {zoned[0]!r} and {naive[0]!r}",
            "one clock file states a time zone and the other does not",
            expected="all with a zone, or none",
        )


def _request(
    cameras: Mapping[str, Camera], settings: Mapping[str, _Settings], name: str, reference: str
) -> dict[str, object]:
    """Return plain arguments that open the same recording again."""
    first = next(iter(settings.values()))
    clocks: dict[str, object] = {}
    for camera, wanted in settings.items():
        if isinstance(wanted.clock, str):
            clocks[camera] = wanted.clock
        elif wanted.clock is not None:
            clock = wanted.clock if isinstance(wanted.clock, Clock) else _plain_clock(wanted.clock)
            clocks[camera] = clock_values(clock)
    return {
        "paths": {name: list(camera.files) for name, camera in cameras.items()},
        "clocks": clocks or None,
        "clock_policy": {name: item.policy for name, item in settings.items() if item.policy} or None,
        "damage": first.damage,
        "grey_range": first.grey_range,
        "offsets": {name: str(item.offset) for name, item in settings.items() if item.offset is not None}
        or None,
        "name": name,
        "reference": reference,
    }

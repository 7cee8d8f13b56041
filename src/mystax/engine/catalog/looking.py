"""Looking at the videos of a recording without decoding them: probes, clocks, remarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from mystax.core.clock import clock_id
from mystax.core.recording import Camera
from mystax.engine.catalog.flags import Remark, remark_of_error, remark_of_flag
from mystax.engine.recordings import clock_camera, is_settled
from mystax.engine.timeline import check_common_time
from mystax.errors import ClockError, MystaxError, VideoError
from mystax.io.clock_specs import parse_clock_spec
from mystax.io.clocks import find_file

if TYPE_CHECKING:
    from mystax.io.video_facts import Probe

__all__ = ["CameraFacts", "ClockWish", "VideoFacts", "clock_files", "look_at_recording"]


@dataclass(frozen=True, slots=True)
class ClockWish:
    """The clock that somebody named for a camera.

    Attributes
    ----------
    spec : str
        As for `mystax.open`; "" for the stamps of the video.
    policy : str
        What to do where counts differ; "" to refuse.
    offset : str
        Seconds to add; "" for none.
    """

    spec: str = ""
    policy: str = ""
    offset: str = ""

    @property
    def shift(self) -> Fraction | None:
        """The offset as a number [s]."""
        return Fraction(self.offset) if self.offset else None

    @property
    def rate(self) -> Fraction | None:
        """The rate of a spec ``rate:``."""
        spec = parse_clock_spec(self.spec) if self.spec else None
        return spec.rate if spec is not None and spec.kind == "rate" else None

    def as_dict(self) -> dict[str, str]:
        """Return the JSON object of the wish: only what is not the default."""
        values = {"spec": self.spec, "policy": self.policy, "offset": self.offset}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "ClockWish":
        """Make a wish of the JSON object of the column `camera.clock`."""
        return cls(*(str(values.get(name) or "") for name in ("spec", "policy", "offset")))


@dataclass(frozen=True)
class VideoFacts:
    """What is known of one file.

    Attributes
    ----------
    path : Path
        The file.
    size, mtime_ns : int
        As they were when it was looked at [bytes, ns].
    quick_id : str
        Its fingerprint; "" if it could not be read.
    probe : Probe or None
        What the reader says; None if it refused the file.
    """

    path: Path
    size: int
    mtime_ns: int
    quick_id: str
    probe: "Probe | None" = None


@dataclass(frozen=True)
class CameraFacts:
    """What is known of one camera.

    Attributes
    ----------
    name : str
        The camera.
    videos : tuple of VideoFacts
        Its files in order.
    clock_id : str
        Fingerprint of its times; "" if it has none.
    n_frames : int
        Frames of all files.
    report : mapping
        How its times were made.
    remarks : tuple of Remark
        On the camera and its files.
    changed : bool
        Whether a file changed while it was looked at.
    is_stored : bool
        Whether nobody could look at it, and all this is what the catalogue has.
    """

    name: str
    videos: tuple[VideoFacts, ...]
    clock_id: str = ""
    n_frames: int = 0
    report: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    changed: bool = False
    is_stored: bool = False


def look_at_recording(
    cameras: Mapping[str, Sequence[Path]], clocks: Mapping[str, ClockWish], where: str
) -> tuple[list[CameraFacts], list[Remark]]:
    """Look at all cameras of a recording.

    Parameters
    ----------
    cameras : mapping of str to sequence of Path
        Camera to files in order.
    clocks : mapping of str to ClockWish
        Camera to the clock that is wanted; the stamps of the video where there is none.
    where : str
        The recording, for messages.

    Returns
    -------
    tuple
        Facts of the cameras, and remarks on how they fit together.  Whatever a reader refuses is a remark.
    """
    found: list[CameraFacts] = []
    opened: dict[str, Camera] = {}
    zones: dict[str, str] = {}
    try:
        for name, files in cameras.items():
            facts, camera, zone = _look_at_camera(name, files, clocks.get(name, ClockWish()))
            found.append(facts)
            if camera is not None:
                opened[name], zones[name] = camera, zone
        return found, _together(opened, zones, clocks, where)
    finally:
        for camera in opened.values():
            camera.video.close()


def _together(
    opened: Mapping[str, Camera], zones: Mapping[str, str], clocks: Mapping[str, ClockWish], where: str
) -> list[Remark]:
    """Say whether the cameras have a common time."""
    if len(opened) < 2:
        return []
    settled = [name for name in opened if name in clocks and is_settled(clocks[name].spec or None)]
    shifted = [name for name in opened if name in clocks and clocks[name].offset]
    try:
        if {"zoned", "naive"} <= set(zones.values()):
            raise ClockError("C206", where, expected="clock files that all name a time zone, or none")
        check_common_time(opened, next(iter(opened)), settled, shifted, where, propose=False)
    except ClockError as error:
        return [remark_of_error(error)]
    return []


def _look_at_camera(
    name: str, files: Sequence[Path], wish: ClockWish
) -> tuple[CameraFacts, Camera | None, str]:
    """Look at one camera; the opened camera is None where something refuses it."""
    from mystax.io.video import Video

    states = [_state_of(file) for file in files]
    try:
        video = Video([str(file) for file in files], rate=wish.rate, threads=1)
    except MystaxError as error:
        looked, refused = _look_at_files(name, files, states, error)
        return CameraFacts(name, looked, remarks=refused, changed=_changed(files, states)), None, ""
    probes = video.probes
    videos = tuple(
        VideoFacts(file, *state, probe.fingerprint, probe)
        for file, state, probe in zip(files, states, probes, strict=True)
    )
    remarks = [
        remark_of_flag(flag, name, str(file))
        for file, probe in zip(files, probes, strict=True)
        for flag in probe.flags
    ]
    remarks += [remark_of_flag(flag, name) for flag in video.flags if flag.code == "V121"]
    try:
        if not wish.spec:
            _ = video.clock  # none of its own is refused here, before anybody looks at the times
        source, report, flags, zone = clock_camera(
            video, wish.spec or None, wish.policy or None, wish.shift, files
        )
    except MystaxError as error:
        video.close()
        about = str(files[0]) if isinstance(error, VideoError) and len(files) == 1 else ""
        remarks.append(remark_of_error(error, name, about))
        n_frames, changed = video.n_frames, _changed(files, states)
        return CameraFacts(name, videos, "", n_frames, {}, tuple(remarks), changed), None, ""
    remarks += [remark_of_flag(flag, name) for flag in flags]
    facts = CameraFacts(
        name,
        videos,
        clock_id(source.clock),
        source.n_frames,
        report,
        tuple(remarks),
        _changed(files, states),
    )
    return facts, Camera(name, source, tuple(map(str, files)), report), zone


def _look_at_files(
    camera: str, files: Sequence[Path], states: Sequence[tuple[int, int]], error: MystaxError
) -> tuple[tuple[VideoFacts, ...], tuple[Remark, ...]]:
    """Look at the files of a camera one by one, to say which of them is refused."""
    from mystax.io.fingerprint import quick_id
    from mystax.io.video import Video

    videos: list[VideoFacts] = []
    remarks: list[Remark] = []
    refused = False
    for file, state in zip(files, states, strict=True):
        probe = None
        try:
            mark = quick_id(file)
            if len(files) > 1:
                video = Video(str(file), threads=1)
                probe = video.probe()
                remarks += [remark_of_flag(flag, camera, str(file)) for flag in probe.flags]
                video.close()
        except MystaxError as own:
            refused = True
            remarks.append(remark_of_error(own, camera, str(file)))
        except OSError as own:
            mark, refused = "", True
            failed = VideoError("V131", str(file), got=own.strerror or str(own))
            remarks.append(remark_of_error(failed, camera, str(file)))
        videos.append(VideoFacts(file, *state, mark, probe))
    if not refused:
        remarks.append(remark_of_error(error, camera, str(files[0]) if len(files) == 1 else ""))
    return tuple(videos), tuple(remarks)


def _state_of(file: Path) -> tuple[int, int]:
    try:
        state = file.stat()
    except OSError:
        return -1, -1
    return state.st_size, state.st_mtime_ns


def _changed(files: Sequence[Path], states: Sequence[tuple[int, int]]) -> bool:
    return any(_state_of(file) != state for file, state in zip(files, states, strict=True))


def clock_files(wish: ClockWish, folders: Sequence[Path]) -> list[Path]:
    """Return the files that a clock is read from; those that are not clear are left out."""
    if not wish.spec:
        return []
    spec = parse_clock_spec(wish.spec)
    found = []
    for name in (spec.file, spec.session_file):
        if name:
            try:
                found.append(find_file(name, folders))
            except ClockError:
                continue  # the clock itself was refused with this error, and that is a remark
    return found

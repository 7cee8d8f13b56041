"""Cameras out of an NWB file: the videos that it names as external files, and the times of their frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from mystax.core.clock import Clock, as_fraction
from mystax.core.safe_names import is_there
from mystax.errors import ClockError, FormatError, RecipeError
from mystax.io.clock_units import clock_from_array
from mystax.io.foreign import read_foreign
from mystax.io.names import DEFAULT_CAMERA
from mystax.io.nwb.reader import MEMORY, SECONDS

__all__ = ["NwbCamera", "check_starts", "rational_rate", "read_cameras"]

PREFIX, ONLY = "video_", "camera"
"""How `mystax export` calls the video of a camera, and the only camera among them."""
DENOMINATORS = (1, 1001, 10**6)
"""Largest denominators that are tried for a rate, in this order: 30, 30000/1001, any."""


@dataclass(frozen=True, eq=False, slots=True)
class NwbCamera:
    """The videos of one camera.

    Attributes
    ----------
    name : str
        That of the series, without a leading ``video_``.
    files : tuple of Path
        In order; all are there.
    starting_frames : tuple of int
        First frame of each file; empty if the NWB file does not say.
    clock : Clock, str or None
        Times of the frames, session clock; the spec of a rate, if the number of frames is not told; None if
        the stamps of the videos are all that there is.
    """

    name: str
    files: tuple[Path, ...]
    starting_frames: tuple[int, ...]
    clock: Clock | str | None


def read_cameras(path: Path | str) -> list[NwbCamera]:
    """Read which cameras an NWB file names: every `ImageSeries` with external files.

    Pictures that were shown to the subject (``/stimulus``) are none.

    Parameters
    ----------
    path : path
        The file; relative names of videos start at its folder.

    Returns
    -------
    list of NwbCamera
        In order of their places in the file.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused, names no video, or says impossible things of its videos.
    RecipeError
        P403, if a video is not there.
    ClockError
        C206, if times or rate are no clock.
    """
    place = Path(path)
    found = read_foreign(place, "nwb_videos", memory=MEMORY, seconds=SECONDS)
    videos = sorted(found["videos"], key=lambda video: str(video["place"]))
    if not videos:
        inside = f"; the pictures of {found['inside'][0]} lie in the file itself" if found["inside"] else ""
        raise FormatError(
            "F804",
            place.name,
            f"this NWB file names no video{inside}",
            expected="an ImageSeries with external_file",
            got=", ".join(found["kinds"][:12]) or "nothing",
            hint="mystax import reads poses, pupils and states",
        )
    names = _names(videos)
    return [_camera(name, video, place) for name, video in zip(names, videos, strict=True)]


def _names(videos: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the cameras: by their series, or by its whole place where two have one name."""
    plain = [_plain(str(video["name"])) for video in videos]
    return [
        name if plain.count(name) == 1 else str(video["place"]).strip("/").replace("/", "-")
        for name, video in zip(plain, videos, strict=True)
    ]


def _plain(name: str) -> str:
    short = name.removeprefix(PREFIX) or name
    return DEFAULT_CAMERA if name.startswith(PREFIX) and short == ONLY else short


def _camera(name: str, video: Mapping[str, Any], path: Path) -> NwbCamera:
    where = f"{path.name}:{video['place']}"
    starts = tuple(video["starting_frames"] or ())
    n_files = len(video["files"])
    if starts and (len(starts) != n_files or starts[0] != 0 or not bool(np.all(np.diff(starts) > 0))):
        raise FormatError(
            "F804",
            where,
            "starting_frame does not say with which frame each file begins",
            expected=f"{n_files} rising numbers from 0",
            got=", ".join(map(str, starts[:8])),
            hint="open the videos by themselves, in their order: mystax run --join",
        )
    files = tuple(_file(str(file), path, where) for file in video["files"])
    return NwbCamera(name, files, starts, _clock(video, where))


def _file(name: str, path: Path, where: str) -> Path:
    """Find a video: under its name, which starts at the folder of the NWB file, or else beside that file.

    Raises
    ------
    FormatError
        F803, if the name is an address in a network.
    RecipeError
        P403, if there is no such file.
    """
    if "://" in name:
        raise FormatError(
            "F803",
            where,
            "the video lies in a network, and nothing is fetched from there",
            expected="a path",
            got=name[:200],
            hint="fetch it, and put it beside the NWB file",
        )
    folder, told = path.absolute().parent, PureWindowsPath(name)  # reads both kinds of separators
    places = dict.fromkeys((folder / name, folder / told.as_posix(), folder / told.name))
    found = next((place for place in places if is_there(place)), None)
    if found is None:
        raise RecipeError(
            "P403",
            where,
            f"the video {name} is not there",
            expected=" or ".join(map(str, places)),
            got="no such file",
            hint="put it there",
        )
    return found.parent.resolve() / found.name  # without `..`; a link to a video keeps its name


def _clock(video: Mapping[str, Any], where: str) -> Clock | str | None:
    if video["times"] is not None:
        return clock_from_array(video["times"], f"{where}/timestamps")
    if video["rate"] is None:
        return None
    rate, start = video["rate"], float(video["start"])
    if not (np.isfinite(rate) and rate > 0 and np.isfinite(start)):
        got = f"{start:g} s and {float(rate):g} Hz"
        raise ClockError("C206", where, expected="a start, and a rate above 0", got=got)
    exact, first = rational_rate(rate), as_fraction(start)
    if video["n_frames"] is None:
        return f"rate:{exact}:{first}"
    return Clock.from_rate(exact, int(video["n_frames"]), first, where)


def rational_rate(rate: float | np.floating[Any]) -> Fraction:
    """Return the rate that a number of its precision stands for.

    Parameters
    ----------
    rate : float, float32 or float64
        Frames per second, above 0.

    Returns
    -------
    Fraction
        The simplest of the usual forms (30, 30000/1001, any) that is stored as this number.

    Examples
    --------
    >>> rational_rate(29.97002997002997), rational_rate(np.float32(30000 / 1001)), rational_rate(12.5)
    (Fraction(30000, 1001), Fraction(30000, 1001), Fraction(25, 2))
    """
    kind, whole = np.asarray(rate).dtype.type, Fraction(float(rate))
    for limit in DENOMINATORS:
        short = whole.limit_denominator(limit)
        if kind(float(short)) == rate:
            return short
    return whole


def check_starts(starts: Sequence[int], n_frames: Sequence[int], where: str) -> None:
    """Refuse files that do not hold the frames that the NWB file says: the times would be of other frames.

    Parameters
    ----------
    starts : sequence of int
        First frame of each file, as the NWB file says; empty if it does not.
    n_frames : sequence of int
        Frames of each file.
    where : str
        The first video, for the message.

    Raises
    ------
    ClockError
        C202, if a file begins with another frame.
    """
    total = 0
    for number, (start, n) in enumerate(zip(starts, n_frames, strict=False)):
        if start != total:
            raise ClockError(
                "C202",
                where,
                f"file {number + 1} does not begin with the frame that the NWB file says",
                expected=f"{start} frames in the {number} before it",
                got=str(total),
                hint="say how frames and times go together by --clock-policy (drop_tail, drop_head, match)",
            )
        total += n

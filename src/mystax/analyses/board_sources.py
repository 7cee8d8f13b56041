"""Where boards are looked for: pictures or video of each camera, and which pictures belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.typing import Float64
from mystax.errors import RecipeError

__all__ = ["Looks", "board_sources", "looks_of", "match_looks"]


@dataclass(frozen=True, slots=True)
class Looks:
    """What a camera offers: pictures by the number of the view, or a video to look into.

    `is_ranked` says that names hold no such numbers: pictures are numbered in their order.
    """

    name: str
    pictures: Mapping[int, Path]
    video: Any = None
    file: Path | None = None
    times: Float64[np.ndarray, " time"] | None = None
    is_ranked: bool = False


def board_sources(paths: Sequence[str | Path]) -> dict[str, list[Path] | Path]:
    """Group files and folders of a command line into cameras.

    Parameters
    ----------
    paths : sequence of paths
        Videos or folders, one per camera; or pictures such as ``left01.jpg``, ``right01.jpg``; or a
        folder of such pictures.

    Returns
    -------
    dict
        Name of the camera to its video, its folder or its pictures.

    Raises
    ------
    RecipeError
        P403, if a path is not there or two cameras have one name.
    """
    from mystax.io.stills import is_still

    places = [Path(path) for path in paths]
    for place in places:
        if not place.exists():
            raise RecipeError("P403", str(place), "there is no such video, picture or folder")
    if len(places) == 1 and places[0].is_dir():
        pictures = sorted(path for path in places[0].iterdir() if is_still(path))
        groups = _by_stem(pictures)
        if len(groups) > 1:
            return dict(groups)
    if places and all(place.is_file() and is_still(place) for place in places):
        return dict(_by_stem(places))
    found: dict[str, list[Path] | Path] = {}
    for place in places:
        name = place.stem if place.is_file() else place.resolve().name
        if place.is_dir() and name.lower().replace("-", "_") in (
            "calibration_images",
            "calibration",
            "board",
            "images",
        ):
            name = place.resolve().parent.name
        if name in found:
            raise RecipeError(
                "P403", str(place), f"two cameras are called {name!r}", hint="--camera NAME=PATH"
            )
        found[name] = place
    return found


def _by_stem(pictures: Sequence[Path]) -> dict[str, list[Path]]:
    """Group pictures by their names without the number at the end."""
    groups: dict[str, list[Path]] = {}
    for path in pictures:
        name = re.sub(r"[\s_.-]*\d+$", "", path.stem) or "camera"
        groups.setdefault(name, []).append(path)
    return groups


def looks_of(name: str, source: Any, clock: Any = None) -> Looks:
    """Open what a camera offers.

    Parameters
    ----------
    name : str
        The camera.
    source : path, or list of paths
        Its video, its folder of pictures, or its pictures.
    clock : Clock or array (time,), optional
        Times of the frames of its video [s]; by default those of the video.

    Raises
    ------
    RecipeError
        P403, if a folder holds no picture, or times are given for pictures.
    ClockError
        C202, C206, if the times are not one rising time for each frame.
    """
    from mystax.io.stills import is_still

    is_video = not isinstance(source, list | tuple) and not Path(source).is_dir()
    if clock is not None and not (is_video and not is_still(Path(source))):
        raise RecipeError(
            "P403", f"clock of camera {name!r}", "it offers pictures, which have no times", expected="a video"
        )
    if isinstance(source, list | tuple):
        return _numbered(name, [Path(item) for item in source])
    place = Path(source)
    if place.is_dir():
        found = sorted((path for path in place.iterdir() if is_still(path)), key=_natural)
        if not found:
            raise RecipeError("P403", str(place), "there is no picture in this folder")
        return _numbered(name, found)
    if is_still(place):
        return _numbered(name, [place])
    from mystax.io.clock_units import clock_from_array, rising_stamps
    from mystax.io.video import Video

    given = clock
    if given is not None:
        where = f"clock of {name}"
        stamps = given if isinstance(given, Clock) else clock_from_array(np.asarray(given), where)
        given = rising_stamps(stamps, where).clock
    video = Video([place], clock=given)
    return Looks(name, {}, video, place, video.times)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts picture 2 before picture 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _numbered(name: str, paths: Sequence[Path]) -> Looks:
    """Give each picture of a camera the number at the end of its name; its rank where that is not unique."""
    numbers = [re.search(r"(\d+)$", path.stem) for path in paths]
    values = [int(match[1]) if match else -1 for match in numbers]
    is_ranked = -1 in values or len(set(values)) != len(values)
    if is_ranked:
        values = list(range(len(paths)))
    return Looks(name, dict(zip(values, paths, strict=True)), is_ranked=is_ranked)


def match_looks(looks: Sequence[Looks]) -> list[int]:
    """Return the numbers of the views: equal numbers belong together, else order if the counts are equal."""
    sets = [set(item.pictures) for item in looks]
    common = set.intersection(*sets)
    counts = {len(item.pictures) for item in looks}
    # the place of a picture is no number of a view: another camera may begin with 1, or lack a picture
    if len(looks) == 1 or (common and not any(item.is_ranked for item in looks)):
        return sorted(set.union(*sets))
    if len(counts) == 1:
        return []  # by order
    raise RecipeError(
        "P403",
        "pictures of the board",
        "they cannot be matched between cameras",
        expected="equal numbers at the end of the names, or as many pictures of each camera",
        got="; ".join(
            f"{item.name}: {len(item.pictures)} ({', '.join(p.name for p in [*item.pictures.values()][:3])})"
            for item in looks
        ),
    )

"""Recordings of a project of Anipose: tracks, videos and rigs in the folders beside `config.toml`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mystax.errors import RecipeError
from mystax.io.formats.anipose_project import DEEPEST, AniposeProject
from mystax.io.names import VIDEO_SUFFIXES

__all__ = ["AniposeTrial", "anipose_trials"]

RIG = "calibration.toml"


@dataclass(frozen=True, slots=True)
class AniposeTrial:
    """The tracks of one recording.

    Attributes
    ----------
    session : Path
        Folder of its session.
    name : str
        Its name: that of its files without the camera.
    tracks, videos : mapping of str to Path
        Camera to its table of points, and to its video where that is there.
    rig : Path, optional
        The calibrated cameras; None where there are none.
    place : Path
        Where the rig is, or is expected.
    board_videos : mapping of str to Path
        Camera to the video of the board.
    """

    session: Path
    name: str
    tracks: Mapping[str, Path]
    videos: Mapping[str, Path]
    rig: Path | None
    place: Path
    board_videos: Mapping[str, Path]


def anipose_trials(project: AniposeProject) -> list[AniposeTrial]:
    """Find the recordings of a project that have tracks.

    Parameters
    ----------
    project : AniposeProject
        The project.

    Returns
    -------
    list of AniposeTrial
        In the order of their names.

    Raises
    ------
    RecipeError
        P403, if there are none, or two tracks are of one camera; it says what was looked for.
    """
    found: list[AniposeTrial] = []
    sessions = list(_sessions(project))
    for session in sessions:
        tracks = _by_name(project, _tracks_in(project, session))
        videos = _by_name(project, _files(session / project.folders["videos_raw"], VIDEO_SUFFIXES))
        rig, place, shown = _calibration(project, session)
        found += [
            AniposeTrial(session, name, tracks[name], videos.get(name, {}), rig, place, shown)
            for name in sorted(tracks, key=_natural)
        ]
    if not found:
        depth = f"{project.nesting} deep" if project.nesting >= 0 else "below it"
        wanted = project.folders["pose_2d"]
        raise RecipeError(
            "P403",
            str(project.folder),
            "the project holds no tracks",
            expected=f"sessions ({depth}) with {wanted}/*.h5 whose names fit {project.camera.pattern!r}",
            got=f"{len(sessions)} folders without",
            hint="`anipose analyze` makes them, or put DeepLabCut's .h5 there",
        )
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _sessions(project: AniposeProject) -> Iterator[Path]:
    if project.nesting == 0:
        yield project.folder
        return

    def below(folder: Path, depth: int) -> Iterator[Path]:
        for child in sorted(item for item in folder.iterdir() if item.is_dir() and item.name[:1] != "."):
            if project.nesting < 0 or depth == project.nesting:
                yield child
            if depth < (project.nesting if project.nesting > 0 else DEEPEST):
                yield from below(child, depth + 1)

    yield from below(project.folder, 1)


def _files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.name[:1] != "."
    )


def _tracks_in(project: AniposeProject, session: Path) -> list[Path]:
    """List the tables of a session: filtered ones where the project wants them and they are there."""
    wanted = ["pose_2d_filter", "pose_2d"] if project.is_filtered else ["pose_2d"]
    for key in wanted:
        files = _files(session / project.folders[key], frozenset({".h5"}))
        if files:
            return files
    return []


def _by_name(project: AniposeProject, files: Sequence[Path]) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for path in files:
        words = project.split(path)
        if words is None:
            continue
        cameras = found.setdefault(words[0], {})
        if words[1] in cameras:
            raise RecipeError(
                "P403",
                str(path.parent),
                f"{cameras[words[1]].name!r} and {path.name!r} are both camera {words[1]!r} of {words[0]!r}",
                expected=f"one file per camera (cam_regex {project.camera.pattern!r})",
            )
        cameras[words[1]] = path
    return found


def _calibration(project: AniposeProject, session: Path) -> tuple[Path | None, Path, dict[str, Path]]:
    """Return the rig of a session, the place where it belongs, and the videos of the board there.

    The folder of calibration nearest to the session counts, up to the project's own.
    """
    videos, results = project.folders["calibration_videos"], project.folders["calibration_results"]
    above = [session, *session.parents]
    for folder in above[: above.index(project.folder) + 1]:
        if (folder / videos).is_dir() or (folder / results / RIG).is_file():
            place = folder / results / RIG
            shown = {
                words[1]: path
                for path in _files(folder / videos, VIDEO_SUFFIXES)
                if (words := project.split(path)) is not None
            }
            return (place if place.is_file() else None), place, shown
    return None, session / results / RIG, {}

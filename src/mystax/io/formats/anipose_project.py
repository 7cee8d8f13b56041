"""Anipose's project: what its `config.toml` says.

Facts about the layout are those of Anipose's documentation (Karashchuk 2021,
doi:10.1016/j.celrep.2021.109730).
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from mystax.core.board import board_from_text
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.formats.texts import read_text

__all__ = ["DEEPEST", "AniposeProject", "find_anipose_project", "read_anipose_project"]

CONFIG = "config.toml"
DEEPEST = 6
"""Folders below the project that are looked into where it does not say how deep sessions lie."""
LONGEST_PATTERN = 200
ENDLESS = re.compile(r"\([^()]*[*+}][^()]*\)\s*[*+{]")
"""A repeated group that repeats inside: such a pattern may take for ever on a name that does not fit."""
FOLDERS = {
    "videos_raw": "videos-raw",
    "pose_2d": "pose-2d",
    "pose_2d_filter": "pose-2d-filtered",
    "calibration_videos": "calibration",
    "calibration_results": "calibration",
}
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class AniposeProject:
    """What a project says, as far as it matters here.

    Attributes
    ----------
    folder : Path
        Where it lies.
    board : str
        The board as ``--board`` takes it; empty where there is none that is known.
    min_score : float, optional
        Score below which points are left out.
    axes : mapping of str to pair of str
        Axis to the points from and to which it runs.
    origin : str
        The reference point; empty without.
    limbs, edges : tuple of pairs of str
        Points of constant distance, and lines to draw.
    angles : mapping of str to three names
        Angles at the second point.
    left_out : tuple of str
        What is not taken over, in words.
    camera : pattern
        Finds the camera in the name of a file, as its first group.
    crops : mapping of str to pair of float
        Camera to the place of its pictures in the calibrated ones [px].
    nesting : int
        How deep sessions lie below the project; negative: anywhere.
    folders : mapping of str to str
        Names of folders in a session.
    is_filtered : bool
        Whether filtered tracks are those to use.
    """

    folder: Path
    board: str
    min_score: float | None
    axes: Mapping[str, Pair]
    origin: str
    limbs: tuple[Pair, ...]
    edges: tuple[Pair, ...]
    angles: Mapping[str, tuple[str, str, str]]
    left_out: tuple[str, ...]
    camera: re.Pattern[str]
    crops: Mapping[str, tuple[float, float]]
    nesting: int
    folders: Mapping[str, str]
    is_filtered: bool

    def split(self, path: Path) -> Pair | None:
        """Return the name of a recording and the camera that a file's name tells; None without a camera."""
        found = self.camera.search(path.stem)
        if found is None or not (found[1] or "").strip():
            return None
        return self.camera.sub("", path.stem).strip(), found[1].strip()


def find_anipose_project(path: str | Path) -> Path | None:
    """Return the `config.toml` that a path means: itself, or that of a folder; None where there is none."""
    place = Path(path)
    if place.is_dir():
        place = place / CONFIG
    return place if place.suffix.lower() == ".toml" and place.is_file() else None


class _Table:
    """A table of the file, whose entries are checked as they are taken."""

    def __init__(self, document: Mapping[str, Any], name: str, where: str) -> None:
        found = document if not name else document.get(name, {})
        self.where = f"{where}: [{name}]" if name else where
        if not isinstance(found, dict):
            raise FormatError("F804", self.where, expected="a table", got=repr(found)[:60])
        self.entries: dict[str, Any] = found

    def refused(self, key: str, expected: str) -> FormatError:
        return FormatError(
            "F804", f"{self.where} {key}", expected=expected, got=repr(self.entries.get(key))[:60]
        )

    def text(self, key: str, usual: str = "") -> str:
        value = self.entries.get(key, usual)
        if not isinstance(value, str):
            raise self.refused(key, "a text")
        return value

    def flag(self, key: str) -> bool:
        value = self.entries.get(key, False)
        if not isinstance(value, bool):
            raise self.refused(key, "true or false")
        return value

    def number(self, key: str) -> float | None:
        value = self.entries.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refused(key, "a number")
        return float(value)

    def names(self, key: str, n: int | None) -> list[tuple[str, ...]]:
        """Return a list of lists of names, each of `n`."""
        value = self.entries.get(key, [])
        is_list = isinstance(value, list) and all(
            isinstance(item, list)
            and all(isinstance(one, str) for one in item)
            and (n is None or len(item) == n)
            for item in value
        )
        if not is_list:
            raise self.refused(key, f"lists of {n or 'two or more'} names")
        return [tuple(item) for item in value]


def read_anipose_project(path: str | Path) -> AniposeProject:
    """Read the `config.toml` of a project.

    Parameters
    ----------
    path : path
        The file, or the folder that holds it.

    Returns
    -------
    AniposeProject
        Board, score, axes, limbs, lines, angles, crops, and how its folders are laid out.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F804, if it is no project, or an entry is not understood.
    """
    place = find_anipose_project(path)
    if place is None:
        raise RecipeError(
            "P403", str(path), "there is no project of Anipose", expected=f"a folder with {CONFIG}"
        )
    where = place.name
    try:
        document = tomllib.loads(read_text(place))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError("F804", where, f"the file is not valid TOML ({error})") from error
    triangulation = _Table(document, "triangulation", where)
    pipeline = _Table(document, "pipeline", where)
    left_out: list[str] = []
    angles = _angles(_Table(document, "angles", where), left_out)
    axes = _axes(triangulation)
    origin = triangulation.text("reference_point")
    if origin and not axes:
        left_out.append("reference_point: it goes with axes, and there are none")
    return AniposeProject(
        place.parent,
        _board(_Table(document, "calibration", where), left_out),
        triangulation.number("score_threshold"),
        axes,
        origin if axes else "",
        _pairs(triangulation.names("constraints", 2) + triangulation.names("constraints_weak", 2)),
        _pairs(
            [
                pair
                for chain in _Table(document, "labeling", where).names("scheme", None)
                for pair in pairwise(chain)
            ]
        ),
        angles,
        tuple(left_out),
        _pattern(triangulation),
        _crops(document, where),
        _nesting(_Table(document, "", where)),
        {key: _folder(pipeline, key, usual) for key, usual in FOLDERS.items()},
        _Table(document, "filter", where).flag("enabled"),
    )


def _pairs(chains: Sequence[tuple[str, ...]]) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys((a, b) for a, b in chains if a != b))


def _folder(table: _Table, key: str, usual: str) -> str:
    name = table.text(key, usual)
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        raise table.refused(key, "a folder below that of a session")
    return name


def _nesting(table: _Table) -> int:
    value = table.number("nesting")
    if value is None:
        return -1
    if value != int(value) or value > DEEPEST:
        raise table.refused("nesting", f"a whole number up to {DEEPEST}")
    return int(value)


def _pattern(table: _Table) -> re.Pattern[str]:
    text = table.text("cam_regex")
    if not text:
        raise FormatError(
            "F804",
            table.where,
            "nothing says which camera a file is of",
            expected="cam_regex, such as 'cam([0-9])': the group is the camera",
            got="none",
        )
    try:
        found = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise FormatError(
            "F804", f"{table.where} cam_regex", f"it is no pattern ({error})", got=text[:60]
        ) from error
    if found.groups < 1 or len(text) > LONGEST_PATTERN or ENDLESS.search(text):
        raise table.refused(
            "cam_regex", "a plain pattern with the camera in parentheses, such as 'cam([0-9])'"
        )
    return found


def _axes(table: _Table) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for axis, start, stop in table.names("axes", 3):
        if axis not in ("x", "y", "z") or axis in found or start == stop:
            raise table.refused("axes", 'lists such as ["x", "from", "to"], each axis once')
        found[axis] = (start, stop)
    return found


def _angles(table: _Table, left_out: list[str]) -> dict[str, tuple[str, str, str]]:
    found: dict[str, tuple[str, str, str]] = {}
    for name, value in table.entries.items():
        words = value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []
        if len(words) == 4 and words[0] == "flex":
            words = words[1:]
        if len(words) == 3 and len(set(words)) == 3 and words[0] not in ("chain", "axis", "cross-axis"):
            found[name] = (words[0], words[1], words[2])
        else:
            kind = words[0] if words else "no list of names"
            left_out.append(f"angle {name!r} ({kind}): only angles of three points are taken over")
    return found


def _board(table: _Table, left_out: list[str]) -> str:
    kind = table.text("board_type").lower()
    size = table.entries.get("board_size")
    square = table.number("board_square_side_length")
    if not kind:
        return ""
    if (
        kind not in ("charuco", "checkerboard")
        or square is None
        or not isinstance(size, list)
        or len(size) != 2
    ):
        left_out.append(f"board {kind!r}: only charuco and checkerboard with size and side are known")
        return ""
    if not all(type(one) is int for one in size):
        raise table.refused("board_size", "two whole numbers")
    columns, rows = size
    if kind == "checkerboard":  # inner corners are counted there
        text = f"checkerboard:{columns + 1}x{rows + 1}:{square:g}"
    else:
        marker, bits = table.number("board_marker_length"), table.number("board_marker_bits")
        many = table.number("board_marker_dict_number")
        family = f"{bits or 4:g}x{bits or 4:g}_{many or 50:g}"
        text = f"charuco:{columns}x{rows}:{square:g}:{marker or 0:g}:{family}"
    try:
        board_from_text(text)
    except ParameterError as error:
        left_out.append(f"board {text!r}: {error}")
        return ""
    return text


def _crops(document: Mapping[str, Any], where: str) -> dict[str, tuple[float, float]]:
    found = {}
    cameras = _Table(document, "cameras", where).entries
    for name in cameras:
        table = _Table(cameras, name, f"{where}: [cameras]")
        value = table.entries.get("offset")
        if value is None:
            continue
        is_known = isinstance(value, list) and len(value) >= 2
        if not is_known or any(
            isinstance(one, bool) or not isinstance(one, int | float) for one in value[:2]
        ):
            raise table.refused("offset", "x and y of the pictures in the calibrated ones [px]")
        found[name] = (float(value[0]), float(value[1]))
    return found

"""File names into cameras and their order: by words only, never by a guess."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mystax.errors import RecipeError

__all__ = ["DEFAULT_CAMERA", "VIDEO_SUFFIXES", "group_files", "order_in_name", "videos_in"]

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".asf", ".wmv"}
    | {".mj2", ".3gp", ".ivf", ".y4m", ".h264", ".264", ".hevc", ".h265", ".mjpeg", ".mjpg"}
)
CAMERA_WORDS = {"cam": "camera", "camera": "camera", "view": "view", "monitor": "monitor"}
VIEWS = ("left", "right", "top", "bottom", "front", "side", "face", "eye", "body")
ORDER_WORDS = ("part", "chunk", "seg", "file", "chapter")
DEFAULT_CAMERA = "face"
GOPRO = re.compile(r"^(G[XHLP])(\d{2})(\d{4})$", re.IGNORECASE)
TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^A-Za-z\d]+")


@dataclass(frozen=True, slots=True)
class _Name:
    """What the words of one file name say.

    `rest` is what is left when labels and order are taken out; numbers in it are bare numbers.
    """

    path: Path
    labels: tuple[str, ...]
    order: int | None
    rest: tuple[str, ...]

    @property
    def stem(self) -> tuple[str, ...]:
        """The rest without its numbers."""
        return tuple(part for part in self.rest if not part.isdecimal())

    @property
    def numbers(self) -> tuple[int, ...]:
        """The bare numbers."""
        return tuple(int(part) for part in self.rest if part.isdecimal())


def videos_in(folder: Path) -> list[Path]:
    """List the video files of a folder by suffix, in order of their names; hidden files are left out."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _tokens(stem: str) -> list[str]:
    """Split a stem into words, numbers and marks, also at changes of case."""
    gopro = GOPRO.match(stem)
    if gopro:
        return [gopro[1].lower(), "-", "chapter", gopro[2], "-", gopro[3]]
    return [token.lower() for token in TOKEN.findall(stem)]


def _parse(path: Path) -> _Name:
    """Take the words of camera and order out of a file name."""
    tokens = _tokens(path.stem)
    labels: list[str] = []
    order: int | None = None
    rest: list[str] = []
    k = 0
    while k < len(tokens):
        token = tokens[k]
        value, used = _label_behind(tokens, k)
        if token in CAMERA_WORDS and value:
            labels.append(value if value in VIEWS else CAMERA_WORDS[token] + value)
            k += used
            continue
        if token in ORDER_WORDS and value.isdecimal() and order is None:
            order = int(value)
            k += used
            continue
        if token in VIEWS:
            labels.append(token)
            # leftCamera, left_cam: the word behind a view adds nothing
            behind = k + 2 if k + 1 < len(tokens) and not tokens[k + 1].isalnum() else k + 1
            if behind < len(tokens) and tokens[behind] in CAMERA_WORDS:
                value, _ = _label_behind(tokens, behind)
                k = behind + 1 if not value else k + 1
                continue
        elif token.isalnum():
            rest.append(token)
        k += 1
    return _Name(path, tuple(dict.fromkeys(labels)), order, tuple(rest))


def _label_behind(tokens: Sequence[str], k: int) -> tuple[str, int]:
    """Return the label behind a word, attached or behind one mark, and how many tokens both take."""
    for gap in (1, 2):
        if k + gap >= len(tokens):
            break
        found = tokens[k + gap]
        if found.isalnum():
            is_label = found.isdecimal() or found in VIEWS or len(found) == 1
            return (_plain(found), gap + 1) if is_label else ("", 0)
        if len(found) > 1:
            break
    return "", 0


def _plain(label: str) -> str:
    """Write numbers without leading zeros, and single letters as capitals."""
    if label.isdecimal():
        return str(int(label))
    return label.upper() if len(label) == 1 else label


def order_in_name(path: Path) -> int | None:
    """Return the place among consecutive files that a name says by words (``part2``); None if it says none.

    Examples
    --------
    >>> order_in_name(Path("face_part2.mp4")), order_in_name(Path("face2.mp4"))
    (2, None)
    """
    return _parse(path).order


def group_files(paths: Sequence[Path], *, join: bool = False) -> Mapping[str, tuple[Path, ...]]:
    """Say which files are which camera of one recording, and in which order.

    Words decide: ``cam``, ``camera``, ``view`` or ``monitor`` with a label, or ``left right top bottom
    front side face eye body`` as a whole word, name the camera; ``part``, ``chunk``, ``seg``, ``file``,
    ``chapter`` with a number, or GoPro's ``GXccNNNN``, give the order.

    Parameters
    ----------
    paths : sequence of Path
        The files of one folder.
    join : bool, optional
        Take bare numbers as the order of consecutive files.

    Returns
    -------
    mapping of str to tuple of Path
        Camera to files in order.

    Raises
    ------
    RecipeError
        P403, if the names do not say it: files that differ by a bare number (both readings are shown),
        several recordings, one camera twice, a part that is missing.

    Examples
    --------
    >>> files = group_files([Path("m1_cam_left.mp4"), Path("m1_cam_right.mp4")])
    >>> list(files)
    ['left', 'right']
    """
    names = [_parse(path) for path in paths]
    if not names:
        raise RecipeError("P403", "folder", expected="video files", got="none")
    if join:
        names = [
            _Name(name.path, name.labels, name.order, name.rest)
            if name.order is not None or len(names) == 1
            else _ordered(name, names)
            for name in names
        ]
    _check_one_recording(names)
    cameras: dict[str, list[_Name]] = {}
    for name, camera in zip(names, _cameras(names), strict=True):
        cameras.setdefault(camera, []).append(name)
    return {
        camera: _in_order(camera, group) for camera, group in sorted(cameras.items(), key=_natural_of_item)
    }


def _natural_of_item(item: tuple[str, list[_Name]]) -> tuple[str, int]:
    """Sort camera2 before camera10."""
    word, number = re.match(r"(.*?)(\d*)$", item[0]).groups()  # type: ignore[union-attr] # it always matches
    return word, int(number or 0)


def _ordered(name: _Name, names: Sequence[_Name]) -> _Name:
    """Make the bare number by which the names differ the order."""
    alike = [
        other
        for other in names
        if (other.labels, other.stem, len(other.rest)) == (name.labels, name.stem, len(name.rest))
    ]
    places = [
        k for k in range(len(name.numbers)) if len({other.numbers[k] for other in alike}) == len(alike) > 1
    ]
    if len(places) != 1:
        return name
    spots = [k for k, part in enumerate(name.rest) if part.isdecimal()]
    spot = spots[places[0]]
    return _Name(name.path, name.labels, name.numbers[places[0]], (*name.rest[:spot], *name.rest[spot + 1 :]))


def _check_one_recording(names: Sequence[_Name]) -> None:
    """Refuse names that differ by more than camera and order."""
    first = names[0]
    odd = next((name for name in names if name.rest != first.rest), None)
    if odd is None:
        return
    folder = str(first.path.parent)
    if all(name.stem == first.stem for name in names):
        raise _ambiguous(folder, [name.path for name in names])
    shown = ", ".join(repr(name.path.name) for name in names[:8])
    raise RecipeError(
        "P403",
        folder,
        "the files do not look like one recording",
        expected="names that differ by camera (cam1, left, ...) and part (part1, ...) only",
        got=shown + (", ..." if len(names) > 8 else ""),
        hint="give the files of one recording: --camera NAME=FILE for each camera,"
        " or every file as a recording of its own",
    )


def _ambiguous(folder: str, paths: Sequence[Path]) -> RecipeError:
    """Show both readings of names that differ by a bare number, with the option for each."""
    files = [path.name for path in paths]
    cameras = " ".join(f"--camera camera{k}={file}" for k, file in enumerate(files[:4], 1))
    joined = " ".join(files[:4])
    more = " ..." if len(files) > 4 else ""
    return RecipeError(
        "P403",
        folder,
        f"the files {files[0]!r} and {files[1]!r} differ by a bare number, which may mean two things",
        expected="a word with the number (cam1, part1)",
        got=f"reading 1: {len(files)} cameras at the same time; reading 2: {len(files)} consecutive files",
        hint=f"say which: {cameras}{more} (cameras), or --join {joined}{more} (consecutive)",
    )


def _cameras(names: Sequence[_Name]) -> list[str]:
    """Name the camera of each file by the labels that the files do not share."""
    common = set.intersection(*(set(name.labels) for name in names))
    own = [tuple(label for label in name.labels if label not in common) for name in names]
    if not any(own):
        own = [name.labels for name in names]
    elif not all(own):
        bare = next(name for name, labels in zip(names, own, strict=True) if not labels)
        other = next(name for name, labels in zip(names, own, strict=True) if labels)
        raise RecipeError(
            "P403",
            str(bare.path.parent),
            f"{other.path.name!r} names a camera and {bare.path.name!r} does not",
            expected="a camera in every name, or in none",
            hint=f"name them: --camera NAME={other.path.name} --camera NAME={bare.path.name}",
        )
    return ["_".join(labels) or DEFAULT_CAMERA for labels in own]


def _in_order(camera: str, group: Sequence[_Name]) -> tuple[Path, ...]:
    """Put the files of one camera in order."""
    if len(group) == 1:
        return (group[0].path,)
    folder = str(group[0].path.parent)
    by_order: dict[int, Path] = {}
    for name in group:
        if name.order is None or name.order in by_order:
            other = by_order.get(name.order, group[0].path) if name.order is not None else group[0].path
            if other == name.path:
                other = group[1].path
            raise RecipeError(
                "P403",
                folder,
                f"{other.name!r} and {name.path.name!r} are both camera {camera!r} without an order",
                expected="a part number in every name (part1, part2)",
                hint=f"reading 1: consecutive files: --join {other.name} {name.path.name};"
                f" reading 2: two cameras: --camera A={other.name} --camera B={name.path.name}",
            )
        by_order[name.order] = name.path
    numbers = sorted(by_order)
    missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        raise RecipeError(
            "P403",
            folder,
            f"part {missing[0]} of camera {camera!r} is missing",
            expected=f"parts {numbers[0]} to {numbers[-1]}",
            got=", ".join(by_order[number].name for number in numbers[:8]),
            hint="give the files by name if the rest is wanted without it",
        )
    return tuple(by_order[number] for number in numbers)

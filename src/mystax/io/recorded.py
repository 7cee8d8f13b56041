"""The outcomes of one recording or many, found in folders, as what goes into another format."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mystax.core.safe_names import is_there
from mystax.errors import RecipeError, nearest
from mystax.io.outcome_parts import OutcomeParts, read_parts
from mystax.io.outcome_reading import outcome_paths

__all__ = ["Recorded", "find_recorded"]

SUFFIX, RECIPE = ".mystax", "recipe.toml"
MOST_DEPTH = 5
"""Folders below a target that are searched for outcomes."""


@dataclass(frozen=True, eq=False, slots=True)
class Recorded:
    """The outcomes of one recording.

    Attributes
    ----------
    name : str
        Of the recording.
    folder : Path
        Where its outcomes lie.
    outcomes : mapping of str to OutcomeParts
        By analysis.
    recipe : str
        Name of the recipe; empty if none is noted.
    """

    name: str
    folder: Path
    outcomes: Mapping[str, OutcomeParts]
    recipe: str = ""


def find_recorded(targets: Sequence[Path | str], analyses: Collection[str] = ()) -> list[Recorded]:
    """Find outcomes to export.

    Parameters
    ----------
    targets : sequence of paths
        An outcome file, a folder of outcomes, or a folder with such folders somewhere below.
    analyses : collection of str, optional
        Only these.

    Returns
    -------
    list of Recorded
        Recordings with different names.

    Raises
    ------
    RecipeError
        P403, if there is no such place, no outcome in it, or no outcome of a wanted analysis.
    FormatError, StoreError, DamagedError
        As `mystax.load`.
    """
    found: dict[Path, list[Path]] = {}
    for target in map(Path, targets):
        for path in _paths_of(target):
            files = found.setdefault(path.parent.resolve(), [])
            if path not in files:
                files.append(path)
    wanted = set(analyses)
    known = {path.stem for files in found.values() for path in files}
    missing = sorted(wanted - known)
    if missing:
        raise RecipeError(
            "P403", f"analysis {missing[0]!r}", f"there is no such outcome{nearest(missing[0], known)}"
        )
    recordings = []
    for folder, files in found.items():
        chosen = [path for path in files if not wanted or path.stem in wanted]
        if chosen:
            outcomes = {path.stem: read_parts(path) for path in chosen}
            recordings.append(Recorded(_name_of(folder), folder, outcomes, _recipe_of(folder)))
    return _told_apart(recordings)


def _paths_of(target: Path) -> list[Path]:
    """List the outcome files that a target means."""
    if is_there(target):
        return [target]
    if not is_there(target, folder=True):
        raise RecipeError(
            "P403", str(target), "there is no such file or folder", hint="mystax run VIDEO makes outcomes"
        )
    own = outcome_paths(target)
    if own and _is_home(target):
        return own
    below = [path for folder in _homes(target, MOST_DEPTH) for path in outcome_paths(folder)]
    if not (below or own):
        raise RecipeError(
            "P403",
            str(target),
            "there are no outcomes in this folder, nor in folders below it",
            hint="mystax run VIDEO makes them",
        )
    return below or own


def _is_home(folder: Path) -> bool:
    """Tell whether a folder is meant for outcomes: by its name, or its recipe."""
    return folder.suffix == SUFFIX or (folder / RECIPE).is_file()


def _homes(folder: Path, depth: int) -> list[Path]:
    """List the folders of outcomes below a folder, in order of their names."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink() or not path.is_dir():
            continue
        if _is_home(path) and outcome_paths(path):
            found.append(path)
        elif depth > 1:
            found += _homes(path, depth - 1)
    return found


def _name_of(folder: Path) -> str:
    """Return the name of the recording: of ``face.mystax``, or of ``<recording>/<recipe>``."""
    if folder.suffix == SUFFIX:
        return folder.stem
    return folder.parent.name if (folder / RECIPE).is_file() and folder.parent.name else folder.name


def _recipe_of(folder: Path) -> str:
    try:
        return str(tomllib.loads((folder / RECIPE).read_text("utf-8")).get("name", ""))
    except (OSError, ValueError, RecursionError):
        return ""  # the outcomes tell their parameters themselves


def _told_apart(recordings: list[Recorded]) -> list[Recorded]:
    """Name recordings of one name also by the folders above them, by their recipe, or by a number."""
    homes: dict[str, list[Path]] = {}
    for one in recordings:
        homes.setdefault(one.name, []).append(_recording_folder(one.folder))
    named = [_above(_recording_folder(one.folder), one.name, homes[one.name]) for one in recordings]
    found: list[Recorded] = []
    taken: set[str] = set()
    for one, name in zip(recordings, named, strict=True):
        plain = name if named.count(name) == 1 else f"{name}-{one.folder.name}"
        unique, number = plain, 2
        while unique in taken:
            unique, number = f"{plain}-{number}", number + 1
        taken.add(unique)
        found.append(replace(one, name=unique))
    return found


def _recording_folder(folder: Path) -> Path:
    """Return the folder that has the name of the recording: of outcomes, or above those of recipes."""
    return folder if folder.suffix == SUFFIX or not (folder / RECIPE).is_file() else folder.parent


def _above(home: Path, name: str, homes: Sequence[Path]) -> str:
    """Put as many folders before a name as tell its place from the others of that name."""
    others = {other for other in homes if other != home}
    for depth in range(min(MOST_DEPTH, len(home.parents))):
        words = [place.name for place in reversed(home.parents[:depth])]
        ends = {tuple(place.name for place in reversed(other.parents[:depth])) for other in others}
        if tuple(words) not in ends:
            return "_".join(word for word in (*words, name) if word)
    return name

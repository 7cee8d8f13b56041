"""Whose files these are: the recording that has them already, whatever a person calls it by now."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from mystax.core.safe_names import is_there
from mystax.engine.catalog.intake import Intake
from mystax.engine.catalog.naming import FoundRecording
from mystax.engine.catalog.rows import KnownVideo
from mystax.errors import RecipeError

__all__ = ["check_owner", "files_of_gone", "owner_of"]


def owner_of(intake: Intake, one: FoundRecording) -> int | None:
    """Return the row of a recording: that of its files, and by its names where none of them is known.

    Parameters
    ----------
    intake : Intake
        The folder that is taken in.
    one : FoundRecording
        What the names of files say.

    Returns
    -------
    int or None
        The row; None for a recording that is new.
    """
    named = intake.known.identities.get(one.identity)
    places = (intake.known.at(intake.place(path)) for path in one.paths)
    rows = {known.recording_id for known in places if known is not None}
    return named if not rows or named in rows else min(rows)


def check_owner(intake: Intake, one: FoundRecording) -> None:
    """Refuse files that the catalogue has as parts of something else, and names that another one has.

    Parameters
    ----------
    intake : Intake
        The folder that is taken in.
    one : FoundRecording
        What the names of files say.

    Raises
    ------
    RecipeError
        P403.
    """
    row = owner_of(intake, one)
    is_named = intake.known.identities.get(one.identity) == row
    is_shared = False
    for name, paths in one.cameras.items():
        for path in paths:
            known = intake.known.at(intake.place(path))
            if known is None:
                continue
            if known.recording_id != row or (known.camera != name and not is_named):
                raise _of_another(intake, one, name, path, known)
            is_shared = True
    for known, where in _elsewhere(intake, one, row):
        if not is_shared or not where.is_relative_to(intake.folder):
            raise _of_one_name(intake, one, row, where)
        if not is_named:
            raise _of_another(intake, one, next(iter(one.cameras)), one.paths[0], known)


def files_of_gone(intake: Intake, recordings: Iterable[FoundRecording]) -> list[str]:
    """Return the files of recordings below the folder that have none left.

    Parameters
    ----------
    intake : Intake
        The folder that is taken in.
    recordings : iterable of FoundRecording
        All that was found there.

    Returns
    -------
    list of str
        Root and path of each.
    """
    found = {owner_of(intake, one) for one in recordings}
    return [
        f"{file.root}/{file.path}"
        for row, files in intake.known.of_recording.items()
        if row not in found and not any(intake.known.is_there(file) for file in files)
        for file in files
        if file.root == intake.root and file.path.startswith(intake.prefix)
    ]


def _elsewhere(intake: Intake, one: FoundRecording, row: int | None) -> Iterator[tuple[KnownVideo, Path]]:
    """Give the files of a recording that are still there, and are none of those that were found."""
    places = {intake.place(path) for path in one.paths}
    for known in () if row is None else intake.known.of_recording.get(row, ()):
        root = intake.known.roots.path_of(known.root)
        if root is not None and (known.root, known.path) not in places and is_there(root / known.path):
            yield known, root / known.path


def _of_another(intake: Intake, one: FoundRecording, name: str, path: str, known: KnownVideo) -> RecipeError:
    """Make the refusal of a file that is a part of something else."""
    return RecipeError(
        "P403",
        str(intake.folder / path),
        "the catalogue has the file as part of another recording",
        expected=f"r{known.recording_id}, camera {known.camera!r}",
        got=f"{one.identity.text}, camera {name!r}",
        hint="give the pattern of the first ingestion",
    )


def _of_one_name(intake: Intake, one: FoundRecording, row: int | None, where: Path) -> RecipeError:
    """Make the refusal of names that another recording has, whose files are where they were."""
    return RecipeError(
        "P403",
        one.identity.text,
        "two recordings would have one project, subject, session and run",
        expected="names that differ",
        got=f"reading 1: r{row} has {where}; reading 2: {intake.folder / one.paths[0]}",
        hint="rename one of the folders, name {project} in the pattern, or give the first another name with"
        " mystax catalog set; files that were moved are followed when they are all away from their old place",
    )

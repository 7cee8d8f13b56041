"""Which picture or video each row of a table of keypoints is of: found by name, never guessed."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from mystax.core.keypoint_table import KeypointTable
from mystax.engine.labels.folder import LabelFolder, Video
from mystax.engine.labels.footage import Footage, footage_of_pixels
from mystax.errors import RecipeError

__all__ = ["find_pictures", "footages_of"]


def _picture_path(name: str, folder: Path) -> Path | None:
    """Find a picture that a file names: beside the file, below it, or below a folder above it.

    The longest part of the name counts: ``b/img1.png`` is not the ``img1.png`` beside the file where there is
    a folder ``b`` with one.
    """
    parts = _parts(name)
    for k in range(len(parts)):
        for base in (folder, *list(folder.absolute().parents)[:3]):
            candidate = base.joinpath(*parts[k:])
            if candidate.is_file():
                return candidate
    return None


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def find_pictures(names: Iterable[str], folder: Path) -> dict[str, Path | None]:
    """Find the pictures or videos that a file names.

    Parameters
    ----------
    names : iterable of str
        Names as in the file.
    folder : Path
        Folder of the file.

    Returns
    -------
    dict of str to Path or None
        None where there is none, or where names that cannot mean one picture (``a/img1.png`` and
        ``b/img1.png``) lead to the same one.
    """
    found = {name: _picture_path(name, folder) if name else None for name in dict.fromkeys(names)}
    owners: dict[Path, list[str]] = {}
    for name, path in found.items():
        if path is not None:
            owners.setdefault(path, []).append(name)
    for same in owners.values():
        parts = sorted((_parts(name) for name in same), key=len)
        if any(longer[len(longer) - len(shorter) :] != shorter for shorter, longer in pairwise(parts)):
            found |= dict.fromkeys(same)
    return found


def footages_of(
    labels: LabelFolder, table: KeypointTable, folder: Path, video: Video | None
) -> tuple[list[Footage | None], list[str]]:
    """Find the video or picture of each row.

    Parameters
    ----------
    labels : LabelFolder
        Opens them.
    table : KeypointTable
        The rows.
    folder : Path
        Folder of the file that they stand in.
    video : path or FrameSource, optional
        The video of rows that are frames.

    Returns
    -------
    rows : list of Footage or None
        None where it is not found, or the row has no place in it.
    missing : list of str
        What these rows name.

    Raises
    ------
    RecipeError
        P403, if `video` is a picture, or the rows name several videos and none of its name.
    """
    if video is not None:
        one = labels.footage(video)
        mine = _rows_of_video(table, one)
        others = dict.fromkeys(
            file or "a picture" for file, here in zip(table.files, mine, strict=True) if not here
        )
        return [one if here else None for here in mine], [*others]
    paths = find_pictures(() if table.pictures is not None else table.files, folder)
    found = {name: None if path is None else labels.footage(path) for name, path in paths.items()}
    rows: list[Footage | None] = []
    missing: dict[str, None] = {}
    for i, name in enumerate(table.files):
        if table.pictures is not None:
            camera = Path(name.replace("\\", "/")).stem or "imported"
            rows.append(footage_of_pixels(table.pictures[i], camera))
            continue
        footage = found[name]
        if footage is None or (footage.frames is not None and table.frame[i] < 0):
            missing.setdefault(name or "the video")
            footage = None
        rows.append(footage)
    return rows, [*missing]


def _rows_of_video(table: KeypointTable, footage: Footage) -> list[bool]:
    """Tell which rows are frames of the video that was named."""
    name = Path(footage.source.path).name
    if footage.frames is None:
        raise RecipeError("P403", name or "--video", "it is a picture, not a video")
    of_rows = [Path(file.replace("\\", "/")).name for file in table.files]
    is_frame = (table.frame >= 0).tolist()
    names = {one for one, known in zip(of_rows, is_frame, strict=True) if known}
    if len(names) > 1 and name not in names:
        raise RecipeError(
            "P403",
            name or "--video",
            "the file holds frames of several videos, and none of them has this name",
            expected=", ".join(sorted(names)[:8]),
            hint="put the videos beside the file, or name one of these",
        )
    return [known and (len(names) == 1 or one == name) for one, known in zip(of_rows, is_frame, strict=True)]

"""Which picture or video each row of a table of keypoints is of: told and found by name, never guessed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from mystax.core.keypoint_table import KeypointTable
from mystax.core.typing import Shaped
from mystax.engine.labels.folder import LabelFolder, Video
from mystax.engine.labels.footage import Footage, footage_of_pixels, number_in_name
from mystax.errors import RecipeError
from mystax.io.label_files import Source
from mystax.io.stills import is_still

__all__ = ["common_end", "find_pictures", "footages_of", "names_in_table"]


def common_end(one: str, other: str) -> int:
    """Return how many last parts two paths share."""
    parts = [path.replace("\\", "/").split("/")[::-1] for path in (one, other)]
    same = [a == b for a, b in zip(*parts, strict=False)]
    return [*same, False].index(False)


def names_in_table(sources: Mapping[str, Source]) -> dict[str, str]:
    """Name videos and pictures for other tools, so that no two have one name.

    Parameters
    ----------
    sources : mapping of str to Source
        By fingerprint.

    Returns
    -------
    dict of str to str
        Fingerprint to name: a video's file, with as many of its folders as tell it apart; a picture as
        ``labeled-data/<camera>/<file>``, or its folder in place of the camera.  Where paths do not tell, the
        fingerprint's first letters do.
    """
    choices: dict[str, list[str]] = {}
    for key, source in sources.items():
        parts = _parts(source.path)
        last = parts[-1] if parts else f"{key}.png"
        if source.kind == "video":
            made = ["/".join(parts[-k:]) for k in range(1, len(parts) + 1)] or [last]
            choices[key] = [*made, f"{key[:8]}/{last}"]
        else:
            camera = source.camera or "pictures"
            folders = (camera, *parts[-2:-1], f"{camera}-{key[:8]}")
            choices[key] = [f"labeled-data/{folder}/{last}" for folder in folders]
    longest = max(map(len, choices.values()), default=0)
    for k in range(longest):
        chosen = {key: names[min(k, len(names) - 1)] for key, names in choices.items()}
        times = Counter(chosen.values())
        for key, name in chosen.items():
            if times[name] == 1 and k < len(choices[key]):
                choices[key] = [name]
    return {key: names[-1] for key, names in choices.items()}


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
            rows.append(_brought(table.pictures[i], name, int(table.frame[i])))
            continue
        footage = found[name]
        if footage is None or (footage.frames is not None and table.frame[i] < 0):
            missing.setdefault(name or "the video")
            footage = None
        rows.append(footage)
    return rows, [*missing]


def _brought(pixels: Shaped[np.ndarray, "y x"], name: str, frame: int) -> Footage:
    """Take a picture that a file brings: a picture follows others by its name, a frame by its number."""
    parts = _parts(name) or ["imported"]
    if is_still(name):
        camera, number = (parts[-2] if len(parts) > 1 else "imported"), number_in_name(parts[-1])
    else:
        camera, number = Path(parts[-1]).stem, max(0, frame)
    return footage_of_pixels(pixels, camera, number)


def _rows_of_video(table: KeypointTable, footage: Footage) -> list[bool]:
    """Tell which rows are frames of the video that was named."""
    path = footage.source.path
    name = Path(path).name
    if footage.frames is None:
        raise RecipeError("P403", name or "--video", "it is a picture, not a video")
    is_frame = (table.frame >= 0).tolist()
    names = {file for file, known in zip(table.files, is_frame, strict=True) if known}
    ends = {file: common_end(file, path) for file in names}
    best = [file for file, end in ends.items() if end == max(ends.values())]
    if len(names) > 1 and (len(best) > 1 or not ends[best[0]]):
        raise RecipeError(
            "P403",
            name or "--video",
            "the file holds frames of several videos, and "
            + ("several of them have this name" if ends[best[0]] else "none of them has this name"),
            expected=", ".join(sorted(names)[:8]),
            hint="put the videos beside the file, or name one of these",
        )
    return [known and file in best for file, known in zip(table.files, is_frame, strict=True)]

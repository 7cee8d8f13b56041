"""The folders that the user named: what lies in them, and nothing else of the machine."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from mystax.app.collection import LABELS, SUFFIX, short_id
from mystax.app.paths import inside, readable
from mystax.app.schemas import Entry, Listing, Root
from mystax.app.security import refused
from mystax.io.names import VIDEO_SUFFIXES

__all__ = ["folder_in", "router"]

router = APIRouter(tags=["roots"])
KINDS: dict[str, Literal["outcomes", "labels"]] = {SUFFIX: "outcomes", LABELS: "labels"}
PAGE = 1000
"""Most entries of an answer."""


def folders_of(request: Request) -> list[Path]:
    """Return the registered folders: those that the user named, and the roots of the catalogue."""
    state = request.app.state.mystax
    return list(dict.fromkeys([*state.settings.folders, *state.collection.roots()]))


def folder_in(request: Request, key: str, path: str) -> tuple[Path, Path]:
    """Return a registered folder and a folder below it.

    Raises
    ------
    AppError
        W903, if there is none of that name, or it is hidden, or lies elsewhere.
    """
    root = next((folder for folder in folders_of(request) if short_id("d", folder) == key), None)
    place = None if root is None else inside(root, path)
    if root is None or place is None or not place.is_dir():
        raise refused(404, "W903", "folder", "there is nothing of that name here")
    return root, place


@router.get("/roots")
def roots(request: Request) -> list[Root]:
    """List the folders that the user named, and the roots of the catalogue."""
    folders = folders_of(request)
    return [Root(id=short_id("d", folder), name=folder.name or str(folder)) for folder in folders]


@router.get("/roots/{key}/list")
def entries(
    key: str,
    request: Request,
    path: Annotated[str, Query(max_length=4096)] = "",
    cursor: Annotated[int, Query(ge=0)] = 0,
) -> Listing:
    """List what lies in a folder below one that the user named."""
    root, place = folder_in(request, key, path)
    shown = [one for one in sorted(place.iterdir()) if not one.name.startswith(".") and _is_in(root, one)]
    part = shown[cursor : cursor + PAGE]
    following = cursor + PAGE if cursor + PAGE < len(shown) else None
    return Listing(path=path, entries=[_entry(one) for one in part], next=following)


def _is_in(root: Path, entry: Path) -> bool:
    """Tell whether an entry is none that leads out of the folder."""
    return not entry.is_symlink() or entry.resolve().is_relative_to(root.resolve())


def _entry(path: Path) -> Entry:
    if path.is_dir():
        return Entry(name=readable(path.name), kind=KINDS.get(path.suffix, "folder"), size=None)
    try:
        size = path.stat().st_size
    except OSError:
        size = None
    is_video = path.suffix.lower() in VIDEO_SUFFIXES
    return Entry(name=readable(path.name), kind="video" if is_video else "file", size=size)

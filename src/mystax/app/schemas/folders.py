"""Folders that may be looked into, and videos that are taken in."""

from typing import Literal

from pydantic import Field

from mystax.app.schemas.base import Exchanged

__all__ = [
    "Entry",
    "FoundCamera",
    "FoundVideos",
    "Listing",
    "Root",
    "VideosFound",
    "VideosWanted",
]


class Root(Exchanged):
    """A folder that the user named."""

    id: str
    name: str


class Entry(Exchanged):
    """What lies in a folder."""

    name: str
    kind: Literal["folder", "outcomes", "labels", "video", "file"]
    size: int | None


class Listing(Exchanged):
    """A page of a folder; `next` is the cursor of the next one."""

    path: str
    entries: list[Entry]
    next: int | None


class VideosWanted(Exchanged):
    """Videos below a registered folder; with `dry_run` it is only said what would be added.

    `pattern` and `clock` are for a catalogue: how names are read, and where times come from.
    """

    root: str = Field(max_length=60)
    path: str = Field(default="", max_length=4096)
    pattern: str = Field(default="neuroblueprint", min_length=1, max_length=300)
    clock: str = Field(default="", max_length=300)
    dry_run: bool = True


class FoundCamera(Exchanged):
    """A camera of a recording that can be added: its files in order, and where its times come from."""

    name: str
    files: list[str]
    clock: str


class FoundVideos(Exchanged):
    """A recording that can be added: ``new``, ``changed`` or ``unchanged``, and what is odd about it."""

    name: str
    state: str
    cameras: list[FoundCamera]
    codes: list[str]


class VideosFound(Exchanged):
    """What was found; of many recordings and files only the first ones are told by name.

    `job` is the addition in the queue, if it was asked for.
    """

    job: str | None = None
    recordings: list[FoundVideos] = Field(default_factory=list)
    n_videos: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    left_out: list[str] = Field(default_factory=list)
    refused: list[str] = Field(default_factory=list)

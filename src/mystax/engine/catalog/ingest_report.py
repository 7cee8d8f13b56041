"""What an ingestion is asked for, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mystax.engine.catalog.looking import ClockWish
from mystax.engine.catalog.pattern import NearMiss
from mystax.errors import MystaxError

__all__ = ["IngestReport", "IngestWish"]

QUIET = 10.0
"""A file that changed within so many seconds may still be written to."""


@dataclass(frozen=True, slots=True)
class IngestWish:
    """How folders are to be read.

    Attributes
    ----------
    pattern : str
        Name of a pattern, or a pattern.
    clocks : mapping
        Camera (or a glob of cameras) to the clock that it has.
    neural, calibration : str
        Glob of a file beside the videos, or in a folder above them; "" for none.
    dry_run : bool
        Say what would be written, and write nothing.
    quiet : float
        Seconds that a file must not have changed for.
    wait : bool
        Wait for files that changed a moment ago, instead of leaving them out.
    within : Path or None
        Links that lead out of this folder are left out.
    """

    pattern: str = "neuroblueprint"
    clocks: Mapping[str, ClockWish] = field(default_factory=dict)
    neural: str = ""
    calibration: str = ""
    dry_run: bool = False
    quiet: float = QUIET
    wait: bool = True
    within: Path | None = None

    def clock_of(self, name: str, known: Mapping[str, object]) -> ClockWish:
        """Return the clock of a camera: the one named now, else the one that the catalogue has."""
        exact = self.clocks.get(name)
        if exact is not None:
            return exact
        found = next((wish for glob, wish in self.clocks.items() if fnmatchcase(name, glob)), None)
        return found if found is not None else ClockWish.from_dict(known)


@dataclass
class IngestReport:
    """What an ingestion found.

    Attributes
    ----------
    recordings, cameras, videos : int
        What the names say is there.
    added, changed, moved, unchanged : int
        Recordings that are new; with new or changed files; files that were found at another place;
        recordings that are as they were.
    ids : list of int
        Rows that were written.
    moves : list of tuple
        Old and new place of each moved file.
    missing : list of str
        Known files of recordings below the folder that are not there any more; what is known of them stays.
    skipped : list of tuple
        Files that were left out, and why.
    conflicts : list of MystaxError
        What cannot be a recording (P403, P404).
    unmatched : list of NearMiss
        Files that the pattern does not match.
    flags : dict
        Code to number of remarks on what was written.
    planned : list of dict
        With a dry run: what would be written.
    """

    recordings: int = 0
    cameras: int = 0
    videos: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    ids: list[int] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[MystaxError] = field(default_factory=list)
    unmatched: list[NearMiss] = field(default_factory=list)
    flags: dict[str, int] = field(default_factory=dict)
    planned: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report."""
        names = ("recordings", "cameras", "videos", "added", "changed", "moved", "unchanged")
        values: dict[str, object] = {name: getattr(self, name) for name in names}
        values["moves"] = [{"from": old, "to": new} for old, new in self.moves]
        values["missing"] = self.missing
        values["skipped"] = [{"path": path, "reason": reason} for path, reason in self.skipped]
        values["unmatched"] = [miss.as_dict() for miss in self.unmatched]
        values["flags"] = dict(sorted(self.flags.items()))
        if self.planned:
            values["planned"] = self.planned
        return values

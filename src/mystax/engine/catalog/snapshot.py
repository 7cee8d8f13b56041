"""What the catalogue has, read once at the start of an ingestion."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from mystax.core.safe_names import is_there
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.flags import is_passing
from mystax.engine.catalog.looking import CameraFacts
from mystax.engine.catalog.naming import Identity
from mystax.engine.catalog.rows import KnownVideo, NewRecording, known_identities, known_videos
from mystax.engine.catalog.side_files import state_of
from mystax.engine.catalog.tables import camera, flag, recording, root, side_file
from mystax.engine.roots import Roots
from mystax.errors import MystaxError

__all__ = ["Snapshot"]


@dataclass
class Snapshot:
    """Rows by what an ingestion looks for.

    Attributes
    ----------
    roots : Roots
        The roots on this host.
    identities : dict
        Identity to row of a recording.
    folders : dict
        Folder of outcomes to row of its recording.
    clocks : dict
        Row of a recording and name of a camera to its clock.
    side_files : dict
        Row of a recording to its clock, neural and calibration files.
    doubted : set of int
        Files of which something was said that may be over: they were away, or could not be read.
    by_place, by_mark, of_recording : dict
        Files by root and path, by fingerprint, by recording.
    """

    roots: Roots
    identities: dict[Identity, int]
    folders: dict[str, int]
    clocks: dict[tuple[int | None, str], dict[str, Any]]
    side_files: dict[int, list[Mapping[str, Any]]] = field(default_factory=dict)
    doubted: set[int] = field(default_factory=set)
    by_place: dict[tuple[str, str], KnownVideo] = field(default_factory=dict)
    by_mark: dict[str, list[KnownVideo]] = field(default_factory=dict)
    of_recording: dict[int, list[KnownVideo]] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database) -> "Snapshot":
        """Read a catalogue.

        Raises
        ------
        CatalogError
            Q603.
        """
        with database.read() as connection:
            query = select(recording.c.id, recording.c.folder)
            clocks = select(camera.c.recording_id, camera.c.name, camera.c.clock)
            found = cls(
                Roots.of_rows([tuple(row) for row in connection.execute(select(root))]),
                known_identities(connection),
                {str(name): int(row) for row, name in connection.execute(query)},
                {(row, name): dict(clock) for row, name, clock in connection.execute(clocks)},
            )
            files = connection.execute(select(side_file)).mappings().all()
            videos = known_videos(connection)
            passing = _passing(connection)
        for row in files:
            found.side_files.setdefault(row["recording_id"], []).append(dict(row))
        for one in videos:
            found.by_place[one.root, one.path] = one
            found.by_mark.setdefault(one.quick_id, []).append(one)
            found.of_recording.setdefault(one.recording_id, []).append(one)
            about = {(None, None), (one.camera_id, None), (one.camera_id, one.id)}
            if not one.quick_id or about & passing.get(one.recording_id, set()):
                found.doubted.add(one.id)
        return found

    def at(self, place: tuple[str, str]) -> KnownVideo | None:
        """Return what is known of the file at a place."""
        return self.by_place.get(place)

    def add_root(self, name: str, folder: Path) -> None:
        """Know one more root."""
        self.roots = Roots((*self.roots.rows, (name, "*", str(folder))), self.roots.host)

    def is_there(self, known: KnownVideo) -> bool:
        """Tell whether a known file is at its place; on a root that is away it is taken to be."""
        path = self.roots.path_of(known.root)
        return path is None or not is_there(path, folder=True) or is_there(path / known.path)

    def follow(
        self, files: Sequence[tuple[KnownVideo, tuple[str, str], int]], names: Mapping[int, Identity]
    ) -> None:
        """Know files at new places with new times, and what their recordings are called now."""
        for known, _, _ in files:
            self.by_place.pop((known.root, known.path), None)
        for known, place, mtime_ns in files:
            moved = replace(known, root=place[0], path=place[1], mtime_ns=mtime_ns)
            self.by_place[place] = moved
            for group in (self.by_mark[known.quick_id], self.of_recording[known.recording_id]):
                group[group.index(known)] = moved
        kept = {one: row for one, row in self.identities.items() if row not in names}
        self.identities = kept | {one: row for row, one in names.items()}

    def doubles(
        self, facts: Iterable[CameraFacts], row: int | None, successor_mark: Callable[[KnownVideo], object]
    ) -> list[str]:
        """List files of other recordings with the same content that are still there, and no others."""
        found = [
            known.path
            for camera_facts in facts
            for one in camera_facts.videos
            for known in self.by_mark.get(one.quick_id, ())
            if one.size and known.recording_id != row and self.is_there(known) and not successor_mark(known)
        ]
        return list(dict.fromkeys(found))

    def remember(self, row: int, new: NewRecording) -> None:
        """Know the files of a recording that will be written, for those that come after it."""
        for facts in new.cameras:
            for position, one in enumerate(facts.videos):
                place = new.places[str(one.path)]
                known = KnownVideo(
                    -1, -1, row, facts.name, position, *place, one.size, one.mtime_ns, one.quick_id
                )
                self.by_mark.setdefault(one.quick_id, []).append(known)

    def is_same(self, file: Mapping[str, Any]) -> bool:
        """Tell whether a side file is as it was; without its clock a recording is never the same."""
        try:
            state = state_of(self.roots.resolve(file["root"], file["path"]))
        except (OSError, MystaxError):
            return bool(file["role"] != "clock")
        return state == (file["size"], file["mtime_ns"])


def _passing(connection: Connection) -> dict[int, set[tuple[int | None, int | None]]]:
    """Return cameras and files of recordings of which something was said that may be over."""
    query = select(flag.c.recording_id, flag.c.camera_id, flag.c.video_id, flag.c.code, flag.c.detail)
    query = query.where(flag.c.outcome_id.is_(None))
    found: dict[int, set[tuple[int | None, int | None]]] = {}
    for row, of_camera, of_video, code, detail in connection.execute(query):
        if is_passing(code, detail):
            found.setdefault(row, set()).add((of_camera, of_video))
    return found

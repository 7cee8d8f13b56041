"""Folders into rows: list, match, group, look, write.  Nothing is ever written below a root."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from mystax.core.events import Event, Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.catalog.database import Database
from mystax.engine.catalog.flags import Remark
from mystax.engine.catalog.ingest_report import IngestReport, IngestWish
from mystax.engine.catalog.intake import Intake
from mystax.engine.catalog.listing import Listed, list_videos
from mystax.engine.catalog.looking import CameraFacts, ClockWish, clock_files, look_at_recording
from mystax.engine.catalog.moves import follow_moves, successor_mark
from mystax.engine.catalog.naming import FoundRecording, Identity, Matched, group_names, naming_of
from mystax.engine.catalog.owners import check_owner, files_of_gone, owner_of
from mystax.engine.catalog.pattern import nearest_misses
from mystax.engine.catalog.rows import CHANGED, NewRecording, NewSideFile, write_recording
from mystax.engine.catalog.side_files import ROLES, files_beside, kept_files, side_files_of
from mystax.engine.catalog.sidecars import sidecar_of, write_sidecar
from mystax.errors import CatalogError, RecipeError

__all__ = ["ingest_folders"]

UNIT: dict[str, object] = {"unit": "recordings"}
BATCH = 32
"""Recordings per transaction."""
SHOWN = 3


def ingest_folders(
    database: Database,
    out: Path,
    folders: Sequence[str | Path],
    wish: IngestWish,
    *,
    report: Report = silent,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> IngestReport:
    """Bring the videos of folders into the catalogue.

    Parameters
    ----------
    database : Database
        The catalogue.
    out : Path
        The folder of outcomes.
    folders : sequence of path
        Where the videos are.
    wish : IngestWish
        Pattern, clocks and more.
    report : callable, optional
        Takes events.
    now, sleep : callable, optional
        The clock of the files, and waiting [s].

    Returns
    -------
    IngestReport
        What was found and written.

    Raises
    ------
    RecipeError
        P403, if a folder is not there, or no file matches the pattern (with the nearest ones).
    ParameterError
        P401, if a clock is not understood.
    CatalogError
        Q603, Q605.
    """
    found = IngestReport()
    for folder in folders:
        place = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they are named
        if not is_there(place, folder=True):
            raise RecipeError("P403", str(folder), "there is no such folder")
        _Ingest(database, out, place, wish, found, report, now, sleep).run()
    return found


class _Ingest:
    """The ingestion of one folder."""

    def __init__(
        self,
        database: Database,
        out: Path,
        folder: Path,
        wish: IngestWish,
        found: IngestReport,
        report: Report,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._database, self._out, self._folder, self._wish = database, out, folder, wish
        self._found, self._report, self._now, self._sleep = found, report, now, sleep
        self._naming = naming_of(wish.pattern)
        self._listed: dict[str, Listed] = {}
        self._batch: list[tuple[NewRecording, int | None]] = []

    def run(self) -> None:
        """List, match, group, compare, look and write."""
        if not self._wish.dry_run:
            self._database.check_schema()
        recordings = self._recordings()
        self._intake = Intake.begin(
            self._database, self._out, self._folder, self._wish, self._listed, self._found
        )
        late: list[FoundRecording] = []
        unchanged = {one.identity for one in recordings if self._is_unchanged(one)}
        self._found.unchanged += len(unchanged)
        changed = [one for one in recordings if one.identity not in unchanged]
        young = {one.identity for one in changed if self._young(one)}
        done = unchanged | self._follow([one for one in changed if one.identity not in young])
        for number, one in enumerate(recordings, 1):
            if one.identity in young and not self._wish.dry_run:
                late.append(one)
            elif one.identity not in done:
                self._take(one)
            self._report(Event("progress", "ingest", number, len(recordings), one.identity.text, UNIT))
        self._flush()
        self._take_late(late)
        self._found.missing += files_of_gone(self._intake, recordings)

    # -------------------------------------------------------------- what is there

    def _recordings(self) -> list[FoundRecording]:
        """Read the names of all files."""
        matched: list[Matched] = []
        others: list[str] = []
        for file in list_videos(self._folder, self._naming, leave_out=(self._out,), within=self._wish.within):
            if not file.is_text:
                shown = file.path.encode("utf-8", "backslashreplace").decode()
                self._found.conflicts.append(
                    RecipeError("P404", shown, expected="a name of UTF-8 text", hint="rename the file")
                )
                continue
            one = self._naming.match(file.path, self._folder.name)
            if one is None:
                others.append(file.path)
            else:
                matched.append(one)
                self._listed[one.path] = file
        if not matched:
            self._refuse(others)
        self._found.unmatched += [self._naming.pattern.near_miss(path) for path in others]
        recordings, conflicts = group_names(matched)
        self._found.conflicts += [conflict.error for conflict in conflicts]
        self._found.recordings += len(recordings)
        self._found.cameras += sum(len(one.cameras) for one in recordings)
        self._found.videos += sum(len(one.paths) for one in recordings)
        return recordings

    def _refuse(self, others: Sequence[str]) -> None:
        near = nearest_misses(self._naming.pattern, others, SHOWN)
        raise RecipeError(
            "P403",
            str(self._folder),
            "no file matches the pattern",
            expected=self._naming.pattern.text,
            got="; ".join(miss.text for miss in near) or "no video at all",
            hint="--pattern neuroblueprint, alf, folders, files, or one of your own; --dry-run shows more",
        )

    def _is_unchanged(self, one: FoundRecording) -> bool:
        """Tell whether every file is where and as it was, and nothing else is wanted of it."""
        row = owner_of(self._intake, one)
        if row is None:
            return False
        places = {self._intake.place(path) for path in one.paths}
        others = [
            file
            for file in self._intake.known.of_recording.get(row, ())
            if (file.root, file.path) not in places
        ]
        if any(self._intake.known.is_there(file) for file in others):
            return False
        for name, paths in one.cameras.items():
            for position, path in enumerate(paths):
                known, listed = self._intake.known.at(self._intake.place(path)), self._listed[path]
                if known is None or (known.recording_id, known.camera, known.position) != (
                    row,
                    name,
                    position,
                ):
                    return False
                if (known.size, known.mtime_ns) != (listed.size, listed.mtime_ns):
                    return False
            if self._has_other_clock(row, name, paths[0]):
                return False
        if self._is_doubted(one) or any(self._asks_for_others(one, row, role) for role in ROLES):
            return False
        if not all(self._intake.known.is_same(file) for file in self._intake.known.side_files.get(row, ())):
            return False
        self._found.missing += [f"{file.root}/{file.path}" for file in others]
        return True

    def _has_other_clock(self, row: int, name: str, path: str) -> bool:
        """Tell whether another clock is wanted, or one that failed has its file by now."""
        known = self._intake.known
        clock = known.clocks.get((row, name), {})
        wish = ClockWish.from_dict(clock)
        if self._wish.clock_of(name, clock) != wish:
            return True
        if clock.get("id"):
            return False
        before = {(file["root"], file["path"]) for file in known.side_files.get(row, ())}
        files = clock_files(wish, [(self._folder / path).parent])
        return not {known.roots.locate(file.absolute()) for file in files} - {None} <= before

    def _asks_for_others(self, one: FoundRecording, row: int, role: str) -> bool:
        """Tell whether the glob of a role finds other files than those that are known."""
        known = self._intake.known
        files = files_beside(self._folder, one, self._wish, role)
        found = {known.roots.locate(file.absolute()) for file in files} - {None}
        before = {
            (file["root"], file["path"]) for file in known.side_files.get(row, ()) if file["role"] == role
        }
        return bool(found) and found != before

    # -------------------------------------------------------------- taking a recording

    def _follow(self, recordings: Sequence[FoundRecording]) -> set[Identity]:
        """Follow recordings to where they lie now; return those of which nothing is to be read."""
        if self._wish.dry_run:
            return set()
        followed = follow_moves(self._intake, recordings)
        doubted = {one.identity for one in recordings if self._is_doubted(one)}
        return followed - doubted

    def _young(self, one: FoundRecording) -> bool:
        """Tell whether a file changed a moment ago."""
        newest = max(self._listed[path].mtime_ns for path in one.paths) / 1e9
        return 0 <= self._now() - newest < self._wish.quiet

    def _take_late(self, late: Sequence[FoundRecording]) -> None:
        """Look again at recordings whose files changed a moment ago, once they are quiet."""
        if not late:
            return
        if self._wish.wait:
            newest = max(self._listed[path].mtime_ns for one in late for path in one.paths) / 1e9
            left = max(0.0, min(self._wish.quiet, newest + self._wish.quiet - self._now()))
            n_files = sum(len(one.paths) for one in late)
            text = f"waiting {left:.0f} s: {n_files} files were written a moment ago"
            self._report(Event("note", "ingest", text=text))
            self._sleep(left)
        quiet = []
        for one in late:
            changed = [path for path in one.paths if self._state(path) != self._listed[path]]
            if changed or not self._wish.wait:
                reason = "it is being written to; ingest again when it is finished"
                self._found.skipped += [(str(self._folder / path), reason) for path in changed or one.paths]
            else:
                quiet.append(one)
        followed = self._follow(quiet)
        for one in quiet:
            if one.identity not in followed:
                self._take(one)
        self._flush()

    def _state(self, path: str) -> Listed | None:
        try:
            state = (self._folder / path).stat()
        except OSError:
            return None
        return Listed(path, state.st_size, state.st_mtime_ns)

    def _take(self, one: FoundRecording) -> None:
        """Write one recording, changed or new, or say what would be written."""
        try:
            check_owner(self._intake, one)
            if self._wish.dry_run:
                self._plan(one)
            else:
                self._look(one)
        except RecipeError as error:
            self._found.conflicts.append(error)
        if len(self._batch) >= BATCH:
            self._flush()

    def _is_doubted(self, one: FoundRecording) -> bool:
        """Tell whether something was said of files that may be over."""
        known = (self._intake.known.at(self._intake.place(path)) for path in one.paths)
        return any(file is not None and file.id in self._intake.known.doubted for file in known)

    def _asked(self, one: FoundRecording) -> tuple[int | None, dict[str, list[Path]], dict[str, ClockWish]]:
        """Return the row of a recording that is known, and for each camera its files and clock."""
        row = owner_of(self._intake, one)
        files = {name: [self._folder / path for path in paths] for name, paths in one.cameras.items()}
        clocks = self._intake.known.clocks
        return row, files, {name: self._wish.clock_of(name, clocks.get((row, name), {})) for name in files}

    def _look(self, one: FoundRecording) -> None:
        """Look at all files of a new or changed recording."""
        row, files, wishes = self._asked(one)
        facts, remarks = look_at_recording(files, wishes, one.identity.text)
        changed = [camera.name for camera in facts if camera.changed]
        if changed:
            reason = "it is being written to; ingest again when it is finished"
            self._found.skipped += [(str(path), reason) for name in changed for path in files[name]]
            return
        _check_twice(one.identity, facts)
        places = {str(self._folder / path): self._intake.place(path) for path in one.paths}
        new = NewRecording(
            one.identity,
            self._free_folder(one, row),
            facts,
            places,
            [*remarks, *self._since(facts, places)],
            one.start,
            one.meta,
            {name: wish.as_dict() for name, wish in wishes.items()},
            self._side_files(one, row, files, wishes),
            self._intake.known.doubles(facts, row, partial(successor_mark, self._intake)),
        )
        self._batch.append((new, row))
        self._intake.known.remember(-1 if row is None else row, new)

    def _side_files(
        self,
        one: FoundRecording,
        row: int | None,
        files: Mapping[str, Sequence[Path]],
        wishes: Mapping[str, ClockWish],
    ) -> list[NewSideFile]:
        """Find the side files that are asked for; what nobody asks for now stays as it is known."""
        known = self._intake.known
        found = side_files_of(known.roots, self._folder, one, self._wish, files, wishes)
        if row is None:
            return found
        asked = ("clock", *(role for role in ROLES if getattr(self._wish, role)))
        return [*found, *kept_files(known.roots, known.side_files.get(row, ()), without=asked)]

    def _free_folder(self, one: FoundRecording, row: int | None) -> str:
        """Return the folder of outcomes: one that another recording has gets a number."""
        folder, count = one.folder, 2
        while row is None and folder in self._intake.known.folders:
            folder, count = f"{one.folder}-{count}", count + 1
        return folder

    def _since(self, facts: Iterable[CameraFacts], places: Mapping[str, tuple[str, str]]) -> list[Remark]:
        """Say which files are not what they were at the last ingestion (V130)."""
        found = []
        for camera_facts in facts:
            for one in camera_facts.videos:
                known = self._intake.known.by_place.get(places[str(one.path)])
                if known is not None and known.quick_id and known.quick_id != one.quick_id:
                    text = "the file is not the one of the last ingestion: outcomes made from it are stale"
                    detail = {"text": text, "expected": known.quick_id, "got": one.quick_id}
                    found.append(Remark(CHANGED, "warning", detail, camera_facts.name, str(one.path)))
        return found

    # -------------------------------------------------------------- writing

    def _flush(self) -> None:
        """Write what was looked at, in one transaction."""
        if not self._batch:
            return
        try:
            with self._database.write() as connection:
                for new, known in self._batch:
                    self._write(connection, new, known)
        except IntegrityError as error:
            raise CatalogError(
                "Q603",
                self._database.where,
                "somebody else takes in the same recordings at this moment",
                got=str(error.orig),
                hint="ingest again when the other is done: what is there already is not read again",
            ) from error
        self._batch.clear()

    def _write(self, connection: Connection, new: NewRecording, known: int | None) -> None:
        """Write one recording, and count it."""
        row = write_recording(connection, new, known)
        if known is None:
            self._intake.known.identities[new.identity] = row
            self._intake.known.folders[new.folder] = row
        self._found.ids.append(row)
        self._sidecar(connection, row)
        self._found.added += known is None
        self._found.changed += known is not None
        for remark in (*new.remarks, *(one for facts in new.cameras for one in facts.remarks)):
            self._found.flags[remark.code] = self._found.flags.get(remark.code, 0) + 1

    def _sidecar(self, connection: Connection, row: int) -> None:
        write_sidecar(self._out, *sidecar_of(connection, row))

    def _plan(self, one: FoundRecording) -> None:
        """Say what would be written."""
        row, files, wishes = self._asked(one)
        facts, remarks = look_at_recording(files, wishes, one.identity.text)
        every = [*remarks, *(remark for one in facts for remark in one.remarks)]
        self._found.planned.append(
            {
                "recording": one.identity.text,
                "state": "new" if row is None else "changed",
                "folder": one.folder,
                "start": one.start,
                "meta": dict(one.meta),
                "cameras": {
                    name: {"files": list(paths), "clock": wishes[name].spec or "pts"}
                    for name, paths in one.cameras.items()
                },
                "flags": sorted({remark.code for remark in every}),
            }
        )


def _check_twice(identity: Identity, facts: Sequence[CameraFacts]) -> None:
    """Refuse one content in two cameras of a recording."""
    seen: dict[str, tuple[str, Path]] = {}
    for camera_facts in facts:
        for one in camera_facts.videos:
            name, path = seen.setdefault(one.quick_id, (camera_facts.name, one.path))
            if one.size > 0 and path != one.path:
                raise RecipeError(
                    "P403",
                    identity.text,
                    "the same video is given twice",
                    expected="files that differ",
                    got=f"reading 1: {path} is {name!r}; reading 2: {one.path} is {camera_facts.name!r}",
                    hint="remove one of the copies",
                )

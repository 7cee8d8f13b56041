"""The journal of a folder of labels: one JSON line per operation, on the disk before anyone hears "saved".

A line ends with ``"crc"``, the CRC-32 of the line without it.  A torn last line is moved to ``journal.torn``
when the folder is opened for writing; a bad line in the middle makes it read only until `repair`.
"""

import bisect
import contextlib
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mystax.core.label_operations import FIELDS
from mystax.errors import AppError, FormatError
from mystax.io.store_fs import FileSystem, LocalFs, WholeFile, refusals

__all__ = ["JOURNAL", "TORN", "BadLine", "Journal", "line_of", "read_line"]

JOURNAL, TORN = "journal.jsonl", "journal.torn"
MARK = b',"crc":"'
TAIL = len(MARK) + 8 + 2
"""Bytes of a line's end: the mark, eight digits, quote and brace."""
MAX_BYTES = 4 << 30
EDGE = 1 << 12
LINES_AT_ONCE = 4096
KEYS = [*FIELDS, "crc"]


def line_of(record: Mapping[str, Any]) -> bytes:
    """Return the line of a journal for an operation's JSON object, its end of line included."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    plain = text.encode("utf-8", "surrogatepass")
    return b'%s,"crc":"%08x"}\n' % (plain[:-1], zlib.crc32(plain))


def _crc_holds(line: bytes) -> bool:
    """Tell whether the sum of a line (without its end) is right."""
    if line[-TAIL : -TAIL + len(MARK)] != MARK or line[-2:] != b'"}':
        return False
    try:
        wanted = int(line[-10:-2], 16)
    except ValueError:
        return False
    return zlib.crc32(b"}", zlib.crc32(line[:-TAIL])) == wanted


def read_line(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line.

    Raises
    ------
    FormatError
        F804, if its sum does not hold or it is no operation.
    """
    if not _crc_holds(line):
        raise FormatError("F804", "label journal", "the sum of a line does not hold")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError("F804", "label journal", f"a line is no JSON ({error})") from error
    if not isinstance(record, dict) or list(record) != KEYS:
        raise FormatError("F804", "label journal", "a line has other fields")
    return record


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used: its number from 1, its place in the file, and why."""

    number: int
    start: int
    stop: int
    reason: str


@dataclass(slots=True)
class _Index:
    """Where the good lines are."""

    revs: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    end: int = 0
    bad: list[BadLine] = field(default_factory=list)
    torn: bytes = b""


def _lines(data: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(data):
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        yield start, stop
        start = stop + 1


def _records(data: bytes, places: Sequence[tuple[int, int]]) -> list[Any]:
    """Parse many lines at once (one call is much faster than many); None where one is no JSON."""
    whole = b"[" + b",".join(data[start:stop] for start, stop in places) + b"]"
    try:
        found = json.loads(whole)
        if len(found) == len(places):
            return list(found)
    except (ValueError, RecursionError):
        pass
    found = []
    for start, stop in places:
        try:
            found.append(json.loads(data[start:stop]))
        except (ValueError, RecursionError):
            found.append(None)
    return list(found)


class Journal:
    """The journal of one folder.

    Parameters
    ----------
    folder : Path
        The folder of labels.
    fs : FileSystem, optional
        Whatever changes the disk.

    Attributes
    ----------
    bad : tuple of BadLine
        Lines in the middle that cannot be used.
    torn : bytes
        What stood after the last whole line.
    """

    def __init__(self, folder: Path, fs: FileSystem | None = None) -> None:
        self.folder = folder
        self.path = folder / JOURNAL
        self._fs = fs or LocalFs()
        self._index = _Index()
        self._file: WholeFile | None = None
        self._is_dirty = False

    @property
    def bad(self) -> tuple[BadLine, ...]:
        """Lines in the middle that cannot be used."""
        return tuple(self._index.bad)

    @property
    def torn(self) -> bytes:
        """What stood after the last whole line."""
        return self._index.torn

    @property
    def last_rev(self) -> int:
        """Revision of the last good line; 0 if there is none."""
        return self._index.revs[-1] if self._index.revs else 0

    @property
    def size(self) -> int:
        """Bytes up to the end of the last whole line."""
        return self._index.end

    # reading ---------------------------------------------------------------------------------------

    def read(self) -> Iterator[dict[str, Any]]:
        """Give the JSON objects of all good lines in order; what is bad or torn is noted.

        Yields
        ------
        dict
            An operation; its revisions rise.

        Raises
        ------
        FormatError
            F802, if the file is larger than 4 GiB.
        """
        index = self._index = _Index()
        try:
            if self.path.stat().st_size > MAX_BYTES:
                raise FormatError("F802", str(self.path), expected="at most 4 GiB", got="more")
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        places = list(_lines(data))
        whole = data.endswith(b"\n")
        for first in range(0, len(places), LINES_AT_ONCE):
            block = places[first : first + LINES_AT_ONCE]
            good = [_crc_holds(data[start:stop]) for start, stop in block]
            records = iter(
                _records(data, [place for place, is_good in zip(block, good, strict=True) if is_good])
            )
            for k, ((start, stop), is_good) in enumerate(zip(block, good, strict=True)):
                is_last = first + k == len(places) - 1
                record = next(records) if is_good else None
                reason = _reason(record, is_good, self.last_rev)
                if is_last and (reason or not whole):
                    index.torn = data[start:]
                    break
                index.end = stop + 1
                if reason or record is None:
                    index.bad.append(BadLine(first + k + 1, start, stop, reason))
                    continue
                index.revs.append(record["rev"])
                index.starts.append(start)
                yield record

    def records(self, revs: Iterable[int]) -> list[dict[str, Any]]:
        """Read some operations again.

        Parameters
        ----------
        revs : iterable of int
            Revisions.

        Returns
        -------
        list of dict
            Their JSON objects in the order asked for.

        Raises
        ------
        FormatError
            F804, if a revision is not there.
        """
        found = []
        with self.path.open("rb") as stream:
            for rev in revs:
                place = bisect.bisect_left(self._index.revs, rev)
                if place == len(self._index.revs) or self._index.revs[place] != rev:
                    raise FormatError("F804", str(self.path), f"there is no revision {rev}")
                stream.seek(self._index.starts[place])
                found.append(read_line(stream.readline().rstrip(b"\n")))
        return found

    def read_again(self) -> Iterator[dict[str, Any]]:
        """Give the JSON objects of all good lines once more, as they are on the disk now."""
        return Journal(self.folder, self._fs).read()

    def size_on_disk(self) -> int:
        """Return the size of the file as it is now [bytes]; 0 if there is none."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def mark_of_end(self, size: int | None = None) -> str:
        """Return a text that names the journal up to some byte: what a cache was made from.

        Parameters
        ----------
        size : int, optional
            Bytes of the journal; by default up to the end of its last whole line.
        """
        size = self.size if size is None else size
        end = b""
        if size:
            with self.path.open("rb") as stream:
                stream.seek(max(0, size - EDGE))
                end = stream.read(min(EDGE, size))
        return f"{size}-{hashlib.blake2b(end, digest_size=16).hexdigest()}"

    # writing ---------------------------------------------------------------------------------------

    def open_for_writing(self) -> int:
        """Make the journal ready for appending; call it with the folder's lock held, after `read`.

        Returns
        -------
        int
            Bytes of a torn last line that were moved to ``journal.torn``.

        Raises
        ------
        AppError
            W908, if a line in the middle is bad.
        StoreError, SpaceError
            S503, S501, as the disk refuses.
        """
        self.check_whole()
        with refusals(self.path):
            if not self.path.exists():
                self._fs.make_folder(self.folder)
                self._file = self._fs.create(self.path)
                self._fs.sync(self._file)
                self._fs.sync_folder(self.folder)
                return 0
            self._file = self._fs.reopen(self.path)
            torn = self._index.torn
            if torn:
                self._keep_torn(torn)
                self._file.truncate(self._index.end)
                self._fs.sync(self._file)
                self._index.torn = b""
        return len(torn)

    def _keep_torn(self, torn: bytes) -> None:
        place = self.folder / TORN
        file = self._fs.reopen(place) if place.exists() else self._fs.create(place)
        with file:
            file.seek(0, 2)
            file.write(torn if torn.endswith(b"\n") else torn + b"\n")
            self._fs.sync(file)
        self._fs.sync_folder(self.folder)

    def check_whole(self) -> None:
        """Check that no line in the middle is bad; AppError W908 if one is."""
        if self._index.bad:
            first = self._index.bad[0]
            raise AppError(
                "W908",
                str(self.path),
                f"line {first.number} is damaged ({first.reason}); nothing is written to this folder",
                got=f"{len(self._index.bad)} damaged lines",
                hint=f"mystax labels repair {self.folder}",
            )

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append operations; when this returns they are on the disk.

        Parameters
        ----------
        records : sequence of dict
            JSON objects with rising revisions.

        Raises
        ------
        SpaceError
            S501, if there is no space; the journal is then as it was.
        StoreError
            S503, if the file system refuses.
        """
        file = self._file
        if file is None:
            raise AppError("W908", str(self.path), "the journal is not open for writing")
        lines = [line_of(record) for record in records]
        index = self._index
        with refusals(self.path):
            if self._is_dirty:
                file.truncate(index.end)
            self._is_dirty = True
            try:
                file.seek(index.end)
                file.write(b"".join(lines))
                self._fs.sync(file)
            except OSError:
                with contextlib.suppress(OSError):  # what stays is cut off by the next append or opening
                    file.truncate(index.end)
                    self._is_dirty = False
                raise
            self._is_dirty = False
        for record, line in zip(records, lines, strict=True):
            index.revs.append(int(record["rev"]))
            index.starts.append(index.end)
            index.end += len(line)

    def repair(self, name: str) -> int:
        """Keep the damaged file apart, write its good lines as the journal; with the lock held, after `read`.

        Parameters
        ----------
        name : str
            Name under which the damaged file is kept in the folder.

        Returns
        -------
        int
            Number of lines that were set apart.

        Raises
        ------
        StoreError, SpaceError
            S503, S501, as the disk refuses; the journal is then as it was.
        """
        if not self._index.bad:
            return 0
        data = self.path.read_bytes()
        good = b"".join(data[start : data.index(b"\n", start) + 1] for start in self._index.starts)
        with refusals(self.path):
            for content, target in ((data, self.folder / name), (good, self.path)):
                part = self.folder / f".{target.name}.part"
                self._fs.remove(part)
                with self._fs.create(part) as file:
                    file.write(content)
                    self._fs.sync(file)
                self._fs.replace(part, target)
                self._fs.sync_folder(self.folder)
        return len(self._index.bad)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _reason(record: Any, sum_holds: bool, last_rev: int) -> str:
    """Say why a line cannot be used; empty if it can."""
    if not sum_holds:
        return "its sum does not hold"
    if not isinstance(record, dict) or list(record) != KEYS:
        return "it is no operation"
    if type(record["rev"]) is not int or record["rev"] <= last_rev:
        return f"revision {record['rev']!r:.20} after {last_rev}"
    return ""

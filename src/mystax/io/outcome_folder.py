"""A folder of outcomes: where each one lies, which are current, how much room is left, files in one step."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from mystax.core.canonical import key12
from mystax.errors import DamagedError, FormatError, RecipeError, SpaceError
from mystax.io.digests import file_digest
from mystax.io.locks import LockRecord, is_alive
from mystax.io.outcome_files import damaged, read_head
from mystax.io.store_fs import FileSystem, LocalFs, refusals
from mystax.io.verify import digest_problems, read_sum

__all__ = ["OutcomeFolder", "sum_text", "utc_now"]

RESERVE = 512 << 20
"""Bytes of a disk that a run leaves free."""

SAFETY = 1.2
"""What a run must find free, over what it is estimated to write."""


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


class OutcomeFolder:
    """The folder of the outcomes of one recording and recipe, without unfinished work.

    Parameters
    ----------
    folder : Path
        ``face.mystax`` or ``<out>/<recording>/<recipe>``; made when something is written.
    fs : FileSystem, optional
        Whatever changes the disk (tests make it fail).
    now : callable, optional
        Time in UTC.
    token : str, optional
        16 hexadecimal digits that mark the part files of this execution.
    alive : callable, optional
        Whether the process of a lock runs (None: it belongs to another host).
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        fs: FileSystem | None = None,
        now: Callable[[], datetime] = utc_now,
        token: str | None = None,
        alive: Callable[[LockRecord], bool | None] = is_alive,
    ) -> None:
        self.folder = Path(folder)
        self.token = token or secrets.token_hex(8)
        self._fs = fs or LocalFs()
        self._now, self._alive = now, alive

    # ---------------------------------------------------------------- places

    def path(self, analysis: str) -> Path:
        """Return the place of an outcome."""
        return self.folder / f"{analysis}.nc"

    def sum_path(self, analysis: str) -> Path:
        """Return the place of the sum of an outcome."""
        return self.folder / ".mystax" / "sums" / f"{analysis}.nc.sha256"

    def _old_path(self, analysis: str, key: str) -> Path:
        return self.folder / ".mystax" / "old" / f"{analysis}.{key12(key) or 'unknown'}.nc"

    # ---------------------------------------------------------------- what is there

    def current_key(self, analysis: str) -> str | None:
        """Return the key of the published outcome; None if there is none or it is damaged.

        An outcome whose sum is missing or older (a crash between two steps) counts if all its digests hold.
        """
        path = self.path(analysis)
        if not path.is_file():
            return None
        try:
            key = read_head(path).key
        except (DamagedError, FormatError):
            return None
        noted = read_sum(self.sum_path(analysis))
        if (noted is None or noted.key != key) and digest_problems(path):
            return None
        return key

    def adopt(self, analysis: str) -> None:
        """Write the sum of a whole outcome where it is missing or older; one with its sum is left alone.

        Raises
        ------
        DamagedError
            S502, if the outcome's digests do not hold.
        """
        path = self.path(analysis)
        key = read_head(path).key
        noted = read_sum(self.sum_path(analysis))
        if noted is not None and noted.key == key:
            return
        problems = digest_problems(path)
        if problems:
            raise damaged(path, problems[0])
        self.write_bytes(f".mystax/sums/{analysis}.nc.sha256", sum_text(path, file_digest(path), key))

    # ---------------------------------------------------------------- room

    def free(self) -> int:
        """Return the bytes that a run may write here: free space, less the reserve."""
        return max(0, self._fs.free(_existing(self.folder)) - RESERVE)

    def need(self, n_bytes: int) -> None:
        """Check that there is room for what a run will write.

        Parameters
        ----------
        n_bytes : int
            Estimate of outcomes, spools and checkpoints [byte].

        Raises
        ------
        SpaceError
            S501, if less than 1.2 times the estimate and 512 MiB are free.
        """
        wanted, free = int(n_bytes * SAFETY) + RESERVE, self._fs.free(_existing(self.folder))
        if wanted > free:
            raise SpaceError(
                "S501",
                str(self.folder),
                "there is not enough space for this run",
                expected=f"{_mebibytes(wanted)} free",
                got=_mebibytes(free),
                hint="free some space, choose another folder with --out, or keep fewer components",
            )

    # ---------------------------------------------------------------- files in one step

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file in one step, as UTF-8.

        Parameters
        ----------
        name : str
            Path inside the folder with ``/``, such as ``report.html`` or ``figures/energy.svg``.
        text : str
            Its contents.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        RecipeError
            P404, if the name leads out of the folder.
        SpaceError, StoreError
            S501, S503, as the disk refuses.
        """
        return self.write_bytes(name, text.encode("utf-8", "backslashreplace"))

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write a file in one step; the arguments and errors are those of `write_text`."""
        place = PurePosixPath(name)
        if not place.name or place.is_absolute() or ".." in place.parts or "\\" in name or "\0" in name:
            raise RecipeError("P404", f"file {name!r}", expected="a name inside the folder of outcomes")
        path = self.folder.joinpath(*place.parts)
        part = path.with_name(f".{path.name}.{self.token}.part")
        with refusals(path), self._removed_on_error(part):
            self._fs.make_folder(path.parent)
            self._write_part(part, data)
            try:
                self._fs.replace(part, path)
            except FileNotFoundError:  # another run swept it: its author had no lock
                self._write_part(part, data)
                self._fs.replace(part, path)
            self._fs.sync_folder(path.parent)
        return path

    def _write_part(self, part: Path, data: bytes) -> None:
        """Write a part file and bring it to the disk."""
        self._fs.remove(part)
        with self._fs.create(part) as file:
            file.write(data)
            self._fs.sync(file)

    def _copy(self, source: Path, target: Path) -> None:
        part = target.with_name(f".{target.name}.{self.token}.part")
        with self._removed_on_error(part):
            with source.open("rb") as data, self._fs.create(part) as file:
                while block := data.read(1 << 22):
                    file.write(block)
                self._fs.sync(file)
            self._fs.replace(part, target)

    @contextlib.contextmanager
    def _removed_on_error(self, part: Path) -> Iterator[None]:
        """Remove a part file if anything at all goes wrong, Ctrl-C included."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                self._fs.remove(part)
            raise


def sum_text(path: Path, digest: str, key: str) -> bytes:
    """Return the text of a sum file; `sha256sum -c` run in the folder of outcomes checks it."""
    return f"# key {key}\n{digest}  {path.name}\n".encode()


def _existing(folder: Path) -> Path:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _mebibytes(n_bytes: int) -> str:
    return f"{n_bytes / (1 << 20):,.0f} MiB"

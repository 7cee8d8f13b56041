"""The store, only writer of outcomes: a reader sees the old file, the new file or none, never half of one.

::

    <folder>/<analysis>.nc                        the outcome, never changed after it is published
    <folder>/recipe.toml  report.html  figures/   texts and pictures
    <folder>/.mystax/sums/<analysis>.nc.sha256    `# key <key>`, then a line as `sha256sum` writes it
    <folder>/.mystax/old/<analysis>.<key12>.nc    superseded outcomes
    <folder>/.mystax/work/<key12>/                one unfinished pass: lock, checkpoints, spools
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mystax.core.analysis import get_analysis
from mystax.core.canonical import key12, pass_key
from mystax.core.dataset import Schema, check_outcome
from mystax.errors import DamagedError, FormatError, StoreError
from mystax.io.checkpoints import checkpoint_keys
from mystax.io.digests import file_digest
from mystax.io.locks import Lease, LockRecord, acquire_lock, is_alive
from mystax.io.outcome_files import read_head
from mystax.io.outcome_folder import OutcomeFolder, sum_text, utc_now
from mystax.io.outcome_reading import outcome_paths
from mystax.io.outcome_writer import write_outcome
from mystax.io.provenance import Provenance
from mystax.io.store_fs import FileSystem, can_not_link, refusals
from mystax.io.strays import strays
from mystax.io.verify import digest_problems, read_sum
from mystax.io.work import Work

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["Provenance", "Store"]


class Store(OutcomeFolder):
    """The folder of the outcomes of one recording and recipe.

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
    gate : callable, optional
        Called with the name of an analysis when its part file is complete: it returns when the outcome may
        take its place, and raises if it may not.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        fs: FileSystem | None = None,
        now: Callable[[], datetime] = utc_now,
        token: str | None = None,
        alive: Callable[[LockRecord], bool | None] = is_alive,
        gate: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(folder, fs=fs, now=now, token=token, alive=alive)
        self._gate = gate
        self._leases: list[Lease] = []

    # ---------------------------------------------------------------- unfinished work

    def work(self, keys: Iterable[str], *, heartbeat: float | None = None) -> Work:
        """Take the folder of a pass.

        Parameters
        ----------
        keys : iterable of str
            Keys of the outcomes in the making.
        heartbeat : float, optional
            Time between two heartbeats of the lock [s]; none by default: call `Lease.beat`.

        Returns
        -------
        Work
            The folder, locked; use it as a context.

        Raises
        ------
        StoreError
            S504, if another process works on it; S503, if it cannot be written.
        """
        wanted = sorted(keys)
        return self._take(_work_name(wanted), wanted, heartbeat)

    def unfinished(self) -> list[frozenset[str]]:
        """List the passes that were left with a checkpoint, by the keys of their outcomes."""
        found = {folder.name: checkpoint_keys(folder) for folder in self._work_folders()}
        # A checkpoint that lies in the folder of another pass is of no use.
        return [keys for name, keys in sorted(found.items()) if keys and name == _work_name(keys)]

    def finished(self, keys: Iterable[str]) -> Iterator[Work]:
        """Take, one after the other, the folders of passes that nobody needs when these outcomes are there.

        A folder without a checkpoint gives nobody anything to go on from; one that another process works in
        is left alone.

        Parameters
        ----------
        keys : iterable of str
            Keys of the outcomes that are there.

        Yields
        ------
        Work
            A folder, locked.
        """
        known = frozenset(keys)
        for folder in self._work_folders():
            if not checkpoint_keys(folder) <= known:
                continue
            try:
                work = self._take(folder.name, known, None)
            except StoreError as error:
                if error.code != "S504":
                    raise
                continue
            with work:
                yield work

    def _work_folders(self) -> list[Path]:
        return sorted(path for path in self.folder.glob(".mystax/work/*") if path.is_dir())

    def _take(self, name: str, keys: Iterable[str], heartbeat: float | None) -> Work:
        """Lock a folder of unfinished work."""
        folder = self.folder / ".mystax" / "work" / name
        lease = acquire_lock(folder / "lock", self._fs, self.token, now=self._now, alive=self._alive)
        if heartbeat is not None:
            lease.keep_beating(heartbeat)
        self._leases.append(lease)
        return Work(folder, keys, lease, self._fs, on_close=self._leases.remove)

    def sweep(self) -> list[Path]:
        """Clear up behind executions that died here: call it at the start of a run.

        Part files without a living lock are removed; whole outcomes whose sum is missing or older get it.

        Returns
        -------
        list of Path
            What was removed.

        Raises
        ------
        StoreError
            S503, if something cannot be removed.
        """
        found = [path for path in strays(self.folder, self._fs, alive=self._alive) if path.suffix == ".part"]
        removed = [path for path in found if self.token not in path.name]
        with refusals(self.folder):
            for path in removed:
                self._fs.remove(path)
        for path in outcome_paths(self.folder):
            with contextlib.suppress(DamagedError, FormatError, StoreError):  # left to `mystax doctor`
                self.adopt(path.stem)
        return removed

    # ---------------------------------------------------------------- publishing

    def publish(
        self,
        outcome: Dataset | Mapping[str, Dataset],
        provenance: Provenance,
        *,
        schema: Schema | None = None,
    ) -> Path:
        """Publish one outcome.

        Parameters
        ----------
        outcome : Dataset or mapping of str to Dataset
            The dataset of the only camera, or camera to dataset (``""``: what all cameras have in common).
        provenance : Provenance
            Where it comes from.
        schema : Schema, optional
            Its form; by default that of the declared analysis.

        Returns
        -------
        Path
            The published file.  If one of the same key was there already, it stays as it was.

        Raises
        ------
        FormatError
            F804, if the outcome does not have the form of its schema.
        SpaceError
            S501, if there is no space left.
        StoreError
            S503, if the file system refuses; S504, if another process took the work over.
        """
        analysis = provenance.analysis
        cameras = _by_camera(outcome)
        for camera, dataset in cameras.items():
            form = schema or get_analysis(analysis).schema_of(dataset)
            check_outcome(dataset, form, f"outcome {analysis!r}{f' of camera {camera!r}' if camera else ''}")
        final = self.path(analysis)
        part = self.folder / f".{analysis}.{self.token}.nc.part"
        sum_part = self.sum_path(analysis).with_name(f".{analysis}.nc.sha256.{self.token}.part")
        with (
            self._some_lease(provenance.key) as lease,
            refusals(final),
            self._removed_on_error(part),
            self._removed_on_error(sum_part),
        ):
            for folder in (self.folder, sum_part.parent):
                self._fs.make_folder(folder)
            self._fs.remove(part)
            with self._fs.create(part) as file:
                write_outcome(file, cameras, provenance.attributes())
                self._fs.sync(file)
            self._write_part(sum_part, sum_text(final, file_digest(part), provenance.key))
            if self._gate is not None:
                self._gate(analysis)
            lease.check()
            with _part_still_there(part):
                took_place = self._take_place(part, final, provenance)
            if took_place:
                self._fs.replace(sum_part, self.sum_path(analysis))
                self._fs.sync_folder(sum_part.parent)
                self._fs.sync_folder(self.folder)
                return final
            self._fs.remove(sum_part)
        self.adopt(analysis)
        return final

    def _take_place(self, part: Path, final: Path, provenance: Provenance) -> bool:
        """Give a complete part its final name; False if an equal outcome has it already."""
        if not final.exists() and self._link_new(part, final):
            return True
        if self.current_key(provenance.analysis) == provenance.key and not self._sum_differs(
            provenance.analysis
        ):
            self._fs.remove(part)
            return False
        self._keep_old(final, provenance.analysis)
        self._fs.replace(part, final)
        return True

    def _link_new(self, part: Path, final: Path) -> bool:
        """Name a new outcome; False if a rival was first."""
        try:
            self._fs.link(part, final)
        except FileExistsError:
            return False
        except OSError as error:
            if not can_not_link(error):
                raise
            return self._replace_alone(part, final)
        self._fs.remove(part)
        return True

    def _replace_alone(self, part: Path, final: Path) -> bool:
        """Name a new outcome where there are no hard links: behind a lock file that only one can make."""
        lock = acquire_lock(
            final.with_name(f".{final.name}.lock"), self._fs, self.token, now=self._now, alive=self._alive
        )
        try:
            if final.exists():
                return False
            self._fs.replace(part, final)
        finally:
            lock.release()
        return True

    def _sum_differs(self, analysis: str) -> bool:
        """Tell whether the published file of the current key is not the one that was summed: damage."""
        noted = read_sum(self.sum_path(analysis))
        path = self.path(analysis)
        return noted is not None and noted.key == read_head(path).key and file_digest(path) != noted.digest

    def _keep_old(self, final: Path, analysis: str) -> None:
        """Keep the outcome that will be superseded under a second name; a damaged one is marked as such."""
        try:
            key = read_head(final).key
            mark = ".damaged" if digest_problems(final) else ""
        except (DamagedError, FormatError, StoreError):
            key, mark = "", ".damaged"
        old = self._old_path(analysis, key)
        if mark or (old.exists() and not old.samefile(final)):
            old = old.with_name(f"{old.stem}{mark}-{self.token[:4]}.nc")
        self._fs.make_folder(old.parent)
        try:
            self._fs.link(final, old)
        except FileExistsError:
            pass
        except OSError as error:
            if not can_not_link(error):
                raise
            self._copy(final, old)
        self._fs.sync_folder(old.parent)

    @contextlib.contextmanager
    def _some_lease(self, key: str) -> Iterator[Lease]:
        """Give the lock of the running work; outside any work take one for the moment."""
        if self._leases:
            yield self._leases[-1]
            return
        with self.work([key]) as work:
            yield work.lease


def _work_name(keys: Iterable[str]) -> str:
    """Return the name of the folder of a pass: the start of its key."""
    wanted = sorted(keys)
    return key12(wanted[0] if len(wanted) == 1 else pass_key(wanted))


@contextlib.contextmanager
def _part_still_there(part: Path) -> Iterator[None]:
    """Say who is to blame when a complete part file is gone: another run that took this one for dead."""
    try:
        yield
    except FileNotFoundError as error:
        if part.exists():
            raise
        raise StoreError(
            "S504", str(part), "another run removed this part file", hint="run again: finished work is kept"
        ) from error


def _by_camera(outcome: Dataset | Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Return the datasets by camera; a Dataset, which is a mapping too, stands in the root."""
    if hasattr(outcome, "data_vars"):
        return {"": cast("Dataset", outcome)}
    return {str(camera): dataset for camera, dataset in outcome.items()}

"""Checkpoints: the state of unfinished work, the last two of them, each whole or not there."""

import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mystax.io.store_fs import FileSystem, refusals

__all__ = ["Checkpoint", "Checkpoints", "checkpoint_keys"]

KEEP = 2

KEYS_BYTES = 1 << 20
"""Longest list of keys that is read."""

UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RecursionError,
)
"""How a damaged checkpoint shows."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a pass at a chunk boundary.

    Attributes
    ----------
    frame : int
        Frames done.
    arrays : mapping
        ``<analysis>/<state name>`` to array.
    spool_rows : mapping
        Name of a spool to (rows, bytes per row) at that moment.
    """

    frame: int
    arrays: Mapping[str, np.ndarray]
    spool_rows: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of one folder.

    Parameters
    ----------
    folder : Path
        Where they lie.
    keys : iterable of str
        Keys of the outcomes in the making; a checkpoint of other keys is never used.
    fs : FileSystem
        Where the folder lies.
    """

    def __init__(self, folder: Path, keys: Iterable[str], fs: FileSystem) -> None:
        self._folder, self._fs = folder, fs
        self._keys = json.dumps(sorted(keys)).encode()

    def _numbered(self) -> list[tuple[int, Path]]:
        """List the checkpoints, newest first."""
        found = (
            (re.fullmatch(r"checkpoint-(\d+)\.npz", path.name), path) for path in self._folder.glob("*.npz")
        )
        return sorted(((int(match[1]), path) for match, path in found if match), reverse=True)

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint and forget all but the last two.

        The rows that its spools count must lie on the disk already.

        Raises
        ------
        SpaceError
            S501, if there is no space left; the checkpoints before stay.
        StoreError
            S503, for other errors of the disk.
        """
        for name, array in checkpoint.arrays.items():
            if "/" not in name or name.startswith("spool_rows/"):
                raise ValueError(f"the name of a state array is <analysis>/<state name>, got {name!r}")
            if array.dtype.hasobject:
                raise ValueError(f"state array {name!r} holds objects; only numbers and texts can be kept")
        arrays = {
            **checkpoint.arrays,
            **{
                f"spool_rows/{name}": np.array(rows, np.int64) for name, rows in checkpoint.spool_rows.items()
            },
            "frame": np.int64(checkpoint.frame),
            "keys": np.frombuffer(self._keys, np.uint8),
        }
        numbered = self._numbered()
        path = self._folder / f"checkpoint-{numbered[0][0] + 1 if numbered else 1}.npz"
        part = path.with_name(f".{path.name}.part")
        with refusals(path):
            try:
                self._fs.remove(part)
                with self._fs.create(part) as file:
                    np.savez(file, **arrays)  # type: ignore[arg-type] # the names are free
                    self._fs.sync(file)
                self._fs.replace(part, path)
                self._fs.sync_folder(self._folder)
            except BaseException:
                self._fs.remove(part)
                raise
            for _, old in numbered[KEEP - 1 :]:
                self._fs.remove(old)
        return path

    def load(self) -> Checkpoint | None:
        """Return the newest checkpoint of the same keys that is whole, spools included; None without one."""
        for _, path in self._numbered():
            checkpoint = self._read(path)
            if checkpoint is not None and self._spools_hold(checkpoint):
                return checkpoint
        return None

    def _read(self, path: Path) -> Checkpoint | None:
        try:
            with path.open("rb") as file, zipfile.ZipFile(file) as archive:
                if archive.testzip() is not None:  # before any header is believed
                    return None
                file.seek(0)
                with np.load(file, allow_pickle=False) as found:
                    arrays = {name: np.array(found[name]) for name in found.files}
            if arrays.pop("keys").tobytes() != self._keys:
                return None
            frame = int(arrays.pop("frame"))
            rows = {
                name.partition("/")[2]: (int(arrays[name][0]), int(arrays[name][1]))
                for name in arrays
                if name.startswith("spool_rows/")
            }
        except UNREADABLE:
            return None  # passed over: the checkpoint before it, or the start, gives the same numbers
        state = {name: array for name, array in arrays.items() if not name.startswith("spool_rows/")}
        return Checkpoint(frame, state, rows)

    def _spools_hold(self, checkpoint: Checkpoint) -> bool:
        """Tell whether every spool still has the rows that the checkpoint counts on."""
        for name, (rows, row_bytes) in checkpoint.spool_rows.items():
            path = self._folder / f"{name}.spool"
            if not path.is_file() or path.stat().st_size < rows * row_bytes:
                return False
        return True

    def clear(self) -> None:
        """Remove all checkpoints."""
        with refusals(self._folder):
            for _, path in self._numbered():
                self._fs.remove(path)


def checkpoint_keys(folder: Path) -> frozenset[str]:
    """Return the keys of the outcomes that the checkpoints of a folder belong to; none without a whole one.

    Parameters
    ----------
    folder : Path
        ``.mystax/work/<key12>``.

    Returns
    -------
    frozenset of str
        The keys, as the newest checkpoint names them whose names can be read.
    """
    for path in sorted(folder.glob("checkpoint-*.npz"), key=lambda path: (len(path.name), path.name))[::-1]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open("keys.npy") as member:
                np.lib.format.read_magic(member)
                np.lib.format.read_array_header_1_0(member)
                keys = json.loads(member.read(KEYS_BYTES))
        except UNREADABLE:
            continue
        if isinstance(keys, list) and all(isinstance(key, str) for key in keys):
            return frozenset(keys)
    return frozenset()

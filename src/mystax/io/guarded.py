"""HDF5 files of others, walked before anything is read: no other file and no claimed size is followed."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.safe_names import is_there
from mystax.core.typing import Shaped
from mystax.errors import FormatError, nearest

__all__ = ["HDF5_MARK", "check_hdf5", "is_hdf5", "read_hdf5"]

HDF5_MARK = b"\x89HDF\r\n\x1a\n"
MAX_RATIO = 1000
"""A dataset may claim this many times the size of its file (or `FLOOR`)."""
FLOOR = 1 << 20
MEMORY = 1 << 30
MAX_OBJECTS = 1_000_000
MAX_DEPTH = 64
MAX_FILES = 64
FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}


def is_hdf5(path: Path | str) -> bool:
    """Tell by content whether a file is HDF5 (also behind MATLAB's text block of 512 bytes)."""
    with Path(path).open("rb") as stream:
        head = stream.read(1024)
    return head.startswith(HDF5_MARK) or head[512:520] == HDF5_MARK


def _check_dataset(dataset: h5py.Dataset, place: str, size: int, memory: int) -> None:
    """Refuse data outside the file, unknown filters and impossible sizes; only metadata are looked at."""
    if dataset.is_virtual:
        raise FormatError("F803", place, "a virtual dataset reads other files")
    created = dataset.id.get_create_plist()
    if created.get_external_count():
        raise FormatError("F803", place, "the data lie in another file (external storage)")
    for k in range(created.get_nfilters()):
        code = int(created.get_filter(k)[0])
        if code not in FILTERS:
            raise FormatError("F803", place, f"filter {code} would load foreign code")
    claimed = int(np.prod(dataset.shape or (), dtype=object)) * dataset.dtype.itemsize
    most = min(max(MAX_RATIO * size, FLOOR), memory)
    if claimed > most:
        raise FormatError("F802", place, expected=f"at most {most} bytes", got=f"{claimed} bytes claimed")
    chunk = created.get_chunk() if created.get_layout() == h5py.h5d.CHUNKED else ()
    if int(np.prod(chunk, dtype=object)) * dataset.dtype.itemsize > most:
        raise FormatError("F802", place, expected=f"chunks of at most {most} bytes", got=f"{chunk}")


def check_hdf5(file: h5py.File, *, memory: int = MEMORY, folder: Path | None = None) -> None:
    """Walk an open file, and files that it may link to, and refuse what a reader must not follow.

    Parameters
    ----------
    file : h5py.File
        Open for reading.
    memory : int, optional
        Largest dataset allowed [bytes].
    folder : Path, optional
        Links to files in this folder or below are followed; by default none are.

    Raises
    ------
    FormatError
        F803 for external links (but those that are followed), external storage, virtual datasets and
        unknown filters; F802 for claimed sizes over 1,000 times the file, over `memory`, or more objects,
        levels and files than sensible.
    """
    walked: list[Path] = []
    waiting = [Path(str(file.filename)).resolve()]
    while waiting:
        path = waiting.pop()
        if path in walked:
            continue
        walked.append(path)
        if len(walked) > MAX_FILES:
            raise FormatError("F802", path.name, expected=f"links to at most {MAX_FILES} files", got="more")
        if len(walked) == 1:
            waiting += _walk(file, memory, folder)
            continue
        with h5py.File(path, "r", locking=False) as other:
            waiting += _walk(other, memory, folder)


def _walk(file: h5py.File, memory: int, folder: Path | None) -> list[Path]:
    """Walk one file; return the files that it links to."""
    where = Path(str(file.filename)).name
    size = Path(str(file.filename)).stat().st_size
    linked: list[Path] = []
    seen: set[int] = set()
    stack: list[tuple[h5py.Group, str, int]] = [(file, "", 0)]
    while stack:
        group, path, depth = stack.pop()
        if depth > MAX_DEPTH or len(seen) > MAX_OBJECTS:
            raise FormatError("F802", where, expected=f"at most {MAX_OBJECTS} objects, {MAX_DEPTH} levels")
        for name in group:
            place = f"{where}:{path}/{name}"
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                linked += _linked(group, name, link, place, folder)
                continue
            if isinstance(link, h5py.SoftLink):
                continue  # its target is met under its own name, or does not exist
            item = group[name]
            address = int(h5py.h5o.get_info(item.id).addr)
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Dataset):
                _check_dataset(item, place, size, memory)
            elif isinstance(item, h5py.Group):
                stack.append((item, f"{path}/{name}", depth + 1))
    return linked


def _linked(
    group: h5py.Group, name: str, link: h5py.ExternalLink, place: str, folder: Path | None
) -> list[Path]:
    """Return the file that a link names, and the one in which it ends, if they may be followed.

    Raises
    ------
    FormatError
        F803, if they may not, or there is nothing.
    """
    if folder is None:
        raise FormatError("F803", place, "the link points to another file", got=link.filename)
    named = (Path(str(group.file.filename)).parent / link.filename).resolve()
    _check_inside(named, folder, place)
    if not (is_there(named) and is_hdf5(named)):
        raise FormatError("F803", place, "the link points to no HDF5 file", got=link.filename)
    try:
        item = group[name]
    except (KeyError, OSError, RuntimeError) as error:
        text = f"{link.filename}:{link.path}"
        raise FormatError("F803", place, "the link leads nowhere", got=text) from error
    ends = Path(str(item.file.filename)).resolve()  # the library knows more places to look at
    _check_inside(ends, folder, place)
    return [named, ends]


def _check_inside(target: Path, folder: Path, place: str) -> None:
    if not target.is_relative_to(folder.resolve()):
        raise FormatError(
            "F803",
            place,
            "the link leaves the folder of the file",
            expected=f"a file in {folder} or below",
            got=str(target),
        )


def read_hdf5(path: Path | str, name: str) -> Shaped[np.ndarray, "..."]:
    """Read one dataset of numbers or texts of a foreign HDF5 file, after a walk through all of it.

    Meant for a child process (`mystax.io.foreign.read_foreign`): a crafted file may crash the library.

    Parameters
    ----------
    path : path
        The file.
    name : str
        Path of the dataset inside it.

    Returns
    -------
    array
        Its content; texts as objects of type str.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if it is no HDF5 file, or there is no such dataset.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file)
            known: list[str] = []
            file.visititems(lambda key, item: known.append(f"/{key}") if _is_data(item) else None)
            item = file.get(name)
            if not isinstance(item, h5py.Dataset):
                raise FormatError(
                    "F804", where, f"there is no dataset {name!r}{nearest('/' + name.strip('/'), known)}"
                )
            if item.dtype.kind == "O":
                if h5py.check_string_dtype(item.dtype) is None:
                    raise FormatError(
                        "F804", f"{where}:{name}", expected="numbers or texts", got="references"
                    )
                return np.asarray(item.asstr()[...])
            return np.asarray(item[...])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise FormatError("F804", where, f"the file cannot be read as HDF5 ({error})") from error


def _is_data(item: Any) -> bool:
    return isinstance(item, h5py.Dataset)

"""Outcomes back from the tables that `mystax.io.tables` wrote: the JSON says what lies where."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.extras import require
from mystax.core.safe_names import is_there
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.layout import rebuild
from mystax.io.npy_files import read_npy
from mystax.io.outcome_parts import OutcomeParts, check_content
from mystax.io.tables import KEY

__all__ = ["MARK", "plain_parquet", "read_tables", "table_manifest"]

MEMORY, SECONDS = 12 << 30, 900
MARK = b'{"mystax":1,'
"""How the JSON of mystax begins."""
MOST_TEXT = 64 << 20


def plain_parquet(path: str) -> dict[str, Any]:
    """Read a Parquet file as plain data; meant for a child process.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict
        `manifest` (text or None), `names`, and `columns` as arrays.

    Raises
    ------
    ExtraMissing
        X001, if pyarrow is not installed.
    FormatError
        F804, if it is no Parquet file, or a column holds something else than numbers and texts.
    """
    pa = require("pyarrow", "interop")
    pq = require("pyarrow.parquet", "interop")
    where = Path(path).name
    try:
        pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more than the child may have
        table = pq.read_table(path, use_threads=False)
        columns = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
                columns.append(column.to_numpy())
            elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                columns.append(np.array(["" if one is None else one for one in column.to_pylist()], np.str_))
            else:
                raise FormatError(
                    "F804", f"{where}:{name}", expected="numbers or texts", got=str(column.type)
                )
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise FormatError("F804", where, f"the file cannot be read as Parquet ({error})") from error
    known = (table.schema.metadata or {}).get(KEY.encode())
    text = None if known is None else known.decode("utf-8", "replace")
    return {"manifest": text, "names": list(table.column_names), "columns": columns}


def table_manifest(path: Path) -> Path | None:
    """Find the JSON that belongs to a table: the file itself, or one beside it whose name begins its own.

    Parameters
    ----------
    path : Path
        A table, or a JSON.

    Returns
    -------
    Path or None
        The JSON that mystax wrote beside it.
    """
    words = path.name.split(".")
    stems = [".".join(words[:k]) for k in range(len(words) - 1, 0, -1)]
    for place in [path, *(path.with_name(f"{stem}.json") for stem in stems)]:
        if place.suffix == ".json" and is_there(place):
            with place.open("rb") as stream:
                if stream.read(len(MARK)) == MARK:
                    return place
    return None


def read_tables(path: Path) -> list[tuple[str, OutcomeParts]]:
    """Read outcomes back from their tables.

    Parameters
    ----------
    path : Path
        One of its tables, its JSON, or a folder of them.

    Returns
    -------
    list of (str, OutcomeParts)
        Recording and outcome; digests are checked.

    Raises
    ------
    FormatError
        F801-F804, if a file is refused, or its JSON is missing.
    DamagedError
        S502, if a number was changed.
    """
    found: list[tuple[str, OutcomeParts]] = []
    for folder, where, text in _manifests(path):
        reader = _Reader(folder)
        try:
            outcomes = json.loads(text)["outcomes"]
            found += [(str(one.get("recording", "")), rebuild(one, reader.fetch, where)) for one in outcomes]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise FormatError("F804", where, "the JSON is not understood", got=str(error)[:80]) from error
    for _, parts in found:
        check_content(parts, path.name)
    return found


def _manifests(path: Path) -> list[tuple[Path, str, str]]:
    """Return folder, name and text of the descriptions that a path means."""
    if is_there(path, folder=True):
        places = [place for place in sorted(path.rglob("*.json")) if table_manifest(place) == place]
    else:
        place = table_manifest(path)
        places = [] if place is None else [place]
    big = next((place for place in places if place.stat().st_size > MOST_TEXT), None)
    if big is not None:
        raise FormatError("F802", big.name, expected=f"at most {MOST_TEXT} bytes")
    if places:
        return [(place.parent, place.name, place.read_text("utf-8", "replace")) for place in places]
    text = None
    if not path.is_dir() and path.read_bytes()[:4] == b"PAR1":
        text = read_foreign(path, "parquet", memory=MEMORY, seconds=SECONDS)["manifest"]
    if text is None:
        raise FormatError(
            "F804",
            path.name,
            "the JSON that belongs to the table is not beside it",
            hint="keep the files together",
        )
    return [(path.parent, path.name, str(text))]


class _Reader:
    """Fetches arrays out of tables and pictures beside a JSON; each table is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, Sequence[Any]] = {}

    def fetch(self, path: str) -> np.ndarray:
        """Return an array by ``<file>.npy``, or ``<table>#<first column>:<type>:<shape>``."""
        name, _, place = path.partition("#")
        if Path(name).name != name:
            raise FormatError("F803", name, "the JSON names a file in another folder")
        file = self._folder / name
        if not is_there(file):
            raise FormatError("F804", name, "the file is not beside its JSON")
        if not place:
            return read_npy(file)
        first, dtype, text = place.split(":")
        shape = tuple(int(n) for n in text.split("x"))
        columns = self._columns(file)[int(first) : int(first) + math.prod(shape[1:])]
        if len(columns) != math.prod(shape[1:]) or any(len(column) != shape[0] for column in columns):
            raise FormatError("F804", name, expected=f"columns and rows as exported ({text})", got="others")
        kind = np.dtype(dtype)
        if file.suffix == ".csv":
            return np.stack([_numbers(column, kind, name) for column in columns], 1).reshape(shape)
        return np.stack([np.asarray(column) for column in columns], 1).reshape(shape)

    def _columns(self, file: Path) -> Sequence[Any]:
        if file.name not in self._tables:
            if file.suffix == ".csv":
                self._tables[file.name] = _read_csv(file)
            else:
                self._tables[file.name] = read_foreign(file, "parquet", memory=MEMORY, seconds=SECONDS)[
                    "columns"
                ]
        return self._tables[file.name]


def _read_csv(file: Path) -> list[list[str]]:
    """Read a CSV table by columns, without its header."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows: Iterator[list[str]] = csv.reader(stream)
            head = next(rows, [])
            columns = [list(column) for column in zip(*rows, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise FormatError("F804", file.name, f"the table cannot be read ({error})") from error
    return columns or [[] for _ in head]


def _numbers(column: Sequence[str], dtype: np.dtype[Any], where: str) -> np.ndarray:
    """Read the numbers of a column in their type; empty cells are NaN."""
    try:
        if dtype.kind == "f":
            return np.array([float(text) if text else np.nan for text in column], np.float64).astype(dtype)
        return np.array([int(text) for text in column], dtype)
    except (ValueError, OverflowError) as error:
        raise FormatError("F804", where, "a cell is no number", got=str(error)[:80]) from error

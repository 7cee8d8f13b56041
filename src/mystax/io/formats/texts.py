"""Texts of other tools: size first, UTF-8, tables of cells, numbers."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import FormatError, RecipeError

__all__ = ["number", "numbers_of", "read_cells", "read_text", "short_number", "text_of_cells"]

MAX_BYTES = 1 << 30


def read_text(path: Path | str, *, encoding: str = "utf-8-sig") -> str:
    """Read a text file.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    FormatError
        F802, if it is larger than 1 GiB; F804, if it is no text.
    """
    place = Path(path)
    try:
        if place.stat().st_size > MAX_BYTES:
            raise FormatError("F802", place.name, expected="at most 1 GiB of text", got="more")
        return place.read_bytes().decode(encoding)
    except OSError as error:
        raise RecipeError("P403", str(path), f"the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        wanted = f"text in {encoding.removesuffix('-sig').upper()}"
        raise FormatError("F804", place.name, expected=wanted, got="other bytes") from error


def read_cells(path: Path | str) -> list[list[str]]:
    """Read a table of comma-separated cells, empty lines left out.

    Raises
    ------
    RecipeError, FormatError
        As `read_text`; F804, if a cell is longer than 128 KiB.
    """
    try:
        return [row for row in csv.reader(io.StringIO(read_text(path))) if row]
    except csv.Error as error:
        raise FormatError("F804", Path(path).name, f"not a table of cells ({error})") from error


def text_of_cells(rows: Sequence[Sequence[str]]) -> str:
    """Return the text of a table."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def numbers_of(rows: Sequence[Sequence[str]], width: int, where: str) -> Float64[np.ndarray, "row column"]:
    """Turn cells into numbers; an empty one is NaN.

    Parameters
    ----------
    rows : sequence of rows
        Cells; a row that is shorter than `width` ends in NaN.
    width : int
        Number of columns.
    where : str
        Name of the file, for messages.

    Returns
    -------
    array (row, column)
        The numbers.

    Raises
    ------
    FormatError
        F804, if a cell is no number or a row is too long.
    """
    if any(len(row) > width for row in rows):
        raise FormatError("F804", where, expected=f"rows of {width} columns", got="a longer row")
    padded = [[cell.strip() or "nan" for cell in row] + ["nan"] * (width - len(row)) for row in rows]
    try:
        return np.array(padded, dtype=np.str_).reshape(len(rows), width).astype(np.float64)
    except ValueError as error:
        raise FormatError("F804", where, f"a cell is no number ({error})") from error


def number(value: float) -> str:
    """Write a number such that reading gives the same one; NaN as an empty cell."""
    return "" if np.isnan(value) else repr(float(value))


def short_number(value: np.floating | float) -> str:
    """Write a number with as few digits as give the same one back in its own type; NaN as an empty cell."""
    return "" if np.isnan(value) else str(value)

"""Calibration boards: kind, size and where their corners lie."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import ParameterError

__all__ = ["Board", "board_from_text"]

KINDS = ("charuco", "checkerboard")
DICTIONARIES = {f"{n}x{n}_{m}": m for n in (4, 5, 6, 7) for m in (50, 100, 250, 1000)}
WHERE = "--board"


@dataclass(frozen=True, slots=True)
class Board:
    """A flat board of squares.

    Attributes
    ----------
    kind : {"charuco", "checkerboard"}
        Kind.
    columns, rows : int
        Squares along x and y.
    square : float
        Side of a square [mm].
    marker : float
        Side of a marker [mm]; 0 without markers.
    dictionary : str
        Dictionary of the markers.
    """

    kind: str
    columns: int
    rows: int
    square: float
    marker: float = 0.0
    dictionary: str = "4x4_50"

    @property
    def inner(self) -> tuple[int, int]:
        """Inner corners along x and y."""
        return self.columns - 1, self.rows - 1

    @property
    def corners(self) -> Float64[np.ndarray, "corner 3"]:
        """Places of the inner corners, row by row [mm]."""
        x, y = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        return np.stack([x.ravel() * self.square, y.ravel() * self.square, np.zeros(x.size)], axis=1)

    @property
    def is_turnable(self) -> bool:
        """Whether it looks the same turned by half a turn."""
        return self.kind == "checkerboard" and (self.columns + self.rows) % 2 == 0

    @property
    def doubt(self) -> str:
        """What is odd about its unit; empty for a plausible board."""
        if self.square < 0.5 or self.square > 200:
            return f"squares of {self.square:g} mm: is the unit right? lengths are in units of the board"
        return ""

    def text(self) -> str:
        """Return the text that `board_from_text` reads."""
        text = f"{self.kind}:{self.columns}x{self.rows}:{self.square:g}"
        return f"{text}:{self.marker:g}:{self.dictionary}" if self.kind == "charuco" else text


def board_from_text(text: str) -> Board:
    """Read ``KIND:COLSxROWS:SQUARE[:MARKER[:DICTIONARY]]``; columns and rows count squares, lengths are mm.

    Raises
    ------
    ParameterError
        P401, if the text is not understood or the board cannot be.

    Examples
    --------
    >>> board_from_text("charuco:10x7:17:13").inner
    (9, 6)
    """
    parts = text.split(":")
    refused = ParameterError(
        "P401",
        WHERE,
        expected="KIND:COLSxROWS:SQUARE[:MARKER[:DICTIONARY]], such as charuco:10x7:17:13",
        got=text,
    )
    if len(parts) < 3 or parts[0] not in KINDS:
        raise refused
    columns, cross, rows = parts[1].partition("x")
    try:
        square, marker = float(parts[2]), float(parts[3]) if len(parts) > 3 else 0.0
        size = int(columns), int(rows)
    except ValueError as error:
        raise refused from error
    if not cross or min(size) < 3 or max(size) > 100 or not 0 < square < 1e5:
        raise ParameterError("P401", WHERE, expected="at least 3x3 squares with a side above 0 mm", got=text)
    if parts[0] == "checkerboard":
        if len(parts) > 3:
            raise refused
        return Board("checkerboard", *size, square)
    dictionary = parts[4] if len(parts) > 4 else "4x4_50"
    if len(parts) == 3 or not 0 < marker < square:
        raise ParameterError(
            "P401", WHERE, expected="a side of the markers below that of the squares", got=text
        )
    if dictionary not in DICTIONARIES:
        raise ParameterError(
            "P401", WHERE, expected=f"a dictionary of {', '.join(DICTIONARIES)}", got=dictionary
        )
    if size[0] * size[1] // 2 > DICTIONARIES[dictionary]:
        raise ParameterError(
            "P401",
            WHERE,
            expected=f"at most {DICTIONARIES[dictionary]} markers ({dictionary})",
            got=str(size[0] * size[1] // 2),
        )
    return Board("charuco", *size, square, marker, dictionary)

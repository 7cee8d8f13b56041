"""Rows of the matrices that are decomposed: blocks of frames, exact moments, rows minus a shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.compute.kernels.motion import add_rows, fill_rows
from mystax.core.analysis import Spool, Tiles
from mystax.core.typing import Bool, Float, Float64, Int64, Shaped

__all__ = [
    "BLOCK",
    "Block",
    "BlockReader",
    "Components",
    "Matrix",
    "Moments",
    "fill",
    "fix_signs",
    "orthogonality",
]

BLOCK = 256
"""Frames per block, by absolute frame number: the unit in which sums of floating numbers are made."""

ROW_TILE = 64
"""Rows that one thread takes at once."""

BIN_TILE = 1024
"""Bins that one thread takes at once."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """One matrix to decompose: its rows are frames or differences, its columns bins.

    Attributes
    ----------
    name : str
        Name, unique among the matrices that share the bins.
    is_motion : bool
        Rows are |frame - frame before| instead of frames.
    columns : array (bin,), optional
        Its bins among those of a row of bins; None: all.
    n_bins : int
        Number of its bins.
    weights : array (bin,), optional
        Factor of each bin, for cameras of different grey; None: 1.
    """

    name: str
    is_motion: bool
    columns: Int64[np.ndarray, " bin"] | None
    n_bins: int
    weights: Float64[np.ndarray, " bin"] | None = None

    @property
    def scale(self) -> Float64[np.ndarray, " bin"]:
        """Factor of each bin."""
        return np.ones(self.n_bins) if self.weights is None else self.weights


@dataclass(frozen=True, eq=False)
class Block:
    """Bins of up to 256 frames, with the frame before them.

    Attributes
    ----------
    number : int
        Number of the block: its first frame is 256 times this.
    bins : array (n + 1, bin)
        Sums of codes; row 0 is the frame before the block.
    valid, pairs : array (n,)
        Whether a frame, or its difference to the frame before, may be used.
    """

    number: int
    bins: Shaped[np.ndarray, "rows bin"]
    valid: Bool[np.ndarray, " n"]
    pairs: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.valid)

    @property
    def first(self) -> int:
        """Number of its first frame."""
        return self.number * BLOCK

    def used(self, matrix: Matrix) -> Bool[np.ndarray, " n"]:
        """Return which frames give a row of the matrix."""
        return self.pairs if matrix.is_motion else self.valid

    def of(self, matrix: Matrix) -> Shaped[np.ndarray, "rows bin"]:
        """Return the bins of the matrix, row 0 being the frame before."""
        return self.bins if matrix.columns is None else self.bins[:, matrix.columns]


@runtime_checkable
class BlockReader(Protocol):
    """Gives any block again, from rows that were kept."""

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        ...

    def block(self, number: int) -> Block:
        """Return one block."""
        ...


def fill(
    matrix: Matrix,
    bins: Shaped[np.ndarray, "rows bin"],
    used: Bool[np.ndarray, " n"],
    shift: Float64[np.ndarray, " bin"],
    out: Float[np.ndarray, "n bin"],
    *,
    centred: bool = False,
) -> None:
    """Write the rows of a matrix, minus a shift, into `out`; frames without a row give zeros.

    Parameters
    ----------
    matrix : Matrix
        The matrix.
    bins : array (n + 1, bin)
        Its bins, row 0 being the frame before.
    used : array (n,)
        Frames that give a row.
    shift : array (bin,)
        What is taken off each row, in units of the sums.
    out : array (n, bin), float32 or float64
        Where to.
    centred : bool, optional
        Take off each row's mean over the bins too.
    """
    # The shift in float64: rounded to float32 it would leave the same error in every row, a false component.
    fill_rows(bins, used, matrix.is_motion, shift, matrix.scale, centred, out)


@dataclass
class Moments:
    """Exact sums over all rows of a matrix, and the shift that keeps later sums small.

    Attributes
    ----------
    matrix : Matrix
        The matrix.
    segments : sequence of (start, stop)
        Runs of frames whose means make the sampled mean; empty: none is wanted.
    n_rows : int
        Rows so far.
    sums : array (bin,)
        Sums of codes over the rows.
    squares : int
        Sum of all squares, over rows and bins.
    shift : array (bin,)
        Whole numbers near the mean of the first block that has a row.
    """

    matrix: Matrix
    segments: Sequence[tuple[int, int]] = ()
    n_rows: int = 0
    squares: int = 0
    sums: Int64[np.ndarray, " bin"] = field(init=False)
    shift: Float64[np.ndarray, " bin"] = field(init=False)
    segment_sums: Int64[np.ndarray, "segment bin"] = field(init=False)
    segment_rows: Int64[np.ndarray, " segment"] = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros(self.matrix.n_bins, np.int64)
        self.shift = np.zeros(self.matrix.n_bins)
        self.segment_sums = np.zeros((len(self.segments), self.matrix.n_bins), np.int64)
        self.segment_rows = np.zeros(len(self.segments), np.int64)

    def add(self, block: Block, bins: Shaped[np.ndarray, "rows bin"]) -> None:
        """Add the rows of a block (its bins of this matrix are given)."""
        used = block.used(self.matrix)
        was_empty = self.n_rows == 0
        moving = self.matrix.is_motion
        high, low = add_rows(bins, used, moving, self.sums)
        self.squares += (int(high) << 32) + int(low)
        self.n_rows += int(used.sum())
        if was_empty and self.n_rows:
            self.shift = np.rint(self.sums / self.n_rows)
        frames = block.first + np.arange(len(block))
        for number, (start, stop) in enumerate(self.segments):
            # A difference belongs to a segment if both of its frames do.
            inside = used & (frames >= start + moving) & (frames < stop)
            if inside.any():
                add_rows(bins, inside, moving, self.segment_sums[number])
                self.segment_rows[number] += int(inside.sum())

    @property
    def mean(self) -> Float64[np.ndarray, " bin"]:
        """Mean row, in units of the sums; 0 without rows."""
        return self.sums / max(1, self.n_rows)

    @property
    def sampled_mean(self) -> Float64[np.ndarray, " bin"]:
        """Mean over the segments of the mean inside each; 0 without rows."""
        known = self.segment_rows > 0
        if not known.any():
            return np.zeros(self.matrix.n_bins)
        return np.asarray((self.segment_sums[known] / self.segment_rows[known, None]).mean(0), np.float64)

    @property
    def variance(self) -> float:
        """Sum of squares about the mean, over rows and bins; from whole numbers, so exact to rounding."""
        if self.n_rows == 0:
            return 0.0
        if self.matrix.weights is not None:
            raise ValueError("with weights the variance is a sum of floating numbers: take the trace")
        squared_sums = sum(int(value) ** 2 for value in self.sums)
        return float((self.n_rows * self.squares - squared_sums) / self.n_rows)

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums as plain arrays."""
        return {
            "n_rows": np.array(self.n_rows, np.int64),
            "sums": self.sums.copy(),
            "squares": np.array([self.squares >> 62, self.squares & (2**62 - 1)], np.int64),
            "shift": self.shift.copy(),
            "segment_sums": self.segment_sums.copy(),
            "segment_rows": self.segment_rows.copy(),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self.n_rows = int(state["n_rows"])
        self.sums = np.array(state["sums"])
        high, low = (int(value) for value in state["squares"])
        self.squares = (high << 62) + low
        self.shift = np.array(state["shift"])
        self.segment_sums = np.array(state["segment_sums"])
        self.segment_rows = np.array(state["segment_rows"])


@dataclass(frozen=True, eq=False)
class Components:
    """What a decomposition found, in units of the sums (times the weights).

    Attributes
    ----------
    method : str
        Route.
    n_readings : int
        How often the bins were read, the decode pass included.
    mask : array (bin, component)
        Right singular vectors: unit norm, orthogonal.
    singular_value : array (component,)
        Singular values, falling.
    captured : array (component,)
        Cumulative share of the total variance.
    mean : array (bin,)
        What was taken off each row.
    variance : float
        Total sum of squares of the decomposed matrix.
    shortfall : float
        Estimated share of the best possible captured variance that is missing; 0 for exact routes.
    orthogonality : float
        Largest element of |U'U - I|.
    norm_error : float
        Largest |norm of a column of V / S - 1|.
    n_rows : int
        Rows of the matrix.
    """

    method: str
    n_readings: int
    mask: Float[np.ndarray, "bin component"]
    singular_value: Float64[np.ndarray, " component"]
    captured: Float64[np.ndarray, " component"]
    mean: Float64[np.ndarray, " bin"]
    variance: float
    shortfall: float
    orthogonality: float
    norm_error: float
    n_rows: int

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.singular_value)


def bin_tiles(n_bins: int, size: int = BIN_TILE) -> list[slice]:
    """Cut bins into tiles of fixed size."""
    return [slice(first, min(first + size, n_bins)) for first in range(0, n_bins, size)]


def row_tiles(n_rows: int) -> list[slice]:
    """Cut the rows of a block into tiles of fixed size."""
    return [slice(first, min(first + ROW_TILE, n_rows)) for first in range(0, n_rows, ROW_TILE)]


def fix_signs(mask: Float[np.ndarray, "bin component"]) -> Float64[np.ndarray, " component"]:
    """Return +1 or -1 per component: its sum becomes >= 0, or its largest entry positive if the sum is tiny.

    Parameters
    ----------
    mask : array (bin, component)
        Unit columns.

    Returns
    -------
    array (component,)
        Factors.
    """
    totals = mask.sum(0, dtype=np.float64)
    small = np.abs(totals) < 1e-6 * np.sqrt(len(mask))
    for column in np.flatnonzero(small) if mask.size else ():
        totals[column] = mask[np.abs(mask[:, column]).argmax(), column]
    return np.where(totals < 0, -1.0, 1.0)


def orthogonality(mask: Float[np.ndarray, "bin component"], tiles: Tiles) -> float:
    """Largest element of |U'U - I|; 0 for no component."""
    if mask.shape[1] == 0:
        return 0.0
    total = gram_of(mask, tiles)
    total[np.diag_indices_from(total)] -= 1.0
    return float(np.abs(total).max())


def gram_of(values: Float[np.ndarray, "bin column"], tiles: Tiles) -> Float64[np.ndarray, "column column"]:
    """Return values' values in float64, tiles of bins added in order."""

    def part(tile: slice) -> np.ndarray:
        piece = np.asarray(values[tile], np.float64)
        return np.asarray(piece.T @ piece)

    total = np.zeros((values.shape[1], values.shape[1]))
    for first in range(0, len(values), 16 * BIN_TILE):
        pieces = bin_tiles(min(16 * BIN_TILE, len(values) - first))
        for piece in tiles.map(part, [slice(first + t.start, first + t.stop) for t in pieces]):
            total += piece
    return total


@runtime_checkable
class ScoreRows(Protocol):
    """Rows of V: one per frame, whatever its validity."""

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n component"]:
        """Return rows start..stop."""
        ...


class BlockScores:
    """Rows of V from kept rows R: V = R W, made in whole blocks, so that bits do not depend on the asking.

    Parameters
    ----------
    spools : sequence of Spool
        Rows R, one per frame; several stand side by side.
    n_frames : int
        Number of frames.
    turn : array (column, component), optional
        W; None: R is V, from one spool.
    """

    def __init__(
        self,
        spools: Sequence[Spool],
        n_frames: int,
        turn: Float[np.ndarray, "column component"] | None,
    ) -> None:
        self._spools, self._n_frames, self._turn = list(spools), n_frames, turn

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n component"]:
        """Return rows start..stop."""
        if self._turn is None:
            return self._spools[0].read(start, stop)
        first, last = start // BLOCK * BLOCK, min(-(-stop // BLOCK) * BLOCK, self._n_frames)
        rows = [spool.read(first, last) for spool in self._spools]
        out = np.zeros((max(0, last - first), self._turn.shape[1]), np.float32)
        for block in range(0, len(out), BLOCK):
            at = 0
            for piece in rows:
                turn = self._turn[at : at + piece.shape[1]]
                out[block : block + BLOCK] += piece[block : block + BLOCK] @ turn
                at += piece.shape[1]
        return out[start - first : stop - first]


class ArrayScores:
    """Rows of V kept in memory."""

    def __init__(self, values: Float[np.ndarray, "time component"]) -> None:
        self._values = values.astype(np.float32)

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "n component"]:
        """Return rows start..stop."""
        return self._values[start:stop]

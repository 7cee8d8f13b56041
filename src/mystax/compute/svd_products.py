"""Products of rows with a basis, and of rows with these products: what a reading of the bins costs.

Sums run in float32 within 64 blocks and in float64 between them, always in order.  No piece of work
depends on how many threads there are.
"""

import threading
from collections.abc import Mapping

import numpy as np

from mystax.compute.svd_rows import BIN_TILE, BLOCK, Matrix, bin_tiles, fill, row_tiles
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float32, Float64, Shaped

__all__ = ["GROUP", "Products"]

GROUP = 64
"""Blocks whose sums are made in float32."""

PART_BYTES = 64 << 20
"""Size of the float32 rows that are made at once."""

PRODUCT_TILE = 2048
"""Bins of one product rows x basis: all rows of a part at once are faster than tiles of rows."""


class Products:
    """Rows X of a matrix, R = X Q for a basis Q, and the sum of X'R over the blocks of a reading.

    Parameters
    ----------
    matrix : Matrix
        What the rows are made of.
    tiles : Tiles
        Threads.
    centred : bool
        Rows without their mean over the bins.
    """

    def __init__(self, matrix: Matrix, tiles: Tiles, *, centred: bool) -> None:
        self._matrix, self._tiles, self._centred = matrix, tiles, centred
        self.part = BLOCK
        while self.part * matrix.n_bins * 4 > PART_BYTES and self.part > 1:
            self.part //= 2
        self._rows = np.zeros((0, matrix.n_bins), np.float32)
        self._near = np.zeros((matrix.n_bins, 0), np.float32)
        self._far = np.zeros((matrix.n_bins, 0))
        self._group = 0
        self._own = threading.local()

    def begin(self, width: int) -> None:
        """Get ready to sum X'R for a basis of `width` columns; 0 for a reading without sums."""
        self._near = np.zeros((self._matrix.n_bins, width), np.float32)
        self._far = np.zeros((self._matrix.n_bins, width))
        self._group = 0

    def enter(self, block: int) -> None:
        """Take note that the next rows are those of a block, by its number."""
        if block // GROUP != self._group:
            self._close_group()
            self._group = block // GROUP

    def rows(
        self,
        bins: Shaped[np.ndarray, "rows bin"],
        used: Bool[np.ndarray, " n"],
        shift: Float64[np.ndarray, " bin"],
    ) -> Float32[np.ndarray, "n bin"]:
        """Make rows minus a shift; they are overwritten by the next call.

        Parameters
        ----------
        bins : array (n + 1, bin)
            Sums of codes, row 0 being the frame before; at most `part` frames.
        used : array (n,)
            Frames that give a row; others give zeros.
        shift : array (bin,)
            What is taken off.
        """
        if len(self._rows) < len(used):
            # One buffer for a whole reading: fresh memory costs more time than filling it.
            self._rows = np.empty((self.part, self._matrix.n_bins), np.float32)
        rows = self._rows[: len(used)]

        def make(tile: slice) -> None:
            place = slice(tile.start, tile.stop + 1)
            fill(self._matrix, bins[place], used[tile], shift, rows[tile], centred=self._centred)

        self._tiles.map(make, row_tiles(len(used)))
        return rows

    def power(self, rows: Float32[np.ndarray, "n bin"]) -> float:
        """Return the sum of the squares of some rows."""

        def part(tile: slice) -> float:
            return float(np.square(rows[tile], dtype=np.float64).sum())

        return sum(self._tiles.map(part, row_tiles(len(rows))), 0.0)

    def project(
        self, rows: Float32[np.ndarray, "n bin"], basis: Float32[np.ndarray, "bin column"]
    ) -> Float32[np.ndarray, "n column"]:
        """Return R = X Q."""
        scores = np.zeros((len(rows), basis.shape[1]), np.float32)

        def part(tile: slice) -> np.ndarray:
            return np.asarray(rows[:, tile] @ basis[tile])

        for piece in self._tiles.map(part, bin_tiles(self._matrix.n_bins, PRODUCT_TILE)):
            scores += piece
        return scores

    def collect(self, rows: Float32[np.ndarray, "n bin"], scores: Float32[np.ndarray, "n column"]) -> None:
        """Add X'R to the sums."""

        def part(tile: slice) -> None:
            piece = self._piece(scores.shape[1])[: tile.stop - tile.start]
            np.matmul(rows[:, tile].T, scores, out=piece)
            self._near[tile] += piece

        self._tiles.map(part, bin_tiles(self._matrix.n_bins))

    def _piece(self, width: int) -> Float32[np.ndarray, "tile column"]:
        """Return memory for one tile of sums, each thread its own."""
        piece: np.ndarray | None = getattr(self._own, "piece", None)
        if piece is None or piece.shape[1] != width:
            piece = self._own.piece = np.empty((BIN_TILE, width), np.float32)
        return piece

    def _close_group(self) -> None:
        """Add the float32 sums of a group of blocks to the float64 sums."""

        def part(tile: slice) -> None:
            self._far[tile] += self._near[tile]
            self._near[tile] = 0.0

        self._tiles.map(part, bin_tiles(len(self._far)))

    def take(self) -> Float64[np.ndarray, "bin column"]:
        """Return the sums of a reading that has ended; they are not kept here."""
        self._close_group()
        far = self._far
        self._rows = np.zeros((0, self._matrix.n_bins), np.float32)
        self._near = np.zeros((self._matrix.n_bins, 0), np.float32)
        self._far = np.zeros((self._matrix.n_bins, 0))
        return far

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums as plain arrays."""
        return {
            "near": self._near.copy(),
            "far": self._far.copy(),
            "group": np.array(self._group, np.int64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self._near, self._far = np.array(state["near"]), np.array(state["far"])
        self._group = int(state["group"])

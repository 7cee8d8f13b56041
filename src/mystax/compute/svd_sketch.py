"""First basis of a subspace iteration: sums of rows with random signs, made in the pass that reads them.

Every row is added to, or taken off, one of a few sums.  These span about what the strongest components
span, for the price of an addition per bin; the readings that follow multiply.

References
----------
.. [1] Clarkson & Woodruff (2013), doi:10.1145/2488608.2488620
"""

from collections.abc import Mapping

import numpy as np

from mystax.compute.kernels.motion import sketch_rows
from mystax.compute.svd_rows import Matrix, bin_tiles
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float64, Int64, Shaped

__all__ = ["RowSketch"]


class RowSketch:
    """Sums of rows with random signs.

    Rows are counted where they are used.  Of as many rows in turn as there are sums each goes to another
    sum, in a random order, so that no sum stays empty.

    Parameters
    ----------
    matrix : Matrix
        What the rows are made of.
    width : int
        Number of sums.
    seed : int
        Key of the counter-based generator; its counter is the number of the round.
    """

    def __init__(self, matrix: Matrix, width: int, seed: int) -> None:
        self._matrix, self._width, self._seed = matrix, width, seed
        self._n_rows = 0
        self._sums = np.zeros((width, matrix.n_bins), np.float32)
        self._balance = np.zeros(width, np.int64)

    def _places(self, n_rows: int) -> tuple[Int64[np.ndarray, " row"], Int64[np.ndarray, " row"]]:
        """Return for the next rows to which sum each goes, and with which sign."""
        first, last = self._n_rows // self._width, (self._n_rows + n_rows - 1) // self._width
        sums, signs = [], []
        for turn in range(first, last + 1):
            generator = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, turn, 0, 0]))
            sums.append(generator.permutation(self._width))
            signs.append(2 * generator.integers(0, 2, self._width) - 1)
        here = slice(self._n_rows - first * self._width, self._n_rows - first * self._width + n_rows)
        return np.concatenate(sums)[here], np.concatenate(signs)[here]

    def add(self, bins: Shaped[np.ndarray, "rows bin"], used: Bool[np.ndarray, " n"], tiles: Tiles) -> None:
        """Add rows.

        Parameters
        ----------
        bins : array (n + 1, bin)
            Sums of codes, row 0 being the frame before.
        used : array (n,)
            Frames that give a row.
        tiles : Tiles
            Threads.
        """
        n_rows = int(used.sum())
        if n_rows == 0:
            return
        places, signs = np.zeros(len(used), np.int64), np.zeros(len(used), np.int64)
        places[used], signs[used] = self._places(n_rows)

        def part(tile: slice) -> None:
            sketch_rows(bins, used, self._matrix.is_motion, places, signs, tile.start, tile.stop, self._sums)

        tiles.map(part, bin_tiles(self._matrix.n_bins))
        np.add.at(self._balance, places[used], signs[used])
        self._n_rows += n_rows

    def take(
        self, centre: Float64[np.ndarray, " bin"], *, centred: bool
    ) -> Float64[np.ndarray, "bin column"]:
        """Return the sums of rows minus a centre, in units of the matrix; they are not kept here.

        Parameters
        ----------
        centre : array (bin,)
            What is taken off each row, in units of the sums.
        centred : bool
            Rows without their mean over the bins.
        """
        sums = self._sums.T - np.outer(centre, self._balance)
        self._sums = np.zeros((0, self._matrix.n_bins), np.float32)
        sums *= self._matrix.scale[:, None]
        if centred:
            sums -= sums.mean(0)
        return sums

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums as plain arrays."""
        return {
            "sums": self._sums.copy(),
            "balance": self._balance.copy(),
            "n_rows": np.array(self._n_rows, np.int64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self._sums, self._balance = np.array(state["sums"]), np.array(state["balance"])
        self._n_rows = int(state["n_rows"])

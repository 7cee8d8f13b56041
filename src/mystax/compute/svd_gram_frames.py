"""Exact route for short recordings of many bins: eigenvectors of the Gram matrix over frames."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mystax.compute.svd_gram import OpenSpool, below, leading, norm_error
from mystax.compute.svd_rows import (
    BIN_TILE,
    BLOCK,
    ArrayScores,
    Block,
    BlockReader,
    Components,
    Matrix,
    Moments,
    ScoreRows,
    bin_tiles,
    fill,
    fix_signs,
    orthogonality,
    row_tiles,
)
from mystax.compute.svd_whole import fits_single, row_type
from mystax.core.analysis import Tiles
from mystax.core.typing import Float, Float64

__all__ = ["GramFrames"]

STRIP = 16 * BIN_TILE
"""Bins that are turned to floating numbers at once."""


class GramFrames:
    """Eigenvectors of the Gram matrix over frames: V and S from pairs of kept blocks, U from reading 2.

    Parameters are those of `GramBins`.
    """

    route = "gram_frames"
    n_readings_at_least = 2

    def __init__(
        self,
        matrix: Matrix,
        moments: Moments,
        *,
        n_components: int,
        n_frames: int,
        compat: bool,
        tiles: Tiles,
        open_spool: OpenSpool,  # noqa: ARG002 - every route is made with the same arguments
    ) -> None:
        self.matrix, self.moments = matrix, moments
        self.n_readings = 0
        self.is_done = False
        self._n_components, self._n_frames, self._compat = n_components, n_frames, compat
        self._tiles = tiles
        self._n_blocks = -(-n_frames // BLOCK)
        self._used = np.zeros(n_frames, bool)
        self._row_means = np.zeros(n_frames)
        self._gram = np.zeros((0, 0))
        self._pair = 0
        self._vectors = np.zeros((n_frames, 0))
        self._values = np.zeros(0)
        self._mask = np.zeros((0, 0))
        self._final = np.zeros((0, 0), np.float32)
        self._variance = 0.0
        self._buffers: dict[str, np.ndarray] = {}
        self._held: dict[tuple[int, int], bool] = {}

    def begin_reading(self) -> None:
        """Get ready for the next reading."""
        if self.n_readings == 1:
            self._mask = np.zeros((self.matrix.n_bins, len(self._values)))

    def wants(self, block: int) -> bool:  # noqa: ARG002 - other routes choose
        """Tell whether this reading needs a block."""
        return True

    def add(self, block: Block) -> None:
        """Take a block of the present reading."""
        bins = block.of(self.matrix)
        here = slice(block.first, block.first + len(block))
        if self.n_readings == 0:
            self._used[here] = block.used(self.matrix)
            self.moments.add(block, bins)
            return
        vectors = self._vectors[here]
        for strip in bin_tiles(self.matrix.n_bins, STRIP):
            rows = self._rows("left", bins, self._used[here], strip, self._centre())

            def part(cut: slice, rows: np.ndarray = rows, first: int = strip.start) -> None:
                self._mask[first + cut.start : first + cut.stop] += rows[:, cut].T @ vectors

            self._tiles.map(part, bin_tiles(rows.shape[1]))

    def _rows(
        self,
        place: str,
        bins: np.ndarray,
        used: np.ndarray,
        strip: slice,
        shift: Float64[np.ndarray, " bin"],
        dtype: type[np.floating[Any]] = np.float64,
    ) -> Float[np.ndarray, "n strip"]:
        """Return the rows of a block, minus a shift, at some bins; the next of this place overwrite them."""
        matrix = self.matrix
        weights = None if matrix.weights is None else matrix.weights[strip]
        part = Matrix(matrix.name, matrix.is_motion, None, strip.stop - strip.start, weights)
        if place not in self._buffers or self._buffers[place].dtype != dtype:
            # Kept from strip to strip: fresh memory of this size costs more time than filling it.
            self._buffers[place] = np.empty(BLOCK * min(STRIP, matrix.n_bins), dtype)
        rows = self._buffers[place][: (len(bins) - 1) * part.n_bins].reshape(-1, part.n_bins)

        def make(tile: slice) -> None:
            sums = np.ascontiguousarray(bins[tile.start : tile.stop + 1, strip])
            fill(part, sums, used[tile], shift[strip], rows[tile])

        self._tiles.map(make, row_tiles(len(rows)))
        return rows

    def _fits(self, block: int, first: int, rows: Float[np.ndarray, "n tile"]) -> bool:
        """Tell whether products of a block's rows over the tile from a bin on are exact in their type."""
        if (block, first) not in self._held:
            self._held[block, first] = fits_single(rows, 1)
        return self._held[block, first]

    def _centre(self) -> Float64[np.ndarray, " bin"]:
        """Return what is taken off each row."""
        return self.moments.sampled_mean if self._compat else self.moments.mean

    def end_reading(self) -> None:
        """Take note that all blocks of a reading have come."""
        self.n_readings += 1
        if self.n_readings == 1:
            self._gram = np.zeros((self._n_frames, self._n_frames))
            return
        if self._compat:
            self._mask -= self._row_means @ self._vectors
        self._mask /= np.sqrt(self._values)
        sign = fix_signs(self._mask)
        self._vectors = self._vectors * sign
        self._mask *= sign
        self._final = self._mask.astype(np.float32)
        self._mask = np.zeros((0, 0))
        self._buffers = {}
        self.is_done = True

    def advance(self, reader: BlockReader | None) -> bool:
        """Do a piece of work between readings; False when there is none."""
        n_pairs = self._n_blocks * (self._n_blocks + 1) // 2
        if self.n_readings != 1 or self._pair > n_pairs:
            return False
        if self._pair == n_pairs:
            self._solve()
        elif reader is None:
            raise RuntimeError("the Gram matrix over frames needs rows that are kept")
        else:
            row = int((np.sqrt(8 * self._pair + 1) - 1) / 2)
            row += (row + 1) * (row + 2) // 2 <= self._pair
            self._multiply(reader.block(row), reader.block(self._pair - row * (row + 1) // 2))
        self._pair += 1
        return True

    def _multiply(self, lower: Block, upper: Block) -> None:
        """Fill in the products of the rows of two blocks."""
        rows, columns = (slice(block.first, block.first + len(block)) for block in (lower, upper))
        shift = self._centre() if self._compat else self.moments.shift
        left, right = lower.of(self.matrix), upper.of(self.matrix)
        dtype = row_type(self.matrix, left, compat=self._compat)
        for strip in bin_tiles(self.matrix.n_bins, STRIP):
            a = self._rows("left", left, self._used[rows], strip, shift, dtype)
            is_same = lower.number == upper.number
            b = a if is_same else self._rows("right", right, self._used[columns], strip, shift, dtype)
            if b is a and self._compat:
                self._row_means[rows] += a.sum(1) / self.matrix.n_bins

            def part(
                cut: slice, a: np.ndarray = a, b: np.ndarray = b, first: int = strip.start
            ) -> np.ndarray:
                ours, theirs = a[:, cut], b[:, cut]
                at = first + cut.start
                if not (self._fits(lower.number, at, ours) and self._fits(upper.number, at, theirs)):
                    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
                return np.asarray(ours @ theirs.T)

            for product in self._tiles.map(part, bin_tiles(a.shape[1], 4 * BIN_TILE)):
                self._gram[rows, columns] += product
        if lower.number != upper.number:
            self._gram[columns, rows] = self._gram[rows, columns].T

    def _solve(self) -> None:
        """Centre the Gram matrix and take its eigenvectors: V without another reading."""
        used = np.flatnonzero(self._used)
        gram = self._gram[np.ix_(used, used)]
        self._gram = np.zeros((0, 0))
        noise = float(np.trace(gram))
        if self._compat:
            means = self._row_means[used]
            gram -= self.matrix.n_bins * np.outer(means, means)
        elif len(used):
            means = gram.mean(0)
            gram -= means
            gram -= (means - means.mean())[:, None]
        self._variance = float(np.trace(gram))
        if len(used) >= 2:
            wanted = min(self._n_components, self.matrix.n_bins)
            self._values, vectors = leading(gram, wanted, noise)
            self._vectors = np.zeros((self._n_frames, len(self._values)))
            self._vectors[used] = vectors

    def result(self) -> Components:
        """Return the components."""
        singular = np.sqrt(self._values)
        exact = not self._compat and self.matrix.weights is None
        variance = self.moments.variance if exact else self._variance
        scores = (self._vectors * singular).astype(np.float32)
        return Components(
            self.route,
            self.n_readings,
            self._final,
            singular,
            np.cumsum(self._values) / variance if variance > 0 else np.zeros(len(singular)),
            self._centre(),
            variance,
            0.0,
            orthogonality(self._final, self._tiles),
            norm_error(np.square(scores, dtype=np.float64).sum(0), singular),
            self.moments.n_rows,
        )

    def scores(self) -> ScoreRows:
        """Return the rows of V."""
        return ArrayScores(self._vectors * np.sqrt(self._values))

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows."""
        return {
            "n_readings": np.array([self.n_readings, self.is_done, self._pair], np.int64),
            "used": self._used.copy(),
            "row_means": self._row_means.copy(),
            "gram": self._gram.copy(),
            "vectors": self._vectors,
            "values": self._values,
            "mask": self._mask.copy(),
            "final": self._final,
            "variance": np.array(self._variance),
            **{f"moments/{key}": value for key, value in self.moments.state().items()},
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self.n_readings, done, self._pair = (int(value) for value in state["n_readings"])
        self.is_done = bool(done)
        self._used, self._row_means = np.array(state["used"]), np.array(state["row_means"])
        self._gram, self._vectors = np.array(state["gram"]), np.array(state["vectors"])
        self._values, self._mask = np.array(state["values"]), np.array(state["mask"])
        self._final, self._variance = np.array(state["final"]), float(state["variance"])
        self.moments.restore(below(state, "moments"))

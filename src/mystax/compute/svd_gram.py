"""Exact routes of the decomposition: eigenvectors of a Gram matrix, over bins or over frames.

Sums of products of whole numbers are exact in float64 as long as they stay below 2^53, which they do for
any video of 8 bits at 4 x 4 px; beyond it they are still made in fixed blocks, in order.
"""

from collections.abc import Callable, Mapping

import numpy as np
import scipy.linalg

from mystax.compute.svd_rows import (
    BIN_TILE,
    BLOCK,
    ArrayScores,
    Block,
    BlockReader,
    BlockScores,
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
from mystax.core.analysis import Spool, Tiles
from mystax.core.typing import Float64

__all__ = ["GramBins", "GramFrames", "leading"]

STRIP = 16 * BIN_TILE
"""Bins that are turned to floating numbers at once."""

OpenSpool = Callable[[str, int, str], Spool]
"""Name, width, dtype -> rows that are kept."""


def leading(
    gram: Float64[np.ndarray, "n n"], n_components: int, noise: float
) -> tuple[Float64[np.ndarray, " component"], Float64[np.ndarray, "n component"]]:
    """Largest eigenvalues and their eigenvectors of a symmetric matrix.

    Parameters
    ----------
    gram : array (n, n)
        Symmetric matrix; only its lower triangle is read, and it is overwritten.
    n_components : int
        How many at most.
    noise : float
        Eigenvalues up to this, times n times the machine's precision, are rounding and left out.

    Returns
    -------
    values : array (component,)
        Falling.
    vectors : array (n, component)
        Unit columns.
    """
    n = len(gram)
    wanted = min(n_components, n)
    if wanted == 0:
        return np.zeros(0), np.zeros((n, 0))
    values, vectors = scipy.linalg.eigh(
        gram, lower=True, subset_by_index=(n - wanted, n - 1), overwrite_a=True, check_finite=False
    )
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = values > n * np.finfo(np.float64).eps * max(noise, float(values[0]))
    return np.ascontiguousarray(values[kept]), np.ascontiguousarray(vectors[:, kept])


class GramBins:
    """Eigenvectors of the covariance over bins: reading 1 gives U and S, reading 2 gives V.

    Parameters
    ----------
    matrix : Matrix
        What is decomposed.
    moments : Moments
        Its exact sums; filled here.
    n_components : int
        Components wanted.
    n_frames : int
        Frames in all.
    compat : bool
        Sampled mean and rows without their mean over bins, as Facemap 1.0 has it.
    tiles : Tiles
        Threads.
    open_spool : callable
        Gives room for the rows of V.
    """

    route = "gram_bins"
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
        open_spool: OpenSpool,
    ) -> None:
        self.matrix, self.moments = matrix, moments
        self.n_readings = 0
        self.is_done = False
        self._n_components, self._n_frames, self._compat = n_components, n_frames, compat
        self._tiles, self._open = tiles, open_spool
        n = matrix.n_bins
        self._gram = np.zeros((n, n))
        self._mask = np.zeros((n, 0))
        self._values = np.zeros(0)
        self._squares = np.zeros(0)
        self._variance = 0.0
        self._spool: Spool | None = None

    def begin_reading(self) -> None:
        """Get ready for the next reading."""
        if self.n_readings == 1:
            self._spool = self._open(f"{self.matrix.name}_v", max(1, len(self._values)), "float32")

    def wants(self, block: int) -> bool:  # noqa: ARG002 - other routes choose
        """Tell whether this reading needs a block."""
        return True

    def add(self, block: Block) -> None:
        """Take a block of the present reading."""
        bins = block.of(self.matrix)
        if self.n_readings == 0:
            self.moments.add(block, bins)
            self._add_products(block, bins)
        else:
            self._project(block, bins)

    def _add_products(self, block: Block, bins: np.ndarray) -> None:
        used = block.used(self.matrix)
        rows = np.empty((len(block), self.matrix.n_bins))
        fill(self.matrix, bins, used, self.moments.shift, rows, centred=self._compat)
        cuts = bin_tiles(self.matrix.n_bins)

        def product(pair: tuple[slice, slice]) -> None:
            self._gram[pair[0], pair[1]] += rows[:, pair[0]].T @ rows[:, pair[1]]

        self._tiles.map(product, [(cuts[i], cuts[j]) for i in range(len(cuts)) for j in range(i + 1)])

    def _project(self, block: Block, bins: np.ndarray) -> None:
        used = block.used(self.matrix)
        scores = np.zeros((len(block), max(1, len(self._values))), np.float32)
        if len(self._values):

            def part(tile: slice) -> None:
                rows = np.empty((tile.stop - tile.start, self.matrix.n_bins))
                fill(self.matrix, bins[tile.start : tile.stop + 1], used[tile], self._centre(), rows)
                scores[tile] = rows @ self._mask

            self._tiles.map(part, row_tiles(len(block)))
            self._squares += np.square(scores, dtype=np.float64).sum(0)
        if self._spool is None:
            raise RuntimeError("a reading has not been begun")
        self._spool.append(scores)

    def _centre(self) -> Float64[np.ndarray, " bin"]:
        """Return what is taken off each row."""
        return self.moments.sampled_mean if self._compat else self.moments.mean

    def end_reading(self) -> None:
        """Take note that all blocks of a reading have come."""
        self.n_readings += 1
        if self.n_readings == 2:
            self.is_done = True
            return
        moments, scale = self.moments, self.matrix.scale
        n = moments.n_rows
        mean = (moments.mean - moments.shift) * scale
        offset = (self._centre() - moments.shift) * scale
        if self._compat:
            mean, offset = mean - mean.mean(), offset - offset.mean()
        noise = float(np.trace(self._gram))
        # sum (x - d)(x - d)' = sum x x' - n (m d' + d m' - d d'), column by column to spare memory.
        for cut in bin_tiles(self.matrix.n_bins):
            self._gram[:, cut] -= n * (np.outer(mean - offset, offset[cut]) + np.outer(offset, mean[cut]))
        self._variance = float(np.trace(self._gram))
        if n >= 2:
            self._values, self._mask = leading(self._gram, min(self._n_components, n), noise)
            self._mask *= fix_signs(self._mask)
        self._gram = np.zeros((0, 0))
        self._squares = np.zeros(max(1, len(self._values)))

    def advance(self, reader: BlockReader | None) -> bool:  # noqa: ARG002 - other routes read again
        """Do a piece of work between readings; False when there is none."""
        return False

    def result(self) -> Components:
        """Return the components."""
        singular = np.sqrt(self._values)
        exact = not self._compat and self.matrix.weights is None
        variance = self.moments.variance if exact else self._variance
        return Components(
            self.route,
            self.n_readings,
            self._mask.astype(np.float32),
            singular,
            np.cumsum(self._values) / variance if variance > 0 else np.zeros(len(singular)),
            self._centre(),
            variance,
            0.0,
            orthogonality(self._mask.astype(np.float32), self._tiles),
            norm_error(self._squares[: len(singular)], singular),
            self.moments.n_rows,
        )

    def scores(self) -> ScoreRows:
        """Return the rows of V."""
        if self._spool is None or len(self._values) == 0:
            return ArrayScores(np.zeros((self._n_frames, 0), np.float32))
        return BlockScores(self._spool, self._n_frames, None)

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows."""
        return {
            "n_readings": np.array([self.n_readings, self.is_done, self._spool is not None], np.int64),
            "gram": self._gram.copy(),
            "mask": self._mask,
            "values": self._values,
            "squares": self._squares.copy(),
            "variance": np.array(self._variance),
            **{f"moments/{key}": value for key, value in self.moments.state().items()},
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self.n_readings, done, reading = (int(value) for value in state["n_readings"])
        self.is_done = bool(done)
        self._gram, self._mask = np.array(state["gram"]), np.array(state["mask"])
        self._values, self._squares = np.array(state["values"]), np.array(state["squares"])
        self._variance = float(state["variance"])
        self.moments.restore(below(state, "moments"))
        if reading:
            self._spool = self._open(f"{self.matrix.name}_v", max(1, len(self._values)), "float32")


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
            rows = self._rows(bins, self._used[here], strip, self._centre())

            def part(cut: slice, rows: np.ndarray = rows, first: int = strip.start) -> None:
                self._mask[first + cut.start : first + cut.stop] += rows[:, cut].T @ vectors

            self._tiles.map(part, bin_tiles(rows.shape[1]))

    def _rows(
        self, bins: np.ndarray, used: np.ndarray, strip: slice, shift: Float64[np.ndarray, " bin"]
    ) -> Float64[np.ndarray, "n bin"]:
        """Return the rows of a block, minus a shift, at some bins."""
        matrix = self.matrix
        weights = None if matrix.weights is None else matrix.weights[strip]
        part = Matrix(matrix.name, matrix.is_motion, None, strip.stop - strip.start, weights)
        rows = np.empty((len(bins) - 1, part.n_bins))
        fill(part, np.ascontiguousarray(bins[:, strip]), used, shift[strip], rows)
        return rows

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
        self._final = (self._mask * sign).astype(np.float32)
        self._mask = np.zeros((0, 0))
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
        for strip in bin_tiles(self.matrix.n_bins, STRIP):
            a = self._rows(left, self._used[rows], strip, shift)
            b = a if lower.number == upper.number else self._rows(right, self._used[columns], strip, shift)
            if b is a and self._compat:
                self._row_means[rows] += a.sum(1) / self.matrix.n_bins

            def part(cut: slice, a: np.ndarray = a, b: np.ndarray = b) -> np.ndarray:
                return np.asarray(a[:, cut] @ b[:, cut].T)

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


def norm_error(
    squares: Float64[np.ndarray, " component"], singular: Float64[np.ndarray, " component"]
) -> float:
    """Largest |norm of a column of V / S - 1|; 0 for no component."""
    if len(singular) == 0:
        return 0.0
    return float(np.abs(np.sqrt(squares) / singular - 1.0).max())


def below(state: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays under a prefix, without it."""
    start = prefix + "/"
    return {key[len(start) :]: value for key, value in state.items() if key.startswith(start)}

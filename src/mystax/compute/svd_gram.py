"""Exact route for few bins: eigenvectors of the Gram matrix over bins.

Sums of products of whole numbers are exact in float64 as long as they stay below 2^53, which they do for
any video of 8 bits at 4 x 4 px; beyond it they are still made in fixed blocks, in order.
"""

from collections.abc import Callable, Mapping

import numpy as np
import scipy.linalg

from mystax.compute.svd_rows import (
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
from mystax.compute.svd_whole import fits_single, row_type
from mystax.core.analysis import Spool, Tiles
from mystax.core.typing import Float64

__all__ = ["GramBins", "OpenSpool", "below", "leading", "norm_error"]

ROUNDINGS = 64
"""Roundings on the way to a Gram matrix that count beside those of its own size."""

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
        Eigenvalues up to this (or the largest one), times n + 64 times the machine's precision, are rounding
        and left out.

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
    kept = values > (n + ROUNDINGS) * np.finfo(np.float64).eps * max(noise, float(values[0]))
    return np.ascontiguousarray(values[kept]), np.ascontiguousarray(vectors[:, kept])


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
        rows = np.empty((len(block), self.matrix.n_bins), row_type(self.matrix, bins, compat=self._compat))
        fill(self.matrix, bins, used, self.moments.shift, rows, centred=self._compat)
        cuts = bin_tiles(self.matrix.n_bins)
        fits = {cut.start: fits_single(rows[:, cut], 0) for cut in cuts}

        def product(pair: tuple[slice, slice]) -> None:
            ours, theirs = (rows[:, cut] for cut in pair)
            if not (fits[pair[0].start] and fits[pair[1].start]):
                ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
            self._gram[pair[0], pair[1]] += ours.T @ theirs

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
        return BlockScores([self._spool], self._n_frames, None)

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

"""Block subspace iteration: the decomposition of many bins over many frames, without their Gram matrix.

Every reading of the bins multiplies a basis by A'A; the last one gives U and V at once (Rayleigh-Ritz).
Sums run in float32 within 64 blocks and in float64 between them, always in order.

References
----------
.. [1] Halko, Martinsson & Tropp (2011), doi:10.1137/090771806
"""

from collections.abc import Mapping

import numpy as np

from mystax.compute.svd_basis import orthonormal, random_basis
from mystax.compute.svd_gram import OpenSpool, below, leading, norm_error
from mystax.compute.svd_rows import (
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
from mystax.core.typing import Float32, Float64

__all__ = ["Subspace"]

GROUP = 64
"""Blocks whose sums are made in float32."""

PART_BYTES = 64 << 20
"""Size of the float32 rows that are made at once."""

Z_BLOCKS = 256
"""Blocks (65,536 rows) that make the basis at most; every row counts for V, means and variance."""

PRODUCT_TILE = 2048
"""Bins of one product rows x basis: all rows of a part at once are faster than tiles of rows."""

MAX_READINGS = 5


def _positive(
    gram: Float64[np.ndarray, "n n"], n_components: int
) -> tuple[Float64[np.ndarray, " component"], Float64[np.ndarray, "n component"]]:
    """Return the leading eigenvalues above the rounding of float32 rows, and their vectors."""
    values, vectors = leading(gram.copy(), n_components, 0.0)
    kept = values > 1e-12 * values[0] if len(values) else np.zeros(0, bool)
    # Rows of memory decide in which order a product is added up, so arrays that are kept have one order.
    return values[kept], np.ascontiguousarray(vectors[:, kept])


def _shortfall(
    values: Float64[np.ndarray, " component"], residual: Float64[np.ndarray, " component"]
) -> float:
    """Return four times the residual of the Ritz pairs: the share of variance that is still missing."""
    return float(4.0 * (residual / values).sum() / values.sum()) if len(values) else 0.0


class Subspace:
    """Subspace iteration over blocks of rows.

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
        Gives room for rows of R.
    streamed : bool
        Two readings and a wider basis, for bins that are not kept.
    tolerance : float
        Shortfall above which another reading is made.
    seed : int
        Of the first basis.
    """

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
        streamed: bool,
        tolerance: float,
        seed: int,
    ) -> None:
        self.matrix, self.moments = matrix, moments
        self.n_readings = 0
        self.is_done = False
        self.route = "subspace_streamed" if streamed else "subspace"
        self.n_readings_at_least = 2 if streamed else 3
        self._at_most = 2 if streamed else MAX_READINGS
        self._compat, self._tiles, self._open = compat, tiles, open_spool
        self._tolerance, self._n_frames, self._seed = tolerance, n_frames, seed
        room = min(matrix.n_bins, n_frames)
        self._k = min(n_components, room)
        extra = max(100, self._k // 2) if streamed else max(50, self._k // 5)
        self._width = min(self._k + extra, room)
        n_blocks = -(-n_frames // BLOCK)
        chosen = np.arange(n_blocks) if n_blocks <= Z_BLOCKS else np.arange(Z_BLOCKS) * n_blocks // Z_BLOCKS
        self._chosen = frozenset(chosen.tolist())
        self._is_sampled = len(chosen) < n_blocks
        self._part = BLOCK
        while self._part * matrix.n_bins * 4 > PART_BYTES and self._part > 1:
            self._part //= 2
        self._basis = np.zeros((matrix.n_bins, 0), np.float32)
        self._near = np.zeros((matrix.n_bins, 0), np.float32)
        self._far = np.zeros((matrix.n_bins, 0))
        self._group = 0
        self._chosen_rows, self._chosen_sums = 0, np.zeros(matrix.n_bins)
        self._power = 0.0
        self._inner = np.zeros((0, 0))
        self._chosen_inner = np.zeros((0, 0))
        self._spool: Spool | None = None
        self._spooled = (0, 0)
        self._is_settled = False
        self._mask = np.zeros((matrix.n_bins, 0), np.float32)
        self._turn = np.zeros((0, 0), np.float32)
        self._values = np.zeros(0)
        self._shortfall = 0.0
        self._squares = np.zeros(0)
        self._checked = 0

    @property
    def _may_end(self) -> bool:
        """Whether the present reading may be the last."""
        return self.n_readings + 1 >= self.n_readings_at_least

    def begin_reading(self) -> None:
        """Get ready for the next reading."""
        if self.n_readings == 0:
            self._basis = random_basis(self.matrix.n_bins, self._width, self._seed)
        width = self._basis.shape[1]
        self._near = np.zeros((self.matrix.n_bins, width), np.float32)
        self._far = np.zeros((self.matrix.n_bins, width))
        self._group = 0
        self._inner, self._chosen_inner = np.zeros((width, width)), np.zeros((width, width))
        if self.n_readings > 0 and self._may_end:
            self._open_rows(self.n_readings + 1, width)

    def _open_rows(self, reading: int, width: int) -> None:
        """Ask for room for the rows R of a reading, or for those that were kept."""
        self._spooled = (reading, width)
        self._spool = self._open(f"{self.matrix.name}_r{reading}", width, "float32")

    def wants(self, block: int) -> bool:
        """Tell whether this reading needs a block."""
        return self.n_readings == 0 or self._may_end or block in self._chosen

    def add(self, block: Block) -> None:
        """Take a block of the present reading."""
        bins = block.of(self.matrix)
        used = block.used(self.matrix)
        if self.n_readings == 0:
            self.moments.add(block, bins)
            if self._is_sampled and block.number in self._chosen:
                self._count_chosen(bins, used)
        chosen = block.number in self._chosen
        if chosen and block.number // GROUP != self._group:
            self._close_group()
            self._group = block.number // GROUP
        for first in range(0, len(block), self._part):
            last = min(first + self._part, len(block))
            self._add_part(bins[first : last + 1], used[first:last], chosen=chosen)

    @property
    def _needs_power(self) -> bool:
        """Whether the total variance is a sum over floating rows: there are no whole numbers for it."""
        return self._compat or self.matrix.weights is not None

    def _shift(self) -> Float64[np.ndarray, " bin"]:
        """Return what is taken off each row in the present reading."""
        return self.moments.shift if self.n_readings == 0 else self._centre()

    def _centre(self) -> Float64[np.ndarray, " bin"]:
        return self.moments.sampled_mean if self._compat else self.moments.mean

    def _count_chosen(self, bins: np.ndarray, used: np.ndarray) -> None:
        """Sum the rows that make the basis, where these are not all rows."""
        part = Moments(self.matrix)
        part.add(Block(0, np.zeros((1, 0)), used, used), bins)
        self._chosen_rows += part.n_rows
        self._chosen_sums += part.sums

    def _add_part(self, bins: np.ndarray, used: np.ndarray, *, chosen: bool) -> None:
        """Multiply some rows with the basis, and add to the sums what the present reading makes."""
        counts_power = self.n_readings == 0 and self._needs_power
        keeps = self.n_readings > 0 and self._may_end
        if not (chosen or keeps or counts_power):
            return
        rows = np.empty((len(used), self.matrix.n_bins), np.float32)
        shift = self._shift()

        def make(tile: slice) -> float:
            piece, place = rows[tile], slice(tile.start, tile.stop + 1)
            fill(self.matrix, bins[place], used[tile], shift, piece, centred=self._compat)
            return float(np.square(piece, dtype=np.float64).sum()) if counts_power else 0.0

        def project(tile: slice) -> np.ndarray:
            return np.asarray(rows[:, tile] @ self._basis[tile])

        def collect(tile: slice) -> None:
            self._near[tile] += rows[:, tile].T @ scores

        for power in self._tiles.map(make, row_tiles(len(used))):
            self._power += power
        if not (chosen or keeps):
            return
        scores = np.zeros((len(used), self._basis.shape[1]), np.float32)
        for piece in self._tiles.map(project, bin_tiles(self.matrix.n_bins, PRODUCT_TILE)):
            scores += piece
        if chosen:
            self._tiles.map(collect, bin_tiles(self.matrix.n_bins))
        if self.n_readings == 0:
            return
        exact = scores.astype(np.float64)
        products = exact.T @ exact
        if keeps:
            self._inner += products
            if self._spool is None:
                raise RuntimeError("a reading has not been begun")
            self._spool.append(scores)
        if chosen and self._is_sampled:
            self._chosen_inner += products

    def _close_group(self) -> None:
        """Add the float32 sums of a group of blocks to the float64 sums."""

        def part(tile: slice) -> None:
            self._far[tile] += self._near[tile]
            self._near[tile] = 0.0

        self._tiles.map(part, bin_tiles(len(self._far)))

    def end_reading(self) -> None:
        """Take note that all blocks of a reading have come; find the next basis, or the components."""
        self._close_group()
        self._near = np.zeros((0, 0), np.float32)
        may_end = self._may_end
        self.n_readings += 1
        if self.n_readings == 1:
            self._correct()
            if self.moments.n_rows < 2:
                self._far = self._far[:, :0]
        if not (may_end and self._settle()):
            self._basis = orthonormal(self._far, self._tiles)
        self._far = np.zeros((0, 0))
        if self._is_settled or self._basis.shape[1] == 0:
            self._is_settled = True
            self._basis = np.zeros((0, 0), np.float32)

    def _correct(self) -> None:
        """Turn sums about the shift into sums about the mean (rank one, in float64)."""
        moments, scale = self.moments, self.matrix.scale
        offset = (self._centre() - moments.shift) * scale
        if self._is_sampled:
            n, sums = self._chosen_rows, self._chosen_sums
        else:
            n, sums = moments.n_rows, moments.sums.astype(np.float64)
        mean = (sums / max(1, n) - moments.shift) * scale
        everyone = (moments.mean - moments.shift) * scale
        if self._compat:
            offset, mean, everyone = (vector - vector.mean() for vector in (offset, mean, everyone))
        self._power += moments.n_rows * float(offset @ offset - 2.0 * offset @ everyone)

        def part(tile: slice) -> tuple[np.ndarray, np.ndarray]:
            basis = self._basis[tile].astype(np.float64)
            return offset[tile] @ basis, mean[tile] @ basis

        by_offset, by_mean = np.zeros(self._basis.shape[1]), np.zeros(self._basis.shape[1])
        for left, right in self._tiles.map(part, bin_tiles(len(self._basis))):
            by_offset += left
            by_mean += right

        def correct(tile: slice) -> None:
            # sum (x - d)(x - d)' W = sum x x' W - n (m (d' W) + d (m' W) - d (d' W))
            self._far[tile] -= n * (
                np.outer(mean[tile] - offset[tile], by_offset) + np.outer(offset[tile], by_mean)
            )

        self._tiles.map(correct, bin_tiles(len(self._far)))

    def _settle(self) -> bool:
        """Take components from this reading if they are good enough, or if it is the last."""
        values, turn = _positive(self._inner, self._k)
        mask, residual = self._turned(turn, values)
        if self._is_sampled:
            shares, vectors = _positive(self._chosen_inner, self._k)
            self._shortfall = _shortfall(shares, self._turned(vectors, shares)[1])
        else:
            self._shortfall = _shortfall(values, residual)
        if self._shortfall > self._tolerance and self.n_readings < self._at_most:
            return False
        sign = fix_signs(mask)
        self._mask = mask * sign.astype(np.float32)
        self._turn = (turn * sign).astype(np.float32, order="C")
        self._values = values
        self._squares = np.zeros(len(values))
        self._is_settled = True
        return True

    def _turned(
        self, turn: Float64[np.ndarray, "column component"], values: Float64[np.ndarray, " component"]
    ) -> tuple[Float32[np.ndarray, "bin component"], Float64[np.ndarray, " component"]]:
        """Return U = Q W, and the squared lengths of the residuals G u - lambda u."""
        mask = np.empty((self.matrix.n_bins, turn.shape[1]), np.float32)
        narrow = turn.astype(np.float32)

        def part(tile: slice) -> np.ndarray:
            np.matmul(self._basis[tile], narrow, out=mask[tile])
            power = self._far[tile].astype(np.float32) @ narrow
            return np.asarray(np.square(power - mask[tile] * values).sum(0))

        residual = np.zeros(len(values))
        for piece in self._tiles.map(part, bin_tiles(len(mask))):
            residual += piece
        return mask, residual

    def advance(self, reader: BlockReader | None) -> bool:  # noqa: ARG002 - the Gram matrix of frames reads
        """Measure the norms of V after the last reading; False when there is nothing to do."""
        if not self._is_settled or self.is_done:
            return False
        n_blocks = -(-self._n_frames // BLOCK)
        if self._checked < n_blocks and len(self._values):
            rows = self.scores().read(self._checked * BLOCK, min((self._checked + 1) * BLOCK, self._n_frames))
            self._squares += np.square(rows, dtype=np.float64).sum(0)
            self._checked += 1
        else:
            self.is_done = True
        return True

    def result(self) -> Components:
        """Return the components."""
        exact = not self._compat and self.matrix.weights is None
        variance = self.moments.variance if exact else self._power
        singular = np.sqrt(self._values)
        return Components(
            self.route,
            self.n_readings,
            self._mask,
            singular,
            np.cumsum(self._values) / variance if variance > 0 else np.zeros(len(singular)),
            self._centre(),
            variance,
            self._shortfall,
            orthogonality(self._mask, self._tiles),
            norm_error(self._squares, singular),
            self.moments.n_rows,
        )

    def scores(self) -> ScoreRows:
        """Return the rows of V."""
        if self._spool is None or len(self._values) == 0:
            return ArrayScores(np.zeros((self._n_frames, 0), np.float32))
        return BlockScores(self._spool, self._n_frames, self._turn)

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows (the first basis is drawn again)."""
        first = self.n_readings == 0 and self._basis.shape[1] > 0
        counts = [
            self.n_readings,
            self.is_done,
            self._is_settled,
            first,
            *self._spooled,
            self._group,
            self._chosen_rows,
            self._checked,
        ]
        basis = np.zeros((0, 0), np.float32) if first else self._basis
        return {
            "counts": np.array(counts, np.int64),
            "numbers": np.array([self._power, self._shortfall]),
            "basis": basis,
            "near": self._near.copy(),
            "far": self._far.copy(),
            "chosen_sums": self._chosen_sums.copy(),
            "inner": self._inner.copy(),
            "chosen_inner": self._chosen_inner.copy(),
            "mask": self._mask,
            "turn": self._turn,
            "values": self._values,
            "squares": self._squares.copy(),
            **{f"moments/{key}": value for key, value in self.moments.state().items()},
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        counts = [int(value) for value in state["counts"]]
        self.n_readings, self.is_done, self._is_settled = counts[0], bool(counts[1]), bool(counts[2])
        first, self._spooled = counts[3], (counts[4], counts[5])
        self._group, self._chosen_rows, self._checked = counts[6:]
        self._power, self._shortfall = (float(value) for value in state["numbers"])
        self._basis = np.array(state["basis"])
        if first:
            self._basis = random_basis(self.matrix.n_bins, self._width, self._seed)
        self._near, self._far = np.array(state["near"]), np.array(state["far"])
        self._chosen_sums = np.array(state["chosen_sums"])
        self._inner, self._chosen_inner = np.array(state["inner"]), np.array(state["chosen_inner"])
        self._mask, self._turn = np.array(state["mask"]), np.array(state["turn"])
        self._values, self._squares = np.array(state["values"]), np.array(state["squares"])
        self.moments.restore(below(state, "moments"))
        if self._spooled[0]:
            self._open_rows(*self._spooled)

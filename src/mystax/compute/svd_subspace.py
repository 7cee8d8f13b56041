"""Block Krylov iteration: the decomposition of many bins over many frames, without their Gram matrix.

With A the rows minus their mean and S random signs, the first reading gives the columns A'S, and every
further one the part of A'A times the newest columns that is not yet among them; U and V come at once from
all of them (Rayleigh-Ritz).  Keeping every block of columns finds the components with fewer products than a
wide basis of which only the newest state is kept.  Where the bins are not kept there are two readings:
A'A times one wide block of random columns, and the products with what it spans.

References
----------
.. [1] Halko, Martinsson & Tropp (2011), doi:10.1137/090771806
.. [2] Musco & Musco (2015), arXiv:1504.05477
"""

from collections.abc import Mapping

import numpy as np

from mystax.compute.svd_basis import combined, new_directions, orthonormal, random_basis, remainder
from mystax.compute.svd_gram import OpenSpool, below, norm_error
from mystax.compute.svd_products import Products
from mystax.compute.svd_ritz import centre_sums, missing_share, ritz_pairs
from mystax.compute.svd_routes import LEAST_READINGS, final_width, first_width
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
    fix_signs,
    orthogonality,
)
from mystax.compute.svd_sketch import RowSketch
from mystax.core.analysis import Spool, Tiles
from mystax.core.typing import Float64

__all__ = ["Subspace"]

Z_BLOCKS = 256
"""Blocks (65,536 rows) that make the basis at most; every row counts for V, means and variance."""

MOST_READINGS = 8
"""Readings that make the basis at most, where the bins are kept."""


class Subspace:
    """Block Krylov iteration over blocks of rows.

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
        Two readings and one wide block, for bins that are not kept.
    tolerance : float
        Shortfall above which another reading is made.
    seed : int
        Of the signs, or of the first basis.
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
        self._is_streamed, self._compat, self._tiles, self._open = streamed, compat, tiles, open_spool
        self._tolerance, self._n_frames, self._seed = tolerance, n_frames, seed
        self._room = min(matrix.n_bins, n_frames)
        self._k = min(n_components, self._room)
        self._width = min(first_width(self._k, streamed=streamed), self._room)
        n_blocks = -(-n_frames // BLOCK)
        chosen = np.arange(n_blocks) if n_blocks <= Z_BLOCKS else np.arange(Z_BLOCKS) * n_blocks // Z_BLOCKS
        self._chosen = frozenset(chosen.tolist())
        self._is_sampled = len(chosen) < n_blocks
        self.n_readings_at_least = 2 if streamed else LEAST_READINGS + self._is_sampled
        self._products = Products(matrix, tiles, centred=compat)
        self._sketch: RowSketch | None = None
        self._basis: list[np.ndarray] = []
        self._chosen_rows, self._chosen_sums = 0, np.zeros(matrix.n_bins)
        self._power = 0.0
        self._inner = np.zeros((0, 0))
        self._fresh = np.zeros((0, 0))
        self._chosen_inner = np.zeros((0, 0))
        self._spools: list[Spool] = []
        self._names: list[tuple[int, int]] = []
        self._is_final = self._is_settled = False
        self._mask = np.zeros((matrix.n_bins, 0), np.float32)
        self._turn = np.zeros((0, 0), np.float32)
        self._values = np.zeros(0)
        self._shortfall = 0.0
        self._squares = np.zeros(0)
        self._checked = 0

    @property
    def _collects(self) -> bool:
        """Whether this reading sums X'R: not if it can tell nothing new about the basis."""
        return self._is_streamed or not (self._is_final or self.n_readings == 0)

    def _draw(self) -> None:
        """Draw what the first reading needs: a wide basis, or the signs of rows."""
        if self._is_streamed:
            self._basis = [random_basis(self.matrix.n_bins, self._width, self._seed)]
        else:
            self._sketch = RowSketch(self.matrix, self._width, self._seed)

    def begin_reading(self) -> None:
        """Get ready for the next reading."""
        if self.n_readings == 0:
            self._draw()
        width = self._basis[-1].shape[1] if self._basis else 0
        self._products.begin(width if self._collects else 0)
        total = sum(block.shape[1] for block in self._basis)
        self._fresh, self._chosen_inner = np.zeros((total, width)), np.zeros((width, width))
        if self.n_readings > 0:
            self._open_rows(self.n_readings + 1, width)

    def _open_rows(self, reading: int, width: int) -> None:
        """Ask for room for the rows R of a reading, or for those that were kept."""
        self._names.append((reading, width))
        self._spools.append(self._open(f"{self.matrix.name}_r{reading}", width, "float32"))

    def wants(self, block: int) -> bool:
        """Tell whether this reading needs a block."""
        return self.n_readings == 0 or self._is_final or block in self._chosen

    def add(self, block: Block) -> None:
        """Take a block of the present reading."""
        bins = block.of(self.matrix)
        used = block.used(self.matrix)
        chosen = block.number in self._chosen
        if self.n_readings == 0:
            self.moments.add(block, bins)
            if self._sketch is not None:
                self._sketch.add(bins, used, self._tiles)
            elif self._is_sampled and chosen:
                self._count_chosen(bins, used)
        if chosen:
            self._products.enter(block.number)
        for first in range(0, len(block), self._products.part):
            last = min(first + self._products.part, len(block))
            self._add_part(bins[first : last + 1], used[first:last], chosen=chosen)

    @property
    def _needs_power(self) -> bool:
        """Whether the total variance is a sum over floating rows: there are no whole numbers for it."""
        return self._compat or self.matrix.weights is not None

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
        is_first = self.n_readings == 0
        counts_power = is_first and self._needs_power
        multiplies = self._is_final or (chosen and self._sketch is None)
        if not (multiplies or counts_power):
            return
        shift = self.moments.shift if is_first else self._centre()
        rows = self._products.rows(bins, used, shift)
        if counts_power:
            self._power += self._products.power(rows)
        if not multiplies:
            return
        scores = self._products.project(rows, self._basis[-1])
        if chosen and self._collects:
            self._products.collect(rows, scores)
        if not is_first:
            self._keep(scores, chosen=chosen)

    def _keep(self, scores: np.ndarray, *, chosen: bool) -> None:
        """Spool rows R, and add their products with those of the readings before."""
        if not self._spools:
            raise RuntimeError("a reading has not been begun")
        *older, spool = self._spools
        first = spool.n_rows
        exact = scores.astype(np.float64)

        def part(rows: Spool | None) -> np.ndarray:
            known = exact if rows is None else rows.read(first, first + len(exact)).astype(np.float64)
            return np.asarray(known.T @ exact)

        pieces = self._tiles.map(part, [*older, None])
        self._fresh += np.concatenate(pieces)
        if chosen and self._is_final and self._is_sampled:
            self._chosen_inner += pieces[-1]
        spool.append(scores)

    def end_reading(self) -> None:
        """Take note that all blocks of a reading have come; find the next basis, or the components."""
        sums = self._products.take()
        self.n_readings += 1
        if self.n_readings == 1:
            self._correct_power()
            if self._sketch is not None:
                sums, self._sketch = self._sketch.take(self._centre(), centred=self._compat), None
            else:
                self._correct(sums)
            if self.moments.n_rows < 2:
                sums = sums[:, :0]
            self._basis = [orthonormal(sums, self._tiles)]
            self._is_final = self._is_streamed
            if self._basis[0].shape[1] == 0:
                self._settle(np.zeros(0), np.zeros((0, 0)))
        elif self._is_final:
            self._end_final(sums)
        else:
            self._end_growing(sums)

    def _correct_power(self) -> None:
        """Turn the sum of squares about the shift into that about the mean (in float64)."""
        offset, everyone = self._offsets(self.moments.mean)
        self._power += self.moments.n_rows * float(offset @ offset - 2.0 * offset @ everyone)

    def _offsets(
        self, mean: Float64[np.ndarray, " bin"]
    ) -> tuple[Float64[np.ndarray, " bin"], Float64[np.ndarray, " bin"]]:
        """Return the centre and the mean of some rows, less the shift, in units of the matrix."""
        shift, scale = self.moments.shift, self.matrix.scale
        offset, other = (self._centre() - shift) * scale, (mean - shift) * scale
        return (offset - offset.mean(), other - other.mean()) if self._compat else (offset, other)

    def _correct(self, sums: Float64[np.ndarray, "bin column"]) -> None:
        """Turn sums about the shift into sums about the mean (rank one, in float64)."""
        moments = self.moments
        n, total = moments.n_rows, moments.sums.astype(np.float64)
        if self._is_sampled:
            n, total = self._chosen_rows, self._chosen_sums
        offset, mean = self._offsets(total / max(1, n))
        centre_sums(sums, self._basis[0], offset, mean, n, self._tiles)

    def _end_growing(self, sums: Float64[np.ndarray, "bin column"]) -> None:
        """Take components from all columns so far if they are good enough, else find more columns."""
        old, width = len(self._inner), self._fresh.shape[1]
        inner = np.zeros((old + width, old + width))
        inner[:old, :old], inner[:, old:], inner[old:, :old] = self._inner, self._fresh, self._fresh[:old].T
        self._inner, self._fresh = inner, np.zeros((0, 0))
        remainder(sums, self._basis, inner[:, old:], self._tiles)
        if self.n_readings >= LEAST_READINGS:
            values, turn = ritz_pairs(inner, self._k)
            self._shortfall = missing_share(sums, turn[old:], values, self._tiles)
            if self._shortfall <= self._tolerance or self.n_readings >= MOST_READINGS:
                self._settle(values, turn)
                return
        room = self._room - len(inner)
        new = new_directions(sums, self._basis, self._tiles)[:, : max(0, room)]
        if new.shape[1]:
            self._basis.append(np.ascontiguousarray(new))
        else:
            self._shortfall = 0.0
            self._settle(*ritz_pairs(inner, self._k))

    def _settle(
        self, values: Float64[np.ndarray, " component"], turn: Float64[np.ndarray, "column component"]
    ) -> None:
        """Take the components; if the basis was made from a part of the rows, prepare the last reading."""
        if self._is_sampled and not self._is_final and len(values):
            _, turn = ritz_pairs(self._inner, final_width(self._k))
            self._basis = [combined(self._basis, turn.astype(np.float32), self._tiles)]
            self._inner, self._spools, self._names, self._is_final = np.zeros((0, 0)), [], [], True
            return
        mask = combined(self._basis, turn.astype(np.float32), self._tiles)
        sign = fix_signs(mask)
        self._mask = mask * sign.astype(np.float32)
        self._turn = (turn * sign).astype(np.float32, order="C")
        self._values = values
        self._squares = np.zeros(len(values))
        self._basis, self._inner = [], np.zeros((0, 0))
        self._is_settled = True

    def _end_final(self, sums: Float64[np.ndarray, "bin column"]) -> None:
        """Take the components of a reading of all rows."""
        values, turn = ritz_pairs(self._fresh, self._k)
        if self._is_streamed:
            inner = self._chosen_inner if self._is_sampled else self._fresh
            shares, vectors = ritz_pairs(inner, self._k) if self._is_sampled else (values, turn)
            remainder(sums, self._basis, inner, self._tiles)
            self._shortfall = missing_share(sums, vectors, shares, self._tiles)
        self._fresh, self._chosen_inner = np.zeros((0, 0)), np.zeros((0, 0))
        self._settle(values, turn)

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
        if len(self._values) == 0:
            return ArrayScores(np.zeros((self._n_frames, 0), np.float32))
        return BlockScores(self._spools, self._n_frames, self._turn)

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows (the first basis is drawn again)."""
        counts = [
            self.n_readings,
            self.is_done,
            self._is_settled,
            self._is_final,
            self._chosen_rows,
            self._checked,
            len(self._basis),
        ]
        drawn = self.n_readings == 0
        sketch = self._sketch.state() if self._sketch is not None else {}
        return {
            "counts": np.array(counts, np.int64),
            "numbers": np.array([self._power, self._shortfall]),
            "names": np.array(self._names, np.int64).reshape(-1, 2),
            "chosen_sums": self._chosen_sums.copy(),
            "inner": self._inner,
            "fresh": self._fresh.copy(),
            "chosen_inner": self._chosen_inner.copy(),
            "mask": self._mask,
            "turn": self._turn,
            "values": self._values,
            "squares": self._squares.copy(),
            **{f"basis/{i}": block for i, block in enumerate(self._basis) if not drawn},
            **{f"sketch/{key}": value for key, value in sketch.items()},
            **{f"products/{key}": value for key, value in self._products.state().items()},
            **{f"moments/{key}": value for key, value in self.moments.state().items()},
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        counts = [int(value) for value in state["counts"]]
        self.n_readings, self._chosen_rows, self._checked, n_basis = counts[0], *counts[4:]
        self.is_done, self._is_settled, self._is_final = (bool(value) for value in counts[1:4])
        self._power, self._shortfall = (float(value) for value in state["numbers"])
        sketch = below(state, "sketch")
        if self.n_readings == 0 and (n_basis or sketch):
            self._draw()
            if self._sketch is not None:
                self._sketch.restore(sketch)
        else:
            self._basis = [np.array(state[f"basis/{i}"]) for i in range(n_basis)]
        self._chosen_sums = np.array(state["chosen_sums"])
        self._inner, self._fresh = np.array(state["inner"]), np.array(state["fresh"])
        self._chosen_inner = np.array(state["chosen_inner"])
        self._mask, self._turn = np.array(state["mask"]), np.array(state["turn"])
        self._values, self._squares = np.array(state["values"]), np.array(state["squares"])
        self._products.restore(below(state, "products"))
        self.moments.restore(below(state, "moments"))
        self._spools, self._names = [], []
        for reading, width in state["names"]:
            self._open_rows(int(reading), int(width))

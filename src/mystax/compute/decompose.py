"""Decomposition of several matrices that share their bins: feeding, readings, checkpoints.

Frames come in once by decoding; every further reading takes the kept bins, or decodes again where there
was no room to keep them.  Neither changes a bit of the result.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.compute.svd_gram import GramBins, below
from mystax.compute.svd_gram_frames import GramFrames
from mystax.compute.svd_routes import SvdSettings, choose_route, sampled_segments
from mystax.compute.svd_rows import BLOCK, Block, BlockReader, Components, Matrix, Moments, ScoreRows
from mystax.compute.svd_subspace import Subspace
from mystax.core.analysis import Spool, Tiles
from mystax.core.typing import Bool, Shaped
from mystax.errors import DamagedError, InternalError

__all__ = ["Decomposer"]

SLICE = 1.0
"""Seconds of work at once."""


@runtime_checkable
class Decomposition(Protocol):
    """One matrix on one route (`GramBins`, `GramFrames`, `Subspace`)."""

    matrix: Matrix
    n_readings: int
    n_readings_at_least: int
    is_done: bool

    def begin_reading(self) -> None:
        """Get ready for the next reading."""
        ...

    def wants(self, block: int) -> bool:
        """Tell whether this reading needs a block."""
        ...

    def add(self, block: Block) -> None:
        """Take a block of the present reading."""
        ...

    def end_reading(self) -> None:
        """Take note that all blocks of a reading have come."""
        ...

    def advance(self, reader: BlockReader | None) -> bool:
        """Do a piece of work between readings; False when there is none."""
        ...

    def result(self) -> Components:
        """Return the components."""
        ...

    def scores(self) -> ScoreRows:
        """Return the rows of V."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        ...


class Decomposer:
    """Decompose matrices whose rows are made from the same bins.

    Parameters
    ----------
    matrices : sequence of Matrix
        What to decompose; each chooses its route by its own size.
    n_frames, n_bins : int
        Frames in all, and bins per frame.
    dtype : dtype
        Type of a bin.
    settings : SvdSettings
        What is computed.
    tiles : Tiles
        Threads.
    spool : callable
        Name, width, dtype, scratch -> rows, or None where there is no room for scratch.
    """

    def __init__(
        self,
        matrices: Sequence[Matrix],
        n_frames: int,
        n_bins: int,
        dtype: np.dtype,
        settings: SvdSettings,
        tiles: Tiles,
        spool: Callable[[str, int, str, bool], Spool | None],
    ) -> None:
        self._n_frames, self._n_bins, self._dtype = n_frames, n_bins, np.dtype(dtype)
        self._settings, self._tiles, self._spool_of = settings, tiles, spool
        self._n_blocks = -(-n_frames // BLOCK)
        self._parts = [self._decomposition(matrix) for matrix in matrices]
        self._rows = self._room()
        least = max(part.n_readings_at_least for part in self._parts)
        self._n_passes = 1 if self._rows is not None else least
        self._valid = np.zeros(n_frames, bool)
        self._pairs = np.zeros(n_frames, bool)
        self._buffer = np.zeros((BLOCK + 1, n_bins), self._dtype)
        self._frame = 0
        self._passes_done = 0
        self._is_reading = False
        self._next = 0

    @property
    def n_passes(self) -> int:
        """Decode passes needed, as far as known now."""
        return self._n_passes

    @property
    def used(self) -> tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]:
        """Frames that may be used, and frames whose difference to the one before may be used."""
        return self._valid, self._pairs

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return self._n_blocks

    def _decomposition(self, matrix: Matrix) -> Decomposition:
        s = self._settings
        route = s.route or choose_route(matrix.n_bins, self._n_frames, self._dtype.itemsize, s.max_spool)
        moments = Moments(matrix, sampled_segments(self._n_frames) if s.facemap_compat else ())
        if route in {"gram_bins", "gram_frames"}:
            kind = GramBins if route == "gram_bins" else GramFrames
            return kind(
                matrix,
                moments,
                n_components=s.n_components,
                n_frames=self._n_frames,
                compat=s.facemap_compat,
                tiles=self._tiles,
                open_spool=self._keep,
            )
        return Subspace(
            matrix,
            moments,
            n_components=s.n_components,
            n_frames=self._n_frames,
            compat=s.facemap_compat,
            tiles=self._tiles,
            open_spool=self._keep,
            streamed=route == "subspace_streamed",
            tolerance=s.tolerance,
            seed=s.seed,
        )

    def _keep(self, name: str, width: int, dtype: str) -> Spool:
        """Get room for rows that must be kept, or those kept before."""
        spool = self._spool_of(name, width, dtype, False)
        if spool is None:
            raise InternalError("B999", name, "no room was given for rows of the outcome")
        return spool

    def _room(self) -> Spool | None:
        """Get room for the bins, if they are to be kept."""
        size = self._n_frames * self._n_bins * self._dtype.itemsize
        if any(isinstance(part, GramFrames) for part in self._parts):
            scratch = self._spool_of("bins", self._n_bins, self._dtype.name, True)
            return scratch if scratch is not None else self._keep("bins", self._n_bins, self._dtype.name)
        if any(isinstance(part, Subspace) and part.route == "subspace_streamed" for part in self._parts):
            return None
        if size > self._settings.max_spool * 2**30:
            return None
        return self._spool_of("bins", self._n_bins, self._dtype.name, True)

    def feed(
        self,
        bins: Shaped[np.ndarray, "n bin"],
        valid: Bool[np.ndarray, " n"],
        adjacent: Bool[np.ndarray, " n"],
    ) -> None:
        """Take the next frames of a decode pass.

        Parameters
        ----------
        bins : array (n, bin)
            Sums of codes.
        valid : array (n,)
            Whether a frame may be used; others are taken as zeros.
        adjacent : array (n,)
            Whether a frame follows the one before without a gap.
        """
        done = 0
        while done < len(bins):
            at = self._frame % BLOCK
            n = min(BLOCK - at, len(bins) - done)
            part, here = slice(done, done + n), slice(self._frame, self._frame + n)
            target = self._buffer[at + 1 : at + 1 + n]
            target[...] = bins[part]
            target[~valid[part]] = 0
            self._valid[here] = valid[part]
            before = np.concatenate(
                [[self._frame > 0 and bool(self._valid[self._frame - 1])], valid[part][:-1]]
            )
            self._pairs[here] = valid[part] & adjacent[part] & before
            self._frame += n
            done += n
            if self._frame % BLOCK == 0 or self._frame == self._n_frames:
                self._finish_block()

    def _finish_block(self) -> None:
        """Hand a full block on, and keep its last frame as the one before the next."""
        number = (self._frame - 1) // BLOCK
        n = self._frame - number * BLOCK
        if self._passes_done == 0 and self._rows is not None:
            self._rows.append(self._buffer[1 : n + 1])
        if number >= self._next:
            if not self._is_reading:
                self._begin()
            self._take(self._make_block(number, self._buffer[: n + 1]))
            self._next = number + 1
        self._buffer[0] = self._buffer[n]

    def _make_block(self, number: int, bins: Shaped[np.ndarray, "rows bin"]) -> Block:
        here = slice(number * BLOCK, number * BLOCK + len(bins) - 1)
        return Block(number, bins, self._valid[here], self._pairs[here])

    def block(self, number: int) -> Block:
        """Return one block of kept bins."""
        if self._rows is None:
            raise InternalError("B999", "svd", "bins were not kept")
        first, last = number * BLOCK, min((number + 1) * BLOCK, self._n_frames)
        if number:
            return self._make_block(number, self._rows.read(first - 1, last))
        bins = np.zeros((last - first + 1, self._n_bins), self._dtype)
        bins[1:] = self._rows.read(first, last)
        return self._make_block(number, bins)

    def _begin(self) -> None:
        for part in self._parts:
            if not part.is_done:
                part.begin_reading()
        self._is_reading = True

    def _take(self, block: Block) -> None:
        for part in self._parts:
            if not part.is_done and part.wants(block.number):
                part.add(block)

    def _end(self) -> None:
        for part in self._parts:
            if not part.is_done:
                part.end_reading()
        self._is_reading = False
        self._next = 0

    def end_pass(self) -> None:
        """Take note that all frames of a decode pass have come."""
        if self._frame != self._n_frames:
            raise InternalError(
                "B999",
                "svd",
                "frames are missing at the end of a pass",
                expected=f"{self._n_frames}",
                got=f"{self._frame}",
            )
        if not self._is_reading:
            self._begin()
        self._end()
        self._frame = 0
        self._buffer[...] = 0
        self._passes_done += 1
        if self._rows is None:
            while any(part.advance(None) for part in self._parts):
                pass
            if not self.is_done:
                self._n_passes = max(self._n_passes, self._passes_done + 1)
            else:
                self._n_passes = self._passes_done

    @property
    def is_done(self) -> bool:
        """Whether every matrix has its components."""
        return all(part.is_done for part in self._parts)

    def work(self) -> float | None:
        """Work for about a second on kept bins; the share done, or None when all is done."""
        stop = time.monotonic() + SLICE
        while self._step():
            if time.monotonic() >= stop:
                return self._share()
        return None

    def _step(self) -> bool:
        """Do one piece of work; False when all is done."""
        if self._is_reading:
            number = self._next
            while number < self._n_blocks and not any(
                not part.is_done and part.wants(number) for part in self._parts
            ):
                number += 1
            if number < self._n_blocks:
                self._take(self.block(number))
                self._next = number + 1
            else:
                self._end()
            return True
        if any(part.advance(self) for part in self._parts):
            return True
        if self.is_done or self._rows is None:
            return False
        self._begin()
        return True

    def _share(self) -> float:
        """Return about how much of the work after the decode pass is done."""
        readings = max(part.n_readings for part in self._parts)
        least = max(part.n_readings_at_least for part in self._parts)
        total = max(least, readings + self._is_reading)
        done = readings - 1 + (self._next / max(1, self._n_blocks) if self._is_reading else 0.0)
        return min(0.99, done / max(1, total - 1))

    def results(self) -> list[tuple[Components, ScoreRows]]:
        """Return components and rows of V of every matrix, in order.

        Raises
        ------
        InternalError
            B999, if readings or work are left.
        """
        if not self.is_done:
            raise InternalError("B999", "svd", "the outcome was asked for before all readings were made")
        return [(part.result(), part.scores()) for part in self._parts]

    def state(self) -> dict[str, np.ndarray]:
        """Return everything but the spooled rows."""
        n_kept = self._rows.n_rows if self._rows is not None else -1
        place = [self._frame, self._passes_done, self._n_passes, self._is_reading, self._next, n_kept]
        arrays = {
            "place": np.array(place, np.int64),
            "valid": self._valid.copy(),
            "pairs": self._pairs.copy(),
            "buffer": self._buffer.copy(),
        }
        for part in self._parts:
            arrays |= {f"{part.matrix.name}/{key}": value for key, value in part.state().items()}
        return arrays

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state; kept rows have been cut back already.

        Kept bins that are gone (scratch of another host) are made good by decoding again.

        Raises
        ------
        DamagedError
            S502, if bins are gone that the route cannot do without.
        """
        place = [int(value) for value in state["place"]]
        self._frame, self._passes_done, self._n_passes = place[:3]
        self._is_reading, self._next = bool(place[3]), place[4]
        self._valid, self._pairs = np.array(state["valid"]), np.array(state["pairs"])
        self._buffer = np.array(state["buffer"])
        for part in self._parts:
            part.restore(below(state, part.matrix.name))
        kept = self._rows.n_rows if self._rows is not None else -1
        if place[5] == -1:
            self._rows = None
        elif kept != place[5]:
            if any(isinstance(part, GramFrames) for part in self._parts):
                raise DamagedError(
                    "S502", "svd", "kept bins are gone", expected=f"{place[5]} rows", got=f"{kept}"
                )
            self._rows = None
            least = max(part.n_readings_at_least for part in self._parts)
            self._n_passes = max(
                least if not self._passes_done else self._passes_done + (not self.is_done), 1
            )

"""Bases of a subspace: random numbers to start from, and orthonormal columns.

References
----------
.. [1] Yamamoto, Nakatsukasa, Yanagisawa & Fukaya (2015), doi:10.1553/etna_vol44s306
"""

from collections.abc import Sequence

import numpy as np
import scipy.linalg

from mystax.compute.svd_rows import bin_tiles, gram_of
from mystax.core.analysis import Tiles
from mystax.core.typing import Float, Float32, Float64

__all__ = ["combined", "new_directions", "orthonormal", "random_basis", "remainder"]

MILD = 4.0
"""Condition of a basis below which float32 makes it orthonormal to 1e-6."""

DEPENDENT = 0.5
"""Share of a column's length that must be left when it is freed of a span for the second time."""

EXACT = 2000.0
"""Condition below which one round is enough: its square times the precision of float64 is below 1e-9."""


def random_basis(n_bins: int, n_columns: int, seed: int) -> Float32[np.ndarray, "bin column"]:
    """Draw the first basis: normal numbers that depend on seed, bin and width alone.

    Parameters
    ----------
    n_bins, n_columns : int
        Shape.
    seed : int
        Key of the counter-based generator; its counter is the number of the tile of 1,024 bins.

    Returns
    -------
    array (bin, column)
        Standard normal numbers.
    """
    basis = np.empty((n_bins, n_columns), np.float32)
    for number, tile in enumerate(bin_tiles(n_bins)):
        generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, number, 0, 0]))
        basis[tile] = generator.standard_normal((tile.stop - tile.start, n_columns), np.float32)
    return basis


def orthonormal(values: Float64[np.ndarray, "bin column"], tiles: Tiles) -> Float32[np.ndarray, "bin rank"]:
    """Orthonormal basis of the columns, by Cholesky factors of their Gram matrix, twice where needed.

    Parameters
    ----------
    values : array (bin, column)
        Columns; overwritten.
    tiles : Tiles
        Threads.

    Returns
    -------
    array (bin, rank)
        Orthonormal to the precision of float32; fewer columns where they depend on each other.
    """
    basis: np.ndarray = values
    for _ in range(3):
        if basis.shape[1] == 0:
            break
        turn, spread = _whitening(gram_of(basis, tiles))
        if spread < MILD:
            # Nearly orthonormal already: float32 keeps all that is asked for, in half the time.
            basis = _times(basis.astype(np.float32), turn.astype(np.float32), tiles)
        else:
            basis = _times(basis, turn, tiles)
        if spread < EXACT:
            break
    return basis.astype(np.float32, order="C")


def _whitening(gram: Float64[np.ndarray, "n n"]) -> tuple[Float64[np.ndarray, "n rank"], float]:
    """Return B with B' gram B = I, and a bound of the condition of the basis that it came from."""
    lengths = np.sqrt(np.maximum(np.diag(gram), 0.0))
    kept = np.flatnonzero(lengths > 0)
    if len(kept) == 0:
        return np.zeros((len(gram), 0)), 1.0
    # Unit columns first: columns of very different length are no sign of dependence.
    unit = gram[np.ix_(kept, kept)] / np.outer(lengths[kept], lengths[kept])
    n = len(unit)
    try:
        factor = np.linalg.cholesky(unit)
    except np.linalg.LinAlgError:
        factor = np.zeros((0, 0))
    diagonal = np.diag(factor)
    spread = np.inf
    if len(factor) and float(diagonal.max()) <= 1e6 * float(diagonal.min()):
        inverse = scipy.linalg.solve_triangular(factor, np.eye(n), lower=True, check_finite=False).T
        spread = float(np.abs(inverse).sum(0).max() * np.abs(factor).sum(1).max())
    else:
        values, vectors = np.linalg.eigh(unit)
        large = values > 1e-13 * values[-1]
        inverse = vectors[:, large] / np.sqrt(values[large])
    full = np.zeros((len(gram), inverse.shape[1]))
    full[kept] = inverse / lengths[kept, None]
    return full, spread


def _times(
    values: Float[np.ndarray, "bin n"], turn: Float[np.ndarray, "n m"], tiles: Tiles
) -> Float[np.ndarray, "bin m"]:
    """Return values @ turn, by tiles of bins and in the same memory."""

    def part(tile: slice) -> None:
        values[tile, : turn.shape[1]] = values[tile] @ turn

    tiles.map(part, bin_tiles(len(values)))
    return values[:, : turn.shape[1]]


def combined(
    blocks: Sequence[Float32[np.ndarray, "bin _"]],
    turn: Float32[np.ndarray, "column component"],
    tiles: Tiles,
) -> Float32[np.ndarray, "bin component"]:
    """Return [Q1 Q2 ...] W without putting the blocks side by side."""
    out = np.zeros((len(blocks[0]) if blocks else 0, turn.shape[1]), np.float32)
    rows = _cuts(turn, blocks)

    def part(tile: slice) -> None:
        for block, piece in zip(blocks, rows, strict=True):
            out[tile] += block[tile] @ piece

    tiles.map(part, bin_tiles(len(out)))
    return out


def remainder(
    values: Float64[np.ndarray, "bin column"],
    blocks: Sequence[Float32[np.ndarray, "bin _"]],
    inner: Float64[np.ndarray, "total column"] | None,
    tiles: Tiles,
) -> None:
    """Take off `values`, in their memory, what lies in the span of orthonormal blocks.

    Parameters
    ----------
    values : array (bin, column)
        Columns; overwritten.
    blocks : sequence of array (bin, width)
        Q1, Q2, ...: orthonormal, also to each other.
    inner : array (total, column), optional
        Their products with the columns, where these are known; None: they are made here.
    tiles : Tiles
        Threads.
    """
    if inner is None:

        def products(tile: slice) -> list[np.ndarray]:
            piece = values[tile].astype(np.float32)
            return [block[tile].T @ piece for block in blocks]

        total = [np.zeros((block.shape[1], values.shape[1])) for block in blocks]
        for found in tiles.map(products, bin_tiles(len(values))):
            for whole, piece in zip(total, found, strict=True):
                np.add(whole, piece, out=whole)
        inner = np.concatenate(total)
    rows = _cuts(inner.astype(np.float32), blocks)

    def part(tile: slice) -> None:
        for block, piece in zip(blocks, rows, strict=True):
            values[tile] -= block[tile] @ piece

    tiles.map(part, bin_tiles(len(values)))


def new_directions(
    values: Float64[np.ndarray, "bin column"], blocks: Sequence[Float32[np.ndarray, "bin _"]], tiles: Tiles
) -> Float32[np.ndarray, "bin rank"]:
    """Make an orthonormal basis of what columns add to a span that was taken off them once already.

    Parameters
    ----------
    values : array (bin, column)
        Columns after `remainder`; overwritten.
    blocks : sequence of array (bin, width)
        Q1, Q2, ...: orthonormal, also to each other.
    tiles : Tiles
        Threads.

    Returns
    -------
    array (bin, rank)
        Orthonormal, also to the blocks.  Columns that lay in the span to rounding add nothing: what is left
        of them when they are freed of it again is rounding too, in any direction [1]_.

    References
    ----------
    .. [1] Giraud, Langou, Rozloznik & van den Eshof (2005), doi:10.1007/s00211-005-0615-4
    """
    before = np.einsum("ij,ij->j", values, values)
    remainder(values, blocks, None, tiles)
    values[:, np.einsum("ij,ij->j", values, values) < DEPENDENT**2 * before] = 0.0
    return orthonormal(values, tiles)


def _cuts(
    values: Float32[np.ndarray, "total column"], blocks: Sequence[Float32[np.ndarray, "bin _"]]
) -> list[Float32[np.ndarray, "_ column"]]:
    """Cut rows into pieces as high as the blocks are wide."""
    ends = np.cumsum([block.shape[1] for block in blocks])
    return [values[end - block.shape[1] : end] for end, block in zip(ends, blocks, strict=True)]

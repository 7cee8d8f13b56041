"""Steps of the block Krylov iteration: Ritz pairs, what they lack, sums about the mean."""

import numpy as np

from mystax.compute.svd_gram import leading
from mystax.compute.svd_rows import bin_tiles, gram_of
from mystax.core.analysis import Tiles
from mystax.core.typing import Float32, Float64

__all__ = ["centre_sums", "missing_share", "ritz_pairs"]

CAUTION = 3.0
"""Missing variance over the residual of the Ritz pairs: 1.3 to 2.5 on films, 3.3 after many readings."""


def ritz_pairs(
    gram: Float64[np.ndarray, "n n"], n_components: int
) -> tuple[Float64[np.ndarray, " component"], Float64[np.ndarray, "n component"]]:
    """Return the leading eigenvalues above the rounding of float32 rows, and their vectors."""
    values, vectors = leading(gram.copy(), n_components, 0.0)
    kept = values > 1e-12 * values[0] if len(values) else np.zeros(0, bool)
    # Rows of memory decide in which order a product is added up, so arrays that are kept have one order.
    return values[kept], np.ascontiguousarray(vectors[:, kept])


def missing_share(
    beyond: Float64[np.ndarray, "bin column"],
    turn: Float64[np.ndarray, "column component"],
    values: Float64[np.ndarray, " component"],
    tiles: Tiles,
) -> float:
    """Estimate the share of variance that is missing, from residuals G u - lambda u of the Ritz pairs.

    Parameters
    ----------
    beyond : array (bin, column)
        A'A times the newest columns, less what lies among all columns.
    turn : array (column, component)
        Ritz vectors on the newest columns.
    values : array (component,)
        Ritz values.
    tiles : Tiles
        Threads.

    Returns
    -------
    float
        Share of the sum of the values; 0 if there are none.
    """
    if len(values) == 0:
        return 0.0
    gram = gram_of(beyond, tiles)
    residual = np.einsum("ij,ij->j", turn, gram @ turn)
    return float(CAUTION * (residual / values).sum() / values.sum())


def centre_sums(
    sums: Float64[np.ndarray, "bin column"],
    basis: Float32[np.ndarray, "bin column"],
    offset: Float64[np.ndarray, " bin"],
    mean: Float64[np.ndarray, " bin"],
    n_rows: int,
    tiles: Tiles,
) -> None:
    """Turn sums X'X W of rows about a shift into those about a centre, in place (rank one, in float64).

    Parameters
    ----------
    sums : array (bin, column)
        The sums.
    basis : array (bin, column)
        W.
    offset : array (bin,)
        The centre, less the shift.
    mean : array (bin,)
        The mean of the rows that were summed, less the shift.
    n_rows : int
        How many rows were summed.
    tiles : Tiles
        Threads.
    """

    def part(tile: slice) -> tuple[np.ndarray, np.ndarray]:
        columns = basis[tile].astype(np.float64)
        return offset[tile] @ columns, mean[tile] @ columns

    by_offset, by_mean = np.zeros(basis.shape[1]), np.zeros(basis.shape[1])
    for left, right in tiles.map(part, bin_tiles(len(basis))):
        by_offset += left
        by_mean += right

    def correct(tile: slice) -> None:
        # sum (x - d)(x - d)' W = sum x x' W - n (m (d' W) + d (m' W) - d (d' W))
        sums[tile] -= n_rows * (
            np.outer(mean[tile] - offset[tile], by_offset) + np.outer(offset[tile], by_mean)
        )

    tiles.map(correct, bin_tiles(len(sums)))

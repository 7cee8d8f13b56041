"""Products of rows of whole numbers: in float32 where no bit is lost, twice as fast, else in float64.

Rows of sums minus a whole shift are whole numbers.  Where no sum of squares leaves 24 bits, by Cauchy and
Schwarz no partial sum of a product of two such rows does, in whatever order it is made: float32 holds all.
"""

from typing import Any

import numpy as np

from mystax.compute.svd_rows import Matrix
from mystax.core.typing import Float, Shaped

__all__ = ["fits_single", "row_type"]

MOST_SQUARES = 2.0**23
"""Largest sum of squares, made in float32 itself, below which its products are taken for exact."""


def row_type(matrix: Matrix, bins: Shaped[np.ndarray, "rows bin"], *, compat: bool) -> type[np.floating[Any]]:
    """Return the type that holds rows minus a whole shift: float32 if they are whole numbers of 17 bits.

    Parameters
    ----------
    matrix : Matrix
        With weights its rows are no whole numbers.
    bins : array (rows, bin)
        Sums of codes.
    compat : bool
        Rows minus a mean, which is no whole number.
    """
    is_whole = matrix.weights is None and not compat
    return np.float32 if is_whole and bins.dtype.itemsize <= 2 else np.float64


def fits_single(rows: Float[np.ndarray, "n bin"], axis: int) -> bool:
    """Tell whether products of these rows, summed along an axis, are exact in their type.

    Parameters
    ----------
    rows : array (n, bin)
        Float64, or whole numbers in float32.
    axis : int
        0: products of bins over rows; 1: products of rows over bins.
    """
    if rows.dtype == np.float64:
        return True
    squares = np.einsum("ij,ij->j" if axis == 0 else "ij,ij->i", rows, rows)
    return bool(squares.max(initial=0.0) <= MOST_SQUARES)

"""Exact decompositions by dense NumPy on block sums of a plain decoder: the truth of the SVD claims."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["block_sums", "captured_share", "exact_values", "motion_rows"]

COLUMNS = 2048


def block_sums(
    video: Path, size: int, box: Sequence[int] | None = None
) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    """Sum the luma codes of blocks of size x size pixels, frame by frame.

    Parameters
    ----------
    video : Path
        A video of 8 bits.
    size : int
        Side of a block [px].
    box : sequence of int, optional
        x, y, width and height of a region whose blocks are wanted (multiples of `size`).

    Returns
    -------
    array (time, block)
        Sums; what does not fill a block is left out.
    """
    import av

    rows: list[Any] = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            plane: Any = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
            if box is not None:
                x, y, width, height = box
                luma = luma[y : y + height, x : x + width]
            n_y, n_x = luma.shape[0] // size, luma.shape[1] // size
            blocks = luma[: n_y * size, : n_x * size].reshape(n_y, size, n_x, size)
            rows.append(blocks.sum((1, 3), dtype=np.uint16).ravel())
    return np.stack(rows)


def motion_rows(sums: np.ndarray) -> np.ndarray:
    """Return |difference| of successive rows, centred over time (float32: integers below 2^16 are exact)."""
    motion = np.abs(np.diff(sums.astype(np.int32), axis=0)).astype(np.float32)
    motion -= motion.mean(0, dtype=np.float64).astype(np.float32)
    return motion


def exact_values(motion: np.ndarray, keep: Path | None = None) -> np.ndarray:
    """Return all eigenvalues of the Gram matrix of centred rows, falling; kept in a file if one is named."""
    if keep is not None and keep.exists():
        return np.asarray(np.load(keep)["values"])
    n, n_bins = motion.shape
    gram = np.zeros((min(n, n_bins),) * 2)
    if n <= n_bins:
        for first in range(0, n_bins, COLUMNS):
            part = motion[:, first : first + COLUMNS].astype(np.float64)
            gram += part @ part.T
    else:
        for first in range(0, n, COLUMNS):
            part = motion[first : first + COLUMNS].astype(np.float64)
            gram += part.T @ part
    values = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)
    if keep is not None:
        np.savez(keep, values=values)
    return values


def captured_share(motion: np.ndarray, masks: np.ndarray, values: np.ndarray, n: int) -> float:
    """Return the variance that the first n masks capture, relative to the best that n components can.

    Parameters
    ----------
    motion : array (time, bin)
        Centred rows.
    masks : array (bin, component)
        Orthonormal columns.
    values : array (component,)
        Exact eigenvalues.
    n : int
        Number of components.

    Returns
    -------
    float
        At most 1, up to rounding.
    """
    scores = motion @ masks[:, :n].astype(np.float32)
    return float(np.square(scores, dtype=np.float64).sum() / values[:n].sum())

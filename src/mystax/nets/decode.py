"""From maps to places: recentred window, covariance, and what the confidence is made from."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float, Float32
from mystax.nets.kernels.crops import decode_maps

__all__ = ["CELL", "WINDOW", "Decoded", "decode", "decode_facemap"]

CELL = 4
"""Crop pixels per cell: cell i lies at crop pixel 4 i + 1.5."""

WINDOW = 3.0
"""Half-width of the window about the peak [cells]."""

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Decoded:
    """Places in a batch of crops, and how sure the maps are.

    Attributes
    ----------
    xy : array (n, keypoint, space)
        Places [crop px].
    covariance : array (n, keypoint, cov)
        xx, xy, yy of the window [crop px^2].
    mass : array (n, keypoint)
        Share of all probability that lies in the window, the null cell included.
    visibility : array (n, keypoint)
        1 - probability of the null cell.
    visibility_logit : array (n, keypoint)
        The same as a logit, exact where the share rounds to 0 or 1.
    peak : array (n, keypoint)
        Largest probability of a cell.
    lead : array (n, keypoint)
        Logarithm of the peak's ratio to the largest cell outside of the window.
    spread : array (n, keypoint)
        Standard deviation between the members of an ensemble [crop px]; 0 for a single network.
    """

    xy: Float32[np.ndarray, "n keypoint space"]
    covariance: Float32[np.ndarray, "n keypoint cov"]
    mass: Float32[np.ndarray, "n keypoint"]
    visibility: Float32[np.ndarray, "n keypoint"]
    visibility_logit: Float32[np.ndarray, "n keypoint"]
    peak: Float32[np.ndarray, "n keypoint"]
    lead: Float32[np.ndarray, "n keypoint"]
    spread: Float32[np.ndarray, "n keypoint"]


def decode(logits: Float[np.ndarray, "n keypoint cy cx"], null: Float[np.ndarray, "n keypoint"]) -> Decoded:
    """Decode logits.

    Starts at the largest cell and three times takes the weighted mean of a soft-edged window of 7 x 7 cells
    about the last place: a fixed window would be drawn towards the centres of cells.

    Parameters
    ----------
    logits : array (n, keypoint, cy, cx)
        Logits of the cells.
    null : array (n, keypoint)
        Logits of the null cells.

    Returns
    -------
    Decoded
        Places, covariances and measures of doubt.
    """
    out = np.empty((*null.shape, 10), np.float64)
    decode_maps(
        np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(null, np.float32), WINDOW, _ROUNDS, out
    )
    columns = out.astype(np.float32)
    return Decoded(
        xy=CELL * columns[..., :2] + np.float32((CELL - 1) / 2),
        covariance=columns[..., 4:7] * np.float32(CELL * CELL),
        mass=columns[..., 2],
        visibility=columns[..., 3],
        visibility_logit=columns[..., 9],
        peak=columns[..., 7],
        lead=columns[..., 8],
        spread=np.zeros(null.shape, np.float32),
    )


def decode_facemap(
    cells: Float[np.ndarray, "n keypoint cy cx"],
    down: Float[np.ndarray, "n keypoint cy cx"],
    right: Float[np.ndarray, "n keypoint cy cx"],
) -> Decoded:
    """Decode the three maps of Facemap's network as Facemap does.

    Parameters
    ----------
    cells : array (n, keypoint, cy, cx)
        Heat maps.
    down, right : array (n, keypoint, cy, cx)
        Where in the maps the point is from each cell, in units of 6 cells.

    Returns
    -------
    Decoded
        Places [crop px]; mass and visibility are Facemap's likelihood, covariances a guess of 4 px, since
        the network tells nothing about them.
    """
    n, n_points, height, width = cells.shape
    flat = cells.reshape(n, n_points, -1)
    first = flat.argmax(axis=-1)
    row, column = np.divmod(first, width)
    place = first[..., None]
    top, off_down, off_right = (
        np.take_along_axis(maps.reshape(n, n_points, -1), place, axis=-1)[..., 0]
        for maps in (cells, down, right)
    )
    far = (np.abs(np.arange(height)[:, None] - row[..., None, None]) > WINDOW) | (
        np.abs(np.arange(width) - column[..., None, None]) > WINDOW
    )
    second = np.where(far, cells, -np.inf).max(axis=(-2, -1))
    likelihood = (1.0 / (1.0 + np.exp(-top))).astype(np.float32)
    xy = CELL * np.stack((column - 6 * off_right, row - 6 * off_down), axis=-1)
    return Decoded(
        xy=xy.astype(np.float32),
        covariance=np.broadcast_to(np.array([16, 0, 16], np.float32), (n, n_points, 3)).copy(),
        mass=likelihood,
        visibility=likelihood.copy(),
        visibility_logit=top.astype(np.float32),
        peak=likelihood.copy(),
        lead=(top - second).astype(np.float32),
        spread=np.zeros_like(likelihood),
    )

"""Frames whose shape is seen in part: what they say about each state, without filling in what is hidden.

The points that are seen give whitened components an information J and a direction b: the likelihood of
components y is exp(b y - y J y / 2), which is integrated in closed form under the Gaussian of each state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float64, Int64

__all__ = ["PartialShapes", "partial_log_densities"]

BLOCK = 4_096
LOG_2_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class PartialShapes:
    """Which frames are seen in part, and how much they tell.

    Attributes
    ----------
    rows : array (row,)
        The frames.
    pattern : array (row,)
        Which points each of them shows, as a number of `information`.
    information : array (pattern, component, component)
        Precision that the seen points give to the whitened components; the features of these frames are
        ``(J + 1)^-1 b``, their mean under a prior of variance 1.
    """

    rows: Int64[np.ndarray, " row"]
    pattern: Int64[np.ndarray, " row"]
    information: Float64[np.ndarray, "pattern component component_too"]

    @classmethod
    def none(cls, n_components: int) -> "PartialShapes":
        """Return no frames at all."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros((0, n_components, n_components)))

    @classmethod
    def joined(cls, parts: Sequence["PartialShapes"], lengths: Sequence[int]) -> "PartialShapes":
        """Return those of recordings that follow each other, each of so many frames."""
        first_row = np.concatenate([[0], np.cumsum(lengths)])
        first_pattern = np.concatenate([[0], np.cumsum([len(item.information) for item in parts])])
        return cls(
            np.concatenate([item.rows + at for item, at in zip(parts, first_row, strict=False)]),
            np.concatenate([item.pattern + at for item, at in zip(parts, first_pattern, strict=False)]),
            np.concatenate([item.information for item in parts]),
        )

    def chosen(self, rows: Bool[np.ndarray, " frame"]) -> "PartialShapes":
        """Return those of some frames, told by a mask over all frames."""
        kept = rows[self.rows]
        return PartialShapes(self.rows[kept], self.pattern[kept], self.information)


def partial_log_densities(
    partial: PartialShapes,
    values: Float64[np.ndarray, "frame feature"],
    observed: Bool[np.ndarray, "frame feature"],
    means: Float64[np.ndarray, "state feature"],
    covariances: Float64[np.ndarray, "state feature feature_too"],
) -> Float64[np.ndarray, "row state"]:
    """Return the log density of partial frames under each state.

    Parameters
    ----------
    partial : PartialShapes
        The frames; their first features are the components.
    values : array (frame, feature)
        Features of all frames; of these the mean under the prior.
    observed : array (frame, feature)
        Which features are known; further columns may be hidden.
    means, covariances : array
        Of the states.

    Returns
    -------
    array (row, state)
        Scaled so that a frame whose points tell everything has the density of a whole one; where they tell
        nothing all states are alike.
    """
    n_components = partial.information.shape[1]
    out = np.empty((len(partial.rows), len(means)))
    patterns, codes = np.unique(observed[partial.rows, n_components:], axis=0, return_inverse=True)
    codes = np.asarray(codes).reshape(len(partial.rows))
    for number, shown in enumerate(patterns):
        columns = n_components + np.flatnonzero(shown)
        mine = np.flatnonzero(codes == number)
        for first in range(0, len(mine), BLOCK):
            part = mine[first : first + BLOCK]
            used, pattern = np.unique(partial.pattern[part], return_inverse=True)
            block = _Block(
                partial.information[used],
                np.asarray(pattern).reshape(len(part)),
                values[partial.rows[part], :n_components],
                values[np.ix_(partial.rows[part], columns)],
            )
            for k in range(len(means)):
                out[part, k] = block.under(means[k], covariances[k], columns)
    return out


class _Block:
    """Rows with the same known columns."""

    def __init__(
        self,
        information: Float64[np.ndarray, "pattern component component_too"],
        pattern: Int64[np.ndarray, " row"],
        shape: Float64[np.ndarray, "row component"],
        columns: Float64[np.ndarray, "row column"],
    ) -> None:
        self.information, self.pattern, self.columns = information, pattern, columns
        whole = information + np.eye(information.shape[1])
        self.pull = np.einsum("tij,tj->ti", whole[pattern], shape)
        alone = 0.5 * (self.pull * shape).sum(1) - 0.5 * np.linalg.slogdet(whole)[1][pattern]
        self.constant = -alone - 0.5 * ((shape**2).sum(1) + shape.shape[1] * LOG_2_PI)

    def under(
        self,
        mean: Float64[np.ndarray, " feature"],
        covariance: Float64[np.ndarray, "feature feature_too"],
        columns: Int64[np.ndarray, " column"],
    ) -> Float64[np.ndarray, " row"]:
        """Return the log density under one state."""
        n = self.information.shape[1]
        middle = np.broadcast_to(mean[:n], (len(self.pattern), n))
        spread, density = covariance[:n, :n], np.zeros(len(self.pattern))
        if len(columns):
            inner = covariance[np.ix_(columns, columns)]
            gain = np.linalg.solve(inner, covariance[columns, :n])
            gap = self.columns - mean[columns]
            middle, spread = middle + gap @ gain, spread - covariance[:n, columns] @ gain
            fit = (gap * np.linalg.solve(inner, gap.T).T).sum(1)
            density = -0.5 * (fit + np.linalg.slogdet(inner)[1] + len(columns) * LOG_2_PI)
        precision = np.linalg.inv(spread)
        both = self.information + precision
        pull = self.pull + middle @ precision
        settled = np.matmul(np.linalg.inv(both)[self.pattern], pull[..., None])[..., 0]
        log_det = np.linalg.slogdet(spread)[1] + np.linalg.slogdet(both)[1][self.pattern]
        gained = (pull * settled).sum(1) - (middle @ precision * middle).sum(1) - log_det
        return np.asarray(density + 0.5 * gained + self.constant)

"""Data of a hidden Markov model: rows with holes, cut into segments, grouped by what is observed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mystax.compute.partial_shapes import PartialShapes
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["BLOCK", "MAX_PATTERNS", "HmmFrames", "make_frames"]

BLOCK = 16_384
"""Rows of one piece of work."""
MAX_PATTERNS = 64
"""Combinations of observed columns that are told apart; frames of rarer ones count as missing."""


@dataclass(frozen=True, eq=False)
class HmmFrames:
    """Rows of features.

    Attributes
    ----------
    values : array (frame, feature)
        Features; 0 where they are not observed.
    observed : array (frame, feature)
        Which are observed.
    is_start : array (frame,)
        Where a segment starts: the chain knows nothing of the frame before.
    patterns : array (pattern, feature)
        Combinations of observed columns, at least one each.
    parts : sequence of (pattern, rows)
        Pieces of work: rows of one pattern; rows without any observed column are in none.
    partial : PartialShapes, optional
        Frames whose first columns come from a shape that is seen in part: densities take that into account.
        Sums of moments do not, so a fit is of frames without it.
    """

    values: Float64[np.ndarray, "frame feature"]
    observed: Bool[np.ndarray, "frame feature"]
    is_start: Bool[np.ndarray, " frame"]
    patterns: Bool[np.ndarray, "pattern feature"]
    parts: Sequence[tuple[int, Int64[np.ndarray, " _"]]]
    partial: PartialShapes | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    @property
    def has_value(self) -> Bool[np.ndarray, " frame"]:
        """Which frames have at least one observed column."""
        return np.asarray(self.observed.any(1))

    def taken(self, rows: Int64[np.ndarray, " row"]) -> "HmmFrames":
        """Return some frames in order; a jump over left out frames starts a segment."""
        starts = self.is_start[rows].copy()
        starts[1:] |= np.diff(rows) != 1
        if len(starts):
            starts[0] = True
        return make_frames(np.where(self.observed[rows], self.values[rows], np.nan), starts)

    def told_in_part(self, partial: PartialShapes) -> "HmmFrames":
        """Return the same frames, of which some show only part of their shape."""
        known = np.asarray(self.observed[:, : partial.information.shape[1]].all(1))
        kept = partial.chosen(known)
        return replace(self, partial=kept if len(kept.rows) else None)


def make_frames(
    values: Float64[np.ndarray, "frame feature"], is_start: Bool[np.ndarray, " frame"] | None = None
) -> HmmFrames:
    """Make the data of a model.

    Parameters
    ----------
    values : array (frame, feature)
        Features; NaN where they are missing.
    is_start : array (frame,), optional
        Where segments start; by default only at the first frame.

    Returns
    -------
    HmmFrames
        Grouped by the columns that are observed.
    """
    values = np.ascontiguousarray(values, np.float64)
    n = len(values)
    starts = np.zeros(n, bool) if is_start is None else np.array(is_start, bool)
    if n:
        starts[0] = True
    observed = np.isfinite(values)
    if observed.all():
        patterns, codes = np.ones((1, values.shape[1]), bool), np.zeros(n, np.int64)
    else:
        found, codes, counts = np.unique(observed, axis=0, return_inverse=True, return_counts=True)
        codes = np.asarray(codes).reshape(n)
        order = np.lexsort((np.arange(len(found)), -counts))
        kept = [index for index in order.tolist() if found[index].any()][:MAX_PATTERNS]
        place = np.full(len(found), -1, np.int64)
        place[kept] = np.arange(len(kept))
        patterns, codes = found[kept], place[codes]
        observed = observed & (codes >= 0)[:, None]
    parts: list[tuple[int, Int64[np.ndarray, " _"]]] = []
    for first in range(0, n, BLOCK):
        block = codes[first : first + BLOCK]
        parts += [(int(p), first + np.flatnonzero(block == p)) for p in np.unique(block) if p >= 0]
    return HmmFrames(np.where(observed, values, 0.0), observed, starts, patterns, parts)

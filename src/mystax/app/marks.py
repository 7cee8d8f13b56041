"""The marks of the seek bar: where a recording has labels, gaps, missing frames and unsure points."""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from mystax.app.schemas import Mark
from mystax.core.typing import Bool, Float64, Int64

__all__ = ["Kind", "Span", "binned", "gaps_of", "runs_of", "spans_where"]

Kind = Literal["labelled", "suggested", "low", "gap", "missing", "mark"]
Span = tuple[float, float]
"""First and last time of a mark [s]."""
LONG = 1.5
"""Frames farther apart than this many usual intervals have a gap between them."""


def runs_of(is_on: Bool[np.ndarray, " time"]) -> Int64[np.ndarray, "run edge"]:
    """Return first and last place of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_on, [False]])))
    pairs = edges.reshape(-1, 2).astype(np.int64)
    return np.stack([pairs[:, 0], pairs[:, 1] - 1], axis=1)


def spans_where(is_on: Bool[np.ndarray, " time"], times: Float64[np.ndarray, " time"]) -> list[Span]:
    """Return the times of the runs of True; those without a time are left out."""
    found = ((float(times[a]), float(times[b])) for a, b in runs_of(is_on))
    return [span for span in found if np.isfinite(span).all()]


def gaps_of(times: Float64[np.ndarray, " time"]) -> list[Span]:
    """Return where two neighbouring frames are farther apart than usual."""
    known = times[np.isfinite(times)]
    steps = np.diff(known)
    if not len(steps):
        return []
    places = np.flatnonzero(steps > LONG * np.median(steps))
    return [(float(known[k]), float(known[k + 1])) for k in places]


def binned(found: Mapping[Kind, Iterable[Span]], start: float, stop: float, width: int) -> list[Mark]:
    """Join marks that would fall on the same pixels.

    Parameters
    ----------
    found : mapping of str to spans
        Kind to times of its marks [s].
    start, stop : float
        What the bar shows [s].
    width : int
        Its width [px].

    Returns
    -------
    list of Mark
        For each kind at most `width` marks, in order; `count` is how many are joined.
    """
    length = (stop - start) / width if stop > start else 1.0
    marks = []
    for kind, spans in found.items():
        count = np.zeros(width, np.int64)
        cover = np.zeros(width + 1, np.int64)
        for first, last in spans:
            left = min(width - 1, max(0, int((first - start) / length)))
            right = min(width - 1, max(left, int((last - start) / length)))
            count[left] += 1
            cover[left] += 1
            cover[right + 1] -= 1
        for left, right in runs_of(np.cumsum(cover[:-1]) > 0):
            total = int(count[left : right + 1].sum())
            first, last = start + float(left) * length, start + float(right + 1) * length
            marks.append(Mark(kind=kind, start=first, stop=last, count=total))
    return marks

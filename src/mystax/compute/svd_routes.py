"""How a matrix is decomposed, and how wide its bases are: by size and parameters, never by the machine."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = [
    "LEAST_READINGS",
    "Route",
    "SvdSettings",
    "choose_route",
    "final_width",
    "first_width",
    "sampled_segments",
]

Route = Literal["gram_bins", "gram_frames", "subspace", "subspace_streamed"]

GRAM = 4096
"""Largest Gram matrix."""

GRAM_FRAMES_BYTES = 2 << 30
"""Most bins that are kept for the Gram matrix over frames."""

LEAST_READINGS = 5
"""Readings of kept bins that make the basis; the first costs next to nothing."""


@dataclass(frozen=True, slots=True)
class SvdSettings:
    """Numbers that decide what is computed.

    Attributes
    ----------
    n_components : int
        Components kept.
    facemap_compat : bool
        Sampled mean, and no mean over bins, as Facemap 1.0 has it.
    max_spool : float
        Largest scratch for the bins [GiB].
    tolerance : float
        Shortfall above which another reading is made.
    seed : int
        Of the first basis.
    route : str, optional
        Forced route, for tests and benchmarks.
    """

    n_components: int = 500
    facemap_compat: bool = False
    max_spool: float = 16.0
    tolerance: float = 0.02
    seed: int = 0
    route: Route | None = None


def choose_route(n_bins: int, n_frames: int, itemsize: int, max_spool: float) -> Route:
    """Choose how a matrix is decomposed, from its size and the parameters alone.

    Parameters
    ----------
    n_bins, n_frames : int
        Size of the matrix.
    itemsize : int
        Bytes per bin.
    max_spool : float
        Largest scratch for the bins [GiB].

    Returns
    -------
    str
        ``gram_bins``, ``gram_frames``, ``subspace`` or ``subspace_streamed``.

    Examples
    --------
    >>> choose_route(2500, 10**6, 2, 16.0), choose_route(19200, 4000, 2, 16.0)
    ('gram_bins', 'gram_frames')
    """
    size, room = n_frames * n_bins * itemsize, max_spool * 2**30
    if n_frames < n_bins and n_frames <= GRAM and size <= min(GRAM_FRAMES_BYTES, room):
        return "gram_frames"  # the smaller of the two exact ones
    if n_bins <= GRAM:
        return "gram_bins"
    return "subspace" if size <= room else "subspace_streamed"


def sampled_segments(n_frames: int) -> list[tuple[int, int]]:
    """List the frames that make Facemap's sampled mean: up to ten of 100, evenly spaced.

    Examples
    --------
    >>> sampled_segments(350)
    [(0, 100), (125, 225), (250, 350)]
    """
    n_segments = min(1000, n_frames) // 100
    if n_segments == 0:
        return [(0, n_frames)]
    starts = np.floor(np.linspace(0, n_frames - 100, n_segments)).astype(int)
    return [(int(start), int(start) + 100) for start in starts]


def first_width(n_components: int, *, streamed: bool) -> int:
    """Return how many columns each reading multiplies.

    Parameters
    ----------
    n_components : int
        Components wanted.
    streamed : bool
        There are two readings only.

    Returns
    -------
    int
        Columns: a block of the iteration (a multiple of 16), or the whole basis.

    Examples
    --------
    >>> first_width(500, streamed=False), first_width(500, streamed=True), first_width(10, streamed=False)
    (256, 1100, 32)
    """
    if streamed:
        return n_components + max(100, 6 * n_components // 5)
    return 16 * -(-(12 * n_components // 25 + 16) // 16)


def final_width(n_components: int) -> int:
    """Return how many columns the last reading has, if the basis was made from a part of the rows.

    Examples
    --------
    >>> final_width(500), final_width(20)
    (600, 70)
    """
    return n_components + max(50, n_components // 5)

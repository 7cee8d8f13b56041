"""What a decomposition will cost, from its size alone: readings, memory, disk, time."""

from dataclasses import dataclass

from mystax.compute.svd_routes import LEAST_READINGS, choose_route, final_width, first_width

__all__ = ["FLOPS", "SvdCost", "svd_cost"]

MIB = 1 << 20
FLOPS = 40e9
"""Single-precision operations of one core in matrix products, where they have not been timed [1/s]."""

EIGEN = 30.0
"""Operations of an eigendecomposition, over those of its share of a product: double precision, memory."""

USED_ROWS = 65_536
"""Rows that the power iterations use at most."""


@dataclass(frozen=True, slots=True)
class SvdCost:
    """Cost of one decomposition.

    Attributes
    ----------
    route : str
        How it is done.
    readings : int
        Sweeps over the bins of all frames.
    decodes : int
        Times that the video is decoded.
    memory, disk, scratch : int
        Resident memory, outcome and row files, spool of bins [byte].
    lacking : int
        Spool of bins that there is no room for, so that the video is decoded for every reading [byte].
    seconds : float
        Time beyond decoding [s].
    """

    route: str
    readings: int
    decodes: int
    memory: int
    disk: int
    scratch: int
    lacking: int
    seconds: float


def svd_cost(
    n_frames: int,
    n_bins: int,
    n_components: int,
    *,
    max_spool: float = 16.0,
    itemsize: int = 2,
    kinds: int = 1,
    rate: float = FLOPS,
    room: int | None = None,
) -> SvdCost:
    """Return the cost of a motion or movie SVD.

    Parameters
    ----------
    n_frames, n_bins, n_components : int
        Size of the problem.
    max_spool : float, optional
        Largest spool of bins [GiB].
    itemsize : int, optional
        Bytes of a bin.
    kinds : int, optional
        2 where both motion and movie are decomposed.
    rate : float, optional
        Single-precision operations per second in matrix products.
    room : int, optional
        Room for the spool [byte]; by default there is enough.

    Returns
    -------
    SvdCost
        Figures by the rules that choose the route.
    """
    route = choose_route(n_bins, n_frames, itemsize, max_spool)
    k = min(n_components, n_bins, n_frames)
    spool = n_frames * n_bins * itemsize
    fits = spool <= max_spool * 2**30
    has_room = room is None or spool <= room
    outcome = 4 * n_frames * k * kinds
    if route in ("gram_bins", "gram_frames"):
        # A side x side matrix from rows of the other length; its eigenvectors; the projection in float64.
        side, other = (n_bins, n_frames) if route == "gram_bins" else (n_frames, n_bins)
        flop = 2.0 * other * side**2 + EIGEN * side**3 + 4.0 * n_frames * n_bins * k
        # Besides the matrix and its eigenvectors: the masks in double and in single precision.
        memory = (16 * side**2 + 12 * n_bins * k + 64 * MIB) * kinds
        # Pairs of frames need rows that are kept: without room for scratch in the folder of the outcomes.
        is_kept = route == "gram_frames" or (fits and has_room)
        kept, lacking = spool if is_kept else 0, spool if fits and not is_kept else 0
        return SvdCost(route, 2, 1 if is_kept else 2, memory, outcome, kept, lacking, kinds * flop / rate)
    is_spooled = route == "subspace"
    width = min(first_width(k, streamed=not is_spooled), n_bins, n_frames)
    used = min(n_frames, USED_ROWS)
    # With bins that are kept the first reading only adds; a basis from a part of the rows needs one more.
    n_last = n_frames if used < n_frames or not is_spooled else 0
    last = min(final_width(k), n_bins, n_frames) if is_spooled else width
    n_blocks = LEAST_READINGS - 1 if is_spooled else 1
    columns = min(n_blocks * width, n_bins, n_frames)
    # Sums and what becomes of them; the basis; rows and products of at most 64 MiB each.
    memory = (20 * n_bins * width + 4 * n_bins * columns + 2 * min(256 * n_bins * 4, 64 * MIB)) * kinds
    flop = 4.0 * n_bins * width * used * n_blocks + 2.0 * n_bins * last * n_last
    flop += 8.0 * n_bins * columns * width + EIGEN * columns**3
    rows = last if n_last else columns
    readings = LEAST_READINGS + (n_last > 0) if is_spooled else 2
    return SvdCost(
        route,
        readings,
        1 if is_spooled and has_room else readings,
        memory,
        outcome + 4 * n_frames * rows * kinds,
        spool if is_spooled and has_room else 0,
        spool if is_spooled and not has_room else 0,
        kinds * flop / rate,
    )

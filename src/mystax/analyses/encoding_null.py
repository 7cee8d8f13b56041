"""Chance: what shifted neurons, or the behaviour of other recordings, would give."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_fold import Found
from mystax.analyses.encoding_members import Units
from mystax.compute.filterbank import Filterbank, usable_bins
from mystax.compute.grid_bins import Bins, bins_of
from mystax.compute.nulls import (
    NullDesign,
    ShiftNull,
    null_design,
    p_values,
    recordings_null,
    shift_null,
    shift_positions,
)
from mystax.core.analysis import Tiles
from mystax.core.behaviour import BehaviourGrid
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float64
from mystax.errors import NumbersError, ParameterError

__all__ = ["LEAST_RECORDINGS", "check_others", "null_found"]

WEAK = 900.0
"""A recording shorter than this has few independent shifts [s]."""
LEAST_RECORDINGS, SHORTEST = 19, 180.0
"""Other recordings that chance can be judged by, and the shortest of them [s]."""


def null_found(
    data: EncodingData,
    units: Units,
    *,
    kind: str,
    n_shifts: int,
    gap: float,
    tiles: Tiles,
    others: Sequence[BehaviourGrid] = (),
    watch: Callable[[int], None] = lambda _done: None,
) -> tuple[Found, dict[str, object], list[Flag]]:
    """Judge every neuron by chance.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    units : Units
        Of all usable bins.
    kind : str
        ``linear-shift``, ``circular-shift`` or ``recordings``.
    n_shifts : int
        Number of shifts.
    gap : float
        Time left out around test blocks [s].
    tiles : Tiles
        Threads over shifts.
    others : sequence of BehaviourGrid, optional
        Behaviour of other recordings, for ``recordings``.
    watch : callable, optional
        Told the number of shifts done.

    Returns
    -------
    found, facts, flags
        `p_value` and `significant`; what was done; remarks.
    """
    if kind == "recordings":
        null, facts, flags = _other_recordings(data, units, others, gap, tiles, watch)
    else:
        null, facts, flags = _shifts(data, units, kind, n_shifts, gap, tiles, watch)
    from scipy.stats import false_discovery_control

    p = p_values(null.true, null.shifted)
    kept = false_discovery_control(p) <= 0.05
    means = null.shifted.mean(1, dtype=np.float64)
    facts |= {
        "null": kind,
        "null_population_p": float((1 + (means >= null.true.mean()).sum()) / (1 + len(means))),
    }
    found: Found = {
        "p_value": (("neuron",), p.astype(np.float32)),
        "significant": (("neuron",), kept.astype(np.int8)),
        "null_true": (("neuron",), null.true.astype(np.float32)),
        "null_high": (("neuron",), np.quantile(null.shifted, 0.95, axis=0).astype(np.float32)),
    }
    return found, facts, flags


def _rest(data: EncodingData, units: Units) -> Float64[np.ndarray, " neuron"]:
    """Return the variance of each neuron that the components of the whole recording do not hold."""
    held = np.square(units.scores[data.usable].astype(np.float64)).mean(0)
    return np.asarray(np.maximum(1 - (units.loadings**2) @ held, 0))


def _shifts(
    data: EncodingData,
    units: Units,
    kind: str,
    n_shifts: int,
    gap: float,
    tiles: Tiles,
    watch: Callable[[int], None],
) -> tuple[ShiftNull, dict[str, object], list[Flag]]:
    """Slide the neurons along their own behaviour."""
    circular = kind == "circular-shift"
    n_times = len(data.times)
    n = n_times if circular else n_times // 2
    start = 0 if circular else (n_times - n) // 2
    inside = np.zeros(n_times, bool)
    inside[start : start + n] = True
    design = _design(data.grid, data.bins, data.times, data.usable & inside, slice(start, start + n), gap)
    if circular:
        shifts = shift_positions(0, n_times - int(np.ceil(30 / data.width)), n_shifts, data.width)
    else:
        shifts = shift_positions(start, n_times - n - start, n_shifts, data.width)
    null = shift_null(
        design,
        units.scores,
        units.loadings,
        _rest(data, units),
        start,
        shifts.tolist(),
        tiles,
        is_circular=circular,
        watch=watch,
    )
    flags = []
    if data.times[-1] - data.times[0] < WEAK and not circular:
        flags.append(
            Flag("N310", "weak null: the recording is shorter than 15 min, so few shifts are independent.")
        )
    if circular:
        flags.append(
            Flag("N310", "circular shifts find too many neurons where signals drift; use linear-shift.")
        )
    return null, {"null_shifts": len(shifts), "null_excluded": 30.0}, flags


def check_others(others: Sequence[BehaviourGrid]) -> None:
    """Refuse too few other recordings.

    Raises
    ------
    ParameterError
        P401.
    """
    if len(others) < LEAST_RECORDINGS:
        raise ParameterError(
            "P401",
            "null recordings",
            "too few other recordings to judge chance by",
            expected=f"at least {LEAST_RECORDINGS}",
            got=f"{len(others)}",
            hint="--null-with FOLDER, once for each, or linear-shift",
        )


def _other_recordings(
    data: EncodingData,
    units: Units,
    others: Sequence[BehaviourGrid],
    gap: float,
    tiles: Tiles,
    watch: Callable[[int], None],
) -> tuple[ShiftNull, dict[str, object], list[Flag]]:
    """Predict the neurons from the behaviour of other recordings, all of one length."""
    check_others(others)
    places = data.times - data.times[0] + data.width / 2
    length = min(other.n / float(other.rate) for other in others)
    n = int(np.count_nonzero(places + data.width / 2 <= length + 1e-6))
    if n * data.width < SHORTEST:
        raise NumbersError(
            "N303",
            "null recordings",
            "one of them is too short",
            expected=f"at least {SHORTEST:g} s of behaviour",
            got=f"{length:.4g} s",
        )
    times = data.times[:n]

    def own() -> NullDesign:
        bins = Bins(data.bins.first[:n], data.bins.stop[:n])
        return _design(data.grid, bins, times, data.usable[:n], slice(0, n), gap)

    def other(grid: BehaviourGrid) -> Callable[[], NullDesign]:
        def made() -> NullDesign:
            alike = _alike(grid, data.grid)
            bins = bins_of(alike, grid.start + places[:n], data.width)
            return _design(alike, bins, times, data.measured[:n] & usable_bins(alike, bins), slice(0, n), gap)

        return made

    designs = [own, *(other(grid) for grid in others)]
    null = recordings_null(designs, units.scores[:n], units.loadings, _rest(data, units), tiles, watch=watch)
    return null, {"null_recordings": len(others), "null_seconds": n * data.width}, []


def _alike(grid: BehaviourGrid, like: BehaviourGrid) -> BehaviourGrid:
    """Return the parts and columns that the behaviour of the neurons has."""
    parts = []
    for part in like.parts:
        theirs = next((one for one in grid.parts if (one.group, one.part) == (part.group, part.part)), None)
        shared = [name for name in part.columns if theirs is not None and name in theirs.columns]
        if theirs is None or not shared:
            raise ParameterError(
                "P401",
                "null recordings",
                "one of them lacks a part of behaviour",
                expected=f"{part.group}/{part.part}",
                got=", ".join(f"{one.group}/{one.part}" for one in grid.parts),
            )
        order = [theirs.columns.index(name) for name in shared]
        parts.append(replace(theirs, bank=part.bank, columns=tuple(shared), values=theirs.values[:, order]))
    return replace(grid, parts=tuple(parts))


def _design(
    grid: BehaviourGrid,
    bins: Bins,
    times: Float64[np.ndarray, " time"],
    usable: Bool[np.ndarray, " time"],
    rows: slice,
    gap: float,
) -> NullDesign:
    x = Filterbank().fit_transform(grid, bins, usable)[rows]
    return null_design(x, times[rows], usable[rows], gap)

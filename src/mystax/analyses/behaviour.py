"""Behaviour for an encoder: groups of columns from outcomes, on one regular grid, with what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.behaviour_columns import (
    DEFAULT_GROUPS,
    GROUPS,
    Columns,
    columns_of,
    custom_columns,
    group_of,
)
from mystax.compute.behaviour_grid import find_outliers, on_grid
from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float32, Float64
from mystax.errors import NumbersError, ParameterError, RecipeError, nearest

if TYPE_CHECKING:
    from xarray import DataArray, Dataset
else:
    DataArray = Dataset = Any

__all__ = ["BehaviourSource", "assemble_behaviour"]

BehaviourSource = str | Path | Mapping[str, Any] | Any
"""Folder or file of outcomes, outcomes, one outcome, or a mapping of name to outcome or variable."""
FASTEST = Fraction(60)
"""Rate of the grid where the cameras are faster [1/s]."""
SEEN_IN_3D = 0.9
LONGEST = 48 * 3600.0
"""A grid is at most this long [s]."""


def assemble_behaviour(
    behaviour: BehaviourSource,
    groups: Sequence[str] | None = None,
    *,
    span: tuple[float, float] | None = None,
    min_confidence: float = 0.5,
    max_gap: float = 0.25,
    max_missing: float = 0.2,
) -> BehaviourGrid:
    """Bring the behaviour of a recording to one regular grid of times.

    Parameters
    ----------
    behaviour : path, Outcomes, Dataset or mapping
        Outcomes of one recording, or variables of one's own with the dimension `time`.
    groups : sequence of str, optional
        keypoints, pupil, blink, running, motion, movie, states, or names of one's own variables; by default
        all that are there but movie.
    span : tuple of float, optional
        First and last time that matter [s]; by default all.
    min_confidence : float, optional
        Points below it are missing.
    max_gap : float, optional
        Longest hole that is bridged by a straight line [s].
    max_missing : float, optional
        Columns of which a larger share is missing are left out.

    Returns
    -------
    BehaviourGrid
        Parts with their columns; NaN is missing.

    Raises
    ------
    ParameterError
        P401, if there is no such group.
    RecipeError
        P403, if nothing of `behaviour` can be used.
    NumbersError
        N303, if all columns of a group are missing for too long, or times fall.

    Examples
    --------
    >>> from mystax.synth.brain import simulate
    >>> grid = assemble_behaviour(simulate("A", minutes=0.5, n_neurons=1).behaviour, ["keypoints", "pupil"])
    >>> grid.groups, float(grid.rate), grid.n
    (('keypoints', 'pupil'), 50.0, 1500)
    """
    found = _collect(behaviour, groups, min_confidence)
    rate = _rate(found)
    times = _grid(found, rate, span)
    parts: list[BehaviourPart] = []
    left: dict[str, str] = {}
    flags: list[Flag] = []
    for columns in found:
        values = _placed(columns, times, max_gap)
        kept, reasons = _judge(columns, values, max_missing)
        left |= reasons
        if columns.n_left:
            text = (
                f"{columns.part}: the first {len(columns.names)} columns are used, {columns.n_left} are not"
            )
            flags.append(Flag("N309", text))
        if kept.any():
            names = tuple(name for name, one in zip(columns.names, kept, strict=True) if one)
            parts.append(BehaviourPart(columns.group, columns.part, columns.bank, names, values[:, kept]))
    _check_groups(found, parts, left, max_missing)
    if left:
        shown = "; ".join(f"{name}: {reason}" for name, reason in [*left.items()][:8])
        more = f" and {len(left) - 8} more" if len(left) > 8 else ""
        flags.append(Flag("N309", f"{len(left)} columns of behaviour are left out ({shown}{more})"))
    return BehaviourGrid(float(times[0]), rate, tuple(parts), left, tuple(flags))


def _named(behaviour: BehaviourSource) -> Mapping[str, Any]:
    """Return outcomes and variables by name."""
    item: Any = behaviour
    if isinstance(behaviour, str | Path):
        from mystax.io.outcomes import load

        item = load(behaviour)
    if hasattr(item, "data_vars"):  # a Dataset is a mapping, too
        name = str(item.attrs.get("analysis", ""))
        if name:
            return {name: item}
        return {
            str(key): value
            for key, value in item.data_vars.items()
            if "time" in value.dims and value.dtype.kind in "biuf"
        }
    if hasattr(item, "dims") and hasattr(item, "values"):
        return {str(item.name or "custom"): item}
    if not isinstance(item, Mapping):
        raise RecipeError(
            "P403",
            "behaviour",
            expected="a folder of outcomes, outcomes, or a mapping of name to variable",
            got=type(item).__name__,
        )
    return item


def _collect(
    behaviour: BehaviourSource, groups: Sequence[str] | None, min_confidence: float
) -> list[Columns]:
    """Read the columns of the groups that are wanted."""
    named = _named(behaviour)
    own = {name: item for name, item in named.items() if _is_variable(item)}
    analyses = {group_of(name) for name in named if name not in own}
    there = [name for name, (analysis, _) in GROUPS.items() if analysis in analyses or name == "keypoints"]
    wanted = [*[name for name in DEFAULT_GROUPS if name in there], *own] if groups is None else list(groups)
    unknown = [name for name in wanted if name not in GROUPS and name not in own]
    if unknown:
        raise ParameterError(
            "P401",
            "parameter 'groups'",
            f"there is no group {unknown[0]!r}{nearest(unknown[0], [*GROUPS, *own])}",
        )
    found: list[Columns] = []
    for group in wanted:
        more = [custom_columns(group, own[group])] if group in own else [*_of(group, named, min_confidence)]
        if not more and groups is not None:
            raise RecipeError(
                "P403",
                f"group {group!r}",
                "the behaviour does not hold it",
                expected=f"an outcome of {GROUPS[group][0]!r}",
                got=", ".join(named) or "nothing",
            )
        found += more
    if not found:
        raise RecipeError(
            "P403",
            "behaviour",
            "nothing in it can be used",
            expected=", ".join(name for name in DEFAULT_GROUPS),
            got=", ".join(named) or "nothing",
        )
    return found


def _is_variable(item: Any) -> bool:
    return hasattr(item, "dims") and not hasattr(item, "data_vars") and "time" in item.dims


def _of(group: str, named: Mapping[str, Any], min_confidence: float) -> Iterator[Columns]:
    """Read a group from all cameras; points in space replace those in pictures where they are seen enough."""
    analysis = GROUPS[group][0]
    if group == "keypoints" and "pose3d" in named and _coverage(named["pose3d"]) >= SEEN_IN_3D:
        analysis = "pose3d"
    names = [name for name in named if group_of(name) == analysis and not name.endswith("/all_cameras")]
    for name in names:
        camera = name.partition("/")[2]
        yield from columns_of(group, named[name], f"{camera}/" if len(names) > 1 else "", min_confidence)


def _coverage(outcome: Dataset) -> float:
    """Return the share of points in space that are known."""
    if "position" not in outcome:
        return 0.0
    return float(np.isfinite(outcome["position"].values).mean())


def _interval(times: Float64[np.ndarray, " time"]) -> float:
    return float(np.median(np.diff(times))) if len(times) > 1 else np.inf


def _rate(found: Sequence[Columns]) -> Fraction:
    """Take the rate of the fastest source, but no more than 60 per second."""
    shortest = min(_interval(columns.times) for columns in found)
    if not 0 < shortest < np.inf:
        raise NumbersError("N303", "behaviour", expected="at least two frames at rising times", got="fewer")
    for columns in found:
        falls = np.flatnonzero(np.diff(columns.times) < 0)
        if len(falls):
            row = int(falls[0]) + 1
            before, here = columns.times[row - 1], columns.times[row]
            got = f"{here:g} s after {before:g} s (row {row})"
            raise NumbersError("N303", f"times of {columns.part!r}", expected="rising times", got=got)
    return min(Fraction(1 / shortest).limit_denominator(1001), FASTEST)


def _grid(
    found: Sequence[Columns], rate: Fraction, span: tuple[float, float] | None
) -> Float64[np.ndarray, " grid"]:
    """Lay the grid over all sources, or over the span; it begins at a frame of the fastest source."""
    fastest = min(found, key=lambda columns: _interval(columns.times)).times
    start = min(float(columns.times[0]) for columns in found)
    stop = max(float(columns.times[-1]) for columns in found)
    if span is not None:
        start, stop = max(start, span[0]), min(stop, span[1])
    step = float(1 / rate)
    if not 0 <= stop - start <= LONGEST:
        raise NumbersError(
            "N303", "behaviour", expected=f"0 to {LONGEST:.0f} s of behaviour", got=f"{stop - start:.6g} s"
        )
    first = np.ceil((start - fastest[0]) / step - 1e-6)
    n = int(np.floor((stop - fastest[0]) / step + 1e-6) - first) + 1
    if n < 2:
        raise NumbersError("N303", "behaviour", expected="at least two frames", got=f"{max(n, 0)}")
    return np.asarray(fastest[0] + (first + np.arange(n)) * step)


def _placed(
    columns: Columns, grid: Float64[np.ndarray, " grid"], max_gap: float
) -> Float32[np.ndarray, "grid column"]:
    """Take outliers out and bring the columns to the grid."""
    values = np.where(np.isfinite(columns.values), columns.values, np.nan)
    if columns.has_outliers:
        values[find_outliers(values, 1 / _interval(columns.times))] = np.nan
    return on_grid(columns.times, values, grid, max_gap)


def _judge(
    columns: Columns, values: Float32[np.ndarray, "grid column"], max_missing: float
) -> tuple[Bool[np.ndarray, " column"], dict[str, str]]:
    """Tell which columns are used, and why the others are not."""
    missing = np.isnan(values)
    share = missing.mean(axis=0)
    kept, reasons = share <= max_missing, {}
    for k in np.flatnonzero(~kept):
        reasons[columns.names[k]] = f"missing {share[k]:.0%}"
    for k in np.flatnonzero(kept):
        if np.nanmax(values[:, k]) == np.nanmin(values[:, k]):
            kept[k] = False
            reasons[columns.names[k]] = "constant"
    return kept, reasons


def _check_groups(
    found: Sequence[Columns], parts: Sequence[BehaviourPart], left: Mapping[str, str], max_missing: float
) -> None:
    """Refuse a group of which nothing is left because too much is missing."""
    alive = {part.group for part in parts}
    for group in dict.fromkeys(columns.group for columns in found):
        names = [name for columns in found if columns.group == group for name in columns.names]
        if group in alive or (names and all(left.get(name) == "constant" for name in names)):
            continue
        others = ",".join(one for one in alive)
        raise NumbersError(
            "N303",
            f"group {group!r}",
            "all its columns are missing for too long",
            expected=f"at most {max_missing:.0%} missing",
            got="; ".join(f"{name}: {left.get(name, 'missing')}" for name in names[:4]) or "no column",
            hint=f"go on without it: --groups {others}" if others else "look at the outcome's quality first",
        )
    if not parts:
        raise NumbersError("N303", "behaviour", expected="columns that change", got="constant columns only")

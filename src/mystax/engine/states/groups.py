"""Groups of recordings: who is in which, the quantities that are compared, and their table."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float64
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.compute.statistics import GroupTest
    from mystax.plot.states_groups import GroupDifference
else:
    Dataset = GroupTest = GroupDifference = Any

__all__ = [
    "Comparison",
    "Quantity",
    "compare_recordings",
    "group_difference",
    "group_rows",
    "individuals_of",
    "read_groups",
    "read_rows",
]

FEWEST_MOVES = 20
STATE_KINDS = (
    ("occupancy", "occupancy"),
    ("bout_rate", "bouts per minute"),
    ("dwell_median", "median dwell [s]"),
)
"""What is compared of each state: variable of the outcome, and its name."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that groups are compared by.

    Attributes
    ----------
    name : str
        For tables.
    kind : str
        What it is of: each kind takes the same part of the error of the family.
    state, next_state : int
        From 0; -1 where it is of none.
    """

    name: str
    kind: str
    state: int = -1
    next_state: int = -1


@dataclass(frozen=True, eq=False)
class Comparison:
    """Groups of units side by side.

    Attributes
    ----------
    quantities : list of Quantity
        What was compared.
    test : GroupTest
        What came out.
    groups : list of str
        Group of each unit.
    values : array (unit, quantity)
        Values of the units.
    """

    quantities: list[Quantity]
    test: GroupTest
    groups: list[str]
    values: Float64[np.ndarray, "unit quantity"]

    @property
    def names(self) -> list[str]:
        """Names of the quantities."""
        return [item.name for item in self.quantities]


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a table as texts by column.

    Raises
    ------
    RecipeError
        P403, if the table cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            return [
                {str(key).strip(): (value or "").strip() for key, value in row.items()}
                for row in csv.DictReader(stream)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecipeError("P403", str(path), f"the table cannot be read ({error})") from error


def read_groups(path: str | Path, names: Sequence[str]) -> list[dict[str, str]]:
    """Read the group of each recording.

    Parameters
    ----------
    path : path
        Table with the columns recording and group, perhaps individual and pair.
    names : sequence of str
        Names of the recordings.

    Returns
    -------
    list of dict
        One row per recording, in their order.

    Raises
    ------
    RecipeError
        P403, if a column or a recording is missing.
    """
    rows = read_rows(path)
    head = set(rows[0]) if rows else set()
    if not {"recording", "group"} <= head:
        raise RecipeError(
            "P403",
            str(path),
            expected="columns recording, group[, individual][, pair]",
            got=", ".join(sorted(head)) or "nothing",
        )
    by_name = {row["recording"]: row for row in rows}
    found = []
    for name in names:
        row = by_name.get(name)
        if row is None:
            raise RecipeError(
                "P403", str(path), f"the recording {name!r} has no group{nearest(name, by_name)}"
            )
        found.append(row)
    return found


def individuals_of(path: str | Path) -> dict[str, str]:
    """Return the individual of each recording that a table of groups names.

    Parameters
    ----------
    path : path
        Table with a column recording, perhaps with a column individual.

    Returns
    -------
    dict of str to str
        Empty without such a column.

    Raises
    ------
    RecipeError
        P403, if the table cannot be read.
    """
    rows = read_rows(path)
    return {
        row["recording"]: row["individual"] for row in rows if row.get("individual") and "recording" in row
    }


def quantities_of(
    datasets: Sequence[Dataset],
) -> tuple[list[Quantity], Float64[np.ndarray, "recording quantity"]]:
    """Return the quantities that groups are compared by, and their values in each recording."""
    n = datasets[0].sizes["state"]
    found: list[Quantity] = []
    columns = []
    for variable, word in STATE_KINDS:
        for k in range(n):
            found.append(Quantity(f"{word} of {k + 1}", variable, k))
            columns.append([float(item[variable].values[k]) for item in datasets])
    moves = np.sum([np.asarray(item["transition_count"].values, np.int64) for item in datasets], axis=0)
    for a in range(n):
        for b in range(n):
            if a != b and moves[a, b] >= FEWEST_MOVES:
                found.append(Quantity(f"transition {a + 1} to {b + 1}", "transition", a, b))
                columns.append([_move_share(item, a, b) for item in datasets])
    for k, name in enumerate(datasets[0]["kinematic"].values):
        if str(name) in ("head_speed", "head_rotation_speed"):
            found.append(Quantity(str(name), "speed"))
            columns.append([_median(item["kinematics"].values[:, k]) for item in datasets])
    return found, np.array(columns).T


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _move_share(dataset: Dataset, a: int, b: int) -> float:
    row = np.asarray(dataset["transition_count"].values, np.float64)[a].copy()
    row[a] = 0
    return float(row[b] / row.sum()) if row.sum() > 0 else float("nan")


def compare_recordings(datasets: Sequence[Dataset], table: Sequence[dict[str, str]]) -> Comparison:
    """Compare groups of recordings; the unit is the individual where it is named, else the recording.

    Parameters
    ----------
    datasets : sequence of Dataset
        Outcomes of one fit.
    table : sequence of dict
        Row of each recording: group, perhaps individual and pair.

    Returns
    -------
    Comparison
        The quantities, their tests, the group of each unit, and the units' values.

    Raises
    ------
    RecipeError
        P403, if an individual is in two groups, or pairs are not complete.
    """
    from mystax.compute.statistics import compare_groups

    quantities, values = quantities_of(datasets)
    units: dict[str, list[int]] = {}
    for k, row in enumerate(table):
        units.setdefault(row.get("individual") or row["recording"], []).append(k)
    groups, pairs, rows = [], [], []
    for unit, members in units.items():
        own = {table[k]["group"] for k in members}
        has_pairs = any(table[k].get("pair") for k in members)
        if len(own) > 1 and not has_pairs:
            raise RecipeError(
                "P403", f"individual {unit!r}", "it is in two groups", hint="name pairs in a column `pair`"
            )
        for group in sorted(own):
            inside = [k for k in members if table[k]["group"] == group]
            groups.append(group)
            pairs.append(table[inside[0]].get("pair") or "")
            stacked = values[inside]
            known = np.isfinite(stacked)
            count = known.sum(0)
            rows.append(
                np.where(count > 0, np.where(known, stacked, 0).sum(0) / np.maximum(count, 1), np.nan)
            )
    by_pair, made = pairs if all(pairs) else None, np.stack(rows)
    kinds = [item.kind for item in quantities]
    try:
        test = compare_groups(_evened(made, kinds), groups, by_pair, kinds, made)
    except ValueError as error:
        raise RecipeError("P403", "groups", str(error)) from error
    return Comparison(quantities, test, groups, made)


def _evened(values: Float64[np.ndarray, "unit quantity"], kinds: Sequence[str]) -> np.ndarray:
    """Return values on scales where those of a kind vary about alike, whether they are large or small."""
    scales: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "occupancy": _arc,
        "transition": _arc,
        "bout_rate": np.sqrt,
        "dwell_median": _log,
        "speed": _log,
    }
    return np.stack([scales[kind](column) for kind, column in zip(kinds, values.T, strict=True)], axis=1)


def _arc(share: Float64[np.ndarray, " unit"]) -> Float64[np.ndarray, " unit"]:
    return np.asarray(np.arcsin(np.sqrt(np.clip(share, 0, 1))))


def _log(values: Float64[np.ndarray, " unit"]) -> Float64[np.ndarray, " unit"]:
    return np.asarray(np.log(np.where(values > 0, values, np.nan)))


def group_difference(found: Comparison) -> GroupDifference | None:
    """Return what the figure of two groups needs.

    Parameters
    ----------
    found : Comparison
        Groups side by side.

    Returns
    -------
    GroupDifference or None
        None for another number of groups than two.
    """
    from mystax.plot.states_groups import GroupDifference as Found

    which = sorted(set(found.groups))
    if len(which) != 2:
        return None
    second = np.array([group == which[1] for group in found.groups])
    change = found.values[second].mean(0) - found.values[~second].mean(0)
    n = 1 + max(item.state for item in found.quantities)
    kinds = [kind for kind, _ in STATE_KINDS]
    states, moves = np.full((5, len(kinds), n), np.nan), np.full((2, n, n), np.nan)
    test = found.test
    parts = np.stack([change, test.effect, test.low, test.high, test.p_family])
    for k, item in enumerate(found.quantities):
        if item.kind in kinds:
            states[:, kinds.index(item.kind), item.state] = parts[:, k]
        elif item.next_state >= 0:
            moves[:, item.state, item.next_state] = change[k], test.p_family[k]
    sizes = int((~second).sum()), int(second.sum())
    return Found(
        (which[0], which[1]),
        sizes,
        *(states[0], states[1], states[2], states[3], states[4]),
        *(moves[0], moves[1]),
        reason=test.reason,
    )


def group_rows(found: Comparison) -> list[list[str]]:
    """Return the table of the comparison of groups."""
    names, test, groups, values = found.names, found.test, found.groups, found.values
    which = sorted(set(groups))
    head = ["quantity", *(f"mean of {group} (n = {groups.count(group)})" for group in which)]
    head += ["p", "p, whole family", "q", "Hedges g", "g low", "g high", "smallest possible p", "remark"]
    rows = [head]
    for k, name in enumerate(names):
        means = [
            float(np.mean([values[u, k] for u in range(len(groups)) if groups[u] == group]))
            for group in which
        ]
        numbers = [
            *means,
            test.p[k],
            test.p_family[k],
            test.q[k],
            test.effect[k],
            test.low[k],
            test.high[k],
            test.smallest,
        ]
        rows.append(
            [
                name,
                *("" if not np.isfinite(value) else f"{float(value):.4g}" for value in numbers),
                test.reason,
            ]
        )
    return rows

"""Groups of recordings: who is in which, the quantities that are compared, and their table."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.compute.statistics import GroupTest
else:
    Dataset = GroupTest = Any

__all__ = ["compare_recordings", "group_rows", "individuals_of", "read_groups", "read_rows"]

FEWEST_MOVES = 20


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


def quantities_of(datasets: Sequence[Dataset]) -> tuple[list[str], np.ndarray]:
    """Return the quantities that groups are compared by: names, and values (recording, quantity)."""
    n = datasets[0].sizes["state"]
    names, columns = [], []
    for variable, word in (
        ("occupancy", "occupancy"),
        ("bout_rate", "bouts per minute"),
        ("dwell_median", "median dwell [s]"),
    ):
        for k in range(n):
            names.append(f"{word} of {k + 1}")
            columns.append([float(item[variable].values[k]) for item in datasets])
    moves = np.sum([np.asarray(item["transition_count"].values, np.int64) for item in datasets], axis=0)
    for a in range(n):
        for b in range(n):
            if a != b and moves[a, b] >= FEWEST_MOVES:
                names.append(f"transition {a + 1} to {b + 1}")
                columns.append([_move_share(item, a, b) for item in datasets])
    for k, name in enumerate(datasets[0]["kinematic"].values):
        if str(name) in ("head_speed", "head_rotation_speed"):
            names.append(str(name))
            columns.append([_median(item["kinematics"].values[:, k]) for item in datasets])
    return names, np.array(columns).T


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _move_share(dataset: Dataset, a: int, b: int) -> float:
    row = np.asarray(dataset["transition_count"].values, np.float64)[a].copy()
    row[a] = 0
    return float(row[b] / row.sum()) if row.sum() > 0 else float("nan")


def compare_recordings(
    datasets: Sequence[Dataset], table: Sequence[dict[str, str]]
) -> tuple[list[str], "GroupTest", list[str], np.ndarray]:
    """Compare groups of recordings; the unit is the individual where it is named, else the recording.

    Parameters
    ----------
    datasets : sequence of Dataset
        Outcomes of one fit.
    table : sequence of dict
        Row of each recording: group, perhaps individual and pair.

    Returns
    -------
    tuple of names, GroupTest, groups, values
        Names of the quantities, their tests, the group of each unit, and the units' values.

    Raises
    ------
    RecipeError
        P403, if an individual is in two groups, or pairs are not complete.
    """
    from mystax.compute.statistics import compare_groups

    names, values = quantities_of(datasets)
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
    by_pair = pairs if all(pairs) else None
    try:
        test = compare_groups(np.stack(rows), groups, by_pair)
    except ValueError as error:
        raise RecipeError("P403", "groups", str(error)) from error
    return names, test, groups, np.stack(rows)


def group_rows(datasets: Sequence[Dataset], table: Sequence[dict[str, str]]) -> list[list[str]]:
    """Return the table of the comparison of groups."""
    names, test, groups, values = compare_recordings(datasets, table)
    which = sorted(set(groups))
    head = ["quantity", *(f"mean of {group} (n = {groups.count(group)})" for group in which)]
    head += ["p", "p, whole family", "q", "Hedges g", "g low", "g high", "smallest possible p", "remark"]
    found = [head]
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
        found.append(
            [
                name,
                *("" if not np.isfinite(value) else f"{float(value):.4g}" for value in numbers),
                test.reason,
            ]
        )
    return found

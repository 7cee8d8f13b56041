"""Keeping states: outcomes, tables, group comparison and report in a folder."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import key12
from mystax.core.events import Event, Report, silent
from mystax.core.quality import flags_from_json
from mystax.core.safe_names import check_folder, safe_name
from mystax.engine.report import make_report
from mystax.errors import RecipeError, nearest

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.compute.statistics import GroupTest
    from mystax.engine.states_run import StatesRun
else:
    Dataset = StatesRun = GroupTest = Any

__all__ = ["compare_recordings", "keep_states", "read_groups"]

FEWEST_MOVES = 20


def keep_states(
    done: StatesRun,
    out: Path,
    *,
    groups: str | Path | None = None,
    events: str | Path | None = None,
    progress: Report = silent,
) -> list[Path]:
    """Publish the outcomes of a fit with tables, figures and report.

    Parameters
    ----------
    done : StatesRun
        The fit.
    out : Path
        Folder: of the outcome itself for one recording, else of one folder per recording.
    groups : path, optional
        Table recording, group[, individual][, pair].
    events : path, optional
        Table with a column `time` [s]: the ethogram is cut around them.
    progress : callable, optional
        Takes events.

    Returns
    -------
    list of Path
        Folder of each recording, then that of the group.

    Raises
    ------
    RecipeError
        P403, if the folder cannot be made or the table of groups does not fit.
    SpaceError, StoreError
        S501, S503, if the disk does not take it.
    """
    from mystax.core.analysis import get_analysis
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    check_folder(out, str(out))
    names = [str(item.attrs["recording"]) for item in done.datasets]
    table = read_groups(groups, names) if groups is not None else None
    single = len(done.datasets) == 1
    folders = []
    for number, dataset in enumerate(done.datasets):
        store = Store(out if single else out / safe_name(names[number]))
        about = Provenance(
            "states",
            get_analysis("states").version,
            done.key(number),
            done.parameters,
            done.inputs,
            float(dataset.attrs["coverage"]),
            flags_from_json(str(dataset.attrs["quality"])),
        )
        store.publish(dataset, about)
        _write_tables(store, [dataset])
        make_report(store)
        folders.append(store.folder)
        progress(
            Event(
                "outcome",
                "states",
                text=f"states of {names[number]}: {store.folder}",
                data={"analysis": "states"},
            )
        )
    times = _event_times(events) if events is not None else []
    if not single or times:
        folder = out / "_groups" / "all" / f"states-{key12(done.key(0))}"
        folders.append(_keep_group(done, Store(folder), table, times))
    return folders


def _event_times(path: str | Path) -> list[float]:
    rows = _rows(path)
    if rows and "time" not in rows[0]:
        raise RecipeError("P403", str(path), expected="a column `time` [s]", got=", ".join(rows[0]))
    try:
        return [float(row["time"]) for row in rows]
    except ValueError as error:
        raise RecipeError("P403", str(path), f"a time is no number ({error})") from error


def _write_tables(store: Any, datasets: Sequence[Dataset]) -> None:
    from mystax.plot.states import state_tables

    for name, table in state_tables(datasets).items():
        store.write_text(f"tables/{name}.csv", _csv_text([table.head, *table.rows]))


def _csv_text(rows: Sequence[Sequence[str]]) -> str:
    import io

    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _keep_group(
    done: StatesRun, store: Any, table: Sequence[dict[str, str]] | None, times: Sequence[float]
) -> Path:
    """Write what concerns all recordings together: tables, figures, and the comparison of groups."""
    from mystax.plot.states import draw_states
    from mystax.plot.style import style

    _write_tables(store, done.datasets)
    labels = None
    if table is not None:
        labels = [row["group"] for row in table]
        store.write_text("tables/groups.csv", _csv_text(group_rows(done.datasets, table)))
    with style():
        for item in draw_states(done.datasets, groups=labels, events=times):
            store.write_bytes(f"figures/{item.name}.svg", item.svg())
            store.write_text(f"figures/{item.name}.csv", item.csv())
    return Path(store.folder)


def _rows(path: str | Path) -> list[dict[str, str]]:
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
    rows = _rows(path)
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

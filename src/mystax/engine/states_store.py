"""Keeping states: outcomes, tables, group comparison and report in a folder."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.canonical import key12
from mystax.core.events import Event, Report, silent
from mystax.core.quality import flags_from_json
from mystax.core.safe_names import check_folder, safe_name
from mystax.engine.report import make_report
from mystax.engine.states_groups import group_rows, read_groups, read_rows
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.compute.statistics import GroupTest
    from mystax.engine.states_run import StatesRun
else:
    Dataset = StatesRun = GroupTest = Any

__all__ = ["keep_states"]


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
    rows = read_rows(path)
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

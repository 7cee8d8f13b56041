"""Keeping states: outcomes, tables, group comparison and report in a folder."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import key12
from mystax.core.events import Event, Report, silent
from mystax.core.quality import flags_from_json
from mystax.core.safe_names import check_folder, safe_name
from mystax.engine.report import make_report
from mystax.engine.states.groups import (
    compare_recordings,
    group_difference,
    group_rows,
    read_groups,
    read_rows,
)
from mystax.errors import RecipeError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.states_matching import StateMatch
    from mystax.engine.states.run import StatesRun
    from mystax.io.store import Store
else:
    Dataset = StatesRun = StateMatch = Store = Any

__all__ = ["keep_match", "keep_states", "trial_rows"]


def keep_states(
    done: StatesRun,
    out: Path,
    *,
    groups: str | Path | None = None,
    events: str | Path | None = None,
    progress: Report = silent,
    store_of: Callable[[Path], Store] | None = None,
    together: Path | None = None,
    report: bool = True,
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
    store_of : callable, optional
        Folder to its store (a job of the queue has its own).
    together : Path, optional
        Folder of what concerns all recordings; by default ``<out>/_groups/all/states-<key>``.
    report : bool, optional
        Whether the report of each folder is written.

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
    from mystax.io.state_edits import set_edits_aside
    from mystax.io.store import Store as StoreOfFolder

    store_of = store_of or StoreOfFolder
    check_folder(out, str(out))
    names = [str(item.attrs["recording"]) for item in done.datasets]
    table = read_groups(groups, names) if groups is not None else None
    single = len(done.datasets) == 1
    if events is not None and not single:
        text = f"the events are taken for those of {names[0]}: the other recordings are not cut around them"
        progress(Event("warning", "states", text=text, data={"code": "N304"}))
    folders = []
    for number, dataset in enumerate(done.datasets):
        store = store_of(out if single else out / safe_name(names[number]))
        about = Provenance(
            "states",
            get_analysis("states").version,
            done.key(number),
            done.parameters,
            done.inputs,
            float(dataset.attrs["coverage"]),
            flags_from_json(str(dataset.attrs["quality"])),
        )
        aside = set_edits_aside(store.folder / "states.nc", about.key)
        if aside is not None:
            text = f"the states are others than before: their names were set aside in {aside}"
            progress(Event("warning", "states", text=text, data={"code": "N304"}))
        store.publish(dataset, about)
        _write_tables(store, [dataset])
        if report:
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
        folder = together or out / "_groups" / "all" / f"states-{key12(done.key(0))}"
        folders.append(_keep_group(done, store_of(folder), table, times))
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


def trial_rows(dataset: Dataset, events: Sequence[float]) -> list[list[str]]:
    """Return the table of states around events, one row per trial and state.

    Parameters
    ----------
    dataset : Dataset
        The recording that the events belong to.
    events : sequence of float
        Their times [s].

    Returns
    -------
    list of list of str
        Head and rows; empty where nothing was observed.
    """
    from mystax.compute.bouts import trial_numbers
    from mystax.plot.states_time import TRIAL

    found = trial_numbers(
        np.asarray(dataset["bout_label"].values, np.int64) - 1,
        np.asarray(dataset["bout_start"].values, np.float64),
        np.asarray(dataset["bout_stop"].values, np.float64),
        events,
        int(dataset.sizes["state"]),
        TRIAL,
    )
    rows = [["trial", "event [s]", "state", "share", "time [s]", "onsets", "first onset after [s]"]]
    for k, event in enumerate(events):
        for state in range(dataset.sizes["state"]):
            numbers = (found.share[k, state], found.time[k, state], found.latency[k, state])
            share, time, latency = (f"{float(value):.6g}" if np.isfinite(value) else "" for value in numbers)
            onsets = str(int(found.n_onsets[k, state]))
            rows.append([str(k + 1), f"{float(event):.6g}", str(state + 1), share, time, onsets, latency])
    return rows


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
    if times:
        store.write_text("tables/trials.csv", _csv_text(trial_rows(done.datasets[0], times)))
    labels = difference = None
    if table is not None:
        labels = [row["group"] for row in table]
        found = compare_recordings(done.datasets, table)
        store.write_text("tables/groups.csv", _csv_text(group_rows(found)))
        difference = group_difference(found)
    with style():
        for item in draw_states(done.datasets, groups=labels, events=times, difference=difference):
            store.write_bytes(f"figures/{item.name}.svg", item.svg())
            store.write_text(f"figures/{item.name}.csv", item.csv())
    return Path(store.folder)


def keep_match(done: StatesRun, other: str | Path, folder: Path) -> StateMatch:
    """Compare the states of a fit with those of another fit, and keep the tables.

    Parameters
    ----------
    done : StatesRun
        The fit.
    other : path
        Outcome of another fit: ``states.nc``, its folder, or a folder of one folder per recording.
    folder : Path
        The tables go to ``<folder>/tables``: `matching` and `confusion`.

    Returns
    -------
    StateMatch
        Which state is which.

    Raises
    ------
    RecipeError
        P403, if there is no such outcome.
    WeightsError
        M702, if the fits cannot be compared.
    """
    from mystax.analyses.states_matching import match_states
    from mystax.io.store import Store

    match = match_states(done.datasets, _outcomes_of(Path(other)))
    store = Store(folder)
    partner = dict(match.pairs)
    rows = [["state", "state of the other fit", "likeness", "by"]]
    for state in range(1, len(match.likeness) + 1):
        mate = partner.get(state)
        likeness = "" if mate is None else f"{match.likeness[state - 1, mate - 1]:.4g}"
        rows.append([str(state), "" if mate is None else str(mate), likeness, match.how])
    store.write_text("tables/matching.csv", _csv_text(rows))
    head = ["state", *(f"{k + 1} of the other fit" for k in range(match.confusion.shape[1]))]
    body = [[str(k + 1), *map(str, row)] for k, row in enumerate(match.confusion.tolist())]
    store.write_text("tables/confusion.csv", _csv_text([head, *body]))
    return match


def _outcomes_of(path: Path) -> list[Dataset]:
    """Load the outcomes of a fit: a file, its folder, or the folders of its recordings."""
    from mystax.io.outcomes import load

    files = [path] if path.is_file() else [path / "states.nc"]
    if not files[0].is_file():
        files = sorted(path.glob("*/states.nc")) if path.is_dir() else []
    if not files:
        raise RecipeError("P403", str(path), "there is no outcome of states", hint="mystax states makes one")
    found: list[Any] = [load(file) for file in files]
    return found

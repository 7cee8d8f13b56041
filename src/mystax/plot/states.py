"""The chapter of `states`: ten figures, and the tables that are written beside them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.outcome_faces import has_faces
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.states_faces import clips_figure, components_figure, face_distances, faces_figure
from mystax.plot.states_groups import GroupDifference, difference_figure
from mystax.plot.states_moves import dwell_figure, frequency_figure, number_figure, transitions_figure
from mystax.plot.states_time import ethogram_figure, kinematics_figure, timeline_of_states
from mystax.plot.style import NamedFigure
from mystax.plot.tables import Table

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["STATES", "draw_states", "state_tables"]


def draw_states(
    datasets: Sequence[Dataset],
    *,
    groups: Sequence[str] | None = None,
    events: Sequence[float] = (),
    difference: GroupDifference | None = None,
) -> list[NamedFigure]:
    """Draw all figures of states.

    Parameters
    ----------
    datasets : sequence of Dataset
        Outcomes of one fit.
    groups : sequence of str, optional
        Group of each recording.
    events : sequence of float, optional
        Times [s] around which the ethogram is cut.
    difference : GroupDifference, optional
        What two groups differ in.

    Returns
    -------
    list of NamedFigure
        Those that the outcomes have data for.
    """
    if not datasets or not datasets[0].sizes.get("time", 0):
        return []
    made = [
        faces_figure(datasets),
        timeline_of_states(datasets),
        ethogram_figure(datasets, events),
        transitions_figure(datasets),
        dwell_figure(datasets),
        frequency_figure(datasets, groups, None if difference is None else difference.p_family[0]),
        None if difference is None else difference_figure(difference),
        kinematics_figure(datasets),
        number_figure(datasets),
        components_figure(datasets),
        clips_figure(datasets),
    ]
    return [item for item in made if item is not None]


def state_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the figures of the chapter."""
    return draw_states([view.dataset for view in views])


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "" if not np.isfinite(value) else f"{float(value):.6g}"
    return str(value)


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> Table:
    return Table(head, [tuple(_text(value) for value in row) for row in rows])


def state_tables(datasets: Sequence[Dataset]) -> dict[str, Table]:
    """Return the tables of states by name.

    Parameters
    ----------
    datasets : sequence of Dataset
        Outcomes of one fit.

    Returns
    -------
    dict of str to Table
        occupancy, bouts, transitions, chains, dwell, similarity, kinematics, frames and selection.
    """
    named = [(str(item.attrs.get("recording", k + 1)), item) for k, item in enumerate(datasets)]
    states = [int(value) for value in datasets[0]["state"].values]

    def per_state(*variables: str) -> list[tuple[object, ...]]:
        return [
            (name, state, *(item[variable].values[k] for variable in variables))
            for name, item in named
            for k, state in enumerate(states)
        ]

    bouts = [
        (name, int(label), float(a), float(b), float(b - a), float(p), int(whole))
        for name, item in named
        for label, a, b, p, whole in zip(
            *(
                item[key].values
                for key in ("bout_label", "bout_start", "bout_stop", "bout_posterior", "bout_complete")
            ),
            strict=True,
        )
    ]
    moves = [
        (
            name,
            a,
            b,
            int(item["transition_count"].values[i, j]),
            float(item["transition_probability"].values[i, j]),
        )
        for name, item in named
        for i, a in enumerate(states)
        for j, b in enumerate(states)
    ]
    first = datasets[0]
    selection = list(
        zip(
            *(
                first[key].values.tolist()
                for key in ("candidate", "held_out", "held_out_se", "stability", "bic")
            ),
            strict=True,
        )
    )
    frames = [
        (name, float(t), int(k), float(v))
        for name, item in named
        for t, k, v in zip(
            item["time"].values, item["label"].values, item["log_likelihood"].values, strict=True
        )
    ]
    distance = face_distances(first) if has_faces(first) else np.zeros((0, 0))
    similarity = [
        (a + 1, b + 1, float(distance[a, b]))
        for a in range(len(distance))
        for b in range(a + 1, len(distance))
    ]
    unit = str(first.attrs.get("length_unit", ""))
    return {
        "occupancy": _table(
            ("recording", "state", "time [s]", "share", "bouts", "bouts per minute", "first bout after [s]"),
            per_state("occupancy_time", "occupancy", "n_bouts", "bout_rate", "latency"),
        ),
        "bouts": _table(
            ("recording", "state", "start [s]", "stop [s]", "length [s]", "posterior", "complete"),
            list(bouts),
        ),
        "transitions": _table(("recording", "state", "next state", "count", "probability"), list(moves)),
        "chains": _table(
            ("recording", "chain of states", "count", "expected by chance", "p"),
            [row for name, item in named for row in _chain_rows(name, item)],
        ),
        "dwell": _table(
            ("recording", "state", "mean [s]", "median [s]", "CV", "longest [s]", "expected [s]"),
            per_state("dwell_mean", "dwell_median", "dwell_cv", "dwell_longest", "dwell_expected"),
        ),
        "similarity": _table(("state", "other state", f"distance [{unit}]"), list(similarity)),
        "kinematics": _table(
            ("recording", "quantity", "unit", "state", "median", "25 %", "75 %", "95 %"),
            _spreads(named, states),
        ),
        "frames": _table(("recording", "time [s]", "label", "log-likelihood"), list(frames)),
        "selection": _table(
            ("states", "held-out log-likelihood per frame", "standard error", "stability", "BIC"),
            [tuple(row) for row in selection],
        ),
    }


def _chain_rows(name: str, dataset: Dataset) -> list[tuple[object, ...]]:
    if "chain_state" not in dataset:
        return []
    columns = (
        dataset[key].values.tolist()
        for key in ("chain_state", "chain_count", "chain_expected", "chain_chance")
    )
    return [
        (name, " → ".join(map(str, states)), count, expected, p)
        for states, count, expected, p in zip(*columns, strict=True)
    ]


def _spreads(named: Sequence[tuple[str, Dataset]], states: Sequence[int]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, item in named:
        label = np.asarray(item["label"].values)
        sources = [
            ("kinematics", "kinematic", "kinematic_unit"),
            ("measure_value", "measure", "measure_unit"),
        ]
        for variable, coordinate, unit in sources:
            if variable not in item:
                continue
            values = np.asarray(item[variable].values, np.float64)
            for k, quantity in enumerate(item[coordinate].values):
                for state in states:
                    mine = values[(label == state) & np.isfinite(values[:, k]), k]
                    spread = np.percentile(mine, [50, 25, 75, 95]).tolist() if len(mine) else [np.nan] * 4
                    rows.append((name, str(quantity), str(item[unit].values[k]), state, *spread))
    return rows


def _facts(views: Sequence[View]) -> list[Table]:
    tables = state_tables([view.dataset for view in views])
    return [tables["occupancy"], tables["dwell"], tables["chains"], tables["selection"]]


STATES = ChapterKind(
    "States",
    "Faces are aligned, reduced to components and whitened; a hidden Markov model with Gaussian "
    "emissions is fitted by EM from "
    "deterministic starts, and states are split and merged as long as the likelihood gains. The "
    "number of states is judged by the "
    "likelihood of blocks of time that were not fitted. States are numbered, not named: what a "
    "person feels is not measured.",
    "label",
    figures=state_figures,
    tables=_facts,
    empty="There is nothing to show: no frame could be used.",
)

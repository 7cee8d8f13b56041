"""Tables beside outcomes of states: trials around events, and the comparison with another fit."""

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mystax.engine.states.store import _keep_group, keep_match, trial_rows
from mystax.errors import RecipeError
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.plot.states_moves import frequency_figure
from tests.fixtures.state_outcomes import known_fit, known_outcome, outcomes_of, spatial_source


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def run_of(datasets: list[Any]) -> Any:
    return SimpleNamespace(datasets=datasets)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a fit of the same recording whose states have other numbers."""
    folder = tmp_path_factory.mktemp("other")
    truth, source = spatial_source(1, 240, "face 1")
    (dataset,) = outcomes_of(known_fit([source], [np.array([2, 0, 1])[truth]]))
    Store(folder / "a").publish(dataset, Provenance("states", 1, "a" * 64, {}, [], 1.0, []))
    return folder


@pytest.mark.parametrize("place", ["", "a", "a/states.nc"])
def test_matching_is_kept_as_tables(place: str, other: Path, tmp_path: Path) -> None:
    match = keep_match(run_of(known_outcome(1)), other / place, tmp_path)
    assert match.share == 1.0
    rows = rows_of(tmp_path / "tables" / "matching.csv")
    assert [row["state of the other fit"] for row in rows] == ["3", "1", "2"]
    assert {row["by"] for row in rows} == {"frames"}
    confusion = rows_of(tmp_path / "tables" / "confusion.csv")
    counted = [[int(row[f"{k} of the other fit"]) for k in (1, 2, 3)] for row in confusion]
    assert np.array_equal(counted, match.confusion)


@pytest.mark.slow
def test_groups_have_a_table_a_figure_and_stars(tmp_path: Path) -> None:
    datasets = known_outcome(1, 2, 3, 4, 5, 6)
    for k, dataset in enumerate(datasets):
        dataset.attrs["recording"] = f"r{k}"
    table = [{"recording": f"r{k}", "group": "ab"[k >= 3]} for k in range(6)]
    _keep_group(run_of(datasets), Store(tmp_path), table, [])
    rows = {row["quantity"]: row for row in rows_of(tmp_path / "tables" / "groups.csv")}
    drawn = rows_of(tmp_path / "figures" / "group_differences.csv")
    share = np.array([item["occupancy"].values for item in datasets])
    change = share[3:].mean(0) - share[:3].mean(0)
    for k, row in enumerate(drawn[:3]):
        assert float(row["difference"]) == pytest.approx(change[k])
        assert float(row["p_family"]) == pytest.approx(
            float(rows[f"occupancy of {k + 1}"]["p, whole family"]), rel=1e-3
        )
    assert (tmp_path / "figures" / "group_differences.svg").is_file()
    assert "Stars" in frequency_figure(datasets, ["a", "b"] * 3, np.array([0.01, 0.5, np.nan])).text


def test_a_place_without_states_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RecipeError, match=r"P403.*no outcome of states"):
            keep_match(run_of(known_outcome(1)), place, tmp_path)


def test_trials_have_a_row_per_event_and_state() -> None:
    (dataset,) = known_outcome(1)
    head, *rows = trial_rows(dataset, [3.0, 100.0])
    assert head[:3] == ["trial", "event [s]", "state"]
    assert [(row[0], row[2]) for row in rows] == [(k, state) for k in "12" for state in "123"]
    times, label = dataset["time"].values, dataset["label"].values
    inside = (times >= 1.0 - 1e-9) & (times < 8.0 - 1e-9)
    for row in rows[:3]:
        counted = float((label[inside] == int(row[2])).mean())
        assert float(row[3]) == pytest.approx(counted, abs=0.01)
    assert [row[3] for row in rows[3:]] == ["", "", ""]  # nothing is known at 100 s

"""The chapter of `states`: ten figures and nine tables, whose numbers are those of the outcome."""

from collections import Counter

import numpy as np
import pytest
from xarray import Dataset

from mystax.plot.chapters import facts_of, figures_of
from mystax.plot.pictures import View
from mystax.plot.states import draw_states, state_tables
from mystax.plot.style import NamedFigure
from tests.fixtures.plot_outcomes import svg_root
from tests.fixtures.state_outcomes import known_outcome

TEN = (
    *("state_faces", "timeline", "ethogram", "transitions", "dwell", "frequency", "kinematics"),
    *("number_of_states", "components", "clips"),
)


def one_outcome() -> Dataset:
    """Return one of the two outcomes that the figures show: nothing is fitted for it alone."""
    return known_outcome(1, 2)[0]


@pytest.fixture(scope="module")
def figures() -> dict[str, NamedFigure]:
    return {item.name: item for item in draw_states(known_outcome(1, 2), groups=["before", "after"])}


def test_ten_figures_are_drawn_with_a_table_each(figures: dict[str, NamedFigure]) -> None:
    assert tuple(figures) == TEN
    for item in figures.values():
        lengths = {len(column) for column in item.numbers.values()}
        assert len(lengths) == 1
        assert item.csv().count("\n") >= max(lengths)
        assert item.text


def test_figures_are_pictures(figures: dict[str, NamedFigure]) -> None:
    for name in ("transitions", "number_of_states"):
        assert svg_root(figures[name].svg()).tag.endswith("svg")


def test_report_has_the_chapter_with_its_tables() -> None:
    view = [View("", one_outcome())]
    assert len(figures_of("states", view)) == 10
    occupancy, dwell, common, selection = facts_of("states", view)
    assert (len(occupancy.rows), len(dwell.rows), len(selection.rows)) == (3, 3, 4)
    assert 0 < len(common.rows) <= 10


def test_an_outcome_without_frames_has_no_figures() -> None:
    assert draw_states([]) == []
    assert draw_states([one_outcome().isel(time=slice(0, 0))]) == []


def test_tables_hold_the_numbers_of_the_outcomes() -> None:
    datasets = known_outcome(1, 2)
    tables = state_tables(datasets)
    assert set(tables) == {
        *("occupancy", "bouts", "transitions", "chains", "dwell", "similarity", "kinematics"),
        *("frames", "selection"),
    }
    shares = [float(row[3]) for row in tables["occupancy"].rows]
    for k, item in enumerate(datasets):
        np.testing.assert_allclose(shares[3 * k : 3 * k + 3], item["occupancy"].values, rtol=1e-5)
    assert len(tables["frames"].rows) == 480
    assert len(tables["bouts"].rows) == sum(item.sizes["bout"] for item in datasets)
    assert tables["chains"].rows
    for name in {row[0] for row in tables["chains"].rows}:
        order = [row[1] for row in tables["bouts"].rows if row[0] == name]
        seen = Counter(zip(order, order[1:], order[2:], strict=False))
        mine = [row for row in tables["chains"].rows if row[0] == name]
        assert int(mine[0][2]) == max(seen.values())
        for row in mine:
            first, second, third = row[1].split(" → ")
            assert seen[first, second, third] == int(row[2])
    counts = [int(row[3]) for row in tables["transitions"].rows]
    assert sum(counts) == 2 * 239


def test_spreads_of_speeds_are_the_quartiles_of_their_state() -> None:
    dataset = one_outcome()
    rows = [row for row in state_tables([dataset])["kinematics"].rows if row[1] == "head_speed"]
    values = dataset["kinematics"].sel(kinematic="head_speed").values.astype(float)
    mine = values[(dataset["label"].values == 2) & np.isfinite(values)]
    wanted = np.percentile(mine, [50, 25, 75, 95])
    np.testing.assert_allclose([float(cell) for cell in rows[1][4:]], wanted, rtol=1e-5)


def test_distances_between_faces_are_root_mean_squares() -> None:
    dataset = one_outcome()
    row = state_tables([dataset])["similarity"].rows[0]
    gap = dataset["face_mean"].values[0].astype(float) - dataset["face_mean"].values[1]
    assert float(row[2]) == pytest.approx(np.sqrt((gap**2).sum(1).mean()), rel=1e-5)

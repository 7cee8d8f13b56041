"""Figures of traces: what is drawn, what is said, and that no form of an outcome makes them fail."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from xarray import Dataset, concat

from mystax.core.geometry import Roi
from mystax.plot.chapters import figures_of
from mystax.plot.pictures import View
from mystax.plot.stack import N_PANELS, summary
from mystax.plot.style import NamedFigure
from tests.fixtures.plot_outcomes import ROIS, blink, motion, pupil, running


def _one(analysis: str, *views: View) -> NamedFigure:
    return figures_of(analysis, views)[0]


def test_an_analysis_without_figures_gives_none() -> None:
    assert figures_of("facemap", [View("", motion())]) == []


@pytest.mark.parametrize(
    ("analysis", "make"), [("motion", motion), ("pupil", pupil), ("blink", blink), ("running", running)]
)
def test_words_and_numbers_come_from_the_data(analysis: str, make: Callable[[], Dataset]) -> None:
    made = _one(analysis, View("", make()))
    assert ROIS[analysis].name in made.alternative
    assert next(iter(made.numbers)) == "time"
    assert all(len(column) == 60 for column in made.numbers.values())


def test_motion_shows_energy_where_it_moves_and_the_comparable_form() -> None:
    found = figures_of("motion", [View("", motion())])
    assert [item.name for item in found] == ["motion", "motion_picture", "energy_norm"]
    assert [item.detail for item in found] == [False, False, True]


def test_cameras_share_a_figure_and_its_axis() -> None:
    made = _one("motion", View("left", motion()), View("right", motion(n=90)))
    panels = made.figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "left: pad  (n = 59 of 60)",
        "right: pad  (n = 89 of 90)",
    ]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert panels[0].get_xlim() == pytest.approx((0.0, 89 / 30))
    assert {"time_left", "time_right", "energy_left_pad", "energy_right_pad"} <= set(made.numbers)


def test_many_regions_make_several_figures() -> None:
    every = [
        motion(replace(ROIS["motion"], name=f"pad{k}")).drop_vars("missing") for k in range(N_PANELS + 3)
    ]
    many = concat(
        every,
        "roi",
        data_vars=["energy", "energy_norm"],
        coords="minimal",
        compat="override",
        join="override",
    )
    many["missing"] = motion()["missing"]
    found = [item for item in figures_of("motion", [View("", many)]) if item.name.startswith("motion")]
    assert [item.name for item in found] == ["motion", "motion_2", "motion_picture"]
    assert [len(item.figure.axes) for item in found[:2]] == [N_PANELS, 3]


def test_values_are_drawn_where_they_are_and_holes_are_left_out() -> None:
    dataset = pupil()
    upper = _one("pupil", View("", dataset)).figure.axes[0]
    drawn = np.asarray(upper.get_lines()[0].get_ydata(), np.float64)
    np.testing.assert_array_equal(drawn[:20], dataset["diameter"].values[:20, 0])
    assert np.isnan(drawn).any()


def test_the_confidence_limit_is_drawn() -> None:
    lower = _one("pupil", View("", pupil())).figure.axes[1]
    assert [0.65, 0.65] in [list(line.get_ydata()) for line in lower.get_lines()]  # type: ignore[arg-type] # a list of two


def test_missing_frames_are_shaded() -> None:
    missing = np.zeros(60, np.uint8)
    missing[5:9] = 2
    with_holes = _one("motion", View("", motion(missing=missing))).figure.axes[0]
    without = _one("motion", View("", motion())).figure.axes[0]
    assert (len(with_holes.collections), len(without.collections)) == (1, 0)


def test_blinks_and_closures_are_counted_and_drawn_as_bars() -> None:
    made = _one("blink", View("", blink()))
    assert "2 blinks, 1 longer closure" in made.alternative
    bars = [item.get_paths() for item in made.figure.axes[0].collections]
    assert [len(paths) for paths in bars] == [2, 1]


def test_a_blink_in_a_long_recording_is_wide_enough_to_be_seen() -> None:
    dataset = blink(n=30 * 1200)
    raster = _one("blink", View("", dataset)).figure.axes[0]
    low, high = raster.get_xlim()
    box = raster.collections[0].get_paths()[0].get_extents()
    assert box.width >= (high - low) / 501


def test_running_shows_speed_and_both_directions() -> None:
    made = _one("running", View("", running()))
    assert {"speed_wheel", "velocity_x_wheel", "velocity_y_wheel"} < set(made.numbers)


@pytest.mark.parametrize(
    ("analysis", "make"), [("motion", motion), ("pupil", pupil), ("blink", blink), ("running", running)]
)
def test_outcomes_without_times_or_values_are_drawn(analysis: str, make: Callable[[], Dataset]) -> None:
    dataset = make().assign_coords(time=("time", np.full(60, np.nan)))
    for name, variable in dataset.data_vars.items():
        if variable.dtype.kind == "f":
            dataset[name] = variable * np.nan
    made = _one(analysis, View("", dataset))
    assert made.figure.axes[-1].get_xlabel() == "frame"
    made.svg()


def test_an_empty_trace_says_so_instead_of_showing_numbers() -> None:
    dataset = pupil()
    dataset["diameter"] = dataset["diameter"] * np.nan
    dataset["diameter_smooth"] = dataset["diameter"]
    upper = _one("pupil", View("", dataset)).figure.axes[0]
    assert [item.get_text() for item in upper.texts] == ["no value"]
    assert len(upper.get_yticks()) == 0


def test_imported_outcomes_without_some_variables_are_left_out() -> None:
    bare = pupil().drop_vars(["diameter"])
    assert figures_of("pupil", [View("", bare)]) == []


@pytest.mark.parametrize("name", ["<img onerror=alert(1)>", "$\\frac{", "x" * 300, "鼠/..", "a\nb"])
def test_hostile_names_are_drawn_as_text(name: str) -> None:
    roi = Roi(name, "motion", ROIS["motion"].shape)
    drawn = _one("motion", View("", motion(roi))).svg()
    assert b"<img" not in drawn
    assert b"</svg>" in drawn


def test_the_summary_counts_what_is_known() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert summary(values, "px") == "median 2 px, 5 to 95 % 1.1 to 2.9 px, 3 of 4 frames"
    assert summary(values * np.nan, "px") == "no value could be measured"


def test_an_imported_blink_shows_its_darkness_and_counts_nothing() -> None:
    dataset = blink()
    dataset["darkness"] = dataset["openness"] * 50
    dataset["openness"] = dataset["openness"] * np.nan
    made = _one("blink", View("", dataset))
    assert "blinks not counted" in made.alternative
    assert "darkness_lid" in made.numbers

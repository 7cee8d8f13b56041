"""Frames and times: the table, and the timeline of what is missing."""

import numpy as np
import pytest
from xarray import Dataset

from mystax.plot.clocks import CLOCK_HEAD, REASONS, clock_rows, timeline_figure
from mystax.plot.pictures import View
from tests.fixtures.plot_outcomes import motion


def _with_gap() -> Dataset:
    times = np.arange(60) / 30
    times[40:] += 1.0
    return motion().assign_coords(time=("time", times))


def test_frames_and_times_are_counted() -> None:
    missing = np.zeros(60, np.uint8)
    missing[3:5] = 1
    (row,) = clock_rows([View("left", motion(missing=missing))])
    assert dict(zip(CLOCK_HEAD, row, strict=True)) == {
        "camera": "left",
        "frames": "60",
        "missing": "2",
        "first [s]": "0.000",
        "last [s]": "1.967",
        "median interval [ms]": "33.33",
        "gaps": "0",
    }


def test_gaps_are_counted() -> None:
    assert clock_rows([View("", _with_gap())])[0][-1] == "1"


def test_times_that_are_not_known_are_said_to_be_unknown() -> None:
    dataset = motion().assign_coords(time=("time", np.full(60, np.nan)))
    assert clock_rows([View("", dataset)])[0][3:] == ("unknown",) * 4


def test_a_complete_recording_needs_no_timeline() -> None:
    assert timeline_figure([View("", motion())]) is None


def test_every_reason_has_its_colour_and_its_place() -> None:
    missing = np.zeros(60, np.uint8)
    for reason in REASONS:
        missing[10 * reason] = reason
    made = timeline_figure([View("left", motion(missing=missing)), View("right", motion())])
    assert made is not None
    rows = list(zip(made.numbers["camera"], made.numbers["reason"], strict=True))
    assert {reason for camera, reason in rows if camera == "left"} == {
        "good",
        *(k for k, _ in REASONS.values()),
    }
    assert {reason for camera, reason in rows if camera == "right"} == {"good"}
    legend = made.figure.axes[0].get_legend()
    assert legend is not None
    assert len(legend.get_texts()) == 6
    assert "5 of 60 frames missing" in made.alternative


def test_a_gap_stands_where_no_frame_is() -> None:
    made = timeline_figure([View("", _with_gap())])
    assert made is not None
    where = list(made.numbers["reason"]).index("gap")
    assert made.numbers["start"][where] == pytest.approx(39 / 30)
    assert made.numbers["length"][where] == pytest.approx(1 + 1 / 30)

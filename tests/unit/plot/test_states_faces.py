"""Faces of states: means, components, example bouts."""

import numpy as np
import pytest

from mystax.core.outcome_faces import edges_of, face_views
from mystax.plot.states_draw import state_colour, state_hatch, state_title
from mystax.plot.states_faces import clips_figure, components_figure, faces_figure
from tests.fixtures.state_outcomes import filmed_fit, known_outcome, outcomes_of


def test_mean_faces_are_those_of_the_outcome() -> None:
    (dataset,) = known_outcome(1)
    made = faces_figure([dataset])
    assert made is not None
    shown = np.asarray(made.numbers["mean"], float).reshape(3, 21, 3)
    np.testing.assert_array_equal(shown, dataset["face_mean"].values.astype(float))
    titles = [axes.get_title(loc="left") for axes in made.figure.axes]
    share, bouts = float(dataset["occupancy"][0]), int(dataset["n_bouts"][0])
    assert f"1: {100 * share:.0f} %, {bouts} bouts" in titles


def test_names_stand_beside_the_numbers() -> None:
    (dataset,) = known_outcome(1)
    dataset.attrs["state_name"] = ["", "mouth open", ""]
    assert [state_title(dataset, number) for number in (1, 2, 3)] == ["1", "2 mouth open", "3"]
    made = faces_figure([dataset])
    assert made is not None
    assert any(axes.get_title(loc="left").startswith("2 mouth open: ") for axes in made.figure.axes)


def test_faces_in_the_plane_have_one_view_that_points_down() -> None:
    (dataset,) = outcomes_of(filmed_fit()[2])
    assert face_views(dataset) == [("", (0, 1, True))]
    made = faces_figure([dataset])
    assert made is not None
    bottom, top = made.figure.axes[0].get_ylim()
    assert bottom > top
    assert len(edges_of(dataset)) > 60


def test_outcomes_without_points_have_no_faces() -> None:
    (dataset,) = known_outcome(1)
    bare = dataset.drop_vars(["face_mean", "face_sd", "grand_mean"])
    assert faces_figure([bare]) is None
    assert clips_figure([bare]) is None


def test_components_explain_growing_shares() -> None:
    made = components_figure(known_outcome(1))
    assert made is not None
    cumulative = np.asarray(made.numbers["cumulative"], float)
    assert (np.diff(cumulative) >= 0).all()
    assert cumulative[-1] == pytest.approx(1.0)


def test_every_state_differs_in_colour_or_hatch() -> None:
    looks = {(state_colour(number), state_hatch(number)) for number in range(1, 37)}
    assert len(looks) == 36

"""Faces of an outcome: rebuilt from components, and the bouts that show a state."""

import numpy as np

from mystax.core.outcome_faces import chosen_bouts, component_shift, frame_face
from tests.fixtures.state_outcomes import known_outcome


def test_frames_are_rebuilt_from_their_components() -> None:
    (dataset,) = known_outcome(1)
    label = dataset["label"].values
    mean = dataset["face_mean"].values[1]
    rebuilt = np.mean([frame_face(dataset, int(k)) for k in np.flatnonzero(label == 2)], axis=0)
    assert float(np.abs(rebuilt - mean).max()) < 1.0  # a lip moves by 12 mm


def test_a_missing_score_moves_nothing() -> None:
    (dataset,) = known_outcome(1)
    none = np.full(dataset.sizes["component"], np.nan)
    assert np.array_equal(component_shift(dataset, none), np.zeros((21, 3)))


def test_chosen_bouts_are_whole_long_enough_and_always_the_same() -> None:
    (dataset,) = known_outcome(1)
    for state in (1, 2, 3):
        chosen = chosen_bouts(dataset, state, 2)
        assert len(chosen) <= 2
        assert np.array_equal(chosen, chosen_bouts(dataset, state, 2))
        assert (dataset["bout_label"].values[chosen] == state).all()
    assert (dataset["bout_complete"].values[chosen_bouts(dataset, 1, 2)] == 1).all()


def test_a_state_of_cut_bouts_alone_shows_those() -> None:
    (dataset,) = known_outcome(1)
    dataset["bout_complete"].values[:] = 0
    assert len(chosen_bouts(dataset, 1, 9)) == int((dataset["bout_label"] == 1).sum())

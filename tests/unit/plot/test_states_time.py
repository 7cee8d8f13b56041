"""Figures of states in time: their numbers are counted here again, another way."""

import numpy as np
import pytest

from mystax.plot.states_time import TRIAL, ethogram_figure, timeline_of_states
from tests.fixtures.state_outcomes import known_outcome


def test_timeline_shows_labels_and_traces_of_every_frame() -> None:
    (dataset,) = known_outcome(1)
    made = timeline_of_states([dataset])
    assert made is not None
    assert list(made.numbers["label"]) == dataset["label"].values.tolist()
    shown = np.asarray(made.numbers["mouth_width [mm]"], float)
    np.testing.assert_allclose(shown, dataset["measure_value"].sel(measure="mouth_width").values, rtol=1e-6)


def test_ethogram_has_a_run_per_bout_and_a_row_per_recording() -> None:
    datasets = known_outcome(1, 2)
    made = ethogram_figure(datasets)
    assert made is not None
    assert list(dict.fromkeys(made.numbers["row"])) == ["face 1", "face 2"]
    assert len(made.numbers["row"]) == sum(item.sizes["bout"] for item in datasets)


def test_ethogram_of_events_has_a_row_per_event_in_time_from_it() -> None:
    made = ethogram_figure(known_outcome(1), [3.0, 2.5])
    assert made is not None
    assert set(made.numbers["row"]) == {"1", "2"}
    starts = np.asarray(made.numbers["start"], float)
    assert starts.min() >= -TRIAL[0]
    assert np.asarray(made.numbers["stop"], float).max() <= TRIAL[1]


def test_missing_frames_are_a_run_of_their_own() -> None:
    (dataset,) = known_outcome(1)
    dataset["label"].values[100:130] = -1
    made = ethogram_figure([dataset])
    assert made is not None
    k = list(made.numbers["label"]).index(-1)
    assert float(str(made.numbers["start"][k])) == pytest.approx(100 / 30)
    assert float(str(made.numbers["stop"][k])) == pytest.approx(129 / 30)

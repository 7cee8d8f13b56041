"""Figures of states in time: their numbers are counted here again, another way."""

import numpy as np
import pytest

from mystax.plot.states_moves import dwell_figure, frequency_figure, number_figure, transitions_figure
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


def test_transitions_leave_out_staying() -> None:
    (dataset,) = known_outcome(1)
    made = transitions_figure([dataset])
    assert made is not None
    label = dataset["label"].values
    for a, b, count, share in zip(*made.numbers.values(), strict=True):
        counted = int(((label[:-1] == a) & (label[1:] == b)).sum())
        out = int(((label[:-1] == a) & (label[1:] != a)).sum())
        assert a != b
        assert count == counted
        assert share == pytest.approx(counted / out)


def test_one_state_has_no_transitions() -> None:
    (dataset,) = known_outcome(1)
    assert transitions_figure([dataset.isel(state=[0], next_state=[0])]) is None


def test_dwell_counts_complete_bouts_only() -> None:
    (dataset,) = known_outcome(1)
    made = dwell_figure([dataset])
    assert made is not None
    assert sum(int(str(count)) for count in made.numbers["count"]) == int(dataset["bout_complete"].sum())


def test_no_complete_bout_no_figure_of_dwell() -> None:
    (dataset,) = known_outcome(1)
    dataset["bout_complete"].values[:] = 0
    assert dwell_figure([dataset]) is None


def test_frequency_has_time_bouts_and_share_of_every_recording() -> None:
    datasets = known_outcome(1, 2)
    made = frequency_figure(datasets, ["a", "b"])
    assert made is not None
    assert made.numbers["group"] == ["a"] * 3 + ["b"] * 3
    share = np.asarray(made.numbers["share"], float)
    np.testing.assert_allclose(share[3:], datasets[1]["occupancy"].values)
    np.testing.assert_allclose(
        np.asarray(made.numbers["time"], float)[:3], datasets[0]["occupancy_time"].values
    )


def test_number_of_states_shows_what_was_held_out() -> None:
    (dataset,) = known_outcome(1)
    made = number_figure([dataset])
    assert made is not None
    np.testing.assert_allclose(np.asarray(made.numbers["held_out"], float), dataset["held_out"].values)
    assert list(made.numbers["n_states"]) == [1, 2, 3, 4]

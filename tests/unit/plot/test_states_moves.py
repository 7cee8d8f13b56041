"""Figures of how states follow each other."""

import numpy as np
import pytest

from mystax.plot.states_moves import dwell_figure, frequency_figure, number_figure, transitions_figure
from tests.fixtures.state_outcomes import known_outcome


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

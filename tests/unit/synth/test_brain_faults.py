"""Faults of simulated recordings: each changes what it names, and leaves the sound one alone."""

import numpy as np
import pytest

from mystax.synth.brain import BrainTruth, simulate
from mystax.synth.brain_faults import FAULTS, FILE_FAULTS, damage

BEHAVIOUR = ("lost-point", "lost-group", "camera-hole", "copied-neuron")


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("A", minutes=6, n_neurons=9, camera_rate=10, signal="counts")


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_changes_neurons_or_behaviour_and_not_the_sound_recording(
    brain: BrainTruth, fault: str
) -> None:
    neural = brain.neural.copy(deep=True)
    behaviour = {name: outcome.copy(deep=True) for name, outcome in brain.behaviour.items()}
    damaged = damage(brain, fault)
    assert brain.neural.identical(neural)
    assert all(brain.behaviour[name].identical(outcome) for name, outcome in behaviour.items())
    assert damaged.neural.equals(neural) == (fault in BEHAVIOUR)
    same = set(damaged.behaviour) == set(behaviour) and all(
        damaged.behaviour[name].equals(outcome) for name, outcome in behaviour.items()
    )
    assert same == (fault not in BEHAVIOUR)


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_faults_of_files_leave_the_recording_as_it_is(brain: BrainTruth, fault: str) -> None:
    assert damage(brain, fault) is brain


def test_times_of_spikes_slip_like_those_of_rows() -> None:
    spiking = simulate("A", minutes=0.5, n_neurons=3, signal="spikes")
    slipped = damage(spiking, "milliseconds").neural
    np.testing.assert_allclose(slipped["spike_time"].values, 1e3 * spiking.neural["spike_time"].values)
    assert "spike_time" in slipped.data_vars


def test_square_recording_has_as_many_bins_as_neurons(brain: BrainTruth) -> None:
    square = damage(brain, "square")
    assert square.neural["activity"].shape == (9, 9)
    assert square.expected.shape == (9, 9)

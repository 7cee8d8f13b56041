"""Neural data in the time shared with behaviour; each fault of the data is answered before any fit."""

from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.analyses.behaviour import assemble_behaviour
from mystax.analyses.encoding_data import encoding_data
from mystax.analyses.neural_rows import NeuralRows, neural_rows
from mystax.compute.resemblance import find_copies
from mystax.core.behaviour import BehaviourGrid
from mystax.core.neural_choice import judge_neurons
from mystax.errors import ClockError, MystaxError, NumbersError
from mystax.synth.brain import BrainTruth, simulate, write
from mystax.synth.brain_drives import mean_in_bins
from mystax.synth.brain_faults import damage

GROUPS = ["keypoints", "pupil"]


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("A", minutes=11, n_neurons=12, camera_rate=20, signal="counts", seed=1)


@pytest.fixture(scope="module")
def grid(brain: BrainTruth) -> BehaviourGrid:
    return assemble_behaviour(brain.behaviour, GROUPS)


def read(brain: BrainTruth, folder: Path, fault: str | None, format_name: str = "npy") -> NeuralRows:
    """Write a recording with a fault, read it, and bring it to its behaviour's time."""
    written = write(brain, folder, format_name, fault=fault)
    signal = "counts" if format_name == "npy" else None
    neural = mystax.read_neural(written.path, signal=signal, **written.options)
    behaviour = brain if fault is None else damage(brain, fault)
    return neural_rows(neural, assemble_behaviour(behaviour.behaviour, GROUPS))


def test_sound_data_keep_every_bin(brain: BrainTruth, tmp_path: Path) -> None:
    rows = read(brain, tmp_path, None)
    assert rows.dataset.sizes["time"] == 11 * 60 * 6
    assert rows.width == pytest.approx(1 / 6)
    assert rows.flags == ()


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("no-clock", "C207", "frames are not paired by number"),
        ("count", "N306", "no axis fits the times"),
        ("falling-times", "C206", "row 101"),
        ("repeated-times", "C206", "times repeat"),
        ("nan-times", "C206", "row 77"),
        ("milliseconds", "C206", "ms?"),
        ("days", "C206", "days?"),
        ("no-overlap", "C204", "no time in common"),
        ("too-short", "C204", "too little time in common"),
        ("square", "N306", "--axes time,neuron"),
        ("lost-group", "N303", "pupil"),
    ],
)
def test_fault_is_refused_with_code_place_expectation_and_hint(
    brain: BrainTruth, tmp_path: Path, fault: str, code: str, words: str
) -> None:
    with pytest.raises(MystaxError) as refused:
        read(brain, tmp_path, fault)
    assert refused.value.code == code
    assert words in str(refused.value)
    assert refused.value.where
    assert refused.value.expected or refused.value.got


def test_count_of_times_is_compared_where_axes_are_clear(brain: BrainTruth, tmp_path: Path) -> None:
    with pytest.raises(ClockError) as refused:
        read(brain, tmp_path, "count", "suite2p")
    assert refused.value.code == "C202"
    assert "3960" in str(refused.value)
    assert "3957" in str(refused.value)
    assert "drop_tail" in str(refused.value)


def test_named_policy_answers_a_count_that_differs(brain: BrainTruth, tmp_path: Path) -> None:
    written = write(brain, tmp_path, "suite2p", fault="count")
    neural = mystax.read_neural(written.path, clock_policy="drop_tail", **written.options)
    assert neural.sizes["time"] == 3957
    assert "C202" in neural.attrs["quality"]


def test_neurons_that_start_early_are_used_from_the_first_frame(brain: BrainTruth, tmp_path: Path) -> None:
    rows = read(brain, tmp_path, "early")
    assert rows.overlap.start == 0.0
    assert float(rows.dataset["time"][0]) == pytest.approx(1 / 12, abs=1e-6)
    assert rows.dataset.sizes["time"] == 11 * 60 * 6 - 120
    np.testing.assert_array_equal(rows.dataset["activity"].values, brain.neural["activity"].values[120:])


def test_five_minutes_are_flagged_as_short(brain: BrainTruth, tmp_path: Path) -> None:
    assert [flag.code for flag in read(brain, tmp_path, "short").flags] == ["N310"]


def test_missing_activity_leaves_out_neurons_and_bins(brain: BrainTruth, tmp_path: Path) -> None:
    choice = judge_neurons(read(brain, tmp_path, "nan-activity").dataset)
    assert choice.left_out == {"missing in more than 5% of the bins": [0, 1]}
    assert np.flatnonzero(~choice.usable).tolist() == [200, 300, 301, 302, 303, 304]
    assert [flag.code for flag in choice.flags] == ["N308"]


def test_activity_that_is_mostly_missing_is_refused(brain: BrainTruth, tmp_path: Path) -> None:
    rows = read(brain, tmp_path, "mostly-nan")
    with pytest.raises(NumbersError, match="N303"):
        judge_neurons(rows.dataset)


def test_constant_and_silent_neurons_are_left_out(brain: BrainTruth, tmp_path: Path) -> None:
    choice = judge_neurons(read(brain, tmp_path, "silent").dataset)
    assert choice.left_out == {"constant": [0], "with fewer than 10 spikes": [1]}


def test_point_that_is_often_lost_is_left_out_by_name(brain: BrainTruth) -> None:
    grid = assemble_behaviour(damage(brain, "lost-point").behaviour, GROUPS)
    assert set(grid.left_out) == {"nose_tip.x", "nose_tip.y"}
    assert [flag.code for flag in grid.flags] == ["N309"]
    assert "nose_tip.x" in grid.flags[0].text
    assert [part.part for part in grid.parts] == ["eye", "whisker", "nose", "mouth", "paw", "pupil"]


def test_hole_in_the_camera_is_missing_and_nothing_else(brain: BrainTruth) -> None:
    grid = assemble_behaviour(damage(brain, "camera-hole").behaviour, GROUPS)
    lost = (grid.seconds >= 120) & (grid.seconds < 150)
    for part in grid.parts:
        assert not part.valid[lost].any()
        assert part.valid[~lost].all()


def test_neuron_among_the_behaviour_is_found(brain: BrainTruth) -> None:
    grid = assemble_behaviour(damage(brain, "copied-neuron").behaviour, [*GROUPS, "custom"])
    columns = np.concatenate([part.values for part in grid.parts], axis=1).astype(float)
    binned = mean_in_bins(columns, 20, 6, 3960)
    found = find_copies(binned, brain.neural["activity"].values, np.ones(3960, bool), alike=0.9)
    assert [(column, neuron) for column, neuron, _ in found] == [(columns.shape[1] - 1, 3)]


def test_spikes_are_counted_in_whole_bins_of_the_time_shared(brain: BrainTruth, grid: BehaviourGrid) -> None:
    spikes = simulate("A", minutes=11, n_neurons=12, camera_rate=20, signal="spikes", seed=1)
    rows = neural_rows(spikes.neural, grid, bin=0.5)
    assert rows.width == 0.5
    centres = rows.dataset["time"].values
    assert (centres[0] - 0.25, centres[-1] + 0.25) == (pytest.approx(0.5), pytest.approx(659.5))
    whole = brain.neural["activity"].values.reshape(-1, 3, 12).sum(axis=1)
    np.testing.assert_array_equal(rows.dataset["activity"].values, whole[1:-1])


def test_frames_faster_than_the_camera_are_put_together(grid: BehaviourGrid) -> None:
    fast = simulate("A", minutes=4, n_neurons=3, rate=60, camera_rate=20, seed=1)
    rows = neural_rows(fast.neural, grid)
    assert rows.width == pytest.approx(0.05)
    assert {flag.code for flag in rows.flags} == {"N310"}
    assert any("3 imaging frames" in flag.text for flag in rows.flags)


def test_time_shared_names_both_ends(brain: BrainTruth, tmp_path: Path) -> None:
    text = str(read(brain, tmp_path, "early").overlap)
    assert "behaviour 0.0 to 66" in text
    assert "neurons -19.9" in text


def test_encoder_flags_a_neuron_among_the_behaviour() -> None:
    whole = simulate("A", minutes=4, n_neurons=5, rate=5, camera_rate=20, signal="counts", seed=1)
    leaked = damage(whole, "copied-neuron")
    behaviour = assemble_behaviour(leaked.behaviour, ["pupil", "custom"])
    data = encoding_data(behaviour, whole.neural)
    flags = [flag for flag in data.flags if flag.code == "N307"]
    assert len(flags) == 1
    assert "custom.leaked" in flags[0].text

"""The simulated brain: its ceiling, its forms, what changes and what stays with each parameter."""

import numpy as np
import pytest

from mystax.analyses.blink import BLINK
from mystax.analyses.pose import POSE
from mystax.analyses.pupil import PUPIL
from mystax.analyses.running import RUNNING
from mystax.analyses.svd import SVD
from mystax.core.dataset import check_outcome
from mystax.core.keypoints import KeypointSet
from mystax.core.neural import check_neural
from mystax.errors import ParameterError
from mystax.synth.brain import BrainTruth, simulate

SCHEMAS = {"pose": POSE, "pupil": PUPIL, "running": RUNNING, "blink": BLINK, "svd": SVD}


@pytest.fixture(scope="module")
def brain() -> BrainTruth:
    return simulate("B", minutes=4, n_neurons=60, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3, 7])
@pytest.mark.parametrize("world", ["A", "B"])
def test_mean_ceiling_is_that_of_the_design(world: str, seed: int) -> None:
    assert simulate(world, seed=seed).ceiling.mean() == pytest.approx(0.17, abs=0.02)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_behaviour_has_the_form_of_the_analysis(brain: BrainTruth, name: str) -> None:
    check_outcome(brain.behaviour[name], SCHEMAS[name], name)
    assert brain.behaviour[name].sizes["time"] == 4 * 60 * 50


@pytest.mark.parametrize("signal", ["deconvolved", "counts", "spikes"])
def test_neurons_have_the_form_of_neural_data(signal: str) -> None:
    truth = simulate("A", minutes=0.5, n_neurons=7, signal=signal)
    check_neural(truth.neural)
    assert truth.neural.attrs["signal"] == signal
    assert truth.expected.shape == (180, 7)


def test_ceiling_is_what_the_expectation_explains_by_least_squares(brain: BrainTruth) -> None:
    activity, expected = brain.neural["activity"].values.astype(float), brain.expected.astype(float)
    for k in range(60):
        design = np.column_stack([expected[:, k], np.ones(len(expected))])
        _, residual, *_ = np.linalg.lstsq(design, activity[:, k], rcond=None)
        best = 1 - residual[0] / ((activity[:, k] - activity[:, k].mean()) ** 2).sum()
        assert brain.ceiling[k] <= best + 1e-6
        assert brain.ceiling[k] == pytest.approx(best, abs=0.04)


def test_expectation_follows_the_drives_by_the_weights(brain: BrainTruth) -> None:
    mixed = brain.drives @ brain.weights
    mixed = (mixed - mixed.mean(0)) / mixed.std(0)
    bent = np.log1p(np.exp(1.5 * mixed - 1))
    for k in range(60):
        assert np.corrcoef(bent[:, k], brain.expected[:, k])[0, 1] > 1 - 1e-6


def test_share_of_behaviour_sets_the_ceiling(brain: BrainTruth) -> None:
    assert np.corrcoef(brain.share, brain.ceiling)[0, 1] > 0.5


def test_world_b_has_kinds_that_world_a_lacks(brain: BrainTruth) -> None:
    kinds = {kind: brain.kinds.count(kind) for kind in set(brain.kinds)}
    assert kinds == {"half-wave": 11, "envelope": 8, "slow": 6, "gated": 3}
    assert set(simulate("A", minutes=0.2, n_neurons=1).kinds) == {"half-wave"}


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not() -> None:
    first, again, other = (simulate("A", minutes=0.5, n_neurons=5, seed=seed) for seed in (4, 4, 5))
    assert first.neural.identical(again.neural)
    assert first.behaviour["pose"].identical(again.behaviour["pose"])
    assert not first.neural.equals(other.neural)
    assert not first.behaviour["pose"].equals(other.behaviour["pose"])


def test_more_neurons_do_not_change_what_the_animal_does() -> None:
    few, many = (simulate("B", minutes=0.5, n_neurons=n) for n in (3, 30))
    assert few.behaviour["pose"].equals(many.behaviour["pose"])
    np.testing.assert_array_equal(few.drives, many.drives)


def test_independent_neurons_have_no_ceiling() -> None:
    truth = simulate("A", minutes=2, n_neurons=20, independent=True)
    np.testing.assert_allclose(truth.ceiling, 0.0, atol=1e-6)
    assert (truth.expected.std(axis=0) < 1e-6).all()


def test_independence_changes_the_neurons_and_not_the_behaviour() -> None:
    plain, apart = (simulate("A", minutes=0.5, n_neurons=3, independent=flag) for flag in (False, True))
    assert plain.behaviour["pose"].equals(apart.behaviour["pose"])
    assert not plain.neural.equals(apart.neural)


@pytest.mark.parametrize("signal", ["deconvolved", "counts"])
def test_drift_makes_neurons_and_columns_wander(signal: str) -> None:
    def halves(values: np.ndarray) -> float:
        """Mean difference of the halves, in standard deviations."""
        cut = len(values) // 2
        return float(np.abs((values[:cut].mean(0) - values[cut:].mean(0)) / values.std(0)).mean())

    still, moving = (simulate("A", minutes=4, n_neurons=40, drift=drift, signal=signal) for drift in (0, 1))
    assert halves(moving.neural["activity"].values) > 2 * halves(still.neural["activity"].values)
    places = [truth.behaviour["pose"]["position"].values.reshape(12000, -1) for truth in (still, moving)]
    assert halves(places[1]) > 1.5 * halves(places[0])


def test_counts_are_whole_and_spikes_count_alike() -> None:
    counts = simulate("A", minutes=1, n_neurons=8, signal="counts", seed=3)
    spikes = simulate("A", minutes=1, n_neurons=8, signal="spikes", seed=3)
    bins = np.floor(spikes.neural["spike_time"].values * 6).astype(int)
    binned = np.zeros((360, 8))
    np.add.at(binned, (bins, spikes.neural["spike_neuron"].values), 1)
    np.testing.assert_array_equal(binned, counts.neural["activity"].values)


def test_spike_times_rise_and_lie_on_samples() -> None:
    times = simulate("A", minutes=1, n_neurons=8, signal="spikes").neural["spike_time"].values
    assert (np.diff(times) >= 0).all()
    np.testing.assert_allclose(times * 30_000, np.rint(times * 30_000), atol=1e-6)


def test_times_are_the_centres_of_bins_from_the_start_of_the_video(brain: BrainTruth) -> None:
    np.testing.assert_allclose(brain.neural["time"].values, (np.arange(1440) + 0.5) / 6)
    assert float(brain.behaviour["pose"]["time"][0]) == 0.0


def test_pose_carries_its_keypoint_set_with_parts(brain: BrainTruth) -> None:
    points = KeypointSet.from_toml(brain.behaviour["pose"].attrs["keypoint_set"])
    parts = [points.part_of(str(name)) for name in brain.behaviour["pose"]["keypoint"].values]
    assert [parts.count(part) for part in ("eye", "whisker", "nose", "mouth", "paw")] == [4, 3, 4, 1, 1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mean_points_are_a_face_from_the_side(seed: int) -> None:
    mean = simulate("A", seed=seed, n_neurons=10, minutes=1).behaviour["pose"]["position"].mean("time")
    at = {str(name): mean.sel(keypoint=name).values[:, 0] for name in mean["keypoint"].values}
    assert at["eye_back"][0] < at["eye_top"][0] < at["eye_front"][0] < at["nose_tip"][0]
    assert at["eye_top"][1] < at["eye_front"][1] < at["eye_bottom"][1] < at["mouth"][1]
    assert at["nose_top"][1] < at["nose_bottom"][1] < at["mouth"][1] < at["paw"][1]


def test_whiskers_move_with_the_rhythm_of_whisking(brain: BrainTruth) -> None:
    trace = brain.behaviour["pose"]["position"].sel(keypoint="whisker_I", space="x").values[:, 0]
    power = np.abs(np.fft.rfft(trace - trace.mean())) ** 2
    frequency = np.fft.rfftfreq(len(trace), 1 / 50)
    rhythm = power[(frequency > 6) & (frequency < 13)].sum()
    assert rhythm > 3 * power[(frequency > 14) & (frequency < 21)].sum()


def test_pupil_grows_with_running(brain: BrainTruth) -> None:
    area, speed = (
        brain.behaviour["pupil"]["area"].values[:, 0],
        brain.behaviour["running"]["speed"].values[:, 0],
    )
    assert np.corrcoef(np.log(area), speed)[0, 1] > 0.2


def test_blinks_are_listed_where_the_lids_are_closed(brain: BrainTruth) -> None:
    outcome = brain.behaviour["blink"]
    inside = np.zeros(outcome.sizes["time"], bool)
    for start, stop in zip(outcome["event_start"].values, outcome["event_stop"].values, strict=True):
        inside |= (outcome["time"].values >= start - 1e-9) & (outcome["time"].values < stop - 1e-9)
    np.testing.assert_array_equal(inside, outcome["closed"].values[:, 0] == 1)
    assert 5 < len(outcome["event_start"]) < 40


@pytest.mark.parametrize(
    "wrong", [{"world": "C"}, {"signal": "voltage"}, {"minutes": 0}, {"n_neurons": -1}, {"rate": 0}]
)
def test_wrong_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="P401") as refused:
        simulate(**wrong)  # type: ignore[arg-type] # wrong on purpose
    assert next(iter(wrong)) in str(refused.value)

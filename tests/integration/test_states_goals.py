"""What states must reach on simulated recordings whose truth is known (nightly)."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mystax
from mystax.analyses.states_matching import match_states
from mystax.compute.bouts import find_bouts, state_numbers, transition_counts
from mystax.compute.hmm import HmmModel, HmmPrior, best_states, expect, fit_hmm
from mystax.compute.hmm_choice import choose, score_candidates
from mystax.compute.hmm_frames import make_frames
from mystax.compute.hmm_search import search_hmm
from mystax.compute.statistics import adjusted_rand
from mystax.compute.tiles import TilePool
from mystax.core.keypoints import KeypointSet
from mystax.engine.states.clips import write_clips
from mystax.engine.states.groups import compare_recordings
from tests.fixtures.hmm_worlds import chain
from tests.fixtures.human_film import film_of
from tests.fixtures.state_outcomes import filmed_fit, known_fit, outcomes_of, spatial_source

pytestmark = pytest.mark.slow

MATES = [{"recording": str(k), "group": "ab"[k >= 6]} for k in range(12)]


def memory() -> float:
    """Return the most memory that this process has used since it was last asked [GiB]."""
    most = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / (1 << 20)
    Path("/proc/self/clear_refs").write_text("5")  # counts anew: tests before this one do not hide it
    return most


def test_a_million_frames_are_searched_and_decoded_alike_by_one_and_two_threads() -> None:
    truth, values = chain(1, 1_000_000, 9, 10, 0.98)
    search_hmm(make_frames(values[:2000]), 3, thorough=False)  # loads the compiled passes
    found = []
    memory()
    before = memory()
    for cores in (1, 2):
        begin = time.process_time()
        with TilePool(cores) as pool:
            frames = make_frames(values)
            fit = search_hmm(frames, 9, pool=pool).fit
            found.append((fit.model.means.tobytes(), best_states(frames, fit.model, pool)))
        assert time.process_time() - begin < 120
    assert memory() - before < 1
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][1], found[1][1])
    assert adjusted_rand(truth, found[0][1]) >= 0.98


def test_states_and_transitions_of_long_chains_are_recovered() -> None:
    for n, stay, least in ((100_000, 0.98, 0.98), (20_000, 0.998, 0.99)):
        truth, values = chain(2, n, 9, 10, stay)
        frames = make_frames(values)
        model = search_hmm(frames, 9).fit.model
        found = best_states(frames, model)
        assert adjusted_rand(truth, found) >= least
        order = [int(np.bincount(found[truth == k]).argmax()) for k in range(9)]
        wanted = np.full((9, 9), (1 - stay) / 9) + np.eye(9) * stay
        assert np.abs(model.transitions[np.ix_(order, order)] - wanted).max() < 0.01


@pytest.mark.parametrize(("n", "apart", "hits"), [(20_000, 0, 9), (3_000, 1, 10)])
def test_the_number_of_states_is_found(n: int, apart: int, hits: int) -> None:
    good = 0
    for seed in range(10):
        _, values = chain(100 + seed, n, 5, 6, 0.98)
        found = choose(
            score_candidates(
                make_frames(values), np.zeros(n, np.int64), 30.0, range(1, 13), "full", HmmPrior(), scan=True
            )
        )
        good += abs(found.n_states - 5) <= apart and found.of(found.n_states).stability >= 0.95
    assert good >= hits


def test_a_scan_of_twelve_numbers_of_states_takes_five_minutes_of_work() -> None:
    _, values = chain(7, 50_000, 5, 10, 0.98)
    search_hmm(make_frames(values[:2000]), 3, thorough=False)  # loads the compiled passes
    begin = time.process_time()
    with TilePool(2) as pool:
        found = score_candidates(
            make_frames(values), np.zeros(50_000, np.int64), 30.0, range(1, 13), "full", HmmPrior(), pool=pool
        )
    spent = time.process_time() - begin
    assert [item.n_states for item in found] == list(range(1, 13))
    assert {len(item.held_out) for item in found} == {5}
    assert choose(found).n_states == 5
    assert spent < 500  # of two cores


def recording(seed: int, extra: float) -> xr.Dataset:
    """Return the numbers of a recording of five states: shares differ by 4 points between recordings."""
    generator = np.random.default_rng(seed)
    share = 0.2 + 0.04 * generator.normal(size=5)
    share = np.clip(share - share.mean() + 0.2, 0.02, None)
    share += extra * np.array([1, -0.25, -0.25, -0.25, -0.25])
    lengths = generator.geometric(0.03 * np.exp(0.2 * generator.normal()), 1200)
    label = np.repeat(generator.choice(5, 1200, p=share / share.sum()), lengths)
    times, starts = np.arange(len(label)) / 30, np.arange(len(label)) == 0
    numbers = state_numbers(find_bouts(label, times, starts), 5, 0.0)
    speed = 5 + 0.3 * generator.normal() + generator.normal(size=(50, 1))
    return xr.Dataset(
        {
            "occupancy": ("state", numbers.occupancy),
            "bout_rate": ("state", numbers.bout_rate),
            "dwell_median": ("state", numbers.dwell_median),
            "transition_count": (("state", "next_state"), transition_counts(label, starts, 5)),
            "kinematics": (("time", "kinematic"), speed.astype(np.float32)),
        },
        {"state": np.arange(1, 6), "kinematic": ["head_speed"]},
    )


def found_in(n: int, extra: float, seed: int) -> tuple[float, float]:
    """Return how often anything, and how often the first occupancy, differs between six and six."""
    anything = first = 0
    for draw in range(n):
        made = [recording(seed + 100 * draw + k, extra if k >= 6 else 0.0) for k in range(12)]
        test = compare_recordings(made, MATES).test
        anything += bool(np.nanmin(test.p_family) <= 0.05)
        first += bool(test.p_family[0] <= 0.05)
        assert test.smallest == pytest.approx(2 / 924)
    return anything / n, first / n


def test_without_a_difference_one_family_in_twenty_is_wrong() -> None:
    assert 0.03 <= found_in(500, 0.0, 10**6)[0] <= 0.07


def test_a_difference_of_twelve_points_is_found() -> None:
    assert found_in(100, 0.12, 5 * 10**6)[1] >= 0.8


@pytest.mark.parametrize("max_gap", [0.0, 0.1])
@pytest.mark.parametrize(("share", "least"), [(0.1, 0.98), (0.3, 0.97), (0.5, 0.95)])
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_missing_points_hardly_change_the_states(
    share: float, least: float, max_gap: float, seed: int
) -> None:
    _, source = spatial_source(seed, 1500)
    whole = source.points
    times = np.arange(len(whole)) / 30
    generator = np.random.default_rng(4)
    holes = generator.random(whole.shape[:2]) < share
    labels = []
    for points in (whole, np.where(holes[..., None], np.nan, whole)):
        made = mystax.states(_pose(points, times, source.ids), 3, keypoints="human-face-21", max_gap=max_gap)
        labels.append(made["label"].values.astype(np.int64))  # type: ignore[call-overload] # one dataset
    assert adjusted_rand(*labels) >= least


def _pose(points: np.ndarray, times: np.ndarray, ids: tuple[str, ...], unit: str = "mm") -> xr.Dataset:
    dims = ("time", "space", "keypoint", "individual")
    return xr.Dataset(
        {"position": (dims, np.swapaxes(points, 1, 2)[..., None], {"units": unit})},
        {
            "time": times,
            "space": list("xyz"[: points.shape[2]]),
            "keypoint": list(ids),
            "individual": ["face"],
        },
        {"analysis": "pose" if points.shape[2] == 2 else "pose3d"},
    )


def test_where_a_column_is_missing_the_others_decide() -> None:
    _, values = chain(5, 2000, 3, 3, 0.97)
    values[1000:, 2] = np.nan
    frames = make_frames(values)
    model = search_hmm(frames, 3, thorough=False).fit.model
    part = expect(make_frames(values[1000:]), model).posterior
    marginal = HmmModel(
        model.start, model.transitions, model.means[:, :2], model.covariances[:, :2, :2], model.covariance
    )
    alone = expect(make_frames(values[1000:, :2]), marginal).posterior
    np.testing.assert_allclose(part, alone, atol=1e-9)


def test_the_halves_of_a_recording_have_the_same_states() -> None:
    truth, source = spatial_source(6, 3000)
    from dataclasses import replace

    halves = []
    for k, rows in enumerate((slice(0, 1500), slice(1500, 3000))):
        own = replace(source, times=source.times[rows], points=source.points[rows], identity=f"half {k}")
        halves.append(outcomes_of(known_fit([own], [truth[rows]])))
    assert match_states(*halves).share >= 0.95


def test_an_hour_at_100_hz_with_pupil_and_running_takes_a_minute_of_work(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    n = 360_000
    truth = np.repeat(generator.integers(6, size=n // 200), 200)
    ids = KeypointSet.load("mouse-face-13").ids
    points = 100 + 60 * generator.normal(size=(13, 2)) + (3 * generator.normal(size=(6, 13, 2)))[truth]
    points += 0.6 * generator.normal(size=points.shape)
    times = np.arange(n) / 100
    area = 400 * np.exp(0.2 * generator.normal(size=n) + 0.3 * (truth == 2))
    speed = (truth == 3) + 0.1 * generator.normal(size=n)
    outcomes: dict[str, Any] = {
        "pose": _pose(points, times, ids, "px"),
        "pupil": xr.Dataset({"area": (("time", "roi"), area[:, None])}, {"time": times, "roi": ["eye"]}),
        "running": xr.Dataset({"speed": (("time", "roi"), speed[:, None])}, {"time": times, "roi": ["ball"]}),
    }
    warm = {name: item.isel(time=slice(0, 4000)) for name, item in outcomes.items()}
    features = "keypoints,pupil.area,running.speed"
    mystax.states(warm, 2, features=features, out=tmp_path / "warm")
    begin = time.process_time()
    found = mystax.states(outcomes, 6, features=features, out=tmp_path / "hour", cores=2)
    spent = time.process_time() - begin
    assert isinstance(found, xr.Dataset)
    rows = np.clip(np.searchsorted(times, found["time"].values), 0, n - 1)
    assert adjusted_rand(truth[rows], found["label"].values.astype(np.int64)) >= 0.98
    assert spent < 100  # of two cores


@pytest.mark.parametrize("covariance", ["full", "diagonal", "tied"])
def test_em_on_a_long_chain_equals_hmmlearn(covariance: Any) -> None:
    hmm = pytest.importorskip("hmmlearn.hmm", reason='pip install "mystax[dev]"')
    _, values = chain(9, 100_000, 9, 10, 0.98, apart=0.8)
    generator = np.random.default_rng(9)
    spread = np.repeat(np.cov(values.T)[None], 9, axis=0)
    if covariance == "diagonal":
        spread = spread * np.eye(10)
    start = HmmModel(
        np.full(9, 1 / 9),
        np.full((9, 9), 0.02 / 8) + np.eye(9) * (0.98 - 0.02 / 8),
        values[generator.integers(100_000, size=9)],
        spread,
        covariance,
    )
    ours = fit_hmm(make_frames(values), start, HmmPrior(0, 0, 0), iterations=10, tolerance=0, mend=False)
    word = {"full": "full", "diagonal": "diag", "tied": "tied"}[covariance]
    peer = hmm.GaussianHMM(
        9, covariance_type=word, n_iter=10, tol=-np.inf, init_params="", covars_prior=0, min_covar=0,
        covars_weight=1 if word == "diag" else 0, implementation="scaling",
    )  # fmt: skip
    peer.startprob_, peer.transmat_, peer.means_ = start.start, start.transitions, start.means
    by_word = {"full": spread, "tied": spread[0]}
    peer.covars_ = by_word.get(word, np.einsum("kii->ki", spread))
    peer.fit(values)
    assert ours.log_likelihood == pytest.approx(peer.score(values), rel=1e-9)


def test_nine_clips_per_state_of_ten_minutes_take_a_minute(tmp_path: Path) -> None:
    _, points, fit = filmed_fit(18_000)
    video = film_of(tmp_path / "person.mp4", points)
    done: Any = SimpleNamespace(fit=fit, datasets=outcomes_of(fit))
    begin = time.process_time()
    made = write_clips(done, tmp_path, 9, video=video)
    assert time.process_time() - begin <= 100  # of two cores
    assert len(made) == 3

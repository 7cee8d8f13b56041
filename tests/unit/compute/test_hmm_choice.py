"""How many states: blocks, scores, and the rule."""

import numpy as np
import pytest

from mystax.compute.hmm import HmmPrior
from mystax.compute.hmm_choice import Candidate, choose, make_blocks, parameter_count, score_candidates
from mystax.compute.hmm_frames import make_frames
from tests.fixtures.hmm_worlds import chain


def test_test_blocks_cover_all_time_once_with_a_guard() -> None:
    blocks = make_blocks(np.zeros(9000, np.int64), 30.0)
    tested = np.concatenate([test for _, test in blocks])
    assert np.array_equal(tested, np.arange(9000))
    for train, test in blocks:
        gap = np.abs(train[:, None] - test[[0, -1]][None]).min()
        assert gap >= 30


def test_many_recordings_are_held_out_whole() -> None:
    recording = np.repeat(np.arange(6), 50)
    for train, test in make_blocks(recording, 30.0):
        assert not set(recording[train]) & set(recording[test])


def test_smallest_number_within_a_standard_error_is_chosen() -> None:
    base = np.array([0.0, 1.0, 2.0, 1.0, 0.5])
    made = [
        Candidate(1, base - 3.0, float("nan")),
        Candidate(2, base + np.array([0.1, -0.1, 0.1, -0.1, 0.0]), 0.9),
        Candidate(3, base + 0.02, 0.8),
    ]
    assert choose(made).n_states == 2


def test_clear_gain_is_taken() -> None:
    made = [Candidate(k, np.arange(5.0) * 0.01 + k, 1.0) for k in (1, 2, 3)]
    assert choose(made).n_states == 3


def test_simulated_number_of_states_is_chosen() -> None:
    _, values = chain(7, 1500, 3, 3, 0.97, apart=2.5)
    found = score_candidates(
        make_frames(values), np.zeros(1500, np.int64), 30.0, [1, 2, 3, 4], "full", HmmPrior()
    )
    assert choose(found).n_states == 3
    assert found[2].stability > 0.95


def test_recording_without_any_value_is_no_block() -> None:
    _, values = chain(7, 600, 2, 2, 0.95, apart=2.5)
    recording = np.repeat(np.arange(6), 100)
    starts = np.arange(600) % 100 == 0
    whole = score_candidates(make_frames(values, starts), recording, 30.0, [1, 2], "full", HmmPrior())
    values[recording == 3] = np.nan
    found = score_candidates(make_frames(values, starts), recording, 30.0, [1, 2], "full", HmmPrior())
    assert [len(item.held_out) for item in found] == [4, 4]
    assert len(whole[0].held_out) == 5
    for ours, theirs in zip(found, whole, strict=True):
        assert ours.mean == pytest.approx(theirs.mean, abs=0.3)


@pytest.mark.parametrize(
    ("covariance", "count"), [("full", 2 * 3 + 2 * 6 + 3), ("diagonal", 2 * 3 + 6 + 3), ("tied", 15)]
)
def test_parameters_are_counted(covariance: str, count: int) -> None:
    assert parameter_count(2, 3, covariance) == count  # type: ignore[arg-type] # one of three words


@pytest.mark.parametrize(("most", "wanted"), [(5, 5), (7, 7), (10, 10)])
def test_there_are_no_more_blocks_than_asked_for(most: int, wanted: int) -> None:
    assert len(make_blocks(np.zeros(20_000, np.int64), 30.0, most)) == wanted
    assert len(make_blocks(np.repeat(np.arange(12), 10), 30.0, most)) == wanted


def test_a_given_number_is_judged_on_five_blocks_and_a_scan_on_more() -> None:
    _, values = chain(8, 9600, 2, 2, 0.97, apart=2.5)
    frames, recording = make_frames(values), np.zeros(9600, np.int64)
    given, scan = (
        score_candidates(frames, recording, 30.0, [1], "full", HmmPrior(), scan=scan)[0]
        for scan in (False, True)
    )
    assert (len(given.held_out), len(scan.held_out)) == (5, 10)
    assert given.mean == pytest.approx(scan.mean, abs=0.05)

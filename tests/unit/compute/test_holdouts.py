"""Splits of labelled frames: whole recordings or blocks of time, never random frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.compute.holdouts import hold_out
from mystax.errors import ParameterError


def three(n: int = 30) -> tuple[list[str], np.ndarray]:
    return ["a"] * n + ["b"] * n + ["c"] * n, np.tile(np.arange(n) * 2.0, 3)


@pytest.mark.parametrize("seed", range(5))
def test_three_recordings_are_split_by_recording(seed: int) -> None:
    names, time = three()
    found = hold_out(names, time, seed=seed)
    assert found.kind == "recording"
    judges = {name for name, is_test in zip(names, found.test, strict=True) if is_test}
    assert len(judges) == 1
    assert (found.train == ~found.test).all()
    assert all(is_test == (name in judges) for name, is_test in zip(names, found.test, strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_recording_with_most_frames_does_not_judge(seed: int) -> None:
    recordings = ["a"] * 80 + ["b"] * 10 + ["c"] * 10
    split = hold_out(recordings, np.arange(100.0), seed=seed, kind="recording")
    assert split.test.sum() in (10, 20)


def test_smallest_recording_judges_where_all_have_more_than_twice_the_share() -> None:
    split = hold_out(["a"] * 60 + ["b"] * 50, np.arange(110.0), seed=1, kind="recording")
    assert np.flatnonzero(split.test).tolist() == list(range(60, 110))


def test_ten_recordings_give_about_a_fifth() -> None:
    names = [f"r{k}" for k in range(10) for _ in range(8)]
    found = hold_out(names, np.arange(80.0), seed=1)
    assert found.test.sum() == 16


@pytest.mark.parametrize("seed", range(5))
def test_one_recording_is_split_by_a_block_of_time_with_a_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = rng.permutation(np.arange(100) * 0.4)
    found = hold_out(["a"] * 100, time, seed=seed)
    assert found.kind == "block"
    assert found.test.sum() == 20
    order = np.argsort(time)
    places = np.flatnonzero(found.test[order])
    assert np.ptp(places) == 19  # contiguous
    apart = np.abs(time[found.train][:, None] - time[found.test][None])
    assert apart.min() >= 1.0
    assert 74 <= found.train.sum() <= 78


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(0, 100))
def test_no_frame_teaches_and_judges_and_something_judges(names: list[int], seed: int) -> None:
    found = hold_out([str(name) for name in names], np.arange(len(names)) * 10.0, seed=seed)
    assert not (found.train & found.test).any()
    assert found.test.any()


def test_same_seed_gives_the_same_split_and_another_another() -> None:
    names, time = ["a"] * 200, np.arange(200.0)
    one, two, other = (hold_out(names, time, seed=seed).test for seed in (3, 3, 4))
    assert (one == two).all()
    assert (one != other).any()


@pytest.mark.parametrize(
    ("names", "more"),
    [
        (["a"], {}),
        (["a", "a"], {"kind": "recording"}),
        (["a", "a"], {"kind": "random"}),
        (["a", "a"], {"share": 0.6}),
        (["a", "a"], {"share": 0.0}),
    ],
)
def test_impossible_split_is_refused(names: list[str], more: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="P401"):
        hold_out(names, np.arange(len(names)) * 1.0, **more)  # type: ignore[arg-type] # options by name

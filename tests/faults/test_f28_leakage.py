"""F28: labelled frames that judge a model are no neighbours of those that taught it."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mystax.compute.holdouts import hold_out
from mystax.nets.holdout import make_folds

pytestmark = pytest.mark.fault(28)

RATE, GAP = 30, 1.0


def _recording(seed: int, n: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """Make times of frames, and a value that is noise but alike in frames less than a second apart."""
    noise = np.random.default_rng(seed).normal(size=n + RATE)
    value = np.convolve(noise, np.ones(RATE) / np.sqrt(RATE), "valid")[:n]
    return np.arange(n) / RATE, value


def _explained(time: np.ndarray, value: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Share of variance explained by the best that pure memory can do: the value of the nearest frame."""
    nearest = np.abs(time[test][:, None] - time[train]).argmin(1)
    near = np.abs(time[test] - time[train][nearest]) < GAP
    guess = np.where(near, value[train][nearest], 0.0)
    return float(1 - ((value[test] - guess) ** 2).sum() / (value[test] ** 2).sum())


@pytest.mark.parametrize("seed", range(5))
def test_memory_of_neighbours_explains_nothing_of_held_out_frames(seed: int) -> None:
    time, value = _recording(seed)
    split = hold_out(["a"] * len(time), time, seed=seed)
    assert _explained(time, value, split.train, split.test) <= 0.01
    for fold in make_folds(np.zeros(len(time), np.int64), time, seed)[0]:
        assert _explained(time, value, fold.training, fold.held_out) <= 0.01
    # The same measure finds the leak of frames that are held out one by one.
    single = np.random.default_rng(seed).random(len(time)) < 0.2
    assert _explained(time, value, ~single, single) > 0.8


@example(counts=[2], seed=0, kind="auto", rate=30.0)
@example(counts=[1, 2], seed=1, kind="auto", rate=3.0)
@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    seed=st.integers(0, 100),
    kind=st.sampled_from(["auto", "block"]),
    rate=st.sampled_from([0.2, 3.0, 30.0]),
)
def test_no_judge_is_near_a_teacher_of_its_recording(
    counts: list[int], seed: int, kind: str, rate: float
) -> None:
    names = np.repeat(np.arange(len(counts)), counts).astype(str)
    time = np.concatenate([np.arange(count) / rate for count in counts])
    if len(names) < 2:
        return
    split = hold_out(names, time, seed=seed, kind=kind)
    same = names[split.test][:, None] == names[split.train]
    apart = np.abs(time[split.test][:, None] - time[split.train])
    assert split.test.any()
    assert (apart[same] >= GAP - 1e-9).all()
    if split.kind == "recording":
        assert not same.any()

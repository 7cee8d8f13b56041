"""F26: fewer frames than components, copies of one picture, one or two frames, a rank below what is asked.

The decomposition gives what there is: its true rank, orthonormal and finite, and says so with N304; nothing
fails inside a library, and nothing is made up.
"""

import json
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.core.recording import ArraySource

pytestmark = pytest.mark.fault(26)


def _frames(n: int, rank: int, seed: int = 0) -> ArraySource:
    """Frames whose bins (single pixels) span a space of the given rank about their mean."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 40, (rank, 64, 64))
    weights = rng.integers(0, 3, (n, rank))
    return ArraySource((20 + np.tensordot(weights, pictures, 1)).astype(np.uint8))


def _codes(outcome: Any) -> set[str]:
    return {flag["code"] for flag in json.loads(outcome.attrs["quality"])}


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_frames_give_few_components(n: int) -> None:
    outcome = mystax.svd(_frames(n, 3), n_components=50)
    # n frames make n - 1 pairs, and their mean is taken off
    assert outcome.sizes.get("component", 0) == max(0, min(3, n - 2))
    assert _codes(outcome) & {"N301", "N304"} or n == 5
    for variable in outcome.data_vars.values():
        assert variable.dtype.kind != "f" or not np.isinf(variable.values).any(), variable.name


@pytest.mark.parametrize("rank", [1, 3])
def test_a_low_rank_is_found_and_told(rank: int) -> None:
    outcome = mystax.svd(_frames(80, rank), n_components=10, with_motion=False, with_movie=True)
    assert "N304" in _codes(outcome)
    values = np.nan_to_num(outcome["movie_singular_value"].values[0])
    assert (values > 1e-3 * values[0]).sum() == rank


def test_copies_of_one_picture_have_no_motion() -> None:
    frames = np.repeat(np.random.default_rng(0).integers(0, 255, (1, 64, 64), np.uint8), 30, axis=0)
    outcome = mystax.svd(ArraySource(frames), n_components=5)
    assert _codes(outcome) & {"N301", "N304"}
    assert outcome.sizes["component"] == 0
    moved = mystax.motion(ArraySource(frames))
    assert (moved["energy"].values[1:] == 0).all()


def test_one_frame_has_a_brightness_and_no_motion() -> None:
    outcome = mystax.motion(_frames(1, 1))
    assert np.isfinite(outcome["brightness"].values).all()
    assert np.isnan(outcome["energy"].values).all()
    assert "N301" in _codes(outcome)

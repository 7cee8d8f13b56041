"""The compiled loops over bins against NumPy."""

import numpy as np
import pytest

from mystax.compute.kernels.motion import add_rows, fill_rows, pair_sums, picture_sums, sketch_rows
from tests.fixtures.measure import random_movie

BINS = random_movie(6, (5, 7), 3).astype(np.uint16) * 16
BEFORE = BINS[5].copy()
VALID = np.array([1, 1, 0, 1, 1, 1], bool)
PAIRS = np.array([1, 1, 0, 0, 1, 1], bool)


def differences() -> np.ndarray:
    """Return |frame - frame before| as whole numbers, `BEFORE` being before the first."""
    past = np.concatenate([BEFORE[None], BINS[:-1]]).astype(np.int64)
    return np.asarray(np.abs(BINS.astype(np.int64) - past))


def test_sums_of_pairs_equal_numpy_in_every_region() -> None:
    runs = (np.array([0, 3, 4]), np.array([0, 2, 0]), np.array([7, 5, 1]), np.array([0, 1, 1]))
    masks = np.zeros((2, 5, 7), bool)
    masks[0, 0], masks[1, 3, 2:5], masks[1, 4, 0] = True, True, True
    out = np.zeros((6, 2, 4), np.int64)
    pair_sums(BINS, BEFORE, VALID, PAIRS, *runs, out)
    past = np.concatenate([BEFORE[None], BINS[:-1]]).astype(np.int64)
    now = BINS.astype(np.int64)
    for region, mask in enumerate(masks):
        for t in range(6):
            b, a = now[t][mask], past[t][mask]
            wanted = [b.sum() * VALID[t], (b * b).sum() * VALID[t]]
            wanted += [(b * a).sum() * PAIRS[t], np.abs(b - a).sum() * PAIRS[t]]
            np.testing.assert_array_equal(out[t, region], wanted)


def test_picture_sums_equal_numpy() -> None:
    frames, changes = np.zeros((5, 7), np.int64), np.zeros((5, 7), np.int64)
    picture_sums(BINS, BEFORE, VALID, PAIRS, frames, changes)
    np.testing.assert_array_equal(frames, BINS[VALID].astype(np.int64).sum(0))
    np.testing.assert_array_equal(changes, differences()[PAIRS].sum(0))


def flat() -> np.ndarray:
    """Return the bins as rows, the frame before them first."""
    return np.concatenate([BEFORE[None], BINS]).reshape(7, 35)


@pytest.mark.parametrize("moving", [True, False])
def test_rows_are_summed_as_numpy_does(moving: bool) -> None:
    used = PAIRS if moving else VALID
    rows = (differences() if moving else BINS.astype(np.int64))[used].reshape(-1, 35)
    sums = np.zeros(35, np.int64)
    high, low = add_rows(flat(), used, moving, sums)
    np.testing.assert_array_equal(sums, rows.sum(0))
    assert (int(high) << 32) + int(low) == int((rows**2).sum())


def test_sum_of_squares_may_be_longer_than_64_bits() -> None:
    bins = np.full((4, 3000), 65_535 * 1024, np.uint32)
    high, low = add_rows(bins, np.ones(3, bool), False, np.zeros(3000, np.int64))
    assert (int(high) << 32) + int(low) == 9000 * (65_535 * 1024) ** 2 > 2**64


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("moving", [True, False])
def test_rows_minus_a_shift_equal_numpy(moving: bool, centred: bool) -> None:
    used = PAIRS if moving else VALID
    generator = np.random.default_rng(1)
    shift, scale = generator.normal(200, 9, 35), generator.uniform(0.5, 2, 35)
    rows = ((differences() if moving else BINS.astype(np.int64)).reshape(6, 35) - shift) * scale
    if centred:
        rows -= rows.mean(1, keepdims=True)
    rows[~used] = 0
    out = np.empty((6, 35))
    fill_rows(flat(), used, moving, shift, scale, centred, out)
    np.testing.assert_allclose(out, rows, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("moving", [True, False])
def test_sums_with_signs_equal_numpy_and_leave_other_bins_alone(moving: bool) -> None:
    used = PAIRS if moving else VALID
    places, signs = np.array([2, 0, 1, 0, 2, 0]), np.array([1, -1, 1, 1, -1, -1])
    rows = (differences() if moving else BINS.astype(np.int64)).reshape(6, 35)
    expected = np.full((3, 35), 0.5, np.float32)
    for place, sign, row in zip(places[used], signs[used], rows[used], strict=True):
        expected[place, 4:30] += sign * row[4:30]
    sums = np.full((3, 35), 0.5, np.float32)
    sketch_rows(flat(), used, moving, places, signs, 4, 30, sums)
    np.testing.assert_array_equal(sums, expected)

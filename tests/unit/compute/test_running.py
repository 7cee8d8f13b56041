"""Shifts of a running surface: closed forms, accuracy, honesty."""

import math

import numpy as np
import pytest
from scipy.signal.windows import tukey

from mystax.compute.running import RunningReducer, measure_shift, peak_anisotropy, plan_shift
from mystax.core.geometry import Box
from mystax.errors import RoiError
from mystax.synth.texture import speckle, stripes
from tests.fixtures.surfaces import surface

TRUTH_TABLE = [(0, -3), (-5, 0), (-2, 4), (6, -7), (-1, -1), (9, 2)]


def test_a_rolled_picture_gives_its_whole_shift() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    shift = measure_shift(picture, np.roll(picture, (3, -5), axis=(0, 1)))
    assert shift.x == pytest.approx(-5, abs=0.05)
    assert shift.y == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize(("x", "y"), TRUTH_TABLE)
def test_shifts_of_the_truth_table_are_found_within_a_tenth_of_a_pixel(x: int, y: int) -> None:
    before, now = surface([(0, 0), (x, y)], noise=4.0)
    shift = measure_shift(before, now)
    assert abs(shift.x - x) <= 0.1
    assert abs(shift.y - y) <= 0.1


def test_equal_pictures_have_not_moved() -> None:
    (picture,) = surface([(0, 0)])
    shift = measure_shift(picture, picture)
    assert abs(shift.x) < 1e-4
    assert abs(shift.y) < 1e-4
    assert shift.peak > 40


def test_two_hundred_random_shifts_are_found() -> None:
    generator = np.random.default_rng(5)
    truth = generator.uniform(-12, 12, (200, 2))
    errors = []
    for k, place in enumerate(truth):
        start = generator.uniform(0, 256, 2)
        before, now = surface([tuple(start), tuple(start + place)], noise=4.0, seed=k)
        shift = measure_shift(before, now)
        errors.append(math.hypot(shift.x - place[0], shift.y - place[1]))
    assert np.median(errors) <= 0.1
    assert np.percentile(errors, 95) <= 0.25


def test_unrelated_pictures_have_weak_peaks() -> None:
    peaks = []
    for k in range(60):
        (before,), (now,) = surface([(0, 0)], seed=2 * k), surface([(0, 0)], seed=2 * k + 1)
        peaks.append(measure_shift(before, now).peak)
    assert np.mean(np.array(peaks) < 8) >= 0.95


def test_true_shifts_have_peaks_far_above_the_threshold() -> None:
    before, now = surface([(0, 0), (7.3, -4.6)], noise=8.0)
    assert measure_shift(before, now).peak > 16


def test_more_light_changes_nothing() -> None:
    before, now = surface([(0, 0), (2.5, 1.25)], noise=0.0)
    dim, bright = measure_shift(before, now), measure_shift(before // 2, now)
    assert bright.x == pytest.approx(dim.x, abs=0.05)
    assert bright.y == pytest.approx(dim.y, abs=0.05)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_picture_has_no_shift(level: int) -> None:
    (picture,) = surface([(0, 0)])
    shift = measure_shift(picture, np.full_like(picture, level))
    assert math.isnan(shift.x)
    assert math.isnan(shift.y)
    assert math.isnan(shift.peak)


def test_sixteen_bits_give_the_shift_of_eight() -> None:
    before, now = surface([(0, 0), (3.4, -2.2)])
    eight = measure_shift(before, now)
    sixteen = measure_shift(before.astype(np.uint16) * 256, now.astype(np.uint16) * 256)
    assert sixteen.x == pytest.approx(eight.x, abs=1e-4)
    assert sixteen.y == pytest.approx(eight.y, abs=1e-4)


def test_the_crop_is_the_largest_smooth_size_in_the_middle() -> None:
    plan = plan_shift(Box(10, 20, 10 + 137, 20 + 97))
    assert (plan.box.width, plan.box.height) == (135, 96)
    assert (plan.box.x0, plan.box.y0) == (11, 20)


def test_reach_is_a_share_of_the_smaller_side() -> None:
    assert plan_shift(Box(0, 0, 100, 40), max_shift=0.3).reach == (12, 12)
    assert plan_shift(Box(0, 0, 40, 40), max_shift=0.5).reach == (19, 19)


def test_the_taper_fades_the_named_share_of_each_side() -> None:
    taper = plan_shift(Box(0, 0, 100, 80), taper=0.25).taper
    assert taper[40, 24] < 1.0
    assert (taper[20:60, 25:75] == 1.0).all()
    assert (taper[0] == 0).all()


@pytest.mark.parametrize("share", [0.05, 0.15, 0.25, 0.49, 0.5])
def test_the_taper_is_the_tukey_window_of_scipy(share: float) -> None:
    y, x = (tukey(n, 2 * share) for n in (80, 45))
    taper = plan_shift(Box(0, 0, 45, 80), taper=share).taper
    np.testing.assert_allclose(taper, y[:, None] * x[None, :], atol=1e-7)


def test_without_blur_nothing_is_weighted() -> None:
    assert (plan_shift(Box(0, 0, 30, 30), blur=0.0).weight == 1.0).all()


def test_a_region_without_room_for_a_shift_is_refused() -> None:
    with pytest.raises(RoiError, match="P402 roi 'belt'"):
        plan_shift(Box(0, 0, 100, 7), where="roi 'belt'")


def test_a_shift_beyond_the_reach_is_not_reported() -> None:
    before, now = surface([(0, 0), (45, 0)])
    shift = measure_shift(before, now)
    assert shift.peak < 8
    assert abs(shift.x) <= 39


def test_anisotropy_of_a_gaussian_peak_is_the_ratio_of_its_variances() -> None:
    y, x = np.mgrid[-3:4, -3:4].astype(float)
    u, v = 0.8 * x + 0.6 * y, -0.6 * x + 0.8 * y
    assert peak_anisotropy(np.exp(-(u**2) / 8 - v**2 / 24)) == pytest.approx(3.0, rel=1e-6)


def test_anisotropy_of_a_ridge_is_infinite() -> None:
    x = np.mgrid[-3:4, -3:4][1].astype(float)
    assert peak_anisotropy(np.exp(-(x**2) / 6)) > 1e6


def test_anisotropy_of_nothing_is_unknown() -> None:
    assert math.isnan(peak_anisotropy(np.full((7, 7), np.nan)))
    assert math.isnan(peak_anisotropy(np.ones((7, 7))))


@pytest.mark.parametrize(("pattern", "low", "high"), [(speckle, 1.0, 1.5), (stripes, 4.0, math.inf)])
def test_stripes_are_told_from_speckles(pattern: object, low: float, high: float) -> None:
    assert callable(pattern)
    patches = []
    for k in range(10):
        texture = pattern((256, 256), 2.0, np.random.default_rng(k))
        before, now = surface([(0, 0), (3.0 + 0.3 * k, 0.0)], seed=k, texture=texture)
        patches.append(measure_shift(before, now).patch)
    assert low <= peak_anisotropy(np.mean(patches, axis=0)) <= high


def test_a_reducer_reads_the_frames_once() -> None:
    reducer = RunningReducer(taper=0.15, blur=1.0, max_shift=0.4, min_peak=8.0, direction=None)
    assert reducer.n_passes == 1

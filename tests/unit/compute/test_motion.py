"""Motion energy in closed form, against the formulas in NumPy, and with frames that are missing."""

import json

import numpy as np
import pytest

from mystax.compute.motion import MotionReducer, light_of_pairs, normalised_energy
from mystax.core.geometry import Ellipse, Roi
from mystax.core.recording import ArraySource, FrameChunk, GreyMap
from mystax.errors import ParameterError, VideoError
from tests.fixtures.measure import (
    bins_by_numpy,
    lend,
    measure,
    moving_movie,
    outcome,
    random_movie,
    rectangle,
)

SHAPE = (48, 64)


def test_a_step_of_10_levels_in_5_percent_of_the_bins_has_energy_one_half() -> None:
    frames = np.full((20, 40, 40), 100, np.uint8)
    frames[10:, :8, :10] += 10
    energy = measure("motion", ArraySource(frames, 30), bin=2).energy.values[:, 0]
    assert np.isnan(energy[0])
    np.testing.assert_array_equal(energy[1:], np.where(np.arange(1, 20) == 10, np.float32(0.5), 0))


def test_a_jump_is_seen_in_the_frame_in_which_it_happens() -> None:
    frames = np.full((1000, 16, 16), 90, np.uint8)
    frames[300:700] = 120
    energy = measure("motion", ArraySource(frames, 100), bin=2).energy.values[:, 0]
    assert np.flatnonzero(energy > 0).tolist() == [300, 700]
    assert energy[300] == energy[700] == 30


def test_energy_is_a_mean_and_does_not_grow_with_the_region() -> None:
    frames = random_movie(200, (96, 96))
    rois = [rectangle("small", 0, 0, 96, 48), rectangle("large", 0, 0, 96, 96)]
    energy = measure("motion", ArraySource(frames, 30), rois, bin=4).energy.mean("time").values
    assert energy[1] / energy[0] == pytest.approx(1, abs=0.02)


def test_energy_and_brightness_equal_the_formulas() -> None:
    frames = moving_movie(30, SHAPE)
    found = measure("motion", ArraySource(frames, 30), bin=4)
    bins = bins_by_numpy(frames, 4) / 16
    np.testing.assert_allclose(found.brightness.values[:, 0], bins.mean((1, 2)), rtol=1e-6)
    change = np.abs(np.diff(bins, axis=0))
    np.testing.assert_allclose(found.energy.values[1:, 0], change.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.mean_frame, bins.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.mean_motion, change.mean(0), rtol=1e-6)


@pytest.mark.parametrize("black", [0.0, 12.5])
def test_normalised_energy_equals_the_formula(black: float) -> None:
    frames = moving_movie(40, SHAPE, 1)
    found = measure("motion", ArraySource(frames, 50), bin=4, black=black, floor=10)
    bins = bins_by_numpy(frames, 4).reshape(40, -1) / 16 - black
    mean = bins.mean(1)
    light = mean[1:] / mean[:-1]
    change = ((bins[1:] / light[:, None] - bins[:-1]) ** 2).mean(1) / mean[:-1] ** 2
    noise = np.percentile(change, 10)
    np.testing.assert_allclose(found.noise_floor.values, [np.sqrt(noise)], rtol=1e-6)
    wanted = np.sqrt(np.maximum(change - noise, 0)) * 50
    np.testing.assert_allclose(found.energy_norm.values[1:, 0], wanted, rtol=1e-5, atol=1e-6)


def test_without_a_floor_noise_stays_in() -> None:
    frames = moving_movie(40, SHAPE, 1)
    found = measure("motion", ArraySource(frames, 50), bin=4, floor=0)
    assert found.noise_floor.values.tolist() == [0]
    assert (found.energy_norm.values[1:] > 0).all()


def test_limited_range_codes_give_the_grey_levels_of_full_range() -> None:
    frames = random_movie(12, SHAPE, high=200) + np.uint8(16)
    full, limited = MotionReducer(size=4), MotionReducer(size=4)
    grey = (frames.astype(np.float64) - 16) * 255 / 219
    source = ArraySource(frames, 30)
    for reducer in (full, limited):
        reducer.start(lend(source))
    chunk = next(source.chunks())
    full.update(chunk)
    limited.update(
        FrameChunk(
            chunk.index, chunk.time, chunk.codes, GreyMap.limited(), chunk.valid, chunk.reason, chunk.adjacent
        )
    )
    found, plain = limited.finish(), full.finish()
    np.testing.assert_allclose(found.brightness.values[:, 0], grey.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(found.energy.values[1:], plain.energy.values[1:] * 255 / 219, rtol=1e-6)
    assert found.attrs["grey_offset"] == 16


def test_limited_range_is_saturated_at_its_own_ends() -> None:
    frames = np.full((3, 16, 16), 120, np.uint8)
    frames[1, :4], frames[2, :8] = 14, 240
    reducer = MotionReducer(size=2)
    source = ArraySource(frames, 30)
    reducer.start(lend(source))
    chunk = next(source.chunks())
    reducer.update(
        FrameChunk(
            chunk.index, chunk.time, chunk.codes, GreyMap.limited(), chunk.valid, chunk.reason, chunk.adjacent
        )
    )
    assert reducer.finish().saturated.values[:, 0].tolist() == [0, 0.25, 0.5]


def test_deep_frames_are_measured_in_grey_levels_of_8_bits() -> None:
    frames = moving_movie(10, SHAPE)
    plain = measure("motion", ArraySource(frames, 30), bin=4)
    deep = measure("motion", ArraySource(frames.astype(np.uint16) * 16, 30, bits=12), bin=4)
    for name in ("energy", "brightness", "energy_norm", "mean_frame"):
        np.testing.assert_allclose(deep[name].values, plain[name].values, rtol=1e-6, atol=1e-6)


def test_pixels_at_both_ends_are_saturated() -> None:
    frames = np.full((3, 16, 16), 100, np.uint8)
    frames[1, 0, :4], frames[2, 5:9, 3:7] = 0, 255
    saturated = measure("motion", ArraySource(frames, 30), bin=2).saturated.values[:, 0]
    np.testing.assert_allclose(saturated, [0, 4 / 256, 16 / 256])


def test_missing_frames_and_the_pairs_with_them_are_nan() -> None:
    reason = np.zeros(12, np.uint8)
    reason[[4, 5, 9]] = 2
    found = measure("motion", ArraySource(random_movie(12, SHAPE), 30, reason=reason), bin=4)
    assert np.flatnonzero(np.isnan(found.energy[:, 0])).tolist() == [0, 4, 5, 6, 9, 10]
    assert np.flatnonzero(np.isnan(found.brightness[:, 0])).tolist() == [4, 5, 9]
    assert np.flatnonzero(found.light_step[:, 0] == -1).tolist() == [0, 4, 5, 6, 9, 10]
    assert found.missing.values.tolist() == reason.tolist()


def test_a_pair_across_a_gap_in_time_is_nan() -> None:
    times = np.arange(10) / 30
    times[6:] += 1
    found = measure("motion", ArraySource(random_movie(10, SHAPE), times=times), bin=4)
    assert np.flatnonzero(np.isnan(found.energy[:, 0])).tolist() == [0, 6]
    assert np.isfinite(found.brightness).all()


@pytest.mark.parametrize("poison", [1, 77, 255])
def test_what_stands_in_missing_frames_never_matters(poison: int) -> None:
    reason = np.zeros(12, np.uint8)
    reason[[0, 5, 11]] = 1
    frames = random_movie(12, SHAPE)
    clean = measure("motion", ArraySource(frames.copy(), 30, reason=reason), bin=4)
    poisoned = measure("motion", ArraySource(frames.copy(), 30, reason=reason, poison=poison), bin=4)
    assert clean.identical(poisoned)


def test_a_change_of_light_is_marked_and_taken_out() -> None:
    frames = random_movie(30, SHAPE, high=200)
    frames[:] = frames[0]
    frames[10:] = np.rint(frames[10:] * 1.2)
    found = measure("motion", ArraySource(frames, 30), bin=4, floor=0)
    assert np.flatnonzero(found.light_step.values[:, 0] == 1).tolist() == [10]
    assert found.energy.values[10, 0] > 15
    assert found.energy_norm.values[10, 0] < 0.2


def test_a_jump_of_light_beyond_a_factor_of_two_has_no_normalised_energy() -> None:
    frames = np.full((10, 16, 16), 40, np.uint8)
    frames[5:] = 120
    reducer = MotionReducer(size=2)
    source = ArraySource(frames, 30)
    found = outcome("motion", reducer, source, lend(source))
    assert np.flatnonzero(np.isnan(found.energy_norm[:, 0])).tolist() == [0, 5]
    (flag,) = reducer.flags()
    assert (flag.code, flag.frames) == ("N301", (5,))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (np.full((16, 16), 90), "constant"),
        (np.zeros((16, 16)), "black"),
        (np.full((16, 16), 255), "saturated"),
    ],
)
def test_input_without_anything_to_see_is_flagged_and_has_no_motion(frame: np.ndarray, words: str) -> None:
    source = ArraySource(np.repeat(frame[None].astype(np.uint8), 9, 0), 30)
    reducer = MotionReducer(size=2)
    found = outcome("motion", reducer, source, lend(source))
    assert (found.energy.values[1:] == 0).all()
    (flag,) = reducer.flags()
    assert flag.code == "N301"
    assert words in flag.text


def test_a_single_frame_has_brightness_and_no_motion() -> None:
    reducer = MotionReducer(size=2)
    source = ArraySource(random_movie(1, (16, 16)), 30)
    found = outcome("motion", reducer, source, lend(source))
    assert np.isfinite(found.brightness).all()
    assert np.isnan(found.energy).all()
    assert np.isnan(found.noise_floor).all()
    assert reducer.flags()[0].code == "N301"


def test_a_region_is_measured_as_if_it_were_alone() -> None:
    source = ArraySource(moving_movie(20, SHAPE), 30)
    alone = [rectangle("b", 12, 8, 20, 24)]
    others = [Roi("a", "motion", Ellipse(30, 20, 22, 15)), *alone, rectangle("c", 0, 0, 64, 48)]
    single = measure("motion", source, alone, bin=4)
    several = measure("motion", source, others, bin=4)
    for name in ("energy", "energy_norm", "brightness", "saturated", "light_step", "noise_floor", "n_bins"):
        np.testing.assert_array_equal(several[name].sel(roi="b"), single[name].sel(roi="b"))


def test_mean_pictures_cover_the_box_that_was_needed() -> None:
    found = measure("motion", ArraySource(random_movie(5, SHAPE), 30), [rectangle("b", 12, 8, 20, 24)], bin=4)
    assert found.mean_frame.shape == (12, 16)
    assert np.isfinite(found.mean_frame).values.sum() == found.n_bins.values[0] == 30


def test_pixels_that_fill_no_bin_are_left_out_and_counted() -> None:
    frames = random_movie(6, (50, 67))
    found = measure("motion", ArraySource(frames, 30), bin=4)
    same = measure("motion", ArraySource(frames[:, :48, :64].copy(), 30), bin=4)
    np.testing.assert_array_equal(found.energy, same.energy)
    assert found.attrs["left_out"] == pytest.approx(1 - 48 * 64 / (50 * 67))


def test_the_state_holds_plain_arrays_that_later_frames_leave_alone() -> None:
    source = ArraySource(random_movie(20, SHAPE), 30)
    reducer = MotionReducer(size=4)
    reducer.start(lend(source))
    chunks = list(source.chunks(size=7))
    reducer.update(chunks[0])
    state = reducer.state()
    kept = {name: array.copy() for name, array in state.items()}
    reducer.update(chunks[1])
    for name, array in kept.items():
        assert array.dtype != object
        np.testing.assert_array_equal(state[name], array)


class LargePictures(ArraySource):
    """Frames that claim to be so large that sums of squares would overflow."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px]."""
        return 12_000, 12_000


def test_sums_too_long_for_whole_numbers_are_refused() -> None:
    source = LargePictures(np.zeros((1, 2, 2), np.uint16), 30)
    with pytest.raises(ParameterError, match=r"P401.*'bin'.*smaller bin"):
        MotionReducer(size=32).start(lend(source, [rectangle("r", 0, 0, 12_000, 12_000)]))


def test_files_of_different_grey_range_are_refused() -> None:
    source = ArraySource(random_movie(8, SHAPE), 30)
    reducer = MotionReducer(size=4)
    reducer.start(lend(source))
    first, second = source.chunks(size=4)
    reducer.update(first)
    with pytest.raises(VideoError, match="V120"):
        reducer.update(
            FrameChunk(
                second.index,
                second.time,
                second.codes,
                GreyMap.limited(),
                second.valid,
                second.reason,
                second.adjacent,
            )
        )


def test_light_of_a_dark_pair_is_unknown() -> None:
    light = light_of_pairs(np.array([[10.0], [20.0], [1.0], [10.0]]), np.array([False, True, True, True]))
    np.testing.assert_array_equal(light[:, 0], [np.nan, 2, np.nan, np.nan])


def test_equal_pictures_under_another_light_have_no_relative_change() -> None:
    picture = np.array([10.0, 30.0, 80.0])
    mean = np.array([[picture.mean()], [1.5 * picture.mean()]])
    squares = np.array([[(picture**2).sum()], [(2.25 * picture**2).sum()]])
    products = np.array([[0.0], [(1.5 * picture**2).sum()]])
    change = normalised_energy(squares, products, mean, np.array([[np.nan], [1.5]]), np.array([3]))
    assert np.isnan(change[0, 0])
    assert change[1, 0] == pytest.approx(0, abs=1e-12)


def test_the_shape_of_a_region_is_written_as_json() -> None:
    found = measure("motion", ArraySource(random_movie(3, SHAPE), 30), [rectangle("b", 12, 8, 20, 24)], bin=4)
    assert json.loads(str(found.roi_shape.values[0])) == {"rectangle": [12, 8, 20, 24]}

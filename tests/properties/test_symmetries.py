"""What must follow when the whole recording is mirrored, turned over in time, lit, framed or repeated."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource
from mystax.synth.eye import Eye, eye_movie
from tests.fixtures.measure import measure, moving_movie
from tests.fixtures.surfaces import surface, walk

N = 60
EYE = eye_movie(N, seed=5, eye=Eye(reflections=((58.0, 44.0, 2.5),)), blinks=[(0.7, 0.9)])
FRAMES = np.array(next(EYE.source.chunks(size=N)).codes)
HEIGHT, WIDTH = FRAMES.shape[1:]
MOVIE = moving_movie(N, (48, 64), 3)
GREY: dict[str, dict[str, Any]] = {
    "motion": {"bin": 4},
    "svd": {"bin": 4, "n_components": 6, "with_movie": True},
}


def mirrored(roi: Roi) -> Roi:
    """Return an elliptic region in the picture whose columns run backward."""
    shape = roi.shape
    assert isinstance(shape, Ellipse)
    return replace(roi, shape=Ellipse(WIDTH - 1 - shape.cx, shape.cy, shape.rx, shape.ry, -shape.angle))


def moved(roi: Roi, x: int, y: int) -> Roi:
    """Return an elliptic region elsewhere."""
    shape = roi.shape
    assert isinstance(shape, Ellipse)
    return replace(roi, shape=replace(shape, cx=shape.cx + x, cy=shape.cy + y))


def eye(name: str, frames: np.ndarray, roi: Roi | None = None, **more: Any) -> Dataset:
    region = roi or (EYE.pupil if name == "pupil" else EYE.blink)
    return measure(name, ArraySource(frames, 30), [region], **more)


@pytest.fixture(scope="module")
def plain() -> dict[str, Dataset]:
    """The measurements of the recordings as they are."""
    found = {name: eye(name, FRAMES) for name in ("pupil", "blink")}
    return found | {name: measure(name, ArraySource(MOVIE), **GREY[name]) for name in GREY}


# mirrors ------------------------------------------------------------------------------------------------


def test_a_mirrored_pupil_has_the_mirrored_place_and_the_same_size(plain: dict[str, Dataset]) -> None:
    found = eye("pupil", np.ascontiguousarray(FRAMES[:, :, ::-1]), mirrored(EYE.pupil))
    one, other = plain["pupil"], found
    known = np.isfinite(one["area"].values[:, 0])
    np.testing.assert_array_equal(np.isfinite(other["area"].values[:, 0]), known)
    assert known.sum() > 40
    for name in ("area", "major", "minor"):
        np.testing.assert_allclose(other[name].values[known], one[name].values[known], rtol=0.01)
    centre, back = one["centre"].values[known, 0], other["centre"].values[known, 0]
    np.testing.assert_allclose(back[:, 0], WIDTH - 1 - centre[:, 0], atol=0.05)
    np.testing.assert_allclose(back[:, 1], centre[:, 1], atol=0.05)


def test_a_mirrored_eye_blinks_alike(plain: dict[str, Dataset]) -> None:
    found = eye("blink", np.ascontiguousarray(FRAMES[:, :, ::-1]), mirrored(EYE.blink))
    np.testing.assert_array_equal(found["closed"].values, plain["blink"]["closed"].values)
    np.testing.assert_array_equal(found["event_start"].values, plain["blink"]["event_start"].values)
    np.testing.assert_allclose(found["darkness"].values, plain["blink"]["darkness"].values, rtol=1e-5)


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_motion_does_not_know_left_from_right(axes: tuple[int, ...], plain: dict[str, Dataset]) -> None:
    found = measure("motion", ArraySource(np.ascontiguousarray(np.flip(MOVIE, axes))), bin=4)
    for name in ("energy", "energy_norm", "brightness"):
        np.testing.assert_allclose(found[name].values, plain["motion"][name].values, rtol=1e-6)
    picture = np.flip(found["mean_motion"].values, tuple(axis - 1 for axis in axes))
    np.testing.assert_allclose(picture, plain["motion"]["mean_motion"].values, rtol=1e-6)


@pytest.mark.parametrize("kind", ["motion", "movie"])
def test_components_of_a_mirrored_movie_are_mirrored(kind: str, plain: dict[str, Dataset]) -> None:
    found = measure("svd", ArraySource(np.ascontiguousarray(MOVIE[:, :, ::-1])), **GREY["svd"])
    one, other = plain["svd"], found
    np.testing.assert_allclose(other[f"{kind}_singular_value"], one[f"{kind}_singular_value"], rtol=1e-4)
    for k in range(3):
        here, there = one[f"{kind}_mask"].values[0, k], other[f"{kind}_mask"].values[0, k][:, ::-1]
        assert abs(float((here * there).sum())) == pytest.approx(1, abs=1e-3)


PLACES = walk(12, 6.0, 4)


def running(frames: np.ndarray, **more: Any) -> np.ndarray:
    """Return the shifts (time, x and y) of a surface."""
    region = Roi("ball", "running", Rectangle(0, 0, frames.shape[2], frames.shape[1]))
    found = measure("running", ArraySource(frames), [region], min_peak=0.0, **more)
    return np.asarray(found["shift"].values[:, 0])


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    return surface(PLACES, (64, 64), seed=2)


def test_a_mirrored_surface_runs_the_other_way(film: np.ndarray) -> None:
    one, other = running(film), running(np.ascontiguousarray(film[:, :, ::-1]))
    np.testing.assert_allclose(other[1:] * [-1, 1], one[1:], atol=0.02)


def test_a_surface_seen_with_rows_as_columns_has_its_shifts_exchanged(film: np.ndarray) -> None:
    one, other = running(film), running(np.ascontiguousarray(film.transpose(0, 2, 1)))
    np.testing.assert_allclose(other[1:, ::-1], one[1:], atol=0.02)


def test_a_surface_shown_backward_runs_backward(film: np.ndarray) -> None:
    one, other = running(film), running(np.ascontiguousarray(film[::-1]))
    np.testing.assert_allclose(-other[:0:-1], one[1:], atol=0.02)


def test_shifts_over_two_frames_are_the_sum_of_both(film: np.ndarray) -> None:
    each, every_other = running(film), running(np.ascontiguousarray(film[::2]))
    sums = each[1:-1:2] + each[2::2]
    np.testing.assert_allclose(every_other[1:], sums[: len(every_other) - 1], atol=0.15)


# time ---------------------------------------------------------------------------------------------------


def test_motion_shown_backward_is_the_same_from_the_other_end(plain: dict[str, Dataset]) -> None:
    found = measure("motion", ArraySource(np.ascontiguousarray(MOVIE[::-1])), bin=4)
    energy = found["energy"].values[:, 0]
    np.testing.assert_allclose(energy[:0:-1], plain["motion"]["energy"].values[1:, 0], rtol=1e-6)


def test_a_movie_shown_in_any_order_has_the_same_components(plain: dict[str, Dataset]) -> None:
    order = np.random.default_rng(1).permutation(N)
    found = measure("svd", ArraySource(MOVIE[order]), **GREY["svd"])
    one = plain["svd"]
    np.testing.assert_allclose(found["movie_singular_value"], one["movie_singular_value"], rtol=1e-4)
    for k in range(3):
        sign = np.sign((found["movie_mask"].values[0, k] * one["movie_mask"].values[0, k]).sum())
        trace = sign * found["movie_svd"].values[:, 0, k]
        scale = np.abs(one["movie_svd"].values[:, 0, k]).max()
        np.testing.assert_allclose(trace, one["movie_svd"].values[order, 0, k], atol=2e-3 * scale)


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(500)])
def test_the_rate_changes_no_value_of_a_picture(rate: Fraction, plain: dict[str, Dataset]) -> None:
    found = measure("motion", ArraySource(MOVIE, rate), bin=4)
    np.testing.assert_array_equal(found["energy"].values, plain["motion"]["energy"].values)
    raw = measure("pupil", ArraySource(FRAMES, rate), [EYE.pupil])
    for name in ("area", "major", "minor", "centre", "confidence"):
        np.testing.assert_array_equal(raw[name].values, plain["pupil"][name].values)


@pytest.mark.parametrize("start", [-100.0, 86_400.0, 1.7e9])
def test_the_hour_of_the_recording_changes_no_value(start: float, plain: dict[str, Dataset]) -> None:
    times = start + np.arange(N) / 30
    for name, roi in (("pupil", EYE.pupil), ("blink", EYE.blink)):
        found = measure(name, ArraySource(FRAMES, times=times), [roi])
        for variable in plain[name].data_vars:
            one, other = plain[name][variable].values, found[variable].values
            if str(variable).startswith("event_st"):
                np.testing.assert_allclose(other - start, one, atol=1e-5)
            elif one.dtype.kind == "f":
                np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-4)
            else:
                np.testing.assert_array_equal(other, one)


def test_a_recording_shown_twice_has_its_values_twice(plain: dict[str, Dataset]) -> None:
    found = measure("motion", ArraySource(np.concatenate([MOVIE, MOVIE])), bin=4)
    energy = found["energy"].values[:, 0]
    np.testing.assert_array_equal(energy[1:N], plain["motion"]["energy"].values[1:, 0])
    np.testing.assert_array_equal(energy[N + 1 :], plain["motion"]["energy"].values[1:, 0])


# light and depth ----------------------------------------------------------------------------------------


def test_more_light_everywhere_is_no_motion(plain: dict[str, Dataset]) -> None:
    dim = MOVIE // 2
    one, other = (measure("motion", ArraySource(dim + add), bin=4) for add in (0, 90))
    np.testing.assert_array_equal(other["energy"].values, one["energy"].values)
    np.testing.assert_allclose(other["brightness"].values, one["brightness"].values + 90, rtol=1e-6)


def test_contrast_scales_energy_and_singular_values() -> None:
    dim = MOVIE // 4
    for name, variable in (("motion", "energy"), ("svd", "motion_singular_value")):
        one, other = (measure(name, ArraySource(frames), **GREY[name]) for frames in (dim, dim * 3))
        np.testing.assert_allclose(other[variable].values[1:], 3 * one[variable].values[1:], rtol=1e-4)


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deeper_frames_have_the_grey_levels_of_eight_bits(bits: int, plain: dict[str, Dataset]) -> None:
    deep = FRAMES.astype(np.uint16) << (bits - 8)
    for name, roi, variables in (
        ("pupil", EYE.pupil, ("area", "centre", "confidence")),
        ("blink", EYE.blink, ("darkness", "openness")),
    ):
        found = measure(name, ArraySource(deep, 30, bits=bits), [roi])
        for variable in variables:
            np.testing.assert_allclose(found[variable].values, plain[name][variable].values, rtol=1e-4)
    movie = ArraySource(MOVIE.astype(np.uint16) << (bits - 8), bits=bits)
    found = measure("motion", movie, bin=4)
    np.testing.assert_allclose(found["energy"].values, plain["motion"]["energy"].values, rtol=1e-6)


# the picture around -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left", "top", "right", "bottom"), [(7, 0, 0, 0), (0, 13, 5, 1), (16, 16, 16, 16)])
def test_what_lies_around_a_region_does_not_matter(
    left: int, top: int, right: int, bottom: int, plain: dict[str, Dataset]
) -> None:
    rng = np.random.default_rng(left)
    framed = rng.integers(0, 256, (N, HEIGHT + top + bottom, WIDTH + left + right)).astype(np.uint8)
    framed[:, top : top + HEIGHT, left : left + WIDTH] = FRAMES
    for name, roi in (("pupil", EYE.pupil), ("blink", EYE.blink)):
        box = roi.box((HEIGHT, WIDTH))
        assert (box.x0, box.y0) > (0, 0)
        assert (box.x1, box.y1) < (WIDTH, HEIGHT)
        found = eye(name, framed, moved(roi, left, top))
        for variable in ("area", "confidence") if name == "pupil" else ("darkness", "closed"):
            np.testing.assert_allclose(found[variable].values, plain[name][variable].values, rtol=1e-5)
        if name == "pupil":
            shifted = found["centre"].values - [left, top]
            np.testing.assert_allclose(shifted, plain[name]["centre"].values, atol=1e-3)


def test_energy_of_the_whole_is_the_mean_over_its_parts(plain: dict[str, Dataset]) -> None:
    """Four equal quarters; each has a quarter of the bins."""
    quarters = [Roi(f"q{x}{y}", "motion", Rectangle(x, y, 32, 24)) for y in (0, 24) for x in (0, 32)]
    found = measure("motion", ArraySource(MOVIE), quarters, bin=4)
    np.testing.assert_allclose(
        found["energy"].values.mean(1), plain["motion"]["energy"].values[:, 0], rtol=1e-5
    )
    assert found["n_bins"].values.sum() == plain["motion"]["n_bins"].values.sum()


def test_variance_of_the_whole_is_that_of_its_parts(plain: dict[str, Dataset]) -> None:
    halves = [Roi(name, "motion", Rectangle(x, 0, 32, 48)) for name, x in (("west", 0), ("east", 32))]
    found = measure("svd", ArraySource(MOVIE), halves, **GREY["svd"])
    for kind in ("motion", "movie"):
        total = float(plain["svd"][f"{kind}_variance"].values[0])
        assert float(found[f"{kind}_variance"].values.sum()) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_picture_enlarged_without_blur_has_the_same_motion(factor: int, plain: dict[str, Dataset]) -> None:
    large = np.repeat(np.repeat(MOVIE, factor, axis=1), factor, axis=2)
    found = measure("motion", ArraySource(large), bin=4 * factor)
    np.testing.assert_allclose(found["energy"].values, plain["motion"]["energy"].values, rtol=1e-6)


@pytest.mark.parametrize("scale", [0.75, 1.5, 2.0])
def test_area_of_a_pupil_grows_with_the_square_of_its_scale(scale: float) -> None:
    """The same eye rendered at another size, not an enlarged picture."""
    opening = tuple(scale * value for value in Eye().opening)
    look = Eye(
        shape=(round(100 * scale), round(110 * scale)),
        centre=(54 * scale, 50 * scale),
        radius=16 * scale,
        opening=(opening[0], opening[1], opening[2], opening[3]),
    )
    film = eye_movie(6, seed=1, eye=look, radius=np.full(6, 16 * scale))
    found = measure("pupil", film.source, [film.pupil])
    assert float(np.nanmedian(found["area"].values)) == pytest.approx(math.pi * (16 * scale) ** 2, rel=0.04)

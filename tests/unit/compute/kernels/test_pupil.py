"""Kernels of the pupil picture against their NumPy twins."""

import numpy as np
import pytest
from scipy import ndimage

from mystax.compute.kernels import pupil
from mystax.compute.kernels.pupil import compat_moments, hide_reflections, smooth_picture
from tests.fixtures.inner import called

dark_region = called(pupil.dark_region)
eigen_ellipse = called(pupil.eigen_ellipse)
region_moments = called(pupil.region_moments)


def smoothed(frame: np.ndarray, unit: float = 1.0, *, is_bright: bool = False) -> np.ndarray:
    h, w = frame.shape
    padded, rows = np.empty((h + 6, w + 6), np.float32), np.empty((h, w + 6), np.float32)
    picture = np.empty((h, w), np.float32)
    smooth_picture(frame, unit, is_bright, padded, rows, picture)
    return picture


def moments_twin(
    picture: np.ndarray, spots: np.ndarray, threshold: float, sigma: float, n_rounds: int
) -> tuple[float, float, np.ndarray]:
    """Moments with rejection, written with whole arrays."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float64)
    dark = np.maximum(0.0, threshold - picture) * ~spots
    kept = dark > 0
    weights = dark.copy()
    for turn in range(n_rounds + 1):
        total = weights.sum()
        mx, my = (weights * x).sum() / total, (weights * y).sum() / total
        dx, dy = x - mx, y - my
        xy = (weights * dx * dy).sum() / total
        covariance = np.array(
            [[(weights * dx * dx).sum() / total, xy], [xy, (weights * dy * dy).sum() / total]]
        )
        covariance += 0.01 * np.eye(2)
        if turn == n_rounds:
            break
        inverse = np.linalg.inv(covariance)
        distance = inverse[0, 0] * dx**2 + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2
        kept &= distance <= 2 * sigma**2
        inner = dark[kept & (distance <= sigma**2)]
        weights = np.where(kept, dark, 0.0)
        if len(inner):
            weights[spots & (distance <= 1.15 * sigma**2)] = 1.1 * np.median(inner)
    return mx, my, covariance


@pytest.fixture
def picture() -> np.ndarray:
    """A dark disc with noise, a darker corner and a second dark blob."""
    generator = np.random.default_rng(4)
    y, x = np.mgrid[:60, :70]
    grey = np.where((x - 35) ** 2 + (y - 28) ** 2 < 15**2, 40.0, 120.0)
    grey[2:6, 3:9] = 20.0
    grey[50:55, 58:66] = 60.0
    return grey + generator.normal(0, 4, grey.shape)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_smoothing_is_a_gaussian_of_one_pixel(kind: type) -> None:
    frame: np.ndarray = np.random.default_rng(0).integers(0, 256, (21, 34)).astype(kind)
    expected = ndimage.gaussian_filter(frame.astype(np.float64), 1.0, truncate=3.0, mode="nearest")
    np.testing.assert_allclose(smoothed(frame), expected, atol=2e-4)


def test_smoothing_brings_deep_codes_to_eight_bits() -> None:
    frame = np.full((8, 9), 1000, np.uint16)
    np.testing.assert_allclose(smoothed(frame, 0.25), 250.0, rtol=1e-6)


def test_bright_pupil_is_turned_over() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (15, 12)).astype(np.uint8)
    np.testing.assert_allclose(smoothed(frame, is_bright=True), 255.0 - smoothed(frame), atol=2e-4)


def test_reflections_are_hidden_with_two_pixels_around_them() -> None:
    frame = np.zeros((20, 20), np.uint8)
    frame[3, 4] = frame[19, 19] = frame[10, 10] = 230
    frame[15, 5] = 229
    hidden = np.empty((20, 20), np.uint8)
    hide_reflections(frame, 230.0, np.zeros((20, 20), np.uint8), hidden)
    ball = np.hypot(*np.mgrid[-2:3, -2:3]) <= np.sqrt(5)
    np.testing.assert_array_equal(hidden == 1, ndimage.binary_dilation(frame >= 230, ball))


def test_drawn_reflections_are_hidden_as_drawn() -> None:
    drawn = np.zeros((9, 9), np.uint8)
    drawn[2:4, 5] = 1
    hidden = np.empty((9, 9), np.uint8)
    hide_reflections(np.full((9, 9), 255, np.uint8), np.inf, drawn, hidden)
    np.testing.assert_array_equal(hidden, drawn)


@pytest.mark.parametrize("seed", range(6))
def test_dark_region_is_the_connected_one_of_largest_mass(seed: int) -> None:
    generator = np.random.default_rng(seed)
    grey = ndimage.gaussian_filter(generator.normal(0, 60, (40, 50)), 2.0) + 60
    grey = grey.astype(np.float32)
    mask = (np.hypot(*(np.mgrid[:40, :50] - np.array([[[20.0]], [[25.0]]]))) < 19).astype(np.uint8)
    hidden = (generator.random((40, 50)) < 0.05).astype(np.uint8)
    threshold = 58.0
    order = np.empty(40 * 50, np.int32)
    first, last, n_dark = dark_region(grey, mask, hidden, threshold, np.empty((40, 50), np.uint8), order)
    dark = (grey < threshold) & (mask == 1) & (hidden == 0)
    labels, n = ndimage.label(dark | ((hidden == 1) & (mask == 1)))
    mass = ndimage.sum_labels(np.where(dark, threshold - grey, 0.0), labels, np.arange(1, n + 1))
    expected = np.flatnonzero(labels == 1 + int(np.argmax(mass)))
    np.testing.assert_array_equal(np.sort(order[first:last]), expected)
    assert n_dark == dark.sum()


def test_picture_without_dark_pixels_has_no_region() -> None:
    flat = np.full((12, 12), 90.0, np.float32)
    found = dark_region(
        flat, np.ones((12, 12), np.uint8), np.zeros((12, 12), np.uint8), 90.0, np.empty((12, 12), np.uint8),
        np.empty(144, np.int32),
    )  # fmt: skip
    assert tuple(found) == (0, 0, 0)


@pytest.mark.parametrize("with_spots", [False, True])
@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
def test_moments_equal_their_twin(picture: np.ndarray, sigma: float, with_spots: bool) -> None:
    spots = np.zeros(picture.shape, bool)
    if with_spots:
        spots[20:25, 38:44] = spots[40:44, 30:35] = True
    dark = (picture < 100.0) & ~spots
    ys, xs = np.nonzero(dark)
    spot_y, spot_x = np.nonzero(spots)
    result = np.empty(5)
    assert region_moments(
        xs.astype(np.float64),
        ys.astype(np.float64),
        100.0 - picture[dark],
        len(xs),
        spot_x.astype(np.float64),
        spot_y.astype(np.float64),
        len(spot_x),
        sigma,
        8,
        result,
    )
    mx, my, covariance = moments_twin(picture, spots, 100.0, sigma, 8)
    np.testing.assert_allclose(
        result, [mx, my, covariance[0, 0], covariance[0, 1], covariance[1, 1]], rtol=1e-9
    )


def test_eigen_ellipse_has_the_axes_of_the_covariance() -> None:
    covariance = np.array([[9.0, 2.0], [2.0, 5.0]])
    axes = np.empty(3)
    eigen_ellipse(covariance[0, 0], covariance[0, 1], covariance[1, 1], 2.0, axes)
    values, vectors = np.linalg.eigh(covariance)
    np.testing.assert_allclose(axes[:2], 2.0 * np.sqrt(values[::-1]))
    long_axis = vectors[:, 1]
    assert abs(np.cos(axes[2]) * long_axis[1] - np.sin(axes[2]) * long_axis[0]) < 1e-12


def test_two_standard_deviations_of_an_even_disc_are_its_radius() -> None:
    y, x = np.mgrid[:101, :101]
    inside = np.hypot(x - 50, y - 50) <= 30.0
    frames = np.where(inside, 0, 255).astype(np.uint8)[None]
    out = np.empty((1, 5))
    compat_moments(
        frames, 1.0, False, np.ones((101, 101), np.uint8), np.zeros((101, 101), np.uint8), 1.0, 2.0, out
    )
    assert np.pi * out[0, 2] * out[0, 3] == pytest.approx(inside.sum(), rel=2e-3)
    np.testing.assert_allclose(out[0, :2], 50.0, atol=1e-9)


def test_compatible_moments_equal_their_twin(picture: np.ndarray) -> None:
    frame = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    spots = np.zeros(frame.shape, bool)
    spots[20:25, 38:44] = True
    out = np.empty((1, 5))
    compat_moments(
        frame[None], 1.0, False, np.ones(frame.shape, np.uint8), spots.astype(np.uint8), 100.0, 1.8, out
    )
    mx, my, covariance = moments_twin(frame.astype(np.float64), spots, 100.0, 1.8, 5)
    short, long = 1.8 * np.sqrt(np.linalg.eigvalsh(covariance))
    np.testing.assert_allclose(out[0, :4], [mx, my, min(long, 2 * short), short], rtol=1e-9)


def test_compatible_moments_never_have_a_long_axis_above_twice_the_short() -> None:
    frame = np.full((40, 90), 200, np.uint8)
    frame[18:22, 10:80] = 10
    out = np.empty((1, 5))
    compat_moments(
        frame[None], 1.0, False, np.ones((40, 90), np.uint8), np.zeros((40, 90), np.uint8), 90.0, 2.0, out
    )
    assert out[0, 2] == pytest.approx(2.0 * out[0, 3])


def test_frame_without_dark_pixels_has_no_compatible_moments() -> None:
    out = np.empty((1, 5))
    blank = np.full((1, 20, 20), 200, np.uint8)
    compat_moments(
        blank, 1.0, False, np.ones((20, 20), np.uint8), np.zeros((20, 20), np.uint8), 90.0, 2.0, out
    )
    assert np.isnan(out).all()

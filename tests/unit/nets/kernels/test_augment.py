"""The compiled loops of augmentation beside the same sums in NumPy and SciPy."""

import numpy as np
import pytest
from scipy import fft, ndimage

from mystax.nets.kernels import augment
from mystax.nets.kernels.augment import block_loss
from tests.fixtures.inner import called

blur_rows_and_columns = called(augment.blur_rows_and_columns)
smear = called(augment.smear)
warp_crop = called(augment.warp_crop)

RNG = np.random.default_rng(3)
PICTURE = RNG.uniform(0, 255, (40, 40)).astype(np.float32)


def test_blur_equals_scipy() -> None:
    got = PICTURE.copy()
    blur_rows_and_columns(got, 1.3, np.empty_like(got))
    expected = ndimage.gaussian_filter(PICTURE.astype(float), 1.3, mode="nearest", radius=4)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-3)


def test_smear_along_a_row_is_a_running_mean() -> None:
    got = PICTURE.copy()
    smear(got, 4.0, 0.0, np.empty_like(got))
    expected = ndimage.uniform_filter1d(PICTURE.astype(float), 5, axis=1, mode="nearest")
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_block_loss_rounds_the_cosine_coefficients() -> None:
    got = PICTURE.copy()
    block_loss(got, 2.0)
    j, k = np.mgrid[:8, :8]
    step = 2.0 * (4 + 3 * (j + k))
    for top in range(0, 40, 8):
        for left in range(0, 40, 8):
            block = PICTURE[top : top + 8, left : left + 8].astype(float)
            coefficients = fft.dctn(block, norm="ortho")
            expected = fft.idctn(np.rint(coefficients / step) * step, norm="ortho")
            near_half = np.abs(coefficients / step % 1 - 0.5).min() < 1e-4  # rounding may go either way
            if not near_half:
                np.testing.assert_allclose(got[top : top + 8, left : left + 8], expected, atol=2e-2)


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.1])
def test_warp_equals_scipy_inside(angle: float) -> None:
    image = ndimage.gaussian_filter(RNG.uniform(0, 255, (50, 50)), 2).astype(np.uint8)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, -s, 24.5 - 24.5 * c + 24.5 * s], [s, c, 24.5 - 24.5 * s - 24.5 * c]])
    out, valid = np.empty((50, 50), np.float32), np.empty((50, 50), np.bool_)
    warp_crop(image, valid, False, matrix, False, out, valid)
    y, x = np.mgrid[:50, :50]
    at_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]
    at_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]
    expected = ndimage.map_coordinates(image.astype(float), [at_y, at_x], order=1, mode="nearest")
    np.testing.assert_allclose(out[valid], expected[valid], atol=0.1)
    np.testing.assert_array_equal(valid, (abs(at_x - 24.5) <= 25) & (abs(at_y - 24.5) <= 25))


def test_shrinking_warp_averages_instead_of_skipping() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 200
    out, valid = np.empty((32, 32), np.float32), np.empty((32, 32), np.bool_)
    matrix = np.array([[2.0, 0, 0.5], [0, 2.0, 0.5]])
    warp_crop(stripes, valid, False, matrix, False, out, valid)
    np.testing.assert_allclose(out[:, 1:-1], 100.0, atol=1e-3)

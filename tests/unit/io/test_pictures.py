"""Pictures for a screen: levels, sizes and forms."""

import io

import numpy as np
import pytest
from PIL import Image

from mystax.io.pictures import encoded, in_window, window_of

RAMP = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8)


def read(body: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(body)))


def test_png_keeps_every_level() -> None:
    np.testing.assert_array_equal(read(encoded(RAMP, form="png")), RAMP)


def test_png_keeps_colours() -> None:
    colours = np.stack([RAMP, RAMP[::-1], 255 - RAMP], axis=-1)
    np.testing.assert_array_equal(read(encoded(colours, form="png")), colours)


def test_jpeg_is_near_and_better_with_more_quality() -> None:
    errors = [np.abs(read(encoded(RAMP, quality=q)).astype(int) - RAMP).mean() for q in (20, 60, 95)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1


def test_a_smaller_picture_is_the_mean_of_blocks() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (48, 64)).astype(np.uint8)
    small = read(encoded(noise, form="png", width=32))
    mean = noise.reshape(24, 2, 32, 2).mean(axis=(1, 3))
    assert small.shape == (24, 32)
    assert np.abs(small - mean).max() <= 1  # rows and columns are rounded one after the other


@pytest.mark.parametrize("width", [64, 200, None])
def test_a_picture_is_never_made_larger(width: int | None) -> None:
    assert read(encoded(RAMP, form="png", width=width)).shape == RAMP.shape


def test_levels_of_a_deep_camera_are_spread() -> None:
    deep = np.array([[900, 1000, 1500, 2000, 2100]], np.uint16)
    np.testing.assert_array_equal(in_window(deep, 1000, 2000), [[0, 0, 128, 255, 255]])


def test_the_window_leaves_single_pixels_out() -> None:
    frames = np.full((4, 100, 100), 500, np.uint16)
    frames[:, :50] = 1500
    frames[0, 0, 0] = 65535
    assert window_of(frames) == (500.0, 1500.0)
    assert window_of(np.full((1, 9, 9), 7, np.uint16)) == (7.0, 8.0)
    assert window_of(np.empty((0, 9, 9), np.uint16)) == (0.0, 255.0)

"""The compiled loops of the scene against plain NumPy."""

import numpy as np
import pytest
from scipy.ndimage import convolve, map_coordinates

from mystax.synth.kernels.scene import draw_hairs, expose, line_integral, move_picture, paste_texture
from mystax.synth.texture import speckle


def ramp(shape: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.asarray(2.0 * x + 3.0 * y, np.float32)


def test_a_moved_picture_equals_linear_interpolation() -> None:
    canvas = np.random.default_rng(0).uniform(0, 200, (20, 24)).astype(np.float32)
    weight = np.random.default_rng(1).uniform(0, 1, canvas.shape).astype(np.float32)
    moved, none = np.empty_like(canvas), np.zeros_like(canvas)
    move_picture(canvas, weight, np.array([1.7, -2.2]), none, np.zeros(2), moved)
    y, x = np.mgrid[0:20, 0:24].astype(float)
    wanted = map_coordinates(
        canvas.astype(float), [y + 2.2 * weight, x - 1.7 * weight], order=1, mode="nearest"
    )
    np.testing.assert_allclose(moved[:17, 3:], wanted[:17, 3:], rtol=1e-4, atol=0.02)


def test_both_shifts_add_up() -> None:
    canvas, ones = ramp((20, 24)), np.ones((20, 24), np.float32)
    moved = np.empty_like(canvas)
    move_picture(canvas, ones, np.array([1.0, 0.0]), ones, np.array([0.5, 2.0]), moved)
    np.testing.assert_allclose(moved[5:-5, 5:-5], (canvas - 2.0 * 1.5 - 3.0 * 2.0)[5:-5, 5:-5], rtol=1e-5)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -5), (-70, 41)])
def test_a_whole_shift_of_a_texture_is_exact(x: int, y: int) -> None:
    texture = speckle((32, 40), 1.0, np.random.default_rng(2))
    picture = np.zeros((32, 40), np.float32)
    paste_texture(texture, float(x), float(y), np.ones((32, 40), np.float32), 0, 0, picture)
    np.testing.assert_array_equal(picture, np.roll(texture, (y, x), (0, 1)))


def test_a_part_of_a_shift_keeps_slow_waves() -> None:
    x = np.arange(64)
    texture = np.ascontiguousarray(np.broadcast_to(np.sin(2 * np.pi * x / 16), (64, 64)), dtype=np.float32)
    picture = np.zeros((64, 64), np.float32)
    paste_texture(texture, 2.37, -0.6, np.ones((64, 64), np.float32), 0, 0, picture)
    np.testing.assert_allclose(picture[10], np.sin(2 * np.pi * (x - 2.37) / 16), atol=0.005)


def test_cover_mixes_texture_and_picture_in_its_window() -> None:
    texture = np.full((8, 8), 100.0, np.float32)
    picture = np.full((10, 12), 20.0, np.float32)
    paste_texture(texture, 0.0, 0.0, np.full((3, 4), 0.25, np.float32), 5, 2, picture)
    assert (picture[2:5, 5:9] == 40.0).all()
    assert (picture == 20.0).sum() == 120 - 12


def test_noise_is_smeared_along_lines() -> None:
    noise = np.random.default_rng(4).standard_normal((16, 30)).astype(np.float32)
    out = np.empty_like(noise)
    line_integral(noise, np.zeros_like(noise), 4, out)
    steps = [*range(4), 0, *range(-1, -4, -1)]
    wanted = np.mean([np.roll(noise, -step, axis=1) for step in steps], axis=0)
    np.testing.assert_allclose(out[:, 5:-5], wanted[:, 5:-5], atol=1e-5)


def test_an_opaque_hair_covers_its_own_width() -> None:
    picture = np.zeros((21, 40), np.float32)
    points = np.array([[[5.0, 10.0], [15.0, 10.0], [35.0, 10.0]]])
    draw_hairs(points, 1.5, np.array([100.0]), np.array([1.0]), picture)
    assert picture[10, 6] > 90
    assert picture[10, 33] < picture[10, 6]
    assert (picture[:8] == 0).all()
    assert (picture[13:] == 0).all()


def test_hairs_outside_of_the_picture_do_no_harm() -> None:
    picture = np.zeros((10, 10), np.float32)
    draw_hairs(np.array([[[-30.0, -5.0], [-20.0, 40.0]]]), 1.0, np.array([9.0]), np.array([1.0]), picture)
    assert (picture == 0).all()


def test_optics_are_a_binomial_of_three_by_three() -> None:
    picture = np.random.default_rng(5).uniform(0, 255, (12, 15)).astype(np.float32)
    taken = np.empty(picture.shape, np.uint8)
    expose(picture, 1.0, np.uint64(1), 0.0, True, taken)
    line = np.array([0.25, 0.5, 0.25])
    wanted = convolve(picture.astype(float), np.outer(line, line), mode="nearest")
    assert np.abs(taken - wanted).max() <= 0.51


def test_light_multiplies_and_grey_ends_at_black_and_white() -> None:
    taken = np.empty((2, 3), np.uint8)
    expose(np.array([[0, 100, 200], [-50, 30, 250]], np.float32), 1.2, np.uint64(1), 0.0, False, taken)
    assert taken.tolist() == [[0, 120, 240], [0, 36, 255]]


def test_sensor_noise_has_its_standard_deviation_and_no_pattern() -> None:
    flat = np.full((200, 300), 128.0, np.float32)
    frames = np.empty((2, 200, 300), np.uint8)
    for k in range(2):
        expose(flat, 1.0, np.uint64(1000 + k), 6.0, False, frames[k])
    noise = frames.astype(float) - 128.0
    assert abs(noise.mean()) < 0.05
    assert noise.std() == pytest.approx(np.sqrt(36 + 1 / 12), rel=0.02)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[0, :, 1:].ravel(), noise[0, :, :-1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[0, 1:].ravel(), noise[0, :-1].ravel())[0, 1]) < 0.02


def test_noise_is_the_same_for_the_same_key() -> None:
    a, b = np.empty((2, 9, 9), np.uint8)
    flat = np.full((9, 9), 50.0, np.float32)
    expose(flat, 1.0, np.uint64(2**63 + 7), 5.0, False, a)
    expose(flat, 1.0, np.uint64(2**63 + 7), 5.0, False, b)
    np.testing.assert_array_equal(a, b)

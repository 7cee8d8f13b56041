"""Optics of the rendered camera: each flaw does what it is named for."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.synth.draws import Draw
from mystax.synth.kernels.optics import gauss, reduce, streak
from mystax.synth.optics import Optics, codes_of, draw_optics, expose_face, picture_of, resample

CLEAN = Optics(
    target=0.5, quantile=0.9, exposure=0.0, blur=0.0, defocus=0.3, field=1e9, motion=(0.0, 0.0), black=0.0,
    gamma=1.0, knee=0.99, flare=0.0, shot=0.0, read=0.0, pattern=0.0, vignette=(0.0, 0.5, 0.5), chain="clean",
    loss=0.5,
)  # fmt: skip
SIZE = 64


def shot(luminance: np.ndarray, optics: Optics, seed: int = 1, depth: float = 2.0) -> np.ndarray:
    """Picture of a luminance, in focus at depth 2."""
    far = np.full(luminance.shape, depth, np.float32)
    return picture_of(luminance.astype(np.float32), far, 1, optics, 1.0, 2.0, 5, np.array([seed], np.uint64))


@pytest.fixture
def point() -> np.ndarray:
    picture = np.zeros((SIZE, SIZE))
    picture[32, 32] = 0.9
    return picture


def test_clean_optics_keep_the_luminance() -> None:
    ramp = np.tile(np.linspace(0.05, 0.9, SIZE), (SIZE, 1))
    np.testing.assert_allclose(shot(ramp, CLEAN), ramp, atol=1e-5)


def test_gamma_and_black_bend_the_greys() -> None:
    grey = shot(np.full((SIZE, SIZE), 0.25), replace(CLEAN, gamma=0.5, black=0.1))
    np.testing.assert_allclose(grey, 0.1 + 0.9 * 0.5, atol=1e-5)


def test_bright_light_saturates_at_one() -> None:
    grey = shot(np.full((SIZE, SIZE), 30.0), CLEAN)
    np.testing.assert_allclose(grey, 1.0, atol=1e-3)


def test_blur_spreads_a_point_by_its_standard_deviation(point: np.ndarray) -> None:
    grey = shot(point, replace(CLEAN, blur=8.0)).astype(float)
    v, u = np.mgrid[:SIZE, :SIZE]
    weight = grey / grey.sum()
    assert np.sqrt((weight * (u - 32) ** 2).sum()) == pytest.approx(8.0 * SIZE / 256, rel=0.08)
    assert (weight * v).sum() == pytest.approx(32, abs=0.01)


def test_motion_blur_is_a_line(point: np.ndarray) -> None:
    grey = shot(point, replace(CLEAN, motion=(20.0, 0.0)))
    rows, columns = np.nonzero(grey > 1e-3)
    assert set(rows.tolist()) == {32}
    assert np.ptp(columns) == pytest.approx(20 * SIZE / 256, abs=1)


def test_what_lies_out_of_focus_is_softer(point: np.ndarray) -> None:
    lens = replace(CLEAN, defocus=10.0, field=0.3)
    assert shot(point, lens, depth=2.0).max() > 3 * shot(point, lens, depth=4.0).max()


def test_noise_has_its_size_and_differs_between_pictures() -> None:
    flat = np.full((SIZE, SIZE), 0.5)
    noisy = replace(CLEAN, read=0.03)
    one, other = shot(flat, noisy, 1), shot(flat, noisy, 3)
    assert one.std() == pytest.approx(0.03, rel=0.1)
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(0, abs=0.1)


def test_shot_noise_grows_with_the_light() -> None:
    noisy = replace(CLEAN, shot=0.05)
    dark, bright = (shot(np.full((SIZE, SIZE), level), noisy).std() for level in (0.04, 0.64))
    assert bright / dark == pytest.approx(4, rel=0.2)


def test_the_fixed_pattern_belongs_to_the_sensor() -> None:
    flat, striped = np.full((SIZE, SIZE), 0.5), replace(CLEAN, pattern=0.02)
    one, other = shot(flat, striped, 1), shot(flat, striped, 3)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one.std() > 0.01


def test_vignettes_darken_the_edge() -> None:
    grey = shot(np.full((SIZE, SIZE), 0.5), replace(CLEAN, vignette=(1.0, 0.5, 0.5)))
    assert grey[32, 32] == pytest.approx(0.5, abs=0.01)
    assert grey[0, 0] == pytest.approx(0.25, abs=0.02)


def test_compression_loses_the_finest_detail_first() -> None:
    generator = np.random.default_rng(1)
    noise = 0.5 + 0.05 * generator.standard_normal((SIZE, SIZE))
    lossy = shot(noise, replace(CLEAN, chain="compressed", loss=1.0))
    assert lossy.std() < 0.65 * noise.std()
    blocks = lossy.reshape(8, 8, 8, 8).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks, noise.reshape(8, 8, 8, 8).mean(axis=(1, 3)), atol=0.01)


def test_resampling_keeps_places() -> None:
    x = np.tile(np.arange(SIZE, dtype=np.float32), (SIZE, 1))
    again = resample(x, 2.0)
    np.testing.assert_allclose(again[8:-8, 8:-8], x[8:-8, 8:-8] + 0.5, atol=0.51)


def test_interlaced_lines_are_shifted() -> None:
    bar = np.zeros((SIZE, SIZE))
    bar[:, 20:30] = 0.8
    grey = shot(bar, replace(CLEAN, chain="interlaced", loss=0.5))
    assert np.argmax(grey[1] > 0.5) - np.argmax(grey[0] > 0.5) == 2


def test_faces_are_exposed_to_the_target() -> None:
    luminance = np.linspace(0, 2, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.float32)
    parts = np.ones((SIZE, SIZE), np.uint8)
    exposure = expose_face(luminance, parts, CLEAN)
    assert exposure * np.quantile(luminance, 0.9) == pytest.approx(0.5, rel=0.03)
    assert expose_face(luminance, parts, replace(CLEAN, exposure=3.0)) == 3.0
    assert expose_face(luminance, 0 * parts, CLEAN) == CLEAN.target


def test_blocks_are_averaged_and_take_the_nearest_depth() -> None:
    luminance = np.arange(16, dtype=np.float32).reshape(4, 4)
    out, near = np.empty((2, 2), np.float32), np.empty((2, 2), np.float32)
    reduce(luminance, luminance, 2, out, near)
    np.testing.assert_allclose(out, [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_allclose(near, [[0, 2], [8, 10]])


def test_blurs_keep_a_flat_picture() -> None:
    flat = np.full((20, 30), 0.7, np.float32)
    out, buffer = np.empty_like(flat), np.empty_like(flat)
    gauss(flat, 2.5, out, buffer)
    np.testing.assert_allclose(out, flat, rtol=1e-5)
    streak(flat, 5.0, 2.0, out)
    np.testing.assert_allclose(out, flat, rtol=1e-5)


def test_only_shifted_cameras_are_interlaced() -> None:
    ordinary = {draw_optics(Draw((k,))).chain for k in range(200)}
    shifted = {draw_optics(Draw((k,), "shifted")).chain for k in range(60)}
    assert ordinary == {"clean", "compressed", "resampled", "striped"}
    assert "interlaced" in shifted


@pytest.mark.parametrize(("bits", "kind"), [(8, np.uint8), (10, np.uint16), (16, np.uint16)])
def test_greys_become_codes_of_a_depth(bits: int, kind: type) -> None:
    codes = codes_of(np.array([[0.0, 0.25, 1.0]], np.float32), bits)
    assert codes.dtype == kind
    assert codes.tolist() == [[0, round(0.25 * (2**bits - 1)), 2**bits - 1]]


@pytest.mark.parametrize("bits", [7, 17])
def test_depths_that_do_not_exist_are_refused(bits: int) -> None:
    with pytest.raises(ParameterError, match="bits"):
        codes_of(np.zeros((1, 1), np.float32), bits)

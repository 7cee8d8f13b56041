"""Coats and hairs: plausible numbers, hairs that lie backwards and stay on the fur."""

import numpy as np
import pytest

from mystax.synth.draws import Draw
from mystax.synth.fur import draw_coat, root_hairs
from mystax.synth.kernels.fur import draw_fur, draw_whiskers
from mystax.synth.kernels.head import FAR, lid_value

SIZE = 80
LENS = np.array([400.0, 39.5, 39.5, 0.0, 0.0, 4.0])
TURN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
PLACE = np.array([-1.0, 0.0, 8.0])
"""A camera that looks along y; x is to the right, z up; the middle of the picture is (1, 0, 0)."""
GRAINS = np.zeros((32, 32, 32), np.float32)


def wall(part: int = 1) -> tuple[np.ndarray, ...]:
    """Buffers of a flat wall at depth 8 with normals towards the camera."""
    depth = np.full((SIZE, SIZE), 8.0, np.float32)
    parts = np.full((SIZE, SIZE), part, np.uint8)
    uv = np.full((SIZE, SIZE, 2), 100.0, np.float32)
    light, albedo = np.ones((SIZE, SIZE), np.float32), np.ones((SIZE, SIZE), np.float32)
    return depth, parts, uv, light, albedo, np.zeros((SIZE, SIZE), np.float32)


def comb(pixels: tuple[np.ndarray, ...], strands: int = 300, **changes: float) -> np.ndarray:
    """Draw fur over a wall and give the luminance."""
    normals = np.zeros((SIZE, SIZE, 3), np.float32)
    normals[..., 1] = -1
    hair = np.array([0.3, 1.0, 0.2, 0.02, 0.9, 1.0, 0.9, 0.0, 0.0, 0.0])
    for name, value in changes.items():
        hair[{"tilt": 2, "spread": 3}[name]] = value
    eye = (np.array([9.0, 9.0, 9.0]), np.eye(3), 0.1)
    lid = np.array([0.1, 0.1, 0.1, 0.5])
    key, view = np.array([0.0, -1.0, 0.0]), (LENS, TURN, PLACE)
    state = np.array([77], np.uint64)
    pad = np.array([9.0, 9.0, 9.0, 0.1])
    draw_fur(view, pixels, normals, key, eye, lid, pad, hair, 17.0, strands, GRAINS, 0.0, state)
    return pixels[-1]


def stroke(p0: tuple[float, ...], p1: tuple[float, ...], value: float, blend: float) -> np.ndarray:
    """One whisker over a grey picture."""
    middle = (np.array(p0) + np.array(p1)) / 2
    line = np.array([[*p0, *middle, *p1, 0.03, value, 1.0, blend]])
    depth, luminance = np.full((SIZE, SIZE), 1e9, np.float32), np.full((SIZE, SIZE), 0.4, np.float32)
    draw_whiskers(line, depth, LENS, TURN, PLACE, np.array([5], np.uint64), luminance)
    return luminance


def test_hairs_cover_fur() -> None:
    assert (comb(wall()) > 0.3).mean() > 0.4


def test_hairs_do_not_grow_on_things_or_globes() -> None:
    for part in (0, 4, 5, 6, 7):
        assert not comb(wall(part)).any(), part


def test_the_naked_nose_has_no_hairs() -> None:
    pixels = wall()
    pixels[2][..., 0] = 10.0
    assert not comb(pixels).any()


def test_hairs_lie_backwards() -> None:
    pixels = wall()
    pixels[1][:, 40:] = 7
    picture = comb(pixels, spread=0.01)
    assert picture[:, 42:50].any()
    pixels = wall()
    pixels[1][:, :40] = 7
    assert picture[:, 42:50].sum() > 10 * comb(pixels, spread=0.01)[:, 30:38].sum()


def test_hairs_are_hidden_by_what_stands_before_them() -> None:
    pixels = wall()
    pixels[0][:, 40:], pixels[1][:, 40:] = 7.0, 7
    assert not comb(pixels, spread=0.01)[:, 42:].any()


def test_fewer_strands_cover_less() -> None:
    assert (comb(wall(), 30) > 0.3).mean() < 0.5 * (comb(wall(), 300) > 0.3).mean()


def test_no_strands_change_nothing() -> None:
    assert not comb(wall(), 0).any()


def test_a_bright_whisker_is_drawn_along_its_line() -> None:
    picture = stroke((0.4, 0.0, 0.0), (1.6, 0.0, 0.0), 1.0, 1.0)
    rows, columns = np.nonzero(picture > 0.5)
    assert abs(rows.mean() - 39.5) < 1
    assert columns.min() == pytest.approx(39.5 - 0.6 * 50, abs=2)


def test_a_whisker_tapers() -> None:
    picture = stroke((0.4, 0.0, 0.0), (1.6, 0.0, 0.0), 1.0, 1.0) - 0.4
    assert picture[:, 12:20].sum() > 2 * picture[:, 58:66].sum()


def test_a_dark_whisker_takes_light_away() -> None:
    picture = stroke((0.4, 0.0, 0.0), (1.6, 0.0, 0.0), 0.8, 0.0)
    assert picture.max() <= 0.4
    assert picture.min() < 0.2


def test_a_bright_whisker_never_darkens_what_is_brighter() -> None:
    assert (stroke((0.4, 0.0, 0.0), (1.6, 0.0, 0.0), 0.1, 1.0) == np.float32(0.4)).all()


def test_a_solid_whisker_is_seen_before_what_is_brighter() -> None:
    assert stroke((0.4, 0.0, 0.0), (1.6, 0.0, 0.0), 0.1, 2.0).min() < 0.2


def test_whiskers_towards_the_camera_are_left_out() -> None:
    assert (stroke((1.0, 0.0, 0.0), (1.0, -7.5, 0.2), 1.0, 1.0) == np.float32(0.4)).all()


def test_roots_are_even_over_the_area() -> None:
    u, v = np.linspace(0.2, np.pi - 0.2, 30)[:, None], np.arange(40)[None] * (2 * np.pi / 40)
    ball = np.stack([-np.cos(u) + 0 * v, np.sin(u) * np.sin(v), np.sin(u) * np.cos(v)], axis=2)
    roots = root_hairs(ball, 20_000, (0, 29), 3)
    heights = -np.cos(0.2 + roots[:, 0] * (np.pi - 0.4) / 29)  # Archimedes: area is even in height
    counts = np.histogram(heights, bins=6, range=(-np.cos(0.2), np.cos(0.2)))[0]
    np.testing.assert_allclose(counts, 20_000 / 6, rtol=0.08)
    assert roots[:, 1].max() < 40


def test_coats_span_dark_and_light() -> None:
    albedo = np.array([draw_coat(Draw((k,))).values[0] for k in range(300)])
    assert albedo.min() < 0.1
    assert albedo.max() > 0.75
    assert (albedo < 0.3).mean() > 0.3


def test_some_coats_are_patched() -> None:
    coats = [draw_coat(Draw((k,))) for k in range(300)]
    assert 0.1 < np.mean([coat.values[5] < 2 for coat in coats]) < 0.5


def test_lids_open_between_their_margins() -> None:
    lid = np.array([0.2, 0.12, 0.08, 0.5])
    assert lid_value(0.0, 0.119, lid) < 1 < lid_value(0.0, 0.121, lid)
    assert lid_value(0.0, -0.079, lid) < 1 < lid_value(0.0, -0.081, lid)
    assert lid_value(0.21, 0.0, lid) > 1
    assert lid_value(0.0, 0.0, np.array([0.2, -0.02, 0.02, 0.5])) > 1
    assert FAR > 2

"""Augmentation: points stay on what they mark, states follow, chance comes from the generator only."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.nets.augment import Augmentation, augment, mirror_order
from tests.fixtures.dots import draw_dots

STILL = Augmentation(
    rotation=0.0,
    scale=(1.0, 1.0),
    shift=0.0,
    mirror=0.0,
    open_border=0.0,
    occluder=0.0,
    degrade=0.0,
    light=0.0,
)


def _one_dot(x: float, y: float, size: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    xy = np.array([[x, y]], np.float32)
    return draw_dots(xy, size)[None], xy[None], np.full((1, 1), 2, np.uint8)


def _centroid(crop: np.ndarray) -> np.ndarray:
    """Return the centre (x, y) of what is brighter than the background."""
    weight = np.clip(crop - 0.35, 0, None)
    y, x = np.mgrid[: crop.shape[0], : crop.shape[1]]
    return np.asarray([(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()])


@pytest.mark.parametrize("size", [48, 96, 128])
@pytest.mark.parametrize("seed", range(6))
def test_points_stay_on_the_dots_they_mark(size: int, seed: int) -> None:
    image, xy, state = _one_dot(41.3, 55.8)
    ranges = replace(STILL, rotation=0.4, scale=(0.8, 1.25), shift=0.08, mirror=0.5, open_border=1.0)
    crops, places, _ = augment(
        image, xy, state, np.random.default_rng(seed), size=size, ranges=ranges, order=mirror_order(1, [])
    )
    assert _centroid(crops[0]) == pytest.approx(places[0, 0], abs=0.15)


def test_without_ranges_the_picture_is_only_normalised() -> None:
    image, xy, state = _one_dot(30, 60)
    crops, places, states = augment(
        image, xy, state, np.random.default_rng(0), size=96, ranges=STILL, order=mirror_order(1, [])
    )
    low, high = np.percentile(image[0, ::2, ::2].astype(float), [1, 99])
    np.testing.assert_allclose(crops[0], np.clip((image[0] - low) / (high - low), 0, 1.5), atol=2e-5)
    np.testing.assert_allclose(places, xy)
    assert states.tolist() == [[2]]


def test_mirror_swaps_pairs_and_leaves_the_others() -> None:
    xy = np.array([[[20, 30], [70, 31], [50, 80]]], np.float32)
    image = draw_dots(xy[0], 96)[None]
    state = np.array([[2, 1, 2]], np.uint8)
    ranges = replace(STILL, mirror=1.0)
    _, places, states = augment(
        image, xy, state, np.random.default_rng(0), size=96, ranges=ranges, order=mirror_order(3, [(0, 1)])
    )
    np.testing.assert_allclose(places[0], [[95 - 70, 31], [95 - 20, 30], [95 - 50, 80]], atol=1e-4)
    assert states.tolist() == [[1, 2, 2]]


def test_points_that_leave_the_crop_are_absent_and_unlabelled_ones_stay_unlabelled() -> None:
    xy = np.array([[[2, 48], [48, 48], [2, 48]]], np.float32)
    state = np.array([[2, 2, 255]], np.uint8)
    ranges = replace(STILL, scale=(1.4, 1.4))
    _, _, states = augment(
        draw_dots(xy[0], 96)[None],
        xy,
        state,
        np.random.default_rng(0),
        size=96,
        ranges=ranges,
        order=mirror_order(3, []),
    )
    assert states.tolist() == [[0, 2, 255]]


def test_points_under_an_occluder_become_invisible() -> None:
    y, x = np.mgrid[4:96:8, 4:96:8]
    xy = np.stack((x.ravel(), y.ravel()), axis=-1).astype(np.float32)[None].repeat(8, axis=0)
    image = np.full((8, 96, 96), 100, np.uint8)
    image[:, :48] = 140
    state = np.full(xy.shape[:2], 2, np.uint8)
    crops, _, states = augment(
        image,
        xy,
        state,
        np.random.default_rng(4),
        size=96,
        ranges=replace(STILL, occluder=1.0),
        order=mirror_order(xy.shape[1], []),
    )
    assert set(np.unique(states)) == {1, 2}
    for crop, points, state_of in zip(crops, xy.astype(int), states, strict=True):
        values = crop[points[:, 1], points[:, 0]]
        kept = np.zeros(len(values), np.bool_)
        for half in (points[:, 1] < 48, points[:, 1] >= 48):  # of one grey each, before the occluders
            levels, counts = np.unique(values[half], return_counts=True)
            kept |= half & (values == levels[np.argmax(counts)])
        assert kept[state_of == 2].mean() > 0.95
        assert kept[state_of == 1].mean() < 0.1


def test_same_generator_same_outcome_and_another_one_differs() -> None:
    image, xy, state = _one_dot(30, 60)
    three = (image.repeat(3, 0), xy.repeat(3, 0), state.repeat(3, 0))
    made = [
        augment(*three, np.random.default_rng(s), size=64, ranges=Augmentation(), order=mirror_order(1, []))[
            0
        ]
        for s in (5, 5, 6)
    ]
    np.testing.assert_array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).max() > 0.1
    assert np.abs(made[0][0] - made[0][1]).max() > 0.1


def test_crops_are_finite_and_in_range() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (16, 64, 64)).astype(np.uint8)
    xy = rng.uniform(0, 64, (16, 4, 2)).astype(np.float32)
    xy[0, 0] = np.nan
    state = np.full((16, 4), 2, np.uint8)
    state[0, 0] = 255
    crops, places, _ = augment(
        image, xy, state, rng, size=64, ranges=Augmentation(degrade=3.0), order=mirror_order(4, [])
    )
    assert np.isfinite(crops).all()
    assert np.isfinite(places).all()
    assert crops.min() >= 0
    assert crops.max() <= 1.5


def test_pixels_that_show_nothing_stay_zero() -> None:
    image, xy, state = _one_dot(60, 60)
    valid = np.ones(image.shape, np.bool_)
    valid[:, :30] = False
    crops, _, _ = augment(
        image,
        xy,
        state,
        np.random.default_rng(0),
        size=96,
        ranges=STILL,
        order=mirror_order(1, []),
        valid=valid,
    )
    assert (crops[0, :29] == 0).all()
    assert (crops[0, 60, 55:65] > 0).all()


def test_flat_picture_teaches_that_nothing_is_there() -> None:
    image = np.full((1, 64, 64), 90, np.uint8)
    crops, _, states = augment(
        image,
        np.full((1, 2, 2), 30, np.float32),
        np.array([[2, 255]], np.uint8),
        np.random.default_rng(0),
        size=64,
        ranges=STILL,
        order=mirror_order(2, []),
    )
    assert (crops == 0).all()
    assert states.tolist() == [[0, 255]]

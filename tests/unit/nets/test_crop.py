"""Crops: places, averages, edges, turns, and one scale of grey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.nets.crop import CropBox, crop_resize, frame_box, grey_span, normalise, normalise_crops
from tests.fixtures.dots import draw_dots


def _centroid(picture: np.ndarray) -> tuple[float, float]:
    """Return the centre (x, y) of what is brighter than the background."""
    weight = np.clip(picture - np.median(picture) - 5, 0, None)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return float((weight * x).sum() / weight.sum()), float((weight * y).sum() / weight.sum())


@pytest.mark.parametrize("side", [64.0, 100.0, 128.0, 201.5])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_dot_lies_where_the_box_says(side: float, turns: int) -> None:
    place = np.array([[88.3, 71.6]])
    frame = draw_dots(place, 200, radius=4)
    box = CropBox(50.25, 30.5, side, turns)
    crop, _ = crop_resize(frame, box, 128)
    assert _centroid(crop) == pytest.approx(box.to_crop(place, 128)[0], abs=0.05)


@given(
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
    side=st.floats(16, 900),
    turns=st.integers(-3, 5),
    size=st.sampled_from([128, 256]),
)
def test_places_go_to_the_crop_and_back(x: float, y: float, side: float, turns: int, size: int) -> None:
    box = CropBox(x, y, side, turns)
    points = np.array([[x + side / 3, y + side / 5], [x - 7, y + side + 3]])
    np.testing.assert_allclose(
        box.to_source(box.to_crop(points, size), size), points, atol=1e-6 * side + 1e-6
    )


def test_corners_of_the_crop_are_the_corners_of_the_box() -> None:
    box = CropBox(10.0, 20.0, 50.0)
    corners = box.to_source(np.array([[-0.5, -0.5], [255.5, 255.5]]), 256)
    np.testing.assert_allclose(corners, [[9.5, 19.5], [59.5, 69.5]])


def test_shrinking_is_the_mean_over_areas() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (96, 96)).astype(np.uint8)
    crop, valid = crop_resize(frame, CropBox(0, 0, 96), 32)
    np.testing.assert_allclose(crop, frame.reshape(32, 3, 32, 3).mean(axis=(1, 3)), rtol=1e-5)
    assert valid.all()


def test_shrinking_by_a_broken_factor_equals_the_integral_of_steps() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (60, 60)).astype(np.uint16)
    crop, _ = crop_resize(frame, CropBox(3.3, 5.1, 45.0), 32)

    def row_weights(start: float) -> np.ndarray:
        low = start - 0.5 + 45 / 32 * np.arange(32)[:, None]
        edges = np.arange(60)[None] - 0.5
        overlap = np.minimum(edges + 1, low + 45 / 32) - np.maximum(edges, low)
        return np.asarray(np.clip(overlap, 0, None) / (45 / 32))

    np.testing.assert_allclose(crop, row_weights(5.1) @ frame @ row_weights(3.3).T, rtol=1e-4)


def test_box_of_the_frames_own_size_copies_it() -> None:
    frame = np.random.default_rng(2).integers(0, 65535, (64, 64)).astype(np.uint16)
    crop, _ = crop_resize(frame, CropBox(0, 0, 64), 64)
    np.testing.assert_array_equal(crop, frame.astype(np.float32))


def test_enlarging_interpolates_linearly() -> None:
    frame = np.tile(np.arange(40, dtype=np.float32) * 3, (40, 1))
    crop, _ = crop_resize(frame, CropBox(5, 5, 20), 64)
    x = 5 + (np.arange(64) + 0.5) * 20 / 64 - 0.5
    np.testing.assert_allclose(crop[10], 3 * x, rtol=1e-5)


@pytest.mark.parametrize("side", [30.0, 200.0])
def test_pixels_outside_of_the_frame_are_not_valid_and_zero(side: float) -> None:
    frame = np.full((50, 80), 99, np.uint8)
    box = CropBox(-10.0, 30.0, side)
    crop, valid = crop_resize(frame, box, 64)
    y, x = np.mgrid[:64, :64]
    source = box.to_source(np.stack((x, y), axis=-1).astype(float), 64)
    inside = (np.abs(source[..., 0] - 39.5) <= 40) & (np.abs(source[..., 1] - 24.5) <= 25)
    np.testing.assert_array_equal(valid, inside)
    np.testing.assert_allclose(crop[inside], 99, rtol=1e-6)
    assert (crop[~inside] == 0).all()


def test_box_beside_the_frame_has_no_valid_pixel() -> None:
    _, valid = crop_resize(np.ones((20, 20), np.uint8), CropBox(500, 500, 30), 32)
    assert not valid.any()


def test_nan_spoils_the_pixels_that_touch_it_and_no_other() -> None:
    frame = np.ones((64, 64), np.float64)
    frame[20, 30] = np.nan
    crop, valid = crop_resize(frame, CropBox(0, 0, 64), 32)
    assert np.argwhere(~valid).tolist() == [[10, 15]]
    assert np.isfinite(crop).all()


def test_percentiles_become_zero_and_one() -> None:
    crop = np.random.default_rng(3).gamma(2.0, 20.0, (64, 64)).astype(np.float32)
    valid = np.ones((64, 64), np.bool_)
    valid[:, 50:] = False
    low, high = np.percentile(crop[::2, ::2][:, :25].astype(float), [1, 99])
    expected = np.where(valid, np.clip((crop - low) / (high - low), 0, 1.5), 0)
    assert normalise(crop, valid, 2.0)
    np.testing.assert_allclose(crop, expected, atol=1e-5)


@pytest.mark.parametrize("low", [0.0, 400.0])
def test_flat_crops_are_told_and_emptied(low: float) -> None:
    crop = np.full((32, 32), low, np.float32)
    crop[::2] += 1.9
    assert not normalise(crop, np.ones((32, 32), np.bool_), grey_span(np.dtype(np.uint8)))
    assert (crop == 0).all()


def test_nothing_valid_is_flat() -> None:
    crop = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    assert not normalise(crop, np.zeros((32, 32), np.bool_), 0.0)


def test_least_span_grows_with_the_depth() -> None:
    spans = [
        grey_span(np.dtype(np.uint8)),
        grey_span(np.dtype(np.uint16)),
        grey_span(np.dtype(np.uint16), 12),
        grey_span(np.dtype(np.float32)),
    ]
    assert spans == [2.0, 512.0, 32.0, 0.0]


def test_grey_scale_of_the_camera_does_not_matter() -> None:
    frame = draw_dots(np.array([[20.0, 40.0]]), 64)
    box = CropBox(0, 0, 64)
    made = []
    for version in (frame, frame.astype(np.uint16) * 256, frame.astype(np.float64) / 255):
        crop, valid = crop_resize(version, box, 64)
        normalise(crop, valid, grey_span(version.dtype))
        made.append(crop)
    np.testing.assert_allclose(made[0], made[1], atol=1e-5)
    np.testing.assert_allclose(made[0], made[2], atol=1e-5)


def test_light_outside_of_the_box_changes_nothing() -> None:
    frame = draw_dots(np.array([[60.0, 60.0]]), 128)
    bright = frame.copy()
    bright[:20, 90:] = 255
    box = CropBox(25.5, 30.0, 60.0)
    crops = [crop_resize(picture, box, 64)[0] for picture in (frame, bright)]
    np.testing.assert_array_equal(crops[0], crops[1])


@pytest.mark.parametrize(("height", "width"), [(323, 432), (64, 64), (100, 50)])
def test_frame_box_holds_the_frame_in_its_middle(height: int, width: int) -> None:
    box = frame_box(height, width)
    middle = box.to_source(np.array([[127.5, 127.5]]), 256)[0]
    np.testing.assert_allclose(middle, [(width - 1) / 2, (height - 1) / 2])
    assert box.side == max(height, width)


def test_ready_crops_are_normalised_like_any_other() -> None:
    images = np.random.default_rng(4).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    one, valid = crop_resize(images[1], CropBox(0, 0, 32), 32)
    normalise(one, valid, 2.0)
    np.testing.assert_array_equal(normalise_crops(images)[1], one)

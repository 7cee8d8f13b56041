"""Boxes cut out of frames as full-range grey."""

import numpy as np

from mystax.compute.crops import grey_crop, grey_unit, mask_in_box
from mystax.core.geometry import Box, Ellipse, Roi
from mystax.core.recording import FrameChunk, GreyMap


def chunk_of(codes: np.ndarray, grey_map: GreyMap, origin: tuple[int, int] = (0, 0)) -> FrameChunk:
    n = len(codes)
    codes.flags.writeable = False
    return FrameChunk(
        np.arange(n),
        np.arange(n) / 30.0,
        codes,
        grey_map,
        np.ones(n, bool),
        np.zeros(n, np.uint8),
        np.ones(n, bool),
        origin,
    )


def test_crop_of_full_range_frames_is_their_codes() -> None:
    codes = np.arange(2 * 6 * 8, dtype=np.uint8).reshape(2, 6, 8)
    found = grey_crop(chunk_of(codes, GreyMap.full()), Box(2, 1, 5, 4))
    np.testing.assert_array_equal(found, codes[:, 1:4, 2:5])


def test_crop_counts_from_the_origin_of_a_cut_chunk() -> None:
    codes = np.arange(2 * 6 * 8, dtype=np.uint8).reshape(2, 6, 8)
    found = grey_crop(chunk_of(codes, GreyMap.full(), (10, 20)), Box(12, 21, 15, 24))
    np.testing.assert_array_equal(found, codes[:, 1:4, 2:5])


def test_crop_of_limited_range_frames_equals_the_chunk_s_grey() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (3, 10, 10)).astype(np.uint8)
    chunk = chunk_of(codes, GreyMap.limited())
    np.testing.assert_array_equal(grey_crop(chunk, Box(0, 0, 10, 10)), chunk.data)


def test_crop_is_a_copy_even_of_the_whole_frame() -> None:
    codes = np.zeros((1, 4, 4), np.uint8)
    found = grey_crop(chunk_of(codes, GreyMap.full()), Box(0, 0, 4, 4))
    found[:] = 7
    assert codes.max() == 0


def test_unit_turns_the_highest_code_into_255_and_a_bit() -> None:
    assert grey_unit(8) == 1.0
    assert 1023 * grey_unit(10) == 255.75


def test_mask_in_a_box_is_that_part_of_the_mask_of_the_picture() -> None:
    roi = Roi("eye", "pupil", Ellipse(20.0, 15.0, 9.0, 6.0))
    box = Box(8, 12, 33, 30)
    inside = mask_in_box(roi, box)
    assert inside.dtype == np.uint8
    np.testing.assert_array_equal(inside.astype(bool), roi.mask((40, 50))[12:30, 8:33])

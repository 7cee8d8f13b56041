"""Tests of `mystax.io.video_pixels`: grey of every kind of pixel format, range, rotation, crop."""

import av
import numpy as np
import pytest
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.geometry import Box
from mystax.errors import ParameterError, VideoError
from mystax.io.video import picture_from_array
from mystax.io.video_pixels import (
    decide_range,
    grey_map_of,
    grey_of_rgb,
    plan_pixels,
    read_colour,
    read_grey,
    share_outside_limited,
)

RAMP = np.add.outer(np.arange(18) * 3, np.arange(34) * 5).astype(np.uint8)


def grey_of(picture: VideoFrame, rotation: int = 0, box: Box | None = None) -> np.ndarray:
    return np.array(read_grey(picture, plan_pixels(picture.format), rotation, box))


@pytest.mark.parametrize(
    "name", ["gray", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "nv12", "nv21", "yuva420p"]
)
def test_luma_of_eight_bits_is_plane_zero_unchanged(name: str) -> None:
    np.testing.assert_array_equal(grey_of(picture_from_array(RAMP, name)), RAMP)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("gray10le", 10),
        ("gray12le", 12),
        ("gray16le", 16),
        ("gray16be", 16),
        ("gray10be", 10),
        ("yuv420p10le", 10),
    ],
)
def test_deep_luma_keeps_all_its_codes(name: str, bits: int) -> None:
    codes = np.linspace(0, 2**bits - 1, 18 * 34).astype(np.uint16).reshape(18, 34)
    picture = picture_from_array(codes, name)
    assert plan_pixels(picture.format).bits == bits
    np.testing.assert_array_equal(grey_of(picture), codes)


@pytest.mark.parametrize(("name", "offset"), [("yuyv422", 0), ("yvyu422", 0), ("uyvy422", 1)])
def test_luma_between_colours_is_picked_out(name: str, offset: int) -> None:
    picture = VideoFrame(34, 18, name)
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    rows[:] = 77
    rows[:18, offset:68:2] = RAMP
    np.testing.assert_array_equal(grey_of(picture), RAMP)


@pytest.mark.parametrize(("name", "bits"), [("p010le", 10), ("p012le", 12), ("y210le", 10)])
def test_luma_at_the_top_of_sixteen_bits_is_moved_down(name: str, bits: int) -> None:
    codes = np.linspace(0, 2**bits - 1, 18 * 34).astype(np.uint16).reshape(18, 34)
    picture = VideoFrame(34, 18, name)
    plane = picture.planes[0]
    rows = np.frombuffer(memoryview(plane), "<u2").reshape(-1, plane.line_size // 2)
    step = 2 if name.startswith("y2") else 1
    rows[:18, : 34 * step : step] = codes << (16 - bits)
    np.testing.assert_array_equal(grey_of(picture), codes)


@pytest.mark.parametrize("name", ["rgb24", "bgr24", "bgr0", "rgba", "gbrp", "argb"])
def test_equal_colours_give_exactly_their_value(name: str) -> None:
    picture = picture_from_array(np.repeat(RAMP[..., None], 3, 2), name if name != "argb" else "rgb24")
    if name == "argb":
        picture = picture.reformat(format="argb")
    np.testing.assert_array_equal(grey_of(picture), RAMP)


@pytest.mark.parametrize("name", ["rgb24", "bgr24", "gbrp", "bgra"])
def test_colours_are_weighed_by_the_integer_formula(name: str) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (18, 34, 3)).astype(np.uint8)
    red, green, blue = (colours[..., k].astype(int) for k in range(3))
    expected = (4899 * red + 9617 * green + 1868 * blue + 8192) >> 14
    np.testing.assert_array_equal(grey_of(picture_from_array(colours, name)), expected)


def test_planes_of_deep_colours_keep_their_depth() -> None:
    codes = np.linspace(0, 1023, 18 * 34).astype(np.uint16).reshape(18, 34)
    picture = picture_from_array(np.repeat(codes[..., None], 3, 2), "gbrp10le")
    assert plan_pixels(picture.format).bits == 10
    np.testing.assert_array_equal(grey_of(picture), codes)


def test_one_bit_pictures_are_black_and_white() -> None:
    black_and_white = picture_from_array((RAMP > 100).astype(np.uint8) * 255, "gray").reformat(format="monob")
    assert set(np.unique(grey_of(black_and_white)).tolist()) == {0, 255}


@settings(deadline=None, max_examples=50)
@given(value=st.integers(0, 65535))
def test_grey_of_equal_colours_is_the_colour_in_sixteen_bits(value: int) -> None:
    plane = np.full((2, 2), value, np.uint16)
    assert np.array_equal(grey_of_rgb(plane, plane, plane), plane)


@pytest.mark.parametrize("name", ["grayf32le", "gbrpf32le"])
def test_floating_point_formats_are_refused(name: str) -> None:
    with pytest.raises(VideoError, match="V104"):
        plan_pixels(VideoFormat(name))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_counter_clockwise(rotation: int) -> None:
    np.testing.assert_array_equal(
        grey_of(picture_from_array(RAMP, "gray"), rotation), np.rot90(RAMP, rotation // 90)
    )


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("name", ["yuv420p", "gbrp", "rgb24"])
def test_box_is_a_part_of_the_displayed_picture(name: str, rotation: int) -> None:
    colour = name in ("gbrp", "rgb24")
    picture = picture_from_array(np.repeat(RAMP[..., None], 3, 2) if colour else RAMP, name)
    whole = grey_of(picture, rotation)
    np.testing.assert_array_equal(grey_of(picture, rotation, Box(3, 2, 15, 11)), whole[2:11, 3:15])


def test_odd_sizes_are_cropped_to_what_they_say() -> None:
    picture = picture_from_array(RAMP[:17, :33], "yuv420p")
    assert picture.planes[0].line_size > 33
    np.testing.assert_array_equal(grey_of(picture), RAMP[:17, :33])


def test_luma_is_read_without_a_copy() -> None:
    picture = picture_from_array(RAMP, "yuv420p")
    view = read_grey(picture, plan_pixels(picture.format))
    assert not view.flags.owndata


def test_colours_for_display_are_turned_like_the_grey() -> None:
    picture = picture_from_array(np.repeat(RAMP[..., None], 3, 2), "rgb24")
    np.testing.assert_array_equal(read_colour(picture, 90)[..., 1], np.rot90(RAMP))


@pytest.mark.parametrize(
    ("name", "tag", "expected"),
    [
        ("yuv420p", 0, ("limited", "assumed")),
        ("yuv420p", 1, ("limited", "tag")),
        ("yuv420p", 2, ("full", "tag")),
        ("yuvj420p", 0, ("full", "format")),
        ("gray", 0, ("full", "format")),
        ("gray10le", 1, ("limited", "tag")),
        ("rgb24", 1, ("full", "format")),
        ("gbrp", 0, ("full", "format")),
        ("pal8", 0, ("full", "format")),
        ("monow", 0, ("full", "format")),
    ],
)
def test_range_follows_tag_then_format_then_convention(
    name: str, tag: int, expected: tuple[str, str]
) -> None:
    assert decide_range(VideoFormat(name), tag) == expected


@pytest.mark.parametrize("word", ["full", "limited"])
def test_the_word_of_the_user_beats_the_tag(word: str) -> None:
    assert decide_range(VideoFormat("yuv420p"), 1, word) == (word, "user")


def test_unknown_word_for_the_range_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401.*grey_range"):
        decide_range(VideoFormat("gray"), 0, "wide")


def test_limited_codes_become_full_grey() -> None:
    table = grey_map_of("limited", 8).table()
    assert table[[0, 16, 235, 255]].tolist() == [0, 0, 255, 255]
    assert len(np.unique(table[16:236])) == 220


def test_limited_codes_of_ten_bits_keep_their_levels() -> None:
    assert len(np.unique(grey_map_of("limited", 10).table()[64:941])) == 877


def test_share_outside_counts_codes_below_black_and_above_white() -> None:
    codes = np.array([[15, 16, 235, 236]], np.uint8)
    assert share_outside_limited(codes, 8) == 0.5
    assert share_outside_limited(codes.astype(np.uint16) * 4, 10) == 0.5


def test_library_is_the_one_that_the_door_uses() -> None:
    assert av.library_versions["libavcodec"][0] >= 61

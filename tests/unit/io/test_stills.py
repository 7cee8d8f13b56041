"""Single pictures: read in grey at their depth, written without loss, hostile ones refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from mystax.errors import FormatError, RecipeError
from mystax.io.stills import is_still, png_of, read_still, still_size

DEPTHS = st.sampled_from([np.uint8, np.uint16])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DEPTHS.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))))
def test_written_picture_is_read_as_the_same(tmp_path: Path, pixels: np.ndarray) -> None:
    (tmp_path / "a.png").write_bytes(png_of(pixels))
    found = read_still(tmp_path / "a.png")
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)
    assert still_size(tmp_path / "a.png") == pixels.shape


def test_colours_become_grey_by_the_usual_weights(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    expected = colours @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_still(tmp_path / "a.png") - expected).max() <= 1


@pytest.mark.parametrize("suffix", ["jpg", "bmp", "tif"])
def test_other_kinds_of_pictures_are_read(tmp_path: Path, suffix: str) -> None:
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (16, 1))
    Image.fromarray(ramp).save(tmp_path / f"a.{suffix}")
    assert is_still(tmp_path / f"a.{suffix}")
    assert np.abs(read_still(tmp_path / f"a.{suffix}").astype(int) - ramp).max() <= 4


def test_video_is_no_picture() -> None:
    assert not is_still("face.mp4")
    assert is_still("IMG.PNG")


def test_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403.*there is no such picture"):
        read_still(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a\x01\x00\x01\x00", b"hello"])
def test_other_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FormatError, match="F804"):
        read_still(tmp_path / "a.png")


def test_picture_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = png_of(np.random.default_rng(1).integers(0, 256, (60, 60), dtype=np.uint8))
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"F804.*a\.png"):
        read_still(tmp_path / "a.png")


RAMP = np.arange(480).reshape(24, 20)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
@pytest.mark.parametrize(("scale", "expected"), [(0.5, np.uint8), (100, np.uint16)])
def test_whole_grey_levels_of_wider_numbers_are_read_as_they_are(
    tmp_path: Path, kind: type, scale: float, expected: type
) -> None:
    levels = (RAMP * scale).astype(np.int64)
    Image.fromarray(levels.astype(kind)).save(tmp_path / "a.tif")
    found = read_still(tmp_path / "a.tif")
    assert found.dtype == expected
    np.testing.assert_array_equal(found, levels)


def test_dark_picture_of_sixteen_bits_stays_one(tmp_path: Path) -> None:
    for suffix in ("png", "tif"):
        Image.fromarray((RAMP // 2).astype(np.uint16)).save(tmp_path / f"a.{suffix}")
        assert read_still(tmp_path / f"a.{suffix}").dtype == np.uint16


@pytest.mark.parametrize(
    "levels", [RAMP / 479, RAMP + 0.25, RAMP - 1.0, RAMP * 200.0, np.where(RAMP == 7, np.nan, RAMP)]
)
def test_other_numbers_are_refused_with_their_range(tmp_path: Path, levels: np.ndarray) -> None:
    Image.fromarray(levels.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(FormatError, match=r"F804.*got float32 from .*16 bits"):
        read_still(tmp_path / "a.tif")


def test_picture_of_several_pages_is_refused_with_their_number(tmp_path: Path) -> None:
    first, *others = [Image.fromarray(np.full((9, 7), level, np.uint8)) for level in (10, 20, 30)]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    with pytest.raises(FormatError, match=r"F804.*a\.tif.*3 pages"):
        read_still(tmp_path / "a.tif")


def test_smaller_copies_that_cameras_add_are_no_pages(tmp_path: Path) -> None:
    whole, small = (Image.fromarray(np.full((side, side), 90, np.uint8)) for side in (64, 16))
    small.encoderinfo = {"tiffinfo": {254: 1}}  # NewSubfileType: a smaller copy
    whole.save(tmp_path / "a.tif", save_all=True, append_images=[small])
    whole.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[small])
    with Image.open(tmp_path / "a.jpg") as picture:
        assert getattr(picture, "n_frames", 1) == 2
    for name in ("a.tif", "a.jpg"):
        assert read_still(tmp_path / name).shape == (64, 64)


@pytest.mark.attack
@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it skips
def test_hostile_pages_are_refused_or_read_but_never_untyped(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    first, *others = [Image.fromarray(rng.integers(0, 256, (12, 10), np.uint8)) for _ in range(3)]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    whole, refused = (tmp_path / "a.tif").read_bytes(), 0
    for _ in range(300):
        changed = np.frombuffer(whole, np.uint8).copy()
        changed[rng.integers(len(changed), size=4)] = rng.integers(0, 256, 4)
        (tmp_path / "a.tif").write_bytes(changed.tobytes())
        try:
            read_still(tmp_path / "a.tif")
        except FormatError:
            refused += 1
    assert refused > 200


@pytest.mark.attack
def test_claimed_size_beyond_all_sense_is_refused_before_it_is_made(tmp_path: Path) -> None:
    small = png_of(np.zeros((4, 4), np.uint8))
    claimed = small[:16] + (60_000).to_bytes(4, "big") * 2 + small[24:]
    import zlib

    chunk = claimed[12:29]
    claimed = claimed[:29] + zlib.crc32(chunk).to_bytes(4, "big") + claimed[33:]
    (tmp_path / "a.png").write_bytes(claimed)
    with pytest.raises(FormatError, match="F80"):
        still_size(tmp_path / "a.png")

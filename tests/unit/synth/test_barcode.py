"""The barcode: what is written is read, and what is not written is not read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.core.recording import GreyMap
from mystax.synth.barcode import BARCODE_SHAPE, draw_barcode, read_barcode


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**24))
def test_every_number_is_read_back_modulo_a_million(number: int) -> None:
    assert read_barcode(draw_barcode(number)) == number % 2**20


def test_blocks_stand_row_by_row_most_significant_bit_first() -> None:
    # 0b1000...0: the first block is white; the check is 8 XOR 10 = 2: the last but one block is white.
    blocks = draw_barcode(2**19)[::6, ::6].ravel()
    assert blocks.tolist() == [224] + [32] * 21 + [224, 32]


def test_barcode_has_six_columns_and_four_rows_of_six_pixels() -> None:
    assert BARCODE_SHAPE == draw_barcode(0).shape == (24, 36)


@pytest.mark.parametrize("level", [0, 32, 127, 128, 224, 255])
def test_a_flat_corner_is_not_a_number(level: int) -> None:
    assert read_barcode(np.full((96, 96), level, np.uint8)) is None


def test_each_single_wrong_block_is_noticed() -> None:
    picture = draw_barcode(123456)
    for row in range(0, 24, 6):
        for column in range(0, 36, 6):
            wrong = picture.copy()
            wrong[row : row + 6, column : column + 6] ^= 32 ^ 224
            assert read_barcode(wrong) is None


def test_a_picture_smaller_than_the_barcode_is_not_a_number() -> None:
    assert read_barcode(draw_barcode(5)[:, :-1]) is None


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_pictures_are_read_with_and_without_their_depth(bits: int) -> None:
    deep = draw_barcode(777).astype(np.uint16) << (bits - 8)
    assert read_barcode(deep) == read_barcode(deep, bits) == 777


def test_limited_range_codes_taken_for_grey_are_still_read() -> None:
    codes = (draw_barcode(4242) / GreyMap.limited().gain + 16).round().astype(np.uint8)
    assert read_barcode(codes) == 4242


def test_noise_of_twenty_grey_levels_is_survived() -> None:
    rng = np.random.default_rng(0)
    for number in range(50):
        noisy = draw_barcode(number) + rng.normal(0, 20, (24, 36))
        assert read_barcode(np.clip(noisy, 0, 255).astype(np.uint8)) == number

"""Face boxes as text: only squares of possible numbers."""

import pytest

from mystax.errors import RoiError
from mystax.nets.box_text import parse_box
from mystax.nets.crop import CropBox


@pytest.mark.parametrize(
    "text",
    [
        "10,10,100,inf",
        "10,10,100,nan",
        "0,0,inf",
        "0,0,1e300",
        "0,0,2147483649",
        "-1e300,0,1e300",
        "nan,0,100",
        "0,-inf,100",
    ],
)
def test_numbers_that_no_frame_has_are_refused(text: str) -> None:
    with pytest.raises(RoiError, match="P402 face box"):
        parse_box(text, (323, 432))


def test_box_may_be_as_large_as_a_number_of_pixels() -> None:
    assert parse_box("-5,0,2147483648", (323, 432)) == CropBox(-5.0, 0.0, 2147483648.0)

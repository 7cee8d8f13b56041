"""Boards as texts: what is understood, and what is refused."""

import pytest

from mystax.core.board import board_from_text
from mystax.errors import ParameterError


def test_columns_and_rows_count_squares() -> None:
    board = board_from_text("checkerboard:10x7:20")
    assert board.inner == (9, 6)
    assert board.corners[0].tolist() == [20, 20, 0]
    assert board.corners[-1].tolist() == [180, 120, 0]


@pytest.mark.parametrize("text", ["charuco:10x7:17:13:4x4_50", "checkerboard:9x6:3.5"])
def test_text_is_read_back(text: str) -> None:
    assert board_from_text(text).text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "charuco",
        "paper:5x5:1",
        "charuco:2x7:17:13",
        "charuco:10x7:17:17",
        "charuco:10x7:17",
        "charuco:20x20:17:13",
        "charuco:10x7:17:13:9x9_50",
        "checkerboard:10:1",
        "checkerboard:10x7:-1",
        "checkerboard:10x7:1:1",
    ],
)
def test_impossible_board_is_refused(text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        board_from_text(text)
    assert refused.value.code == "P401"


def test_doubtful_unit_is_told() -> None:
    assert "unit" in board_from_text("checkerboard:10x7:0.017").doubt
    assert not board_from_text("checkerboard:10x7:17").doubt


def test_only_boards_with_even_sum_can_be_turned() -> None:
    assert board_from_text("checkerboard:9x7:1").is_turnable
    assert not board_from_text("checkerboard:10x7:1").is_turnable

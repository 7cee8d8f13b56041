"""Boards to print."""

from pathlib import Path

from mystax.core.board import board_from_text

__all__ = ["write_board"]


def write_board(text: str, path: str | Path) -> Path:
    """Write a board as a PDF of true size.

    Parameters
    ----------
    text : str
        The board, such as ``charuco:10x7:17:13``.
    path : path
        The file.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    ParameterError
        P401, if the board cannot be.
    ExtraMissing
        X001, if a board with markers is asked for and OpenCV is not installed.
    """
    from mystax.compute.cameras import draw_board
    from mystax.io.store import Store
    from mystax.plot.board import board_pdf

    board = board_from_text(text)
    place = Path(path)
    data = board_pdf(draw_board(board), board.square, board.columns, board.text())
    Store(place.parent).write_bytes(place.name, data)
    return place

"""Boards to print."""

from pathlib import Path

from mystax.core.board import board_from_text
from mystax.io.whole_files import refuse_existing

__all__ = ["write_board"]


def write_board(text: str, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a board as a PDF of true size.

    Parameters
    ----------
    text : str
        The board, such as ``charuco:10x7:17:13``.
    path : path
        The file.
    overwrite : bool, optional
        Replace a file of this name.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    ParameterError
        P401, if the board cannot be.
    RecipeError
        P403, if there is a file of this name.
    ExtraMissing
        X001, if a board with markers is asked for and OpenCV is not installed.
    """
    from mystax.compute.cameras import draw_board
    from mystax.io.store import Store
    from mystax.plot.board import board_pdf

    board = board_from_text(text)
    place = Path(path)
    refuse_existing([place], overwrite)
    data = board_pdf(draw_board(board), board.square, board.columns, board.text())
    Store(place.parent).write_bytes(place.name, data)
    return place

"""A calibration board as a page to print at true size, with a ruler to check the printer."""

import io

import numpy as np
from matplotlib.figure import Figure

from mystax.core.typing import UInt8

__all__ = ["board_pdf"]

INCH = 25.4
RULER = 100.0


def board_pdf(picture: UInt8[np.ndarray, "y x"], square: float, columns: int, text: str) -> bytes:
    """Return a PDF with the board in true size.

    Parameters
    ----------
    picture : array (y, x)
        The drawn board with a margin of one square on each side.
    square : float
        Side of a square [mm].
    columns : int
        Squares along x.
    text : str
        What stands below it.

    Returns
    -------
    bytes
        The file.
    """
    height, width = picture.shape
    scale = (columns + 2) * square / width
    page = width * scale + 20.0, height * scale + 40.0
    made = Figure(figsize=(page[0] / INCH, page[1] / INCH))
    axes = made.add_axes((10 / page[0], 30 / page[1], width * scale / page[0], height * scale / page[1]))
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.set_axis_off()
    ruler = min(RULER, page[0] - 30)
    below = made.add_axes((10 / page[0], 10 / page[1], ruler / page[0], 6 / page[1]))
    below.set_xlim(0, ruler)
    below.set_yticks([])
    below.set_xticks(np.arange(0, ruler + 1, 10))
    below.tick_params(labelsize=6)
    below.set_xlabel(f"mm; {text}", fontsize=6)
    stream = io.BytesIO()
    made.savefig(stream, format="pdf", metadata={"CreationDate": None})
    return stream.getvalue()

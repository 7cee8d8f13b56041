"""Names of regions in a picture: placed so that they cover neither each other nor the picture's edge."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mystax.core.typing import Float64
from mystax.plot.style import MILLIMETRE

__all__ = ["Labels"]

SIZE = 7.0
"""Of the type [pt]."""
Place = tuple[float, float, float, float]


class Labels:
    """The labels of one picture.

    Parameters
    ----------
    drawing : Figure
        The figure, for its size.
    axes : Axes
        Where to write.
    extent : tuple of four floats
        Left, right, bottom and top edge of the picture in source pixels.
    """

    def __init__(self, drawing: Figure, axes: Axes, extent: Place) -> None:
        self._axes, self._extent = axes, extent
        grid = axes.get_gridspec()
        n_columns = grid.ncols if grid is not None else 1
        inches = drawing.get_size_inches()[0] / n_columns - 14 * MILLIMETRE
        self._point = (extent[1] - extent[0]) / max(inches * 72, 1.0)
        self._taken: list[Place] = []

    def add(self, text: str, outline: Float64[np.ndarray, "point 2"], colour: str) -> None:
        """Write a label near an outline, where it hides the least.

        Parameters
        ----------
        text : str
            The label.
        outline : array (point, 2)
            Outline of the region in source pixels.
        colour : str
            Of the region.
        """
        width, height = 0.62 * SIZE * len(text) * self._point, 1.5 * SIZE * self._point
        place = min(self._candidates(outline, width, height), key=self._cost)
        self._taken.append(place)
        x, y = place[0] + width / 2, place[1] + height / 2
        box = {"facecolor": "black", "alpha": 0.72, "pad": 1.0, "edgecolor": colour, "linewidth": 0.8}
        self._axes.text(x, y, text, ha="center", va="center", color="white", fontsize=SIZE, bbox=box)

    def _candidates(
        self, outline: Float64[np.ndarray, "point 2"], width: float, height: float
    ) -> list[Place]:
        """List boxes around an outline as left, top, width and height, the best liked first."""
        left, top = outline.min(axis=0).tolist()
        right, bottom = outline.max(axis=0).tolist()
        middle, gap = (left + right) / 2 - width / 2, 0.3 * height
        found: list[Place] = []
        for step in range(4):  # farther away only where near places are taken
            away = gap + step * 1.15 * height
            for x in (middle, left, right - width):
                found += [(x, top - height - away, width, height), (x, bottom + away, width, height)]
            y = (top + bottom - height) / 2
            found += [(right + away, y, width, height), (left - width - away, y, width, height)]
        found.append((middle, top + gap, width, height))
        return [self._inside(place) for place in found]

    def _inside(self, place: Place) -> Place:
        """Move a box into the picture."""
        left, right, bottom, top = self._extent
        x = min(max(place[0], left), max(left, right - place[2]))
        y = min(max(place[1], top), max(top, bottom - place[3]))
        return (x, y, place[2], place[3])

    def _cost(self, place: Place) -> float:
        """Return how much of the labels before it a box covers."""
        return sum(_overlap(place, other) for other in self._taken)


def _overlap(one: Place, other: Place) -> float:
    """Return the area that two boxes share."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)

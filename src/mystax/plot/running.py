"""The chapter of `running`: speed and direction of the surface over time."""

from collections.abc import Sequence

import numpy as np

from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.series import trace
from mystax.plot.stack import HOLES, Stack, counted, regions_in_groups, summary
from mystax.plot.style import NamedFigure, series_colour, shown
from mystax.plot.tables import spread_table

__all__ = ["RUNNING", "running_figures"]


def running_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw the speed of the running surface, with its sign or its two directions."""
    found = []
    for number, group in enumerate(regions_in_groups(views, "speed")):
        stack = Stack(group, (1.0, 1.0))
        for view, k, name, (upper, lower), places in stack:
            speed = np.asarray(view.dataset["speed"].values[:, k])
            velocity = np.asarray(view.dataset["velocity"].values[:, k])
            upper.axhline(0, color="#5b5b5b", lw=0.5, zorder=1)
            trace(upper, places, speed, colour=series_colour(0))
            upper.set_title(f"{shown(view.title(name))}  ({counted(speed)})", loc="left")
            upper.set_ylabel("speed\n[px/s]")
            lower.axhline(0, color="#5b5b5b", lw=0.5, zorder=1)
            for axis, colour, label in ((0, 4, "x, to the right"), (1, 5, "y, down")):
                trace(lower, places, velocity[:, axis], colour=series_colour(colour), label=label)
            lower.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0)
            lower.set_ylabel("velocity\n[px/s]")
            stack.note(view, name, speed=speed, velocity_x=velocity[:, 0], velocity_y=velocity[:, 1])
            stack.words.append(f"{view.title(name)}: speed {summary(speed, 'px/s')}")
        text = (
            "Speed of the surface from the shift between neighbouring frames: along the forward direction "
            "where one is given (negative is backwards), else its length; below, its two parts. Shifts "
            f"without a clear peak of the correlation are missing. {HOLES}"
        )
        found.append(stack.done("running", number, "Running", text))
    return found


RUNNING = ChapterKind(
    "Running",
    "Shifts come from phase correlation (Reddy & Chatterji 1996, doi:10.1109/83.506761).",
    variable="speed",
    figures=running_figures,
    tables=lambda views: spread_table(views, ("speed",)),
)

"""The chapter of `motion`: energy over time, and where the picture moves."""

from collections.abc import Sequence

from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.regions import movement_figure
from mystax.plot.stack import HOLES, draw_traces
from mystax.plot.style import NamedFigure
from mystax.plot.tables import spread_table

__all__ = ["MOTION", "motion_figures"]


def motion_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw motion energy, its comparable form, and where the picture moves."""
    energy = draw_traces(
        views,
        "energy",
        "energy\n[grey levels]",
        "grey levels",
        "Motion energy",
        f"Mean absolute difference of neighbouring frames over the bins of each region. {HOLES}",
    )
    for item in energy:
        item.name = item.name.replace("energy", "motion", 1)
    normal = draw_traces(
        views,
        "energy_norm",
        "energy\n[1/s]",
        "1/s",
        "Motion energy, comparable between sessions",
        "Relative change of brightness per second with light and sensor noise taken off (energy_norm): take "
        "these values to compare sessions, lights or frame rates.",
        detail=True,
    )
    where = [figure for figure in [movement_figure(views)] if figure is not None]
    return [*energy, *where, *normal]


MOTION = ChapterKind(
    "Motion energy",
    "Energy is the mean absolute difference of block means; energy_norm takes off light and noise.",
    variable="energy",
    figures=motion_figures,
    tables=lambda views: spread_table(views, ("energy", "energy_norm", "brightness")),
)

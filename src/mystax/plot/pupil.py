"""The chapter of `pupil`: diameter and confidence over time, and fitted pupils."""

from collections.abc import Sequence

import numpy as np

from mystax.core.recording import FrameSource
from mystax.errors import MystaxError
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.regions import pupil_examples
from mystax.plot.series import trace
from mystax.plot.stack import HOLES, Stack, counted, draw_limit, regions_in_groups, summary
from mystax.plot.style import NamedFigure, series_colour, shown
from mystax.plot.tables import spread_table

__all__ = ["PUPIL", "fitted_pupils", "pupil_figures"]


def pupil_figures(views: Sequence[View]) -> list[NamedFigure]:
    """Draw diameter, raw and smoothed, and confidence."""
    found = []
    for number, group in enumerate(regions_in_groups(views, "diameter")):
        stack = Stack(group, (1.3, 0.6))
        for view, k, name, (upper, lower), places in stack:
            raw, smooth, sure = (
                np.asarray(view.dataset[variable].values[:, k])
                for variable in ("diameter", "diameter_smooth", "confidence")
            )
            trace(upper, places, raw, colour="#9a9a9a", label="each frame")
            trace(upper, places, smooth, colour=series_colour(0), label="smoothed", width=1.1)
            upper.set_title(f"{shown(view.title(name))}  ({counted(raw)})", loc="left")
            upper.set_ylabel("diameter\n[px]")
            if np.isfinite(raw).any():
                upper.legend(
                    frameon=False, loc="lower right", bbox_to_anchor=(1, 0.97), ncols=2, borderaxespad=0
                )
            trace(lower, places, sure, colour=series_colour(1))
            draw_limit(lower, view, "min_confidence")
            lower.set_ylim(-0.04, 1.04)
            lower.set_ylabel("confidence")
            stack.note(view, name, diameter=raw, diameter_smooth=smooth, confidence=sure)
            stack.words.append(f"{view.title(name)}: {summary(raw, 'px')}")
        text = (
            "Diameter of the circle with the area of the fitted ellipse. Frames below the confidence limit "
            f"(dashed) have no value: they are drawn as holes, never filled with an old value. {HOLES}"
        )
        found.append(stack.done("pupil", number, "Pupil diameter", text))
    return found


def fitted_pupils(seen: View, source: FrameSource) -> list[NamedFigure]:
    """Draw fitted pupils on their frames; none if the video went away meanwhile."""
    try:
        return pupil_examples(seen.dataset, source, seen.camera)
    except MystaxError:
        return []  # the traces stay without pictures


PUPIL = ChapterKind(
    "Pupil",
    "An ellipse is fitted to the rim found along rays (direct least squares, Fitzgibbon et al. 1999, "
    "doi:10.1109/34.765658) with robust weights.",
    variable="diameter",
    figures=pupil_figures,
    examples=fitted_pupils,
    tables=lambda views: spread_table(views, ("diameter", "diameter_scaled", "confidence")),
)

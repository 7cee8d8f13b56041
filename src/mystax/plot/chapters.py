"""All kinds of chapters, in the order of the page; an analysis without one has no place in the report."""

from collections.abc import Mapping, Sequence

from mystax.plot.blink import BLINK
from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.components import SVD
from mystax.plot.encoding import ENCODING
from mystax.plot.motion import MOTION
from mystax.plot.pictures import View
from mystax.plot.pose import POSE
from mystax.plot.pose3d import POSE3D
from mystax.plot.pupil import PUPIL
from mystax.plot.rois import ROIS
from mystax.plot.running import RUNNING
from mystax.plot.states import STATES
from mystax.plot.style import NamedFigure, style
from mystax.plot.tables import Table

__all__ = ["CHAPTERS", "facts_of", "figures_of"]

CHAPTERS: Mapping[str, ChapterKind] = {
    "rois": ROIS,
    "motion": MOTION,
    "svd": SVD,
    "pupil": PUPIL,
    "blink": BLINK,
    "running": RUNNING,
    "pose": POSE,
    "encoding": ENCODING,
    "states": STATES,
    "pose3d": POSE3D,
}
"""Name of the analysis to what the report knows about it."""


def figures_of(analysis: str, views: Sequence[View]) -> list[NamedFigure]:
    """Draw the figures of an analysis.

    Parameters
    ----------
    analysis : str
        Name of the analysis; one without figures of its own gives none.
    views : sequence of View
        Its outcomes, one per camera.

    Returns
    -------
    list of NamedFigure
        Empty where there is nothing to draw.
    """
    kind = CHAPTERS.get(analysis)
    if kind is None or kind.figures is None:
        return []
    with style():
        return kind.figures(views)


def facts_of(analysis: str, views: Sequence[View]) -> list[Table]:
    """Collect the numbers of an analysis.

    Parameters
    ----------
    analysis : str
        Name of the analysis.
    views : sequence of View
        Its outcomes, one per camera.

    Returns
    -------
    list of Table
        Empty for an analysis without numbers of its own.
    """
    kind = CHAPTERS.get(analysis)
    return [] if kind is None or kind.tables is None else kind.tables(views)

"""What the report knows about one kind of outcome: its words, figures and tables, in one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mystax.core.recording import FrameSource
from mystax.plot.pictures import View
from mystax.plot.style import NamedFigure
from mystax.plot.tables import Table

__all__ = ["ChapterKind"]


@dataclass(frozen=True, slots=True)
class ChapterKind:
    """A kind of chapter.

    Attributes
    ----------
    title : str
        Heading.
    method : str
        How the numbers were made, with the source.
    variable : str
        The variable that the examples of loading read; "" leaves the analysis out of them.
    figures : callable, optional
        Draws the figures of all cameras.
    examples : callable, optional
        Draws pictures from the video of one camera, where it is still there.
    tables : callable, optional
        Collects the numbers of all cameras.
    empty : str
        What is said where there is nothing to show.
    why_nothing : callable, optional
        Says why there is nothing to show of a camera; "" where there is something.
    """

    title: str
    method: str
    variable: str = ""
    figures: Callable[[Sequence[View]], list[NamedFigure]] | None = None
    examples: Callable[[View, FrameSource], list[NamedFigure]] | None = None
    tables: Callable[[Sequence[View]], list[Table]] | None = None
    empty: str = "There is nothing to show: no region gave a value."
    why_nothing: Callable[[View], str] | None = None

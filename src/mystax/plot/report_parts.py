"""What a report holds: its chapters, figures and remarks, before they become a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mystax.core.quality import Flag
from mystax.plot.clocks import CLOCK_HEAD
from mystax.plot.style import NamedFigure
from mystax.plot.tables import Table

__all__ = ["JOINT", "Chapter", "Report", "Section"]

JOINT = "all_cameras"
"""Group of the outcome over all cameras."""


@dataclass
class Section:
    """One outcome: an analysis of one camera.

    Attributes
    ----------
    name : str
        Analysis, with several cameras ``analysis/camera``.
    coverage : float
        Share of the frames that could be used.
    flags : list of Flag
        Remarks.
    parameters : dict
        All parameters.
    changed : dict
        Those that differ from the defaults.
    attributes : mapping
        Provenance.
    """

    name: str
    coverage: float
    flags: list[Flag]
    parameters: dict[str, Any]
    changed: dict[str, Any]
    attributes: Mapping[str, Any]


@dataclass
class Chapter:
    """What the page says about one analysis, over all cameras.

    Attributes
    ----------
    analysis : str
        Name of the analysis.
    sections : list of Section
        One per camera.
    figures : list of NamedFigure
        Figures.
    tables : list of Table
        Numbers.
    notes : list of str
        Why there is nothing to show of some cameras.
    """

    analysis: str
    sections: list[Section]
    figures: list[NamedFigure]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        """Smallest share of usable frames."""
        return min((section.coverage for section in self.sections), default=1.0)


@dataclass
class Report:
    """Everything that the page shows.

    Attributes
    ----------
    title : str
        Name of the recording.
    chapters : list of Chapter
        One per analysis.
    figures : list of NamedFigure
        Figures of the recording as a whole.
    flags : list of Flag
        All remarks, each once.
    clocks : Table
        Frames and times of each camera.
    timeline : NamedFigure, optional
        Missing frames and gaps, if there are any.
    """

    title: str
    chapters: list[Chapter] = field(default_factory=list)
    figures: list[NamedFigure] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    clocks: Table = field(default_factory=lambda: Table(CLOCK_HEAD, []))
    timeline: NamedFigure | None = None

    @property
    def sections(self) -> list[Section]:
        """All outcomes."""
        return [section for chapter in self.chapters for section in chapter.sections]

    @property
    def all_figures(self) -> list[NamedFigure]:
        """All figures, in the order of the page."""
        found = [*self.figures, *(item for chapter in self.chapters for item in chapter.figures)]
        return [*found, *([self.timeline] if self.timeline is not None else [])]

    @property
    def verdict(self) -> str:
        """One line: how many analyses, how many warnings, the first of them."""
        n, cameras = len(self.chapters), {section.name.partition("/")[2] for section in self.sections}
        cameras -= {"", JOINT}
        text = f"{n} analys{'is' if n == 1 else 'es'}"
        if len(cameras) > 1:
            text += f" of {len(cameras)} cameras"
        if not self.flags:
            return f"{text}, no warnings"
        first = self.flags[0].text.rstrip(".")
        more = f" (and {len(self.flags) - 1} more)" if len(self.flags) > 1 else ""
        return f"{text}, {len(self.flags)} warning{'s' if len(self.flags) > 1 else ''}: {first}{more}"

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the report: the same facts without the pictures."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "warnings": [flag.as_dict() for flag in self.flags],
            "figures": [item.name for item in self.all_figures],
            "clocks": _records(self.clocks),
            "analyses": [
                {
                    "name": chapter.analysis,
                    "facts": [_records(table) for table in chapter.tables],
                    "figures": [item.name for item in chapter.figures],
                }
                for chapter in self.chapters
            ],
            "outcomes": [
                {
                    "name": section.name,
                    "coverage": section.coverage,
                    "parameters": section.parameters,
                    "key": str(section.attributes.get("key", "")),
                    "content_sha256": str(section.attributes.get("content_sha256", "")),
                }
                for section in self.sections
            ],
        }


def _records(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.head, row, strict=True)) for row in table.rows]

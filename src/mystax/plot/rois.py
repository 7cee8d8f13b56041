"""The chapter of `rois`: what was proposed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mystax.plot.chapter_kind import ChapterKind
from mystax.plot.pictures import View
from mystax.plot.tables import Table, table_of

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["ROIS", "proposal_tables"]


def proposal_tables(views: Sequence[View]) -> list[Table]:
    """List the proposals with their confidence."""
    return table_of(("region", "kind", "confidence"), views, _proposed)


def _proposed(dataset: Dataset) -> list[tuple[str, ...]]:
    return [
        (str(roi), str(kind), f"{float(sure):.2f}")
        for roi, kind, sure in zip(
            *(dataset[name].values for name in ("roi", "roi_kind", "confidence")), strict=True
        )
    ]


ROIS = ChapterKind(
    "Proposed regions",
    "Regions were proposed from samples: the face by motion above sensor noise, the eye by contrast.",
    tables=proposal_tables,
    empty="Nothing was sure enough to be proposed: the whole frame was measured.",
)

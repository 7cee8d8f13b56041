"""Frames and times of each camera: rows of a table, and a timeline where frames are missing or gaps exist."""

from collections.abc import Sequence

import numpy as np

from mystax.core.recording import Reason
from mystax.plot.pictures import View
from mystax.plot.series import TimeAxis, gap_spans, spans
from mystax.plot.style import NamedFigure, figure, palette, shown, style

__all__ = ["CLOCK_HEAD", "clock_rows", "timeline_figure"]

CLOCK_HEAD = ("camera", "frames", "missing", "first [s]", "last [s]", "median interval [ms]", "gaps")

REASONS = {
    Reason.UNDECODABLE: ("undecodable", "could not be decoded"),
    Reason.CORRUPT: ("corrupt", "corrupt"),
    Reason.DOUBTFUL: ("doubtful", "depends on a damaged frame"),
    Reason.OTHER_SIZE: ("other_size", "of another size"),
    Reason.NO_TIME: ("no_time", "without a time"),
}


def clock_rows(views: Sequence[View]) -> list[tuple[str, ...]]:
    """Describe frames and times of each camera.

    Parameters
    ----------
    views : sequence of View
        One outcome per camera that has frames.

    Returns
    -------
    list of tuple of str
        Rows under `CLOCK_HEAD`.
    """
    rows: list[tuple[str, ...]] = []
    for view in views:
        times = np.asarray(view.dataset["time"].values, np.float64)
        known = times[np.isfinite(times)]
        n_missing = int((view.dataset["missing"].values != 0).sum())
        span = ("unknown", "unknown", "unknown", "unknown")
        if len(known) > 1:
            middle = float(np.median(np.diff(known)))
            n_gaps = len(gap_spans(times)[0])
            span = (f"{known[0]:.3f}", f"{known[-1]:.3f}", f"{1e3 * middle:.4g}", str(n_gaps))
        rows.append((view.camera or "the only one", str(len(times)), str(n_missing), *span))
    return rows


def timeline_figure(views: Sequence[View]) -> NamedFigure | None:
    """Draw when frames are missing and why, one bar per camera.

    Parameters
    ----------
    views : sequence of View
        One outcome per camera that has frames.

    Returns
    -------
    NamedFigure or None
        None where no frame is missing and no gap exists.
    """
    troubled = [view for view in views if (view.dataset["missing"].values != 0).any() or _n_gaps(view)]
    if not troubled:
        return None
    colours = palette()["frames"]
    numbers: dict[str, list[object]] = {"camera": [], "reason": [], "start": [], "length": []}
    words: list[str] = []
    with style():
        axis = TimeAxis([view.dataset for view in views])
        made = figure(20.0 + 9.0 * len(views))
        axes = made.subplots()
        kinds: dict[str, str] = {}
        for row, view in enumerate(views):
            places, missing = axis.places(view.dataset), view.dataset["missing"].values
            parts = {("good", "good"): spans(places, missing == 0), ("gap", "gap in time"): gap_spans(places)}
            for reason, names in REASONS.items():
                parts[names] = spans(places, missing == reason)
            for (key, meaning), (starts, lengths) in parts.items():
                if not len(starts):
                    continue
                bars = list(zip(starts.tolist(), lengths.tolist(), strict=True))
                axes.broken_barh(bars, (row - 0.35, 0.7), color=str(colours[key]), linewidth=0)
                kinds[meaning] = str(colours[key])
                numbers["camera"] += [view.camera] * len(bars)
                numbers["reason"] += [key] * len(bars)
                numbers["start"] += starts.tolist()
                numbers["length"] += lengths.tolist()
            words.append(
                f"{view.camera or 'the camera'}: {int((missing != 0).sum())} of {len(missing)} frames "
                f"missing, {_n_gaps(view)} gaps"
            )
        axes.set_yticks(range(len(views)), [shown(view.camera) or "frames" for view in views])
        axes.set_ylim(len(views) - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False)
        axes.set_xlabel(axis.label)
        axis.finish(axes)
        for meaning, colour in kinds.items():
            axes.plot([], [], "s", color=colour, label=meaning, ms=5)
        axes.legend(frameon=False, ncols=6, loc="lower left", bbox_to_anchor=(0, 1.0), handletextpad=0.2)
    return NamedFigure(
        "timeline",
        made,
        "Missing frames and gaps",
        "When frames are missing, and why. Short holes are drawn wider than they are, to be seen.",
        f"Timeline of frames. {'; '.join(words)}.",
        numbers,
    )


def _n_gaps(view: View) -> int:
    """Count gaps in time."""
    return len(gap_spans(np.asarray(view.dataset["time"].values, np.float64))[0])

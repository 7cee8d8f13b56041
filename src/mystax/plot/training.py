"""How a training went: the error on held-out frames at a few places on the way."""

from collections.abc import Sequence

import numpy as np

from mystax.plot.style import NamedFigure, figure, series_colour, style

__all__ = ["progress_figure"]


def progress_figure(curves: Sequence[Sequence[tuple[int, float]]]) -> NamedFigure:
    """Draw the mean error on held-out frames against the steps done, one line per fold.

    Parameters
    ----------
    curves : sequence of sequences of (int, float)
        Per fold: steps done and mean error [px@256].

    Returns
    -------
    NamedFigure
        A falling line that levels off is a training that was long enough.
    """
    with style():
        drawn = figure(60.0, width=85.0)
        axes = drawn.subplots()
        for number, curve in enumerate(curves):
            steps, errors = np.array(curve, np.float64).reshape(-1, 2).T
            axes.plot(steps, errors, "o-", color=series_colour(number), markersize=3, linewidth=1.0)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("steps")
        axes.set_ylabel("mean error [px@256]")
    longest = max((len(curve) for curve in curves), default=0)
    padded = np.full((2, len(curves), longest), np.nan)
    for number, curve in enumerate(curves):
        padded[:, number, : len(curve)] = np.array(curve, np.float64).reshape(-1, 2).T
    return NamedFigure(
        "progress",
        drawn,
        "The way there",
        "Mean error on the frames that were held out, one line per fold. Lines that still fall at their "
        "end would gain from more steps (--minutes).",
        f"Held-out error of {len(curves)} folds against steps.",
        {
            f"fold{k + 1}_{what}": padded[i, k]
            for k in range(len(curves))
            for i, what in enumerate(("step", "error"))
        },
    )

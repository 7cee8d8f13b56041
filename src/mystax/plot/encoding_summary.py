"""The figure of several recordings together: each one's explained variance and gain, and their mean."""

from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.plot.style import NamedFigure, figure, series_colour, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from xarray import Dataset
else:
    Axes = Dataset = Any

__all__ = ["summary_figure"]

PANELS = (("explained_variance", "summary", "explained variance"), ("gain", "gain_summary", "gain"))
BASELINE = "lagged-ridge"
WIDE = 0.22
"""How far the recordings of one model lie apart [models]."""


def summary_figure(dataset: Dataset) -> NamedFigure:
    """Draw each recording as a point per model, and mean with interval beside them.

    Parameters
    ----------
    dataset : Dataset
        The outcome `encoding_summary`.

    Returns
    -------
    NamedFigure
        Explained variance on the left, the gain over lagged-ridge on the right; points of one individual have
        one colour where individuals are the unit.
    """
    models = [str(model) for model in dataset["model"].values]
    unit, n_units = str(dataset.attrs["unit"]), int(dataset.attrs["n_units"])
    owners = [str(name) for name in dataset["individual"].values]
    colours = {owner: series_colour(k) for k, owner in enumerate(dict.fromkeys(owners))}
    made = figure(75)
    numbers: dict[str, np.ndarray] = {
        "recording": dataset["recording"].values,
        "individual": np.array(owners),
    }
    for axes, (each, mean, label) in zip(made.subplots(1, 2), PANELS, strict=True):
        shown_models = [model for model in models if each != "gain" or model != BASELINE]
        for place, model in enumerate(shown_models):
            values = np.asarray(dataset[each].sel(model=model).values, np.float64)
            _column(axes, place, values, [colours[owner] for owner in owners])
            _interval(axes, place, np.asarray(dataset[mean].sel(model=model).values, np.float64))
            numbers[f"{each}_{model}"] = values
        axes.axhline(0, color="black", lw=0.5)
        axes.set_xticks(range(len(shown_models)), [shown(model, 16) for model in shown_models])
        axes.set_xlim(-0.6, max(len(shown_models) - 0.4, 0.6))
        axes.set_ylabel(label if each != "gain" else f"gain over {BASELINE}")
    names = f"{len(owners)} recordings" + (f" of {n_units} individuals" if unit == "individual" else "")
    return NamedFigure(
        "encoding_summary",
        made,
        "Several recordings together",
        f"A point is the mean over the neurons of one recording ({names}); the bar is their mean with its "
        f"95 % interval, in which the {unit} is the unit that is drawn.",
        _words(dataset, models, names),
        numbers,
    )


def _column(axes: Axes, place: int, values: np.ndarray, colours: list[str]) -> None:
    """Draw the recordings of one model beside each other, in their order."""
    across = place - 0.1 + WIDE * (np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(1))
    axes.scatter(across, values, s=12, c=colours, linewidths=0)


def _interval(axes: Axes, place: int, spread: np.ndarray) -> None:
    """Draw mean and interval."""
    mean, low, high = spread
    axes.plot([place + 0.28] * 2, [low, high], color="black", lw=1.2)
    axes.plot([place + 0.2, place + 0.36], [mean] * 2, color="black", lw=1.8)


def _words(dataset: Dataset, models: list[str], names: str) -> str:
    """Say the means and intervals."""
    said = []
    for model in models:
        mean, low, high = (float(value) for value in dataset["summary"].sel(model=model).values)
        said.append(f"{model} {mean:.3f} ({low:.3f} to {high:.3f})")
    return f"Mean explained variance over {names}: " + "; ".join(said) + "."

"""What an outcome of `encoding` says in words; no ratio stands without its baseline, interval and numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["peer_share", "ratio_sentence", "summary_sentence", "verdict"]

LEAST_PEER = 0.01
NULLS = {
    "linear-shift": "linear-shift",
    "recordings": "other-recordings",
    "circular-shift": "circular-shift (too lenient where signals drift)",
}


def _of(dataset: Dataset, model: str, statistic: str) -> float:
    return float(dataset["population"].sel(model=model, statistic=statistic))


def peer_share(dataset: Dataset) -> float | None:
    """Return explained variance as a share of what peers predict; None where that is unknown or too small.

    Parameters
    ----------
    dataset : Dataset
        Outcome of `encoding`.

    Returns
    -------
    float or None
        Mean over mean.
    """
    if "ceiling_peer" not in dataset:
        return None
    peer = float(np.nanmean(dataset["ceiling_peer"].values))
    return _of(dataset, "stacked", "mean") / peer if peer > LEAST_PEER else None


def verdict(dataset: Dataset) -> str:
    """Say in one line how much is explained.

    Parameters
    ----------
    dataset : Dataset
        Outcome of `encoding`.

    Returns
    -------
    str
        The last line of a run.
    """
    n = dataset.sizes["neuron"]
    mean, low, high = (100 * _of(dataset, "stacked", name) for name in ("mean", "low", "high"))
    base = 100 * _of(dataset, "lagged-ridge", "mean")
    said = f"stacked explains {mean:.1f} % ({low:.1f} to {high:.1f}) of {n} neurons' variance"
    said += f", lagged-ridge {base:.1f} %"
    if mean < 0 and "mean-only" in dataset["model"].values:
        # activity whose mean wanders between folds is predicted by the mean of others worse than by its own
        said += f", mean-only {100 * _of(dataset, 'mean-only', 'mean'):.1f} %"
    if "significant" in dataset:
        kind = NULLS.get(str(dataset.attrs.get("null", "")), "null")
        said += f"; {int(dataset['significant'].sum())} of {n} above the {kind} null (FDR 5 %)"
    share = peer_share(dataset)
    if share is not None:
        said += f"; share of peer-predictable variance {share:.2f}"
    return said + "."


def ratio_sentence(dataset: Dataset) -> str:
    """Compare the stack with the baseline in one sentence; empty where no ratio may be written.

    Parameters
    ----------
    dataset : Dataset
        Outcome of `encoding`.

    Returns
    -------
    str
        With the baseline, the interval, neurons and folds in the same sentence.
    """
    about = dataset.attrs
    if "ratio" not in about:
        return ""
    return (
        f"stacked explains {about['ratio']:.2f} x lagged-ridge (95 % interval {about['ratio_low']:.2f} to "
        f"{about['ratio_high']:.2f}; {dataset.sizes['neuron']} neurons, {int(about['n_folds'])} folds)."
    )


def summary_sentence(dataset: Dataset) -> str:
    """Say in one line how much is explained in several recordings.

    Parameters
    ----------
    dataset : Dataset
        From `summarise_encodings`.

    Returns
    -------
    str
        Mean and interval, the baseline, in how many recordings the stack is above it.
    """
    over = dataset["summary"].sel(model="stacked")
    mean, low, high = (100 * float(over.sel(statistic=name)) for name in ("mean", "low", "high"))
    base = 100 * float(dataset["summary"].sel(model="lagged-ridge", statistic="mean"))
    n, units = dataset.sizes["recording"], int(dataset.attrs["n_units"])
    whose = f" of {units} individuals" if dataset.attrs["unit"] == "individual" else ""
    gain = dataset["gain_summary"].sel(model="stacked")
    more, least, most = (100 * float(gain.sel(statistic=name)) for name in ("mean", "low", "high"))
    p, wins = (float(dataset[name].sel(model="stacked")) for name in ("signed_rank_p", "wins"))
    said = (
        f"{n} recordings{whose}, {int(dataset['n_neurons'].sum())} neurons: stacked explains {mean:.1f} % "
        f"({low:.1f} to {high:.1f}), lagged-ridge {base:.1f} %, difference {more:+.1f} points ({least:+.1f} "
        f"to {most:+.1f}); stacked is above lagged-ridge in {wins:.0f} of {n}"
    )
    return said + (f" (signed-rank test over {units}: p = {p:.2g})." if np.isfinite(p) else ".")

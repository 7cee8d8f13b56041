"""Several recordings together: what the models explain when the recording, or the individual, is the unit."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.encoding_outcome import BASELINE
from mystax.compute.explained import block_draws, population_variance
from mystax.compute.recording_draws import draw_recordings, signed_rank
from mystax.core.dataset import Coordinate, Schema, Variable, check_outcome, complete_outcome
from mystax.core.typing import Float64
from mystax.errors import NumbersError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["ENCODING_SUMMARY", "summarise_encodings"]

VARIANCE, SPREAD = ("model", "recording"), ("model", "statistic")

ENCODING_SUMMARY = Schema(
    {
        "explained_variance": Variable(VARIANCE, "1", "float64", "Mean explained variance over neurons."),
        "gain": Variable(VARIANCE, "1", "float64", "The same minus that of lagged-ridge."),
        "summary": Variable(SPREAD, "1", "float64", "Explained variance over recordings."),
        "gain_summary": Variable(SPREAD, "1", "float64", "Gain over recordings, paired."),
        "wins": Variable(("model",), "1", "int64", "Recordings in which the gain is above 0."),
        "signed_rank_p": Variable(
            ("model",),
            "1",
            "float64",
            "Wilcoxon signed-rank test of the gains; NaN for fewer than six units.",
        ),
        "n_neurons": Variable(("recording",), "1", "int64", "Neurons."),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "model": Coordinate(("model",), "", "str", "Name of the model."),
        "recording": Coordinate(("recording",), "", "str", "Name of the recording."),
        "individual": Coordinate(("recording",), "", "str", "Whose recording it is: the unit."),
        "statistic": Coordinate(("statistic",), "", "str", "mean, low, high (95 % interval)."),
    },
    more_dimensions=frozenset({"model", "recording", "statistic"}),
)
"""What `encoding_summary.nc` looks like."""


def summarise_encodings(
    outcomes: Mapping[str, Dataset], individuals: Mapping[str, str] | None = None, *, seed: int = 0
) -> Dataset:
    """Put the outcomes of several recordings together.

    Parameters
    ----------
    outcomes : mapping of str to Dataset
        Outcomes of `encoding` by the name of the recording.
    individuals : mapping of str to str, optional
        Individual of each recording: then individuals are the units that are drawn, else recordings are.
    seed : int, optional
        Start of the random numbers.

    Returns
    -------
    Dataset
        In the form of `ENCODING_SUMMARY`; models that all recordings have.

    Raises
    ------
    NumbersError
        N303, for fewer than two recordings.
    """
    import xarray as xr

    if len(outcomes) < 2:
        raise NumbersError(
            "N303", "summary", expected="at least two recordings", got=f"{len(outcomes)} without an error"
        )
    names = list(outcomes)
    own = [(individuals or {}).get(name, name) for name in names]
    models = [
        str(model)
        for model in next(iter(outcomes.values()))["model"].values
        if all(model in found["model"].values for found in outcomes.values())
    ]
    found = [_drawn(outcomes[name], models, seed + k) for k, name in enumerate(names)]
    values, drawn = np.stack([item[0] for item in found]), np.stack([item[1] for item in found])
    base = models.index(BASELINE)
    gains, gains_drawn = values - values[:, [base]], drawn - drawn[:, [base]]
    variance = draw_recordings(values, drawn, own, seed=seed)
    gain = draw_recordings(gains, gains_drawn, own, seed=seed)
    units = list(dict.fromkeys(own))
    per_unit = np.stack([gains[[k for k, one in enumerate(own) if one == unit]].mean(0) for unit in units])
    dataset = xr.Dataset(
        {
            "explained_variance": (VARIANCE, values.T),
            "gain": (VARIANCE, gains.T),
            "summary": (SPREAD, np.stack([variance.mean, variance.low, variance.high], axis=1)),
            "gain_summary": (SPREAD, np.stack([gain.mean, gain.low, gain.high], axis=1)),
            "wins": ("model", (gains > 0).sum(0).astype(np.int64)),
            "signed_rank_p": ("model", np.array([signed_rank(per_unit[:, k]) for k in range(len(models))])),
            "n_neurons": (
                "recording",
                np.array([outcomes[name].sizes["neuron"] for name in names], np.int64),
            ),
        },
        coords={
            "model": models,
            "recording": names,
            "individual": ("recording", np.array(own, object)),
            "statistic": ["mean", "low", "high"],
        },
        attrs={"unit": "individual" if individuals else "recording", "n_units": len(units), "quality": "[]"},
    )
    dataset = complete_outcome(dataset, ENCODING_SUMMARY)
    check_outcome(dataset, ENCODING_SUMMARY, "summary of encodings")
    return dataset


def _drawn(
    dataset: Dataset, models: list[str], seed: int
) -> tuple[Float64[np.ndarray, " model"], Float64[np.ndarray, "model draw"]]:
    """Return the mean of each model over neurons, and the same in draws of tested blocks."""
    sst = np.asarray(dataset["sst"].values)
    tested = np.asarray(dataset["block_fold"].values) >= 0
    draws = block_draws(int(tested.sum()), seed=seed)
    found = [
        population_variance(np.asarray(dataset["sse"].sel(model=model).values)[tested], sst[tested], draws)
        for model in models
    ]
    return np.array([item.mean for item in found]), np.stack([item.drawn for item in found])

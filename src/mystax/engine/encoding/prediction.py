"""`mystax.predict`: activity from new behaviour with a saved encoder; torch is not needed."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.canonical import outcome_key
from mystax.core.dataset import Coordinate, Schema, Variable
from mystax.core.quality import Flag, flags_from_json, flags_to_json
from mystax.core.typing import Float64
from mystax.engine.encoding.inputs import behaviour_of, neural_of
from mystax.errors import ParameterError, RecipeError, WeightsError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["PREDICTION", "predict", "write_prediction"]

PREDICTION = Schema(
    {
        "prediction": Variable(("time", "neuron"), "1", "float32", "Predicted activity, unit of the source."),
        "usable": Variable(("time",), "1", "int8", "Whether behaviour is known in the bin (1)."),
        "latent": Variable(("time", "latent_component"), "1", "float32", "Leading directions of behaviour."),
        "explained_variance": Variable(
            ("neuron",), "1", "float32", "Explained variance in this recording.", required=False
        ),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "time": Coordinate(("time",), "s", "float64", "Centre of the bin, session clock."),
        "neuron": Coordinate(("neuron",), "1", "int64", "Number of the neuron in its source."),
    },
    more_dimensions=frozenset({"latent_component"}),
)
"""What `prediction.nc` looks like."""


def predict(
    encoder: Any,
    behaviour: Any,
    *,
    neural: Any = None,
    times: Float64[np.ndarray, " time"] | None = None,
    bin: float | None = None,  # noqa: A002 - the public name
    scaling: str = "training",
) -> Dataset:
    """Predict neurons from new behaviour with a saved encoder; torch is not needed.

    Parameters
    ----------
    encoder : path or Dataset
        ``encoding.encoder.nc``.
    behaviour : path, Outcomes, Dataset, or mapping
        Behaviour with the groups and points of the encoder.
    neural : path or Dataset, optional
        Activity of the same neurons: `explained_variance` is added.
    times : array (time,), optional
        Where predictions are wanted [s]; by default the encoder's bins over the whole recording.
    bin : float, optional
        Step of the default times [s].
    scaling : {"training", "new"}, optional
        ``new``: columns are standardised by this recording (another zoom of the camera).

    Returns
    -------
    Dataset
        prediction (time, neuron) in the unit of the source, usable (time), latent (time, latent_component).

    Raises
    ------
    WeightsError
        M702, naming the groups or points that are missing.
    StoreError
        S505, if a newer mystax made the encoder.
    FormatError
        F804, if it is no encoder.
    ParameterError
        P401, if `scaling` is unknown.

    Examples
    --------
    >>> found = predict("face.mystax/encoding.encoder.nc", "other.mystax")  # doctest: +SKIP
    """
    import xarray as xr

    from mystax.analyses.encoder_file import Encoder
    from mystax.analyses.neural_rows import neural_rows
    from mystax.core.dataset import complete_outcome
    from mystax.io.outcomes import load

    if scaling not in ("training", "new"):
        raise ParameterError("P401", "parameter 'scaling'", expected="'training' or 'new'", got=repr(scaling))
    opened: Any = load(encoder) if isinstance(encoder, str | Path) else encoder
    fitted = Encoder.from_dataset(opened, str(encoder) if isinstance(encoder, str | Path) else "encoder")
    grid = _behaviour(behaviour, json.loads(str(fitted.facts.get("groups", "[]"))))
    activity = None if neural is None else neural_rows(neural_of(neural), grid, bin=fitted.width).dataset
    if times is None:
        if activity is not None:
            times = np.asarray(activity["time"].values, np.float64)
        else:
            step = bin or fitted.width
            n = int(np.floor(grid.n / float(grid.rate) / step + 1e-9))
            times = grid.start + (np.arange(n) + 0.5) * step
    prediction, usable, latent, outside = fitted.predict(grid, np.asarray(times, np.float64), scaling=scaling)
    dataset = xr.Dataset(
        {
            "prediction": (("time", "neuron"), prediction),
            "usable": ("time", usable.astype(np.int8)),
            "latent": (("time", "latent_component"), latent),
        },
        coords={"time": ("time", np.asarray(times, np.float64)), "neuron": fitted.neurons},
    )
    flags: list[Flag] = []
    if outside > 0.05:
        flags.append(
            Flag(
                "N310",
                f"outside the training range: {100 * outside:.0f} % of the features lie beyond 5 "
                f"training sd.",
            )
        )
    if activity is not None:
        dataset["explained_variance"] = ("neuron", _compared(dataset, activity))
    dataset.attrs["quality"] = flags_to_json(flags)
    dataset.attrs["encoder"] = str(opened.attrs.get("content_sha256", ""))
    dataset.attrs["scaling"] = scaling
    return complete_outcome(dataset, PREDICTION)


def _behaviour(behaviour: Any, groups: Sequence[str]) -> BehaviourGrid:
    """Return behaviour with the groups of an encoder."""
    if isinstance(behaviour, BehaviourGrid):
        return behaviour
    try:
        return behaviour_of(behaviour, ",".join(groups) or "auto")[0]
    except RecipeError as error:
        raise WeightsError(
            "M702",
            "encoder",
            "the encoder needs a group that this behaviour lacks",
            expected=", ".join(groups),
            got=str(error),
        ) from error


def _compared(predicted: Dataset, activity: Dataset) -> np.ndarray:
    """Return explained variance on the usable bins of the neurons that both have."""
    rows = np.asarray(predicted["usable"].values) > 0
    names = np.asarray(activity["neuron"].values)
    found = np.full(predicted.sizes["neuron"], np.nan, np.float32)
    places = {int(name): k for k, name in enumerate(names)}
    for k, name in enumerate(np.asarray(predicted["neuron"].values)):
        if int(name) in places:
            y = np.asarray(activity["activity"].isel(neuron=places[int(name)]).values, np.float64)[rows]
            p = np.asarray(predicted["prediction"].isel(neuron=k).values, np.float64)[rows]
            good = np.isfinite(y)
            total = ((y[good] - y[good].mean()) ** 2).sum() if good.any() else 0.0
            if total > 0:
                found[k] = 1 - ((y[good] - p[good]) ** 2).sum() / total
    return found


def write_prediction(dataset: Dataset, folder: str | Path) -> Path:
    """Keep a prediction in a folder of outcomes, as ``prediction.nc``.

    Parameters
    ----------
    dataset : Dataset
        From `predict`.
    folder : path
        Folder of outcomes.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StoreError
        S5xx, if it cannot be written.
    """
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    digest = hashlib.blake2b(np.ascontiguousarray(dataset["prediction"].values).tobytes(), digest_size=16)
    inputs = [{"role": "encoder", "camera": "", "position": 0, "id": str(dataset.attrs.get("encoder", ""))}]
    inputs.append({"role": "behaviour", "camera": "", "position": 0, "id": digest.hexdigest()})
    values = {"scaling": str(dataset.attrs.get("scaling", "training"))}
    about = Provenance(
        "prediction",
        1,
        outcome_key("prediction", 1, values, inputs),
        values,
        inputs,
        float(dataset["usable"].mean()),
        flags_from_json(str(dataset.attrs["quality"])),
    )
    return Store(folder).publish(dataset, about, schema=PREDICTION)

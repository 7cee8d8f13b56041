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
from mystax.core.typing import Bool, Float32, Float64, Int64
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
        Activity of the same neurons: `explained_variance` is added.  Spikes are counted in the encoder's
        bins.
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
        P401, if `scaling` is unknown, `times` or `bin` cannot be used, or counts come in other bins than the
        encoder's.

    Examples
    --------
    >>> found = predict("face.mystax/encoding.encoder.nc", "other.mystax")  # doctest: +SKIP
    """
    import xarray as xr

    from mystax.analyses.encoder_file import Encoder
    from mystax.core.dataset import complete_outcome
    from mystax.io.outcomes import load

    if scaling not in ("training", "new"):
        raise ParameterError("P401", "parameter 'scaling'", expected="'training' or 'new'", got=repr(scaling))
    opened: Any = load(encoder) if isinstance(encoder, str | Path) else encoder
    fitted = Encoder.from_dataset(opened, str(encoder) if isinstance(encoder, str | Path) else "encoder")
    grid = _behaviour(behaviour, json.loads(str(fitted.facts.get("groups", "[]"))))
    activity = None if neural is None else _activity(neural_of(neural), grid, fitted.width)
    own = None if activity is None else np.asarray(activity["time"].values, np.float64)
    steps = _steps(grid, fitted.width if bin is None else bin)
    wanted = _wanted(times) if times is not None else steps if own is None else own
    prediction, usable, latent, outside = fitted.predict(grid, wanted, scaling=scaling)
    dataset = xr.Dataset(
        {
            "prediction": (("time", "neuron"), prediction),
            "usable": ("time", usable.astype(np.int8)),
            "latent": (("time", "latent_component"), latent),
        },
        coords={"time": ("time", wanted), "neuron": fitted.neurons},
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
    if activity is not None and own is not None:
        said, known = (
            (prediction, usable) if own is wanted else fitted.predict(grid, own, scaling=scaling)[:2]
        )
        dataset["explained_variance"] = ("neuron", _compared(said, known, fitted.neurons, activity))
    dataset.attrs["quality"] = flags_to_json(flags)
    dataset.attrs["encoder"] = str(opened.attrs.get("content_sha256", ""))
    dataset.attrs["scaling"] = scaling
    return complete_outcome(dataset, PREDICTION)


def _wanted(times: Float64[np.ndarray, " time"]) -> Float64[np.ndarray, " time"]:
    """Return the times that were named, which must be some, and finite."""
    values = np.asarray(times, np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        got = f"shape {values.shape}" if values.ndim != 1 else "a time that is not finite"
        raise ParameterError(
            "P401", "parameter 'times'", expected="finite times [s]", got=got if values.size else "none"
        )
    return values


def _steps(grid: BehaviourGrid, step: float) -> Float64[np.ndarray, " time"]:
    """Return the centres of steps over the whole recording."""
    seconds = grid.n / float(grid.rate)
    n = int(np.floor(seconds / step + 1e-9)) if step > 0 else 0
    if n < 1:
        raise ParameterError(
            "P401",
            "parameter 'bin'",
            expected=f"over 0, and at most the {seconds:.4g} s of the recording",
            got=f"{step:g} s",
        )
    return np.asarray(grid.start + (np.arange(n) + 0.5) * step)


def _activity(neural: Dataset, grid: BehaviourGrid, width: float) -> Dataset:
    """Return activity that can be compared: counts must be those of the encoder's bins."""
    from mystax.analyses.neural_rows import neural_rows

    has_spikes = "spike_time" in neural and "activity" in neural
    rows = neural_rows(neural.drop_vars(["activity", "time"]) if has_spikes else neural, grid, bin=width)
    if rows.dataset.attrs.get("signal") in ("counts", "spikes") and abs(rows.width - width) > 0.01 * width:
        raise ParameterError(
            "P401",
            "neural data",
            "counts in other bins are not those that the encoder predicts",
            expected=f"counts in bins of {width:.4g} s",
            got=f"{rows.width:.4g} s",
            hint="read the spikes themselves: they are counted in the encoder's bins",
        )
    return rows.dataset


def _behaviour(behaviour: Any, groups: Sequence[str]) -> BehaviourGrid:
    """Return behaviour with the groups of an encoder."""
    if isinstance(behaviour, BehaviourGrid):
        return behaviour
    try:
        return behaviour_of(behaviour, list(groups) or "auto")[0]
    except RecipeError as error:
        raise WeightsError(
            "M702",
            "encoder",
            "the encoder needs a group that this behaviour lacks",
            expected=", ".join(groups),
            got=str(error),
        ) from error


def _compared(
    said: Float32[np.ndarray, "time neuron"],
    usable: Bool[np.ndarray, " time"],
    neurons: Int64[np.ndarray, " neuron"],
    activity: Dataset,
) -> Float32[np.ndarray, " neuron"]:
    """Return explained variance on the usable bins of the neurons that both have."""
    names = np.asarray(activity["neuron"].values)
    found = np.full(len(neurons), np.nan, np.float32)
    places = {int(name): k for k, name in enumerate(names)}
    for k, name in enumerate(neurons):
        if int(name) in places:
            y = np.asarray(activity["activity"].isel(neuron=places[int(name)]).values, np.float64)[usable]
            p = said[usable, k].astype(np.float64)
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

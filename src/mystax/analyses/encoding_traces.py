"""Traces of neurons as an encoder predicted them, in whichever form an outcome keeps them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float32, Int64
from mystax.errors import FormatError, ParameterError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["predicted_traces"]


def predicted_traces(
    dataset: Dataset, neurons: Sequence[int] | Int64[np.ndarray, " some"] | None = None
) -> Float32[np.ndarray, "time some"]:
    """Return the prediction of some neurons on held-out time.

    Small populations keep `prediction`; of large ones an outcome keeps components, loadings and weights of
    every fold, from which any neurons can be had.

    Parameters
    ----------
    dataset : Dataset
        Outcome of `encoding`, as `mystax.load` gives it.
    neurons : sequence of int, optional
        Numbers of the neurons in their source (the coordinate `neuron`); by default all.

    Returns
    -------
    array (time, neuron)
        Each bin by the fold that did not see it, z units of that fold; NaN where none predicts.

    Raises
    ------
    ParameterError
        P401, if a neuron is not in the outcome.
    FormatError
        F804, if the dataset holds no predictions.

    Examples
    --------
    >>> found = mystax.load("face.mystax/encoding.nc")  # doctest: +SKIP
    >>> predicted_traces(found, [3, 17]).shape  # doctest: +SKIP
    (7200, 2)
    """
    if not {"prediction", "prediction_score"} & set(map(str, dataset.data_vars)):
        raise FormatError("F804", "outcome", "it holds no predictions", expected="an outcome of encoding")
    names = np.asarray(dataset["neuron"].values)
    wanted = names if neurons is None else np.asarray(neurons)
    known = {int(name): k for k, name in enumerate(names)}
    lacking = [int(name) for name in wanted if int(name) not in known]
    if lacking:
        raise ParameterError(
            "P401", "parameter 'neurons'", expected="neurons of this outcome", got=f"neuron {lacking[0]}"
        )
    places = np.array([known[int(name)] for name in wanted], np.int64)
    if "prediction" in dataset:
        return np.asarray(dataset["prediction"].isel(neuron=places).values, np.float32)
    scores = dataset["prediction_score"]
    rows_of, found = np.asarray(dataset["fold"].values), np.full((scores.sizes["time"], len(places)), np.nan)
    for fold in range(dataset.sizes["fold_number"]):
        one = dataset.isel(fold_number=fold, neuron=places)
        rows = np.flatnonzero(rows_of == fold)
        said = np.asarray(scores.isel(time=rows).values) @ np.asarray(one["loading"].values).T
        found[rows] = (said * np.asarray(one["member_weight"].values)[:, None]).sum(0)
    return found.astype(np.float32)

"""Which axis of a neural array is time: decided by the number of times, never guessed."""

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import NumbersError, ParameterError

__all__ = ["AXES", "is_time_first", "oriented"]

AXES = ("time,neuron", "neuron,time")
"""What `axes` may say."""


def is_time_first(
    shape: tuple[int, ...],
    n_times: int | None,
    axes: str | None,
    where: str,
    n_neurons: int | None = None,
) -> bool:
    """Tell whether the first axis of an array is time.

    Parameters
    ----------
    shape : tuple of int
        Of the array.
    n_times : int or None
        Number of its times, if they are known.
    axes : {"time,neuron", "neuron,time"} or None
        What the user says.
    where : str
        Name for messages.
    n_neurons : int, optional
        Number of its neurons, if a table of them says it.

    Returns
    -------
    bool
        Whether the first axis is time.

    Raises
    ------
    ParameterError
        P401, if `axes` is neither.
    NumbersError
        N306, if it cannot be decided.
    """
    if axes is not None and axes not in AXES:
        raise ParameterError("P401", "parameter 'axes'", expected=" or ".join(AXES), got=repr(axes))
    if axes is not None:
        return axes == AXES[0]
    hint = f"--axes {AXES[0]} (or {AXES[1]})"
    got = f"an array of shape {shape[0]} x {shape[1]}" + ("" if n_times is None else f" and {n_times} times")
    if shape[0] == shape[1]:
        raise NumbersError(
            "N306",
            where,
            "both axes have the same length",
            expected="to know which is time",
            got=got,
            hint=hint,
        )
    if n_times in shape:
        return shape[0] == n_times
    if n_neurons in shape:
        return shape[1] == n_neurons
    raise NumbersError(
        "N306",
        where,
        "no axis fits the times",
        expected="one axis with one entry per time",
        got=got,
        hint=hint,
    )


def oriented(
    values: Shaped[np.ndarray, "a b"],
    n_times: int | None,
    axes: str | None,
    where: str,
    n_neurons: int | None = None,
) -> Shaped[np.ndarray, "time neuron"]:
    """Return an array with time first.

    Raises
    ------
    NumbersError
        N306, if it cannot be decided which axis is time.
    """
    if is_time_first((values.shape[0], values.shape[1]), n_times, axes, where, n_neurons):
        return values
    return values.T

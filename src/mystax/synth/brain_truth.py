"""What is known of a simulated brain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Bool, Float32, Float64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BrainTruth"]


@dataclass(frozen=True, eq=False)
class BrainTruth:
    """A simulated recording and its truth.

    Attributes
    ----------
    behaviour : mapping of str to Dataset
        Outcomes `pose pupil running blink svd` in the forms of those analyses.
    neural : Dataset
        Neural data (`mystax.core.neural.NEURAL`).
    expected : array (time, neuron)
        What behaviour says about the activity of each bin, in its unit: its expectation up to a constant.
    ceiling : array (neuron,)
        Share of the variance that `expected` explains: no encoder can reach more but by chance.
    drives : array (time, drive)
        Behavioural drives in the bins, standardised.
    weights : array (drive, neuron)
        What each neuron makes of them.
    kinds : tuple of str
        Kind of each drive.
    delays : array (drive,)
        By how much it follows behaviour [s].
    share : array (neuron,)
        Share of behaviour in the neuron's drive (beta).
    is_running : array (frame,)
        Whether the animal runs.
    rate, camera_rate : float
        Bins and frames per second.
    seed : int
        Start of the random numbers.
    """

    behaviour: Mapping[str, Dataset]
    neural: Dataset
    expected: Float32[np.ndarray, "time neuron"]
    ceiling: Float64[np.ndarray, " neuron"]
    drives: Float64[np.ndarray, "time drive"]
    weights: Float64[np.ndarray, "drive neuron"]
    kinds: tuple[str, ...]
    delays: Float64[np.ndarray, " drive"]
    share: Float64[np.ndarray, " neuron"]
    is_running: Bool[np.ndarray, " frame"]
    rate: float
    camera_rate: float
    seed: int

"""What a fit of states is: the model, and each recording under it."""

from dataclasses import dataclass, field

import numpy as np

from mystax.analyses.states_track import StatesSource
from mystax.compute.features import FeatureModel, Prepared
from mystax.compute.hmm import HmmModel
from mystax.compute.hmm_choice import Candidate
from mystax.compute.hmm_search import Start
from mystax.core.quality import Flag
from mystax.core.typing import Float64, Int64

__all__ = ["Decoded", "StatesFit"]


@dataclass(frozen=True, eq=False)
class Decoded:
    """States of one recording.

    Attributes
    ----------
    source : StatesSource
        The recording.
    prepared : Prepared
        Its features.
    label : array (time,)
        States from 0; -1 where no feature is known.
    posterior : array (time, state)
        Probabilities.
    log_likelihood : array (time,)
        Of each frame given the past.
    """

    source: StatesSource
    prepared: Prepared
    label: Int64[np.ndarray, " time"]
    posterior: Float64[np.ndarray, "time state"]
    log_likelihood: Float64[np.ndarray, " time"]


@dataclass(frozen=True, eq=False)
class StatesFit:
    """A fitted model of states and the recordings under it.

    Attributes
    ----------
    features : FeatureModel
        How features are made.
    model : HmmModel
        States in the order of their occupancy.
    rate : float
        Frames of states per second [Hz].
    decoded : list of Decoded
        The recordings.
    candidates : tuple of Candidate
        Numbers of states that were scored.
    starts : tuple of Start
        What each start of the search reached.
    log_likelihood : float
        Of the model on all frames.
    flags : list of Flag
        Remarks.
    verdict : str
        One sentence on what the data support.
    is_complete : bool
        False if the search was stopped.
    """

    features: FeatureModel
    model: HmmModel
    rate: float
    decoded: list[Decoded]
    candidates: tuple[Candidate, ...] = ()
    starts: tuple[Start, ...] = ()
    log_likelihood: float = float("nan")
    flags: list[Flag] = field(default_factory=list)
    verdict: str = ""
    is_complete: bool = True

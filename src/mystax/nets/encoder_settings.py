"""How networks of an encoder are sized and trained; torch is not needed to say so."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["DeepSettings", "FacemapSettings"]


@dataclass(frozen=True, slots=True)
class DeepSettings:
    """Size and training of the network.

    Attributes
    ----------
    width, latent : int
        Units of the two hidden layers.
    dropout : float
        Share of hidden units that are left out in a step, rounded to 256ths.
    epochs : int
        Epochs at most.
    patience : int
        Epochs without improvement after which training ends.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first tenth and falls as a cosine.
    batch : int
        Bins per step.
    seed : int
        Start of the random numbers; each member adds its number.
    refits : int
        Networks that are fitted on all training bins, for as many epochs as those of the inner folds needed;
        0 keeps those of the inner folds.
    """

    width: int = 256
    latent: int = 96
    dropout: float = 0.25
    epochs: int = 80
    patience: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 3e-2
    batch: int = 256
    seed: int = 0
    refits: int = 3


@dataclass(frozen=True, slots=True)
class FacemapSettings:
    """How the network is trained.

    Attributes
    ----------
    rule : {"validated", "published"}
        Until an inner fold no longer gains, or for the published number of epochs.
    delay : int
        Bins by which behaviour precedes the neurons; outputs are shifted back.
    is_native_rate : bool
        Whether the rate of the cameras is kept, instead of 50 Hz, for which the filters were made.
    seed : int
        Start of the random numbers.
    """

    rule: Literal["validated", "published"] = "validated"
    delay: int = 1
    is_native_rate: bool = False
    seed: int = 0

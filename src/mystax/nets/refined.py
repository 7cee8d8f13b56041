"""What a refine gives: networks, what they say of frames they did not see, and a verdict."""

from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Float32
from mystax.nets.confidence import Calibration
from mystax.nets.holdout import Comparison
from mystax.nets.shape_prior import ShapePrior
from mystax.nets.tracker import Dense

__all__ = ["Found", "Look", "RefineResult"]


@dataclass(frozen=True)
class Found:
    """What networks said of labelled frames; NaN where they were not asked.

    Attributes
    ----------
    xy : array (n, keypoint, space)
        Places [crop px].
    covariance : array (n, keypoint, cov)
        xx, xy, yy [crop px^2].
    confidence : array (n, keypoint)
        Chance of an error of at most 5 px@256.
    """

    xy: Float32[np.ndarray, "n keypoint space"]
    covariance: Float32[np.ndarray, "n keypoint cov"]
    confidence: Float32[np.ndarray, "n keypoint"]


@dataclass(frozen=True, slots=True)
class Look:
    """How far a fold was after some steps: its mean error on the frames held out [px@256]."""

    member: int
    fold: int
    step: int
    error: float


@dataclass(frozen=True)
class RefineResult:
    """What a refine made.

    Attributes
    ----------
    nets : tuple of Dense
        The refined networks, in evaluation mode: one, or the members of an ensemble.
    points : tuple of str
        Their points.
    calibration : Calibration
        Of the held-out labels where there are enough, else of the base.
    prior : ShapePrior or None
        How points lie to each other.
    steps : int
        Steps of the final fit of each member.
    held_out : Found
        What the folds' networks said of frames they did not see.
    held_out_error : array (n, keypoint)
        Their errors [px@256]; NaN where there is none.
    base_found : Found or None
        What the base said of all labelled frames; None without a base.
    base_error : array (n, keypoint)
        Errors of the base on the same frames; NaN where it does not know the point.
    comparison : Comparison
        New against base.
    forgetting : float
        Error on rendered crops, new over base; NaN without base or replay.
    is_accepted : bool
        Better than the base on held-out frames, and not forgetful.
    reasons : tuple of str
        Why it is not accepted; empty if it is.
    weak : tuple of str
        Points with fewer than 5 labels.
    redefined : tuple of str
        Points that the labels put at another place of the face than the base does.
    split : str
        How frames were held out, in words.
    looks : tuple of Look
        Held-out errors on the way.
    """

    nets: tuple[Dense, ...]
    points: tuple[str, ...]
    calibration: Calibration
    prior: ShapePrior | None
    steps: int
    held_out: Found
    held_out_error: Float32[np.ndarray, "n keypoint"]
    base_found: Found | None
    base_error: Float32[np.ndarray, "n keypoint"]
    comparison: Comparison
    forgetting: float
    is_accepted: bool
    reasons: tuple[str, ...]
    weak: tuple[str, ...]
    redefined: tuple[str, ...]
    split: str
    looks: tuple[Look, ...]

    @property
    def net(self) -> Dense:
        """The first network."""
        return self.nets[0]

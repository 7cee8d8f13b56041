"""Whitening: the columns of a part become few components of variance 1, learned on training frames."""

from dataclasses import dataclass

import numpy as np

from mystax.core.behaviour import BehaviourGrid, BehaviourPart
from mystax.core.typing import Bool, Float64
from mystax.errors import NumbersError, WeightsError

__all__ = ["FittedPart", "components_of", "find_part", "whiten"]

HELD = 0.9
"""Share of a part's variance that its components hold."""


@dataclass(frozen=True, eq=False)
class FittedPart:
    """What whitening and scaling of one part have learned from training frames.

    Attributes
    ----------
    group, part, bank : str
        As in `BehaviourPart`.
    columns : tuple of str
        Columns that it needs.
    mean, sd : array (column,)
        Of the training frames.
    axes : array (column, component)
        Whitening: standardised columns times this are components of variance 1.
    levels : array (component, level)
        Median of each envelope, then sd of each half-wave, on training frames.
    """

    group: str
    part: str
    bank: str
    columns: tuple[str, ...]
    mean: Float64[np.ndarray, " column"]
    sd: Float64[np.ndarray, " column"]
    axes: Float64[np.ndarray, "column component"]
    levels: Float64[np.ndarray, "component level"]

    @property
    def n_components(self) -> int:
        """Number of components."""
        return int(self.axes.shape[1])


def whiten(part: BehaviourPart, frames: Bool[np.ndarray, " sample"], most: int) -> FittedPart:
    """Learn the whitening of a part from training frames.

    Parameters
    ----------
    part : BehaviourPart
        Its columns.
    frames : array (sample,)
        Training frames.
    most : int
        Components at most.

    Returns
    -------
    FittedPart
        Without levels; without components where nothing varies.

    Raises
    ------
    NumbersError
        N303, if fewer than two training frames are valid.
    """
    values = part.values[frames & part.valid].astype(np.float64)
    if len(values) < 2:
        raise NumbersError("N303", f"{part.group}/{part.part}", "no valid frames to train on")
    mean, sd = values.mean(0), values.std(0)
    sd = np.where(sd > 1e-9 * np.maximum(np.abs(mean), 1e-9), sd, np.inf)  # a constant column gives nothing
    scaled = (values - mean) / sd
    covariance = scaled.T @ scaled / len(scaled)
    variances, vectors = np.linalg.eigh(covariance)
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    total = variances.sum()
    if total <= 0:
        return FittedPart(
            part.group,
            part.part,
            part.bank,
            part.columns,
            mean,
            sd,
            np.zeros((len(mean), 0)),
            np.zeros((0, 0)),
        )
    n = int(np.searchsorted(np.cumsum(variances) / total, HELD - 1e-12)) + 1
    n = max(1, min(n, most, int((variances > 1e-9 * variances[0]).sum())))
    signs = np.sign(vectors[np.abs(vectors[:, :n]).argmax(0), np.arange(n)])
    axes = vectors[:, :n] * signs / np.sqrt(variances[:n])
    return FittedPart(part.group, part.part, part.bank, part.columns, mean, sd, axes, np.zeros((n, 0)))


def components_of(fitted: FittedPart, part: BehaviourPart) -> Float64[np.ndarray, "component sample"]:
    """Whiten a part; 0 where it is missing.

    Parameters
    ----------
    fitted : FittedPart
        What was learned.
    part : BehaviourPart
        The columns.

    Returns
    -------
    array (component, sample)
        Components.
    """
    scaled = (np.where(part.valid[:, None], part.values, fitted.mean) - fitted.mean) / fitted.sd
    return np.asarray(fitted.axes.T @ scaled.T, np.float64)


def find_part(grid: BehaviourGrid, fitted: FittedPart) -> BehaviourPart:
    """Find the part of a grid that a fitted part needs, with its columns in order.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    fitted : FittedPart
        What is needed.

    Returns
    -------
    BehaviourPart
        With exactly the columns of `fitted`.

    Raises
    ------
    WeightsError
        M702, naming the part or column that is missing.
    """
    for part in grid.parts:
        if (part.group, part.part) == (fitted.group, fitted.part):
            missing = [name for name in fitted.columns if name not in part.columns]
            if missing:
                raise WeightsError(
                    "M702",
                    f"{fitted.group}/{fitted.part}",
                    "the encoder needs columns that this behaviour lacks",
                    expected=", ".join(fitted.columns),
                    got=f"no {', '.join(missing)}",
                )
            order = [part.columns.index(name) for name in fitted.columns]
            return BehaviourPart(part.group, part.part, part.bank, fitted.columns, part.values[:, order])
    raise WeightsError(
        "M702",
        "encoder",
        "the encoder needs a part that this behaviour lacks",
        expected=f"{fitted.group}/{fitted.part}",
        got=", ".join(f"{part.group}/{part.part}" for part in grid.parts) or "nothing",
    )

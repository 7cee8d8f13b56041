"""Traces as features of states: logarithms, robust standardisation, few whitened components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.shape_features import pooled_covariance
from mystax.compute.smoothing import robust_sd
from mystax.compute.timeline import StateClock, bring_beside
from mystax.core.typing import Float64

__all__ = ["Column", "ColumnModel", "column_scores", "fit_columns"]

TINY = 1e-6

COLUMN_COMPONENTS = 5


@dataclass(frozen=True, eq=False)
class Column:
    """A source of further columns of one recording.

    Attributes
    ----------
    times : array (time,)
        Times [s].
    values : array (time, column)
        NaN where missing.
    is_log : bool
        Whether the logarithm is taken (areas, energies).
    """

    times: Float64[np.ndarray, " time"]
    values: Float64[np.ndarray, "time column"]
    is_log: bool = False


@dataclass(frozen=True, eq=False)
class ColumnModel:
    """How a source of further columns becomes features.

    Attributes
    ----------
    is_log : bool
        Whether the logarithm is taken.
    median, scale : array (column,)
        Robust standardisation.
    loadings : array (feature, column)
        Identity for one column; else components, whitened.
    """

    is_log: bool
    median: Float64[np.ndarray, " column"]
    scale: Float64[np.ndarray, " column"]
    loadings: Float64[np.ndarray, "feature column"]


def _robust(values: Float64[np.ndarray, " time"]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 0.0
    spread = robust_sd(known)
    return float(np.median(known)), spread if spread > 0 else float(known.std())


def _plain(column: Column) -> Float64[np.ndarray, "time column"]:
    if not column.is_log:
        return column.values
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(np.where(column.values > 0, column.values, np.nan))
    return np.asarray(found)


def fit_columns(
    tracks: Sequence[Mapping[str, Column]], clocks: Sequence[StateClock]
) -> dict[str, ColumnModel]:
    """Find how sources of columns become features, over all recordings; what never varies is left out.

    Parameters
    ----------
    tracks : sequence of mapping
        Name to source, per recording; a recording may lack one.
    clocks : sequence of StateClock
        Clock of the states of each recording.

    Returns
    -------
    dict of str to ColumnModel
        By name.
    """
    names = list(dict.fromkeys(name for track in tracks for name in track))
    found: dict[str, ColumnModel] = {}
    for name in names:
        parts = [
            bring_beside(clock, track[name].times, _plain(track[name]))
            for track, clock in zip(tracks, clocks, strict=True)
            if name in track
        ]
        values = np.concatenate(parts)
        is_log = next(track[name].is_log for track in tracks if name in track)
        robust = [_robust(column) for column in values.T]
        median, scale = (np.array([item[k] for item in robust]) for k in (0, 1))
        live = scale > 1e-12 * np.maximum(1.0, np.abs(median))
        if not live.any():
            continue
        safe = np.where(live, scale, np.inf)
        if values.shape[1] == 1:
            loadings = np.ones((1, 1))
        else:
            z = _standard(values, median, safe)
            _, cov = pooled_covariance([z], equal=False)
            eigen, vectors = np.linalg.eigh(cov)
            n = min(COLUMN_COMPONENTS, int((eigen > TINY * eigen[-1]).sum()))
            loadings = (vectors[:, ::-1][:, :n] / np.sqrt(eigen[::-1][:n])).T.copy()
            loadings *= np.sign(loadings[np.arange(n), np.abs(loadings).argmax(1)])[:, None]
        found[name] = ColumnModel(is_log, median, safe, loadings)
    return found


def column_scores(
    model: ColumnModel, column: Column | None, clock: StateClock
) -> Float64[np.ndarray, "time feature"]:
    """Return the features of a source on the clock of the states; NaN where the recording lacks it."""
    if column is None:
        return np.full((len(clock.times), len(model.loadings)), np.nan)
    found = bring_beside(clock, column.times, _plain(column))
    return np.asarray(_standard(found, model.median, model.scale) @ model.loadings.T)


def _standard(
    values: Float64[np.ndarray, "time column"],
    median: Float64[np.ndarray, " column"],
    scale: Float64[np.ndarray, " column"],
) -> Float64[np.ndarray, "time column"]:
    """Return standardised columns; those without a scale are 0, also where they have no value."""
    return np.where(np.isinf(scale), 0.0, (values - median) / scale)

"""One recording as `states` needs it: points with their set, further columns, remarks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mystax.compute.column_features import Column
from mystax.core.keypoints import KeypointSet
from mystax.core.quality import Flag
from mystax.core.typing import Float64
from mystax.errors import NumbersError

__all__ = ["StatesSource", "masked_points"]

FLAT = 0.05
"""Flatness of the rigid points (least over greatest extent) below which depth is not to be trusted."""


@dataclass(frozen=True, eq=False)
class StatesSource:
    """One recording.

    Attributes
    ----------
    name : str
        Its name.
    times : array (time,)
        Times of the points [s].
    points : array (time, keypoint, space)
        Places, NaN where missing.
    keypoints : KeypointSet, optional
        The set of the points (in their order); None without points.
    unit : str
        ``px`` or ``mm``.
    columns : mapping
        Name to source of further columns.
    point_sd : array (keypoint,)
        Typical standard deviation of each place; NaN where unknown.
    flags : tuple of Flag
        Remarks of the reader.
    identity : str
        Fingerprint.
    individual : str
        Whose face it is.
    further : tuple of str
        Fingerprints of what else it was read from: other cameras, traces, tables.
    """

    name: str
    times: Float64[np.ndarray, " time"]
    points: Float64[np.ndarray, "time keypoint space"]
    keypoints: KeypointSet | None
    unit: str = "px"
    columns: Mapping[str, Column] = field(default_factory=dict)
    point_sd: Float64[np.ndarray, " keypoint"] | None = None
    flags: tuple[Flag, ...] = ()
    identity: str = ""
    individual: str = ""
    further: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the points."""
        return () if self.keypoints is None else self.keypoints.ids


def masked_points(
    points: Float64[np.ndarray, "time keypoint space"],
    confidence: Float64[np.ndarray, "time keypoint"] | None,
    residual: Float64[np.ndarray, "time keypoint"] | None,
    min_confidence: float,
    max_residual: float,
) -> Float64[np.ndarray, "time keypoint space"]:
    """Make points missing whose confidence is too low or residual too large; infinite ones too."""
    bad = ~np.isfinite(points).all(2)
    if confidence is not None:
        bad |= confidence < min_confidence
    if residual is not None:
        bad |= residual > max_residual
    return np.where(bad[..., None], np.nan, points)


def check_length(source: StatesSource) -> None:
    """Refuse a recording with nothing in it.

    Raises
    ------
    NumbersError
        N303, with what was found.
    """
    n = len(source.times)
    if n < 2:
        raise NumbersError(
            "N303", source.name, expected="two frames or more", got=f"{n} frame{'s' if n != 1 else ''}"
        )
    has_columns = any(np.isfinite(column.values).any() for column in source.columns.values())
    if not np.isfinite(source.points).any() and not has_columns:
        raise NumbersError("N303", source.name, "no point or value is known in any frame", got=f"{n} frames")


def flatness_flag(source: StatesSource) -> Flag | None:
    """Say that the points in space lie in a plane: depth is then not to be trusted."""
    if source.points.shape[2] != 3 or source.keypoints is None:
        return None
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(source.points).any((0, 2))
        middle = np.nanmedian(source.points[:, seen], axis=0)
    middle = middle[np.isfinite(middle).all(1)]
    if len(middle) < 4:
        return None
    values = np.linalg.svd(middle - middle.mean(0), compute_uv=False)
    flatness = float(values[2] / values[0]) if values[0] > 0 else 0.0
    if flatness >= FLAT:
        return None
    return Flag(
        "N313",
        f"{source.name}: the points in space lie almost in a plane (flatness {flatness:.3f}); "
        "depth is not trustworthy",
    )

"""Whether a refined network may take the place of the one it came from."""

from collections.abc import Sequence

import numpy as np

from mystax.core.typing import Float, Float32, UInt8
from mystax.nets.augment import PLACED
from mystax.nets.holdout import Comparison

__all__ = ["MOST_FORGETTING", "placed_error", "reasons_against"]

MOST_FORGETTING = 1.3
"""How many times the error on rendered faces may have become."""
_MOST_NAMES = 3


def placed_error(
    xy: Float[np.ndarray, "n keypoint space"],
    truth: Float[np.ndarray, "n keypoint space"],
    state: UInt8[np.ndarray, "n keypoint"],
    unit: float,
) -> Float32[np.ndarray, "n keypoint"]:
    """Return the errors of placed points.

    Parameters
    ----------
    xy, truth : array (n, keypoint, space)
        Found and labelled places [crop px].
    state : array (n, keypoint)
        2 where a point is placed.
    unit : float
        px@256 per crop pixel.

    Returns
    -------
    array (n, keypoint)
        Errors [px@256]; NaN for all points that are not placed.
    """
    error = np.linalg.norm(xy - truth, axis=-1) * unit
    return np.where(state == PLACED, error, np.nan).astype(np.float32)


def reasons_against(
    comparison: Comparison,
    forgetting: float,
    *,
    has_base: bool,
    exchanged: Sequence[tuple[str, str]] = (),
) -> tuple[str, ...]:
    """Say why a network should not replace its base.

    Parameters
    ----------
    comparison : Comparison
        New against base on held-out frames.
    forgetting : float
        Error on rendered faces, new over base; NaN where it is not known.
    has_base : bool
        Whether there is a base that could stay.
    exchanged : sequence of (str, str), optional
        Points whose labels lie where the base finds another point, and that other point.

    Returns
    -------
    tuple of str
        One sentence each; none if it may.

    Examples
    --------
    >>> reasons_against(Comparison(2.0, 3.0, -0.4, -0.2, True), 1.5, has_base=True)
    ('error on rendered faces has grown by a factor of 1.50',)
    """
    found = []
    if has_base and not comparison.is_better:
        found.append(
            f"held-out error {comparison.new:.2f} px@256 against {comparison.old:.2f} of the base "
            f"(95 % interval of the change {100 * comparison.low:+.0f} to {100 * comparison.high:+.0f} %)"
        )
    if forgetting > MOST_FORGETTING:
        found.append(f"error on rendered faces has grown by a factor of {forgetting:.2f}")
    if exchanged:
        told = [f"{name} lie where the base finds {other}" for name, other in exchanged[:_MOST_NAMES]]
        more = len(exchanged) - len(told)
        rest = f", and so on for {more} more" if more else ""
        found.append(f"names of points seem to be exchanged: labels of {', of '.join(told)}{rest}")
    return tuple(found)

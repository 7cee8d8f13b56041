"""Which labelled frames a model may learn from, and which judge it: whole recordings, or blocks of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mystax.core.typing import Bool, Float64, Shaped
from mystax.errors import ParameterError

__all__ = ["HoldOut", "hold_out"]

SHARE = 0.2
MIN_GAP = 1.0
MIN_RECORDINGS = 3


@dataclass(frozen=True, slots=True)
class HoldOut:
    """A split of frames.

    Attributes
    ----------
    train, test : array (row,)
        Which frames are learned from, and which judge; those too near in time to a judge are in neither.
    kind : str
        ``recording``: whole recordings judge; ``block``: contiguous blocks of time.
    """

    train: Bool[np.ndarray, " row"]
    test: Bool[np.ndarray, " row"]
    kind: str


def hold_out(
    recordings: Sequence[str] | Shaped[np.ndarray, " row"],
    time: Float64[np.ndarray, " row"],
    *,
    seed: int = 0,
    share: float = SHARE,
    kind: str = "auto",
    gap: float = MIN_GAP,
) -> HoldOut:
    """Split labelled frames into those that teach and those that judge.

    Parameters
    ----------
    recordings : sequence (row,)
        Name of each frame's recording (a video, or a set of pictures).
    time : array (row,)
        Time of each frame [s]; where there is none, the number of the frame with ``gap=0``.
    seed : int, optional
        Which recordings, or where the block begins.
    share : float, optional
        About how many frames judge, 0 to 0.5.
    kind : {"auto", "recording", "block"}, optional
        Auto: whole recordings if there are three or more, else blocks.
    gap : float, optional
        Frames of a block's recording nearer than this to a judge are left out [s].

    Returns
    -------
    HoldOut
        Never random single frames: neighbours are nearly the same picture.

    Raises
    ------
    ParameterError
        P401, if the kind is unknown, there are fewer than 2 frames, or recordings are asked for and there is
        one only.
    """
    names = np.asarray(recordings, str)
    known, which = np.unique(names, return_inverse=True)
    if kind not in ("auto", "recording", "block") or not 0 < share <= 0.5 or len(names) < 2:
        raise ParameterError(
            "P401",
            "hold-out",
            expected="2 or more frames, auto, recording or block, 0 < share <= 0.5",
            got=f"{len(names)} frames, {kind!r}, {share:g}",
        )
    if kind == "recording" and len(known) < 2:
        raise ParameterError("P401", "hold-out", expected="2 or more recordings", got=str(len(known)))
    chosen = kind if kind != "auto" else "recording" if len(known) >= MIN_RECORDINGS else "block"
    if chosen == "recording":
        test = _whole_recordings(np.ravel(which), len(known), share, seed)
        return HoldOut(~test, test, chosen)
    test = np.zeros(len(names), np.bool_)
    near = np.zeros(len(names), np.bool_)
    rng = np.random.default_rng(seed)
    sizes = np.round(share * np.bincount(np.ravel(which))).astype(int)
    if not sizes.any():
        sizes[-1] = 1  # too few frames for a share: one judges
    for number, size in enumerate(sizes.tolist()):
        rows = np.flatnonzero(np.ravel(which) == number)
        rows = rows[np.argsort(time[rows], kind="stable")]
        if size == 0:
            continue
        start = int(rng.integers(0, len(rows) - size + 1))
        block = rows[start : start + size]
        test[block] = True
        low, high = float(time[block[0]]), float(time[block[-1]])
        near[rows] = (time[rows] > low - gap) & (time[rows] < high + gap)
    return HoldOut(~(test | near), test, chosen)


def _whole_recordings(which: np.ndarray, n: int, share: float, seed: int) -> np.ndarray:
    """Take recordings in random order until the share is reached, at least the smallest and never all."""
    order = np.random.default_rng(seed).permutation(n)
    sizes = np.bincount(which, minlength=n)
    taken: list[int] = []
    for number in order:
        before = sizes[taken].sum()
        # one more only if that brings the share nearer
        if abs(before + sizes[number] - share * len(which)) < abs(before - share * len(which)):
            taken.append(int(number))
        elif taken:
            break
    return np.isin(which, taken or [order[np.argmin(sizes[order])]])

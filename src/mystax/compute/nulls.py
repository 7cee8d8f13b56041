"""What chance explains: neural data slide along behaviour, and one decomposition serves all shifts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mystax.compute.folds import BlockFolds
from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float, Float32, Float64, Int64
from mystax.errors import NumbersError

__all__ = [
    "NullDesign",
    "ShiftNull",
    "null_design",
    "p_values",
    "recordings_null",
    "shift_null",
    "shift_positions",
]

PENALTIES = tuple(float(10.0**power) for power in (-1.0, -0.5, 0.0, 0.5, 1.0))
BLOCK, FOLDS = 30.0, 5
EXCLUDED = 30.0
"""Shifts nearer than this to the true place are not used [s]."""


def shift_positions(n_before: int, n_after: int, n: int, width: float) -> Int64[np.ndarray, " shift"]:
    """Place the shifts evenly over what there is room for.

    Parameters
    ----------
    n_before, n_after : int
        Bins before and after the window.
    n : int
        Number of shifts wanted.
    width : float
        Width of a bin [s].

    Returns
    -------
    array (shift,)
        Shifts [bins], rising, none nearer than 30 s to 0, each once.
    """
    least = int(np.ceil(EXCLUDED / width))
    room = np.concatenate([np.arange(-n_before, -least + 1), np.arange(least, n_after + 1)])
    if len(room) <= n:
        return room
    return room[np.round(np.linspace(0, len(room) - 1, n)).astype(np.int64)]


@dataclass(frozen=True)
class _Part:
    """One fold of the window, decomposed."""

    train: Int64[np.ndarray, " train"]
    test: Int64[np.ndarray, " test"]
    onto: Float32[np.ndarray, "feature train"]
    values: Float32[np.ndarray, " feature"]
    back: Float32[np.ndarray, "test feature"]
    penalties: Float32[np.ndarray, " penalty"]


@dataclass(frozen=True)
class NullDesign:
    """The behaviour of the window, decomposed once per fold."""

    parts: list[_Part]
    n_rows: int


def null_design(
    x: Float[np.ndarray, "time feature"],
    times: Float64[np.ndarray, " time"],
    usable: Bool[np.ndarray, " time"],
    gap: float,
) -> NullDesign:
    """Decompose the behaviour of a window.

    Parameters
    ----------
    x : array (time, feature)
        Features of the bins of the window.
    times : array (time,)
        Their centres [s].
    usable : array (time,)
        Bins in which behaviour is known.
    gap : float
        Time left out around test blocks [s].

    Returns
    -------
    NullDesign
        Ready for every shift.

    Raises
    ------
    NumbersError
        N305, if the window is too short for folds.
    """
    from scipy.linalg import eigh

    span = float(times[-1] - times[0])
    plan = BlockFolds(FOLDS, gap=gap, block=min(BLOCK, span / (2 * FOLDS + 0.1))).plan(times, usable)
    parts = []
    for fold in range(FOLDS):
        train, test = np.flatnonzero(plan.train(fold)), np.flatnonzero(plan.test(fold))
        a = x[train].astype(np.float64)
        mean = a.mean(0)
        a -= mean
        values, vectors = eigh(a.T @ a, check_finite=False)
        parts.append(
            _Part(
                train,
                test,
                (vectors.T @ a.T).astype(np.float32),
                np.maximum(values, 0).astype(np.float32),
                ((x[test] - mean) @ vectors).astype(np.float32),
                np.asarray(PENALTIES, np.float32) * len(train),
            )
        )
    return NullDesign(parts, len(x))


def _explained(
    design: NullDesign, scores: Float32[np.ndarray, "time component"]
) -> tuple[Float64[np.ndarray, "penalty component component"], Float64[np.ndarray, "component component"]]:
    """Return what each penalty explains of the products of components at one position, and the products."""
    r = scores.shape[1]
    gained = np.zeros((len(PENALTIES), r, r))
    total = np.zeros((r, r))
    for part in design.parts:
        y, rest = scores[part.train], scores[part.test]
        mean = y.mean(0)
        onto = part.onto @ (y - mean)
        own = rest - rest.mean(0)
        total += own.T @ own
        away = rest - mean
        for k, penalty in enumerate(part.penalties):
            p = part.back @ (onto / (part.values[:, None] + penalty))
            # SST - SSE = (own'own - away'away) + 2 p'away - p'p, here for every pair of components
            cross = p.T @ away
            gained[k] += own.T @ own - away.T @ away + cross + cross.T - p.T @ p
    return gained, total


@dataclass(frozen=True)
class ShiftNull:
    """Explained variance at the true place and at every shift.

    Attributes
    ----------
    true : array (neuron,)
        At the true place.
    shifted : array (shift, neuron)
        At the shifts.
    shifts : array (shift,)
        Shifts [bins]; numbers of the other recordings where they take the place of shifts.
    """

    true: Float64[np.ndarray, " neuron"]
    shifted: Float32[np.ndarray, "shift neuron"]
    shifts: Int64[np.ndarray, " shift"]


def shift_null(
    design: NullDesign,
    scores: Float32[np.ndarray, "time component"],
    loadings: Float64[np.ndarray, "neuron component"],
    rest: Float64[np.ndarray, " neuron"],
    start: int,
    shifts: Sequence[int],
    tiles: Tiles,
    *,
    is_circular: bool = False,
    watch: Callable[[int], None] = lambda _done: None,
) -> ShiftNull:
    """Slide the neural window over the recording.

    The statistic of a neuron is its cross-validated explained variance, the largest over five penalties,
    in the same way at every position.

    Parameters
    ----------
    design : NullDesign
        Behaviour of the window.
    scores : array (time, component)
        Components of the whole recording.
    loadings : array (neuron, component)
        From components to neurons.
    rest : array (neuron,)
        Variance per bin of each neuron that the components do not hold.
    start : int
        First bin of the window.
    shifts : sequence of int
        Shifts [bins].
    tiles : Tiles
        Threads over shifts; the result does not depend on them.
    is_circular : bool, optional
        Whether the recording is taken for a ring.
    watch : callable, optional
        Told the number of shifts done; may raise to stop.

    Returns
    -------
    ShiftNull
        At the true place and at every shift.

    References
    ----------
    .. [1] Harris (2020), arXiv:2012.06862
    """
    n = design.n_rows
    whole = scores.astype(np.float32)

    def at(shift: int) -> Float32[np.ndarray, " neuron"]:
        if is_circular:
            window = whole[(np.arange(start, start + n) + shift) % len(whole)]
        else:
            window = whole[start + shift : start + shift + n]
        return _largest(design, window, loadings, rest)

    step = max(1, 4 * tiles.cores)
    found: list[np.ndarray] = []
    for first in range(0, len(shifts), step):
        found += tiles.map(at, list(shifts[first : first + step]))
        watch(len(found))
    shifted = np.stack(found) if found else np.zeros((0, len(loadings)), np.float32)
    return ShiftNull(at(0).astype(np.float64), shifted, np.asarray(shifts, np.int64))


def _largest(
    design: NullDesign,
    window: Float32[np.ndarray, "time component"],
    loadings: Float64[np.ndarray, "neuron component"],
    rest: Float64[np.ndarray, " neuron"],
) -> Float32[np.ndarray, " neuron"]:
    """Return cross-validated explained variance per neuron, the largest over the penalties."""
    gained, total = _explained(design, window)
    n_tested = sum(len(part.test) for part in design.parts)
    spread = np.einsum("nr,nr->n", loadings @ total, loadings) + rest * n_tested
    best = np.max([np.einsum("nr,nr->n", loadings @ g, loadings) for g in gained], axis=0)
    return np.asarray((best / np.where(spread > 0, spread, np.inf)).astype(np.float32))


def recordings_null(
    designs: Sequence[Callable[[], NullDesign]],
    scores: Float32[np.ndarray, "time component"],
    loadings: Float64[np.ndarray, "neuron component"],
    rest: Float64[np.ndarray, " neuron"],
    tiles: Tiles,
    *,
    watch: Callable[[int], None] = lambda _done: None,
) -> ShiftNull:
    """Predict the same neural window from the behaviour of this and of other recordings.

    Parameters
    ----------
    designs : sequence of callables
        Each makes the behaviour of one recording in the bins of the window: first the one of the neurons.
    scores : array (time, component)
        Components of the window.
    loadings : array (neuron, component)
        From components to neurons.
    rest : array (neuron,)
        Variance per bin of each neuron that the components do not hold.
    tiles : Tiles
        Threads over recordings; the result does not depend on them.
    watch : callable, optional
        Told the number of recordings done; may raise to stop.

    Returns
    -------
    ShiftNull
        Of the own recording, and of the others in place of shifts.
    """
    window = scores.astype(np.float32)
    found: list[np.ndarray] = []
    for first in range(0, len(designs), tiles.cores):
        some = list(designs[first : first + tiles.cores])
        found += tiles.map(lambda make: _largest(make(), window, loadings, rest), some)
        watch(len(found))
    return ShiftNull(
        found[0].astype(np.float64), np.stack(found[1:]), np.arange(1, len(designs), dtype=np.int64)
    )


def p_values(
    true: Float64[np.ndarray, " neuron"], shifted: Float[np.ndarray, "shift neuron"]
) -> Float64[np.ndarray, " neuron"]:
    """Return (1 + number of shifts that explain at least as much) / (1 + number of shifts).

    Parameters
    ----------
    true : array (neuron,)
        At the true place.
    shifted : array (shift, neuron)
        At the shifts.

    Returns
    -------
    array (neuron,)
        Probabilities.

    Raises
    ------
    NumbersError
        N305, if there are no shifts.

    Examples
    --------
    >>> p_values(np.array([3.0, 0.0]), np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 3.0]])).tolist()
    [0.25, 1.0]
    """
    if not len(shifted):
        raise NumbersError(
            "N305", "null", "there is no room to shift", expected="a recording of several minutes"
        )
    return np.asarray((1 + (shifted >= true.astype(shifted.dtype)).sum(0)) / (1 + len(shifted)))

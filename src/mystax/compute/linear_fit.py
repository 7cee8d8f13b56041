"""A linear model of one fold: penalties, scales and out-of-fold predictions from inner folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.compute.lowrank import rank_errors, reduced
from mystax.compute.regression import (
    PENALTIES,
    Decomposed,
    HeldOut,
    Sums,
    decompose,
    held_errors,
    row_slabs,
)
from mystax.core.typing import Bool, Float, Float32, Float64

__all__ = [
    "Decompositions",
    "InnerSums",
    "LinearFit",
    "choose_scales",
    "fit_linear",
    "fit_quickly",
    "fit_reduced_rank",
    "mean_of",
    "predict_rows",
    "sum_inner",
]

SCALES = (0.3, 0.0)
GAIN = 0.003
SCALE_FOLDS = 2
SCALE_PENALTIES = PENALTIES[3:10:2]
"""A coarse path: 10^-1.5 to 10^1.5."""
RANKED = slice(2, -2, 2)
"""Penalties that ranks are tried with: 10^-2 to 10^2."""

Inner = Sequence[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]]


@dataclass(frozen=True)
class InnerSums:
    """Sums of the training bins of a fold, and of its inner folds.

    Attributes
    ----------
    whole : Sums
        All training bins.
    pairs : list of (Sums, Sums)
        Inner training and held-out bins.
    """

    whole: Sums
    pairs: list[tuple[Sums, Sums]]

    def only(self, features: np.ndarray) -> "InnerSums":
        """Return the sums of some features."""
        return InnerSums(
            self.whole.only(features), [(a.only(features), b.only(features)) for a, b in self.pairs]
        )

    def scaled(self, scale: Float64[np.ndarray, " feature"]) -> "InnerSums":
        """Return the sums of features times factors; those with factor 0 are left out."""
        kept = np.flatnonzero(scale)
        found = self if len(kept) == len(scale) else self.only(kept)
        factors = scale[kept]
        if (factors == 1).all():
            return found
        return InnerSums(
            found.whole.scaled(factors), [(a.scaled(factors), b.scaled(factors)) for a, b in found.pairs]
        )


def sum_inner(
    x: Float[np.ndarray, "time feature"],
    y: Float[np.ndarray, "time target"],
    train: Bool[np.ndarray, " time"],
    inner: Inner,
) -> InnerSums:
    """Add up the bins of a fold so that every bin is multiplied about once.

    Parameters
    ----------
    x : array (time, feature)
        Design of all bins.
    y : array (time, target)
        Targets of all bins.
    train : array (time,)
        Training bins.
    inner : sequence of pairs
        Inner training and held-out bins; the held-out ones part the training bins.

    Returns
    -------
    InnerSums
        Whole and parts.
    """
    held = [Sums.of(x[rest], y[rest]) for _, rest in inner]
    whole = held[0]
    for part in held[1:]:
        whole = whole + part
    pairs = []
    for (fit, rest), part in zip(inner, held, strict=True):
        near = train & ~fit & ~rest
        pairs.append((whole - part - Sums.of(x[near], y[near]), part))
    return InnerSums(whole, pairs)


@dataclass(frozen=True)
class LinearFit:
    """A linear model of one fold.

    Attributes
    ----------
    weights : array (feature, target)
        Of the design as given.
    intercept : array (target,)
        Constants.
    penalty : array (target,)
        Multiples of the number of training bins.
    held : array (train, target)
        Out-of-fold predictions of the training bins.
    error : float
        Squared error of the inner folds.
    """

    weights: Float64[np.ndarray, "feature target"]
    intercept: Float64[np.ndarray, " target"]
    penalty: Float64[np.ndarray, " target"]
    held: Float32[np.ndarray, "train target"]
    error: float

    def predict(self, x: Float[np.ndarray, "time feature"]) -> Float32[np.ndarray, "time target"]:
        """Predict the targets of some bins."""
        return predict_rows(x, self.weights, self.intercept)


def predict_rows(
    x: Float[np.ndarray, "time feature"],
    weights: Float64[np.ndarray, "feature target"],
    intercept: Float64[np.ndarray, " target"],
) -> Float32[np.ndarray, "time target"]:
    """Multiply a design with weights, slab by slab, in double precision.

    Parameters
    ----------
    x : array (time, feature)
        Design.
    weights, intercept : array (feature, target), (target,)
        Model.

    Returns
    -------
    array (time, target)
        Predictions.
    """
    found = np.empty((len(x), weights.shape[1]), np.float32)
    for rows in row_slabs(len(x)):
        found[rows] = x[rows].astype(np.float64) @ weights + intercept
    return found


class Decompositions:
    """The sums of a fold and of its inner folds, decomposed once for all linear models on them.

    Parameters
    ----------
    sums : InnerSums
        Of the design and the targets.
    scale : array (feature,), optional
        Factors of the features; those with 0 take no part.
    penalties : sequence of float, optional
        Multiples of the number of rows to choose from.
    """

    def __init__(
        self,
        sums: InnerSums,
        scale: Float64[np.ndarray, " feature"] | None = None,
        penalties: Sequence[float] = PENALTIES,
    ) -> None:
        self.penalties = np.asarray(penalties, np.float64)
        self.factors = np.ones(len(sums.whole.x)) if scale is None else scale
        self.kept = np.flatnonzero(self.factors)
        self.used = sums.scaled(self.factors)
        self.held = [
            HeldOut.of(decompose(part), rest, (self.penalties * part.n).tolist())
            for part, rest in self.used.pairs
        ]
        self.whole = decompose(self.used.whole)

    def full(
        self, fitted: Decomposed, inside: Float64[np.ndarray, "some target"]
    ) -> tuple[Float64[np.ndarray, "feature target"], Float64[np.ndarray, " target"]]:
        """Return the weights of the design as given, and the constants, from weights of the used features."""
        weights = np.zeros((len(self.factors), inside.shape[1]))
        weights[self.kept] = inside * self.factors[self.kept, None]
        return weights, fitted.y_mean - fitted.x_mean @ inside


def fit_linear(
    x: Float[np.ndarray, "time feature"],
    found: Decompositions,
    train: Bool[np.ndarray, " time"],
    inner: Inner,
) -> LinearFit:
    """Fit ridge regression with a penalty per target.

    Parameters
    ----------
    x : array (time, feature)
        Design of all bins.
    found : Decompositions
        Of that design and the targets.
    train : array (time,)
        Training bins.
    inner : sequence of pairs
        Inner folds.

    Returns
    -------
    LinearFit
        Weights for the design as given, and out-of-fold predictions.
    """
    used = found.used
    error = np.sum([held_errors(held) for held in found.held], axis=0)
    chosen = error.argmin(0)
    penalty = found.penalties[chosen]
    weights, intercept = found.full(found.whole, found.whole.weights(penalty * used.whole.n))
    held_rows = np.zeros((len(x), weights.shape[1]), np.float32)
    for held, (part, _), (_, rest) in zip(found.held, used.pairs, inner, strict=True):
        fitted = held.fitted
        held_rows[rest] = predict_rows(x[rest], *found.full(fitted, fitted.weights(penalty * part.n)))
    least = float(error[chosen, np.arange(error.shape[1])].sum())
    return LinearFit(weights, intercept, penalty, held_rows[train], least)


def fit_reduced_rank(
    x: Float[np.ndarray, "time feature"],
    found: Decompositions,
    train: Bool[np.ndarray, " time"],
    inner: Inner,
) -> tuple[LinearFit, int]:
    """Fit reduced-rank regression; rank and penalty are chosen on inner folds, from every other penalty.

    Parameters
    ----------
    x, found, train, inner
        As for `fit_linear`.

    Returns
    -------
    fit, rank : LinearFit, int
        The model and its rank.
    """
    used = found.used
    places = range(len(found.penalties))[RANKED]
    error = np.array(
        [np.sum([rank_errors(held, place).sum(1) for held in found.held], axis=0) for place in places]
    )
    best, rank = (int(k) for k in np.unravel_index(int(error.argmin()), error.shape))
    choice = float(found.penalties[places[best]])

    def full(fitted: Decomposed, n: int) -> tuple[np.ndarray, np.ndarray]:
        return found.full(fitted, reduced(fitted, choice * n).weights(rank + 1))

    weights, intercept = full(found.whole, used.whole.n)
    held_rows = np.zeros((len(x), weights.shape[1]), np.float32)
    for held, (part, _), (_, rest) in zip(found.held, used.pairs, inner, strict=True):
        held_rows[rest] = predict_rows(x[rest], *full(held.fitted, part.n))
    penalty = np.full(weights.shape[1], choice)
    return LinearFit(weights, intercept, penalty, held_rows[train], float(error.min())), rank + 1


def mean_of(first: LinearFit, second: LinearFit) -> LinearFit:
    """Return the mean of two linear models, which is a linear model.

    Parameters
    ----------
    first, second : LinearFit
        Of the same design and targets.

    Returns
    -------
    LinearFit
        With the penalties of the first.
    """
    return LinearFit(
        (first.weights + second.weights) / 2,
        (first.intercept + second.intercept) / 2,
        first.penalty,
        (first.held + second.held) / 2,
        min(first.error, second.error),
    )


def choose_scales(
    sums: InnerSums, labels: Sequence[str], groups: Sequence[str], order: Sequence[str]
) -> tuple[Float64[np.ndarray, " feature"], Float64[np.ndarray, " feature"]]:
    """Find factors of families and groups of features: 1, 0.3 or 0.

    One pass over the families in `order`, then the groups if there are several; a change is kept if the
    error of two inner folds falls by at least 0.3 %.

    Parameters
    ----------
    sums : InnerSums
        Of the design.
    labels, groups : sequence of str
        Family and group of every feature.
    order : sequence of str
        Families, in the order in which they are tried.

    Returns
    -------
    of_families, of_all : array (feature,)
        Factors of the families alone, and with those of the groups: a group that adds nothing to the others
        gets 0 there, which says nothing about what it explains without them.
    """
    names, kinds = np.asarray(labels), np.asarray(groups)
    scale = np.ones(len(names))
    sets = [names == family for family in order if (names == family).any()]
    n_families = len(sets)
    if len(np.unique(kinds)) > 1:
        sets += [kinds == group for group in dict.fromkeys(groups)]
    pairs = [
        (*train.centred(), train.n, *held.about(*train.means)) for train, held in sums.pairs[:SCALE_FOLDS]
    ]
    best = _scaled_error(pairs, scale)
    of_families = scale
    for number, members in enumerate(sets):
        before = scale
        for factor in SCALES:
            tried = np.where(members, before * factor, before)
            if not tried.any():
                continue
            error = _scaled_error(pairs, tried)
            if error < best * (1 - GAIN):
                best, scale = error, tried
        if number < n_families:
            of_families = scale
    return of_families, scale


def fit_quickly(
    sums: InnerSums, features: np.ndarray, *scales: Float64[np.ndarray, " feature"]
) -> tuple[Float64[np.ndarray, "some target"], Float64[np.ndarray, " target"]]:
    """Fit ridge regression on some features, penalties from a coarse path on two inner folds.

    Parameters
    ----------
    sums : InnerSums
        Of the whole design.
    features : array (some,)
        Numbers of the features that take part.
    *scales : array (feature,)
        Factors of all features; of several the ones with the smallest error of the inner folds.

    Returns
    -------
    weights, intercept : array (some, target), (target,)
        For those features of the design as given.
    """
    from scipy.linalg import cho_factor, cho_solve

    tried = [_path_of(sums, features, scale) for scale in scales if (scale[features] > 0).any()]
    if not tried:
        return np.zeros((len(features), len(sums.whole.y))), sums.whole.means[1]
    scale, used, error = min(tried, key=lambda one: float(one[2].min(0).sum()))
    kept = features[scale[features] > 0]
    chosen = error.argmin(0)
    xx, xy, _ = used.whole.centred()
    inside = np.zeros_like(xy)
    for place in np.unique(chosen):
        mine = chosen == place
        lifted = xx.copy()
        lifted[np.diag_indices_from(lifted)] += SCALE_PENALTIES[place] * used.whole.n
        inside[:, mine] = cho_solve(cho_factor(lifted, overwrite_a=True, check_finite=False), xy[:, mine])
    x_mean, y_mean = used.whole.means
    weights = np.zeros((len(features), inside.shape[1]))
    weights[scale[features] > 0] = inside * scale[kept, None]
    return weights, y_mean - x_mean @ inside


def _path_of(
    sums: InnerSums, features: np.ndarray, scale: Float64[np.ndarray, " feature"]
) -> tuple[Float64[np.ndarray, " feature"], InnerSums, Float64[np.ndarray, "penalty target"]]:
    """Return factors, the sums of the features that they leave, and the errors along the coarse path."""
    kept = features[scale[features] > 0]
    used = InnerSums(
        sums.whole.only(kept).scaled(scale[kept]),
        [
            (a.only(kept).scaled(scale[kept]), b.only(kept).scaled(scale[kept]))
            for a, b in sums.pairs[:SCALE_FOLDS]
        ],
    )
    error = np.zeros((len(SCALE_PENALTIES), len(used.whole.y)))
    for train, held in used.pairs:
        error += _path_error(*train.centred()[:2], train.n, *held.about(*train.means))
    return scale, used, error


def _path_error(
    xx: np.ndarray, xy: np.ndarray, n: int, held_xx: np.ndarray, held_xy: np.ndarray, held_yy: np.ndarray
) -> Float64[np.ndarray, "penalty target"]:
    """Return the held-out error along the coarse path, one factorisation per penalty."""
    from scipy.linalg import cho_factor, cho_solve

    error = np.empty((len(SCALE_PENALTIES), xy.shape[1]))
    for place, penalty in enumerate(SCALE_PENALTIES):
        lifted = xx.copy()
        lifted[np.diag_indices_from(lifted)] += penalty * n
        weights = cho_solve(cho_factor(lifted, overwrite_a=True, check_finite=False), xy)
        error[place] = held_yy - 2 * (weights * held_xy).sum(0) + (weights * (held_xx @ weights)).sum(0)
    return error


def _scaled_error(pairs: list[tuple[Any, ...]], scale: Float64[np.ndarray, " feature"]) -> float:
    """Return the held-out error with scaled features, each target with its best penalty of a coarse path."""
    kept = np.flatnonzero(scale)
    d = scale[kept]

    def square(products: np.ndarray) -> np.ndarray:
        found = products if len(kept) == len(scale) else products[np.ix_(kept, kept)]
        return found if (d == 1).all() else found * d * d[:, None]

    error = np.zeros((len(SCALE_PENALTIES), pairs[0][1].shape[1]))
    for xx, xy, _, n, held_xx, held_xy, held_yy in pairs:
        error += _path_error(
            square(xx),
            xy[kept] * d[:, None],
            int(n),
            square(held_xx),
            held_xy[kept] * d[:, None],
            held_yy,
        )
    return float(error.min(0).sum())

"""Ridge regression in closed form: every penalty from one decomposition, one penalty per target."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np

from mystax.compute.estimator import LinearModel
from mystax.core.typing import Float, Float64, Int64, Shaped

__all__ = ["PENALTIES", "Decomposed", "HeldOut", "Ridge", "Sums", "decompose", "held_errors", "row_slabs"]

PENALTIES: tuple[float, ...] = tuple(float(10.0**power) for power in np.arange(-3, 3.01, 0.5))
"""Penalties as multiples of the number of training rows."""

SLAB = 4096
"""Rows that are turned into float64 at once."""
REFLECTED_AT_ONCE = 64
"""Householder reflectors that LAPACK applies as one block, at most."""


def row_slabs(n: int, size: int = SLAB) -> list[slice]:
    """Cut rows into slabs.

    Parameters
    ----------
    n : int
        Number of rows.
    size : int, optional
        Rows of a slab.

    Returns
    -------
    list of slice
        In order.
    """
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


@dataclass(frozen=True)
class Sums:
    """Everything that least squares needs to know of some rows: they add and subtract like sets of rows.

    Attributes
    ----------
    n : int
        Number of rows.
    x, y : array (feature,), (target,)
        Sums.
    xx, xy, yy : array (feature, feature), (feature, target), (target,)
        Sums of products.
    """

    n: int
    x: Float64[np.ndarray, " feature"]
    y: Float64[np.ndarray, " target"]
    xx: Float64[np.ndarray, "feature feature"]
    xy: Float64[np.ndarray, "feature target"]
    yy: Float64[np.ndarray, " target"]

    @classmethod
    def of(cls, x: Float[np.ndarray, "time feature"], y: Float[np.ndarray, "time target"]) -> "Sums":
        """Add up rows, in double precision.

        Parameters
        ----------
        x : array (time, feature)
            Design.
        y : array (time, target)
            Targets.

        Returns
        -------
        Sums
            Of these rows.
        """

        def of_slab(rows: slice) -> Sums:
            a, b = np.asarray(x[rows], np.float64), np.asarray(y[rows], np.float64)
            return cls(len(a), a.sum(0), b.sum(0), a.T @ a, a.T @ b, (b * b).sum(0))

        return reduce(add, map(of_slab, row_slabs(len(x)) or [slice(0)]))

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.n + other.n,
            self.x + other.x,
            self.y + other.y,
            self.xx + other.xx,
            self.xy + other.xy,
            self.yy + other.yy,
        )

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(
            self.n - other.n,
            self.x - other.x,
            self.y - other.y,
            self.xx - other.xx,
            self.xy - other.xy,
            self.yy - other.yy,
        )

    def about(
        self, x: Float64[np.ndarray, " feature"], y: Float64[np.ndarray, " target"]
    ) -> tuple[
        Float64[np.ndarray, "feature feature"],
        Float64[np.ndarray, "feature target"],
        Float64[np.ndarray, " target"],
    ]:
        """Return the products of the rows minus given means.

        Parameters
        ----------
        x, y : array (feature,), (target,)
            The means.

        Returns
        -------
        tuple of arrays
            X'X, X'Y and the diagonal of Y'Y of the shifted rows.
        """
        rest = self.x - self.n * x
        xx = self.xx - np.stack([rest, x], axis=1) @ np.stack([x, self.x])
        xy = self.xy - np.stack([rest, x], axis=1) @ np.stack([y, self.y])
        return xx, xy, self.yy - 2 * y * self.y + self.n * y * y

    @property
    def means(self) -> tuple[Float64[np.ndarray, " feature"], Float64[np.ndarray, " target"]]:
        """The means of design and targets."""
        return self.x / max(self.n, 1), self.y / max(self.n, 1)

    def centred(
        self,
    ) -> tuple[
        Float64[np.ndarray, "feature feature"],
        Float64[np.ndarray, "feature target"],
        Float64[np.ndarray, " target"],
    ]:
        """Return the products of the rows minus their own means."""
        return self.about(*self.means)

    def only(self, features: Int64[np.ndarray, " some"]) -> "Sums":
        """Return the sums of some features."""
        return Sums(
            self.n,
            self.x[features],
            self.y,
            self.xx[np.ix_(features, features)],
            self.xy[features],
            self.yy,
        )

    def scaled(self, scale: Float64[np.ndarray, " feature"]) -> "Sums":
        """Return the sums of features multiplied by factors."""
        return Sums(
            self.n,
            self.x * scale,
            self.y,
            self.xx * np.outer(scale, scale),
            self.xy * scale[:, None],
            self.yy,
        )


@dataclass(frozen=True, eq=False)
class Decomposed:
    """Sums of training rows where their Gram matrix is tridiagonal: every penalty is one short solve away.

    With X'X = Q T Q' and T tridiagonal, the weights for a penalty are Q (T + penalty)^-1 Q' X'Y.
    Eigenvectors would give the same, for more than twice the work.

    Attributes
    ----------
    reflectors, factors : array (feature - 1, feature - 1), (feature - 1,)
        Householder reflectors whose product is Q without its first row and column, as LAPACK keeps them.
    diagonal, beside : array (feature,), (feature - 1,)
        T: its diagonal, and the one beside it.
    projected : array (feature, target)
        Q' times the centred X'Y.
    x_mean, y_mean : array (feature,), (target,)
        Means of the training rows.

    References
    ----------
    .. [1] Elden (1977), doi:10.1007/BF01932285
    """

    reflectors: Float64[np.ndarray, "rest rest"]
    factors: Float64[np.ndarray, " rest"]
    diagonal: Float64[np.ndarray, " feature"]
    beside: Float64[np.ndarray, " rest"]
    projected: Float64[np.ndarray, "feature target"]
    x_mean: Float64[np.ndarray, " feature"]
    y_mean: Float64[np.ndarray, " target"]

    def shrunk(
        self, penalty: float | Float64[np.ndarray, " target"]
    ) -> Float64[np.ndarray, "feature target"]:
        """Return (T + penalty)^-1 Q' X'Y: the weights in the basis of Q.

        Parameters
        ----------
        penalty : float or array (target,)
            Penalty, not scaled by anything.

        Returns
        -------
        array (feature, target)
            Weights in that basis.
        """
        if np.ndim(penalty) == 0:
            return self._solved(float(penalty), self.projected)
        wanted, found = np.asarray(penalty), np.empty_like(self.projected)
        for one in np.unique(wanted):
            mine = wanted == one
            found[:, mine] = self._solved(float(one), self.projected[:, mine])
        return found

    def weights(
        self, penalty: float | Float64[np.ndarray, " target"]
    ) -> Float64[np.ndarray, "feature target"]:
        """Return the weights of the features for one penalty, or for one per target."""
        return self.turned_back(self.shrunk(penalty))

    def turned(self, columns: Float64[np.ndarray, "feature any"]) -> Float64[np.ndarray, "feature any"]:
        """Return Q' times columns."""
        return _reflected(self.reflectors, self.factors, columns, "T")

    def turned_back(self, columns: Float64[np.ndarray, "feature any"]) -> Float64[np.ndarray, "feature any"]:
        """Return Q times columns."""
        return _reflected(self.reflectors, self.factors, columns, "N")

    def _solved(
        self, penalty: float, right: Float64[np.ndarray, "feature some"]
    ) -> Float64[np.ndarray, "feature some"]:
        from scipy.linalg.lapack import dpttrf, dpttrs

        # no penalty is smaller than what double precision tells from 0
        least = len(self.diagonal) * np.finfo(np.float64).eps * np.abs(self.diagonal).max(initial=0)
        lifted = self.diagonal + max(penalty, least)
        if len(lifted) == 1:
            return np.asarray(right / lifted)
        diagonal, beside, problem = dpttrf(lifted, self.beside)
        if problem:
            raise np.linalg.LinAlgError(f"the Gram matrix is not positive definite at row {problem}")
        return np.asarray(dpttrs(diagonal, beside, right)[0])


def _reflected(
    reflectors: Float64[np.ndarray, "rest rest"],
    factors: Float64[np.ndarray, " rest"],
    columns: Float64[np.ndarray, "feature any"],
    how: Literal["T", "N"],
) -> Float64[np.ndarray, "feature any"]:
    """Multiply all rows but the first with the product of reflectors."""
    from scipy.linalg.lapack import dormqr

    if not columns.size or not len(factors):
        return columns
    found = np.array(columns, order="F")
    room = REFLECTED_AT_ONCE * columns.shape[1] + REFLECTED_AT_ONCE * (REFLECTED_AT_ONCE + 1)
    found[1:], _, _ = dormqr("L", how, reflectors, factors, found[1:], lwork=room)
    return found


def decompose(sums: Sums) -> Decomposed:
    """Decompose the centred Gram matrix of training rows.

    Parameters
    ----------
    sums : Sums
        Of the training rows.

    Returns
    -------
    Decomposed
        Ready for every penalty.
    """
    from scipy.linalg.lapack import dsytrd, dsytrd_lwork

    xx, xy, _ = sums.centred()
    if len(xx) == 1:
        nothing = np.zeros(0)
        return Decomposed(np.zeros((0, 0)), nothing, xx[0], nothing, xy, *sums.means)
    room = int(dsytrd_lwork(len(xx), lower=1)[0])
    turned, diagonal, beside, factors, _ = dsytrd(xx.T, lower=1, lwork=room, overwrite_a=1)
    reflectors = np.asfortranarray(turned[1:, :-1])
    projected = _reflected(reflectors, factors, xy, "T")
    return Decomposed(reflectors, factors, diagonal, beside, projected, *sums.means)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What solutions for several penalties say of held-out rows, in products of targets.

    With X and Y the held-out rows about the means of the training rows, and W the weights for a penalty:

    Attributes
    ----------
    fitted : Decomposed
        The training rows.
    penalties : tuple of float
        Penalties, not scaled by anything.
    inside, across : array (penalty, target, target)
        W'X'XW and W'X'Y.
    yy : array (target,)
        The diagonal of Y'Y.
    """

    fitted: Decomposed
    penalties: tuple[float, ...]
    inside: Float64[np.ndarray, "penalty target target"]
    across: Float64[np.ndarray, "penalty target target"]
    yy: Float64[np.ndarray, " target"]

    @classmethod
    def of(cls, fitted: Decomposed, held: Sums, penalties: Sequence[float]) -> "HeldOut":
        """Judge solutions by the sums of held-out rows.

        Parameters
        ----------
        fitted : Decomposed
            The training rows.
        held : Sums
            Of the held-out rows.
        penalties : sequence of float
            Penalties, not scaled by anything.

        Returns
        -------
        HeldOut
            Of those penalties.
        """
        xx, xy, yy = held.about(fitted.x_mean, fitted.y_mean)
        # the weights for all penalties side by side: two large products instead of many small ones
        weights = fitted.turned_back(np.concatenate([fitted.shrunk(one) for one in penalties], axis=1))
        said = np.split(xx @ weights, len(penalties), axis=1)
        each = np.split(weights, len(penalties), axis=1)
        inside = np.stack([a.T @ b for a, b in zip(each, said, strict=True)])
        return cls(fitted, tuple(penalties), inside, np.stack([one.T @ xy for one in each]), yy)


def held_errors(held: HeldOut) -> Float64[np.ndarray, "penalty target"]:
    """Return the squared error on held-out rows for every penalty and target, from sums alone.

    Parameters
    ----------
    held : HeldOut
        The held-out rows, and what was fitted to the training rows.

    Returns
    -------
    array (penalty, target)
        Sums of squared errors.
    """
    inside, across = (np.diagonal(one, axis1=1, axis2=2) for one in (held.inside, held.across))
    return np.asarray(held.yy + inside - 2 * across)


class Ridge(LinearModel):
    """Ridge regression with a penalty of its own for every target, chosen on held-out rows.

    Parameters
    ----------
    penalties : float or sequence of float, optional
        Multiples of the number of training rows; a single one is used without a choice.
    folds : object, optional
        Anything with `split(X, y, groups)`, such as `BlockFolds`; by default four contiguous parts.
    per_target : bool, optional
        One penalty per target, or one for all.

    Attributes
    ----------
    coef_ : array (feature, target)
        Weights.
    intercept_ : array (target,)
        Constants.
    penalty_ : array (target,)
        Chosen penalties, as multiples of the number of rows.

    Examples
    --------
    >>> x = np.arange(20.0)[:, None]; model = Ridge(1e-9).fit(x, 2 * x + 1)
    >>> np.round(model.predict(np.array([[3.0]])), 6).tolist()
    [[7.0]]
    """

    def __init__(
        self, penalties: float | Sequence[float] = PENALTIES, *, folds: Any = None, per_target: bool = True
    ) -> None:
        self.penalties, self.folds, self.per_target = penalties, folds, per_target

    def fit(
        self,
        X: Float[np.ndarray, "time feature"],
        y: Float[np.ndarray, "time target"],
        groups: Shaped[np.ndarray, " time"] | None = None,
    ) -> "Ridge":
        """Choose penalties and fit.

        Parameters
        ----------
        X : array (time, feature)
            Design, not centred.
        y : array (time, target)
            Targets, not centred.
        groups : array (time,), optional
            Given to `folds`: times for `BlockFolds`.

        Returns
        -------
        Ridge
            The same object.
        """
        choices = np.atleast_1d(np.asarray(self.penalties, np.float64))
        everything = Sums.of(X, y)
        chosen = np.zeros(y.shape[1], np.int64)
        if len(choices) > 1:
            error = np.zeros((len(choices), y.shape[1]))
            for train, held in self._splits(X, y, groups):
                part = Sums.of(X[train], y[train])
                held_out = Sums.of(X[held], y[held])
                error += held_errors(HeldOut.of(decompose(part), held_out, (choices * part.n).tolist()))
            chosen = error.argmin(0) if self.per_target else np.full(len(chosen), error.sum(1).argmin())
        self.penalty_ = choices[chosen]
        fitted = decompose(everything)
        self.coef_ = fitted.weights(self.penalty_ * everything.n)
        self.intercept_ = fitted.y_mean - fitted.x_mean @ self.coef_
        return self

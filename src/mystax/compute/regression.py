"""Ridge regression in closed form: every penalty from one eigendecomposition, one penalty per target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.compute.estimator import LinearModel
from mystax.core.typing import Float, Float64, Int64, Shaped

__all__ = ["PENALTIES", "Decomposed", "HeldOut", "Ridge", "Sums", "decompose", "held_errors", "row_slabs"]

PENALTIES: tuple[float, ...] = tuple(float(10.0**power) for power in np.arange(-3, 3.01, 0.5))
"""Penalties as multiples of the number of training rows."""

SLAB = 4096
"""Rows that are turned into float64 at once."""


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
        p, r = x.shape[1], y.shape[1]
        found = cls(0, np.zeros(p), np.zeros(r), np.zeros((p, p)), np.zeros((p, r)), np.zeros(r))
        for rows in row_slabs(len(x)):
            a, b = np.asarray(x[rows], np.float64), np.asarray(y[rows], np.float64)
            found = found + cls(len(a), a.sum(0), b.sum(0), a.T @ a, a.T @ b, (b * b).sum(0))
        return found

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


@dataclass(frozen=True)
class Decomposed:
    """Sums of training rows, decomposed once: the solution for every penalty is one product away.

    Attributes
    ----------
    vectors, values : array (feature, feature), (feature,)
        Eigenvectors and eigenvalues of the centred Gram matrix.
    projected : array (feature, target)
        The centred X'Y in the basis of the eigenvectors.
    x_mean, y_mean : array (feature,), (target,)
        Means of the training rows.
    """

    vectors: Float64[np.ndarray, "feature feature"]
    values: Float64[np.ndarray, " feature"]
    projected: Float64[np.ndarray, "feature target"]
    x_mean: Float64[np.ndarray, " feature"]
    y_mean: Float64[np.ndarray, " target"]

    def shrunk(
        self, penalty: float | Float64[np.ndarray, " target"]
    ) -> Float64[np.ndarray, "feature target"]:
        """Return the weights in the basis of the eigenvectors.

        Parameters
        ----------
        penalty : float or array (target,)
            Penalty, not scaled by anything.

        Returns
        -------
        array (feature, target)
            Weights of the eigenvectors.
        """
        return np.asarray(self.projected / (self.values[:, None] + np.asarray(penalty, np.float64)))

    def weights(
        self, penalty: float | Float64[np.ndarray, " target"]
    ) -> Float64[np.ndarray, "feature target"]:
        """Return the weights of the features for one penalty, or for one per target."""
        return np.asarray(self.vectors @ self.shrunk(penalty))


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
    from scipy.linalg import eigh

    xx, xy, _ = sums.centred()
    values, vectors = eigh(xx, overwrite_a=True, check_finite=False, driver="evd")
    return Decomposed(vectors, np.maximum(values, 0), vectors.T @ xy, *sums.means)


@dataclass(frozen=True)
class HeldOut:
    """Sums of held-out rows in the basis of the eigenvectors of training rows: errors are one product away.

    Attributes
    ----------
    fitted : Decomposed
        The training rows.
    inside, across, yy : array (feature, feature), (feature, target), (target,)
        Sums of products of the held-out rows about the means of the training rows.
    """

    fitted: Decomposed
    inside: Float64[np.ndarray, "feature feature"]
    across: Float64[np.ndarray, "feature target"]
    yy: Float64[np.ndarray, " target"]

    @classmethod
    def of(cls, fitted: Decomposed, held: Sums) -> "HeldOut":
        """Turn the sums of held-out rows."""
        xx, xy, yy = held.about(fitted.x_mean, fitted.y_mean)
        return cls(fitted, fitted.vectors.T @ xx @ fitted.vectors, fitted.vectors.T @ xy, yy)


def held_errors(held: HeldOut, penalties: Sequence[float]) -> Float64[np.ndarray, "penalty target"]:
    """Return the squared error on held-out rows for every penalty and target, from sums alone.

    Parameters
    ----------
    held : HeldOut
        The held-out rows, and what was fitted to the training rows.
    penalties : sequence of float
        Penalties, not scaled by anything.

    Returns
    -------
    array (penalty, target)
        Sums of squared errors.
    """
    found = np.empty((len(penalties), len(held.yy)))
    for place, penalty in enumerate(penalties):
        weights = held.fitted.shrunk(penalty)
        found[place] = held.yy + (weights * (held.inside @ weights - 2 * held.across)).sum(0)
    return found


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
                rest = HeldOut.of(decompose(part), Sums.of(X[held], y[held]))
                error += held_errors(rest, (choices * part.n).tolist())
            chosen = error.argmin(0) if self.per_target else np.full(len(chosen), error.sum(1).argmin())
        self.penalty_ = choices[chosen]
        fitted = decompose(everything)
        self.coef_ = fitted.weights(self.penalty_ * everything.n)
        self.intercept_ = fitted.y_mean - fitted.x_mean @ self.coef_
        return self

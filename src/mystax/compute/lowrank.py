"""Few directions for many neurons: principal components of slabs, and exact reduced-rank regression."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mystax.compute.estimator import LinearModel
from mystax.compute.regression import PENALTIES, Decomposed, HeldOut, Sums, decompose, row_slabs
from mystax.core.typing import Float, Float32, Float64, Shaped

__all__ = ["ReducedRank", "Slab", "leading_components", "n_components_for", "rank_errors", "reduced"]

Slab = Callable[[], Float32[np.ndarray, "time some"]]
"""Gives some standardised neurons (time, neuron) when it is asked for them."""

EXACT = 3000
"""Up to so many neurons or rows the eigenproblem is solved exactly."""
EXTRA, ITERATIONS = 20, 1


def n_components_for(n_neurons: int, n_rows: int) -> int:
    """Return how many components stand for a population.

    Parameters
    ----------
    n_neurons, n_rows : int
        Neurons, and training bins.

    Returns
    -------
    int
        64, 128 or 256, but no more than neurons or a tenth of the bins.
    """
    wanted = 64 if n_neurons <= 1000 else 128 if n_neurons <= 10_000 else 256
    return max(1, min(wanted, n_neurons, n_rows // 10))


def _fix_signs(loadings: Float64[np.ndarray, "neuron component"]) -> Float64[np.ndarray, "neuron component"]:
    """Make the largest loading of each component positive."""
    largest = np.abs(loadings).argmax(0)
    signs = np.sign(loadings[largest, np.arange(loadings.shape[1])])
    return loadings * np.where(signs == 0, 1, signs)


def leading_components(
    slabs: Sequence[Slab], n_rows: int, n_neurons: int, n_components: int, seed: int = 0
) -> Float64[np.ndarray, "neuron component"]:
    """Find the leading principal directions of neurons that are read slab by slab.

    Parameters
    ----------
    slabs : sequence of callables
        Each gives (time, some neurons): standardised training rows.
    n_rows, n_neurons : int
        Number of rows, and of neurons in all slabs.
    n_components : int
        Number of directions.
    seed : int, optional
        Seed of the random start, used where neither neurons nor rows are few.

    Returns
    -------
    array (neuron, component)
        Orthonormal columns, strongest first, each with its largest value positive.

    References
    ----------
    .. [1] Halko, Martinsson & Tropp (2011), doi:10.1137/090771806
    """
    if n_neurons <= EXACT:
        return _of_neurons(slabs, n_components)
    if n_rows <= EXACT:
        return _of_rows(slabs, n_rows, n_components)
    return _at_random(slabs, n_rows, n_components, seed)


def _of_neurons(slabs: Sequence[Slab], n_components: int) -> Float64[np.ndarray, "neuron component"]:
    """Solve through the Gram matrix of the neurons, where there are few."""
    from scipy.linalg import eigh

    z = np.concatenate([slab() for slab in slabs], axis=1)
    n = z.shape[1]
    gram = np.zeros((n, n))
    for rows in row_slabs(len(z)):
        part = z[rows].astype(np.float64)
        gram += part.T @ part
    _, vectors = eigh(gram, subset_by_index=[n - n_components, n - 1])
    return _fix_signs(vectors[:, ::-1])


def _at_random(
    slabs: Sequence[Slab], n_rows: int, n_components: int, seed: int
) -> Float64[np.ndarray, "neuron component"]:
    """Solve in a random subspace that one power iteration has turned towards the strong directions."""
    from scipy.linalg import eigh, qr

    generator = np.random.default_rng(seed)
    width = min(n_components + EXTRA, n_rows)
    rows = np.zeros((n_rows, width))
    for slab in slabs:
        z = slab()
        rows += z @ generator.standard_normal((z.shape[1], width)).astype(np.float32)
    for _ in range(ITERATIONS):
        basis = qr(rows, mode="economic")[0].astype(np.float32)
        rows = np.zeros((n_rows, width))
        for slab in slabs:
            z = slab()
            rows += z @ (z.T @ basis)
    basis = qr(rows, mode="economic")[0].astype(np.float32)
    inside = np.concatenate([slab().T @ basis for slab in slabs]).astype(np.float64)
    values, turned = eigh(inside.T @ inside)
    order = np.argsort(values)[::-1][:n_components]
    return _fix_signs(inside @ turned[:, order] / np.sqrt(np.maximum(values[order], 1e-30)))


def _of_rows(
    slabs: Sequence[Slab], n_rows: int, n_components: int
) -> Float64[np.ndarray, "neuron component"]:
    """Solve through the Gram matrix of the rows, where there are few."""
    from scipy.linalg import eigh

    gram = np.zeros((n_rows, n_rows))
    for slab in slabs:
        z = np.asarray(slab(), np.float64)
        gram += z @ z.T
    values, vectors = eigh(gram, subset_by_index=[n_rows - n_components, n_rows - 1])
    rows = vectors[:, ::-1] / np.sqrt(np.maximum(values[::-1], 1e-30))
    return _fix_signs(np.concatenate([np.asarray(slab(), np.float64).T @ rows for slab in slabs]))


@dataclass(frozen=True)
class Reduced:
    """The solutions of all ranks for one penalty.

    Attributes
    ----------
    fitted : Decomposed
        The training rows.
    turned : array (feature, component)
        Weights for the leading directions, in the basis of the training rows.
    outside : array (component, target)
        What each direction adds to the targets.
    """

    fitted: Decomposed
    turned: Float64[np.ndarray, "feature component"]
    outside: Float64[np.ndarray, "component target"]

    def inside(self, rank: int) -> Float64[np.ndarray, "feature component"]:
        """Return the weights of the features for the leading `rank` directions."""
        return self.fitted.turned_back(self.turned[:, :rank])

    def weights(self, rank: int) -> Float64[np.ndarray, "feature target"]:
        """Return the weights of rank `rank`."""
        return np.asarray(self.inside(rank) @ self.outside[:rank])


def reduced(fitted: Decomposed, penalty: float) -> Reduced:
    """Find the optimum of every rank for one penalty.

    Parameters
    ----------
    fitted : Decomposed
        The training rows.
    penalty : float
        Penalty, not scaled by anything.

    Returns
    -------
    Reduced
        All ranks at once.
    """
    from scipy.linalg import eigh

    ridge = fitted.shrunk(penalty)
    _, directions = eigh(fitted.projected.T @ ridge, check_finite=False, driver="evd")
    directions = directions[:, : -min(ridge.shape) - 1 : -1]
    return Reduced(fitted, ridge @ directions, directions.T)


def rank_errors(held: HeldOut, place: int) -> Float64[np.ndarray, "rank target"]:
    """Return the squared error on held-out rows for every rank and target, from sums alone.

    Parameters
    ----------
    held : HeldOut
        The held-out rows, and what was fitted to the training rows.
    place : int
        Which of its penalties.

    Returns
    -------
    array (rank, target)
        Sums of squared errors of ranks 1, 2, ...
    """
    outside = reduced(held.fitted, held.penalties[place]).outside
    inside, across = outside @ held.inside[place] @ outside.T, outside @ held.across[place]
    earlier = np.tril(inside, -1) @ outside
    return np.asarray(
        held.yy
        + np.cumsum(outside * (-2 * across + 2 * earlier + np.diag(inside)[:, None] * outside), axis=0)
    )


class ReducedRank(LinearModel):
    """Ridge regression whose weights have a limited rank, solved exactly.

    With B the ridge solution, rank k is B V V' where V are the leading eigenvectors of
    Y'X (X'X + penalty)^-1 X'Y.

    Parameters
    ----------
    ranks : int or sequence of int, optional
        Ranks to choose from; by default all.
    penalties : float or sequence of float, optional
        Multiples of the number of training rows.
    folds : object, optional
        Anything with `split(X, y, groups)`; by default four contiguous parts.

    Attributes
    ----------
    coef_, intercept_ : array (feature, target), (target,)
        Weights and constants.
    rank_, penalty_ : int, float
        What was chosen.

    References
    ----------
    .. [1] Izenman (1975), doi:10.1016/0047-259X(75)90042-1

    Examples
    --------
    >>> x = np.eye(6)[:, :2]; y = np.repeat(x[:, :1], 3, axis=1)
    >>> int(np.linalg.matrix_rank(ReducedRank(1, penalties=1e-9).fit(x, y).coef_))
    1
    """

    def __init__(
        self,
        ranks: int | Sequence[int] | None = None,
        *,
        penalties: float | Sequence[float] = PENALTIES,
        folds: Any = None,
    ) -> None:
        self.ranks, self.penalties, self.folds = ranks, penalties, folds

    def fit(
        self,
        X: Float[np.ndarray, "time feature"],
        y: Float[np.ndarray, "time target"],
        groups: Shaped[np.ndarray, " time"] | None = None,
    ) -> "ReducedRank":
        """Choose rank and penalty, and fit.

        Parameters
        ----------
        X : array (time, feature)
            Design, not centred.
        y : array (time, target)
            Targets, not centred.
        groups : array (time,), optional
            Given to `folds`.

        Returns
        -------
        ReducedRank
            The same object.
        """
        choices = np.atleast_1d(np.asarray(self.penalties, np.float64))
        most = min(X.shape[1], y.shape[1])
        ranks = np.arange(1, most + 1) if self.ranks is None else np.atleast_1d(np.asarray(self.ranks))
        ranks = np.unique(np.minimum(ranks, most))
        error = np.zeros((len(choices), len(ranks)))
        if error.size > 1:
            for train, held in self._splits(X, y, groups):
                part = Sums.of(X[train], y[train])
                held_out = Sums.of(X[held], y[held])
                rest = HeldOut.of(decompose(part), held_out, (choices * part.n).tolist())
                for place in range(len(choices)):
                    error[place] += rank_errors(rest, place).sum(1)[ranks - 1]
        best, rank = np.unravel_index(int(error.argmin()), error.shape)
        self.penalty_, self.rank_ = float(choices[best]), int(ranks[rank])
        everything = Sums.of(X, y)
        fitted = decompose(everything)
        self.coef_ = reduced(fitted, self.penalty_ * everything.n).weights(self.rank_)
        self.intercept_ = fitted.y_mean - fitted.x_mean @ self.coef_
        return self

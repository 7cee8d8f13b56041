"""The habit of scikit-learn's estimators, without scikit-learn: parameters are what `__init__` takes."""

import inspect
from typing import Any

import numpy as np

from mystax.core.typing import Float64, Num

__all__ = ["Estimator", "LinearModel"]


class Estimator:
    """Base of `Ridge`, `ReducedRank`, `BlockFolds`, `Filterbank`: `sklearn.base.clone` works on them."""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn passes it
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, optional
            Taken for scikit-learn; these estimators hold no others.

        Returns
        -------
        dict
            What `__init__` was given.
        """
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **parameters: Any) -> "Estimator":
        """Change parameters by name.

        Parameters
        ----------
        **parameters
            Those of `__init__`.

        Returns
        -------
        Estimator
            The same object.

        Raises
        ------
        AttributeError
            If there is no such parameter.
        """
        for name, value in parameters.items():
            if name not in self._names():
                raise AttributeError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)
        return self


class LinearModel(Estimator):
    """Base of the linear models: predictions, and the parts of the rows that judge what is chosen.

    Attributes
    ----------
    folds : object or None
        ``split(X, y, groups)`` gives training and held rows; None stands for four parts in a row.
    coef_ : array (feature, target)
        Weights, once fitted.
    intercept_ : array (target,)
        Constants, once fitted.
    """

    folds: Any
    coef_: Float64[np.ndarray, "feature target"]
    intercept_: Float64[np.ndarray, " target"]

    def _splits(self, X: Any, y: Any, groups: Any) -> list[tuple[Any, Any]]:
        if self.folds is not None:
            return list(self.folds.split(X, y, groups))
        parts = np.array_split(np.arange(len(X)), 4)
        return [(np.concatenate([p for p in parts if p is not held]), held) for held in parts]

    def predict(self, X: Num[np.ndarray, "time feature"]) -> Float64[np.ndarray, "time target"]:
        """Predict targets.

        Parameters
        ----------
        X : array (time, feature)
            Design.

        Returns
        -------
        array (time, target)
            Predictions.
        """
        return np.asarray(X @ self.coef_ + self.intercept_)

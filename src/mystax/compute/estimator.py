"""The habit of scikit-learn's estimators, without scikit-learn: parameters are what `__init__` takes."""

import inspect
from typing import Any

__all__ = ["Estimator"]


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

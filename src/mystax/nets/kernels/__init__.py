"""Compiled loops about the keypoint network, one module per topic; each has a NumPy twin in the tests.

A kernel is a plain function of arrays and numbers, decorated with `kernel`.  Compiled code is kept in
the user's cache folder, so that only the first run ever compiles.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast, no_type_check

import numba
import platformdirs

__all__ = ["kernel"]

F = TypeVar("F", bound=Callable[..., Any])

_config: Any = numba.config  # its settings are made at run time: no checker sees them

if not os.environ.get("NUMBA_CACHE_DIR"):
    _config.CACHE_DIR = str(platformdirs.user_cache_path("mystax") / "numba")


def kernel(function: F) -> F:
    """Compile a function as `mystax.compute.kernels` does, which is no neighbour to import from."""
    # In tests jaxtyping's import hook has wrapped the function already; numba needs the plain one.
    compiled = numba.njit(nogil=True, cache=True)(no_type_check(inspect.unwrap(function)))
    return cast("F", compiled)

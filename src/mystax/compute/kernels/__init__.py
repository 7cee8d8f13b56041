"""Compiled loops, one module per topic; each has a NumPy twin in the tests.

A kernel is a plain function of arrays and numbers, decorated with `kernel`.  Compiled code is kept in
the user's cache folder, so that only the first run ever compiles.
"""

import inspect
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar, cast, no_type_check

import platformdirs

__all__ = ["cache_folder", "kernel"]

F = TypeVar("F", bound=Callable[..., Any])


def _load_numba() -> Any:
    """Load numba without what it only looks for on its way: together a third of the time to a first result.

    `coverage`, where it is installed and not at work, would count the lines of kernels.  `scipy.linalg` is
    loaded to see that it is there, as it always is here; whoever compiles a matrix product still finds it.
    """
    modules: dict[str, Any] = sys.modules
    idle = "coverage" not in modules and "numba" not in modules
    if idle:
        modules["coverage"] = None
    try:
        library = import_module("numba")
    finally:
        if idle:
            del modules["coverage"]
    algebra: Any = import_module("numba.np.linalg")
    ask = algebra.ensure_blas
    algebra.ensure_blas = lambda: None
    try:
        functions: Any = import_module("numba.np.arraymath")
    finally:
        algebra.ensure_blas = ask
    functions.ensure_blas = ask
    return library


numba = _load_numba()
_config = numba.config  # its settings are made at run time: no checker sees them

if not os.environ.get("NUMBA_CACHE_DIR"):
    _config.CACHE_DIR = str(platformdirs.user_cache_path("mystax") / "numba")


def kernel(function: F) -> F:
    """Compile a function: without the interpreter's lock, kept on disk, IEEE arithmetic, one thread."""
    # In tests jaxtyping's import hook has wrapped the function already; numba needs the plain one.
    plain = inspect.unwrap(function)
    compiled = numba.njit(nogil=True, cache=True)(no_type_check(plain))
    return cast("F", compiled)


def cache_folder() -> str:
    """Return the folder in which compiled code is kept."""
    return str(_config.CACHE_DIR)

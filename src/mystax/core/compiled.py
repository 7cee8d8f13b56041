"""The one door to the compiler of loops.

A kernel is a plain function of arrays and numbers, decorated with `kernel`, in a module of a folder named
``kernels``; each has a NumPy twin in the tests.  Compiled code is kept in the user's cache folder, so that
only the first run ever compiles.
"""

import inspect
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast, no_type_check

import numba
import platformdirs

__all__ = ["cache_folder", "kernel"]

F = TypeVar("F", bound=Callable[..., Any])

_config: Any = numba.config  # its settings are made at run time: no checker sees them

if not os.environ.get("NUMBA_CACHE_DIR"):
    _config.CACHE_DIR = str(platformdirs.user_cache_path("mystax") / "numba")


def kernel(function: F) -> F:
    """Compile a function: without the interpreter's lock, kept on disk, IEEE arithmetic, one thread.

    Division by zero gives what NumPy's does.
    """
    # In tests jaxtyping's import hook has wrapped the function already; numba needs the plain one.
    plain = no_type_check(inspect.unwrap(function))
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(plain))


def cache_folder() -> str:
    """Return the folder in which compiled code is kept."""
    return str(_config.CACHE_DIR)

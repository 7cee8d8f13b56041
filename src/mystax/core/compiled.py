"""The one door to the compiler of loops.

A kernel is a plain function of arrays and numbers, decorated with `kernel`, in a module of a folder named
``kernels``; each has a NumPy twin in the tests.  One that adds up long rows is a `summing_kernel`: it runs
faster; one that only other kernels call is an `inner_kernel`: it compiles faster.  Compiled code is kept in
the user's cache folder, so that only the first run ever compiles.
"""

import gc
import inspect
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar, cast, no_type_check

import numba
import platformdirs
from numba.core import event
from numba.core.registry import CPUDispatcher

__all__ = ["cache_folder", "inner_kernel", "kernel", "summing_kernel"]

F = TypeVar("F", bound=Callable[..., Any])
_Handler = Callable[[int, FrameType | None], Any]

_config: Any = numba.config  # its settings are made at run time: no checker sees them
_njit: Any = numba.njit  # some of its options are not among its types

if not os.environ.get("NUMBA_CACHE_DIR"):
    _config.CACHE_DIR = str(platformdirs.user_cache_path("mystax") / "numba")


class _Pause(event.Listener):
    """What waits while something is compiled: the search for cyclic garbage, and signals.

    The search would take an eighth of the time.  A signal whose handler raises within LLVM would be lost, or
    end in an error that names a library; it is handled when the function in work is compiled.  One thread
    compiles at a time (numba's lock), one function within another.
    """

    def __init__(self) -> None:
        self._depth, self._was_on = 0, False
        self._handlers: dict[int, _Handler] = {}
        self._come: list[int] = []

    def on_start(self, _: Any) -> None:
        """Let both wait from the outermost function on."""
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
            self._hold()
        self._depth += 1

    def on_end(self, _: Any) -> None:
        """Let both go on as before; signals that have come are handled."""
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()
        handlers = self._handlers
        if self._depth == 0:
            self._handlers = {}
            for number, handler in handlers.items():
                signal.signal(number, handler)
        while self._come:
            number = self._come.pop(0)
            handlers[number](number, None)

    def _hold(self) -> None:
        """Keep signals with a handler in Python; other threads have none."""
        self._come.clear()
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._note)

    def _note(self, number: int, _: FrameType | None) -> None:
        self._come.append(number)


_register: Any = event.register  # it has no types
_register("numba:compile", _Pause())


def kernel(function: F) -> F:
    """Compile a function: without the interpreter's lock, kept on disk, IEEE arithmetic, one thread.

    Division by zero gives what NumPy's does.
    """
    return cast("F", _compiled(function))


def summing_kernel(function: F) -> F:
    """Compile a kernel whose sums may be added up in any order, as those of NumPy and BLAS are.

    A sum along an array then fills the vector unit; in the order of the loop it waits for every addition.
    """
    return cast("F", _compiled(function, fastmath={"reassoc"}))


def inner_kernel(function: F) -> F:
    """Compile a function that kernels call, and nobody else.

    It has no way in for Python's objects, whose making and optimizing is a seventh of a kernel's compiling.
    """
    found = _compiled(function, no_cpython_wrapper=True)
    if isinstance(found, CPUDispatcher):  # a plain function where nothing is compiled (NUMBA_DISABLE_JIT)
        found.__class__ = _Inner
    return cast("F", found)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    # In tests jaxtyping's import hook has wrapped the function already; numba needs the plain one.
    plain = no_type_check(inspect.unwrap(function))
    made = _njit(nogil=True, cache=True, error_model="numpy", no_cfunc_wrapper=True, **options)
    return made(plain)


class _Inner(CPUDispatcher):
    """An inner kernel: what it lacks would end the process if it were called."""

    def __call__(self, *_: Any) -> Any:
        raise TypeError(f"{self.py_func.__name__} is an inner kernel: only kernels call it")


def cache_folder() -> str:
    """Return the folder in which compiled code is kept."""
    return str(_config.CACHE_DIR)

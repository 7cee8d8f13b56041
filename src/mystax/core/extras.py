"""Modules that are imported when they are needed: optional libraries, and functions named in a text."""

from importlib import import_module
from types import ModuleType
from typing import Any

from mystax.errors import ExtraMissing

__all__ = ["named", "require"]


def require(module: str, extra: str) -> ModuleType:
    """Import a library that only an extra of mystax installs.

    Parameters
    ----------
    module : str
        Name of the library.
    extra : str
        Name of the extra.

    Returns
    -------
    module
        The library.

    Raises
    ------
    ExtraMissing
        X001, if it is not installed.

    Examples
    --------
    >>> require("no_such_library", "dev")
    Traceback (most recent call last):
    mystax.errors.ExtraMissing: X001 extra 'dev': not installed. Expected no_such_library, got nothing. \
Hint: pip install "mystax[dev]"
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".", maxsplit=1)[0]:
            raise
        raise ExtraMissing(
            "X001",
            f"extra {extra!r}",
            "not installed",
            expected=module,
            got="nothing",
            hint=f'pip install "mystax[{extra}]"',
        ) from error


def named(place: str) -> Any:
    """Return what ``module:name`` stands for; the module is imported now.

    Examples
    --------
    >>> named("math:floor")(2.5)
    2
    """
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)

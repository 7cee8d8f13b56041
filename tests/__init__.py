"""Tests of mystax, and the run-time type checker that guards them."""

import functools
import inspect
import itertools
from collections.abc import Callable
from dataclasses import is_dataclass
from types import CodeType, SimpleNamespace
from typing import Any, get_args, get_type_hints

import jaxtyping
from beartype import BeartypeConf, beartype

check_types = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))
"""Beartype, where a whole number is a number (as mypy has it); what it finds is a TypeError."""

LOOKS = 50
"""Calls of a function with named axes that are checked in each test: those after them look like these."""

_jaxtyped = jaxtyping.jaxtyped
_seen: set[CodeType] = set()
_tests = itertools.count(1)
_now = SimpleNamespace(test=0)


def begin_test() -> None:
    """Let the next calls of every function be checked again."""
    _now.test = next(_tests)


def names_axes(annotation: object) -> bool:
    """Tell whether an annotation holds an array whose axes have names."""
    if isinstance(annotation, list | tuple):  # the arguments of a Callable
        return any(map(names_axes, annotation))
    if inspect.isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(map(names_axes, get_args(annotation)))


def _of_one_call(is_checked: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """Let equal names of axes mean equal lengths within one call; look at the first calls of each test."""
    test = left = 0

    @functools.wraps(is_checked)
    def call(*args: Any, **named: Any) -> Any:
        __tracebackhide__ = True
        nonlocal test, left
        if test != _now.test:
            test, left = _now.test, LOOKS
        if test and not left:
            return plain(*args, **named)
        left -= 1
        with _jaxtyped("context"):
            try:
                return is_checked(*args, **named)
            except jaxtyping.TypeCheckError as wrong:
                shapes = [str(item.shape) for item in (*args, *named.values()) if hasattr(item, "shape")]
                wrong.add_note(f"shapes of the arguments: {', '.join(shapes)}")
                raise

    return call


def checked(target: Any = None, *, typechecker: Any) -> Any:
    """Check the types of each call, and the lengths of axes where annotations name any.

    It stands for `jaxtyping.jaxtyped`, which binds the arguments of every call, makes two more functions of
    each, and looks at all arguments twice: that would be a third of the time of all tests.
    """
    if target is None:
        return functools.partial(checked, typechecker=typechecker)
    if inspect.isclass(target) and is_dataclass(target) and "__init__" in vars(target):
        target.__init__ = checked(target.__init__, typechecker=typechecker)  # type: ignore[method-assign] # as jaxtyping
        return target
    if not inspect.isfunction(target):
        return _jaxtyped(target, typechecker=typechecker)
    if "<locals>" in target.__qualname__:
        # what each call of another function makes anew is checked the first time: making the checks takes
        # longer than most of these functions
        if target.__code__ in _seen:
            return target
        _seen.add(target.__code__)
    try:
        hints = get_type_hints(target, include_extras=True)
    except Exception:  # noqa: BLE001 - a name that is not there yet ends in this or that; jaxtyping leaves it out
        return _jaxtyped(target, typechecker=typechecker)
    is_checked = typechecker(target)
    return _of_one_call(is_checked, target) if any(map(names_axes, hints.values())) else is_checked


jaxtyping.jaxtyped = checked  # type: ignore[assignment] # the import hook decorates with

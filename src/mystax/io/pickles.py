"""Plain data out of pickled bytes, without running any of them.

A small machine walks the opcodes and knows how to build lists, dicts, tuples, texts, numbers, NumPy
arrays and paths (as text).  Everything else, above all a call of anything, is refused: the bytes are
never given to the standard unpickler.
"""

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any, BinaryIO, cast

import numpy as np

from mystax.errors import FormatError

__all__ = ["read_pickled"]

MAX_OBJECTS = 1_000_000
MAX_DEPTH = 100
DTYPE_KINDS = "biufSUO"

ARRAY_MAKERS = {
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),  # empty bytes of old protocols: a call without arguments
}
PATHS = {
    (module, name)
    for module in ("pathlib", "pathlib._local")
    for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath")
}


@dataclass
class _Named:
    """A global that the file names; one of the known few."""

    module: str
    name: str


@dataclass
class _Dtype:
    """A dtype before its byte order is known."""

    text: str
    order: str = "="

    def make(self) -> np.dtype[Any]:
        try:
            dtype = np.dtype(self.text)
        except TypeError as error:
            raise _impossible(f"dtype {self.text!r}") from error
        if dtype.kind not in DTYPE_KINDS or dtype.names is not None or dtype.subdtype is not None:
            raise _impossible(f"dtype {self.text!r}")
        if self.order == ">":
            return dtype.newbyteorder(">")
        return dtype.newbyteorder("<") if self.order == "<" else dtype


@dataclass
class _Array:
    """An array before its content came; `value` is there after BUILD."""

    value: np.ndarray | None = None


@dataclass
class _Machine:
    """Stack, memo and limits while the opcodes are walked."""

    n_bytes: int
    max_objects: int
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    n_objects: int = 0

    def push(self, value: object) -> None:
        self.n_objects += 1
        if self.n_objects > self.max_objects:
            raise _too_many(self.max_objects)
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise _impossible("an empty stack")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        if not self.marks:
            raise _impossible("no mark")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise _impossible(f"no {kind.__name__} where one is needed")
        return self.stack[-1]


def _code(name: str) -> FormatError:
    return FormatError(
        "F801",
        "pickled data",
        f"the file wants to run code ({name})",
        expected="arrays, numbers, texts, lists and dicts",
        got=name,
        hint="do not open this file with tools that unpickle it.",
    )


def _too_many(most: int) -> FormatError:
    return FormatError("F802", "pickled data", expected=f"at most {most} objects", got="more")


def _impossible(what: str) -> FormatError:
    return FormatError("F804", "pickled data", f"impossible layout: {what}")


def _named(module: object, name: object) -> _Named:
    if (module, name) not in ARRAY_MAKERS | PATHS:
        raise _code(f"{module}.{name}")
    return _Named(str(module), str(name))


def _shape(shape: object) -> tuple[int, ...]:
    values = shape if isinstance(shape, tuple) else (shape,)
    if len(values) > 32 or not all(type(value) is int and value >= 0 for value in values):
        raise _impossible(f"shape {shape!r}")
    return values


def _array(shape: object, dtype: object, content: object, fortran: object) -> np.ndarray:
    """Build an array; its claimed size must be that of its content."""
    if not isinstance(dtype, _Dtype):
        raise _impossible("an array without dtype")
    sizes, kind = _shape(shape), dtype.make()
    n_values = 1
    for size in sizes:
        n_values *= size
    order = "F" if fortran in (True, "F") else "C"
    if kind.kind == "O":
        if not isinstance(content, list) or len(content) != n_values:
            raise FormatError(
                "F802", "pickled data", expected=f"{n_values} objects", got="fewer or other content"
            )
        filled = np.empty(n_values, object)
        filled[:] = [_settled(item) for item in content]
        return filled.reshape(sizes, order="F" if order == "F" else "C")
    if isinstance(content, str):
        content = content.encode("latin-1")
    if not isinstance(content, bytes | bytearray) or len(content) != n_values * kind.itemsize:
        got = len(content) if isinstance(content, bytes | bytearray) else type(content).__name__
        raise FormatError("F802", "pickled data", expected=f"{n_values * kind.itemsize} bytes", got=str(got))
    flat = np.frombuffer(content, kind) if n_values else np.empty(0, kind)
    return flat.reshape(sizes, order="F" if order == "F" else "C")


def _settled(value: Any) -> Any:
    """Replace builders that are finished by what they built."""
    if isinstance(value, _Array):
        if value.value is None:
            raise _impossible("an array without content")
        return value.value
    if isinstance(value, _Dtype):
        return value.make().str
    if isinstance(value, _Named):
        raise _impossible(f"the bare name {value.module}.{value.name}")
    return value


def _reduce(machine: _Machine) -> None:
    """Build what a known maker makes of its arguments; anything else would be a call."""
    arguments, maker = machine.pop(), machine.pop()
    if not isinstance(maker, _Named):
        raise _code("call")
    if not isinstance(arguments, tuple):
        raise _impossible("arguments that are no tuple")
    if (maker.module, maker.name) in PATHS:
        separator = "\\" if "Windows" in maker.name else "/"
        if not all(isinstance(part, str) for part in arguments):
            raise _impossible("a path of other things than texts")
        text = separator.join(part.rstrip(separator) or separator for part in arguments) or "."
        machine.push(text.replace(separator * 2, separator))
    elif maker.name == "dtype" and arguments and isinstance(arguments[0], str):
        machine.push(_Dtype(arguments[0]))
    elif maker.name in ("_reconstruct", "ndarray"):
        machine.push(_Array())
    elif maker.name == "scalar" and len(arguments) == 2:
        machine.push(_array((), arguments[0], arguments[1], False)[()])
    elif maker.name == "_frombuffer" and len(arguments) == 4:
        content, dtype, shape, order = arguments
        machine.push(
            _array(shape, dtype, bytes(content) if isinstance(content, bytearray) else content, order)
        )
    elif maker.name == "bytes" and not arguments:
        machine.push(b"")
    elif maker.name == "encode" and arguments and isinstance(arguments[0], str):
        machine.push(arguments[0].encode("latin-1"))
    else:
        raise _code(f"{maker.module}.{maker.name}")


def _build(machine: _Machine) -> None:
    """Give an array or a dtype its state; no other object has one."""
    state, target = machine.pop(), machine.stack[-1] if machine.stack else None
    if isinstance(target, _Array) and isinstance(state, tuple) and len(state) == 5:
        _, shape, dtype, fortran, content = state
        target.value = _array(shape, dtype, content, fortran)
    elif (
        isinstance(target, _Dtype)
        and isinstance(state, tuple)
        and len(state) >= 2
        and state[1] in ("<", ">", "|", "=")
    ):
        if any(item is not None for item in state[2:5]):
            raise _impossible("a structured dtype")
        target.order = state[1]
    else:
        raise _code("the state of an object")


def _set_items(target: dict[Any, Any], values: list[Any]) -> None:
    if len(values) % 2:
        raise _impossible("a key without value")
    for key, value in zip(values[::2], values[1::2], strict=True):
        plain = _settled(key)
        if not isinstance(plain, str | int | float | bool | tuple | bytes | type(None)):
            raise _impossible(f"a key of type {type(plain).__name__}")
        target[plain] = value


CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
}
ARGUMENTS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}


def _containers(machine: _Machine, name: str) -> bool:
    """Carry out an opcode that makes or fills a container; tell whether it was one."""
    if name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        items = [machine.pop() for _ in range(int(name[-1]))]
        machine.push(tuple(reversed(items)))
    elif name == "TUPLE":
        machine.push(tuple(machine.pop_to_mark()))
    elif name == "LIST":
        machine.push(machine.pop_to_mark())
    elif name == "DICT":
        made: dict[Any, Any] = {}
        _set_items(made, machine.pop_to_mark())
        machine.push(made)
    elif name == "APPEND":
        item = machine.pop()
        machine.top(list).append(item)
    elif name == "APPENDS":
        items = machine.pop_to_mark()
        machine.top(list).extend(items)
    elif name == "SETITEM":
        value, key = machine.pop(), machine.pop()
        _set_items(machine.top(dict), [key, value])
    elif name == "SETITEMS":
        items = machine.pop_to_mark()
        _set_items(machine.top(dict), items)
    else:
        return False
    return True


def _memory(machine: _Machine, name: str, argument: Any) -> bool:
    """Carry out an opcode that moves values on the stack or the memo; tell whether it was one."""
    if name in ("PUT", "BINPUT", "LONG_BINPUT"):
        machine.memo[int(argument)] = machine.top(object)
    elif name == "MEMOIZE":
        machine.memo[len(machine.memo)] = machine.top(object)
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        if int(argument) not in machine.memo:
            raise _impossible("an unknown memo number")
        machine.push(machine.memo[int(argument)])
    elif name == "MARK":
        machine.marks.append(len(machine.stack))
    elif name == "POP":
        machine.pop()
    elif name == "POP_MARK":
        machine.pop_to_mark()
    elif name == "DUP":
        machine.push(machine.top(object))
    else:
        return False
    return True


def _step(machine: _Machine, name: str, argument: Any) -> None:
    """Carry out one opcode."""
    if name in ("PROTO", "FRAME") or _containers(machine, name) or _memory(machine, name, argument):
        return
    if name in CONSTANTS:
        machine.push(CONSTANTS[name]())
    elif name in ARGUMENTS:
        machine.push(argument)
    elif name == "GLOBAL":
        module, _, attribute = str(argument).partition(" ")
        machine.push(_named(module, attribute))
    elif name == "STACK_GLOBAL":
        attribute, module = machine.pop(), machine.pop()
        machine.push(_named(module, attribute))
    elif name == "REDUCE":
        _reduce(machine)
    elif name == "BUILD":
        _build(machine)
    else:
        raise _code(f"opcode {name}")


def _finished(value: Any) -> Any:
    """Replace builders everywhere by what they built."""
    plain = _settled(value)
    if isinstance(plain, dict):
        return {key: _finished(item) for key, item in plain.items()}
    if isinstance(plain, list):
        return [_finished(item) for item in plain]
    if isinstance(plain, tuple):
        return tuple(_finished(item) for item in plain)
    if isinstance(plain, np.ndarray) and plain.dtype == object:
        made = np.empty(plain.size, object)
        made[:] = [_finished(item) for item in plain.ravel()]
        return made.reshape(plain.shape)
    return plain


def read_pickled(stream: BufferedIOBase, n_bytes: int, *, max_objects: int | None = None) -> Any:
    """Read plain data from pickled bytes.

    Parameters
    ----------
    stream : binary file
        Placed at the first opcode.
    n_bytes : int
        How many bytes there are at most; nothing may claim to be larger.
    max_objects : int, optional
        How many objects there may be; by default a million.

    Returns
    -------
    object
        Lists, dicts, tuples, texts, bytes, numbers, None, arrays; paths come as text.

    Raises
    ------
    FormatError
        F801, if the bytes want to run code; F802, if something claims to be larger than the file;
        F804, if the opcodes make no sense.
    """
    most = MAX_OBJECTS if max_objects is None else max_objects
    machine = _Machine(n_bytes, most)
    last = ""
    try:
        with warnings.catch_warnings():
            # Odd escapes in texts of protocol 0 are the file's affair, not a mistake in our code.
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, _ in pickletools.genops(cast("BinaryIO", stream)):
                last = opcode.name
                if last == "STOP":
                    break
                _step(machine, last, argument)
    except (ValueError, IndexError, KeyError, UnicodeError, OverflowError, MemoryError, TypeError) as error:
        if "remain" in str(error) or isinstance(error, MemoryError | OverflowError):
            raise FormatError(
                "F802", "pickled data", f"a claimed size goes beyond the file ({error})"
            ) from error
        raise _impossible(str(error)) from error
    if last != "STOP" or len(machine.stack) != 1:
        raise _impossible("the data end too early")
    _count(machine.stack[0], {}, 0, most)  # before anything shared is written out several times
    return _finished(machine.stack[0])


def _count(value: Any, sizes: dict[int, int], depth: int, max_objects: int) -> int:
    """Count the objects of the written-out data, each shared part looked at once."""
    if depth > MAX_DEPTH:
        raise FormatError(
            "F802", "pickled data", expected=f"at most {MAX_DEPTH} levels", got="more, or a circle"
        )
    plain = value.value if isinstance(value, _Array) else value
    if isinstance(plain, dict):
        children = list(plain.values())
    elif isinstance(plain, list | tuple):
        children = list(plain)
    elif isinstance(plain, np.ndarray) and plain.dtype == object:
        children = plain.ravel().tolist()
    else:
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = 1 + sum(_count(child, sizes, depth + 1, max_objects) for child in children)
    if sizes[id(value)] > max_objects:
        raise _too_many(max_objects)
    return sizes[id(value)]

"""Hostile files made by code; each would leave a marker file if anything in it were run."""

import pickle
from pathlib import Path

import numpy as np

__all__ = ["PICKLES", "mutated", "npy_of"]


def npy_of(content: bytes) -> bytes:
    """Return a `.npy` file of one object whose pickled bytes are given."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def _touch(marker: Path) -> bytes:
    return f"touch {marker}".encode()


def _text(value: bytes) -> bytes:
    return b"\x8c" + len(value).to_bytes(1, "little") + value


def _reduce(marker: Path) -> bytes:
    return (
        b"\x80\x02cos\nsystem\n(" + b"X" + len(_touch(marker)).to_bytes(4, "little") + _touch(marker) + b"tR."
    )


def _exec(marker: Path) -> bytes:
    code = f"open({str(marker)!r}, 'w').close()".encode()
    return b"\x80\x02cbuiltins\nexec\n(X" + len(code).to_bytes(4, "little") + code + b"tR."


def _getattr_chain(marker: Path) -> bytes:
    touch = _touch(marker)
    start = b"\x80\x04cbuiltins\ngetattr\n(cos\nX\x06\x00\x00\x00systemtR"
    return start + b"(X" + len(touch).to_bytes(4, "little") + touch + b"tR."


def _nested(marker: Path) -> bytes:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            import os

            return os.system, (_touch(marker).decode(),)

    return pickle.dumps({"motion": np.array([Evil()], object)}, 4)


def _stack_global(marker: Path) -> bytes:
    return b"\x80\x04" + _text(b"posix") + _text(b"system") + b"\x93" + _text(_touch(marker)) + b"\x85R."


def _inst(marker: Path) -> bytes:
    return b"(S'" + _touch(marker) + b"'\nios\nsystem\n."


def _obj(marker: Path) -> bytes:
    touch = _touch(marker)
    return b"\x80\x02(cos\nsystem\nX" + len(touch).to_bytes(4, "little") + touch + b"o."


def _build(marker: Path) -> bytes:
    return b"\x80\x02cnumpy\nndarray\n)\x81}U\x0c__setstate__cos\nsystem\nsb" + _text(_touch(marker)) + b"b."


def _reconstructor(marker: Path) -> bytes:
    return (
        b"\x80\x02ccopyreg\n_reconstructor\n(csubprocess\nPopen\ncbuiltins\nobject\nNtR("
        + _text(_touch(marker))
        + b"tb."
    )


def _extension(marker: Path) -> bytes:
    return b"\x80\x02\x82\x01(" + _text(_touch(marker)) + b"tR."


def _numpy_call(marker: Path) -> bytes:
    touch = f"__import__('os').system({_touch(marker).decode()!r})".encode()
    return (
        b"\x80\x02cnumpy.testing._private.utils\nrunstring\n(X"
        + len(touch).to_bytes(4, "little")
        + touch
        + b"}tR."
    )


def _persistent(marker: Path) -> bytes:
    return b"\x80\x02" + _text(_touch(marker)) + b"Q."


PICKLES = {
    "reduce": _reduce,
    "exec": _exec,
    "getattr_chain": _getattr_chain,
    "nested_in_an_object_array": _nested,
    "stack_global": _stack_global,
    "inst": _inst,
    "obj": _obj,
    "build_with_crafted_state": _build,
    "copyreg_reconstructor": _reconstructor,
    "extension_code": _extension,
    "numpy_function_that_runs_code": _numpy_call,
    "persistent_id": _persistent,
}
"""Twelve ways in which a pickled file runs code: name -> function of the marker's path."""


def mutated(payload: bytes, number: int) -> bytes:
    """Change, cut or double some bytes of a payload, a different way for each number."""
    rng = np.random.default_rng(number)
    data = bytearray(payload)
    for _ in range(int(rng.integers(0, 4))):
        at = int(rng.integers(0, len(data)))
        kind = rng.integers(0, 3)
        if kind == 0:
            data[at] = int(rng.integers(0, 256))
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 4))]
        else:
            data[at:at] = data[at : at + int(rng.integers(1, 8))]
        if not data:
            return b"."
    return bytes(data)

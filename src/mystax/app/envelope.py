"""Arrays on their way to the page: one container, little-endian, aligned, without text around numbers.

Four bytes ``MYX1``, the length of the header (uint32, little-endian), the header (UTF-8 JSON, padded with
spaces to a multiple of 8), then the arrays in the header's order, each padded to 8 bytes.  ``envelope.ts``
reads it; both are tested with the same examples.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from mystax.core.typing import Shaped
from mystax.errors import FormatError

__all__ = ["MEDIA_TYPE", "pack", "unpack"]

MEDIA_TYPE = "application/x-mystax"
MAGIC = b"MYX1"
DTYPES = {"u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8"}
ALIGNED = 8


def _padded(body: bytes, fill: bytes = b"\0") -> bytes:
    return body + fill * (-len(body) % ALIGNED)


def pack(arrays: Mapping[str, Shaped[np.ndarray, "..."]], **header: Any) -> bytes:
    """Put arrays and what belongs to them into one body.

    Parameters
    ----------
    arrays : mapping of str to array
        Name to values, of types u1, i1, i2, u2, i4, i8, f4 or f8.
    **header
        Further entries of the header: what JSON can hold; NaN is not among it.

    Returns
    -------
    bytes
        The body.

    Raises
    ------
    ValueError
        If an array has another type, or the header holds what JSON cannot say.
    """
    entries, bodies = [], []
    for name, values in arrays.items():
        dtype = values.dtype.newbyteorder("<")
        kind = f"{dtype.kind}{dtype.itemsize}"
        if kind not in DTYPES:
            raise ValueError(f"{name}: the page knows no {values.dtype}")
        entries.append({"name": name, "dtype": kind, "shape": list(values.shape)})
        bodies.append(_padded(np.ascontiguousarray(values, dtype).tobytes()))
    text = json.dumps({"arrays": entries, **header}, ensure_ascii=False, allow_nan=False).encode()
    text = _padded(text, b" ")
    return MAGIC + len(text).to_bytes(4, "little") + text + b"".join(bodies)


def unpack(body: bytes) -> tuple[dict[str, Shaped[np.ndarray, "..."]], dict[str, Any]]:
    """Take a body apart: for tests and scripts.

    Returns
    -------
    tuple
        Name to values, and the rest of the header.

    Raises
    ------
    FormatError
        F804, if it is no such body; F802, if it is shorter than it says.
    """
    if body[:4] != MAGIC or len(body) < 8:
        raise FormatError("F804", "envelope", "not an envelope of mystax", got=repr(body[:4]))
    start = 8 + int.from_bytes(body[4:8], "little")
    try:
        header = json.loads(body[8:start])
        entries = [(str(one["name"]), str(one["dtype"]), tuple(one["shape"])) for one in header.pop("arrays")]
    except (ValueError, KeyError, TypeError):
        raise FormatError("F804", "envelope", "the header cannot be read") from None
    arrays = {}
    for name, kind, shape in entries:
        if kind not in DTYPES or any(not isinstance(n, int) or n < 0 for n in shape):
            raise FormatError("F804", f"envelope: {name}", "no such array", got=f"{kind} {shape}")
        dtype = np.dtype("<" + kind)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if start + size > len(body):
            raise FormatError("F802", f"envelope: {name}", "the body ends before the array does")
        arrays[name] = np.frombuffer(body, dtype, size // dtype.itemsize, start).reshape(shape)
        start += size + (-size % ALIGNED)
    return arrays, header

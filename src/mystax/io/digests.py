"""Digests of outcomes: over what the numbers mean, not over how a file happens to hold them."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mystax.core.canonical import canonical_json
from mystax.core.typing import Shaped
from mystax.errors import FormatError

__all__ = [
    "Attribute",
    "VariableDigest",
    "attribute_digest",
    "content_digest",
    "dtype_name",
    "file_digest",
    "plain_attributes",
    "plain_text",
]

Attribute = str | int | float | list[int] | list[float]
"""A value that netCDF can hold as an attribute."""


def plain_text(text: str) -> str:
    """Return a text that HDF5 can hold: bytes that are not UTF-8, and NUL, are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def plain_attributes(attributes: Mapping[str, object], where: str = "outcome") -> dict[str, Attribute]:
    """Return attributes in the form in which a file gives them back.

    Mappings and lists of texts become JSON, booleans 0 or 1, sequences of one their only entry; None and
    empty sequences are left out.

    Raises
    ------
    FormatError
        F804, for a value that netCDF cannot hold.
    ParameterError
        P401, for NaN or infinity inside a mapping.
    """
    plain = {str(name): _plain(value, f"{where}: attribute {name!r}") for name, value in attributes.items()}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: object, where: str) -> Attribute | None:
    if value is None:
        return None
    if isinstance(value, str):
        return plain_text(str(value))
    if isinstance(value, Mapping):
        return plain_text(canonical_json(value, where))
    if isinstance(value, list | tuple) and len({isinstance(item, str) for item in value}) > 1:
        raise FormatError("F804", where, expected="texts or numbers, not both", got=repr(value))
    array = np.asarray(value)
    if array.dtype.kind in "UO" and all(isinstance(item, str) for item in array.flat):
        texts = [plain_text(str(item)) for item in array.flat]
        return canonical_json(texts) if len(texts) > 1 else texts[0] if texts else None
    if array.dtype.kind not in "biuf" or array.ndim > 1:
        raise FormatError("F804", where, expected="texts or numbers", got=type(value).__name__)
    if array.dtype.kind == "u" and array.size and int(array.max()) >= 2**63:
        raise FormatError("F804", where, expected="whole numbers below 2^63", got=str(value))
    numbers: list[int] | list[float] = array.ravel().tolist()
    if array.dtype.kind == "b":
        numbers = [int(number) for number in numbers]
    return numbers if len(numbers) > 1 else numbers[0] if numbers else None


def _json_attributes(attributes: Mapping[str, Attribute]) -> str:
    """Write attributes as canonical JSON; NaN and infinity, which JSON lacks, as texts."""

    def finite(value: Attribute) -> object:
        if isinstance(value, list):
            return [finite(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value

    return canonical_json({name: finite(value) for name, value in attributes.items()})


def dtype_name(dtype: np.dtype) -> str:
    """Return the name of a type in digests: ``str`` for texts, else NumPy's little-endian text."""
    return "str" if dtype.kind in "UOT" else dtype.newbyteorder("<").str


class VariableDigest:
    """sha256 of one variable, fed block by block along its first axis.

    It covers name, dimensions, type (little-endian), shape, values in C order (one bit pattern for NaN,
    texts as UTF-8 with a NUL after each) and attributes.
    """

    def __init__(self, name: str, dims: tuple[str, ...], dtype: np.dtype, shape: tuple[int, ...]) -> None:
        head = canonical_json([name, list(dims), dtype_name(dtype), list(shape)])
        self._hash = hashlib.sha256(head.encode())

    def update(self, values: Shaped[np.ndarray, "..."]) -> None:
        """Add the next values."""
        if values.dtype.kind in "UOT":
            for text in values.ravel():
                self._hash.update(plain_text(str(text)).encode() + b"\0")
            return
        plain = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        if plain.dtype.kind == "f" and (nan := np.isnan(plain)).any():
            plain = plain.copy()
            plain[nan] = np.nan
        self._hash.update(plain.reshape(-1).view(np.uint8).data)

    def finish(self, attributes: Mapping[str, Attribute]) -> str:
        """Add the attributes and return the digest."""
        self._hash.update(_json_attributes(attributes).encode())
        return self._hash.hexdigest()


def attribute_digest(attributes: Mapping[str, Attribute]) -> str:
    """Return the sha256 of a set of attributes."""
    return hashlib.sha256(_json_attributes(attributes).encode()).hexdigest()


def content_digest(attributes: Mapping[str, Attribute]) -> str:
    """Return `content_sha256`: over all global attributes but itself and those of the run (``run_...``).

    `variable_sha256` is among them, so it covers every value of the file.
    """
    return attribute_digest(
        {
            name: value
            for name, value in attributes.items()
            if name != "content_sha256" and not name.startswith("run_")
        }
    )


def file_digest(path: Path) -> str:
    """Return the sha256 of the bytes of a file, as `sha256sum` prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

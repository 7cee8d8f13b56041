"""One spelling for plain values, so that equal requests have equal keys on every machine."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from mystax.core.geometry import Roi
from mystax.core.params import Params, parameters_of
from mystax.errors import ParameterError

__all__ = ["canonical_json", "key12", "outcome_key", "pass_key", "result_parameters", "roi_geometry"]


def canonical_json(value: object, where: str = "value") -> str:
    """Write a plain value as canonical JSON: sorted keys, no spaces, floats by `repr`, -0.0 as 0.0.

    Parameters
    ----------
    value : object
        Mappings with text keys, sequences, arrays, texts, numbers, fractions, booleans and None.
    where : str, optional
        What the value belongs to, for the error.

    Returns
    -------
    str
        The text; encode it as UTF-8 with ``surrogatepass`` (names of files may hold surrogates).

    Raises
    ------
    ParameterError
        P401, for NaN, infinity and values that have no JSON form.

    Examples
    --------
    >>> canonical_json({"b": [1, 2.50], "a": -0.0})
    '{"a":0.0,"b":[1,2.5]}'
    """
    return json.dumps(
        _plain(value, where), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _plain(value: object, where: str) -> Any:
    """Return the value in the types of JSON."""
    if value is None or isinstance(value, str | bool):
        return value if value is None or isinstance(value, bool) else str(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            raise ParameterError("P401", where, expected="a finite number", got=repr(number))
        return number + 0.0  # turns -0.0 into 0.0
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise ParameterError("P401", where, expected="texts as names", got=repr(name))
        return {str(name): _plain(item, f"{where}.{name}") for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), where)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return [_plain(item, where) for item in value]
    raise ParameterError(
        "P401", where, expected="numbers, texts, lists and mappings", got=type(value).__name__
    )


def _digest(value: object, where: str) -> str:
    return hashlib.sha256(canonical_json(value, where).encode("utf-8", "surrogatepass")).hexdigest()


def roi_geometry(roi: Roi) -> dict[str, object]:
    """Return what of a region decides its numbers: all but where it came from and how sure its finder was."""
    return {
        name: value
        for name, value in roi.as_dict().items()
        if name not in ("source", "confidence", "frame_size")
    }


def result_parameters(params: Params) -> dict[str, object]:
    """Return all parameters that can change a result, defaults included, by name."""
    return {
        name: getattr(params, name)
        for name, declared in parameters_of(type(params)).items()
        if declared.affects_result
    }


def outcome_key(
    analysis: str,
    version: int,
    parameters: Mapping[str, object],
    inputs: Sequence[Mapping[str, object]],
    *,
    rois: Iterable[Roi] = (),
    clock: Mapping[str, object] | None = None,
    keypoint_set: str = "",
    weights: str = "",
) -> str:
    """Return the key of an outcome: equal keys promise equal results.

    Parameters
    ----------
    analysis, version : str, int
        The declaration.
    parameters : mapping
        All parameters that can change the result (`result_parameters`).
    inputs : sequence of mappings
        Fields `role`, `camera`, `position` and `id` (quick id of a file, `content_sha256` of an outcome).
    rois : iterable of Roi, optional
        The regions, in order.
    clock : mapping, optional
        What decides the times, where they do not come from the inputs.
    keypoint_set, weights : str, optional
        Name of the set; sha256 of the weights.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    ParameterError
        P401, if a value is not finite or has no JSON form.
    """
    return _digest(
        {
            "analysis": analysis,
            "version": version,
            "parameters": dict(parameters),
            "rois": [roi_geometry(roi) for roi in rois],
            "keypoint_set": keypoint_set,
            "weights": weights,
            "inputs": [dict(item) for item in inputs],
            "clock": dict(clock or {}),
        },
        f"analysis {analysis!r}",
    )


def pass_key(keys: Iterable[str]) -> str:
    """Return the key of a pass that makes several outcomes: that of its sorted keys."""
    return _digest(sorted(keys), "pass")


def key12(key: str) -> str:
    """Return the first 12 digits of a key, as used in names of files."""
    return key[:12]

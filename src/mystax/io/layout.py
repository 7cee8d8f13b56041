"""Where each value of an outcome lies in a foreign file, as JSON: written beside it, and read back by it.

A format says for each variable which of its arrays hold which part of it; texts, single numbers and regular
times stand in the description itself.  With the description and a function that fetches arrays by name the
outcome is put together again, bit for bit.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.clock import Clock
from mystax.core.typing import Float64, Shaped
from mystax.errors import FormatError
from mystax.io.digests import Attribute
from mystax.io.outcome_parts import OutcomeParts

if TYPE_CHECKING:
    from xarray import Dataset, Variable
else:
    Dataset = Variable = Any

__all__ = ["LAYOUT", "Part", "describe", "inline_form", "numbers_text", "rebuild", "regular_times"]

LAYOUT = 1
"""Number of the form of these descriptions."""

MOST_ROWS = 1 << 30

SNAP = 1e-6
"""Times this near to those of a constant rate are given as a rate [s]."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a variable and where it lies.

    Attributes
    ----------
    path : str
        Name of an array in the file.
    at : tuple of int or None
        Place on each dimension of the variable; None takes all of it.
    order : tuple of int, optional
        Which of the dimensions left lies first, second, ... in the file; None: as in the variable.
    rows : tuple of int, optional
        Which row of the variable each row in the file is; None: in order.
    """

    path: str
    at: tuple[int | None, ...]
    order: tuple[int, ...] | None = None
    rows: tuple[int, ...] | None = None

    @property
    def selection(self) -> tuple[int | slice, ...]:
        """The part as an index of the variable."""
        return tuple(slice(None) if place is None else place for place in self.at)

    def from_variable(self, values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        """Return the values as they lie in the file."""
        found = values[self.selection]
        if self.order is not None:
            found = found.transpose(self.order)
        return found if self.rows is None else found[list(self.rows)]

    def into_variable(self, target: np.ndarray, stored: np.ndarray) -> None:
        """Put values of the file where they belong in the variable."""
        found = stored
        if self.rows is not None:
            found = np.empty_like(stored)
            found[list(self.rows)] = stored
        if self.order is not None:
            found = found.transpose(np.argsort(self.order))
        target[self.selection] = found

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the part."""
        made: dict[str, object] = {"path": self.path, "at": list(self.at)}
        if self.order is not None and list(self.order) != sorted(self.order):
            made["order"] = list(self.order)
        if self.rows is not None:
            made["rows"] = list(self.rows)
        return made

    @classmethod
    def of_dict(cls, found: Mapping[str, Any]) -> "Part":
        """Make the part of a JSON object."""
        return cls(
            str(found["path"]),
            tuple(None if place is None else int(place) for place in found["at"]),
            tuple(map(int, found["order"])) if "order" in found else None,
            tuple(map(int, found["rows"])) if "rows" in found else None,
        )


def _number(value: Any) -> Any:
    """Return a number in a form that JSON has: those that are not finite as a mapping."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": repr(value)}
    return [_number(item) for item in value] if isinstance(value, list) else value


def _number_back(value: Any) -> Any:
    if isinstance(value, dict):
        return float(value["number"])
    return [_number_back(item) for item in value] if isinstance(value, list) else value


def regular_times(times: Float64[np.ndarray, " time"]) -> tuple[Fraction, Fraction] | None:
    """Tell whether times are those of a constant rate, to a microsecond.

    Parameters
    ----------
    times : array (time,)
        Times [s].

    Returns
    -------
    (Fraction, Fraction) or None
        Start and period [s]; None for fewer than two times, holes, or an uneven rate.

    Examples
    --------
    >>> regular_times(np.array([0.5, 0.75, 1.0]))
    (Fraction(1, 2), Fraction(1, 4))
    """
    n = len(times)
    if n < 2 or not np.isfinite(times).all() or times[-1] <= times[0]:
        return None
    mean = (float(times[-1]) - float(times[0])) / (n - 1)
    period = Fraction(mean).limit_denominator(10**6)
    start = Fraction(float(times[0])).limit_denominator(10**9)
    if period <= 0 or abs(float(period) - mean) * n > SNAP:
        period = Fraction(mean)
    steady = float(start) + np.arange(n) * float(period)
    return (start, period) if np.abs(times - steady).max() <= SNAP else None


def _exact_times(values: np.ndarray) -> dict[str, object] | None:
    """Return a rule that gives the very bits of times, if one is known."""
    found = regular_times(values)
    if found is None:
        return None
    start, period = found
    if np.array_equal(Clock.from_rate(1 / period, len(values), start).seconds, values):
        return {"start": str(start), "period": str(period)}
    return None


def inline_form(name: str, variable: Variable) -> dict[str, object] | None:
    """Return what of a variable stands in the description itself; None if its values lie in arrays.

    Parameters
    ----------
    name : str
        Name of the variable.
    variable : Variable
        Texts, single numbers, empty variables, counts and regular times need no array.

    Returns
    -------
    dict or None
        The JSON object.
    """
    dtype = variable.dtype
    if dtype.kind in "UOT":
        return {"values": [str(text) for text in np.atleast_1d(np.asarray(variable.values)).ravel()]}
    if not variable.dims or not math.prod(variable.shape):
        return {"values": _number(np.atleast_1d(np.asarray(variable.values)).ravel().tolist())}
    if len(variable.dims) > 1:
        return None
    if name == "time" and dtype == np.float64:
        times = _exact_times(np.asarray(variable.values))
        return None if times is None else {"times": times}
    if dtype.kind == "i":
        values = np.asarray(variable.values)
        step = int(values[1] - values[0]) if len(values) > 1 else 1
        if np.array_equal(values, values[0] + step * np.arange(len(values))):
            return {"range": [int(values[0]), step]}
    return None


def describe(
    parts: OutcomeParts, homes: Mapping[tuple[str, str], Sequence[Part]], more: Mapping[str, object]
) -> dict[str, object]:
    """Describe an outcome and where its values lie.

    Parameters
    ----------
    parts : OutcomeParts
        The outcome.
    homes : mapping
        Camera and name of a variable to its parts, for all that `inline_form` does not take.
    more : mapping
        What the format adds for itself.

    Returns
    -------
    dict
        JSON object.
    """
    cameras = {
        camera: {
            "group": parts.groups.get(camera, ""),
            "attributes": {name: _number(value) for name, value in dataset.attrs.items()},
            "coordinates": sorted(str(name) for name in dataset.coords),
            "variables": {
                str(name): _describe_variable(str(name), item, homes.get((camera, str(name)), ()))
                for name, item in dataset.variables.items()
            },
        }
        for camera, dataset in parts.cameras.items()
    }
    return {
        "layout": LAYOUT,
        "analysis": parts.analysis,
        "attributes": {name: _number(value) for name, value in parts.lasting.items()},
        "cameras": cameras,
        **more,
    }


def _describe_variable(name: str, variable: Variable, homes: Sequence[Part]) -> dict[str, object]:
    dtype = variable.dtype
    made: dict[str, object] = {
        "dims": [str(dim) for dim in variable.dims],
        "shape": [int(n) for n in variable.shape],
        "dtype": "str" if dtype.kind in "UOT" else dtype.newbyteorder("<").str,
        "attributes": {str(key): _number(_plain(value)) for key, value in variable.attrs.items()},
    }
    if homes:
        return {**made, "parts": [part.as_dict() for part in homes]}
    inline = inline_form(name, variable)
    if inline is None:
        raise ValueError(f"variable {name!r} has no place in the file")
    return {**made, **inline}


def _plain(value: Any) -> Any:
    """Return the value of an attribute without NumPy's types."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


Fetch = Callable[[str], np.ndarray]


def rebuild(found: Mapping[str, Any], fetch: Fetch, where: str) -> OutcomeParts:
    """Put an outcome together from its description.

    Parameters
    ----------
    found : mapping
        What `describe` made.
    fetch : callable
        Name of an array to the array.
    where : str
        The file, for messages.

    Returns
    -------
    OutcomeParts
        The outcome.

    Raises
    ------
    FormatError
        F804, if the description is not understood, or an array does not fit it.
    """
    if int(found.get("layout", 0)) > LAYOUT:
        raise FormatError(
            "F804",
            where,
            "the manifest was made by a newer mystax",
            expected=f"layout {LAYOUT}",
            got=str(found.get("layout")),
            hint="pip install --upgrade mystax",
        )
    try:
        cameras = {
            str(camera): _dataset(one, fetch, f"{where}: {found['analysis']}")
            for camera, one in found["cameras"].items()
        }
        attributes: dict[str, Attribute] = {
            str(name): _number_back(value) for name, value in found["attributes"].items()
        }
        groups = {str(camera): str(one["group"]) for camera, one in found["cameras"].items() if one["group"]}
        return OutcomeParts(str(found["analysis"]), attributes, cameras, groups)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise FormatError(
            "F804", where, "the manifest of mystax is not understood", got=f"{type(error).__name__}: {error}"
        ) from error


def _dataset(one: Mapping[str, Any], fetch: Fetch, where: str) -> Dataset:
    import xarray as xr

    variables = {
        str(name): xr.Variable(
            tuple(map(str, item["dims"])),
            _values(str(name), item, fetch, where),
            {str(key): _number_back(value) for key, value in item["attributes"].items()},
        )
        for name, item in one["variables"].items()
    }
    coordinates = set(map(str, one["coordinates"]))
    return xr.Dataset(
        {name: item for name, item in variables.items() if name not in coordinates},
        {name: item for name, item in variables.items() if name in coordinates},
        {str(name): _number_back(value) for name, value in one["attributes"].items()},
    )


def _values(name: str, item: Mapping[str, Any], fetch: Fetch, where: str) -> np.ndarray:
    """Return the values of a variable."""
    shape = tuple(map(int, item["shape"]))
    if item["dtype"] == "str":
        return np.array([str(text) for text in item["values"]], np.str_).reshape(shape)
    dtype = np.dtype(str(item["dtype"]))
    if "values" in item:
        return np.array(_number_back(item["values"]), dtype).reshape(shape)
    if ("range" in item or "times" in item) and not 0 <= math.prod(shape) <= MOST_ROWS:
        raise FormatError("F802", f"{where}: {name}", expected=f"at most {MOST_ROWS} rows", got=str(shape))
    if "range" in item:
        first, step = map(int, item["range"])
        return np.asarray(first + step * np.arange(shape[0]), dtype)
    if "times" in item:
        rule = item["times"]
        clock = Clock.from_rate(1 / Fraction(rule["period"]), shape[0], Fraction(rule["start"]))
        return np.asarray(clock.seconds, dtype)
    chosen = [Part.of_dict(part) for part in item["parts"]]
    stored = [fetch(part.path) for part in chosen]
    for part, array in zip(chosen, stored, strict=True):
        if array.dtype.newbyteorder("<") != dtype:
            raise FormatError(
                "F804", f"{where}: {part.path}", expected=f"{dtype} as exported", got=str(array.dtype)
            )
    if sum(array.size for array in stored) != math.prod(shape):
        raise FormatError(
            "F804",
            f"{where}: {name}",
            expected=f"values of shape {shape}",
            got=f"{[a.shape for a in stored]}",
        )
    if len(chosen) == 1 and chosen[0].rows is None:  # one array holds all: no second copy
        order = chosen[0].order
        return (stored[0] if order is None else stored[0].transpose(np.argsort(order))).reshape(shape)
    made = np.empty(shape, dtype)
    for part, array in zip(chosen, stored, strict=True):
        part.into_variable(made, array)
    return made


def numbers_text(value: object) -> str:
    """Write a description as JSON: sorted keys, no NaN."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))

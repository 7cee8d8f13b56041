"""Parameters, written once: range, unit and one sentence of help beside the default.

From a `Params` class come the Python signature, the command line option, the recipe's validation, the
web form and the reference page.  The constraint stands in no second place.
"""

import math
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mystax.errors import ParameterError, nearest

__all__ = ["Parameter", "Params", "check_params", "joined_text", "param", "parameters_of"]

Value = bool | int | float | str


class Params(pydantic.BaseModel):
    """Base of the parameters of one analysis: frozen, and unknown names are refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


P = TypeVar("P", bound=Params)


def param(
    default: Any,
    *,
    help: str,  # noqa: A002 - the field's word for it, as in every command line library
    unit: str = "",
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    affects_result: bool = True,
    joined: bool = False,
) -> Any:
    """Declare one parameter of a `Params` class.

    Parameters
    ----------
    default : object
        The value where nothing is said; ``"auto"`` for one that is found from the data.
    help : str
        One sentence for a person.
    unit : str, optional
        Unit of the value, as written in forms and tables.
    gt, ge, lt, le : float, optional
        The range; it does not concern ``"auto"`` and ``None``.
    affects_result : bool, optional
        False for a parameter that changes time or memory only; it stays out of the outcome's key.
    joined : bool, optional
        Of a text with commas: whether it may also be given as a list of its parts.

    Returns
    -------
    object
        A pydantic field.

    Examples
    --------
    >>> class BlinkParams(Params):
    ...     threshold: float = param(0.4, ge=0, le=1, help="Openness below which the eye counts as closed.")
    >>> BlinkParams().threshold
    0.4
    """
    bounds = {
        name: value for name, value in (("gt", gt), ("ge", ge), ("lt", lt), ("le", le)) if value is not None
    }
    return pydantic.Field(
        default=default,
        description=help,
        json_schema_extra={
            "unit": unit,
            "affects_result": affects_result,
            "bounds": dict(bounds),
            **({"joined": True} if joined else {}),
        },
    )


def joined_text(value: object) -> str | None:
    """Return a list of texts or numbers as one text with commas; None if it is none.

    Examples
    --------
    >>> joined_text((10, 5.0, 96.25)), joined_text(["nose_tip", "mouth"]), joined_text(None)
    ('10,5,96.25', 'nose_tip,mouth', None)
    """
    parts = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(parts, list | tuple) or not parts:
        return None
    texts = []
    for part in parts:
        if isinstance(part, bool) or not (isinstance(part, str) or hasattr(part, "__float__")):
            return None
        texts.append(part if isinstance(part, str) else f"{float(part):.12g}")
    return ",".join(texts)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter, as faces and checks see it."""

    name: str
    default: Value | None
    kind: type
    choices: tuple[str, ...]
    optional: bool
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    unit: str
    help: str
    affects_result: bool
    joined: bool = False

    @property
    def range_text(self) -> str:
        """The allowed values in words, such as ``0 <= threshold <= 1``."""
        words = [repr(choice) for choice in self.choices]
        if self.kind is not str and self.kind is not bool:
            lower = (
                f"{self.ge:g} <= "
                if self.ge is not None
                else f"{self.gt:g} < "
                if self.gt is not None
                else ""
            )
            upper = (
                f" <= {self.le:g}"
                if self.le is not None
                else f" < {self.lt:g}"
                if self.lt is not None
                else ""
            )
            number = "a whole number" if self.kind is int else "a number"
            words.append(f"{lower}{self.name}{upper}" if lower or upper else number)
        elif self.kind is bool:
            words.append("true or false")
        elif not self.choices:
            words.append("a text")
        if self.optional:
            words.append("none")
        return " or ".join(words)

    def check(self, value: object, analysis: str) -> Value | None:
        """Return the value in the declared type, or raise P401.

        Raises
        ------
        ParameterError
            P401, if the value is not of the type or outside the range.
        """
        refused = ParameterError(
            "P401",
            f"parameter {self.name!r} of {analysis!r}",
            expected=self.range_text + (f" [{self.unit}]" if self.unit else ""),
            got=self._shown(value),
        )
        if value is None or (self.optional and value == "none"):
            if self.optional:
                return None
            raise refused
        if isinstance(value, str) and value in self.choices:
            return value
        if self.kind is bool:
            if isinstance(value, str) and value.lower() in ("true", "false"):
                return value.lower() == "true"
            if isinstance(value, bool):
                return value
            raise refused
        if self.kind is str:
            text = joined_text(value) if self.joined else None
            if isinstance(value, str) and not self.choices:
                text = value
            if text is None:
                raise refused
            return text
        return self._check_number(value, refused)

    def _shown(self, value: object) -> str:
        """Write a value as Python has it, also where it came as a text from a command line."""
        if isinstance(value, str) and (self.kind is not str or self.choices):
            words = {"none": "None", "true": "True", "false": "False"}
            if value.lower() in words:
                return words[value.lower()]
            try:
                return repr(int(value))
            except ValueError:
                pass
            try:
                return repr(float(value))
            except ValueError:
                pass
        return repr(value)

    def _check_number(self, value: object, refused: ParameterError) -> Value:
        if isinstance(value, bool) or not (
            isinstance(value, int | float | str) or hasattr(value, "__float__")
        ):
            raise refused
        try:
            number = _number(value, whole=self.kind is int)
        except (TypeError, ValueError, OverflowError) as error:
            raise refused from error
        inside = (
            (isinstance(number, int) or math.isfinite(number))
            and (self.gt is None or number > self.gt)
            and (self.ge is None or number >= self.ge)
            and (self.lt is None or number < self.lt)
            and (self.le is None or number <= self.le)
        )
        if not inside or (self.kind is int and number != int(number)):
            raise refused
        return int(number) if self.kind is int else number


def _number(value: object, *, whole: bool) -> int | float:
    """Return a value as a number; whole ones are not rounded on the way (2^53 + 1 stays itself)."""
    if whole and isinstance(value, int):
        return value
    if whole and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass  # such as "4.0", which is whole as well
    return float(cast("Any", value))


def _kinds(annotation: Any) -> tuple[type, tuple[str, ...], bool]:
    """Split an annotation such as ``float | Literal["auto"] | None`` into type, choices, optional."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    kind: type = str
    choices: tuple[str, ...] = ()
    optional = False
    for part in parts:
        if part is type(None):
            optional = True
        elif get_origin(part) is Literal:
            choices += tuple(str(choice) for choice in get_args(part))
        elif part in (bool, int, float, str):
            kind = part
        else:
            raise TypeError(f"a parameter is bool, int, float, str, Literal or None, not {part!r}")
    return kind, choices, optional


def _parameter(name: str, field: FieldInfo) -> Parameter:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    bounds = cast("dict[str, float]", extra.get("bounds", {}))
    kind, choices, optional = _kinds(field.annotation)
    default = None if field.default is PydanticUndefined else field.default
    return Parameter(
        name,
        default,
        kind,
        choices,
        optional,
        bounds.get("gt"),
        bounds.get("ge"),
        bounds.get("lt"),
        bounds.get("le"),
        str(extra.get("unit", "")),
        field.description or "",
        bool(extra.get("affects_result", True)),
        bool(extra.get("joined", False)),
    )


def parameters_of(params: type[Params]) -> dict[str, Parameter]:
    """List the declared parameters of a `Params` class by name, in the order of declaration."""
    return {name: _parameter(name, field) for name, field in params.model_fields.items()}


def check_params(params: type[P], values: Mapping[str, object], analysis: str) -> P:
    """Make the parameters of an analysis from plain values.

    Parameters
    ----------
    params : type
        The declared `Params` class.
    values : mapping
        Name to value; texts are taken as a command line gives them.  Missing names get their default.
    analysis : str
        Name of the analysis, for the error.

    Returns
    -------
    Params
        The checked, frozen values.

    Raises
    ------
    ParameterError
        P401, if a name is unknown (with the nearest one) or a value is not allowed (with the range).

    Examples
    --------
    >>> class BlinkParams(Params):
    ...     threshold: float = param(0.4, ge=0, le=1, help="Openness below which the eye counts as closed.")
    >>> check_params(BlinkParams, {"threshold": 1.4}, "blink")
    Traceback (most recent call last):
    mystax.errors.ParameterError: P401 parameter 'threshold' of 'blink': expected 0 <= threshold <= 1, got 1.4
    """
    declared = parameters_of(params)
    checked: dict[str, object] = {}
    for name, value in values.items():
        if name not in declared:
            raise ParameterError(
                "P401",
                f"parameter {name!r} of {analysis!r}",
                "there is no such parameter" + nearest(name, declared),
            )
        checked[name] = declared[name].check(value, analysis)
    return params(**checked)

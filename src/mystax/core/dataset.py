"""The form of outcomes: one schema per analysis, checked where data enter and where they leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mystax.errors import FormatError, nearest

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["DIMENSIONS", "Coordinate", "Schema", "Variable", "check_outcome", "complete_outcome"]

DIMENSIONS = frozenset(
    {
        "time",
        "space",
        "keypoint",
        "individual",
        "component",
        "roi",
        "camera",
        "state",
        "neuron",
        "feature",
        "event",
    }
    | {"y", "x"}
)
"""Dimension names that every outcome may use; a schema adds its own in `Schema.more_dimensions`."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of an outcome: dimensions, unit, dtype and one sentence.

    `unit` is a UDUNITS text ("1" for a number without unit, "" for texts); `dtype` is the NumPy name
    ("float32", "int8", "str").  `raw` says that the value of a frame follows from that frame and the one
    before it alone, so that a preview of one frame can show it.
    """

    dims: tuple[str, ...]
    unit: str
    dtype: str
    help: str
    required: bool = True
    raw: bool = False


Coordinate = Variable
"""A coordinate is declared like a variable."""

TIME_COORDINATES: Mapping[str, Coordinate] = {
    "time": Coordinate(("time",), "s", "float64", "Time of the frame, session clock."),
    "frame": Coordinate(("time",), "1", "int64", "Frame number over the joined files of the camera."),
}
ROI_COORDINATES: Mapping[str, Coordinate] = {
    "roi": Coordinate(("roi",), "", "str", "Name of the region."),
    "roi_kind": Coordinate(("roi",), "", "str", "Kind of the region."),
    "roi_camera": Coordinate(("roi",), "", "str", "Camera of the region."),
    "roi_shape": Coordinate(("roi",), "", "str", "Shape of the region as JSON."),
}
MISSING = Variable(("time",), "1", "uint8", "Why a frame is missing; 0 is a good frame.")
MISSING_MEANINGS = "good undecodable corrupt doubtful other_size no_time"


@dataclass(frozen=True, slots=True)
class Schema:
    """What an outcome of one analysis looks like.

    Attributes
    ----------
    variables : mapping
        Name to `Variable`.
    per_frame : bool
        Whether it has the coordinates `time` and `frame` and the variable `missing`.
    per_roi : bool
        Whether it has the coordinates of regions.
    coordinates : mapping
        Further coordinates.
    more_dimensions : frozenset
        Dimensions of its own.
    """

    variables: Mapping[str, Variable]
    per_frame: bool = True
    per_roi: bool = True
    coordinates: Mapping[str, Coordinate] = None  # type: ignore[assignment] # an empty mapping is set below
    more_dimensions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "coordinates", dict(self.coordinates or {}))

    def all_variables(self) -> dict[str, Variable]:
        """Return all variables, `missing` included."""
        return {**self.variables, **({"missing": MISSING} if self.per_frame else {})}

    def all_coordinates(self) -> dict[str, Coordinate]:
        """Return all coordinates that must be there."""
        return {
            **(TIME_COORDINATES if self.per_frame else {}),
            **(ROI_COORDINATES if self.per_roi else {}),
            **self.coordinates,
        }


def _dtype_fits(dtype: Any, wanted: str) -> bool:
    if wanted == "str":
        return dtype.kind in "UOT"
    return str(dtype) == wanted


def complete_outcome(dataset: Dataset, schema: Schema) -> Dataset:
    """Write units and help texts of the schema into the attributes of a new outcome.

    Parameters
    ----------
    dataset : Dataset
        The outcome as a reducer made it.
    schema : Schema
        Its declaration.

    Returns
    -------
    Dataset
        The same dataset with `units` and `long_name` on every declared variable and coordinate.
    """
    for name, variable in {**schema.all_variables(), **schema.all_coordinates()}.items():
        if name in dataset.variables:
            attributes = dataset[name].attrs
            attributes.setdefault("long_name", variable.help)
            if variable.unit:
                attributes.setdefault("units", variable.unit)
    if "missing" in dataset.variables:
        dataset["missing"].attrs.setdefault("flag_values", [0, 1, 2, 3, 4, 5])
        dataset["missing"].attrs.setdefault("flag_meanings", MISSING_MEANINGS)
    return dataset


def check_outcome(dataset: Dataset, schema: Schema, where: str = "outcome") -> None:
    """Check that a dataset has the form that its schema declares.

    Raises
    ------
    FormatError
        F804, naming the variable and what was expected and got.
    """
    variables, coordinates = schema.all_variables(), schema.all_coordinates()
    for name, variable in {**variables, **coordinates}.items():
        if name not in dataset.variables:
            if variable.required:
                raise FormatError(
                    "F804", where, f"variable {name!r} is missing{nearest(name, map(str, dataset.variables))}"
                )
            continue
        found = dataset[name]
        if found.dims != variable.dims:
            raise FormatError(
                "F804",
                where,
                f"variable {name!r} has other dimensions",
                expected=f"{len(variable.dims)} dimensions ({', '.join(variable.dims)})",
                got=f"{found.ndim} ({', '.join(str(dim) for dim in found.dims)})",
            )
        if not _dtype_fits(found.dtype, variable.dtype):
            raise FormatError(
                "F804",
                where,
                f"variable {name!r} has another type",
                expected=variable.dtype,
                got=str(found.dtype),
            )
        if variable.unit and found.attrs.get("units") != variable.unit:
            raise FormatError(
                "F804",
                where,
                f"variable {name!r} has another unit",
                expected=variable.unit,
                got=str(found.attrs.get("units")),
            )
    for name in map(str, dataset.variables):
        if name not in variables and name not in coordinates and name != "space":
            raise FormatError("F804", where, f"variable {name!r} is not declared{nearest(name, variables)}")
    for name in map(str, dataset.sizes):
        if name not in DIMENSIONS | schema.more_dimensions:
            raise FormatError("F804", where, f"dimension {name!r} is not declared")

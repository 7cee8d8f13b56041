"""What stands in an NWB file for an outcome, as plain descriptions: series, tables, pictures, poses.

`mystax.io.nwb.mapping` makes them of outcomes, `mystax.io.nwb.build` makes NWB objects of them.  They know
no NWB library.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.typing import Float64, Shaped
from mystax.io.layout import Part

if TYPE_CHECKING:
    from xarray import Variable
else:
    Variable = Any

__all__ = ["MODULE", "Column", "Picture", "Points", "Pose", "Series", "Slab", "Table", "Timeline"]

MODULE = "processing/behavior"
BLOCK_BYTES = 16 << 20
HELD_BYTES = 64 << 20
"""Variables up to this size are read once; larger ones block by block."""


@dataclass(frozen=True, eq=False)
class Slab:
    """A part of a variable as an array of the file, read block by block along its first axis.

    Attributes
    ----------
    variable : Variable
        Perhaps lazy.
    camera, name : str
        Of the dataset that it stands in.
    at, order, rows
        As in `Part`.
    change : callable, optional
        Makes other values of the stored ones; such a part is not read back.
    """

    variable: Variable
    camera: str
    name: str
    at: tuple[int | None, ...]
    order: tuple[int, ...] | None = None
    rows: tuple[int, ...] | None = None
    change: Callable[[np.ndarray], np.ndarray] | None = None

    def part(self, path: str) -> Part:
        """Return where the part of the variable lies."""
        return Part(path, self.at, self.order, self.rows)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values in the file."""
        plain = self.variable.dtype
        return plain if self.change is None else self.change(np.zeros(1, plain)).dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes in the file."""
        left = [n for n, place in zip(self.variable.shape, self.at, strict=True) if place is None]
        return tuple(left if self.order is None else [left[k] for k in self.order])

    @property
    def n_bytes(self) -> int:
        """Size of the values [byte]."""
        return math.prod(self.shape) * self.dtype.itemsize

    def read(self, start: int, stop: int) -> Shaped[np.ndarray, "row ..."]:
        """Return rows start..stop of the array of the file."""
        free = [axis for axis, place in enumerate(self.at) if place is None]
        first = free[0 if self.order is None else self.order[0]]
        index: list[Any] = [slice(None) if place is None else place for place in self.at]
        if self.rows is not None:
            values = np.asarray(self.variable[tuple(index)].values)
            if self.order is not None:
                values = values.transpose(self.order)
            values = values[list(self.rows)][start:stop]
        else:
            index[first] = slice(start, stop)
            values = np.asarray(self.variable[tuple(index)].values)
            if self.order is not None:
                values = values.transpose(self.order)
        return np.ascontiguousarray(values if self.change is None else self.change(values))

    def whole(self) -> Shaped[np.ndarray, "row ..."]:
        """Return all rows."""
        return self.read(0, self.shape[0])

    def starts(self) -> Iterator[tuple[int, int]]:
        """Give the rows of each block."""
        n = self.shape[0]
        row = max(1, self.n_bytes // max(1, n))
        step = max(1, BLOCK_BYTES // row)
        for start in range(0, n, step):
            yield start, min(start + step, n)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Times of the rows of some series.

    Attributes
    ----------
    times : array (time,)
        Session clock [s].
    start, rate : float or None
        Where the rate is constant.
    """

    times: Float64[np.ndarray, " time"]
    start: float | None = None
    rate: float | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """A `TimeSeries`, or a `SpatialSeries` where `frame` says what (0, 0) is.

    Attributes
    ----------
    name, description, unit : str
        As in the file.
    holder : (str, str)
        Type and name of the container in the module.
    slab : Slab
        Values, time first.
    timeline : Timeline
        Shared by series of equal times.
    frame : str, optional
        Reference frame.
    """

    name: str
    holder: tuple[str, str]
    slab: Slab
    timeline: Timeline
    unit: str
    description: str
    frame: str = ""

    @property
    def path(self) -> str:
        """Where its values lie."""
        holder = f"{self.holder[1]}/" if self.holder[1] else ""
        return f"{MODULE}/{holder}{self.name}/data"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table: values of a variable, or texts."""

    name: str
    description: str
    slab: Slab | None = None
    texts: tuple[str, ...] = ()
    values: np.ndarray | None = None


@dataclass(eq=False)
class Table:
    """A `DynamicTable`, or `TimeIntervals` (columns start_time and stop_time first).

    `source` is what `mystax.read_neural` says of the origin of the rows (JSON); empty for rows of our own.
    """

    name: str
    description: str
    n_rows: int
    columns: list[Column] = field(default_factory=list)
    is_intervals: bool = False
    source: str = ""

    def path(self, column: Column) -> str:
        """Where the values of a column lie."""
        return f"{MODULE}/{self.name}/{column.name}"


@dataclass(frozen=True, eq=False)
class Picture:
    """A `GrayscaleImage` in the container `reference_images`."""

    name: str
    slab: Slab
    description: str
    holder: str = "reference_images"

    @property
    def path(self) -> str:
        """Where its values lie."""
        return f"{MODULE}/{self.holder}/{self.name}"


@dataclass(frozen=True, eq=False)
class Points:
    """A `PoseEstimationSeries`: one keypoint, which is called `keypoint`."""

    name: str
    position: Slab
    confidence: Slab | None
    keypoint: str


@dataclass(frozen=True, eq=False)
class Pose:
    """A `PoseEstimation` of one camera, or a `MultiCameraPoseEstimation` where `cameras` are named.

    Attributes
    ----------
    name, description, scorer, unit, frame : str
        As in the file.
    points : tuple of Points
        One per keypoint.
    timeline : Timeline
        Of all points.
    skeleton, nodes, edges
        Name of the keypoint set, its points in order, and pairs of their numbers.
    camera : str
        Camera of a pose in the plane.
    cameras : tuple of str
        Cameras of a pose in space.
    """

    name: str
    description: str
    scorer: str
    unit: str
    frame: str
    points: tuple[Points, ...]
    timeline: Timeline
    skeleton: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    camera: str = ""
    cameras: tuple[str, ...] = ()
    recording: str = ""

    def path(self, points: Points, what: str) -> str:
        """Where `data` or `confidence` of a keypoint lies."""
        return f"{MODULE}/{self.name}/{points.name}/{what}"

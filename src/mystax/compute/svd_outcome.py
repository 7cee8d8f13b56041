"""From components to the variables of an outcome: grey levels, boxes of bins, rows that are read lazily."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mystax.compute.svd_rows import Components, ScoreRows
from mystax.core.lazy import ROWS_PER_BLOCK, lazy_rows
from mystax.core.quality import Flag
from mystax.core.typing import Bool, Float, Float32, Float64
from mystax.errors import ParameterError

__all__ = ["EAGER_BYTES", "Kind", "Part", "kinds_of", "variables_of"]

Kind = Literal["motion", "movie"]

EAGER_BYTES = 64 << 20
"""Traces up to this size are kept in memory."""

NORM_ERROR = 1e-3

PAIRS = "a row of motion needs two frames that follow each other"
PAIRS_OF_ALL = f"{PAIRS} in every camera: cameras of different rates have none"
"""Why a decomposition of motion may be empty."""


@dataclass(frozen=True, eq=False)
class Part:
    """The decomposition of one region, and where its bins are.

    Attributes
    ----------
    name : str
        Name of the region.
    found : Components
        What was found.
    scores : ScoreRows
        Rows of V.
    mask : array (y, x), optional
        Its bins in its own box; None: bins have one dimension.
    """

    name: str
    found: Components
    scores: ScoreRows
    mask: Bool[np.ndarray, "y x"] | None


def kinds_of(*, with_motion: bool, with_movie: bool) -> tuple[Kind, ...]:
    """List what is decomposed.

    Raises
    ------
    ParameterError
        P401, if nothing is.
    """
    kinds: list[Kind] = []
    if with_motion:
        kinds.append("motion")
    if with_movie:
        kinds.append("movie")
    if not kinds:
        raise ParameterError(
            "P401",
            "parameter 'with_motion' of 'svd'",
            "nothing is left to decompose",
            expected="with_motion or with_movie",
            got="neither",
        )
    return tuple(kinds)


class _Joined:
    """Rows of V of all regions side by side, in grey levels; NaN where a frame gives no row."""

    def __init__(
        self, parts: Sequence[Part], used: Bool[np.ndarray, " time"], width: int, factor: float
    ) -> None:
        self._parts, self._used, self._width, self._factor = parts, used, width, np.float32(factor)

    def read(self, start: int, stop: int) -> Float32[np.ndarray, "n width"]:
        """Return rows start..stop."""
        out = np.full((stop - start, len(self._parts), self._width), np.nan, np.float32)
        for number, part in enumerate(self._parts):
            n = part.found.n_components
            if n:
                out[:, number, :n] = part.scores.read(start, stop)[:, :n] * self._factor
        out[~self._used[start:stop]] = np.nan
        return out.reshape(stop - start, -1)


def _boxed(
    part: Part, values: Float[np.ndarray, "bin n"], box: tuple[int, ...]
) -> Float32[np.ndarray, "..."]:
    """Place values per bin in a box of rows and columns, NaN elsewhere; (n, y, x) or (n, bin)."""
    if part.mask is None:
        return np.ascontiguousarray(values.T, np.float32)
    out = np.full((values.shape[1], *box), np.nan, np.float32)
    y, x = np.nonzero(part.mask)
    out[:, y, x] = values.T
    return out


def variables_of(
    kind: Kind,
    parts: Sequence[Part],
    used: Bool[np.ndarray, " time"],
    width: int,
    *,
    factor: float,
    offset: Float64[np.ndarray, " bin"] | float,
    wanted: int,
    weights: Float64[np.ndarray, " bin"] | None = None,
) -> tuple[dict[str, Any], list[Flag]]:
    """Make the variables of one kind of decomposition, and the remarks on it.

    Parameters
    ----------
    kind : {"motion", "movie"}
        What was decomposed.
    parts : sequence of Part
        One per region.
    used : array (time,)
        Frames that give a row.
    width : int
        Components in the outcome; regions with fewer are padded with NaN.
    factor : float
        Grey levels per unit of the sums.
    offset : float or array (bin,)
        Grey levels to take off the mean.
    wanted : int
        Components asked for.
    weights : array (bin,), optional
        Grey levels per unit of the sums, where bins differ.

    Returns
    -------
    dict
        Variables by name.
    list of Flag
        N304 where fewer components than possible were found, or norms disagree.
    """
    n_frames, n = len(used), len(parts)
    boxes = [part.mask.shape if part.mask is not None else () for part in parts]
    box = tuple(max(sizes) for sizes in zip(*boxes, strict=True))
    bins = ("y", "x") if box else ("bin",)
    shape = box or (len(parts[0].found.mean),)
    mask = np.full((n, width, *shape), np.nan, np.float32)
    mean = np.full((n, *shape), np.nan, np.float32)
    singular, captured = np.full((n, width), np.nan), np.full((n, width), np.nan)
    for number, part in enumerate(parts):
        found, k = part.found, part.found.n_components
        mask[number, :k] = _boxed(part, found.mask, shape)
        if found.n_rows:  # else there is no mean: 0 would be read as a grey level
            level = found.mean * (factor if weights is None else weights) - offset
            mean[number] = _boxed(part, level[:, None], shape)[0]
        singular[number, :k] = found.singular_value * factor
        captured[number, :k] = np.minimum(found.captured, 1.0)
    results = [part.found for part in parts]
    one, two = ("roi",), ("roi", "component")
    rows = _Joined(parts, used, width, factor)
    variables = {
        f"{kind}_svd": _traces(rows, (n_frames, n, width)),
        f"{kind}_mask": ((*two, *bins), mask),
        f"{kind}_singular_value": (two, singular),
        f"{kind}_captured": (two, captured),
        f"{kind}_mean": (("roi", *bins), mean),
        f"{kind}_variance": (one, np.array([found.variance * factor**2 for found in results])),
        f"{kind}_shortfall": (one, np.array([found.shortfall for found in results])),
        f"{kind}_method": (one, [found.method for found in results]),
        f"{kind}_n_readings": (one, np.array([found.n_readings for found in results], np.int32)),
        f"{kind}_orthogonality": (one, np.array([found.orthogonality for found in results])),
        f"{kind}_norm_error": (one, np.array([found.norm_error for found in results])),
    }
    return variables, _judge(kind, parts, wanted)


def _traces(rows: _Joined, shape: tuple[int, int, int]) -> Any:
    """Return V as an array if it is small, else as rows to be read."""
    dims = ("time", "roi", "component")
    if int(np.prod(shape)) * 4 > EAGER_BYTES:
        return lazy_rows(rows, dims, shape, "float32")
    values = np.empty(shape, np.float32)
    for start in range(0, shape[0], ROWS_PER_BLOCK):
        stop = min(start + ROWS_PER_BLOCK, shape[0])
        values[start:stop] = rows.read(start, stop).reshape(stop - start, *shape[1:])
    return (dims, values)


def _judge(kind: Kind, parts: Sequence[Part], wanted: int) -> list[Flag]:
    """Write the remarks on one kind of decomposition."""
    flags = []
    for part in parts:
        found, where = part.found, f"{kind} svd of {part.name!r}"
        possible = min(wanted, len(found.mean), max(0, found.n_rows - 1))
        if found.n_rows < 2:
            why = "" if kind == "movie" else f" ({PAIRS_OF_ALL if part.mask is None else PAIRS})"
            flags.append(Flag("N304", f"{where}: {found.n_rows} usable rows give no component{why}"))
        elif found.n_components == 0:
            flags.append(Flag("N304", f"{where}: nothing changes, so there is no component"))
        elif found.n_components < possible:
            flags.append(Flag("N304", f"{where}: the data hold {found.n_components} components only"))
        if found.norm_error > NORM_ERROR:
            flags.append(
                Flag("N304", f"{where}: norms of V and singular values differ by {found.norm_error:.1e}")
            )
    return flags

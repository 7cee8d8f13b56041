"""Bins: exact sums over squares of pixels, made once per chunk and shared by all analyses."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mystax.core.geometry import Box, Roi
from mystax.core.recording import FrameChunk
from mystax.core.typing import Bool, Float, Float64, Int64, Shaped
from mystax.errors import RoiError

__all__ = ["BinGrid", "BinScale", "Region", "auto_bin", "bin_dtype", "bins_of", "block_runs", "regions_of"]


def auto_bin(shape: tuple[int, int]) -> int:
    """Size of a bin for a picture of `shape` (rows, columns): about 20,000 bins, at least 2 px.

    Examples
    --------
    >>> auto_bin((480, 640))
    4
    """
    return max(2, math.ceil(math.sqrt(shape[0] * shape[1] / 20_000)))


def bin_dtype(bits: int, size: int) -> np.dtype[np.unsignedinteger]:
    """Smallest type of uint8, uint16 and uint32 that holds every sum of size x size codes of a depth."""
    top = (2**bits - 1) * size * size
    if size == 1 and bits <= 8:
        return np.dtype(np.uint8)
    return np.dtype(np.uint16) if top <= 65_535 else np.dtype(np.uint32)


def bins_of(chunk: FrameChunk, size: int, box: Box) -> Shaped[np.ndarray, "n y x"]:
    """Sum the stored codes of a chunk over size x size pixels; exact.

    The sums are kept in `FrameChunk.cache`: a second caller with the same or a smaller box gets a view.

    Parameters
    ----------
    chunk : FrameChunk
        Consecutive frames.
    size : int
        Side of a bin [px], 1..32.
    box : Box
        Part of the picture [px], on the grid of bins and inside the chunk.

    Returns
    -------
    array (n, y, x)
        Sums, read-only: uint8 for size 1 and 8 bits, uint16 where it holds every sum, else uint32.  Rows
        of missing frames hold whatever the chunk holds there.

    Raises
    ------
    ValueError
        If the box is off the grid or outside the chunk.
    """
    if any(value % size for value in (box.x0, box.y0, box.x1, box.y1)):
        raise ValueError(f"{box} is not on the grid of {size} px")
    for key, kept in chunk.cache.items():
        if isinstance(key, tuple) and key[:2] == ("bins", size) and isinstance(kept, np.ndarray):
            outer: Box = key[2]
            if outer.x0 <= box.x0 and outer.y0 <= box.y0 and outer.x1 >= box.x1 and outer.y1 >= box.y1:
                y, x = (box.y0 - outer.y0) // size, (box.x0 - outer.x0) // size
                return kept[:, y : y + box.height // size, x : x + box.width // size]
    x0, y0 = chunk.origin
    rows, columns = chunk.codes.shape[1:]
    if box.x0 < x0 or box.y0 < y0 or box.x1 > x0 + columns or box.y1 > y0 + rows:
        raise ValueError(f"{box} is outside the frames of {columns} x {rows} px at {chunk.origin}")
    codes = chunk.codes[:, box.y0 - y0 : box.y1 - y0, box.x0 - x0 : box.x1 - x0]
    if size == 1:
        sums = codes
    else:
        # Here, not above: a plan needs sizes of bins, and no compiler.
        from mystax.compute.kernels.bins import block_sums

        sums = np.empty((len(codes), box.height // size, box.width // size), bin_dtype(chunk.bits, size))
        block_sums(codes, size, sums)
        sums.flags.writeable = False
    chunk.cache["bins", size, box] = sums
    return sums


@dataclass(frozen=True, slots=True)
class BinScale:
    """From sums of codes to grey levels: grey = (sum / size^2 - offset) * gain.

    Attributes
    ----------
    size : int
        Side of a bin [px].
    offset, gain : float
        Numbers of the camera's `GreyMap`.
    """

    size: int
    offset: float = 0.0
    gain: float = 1.0

    @property
    def factor(self) -> float:
        """Grey levels per unit of a sum."""
        return self.gain / (self.size * self.size)

    def grey(self, sums: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Return sums as grey levels."""
        return np.asarray((sums / (self.size * self.size) - self.offset) * self.gain)


def box_of_bins(marked: Bool[np.ndarray, "y x"], size: int) -> Box:
    """Return the box of pixels around the marked bins, of which there is at least one."""
    y, x = np.flatnonzero(marked.any(1)), np.flatnonzero(marked.any(0))
    return Box(int(x[0]) * size, int(y[0]) * size, (int(x[-1]) + 1) * size, (int(y[-1]) + 1) * size)


@dataclass(frozen=True, slots=True)
class BinGrid:
    """The bins that several regions of one camera need: a box of whole bins on the grid from pixel (0, 0).

    Attributes
    ----------
    size : int
        Side of a bin [px].
    box : Box
        Part of the picture [px], on the grid.
    shape : tuple of int
        Rows and columns of the whole picture in bins.
    """

    size: int
    box: Box
    shape: tuple[int, int]

    @classmethod
    def around(cls, regions: Iterable[Bool[np.ndarray, "y x"]], size: int) -> "BinGrid":
        """Return the smallest grid that holds all regions (masks over the bins of the whole picture)."""
        union = None
        for region in regions:
            union = region if union is None else union | region
        if union is None or not union.any():
            raise ValueError("no region holds a bin")
        return cls(size, box_of_bins(union, size), (union.shape[0], union.shape[1]))

    @property
    def rows(self) -> int:
        """Rows of bins in the box."""
        return self.box.height // self.size

    @property
    def columns(self) -> int:
        """Columns of bins in the box."""
        return self.box.width // self.size

    @property
    def n_bins(self) -> int:
        """Number of bins in the box."""
        return self.rows * self.columns

    def cut(self, mask: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "by bx"]:
        """Return the part of a mask over all bins that lies in the box."""
        y, x = self.box.y0 // self.size, self.box.x0 // self.size
        return np.asarray(mask[y : y + self.rows, x : x + self.columns])

    def place(self, values: Float64[np.ndarray, " bin"]) -> Float64[np.ndarray, "y x"]:
        """Return values of the box in a picture of all bins, NaN elsewhere."""
        whole = np.full(self.shape, np.nan)
        y, x = self.box.y0 // self.size, self.box.x0 // self.size
        whole[y : y + self.rows, x : x + self.columns] = values.reshape(self.rows, self.columns)
        return whole


@dataclass(frozen=True, eq=False)
class Region:
    """One region on a grid of bins.

    Attributes
    ----------
    name : str
        Name of the region.
    index : array (bin,)
        Its bins as flat numbers in the grid's box, rising.
    mask : array (y, x)
        Its bins in its own smallest box.
    origin : tuple (x, y)
        Top-left pixel of that box in the picture [px].
    """

    name: str
    index: Int64[np.ndarray, " bin"]
    mask: Bool[np.ndarray, "y x"]
    origin: tuple[int, int]


def regions_of(rois: Sequence[Roi], shape: tuple[int, int], size: int) -> tuple[BinGrid, tuple[Region, ...]]:
    """Place regions of interest on the grid of bins of a camera.

    Parameters
    ----------
    rois : sequence of Roi
        At least one.
    shape : tuple of int
        Rows and columns of a frame [px].
    size : int
        Side of a bin [px].

    Returns
    -------
    BinGrid
        The box of bins that holds all of them.
    tuple of Region
        The regions, in the order of `rois`.

    Raises
    ------
    RoiError
        P402, if a region holds no bin.
    """
    masks = [roi.bins(shape, size) for roi in rois]
    for roi, mask in zip(rois, masks, strict=True):
        if not mask.any():
            raise RoiError(
                "P402",
                f"roi {roi.name!r}",
                "it holds no bin",
                expected=f"at least one square of {size} x {size} px with its centre inside",
                got="none",
                hint="use a smaller bin, or draw a larger region",
            )
    grid = BinGrid.around(masks, size)
    regions = []
    for roi, mask in zip(rois, masks, strict=True):
        own = BinGrid.around([mask], size)
        index = np.flatnonzero(grid.cut(mask)).astype(np.int64)
        regions.append(Region(roi.name, index, own.cut(mask), (own.box.x0, own.box.y0)))
    return grid, tuple(regions)


Axis = Literal["bins", "pixels"]


def block_runs(
    regions: Sequence[Region], grid: BinGrid, axis: Axis
) -> tuple[
    Int64[np.ndarray, " run"], Int64[np.ndarray, " run"], Int64[np.ndarray, " run"], Int64[np.ndarray, " run"]
]:
    """List the regions as runs of neighbours in a row: what a compiled loop can sweep without an index.

    Parameters
    ----------
    regions : sequence of Region
        Regions on the grid.
    grid : BinGrid
        The grid.
    axis : {"bins", "pixels"}
        Count rows and columns in bins of the box, or in pixels of the box.

    Returns
    -------
    row, start, stop, region : arrays (run,)
        Row of each run, its first column, the column behind its last, and the number of its region.
    """
    found: list[tuple[int, int, int, int]] = []
    step = grid.size if axis == "pixels" else 1
    for number, region in enumerate(regions):
        y, x = np.divmod(region.index, grid.columns)
        breaks = np.flatnonzero((np.diff(y) != 0) | (np.diff(x) != 1)) + 1
        for part in np.split(np.arange(len(y)), breaks):
            first, last = part[0], part[-1]
            found.extend(
                (int(y[first]) * step + k, int(x[first]) * step, (int(x[last]) + 1) * step, number)
                for k in range(step)
            )
    runs = np.array(found, np.int64).reshape(-1, 4)
    return runs[:, 0].copy(), runs[:, 1].copy(), runs[:, 2].copy(), runs[:, 3].copy()

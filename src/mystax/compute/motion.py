"""Motion energy: how much a region changes from frame to frame, also comparable between sessions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.bins import (
    BinScale,
    auto_bin,
    bin_dtype,
    bins_of,
    block_runs,
    regions_of,
)
from mystax.compute.kernels.bins import count_levels
from mystax.compute.kernels.motion import pair_sums, picture_sums
from mystax.core.analysis import Pass, Spool
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, GreyMap
from mystax.core.typing import Bool, Float64, Int64
from mystax.errors import InternalError, ParameterError, VideoError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["MotionReducer", "light_of_pairs", "normalised_energy", "same_grey"]

N_SUMS = 5
"""Whole numbers kept per frame and region: four sums over bins, and the count of saturated pixels."""

DARK = 2.0
"""Regions this dark [grey level] have no relative brightness."""

LIGHT_STEP = 0.05
"""Logarithm of the ratio of brightness beyond which the light has changed."""


def light_of_pairs(mean: Float64[np.ndarray, "time roi"], pairs: Bool[np.ndarray, " time"]) -> np.ndarray:
    """Ratio of brightness of each frame to the frame before; NaN where either is dark or no pair.

    Parameters
    ----------
    mean : array (time, roi)
        Mean brightness above black [grey level].
    pairs : array (time,)
        Whether the frame and the one before may be used.

    Returns
    -------
    array (time, roi)
        Ratio g; NaN where it cannot be had.
    """
    light = np.full(mean.shape, np.nan)
    usable = pairs[1:, None] & (mean[1:] > DARK) & (mean[:-1] > DARK)
    np.divide(mean[1:], mean[:-1], out=light[1:], where=usable)
    return light


def normalised_energy(
    squares: Float64[np.ndarray, "time roi"],
    products: Float64[np.ndarray, "time roi"],
    mean: Float64[np.ndarray, "time roi"],
    light: Float64[np.ndarray, "time roi"],
    n_bins: Int64[np.ndarray, " roi"],
) -> Float64[np.ndarray, "time roi"]:
    """Mean squared relative change of each pair after the light of the pair is made equal.

    Parameters
    ----------
    squares, products : array (time, roi)
        Sums over the bins of B'_t^2 and of B'_t B'_(t-1), brightness above black [grey level^2].
    mean : array (time, roi)
        Mean of B' [grey level].
    light : array (time, roi)
        Ratio of brightness of the pair.
    n_bins : array (roi,)
        Number of bins.

    Returns
    -------
    array (time, roi)
        q; NaN where the light changed by more than a factor of two or is unknown.
    """
    change = np.full(mean.shape, np.nan)
    known = np.isfinite(light[1:]) & (light[1:] >= 0.5) & (light[1:] <= 2.0)
    g = np.where(known, light[1:], 1.0)
    past = np.where(known, mean[:-1], 1.0)
    error = squares[1:] / g**2 - 2.0 * products[1:] / g + squares[:-1]
    change[1:] = np.where(known, np.maximum(error, 0.0) / (n_bins * past**2), np.nan)
    return change


def same_grey(known: GreyMap | None, chunk: FrameChunk, camera: str) -> GreyMap:
    """Return the grey map of a chunk, which must be that of the chunks before.

    Raises
    ------
    VideoError
        V120, if it changes between files.
    """
    if known is not None and known != chunk.grey_map:
        raise VideoError(
            "V120",
            camera or "camera",
            "the range of grey levels changes between files",
            expected=f"{known}",
            got=f"{chunk.grey_map}",
            hint="give the grey range by hand, or run the files one by one",
        )
    return chunk.grey_map


class MotionReducer:
    """Motion energy of the regions of one camera (implements `mystax.core.analysis.Reducer`).

    Parameters
    ----------
    size : int or None
        Side of a bin [px]; None: by the size of the picture.
    black : float
        Level of no light [grey level].
    floor : float
        Percentile of the quietest pairs taken as sensor noise [%]; 0 = none.
    """

    n_passes = 1

    def __init__(self, *, size: int | None = None, black: float = 0.0, floor: float = 5.0) -> None:
        self._size, self._black, self._floor = size, black, floor
        self._flags: list[Flag] = []

    @property
    def bins(self) -> int | None:
        """Side of the bins that it asks for [px]; None for automatic."""
        return self._size

    def start(self, source: Pass) -> None:
        """Take the facts about the frames."""
        self._source = source
        self._bin = self._size or auto_bin(source.shape)
        self._grid, self._regions = regions_of(source.rois, source.shape, self._bin)
        self._n_bins = np.array([len(region.index) for region in self._regions], np.int64)
        top = (2**source.bits - 1) * self._bin**2
        if int(self._n_bins.max()) * top * top >= 2**63:
            raise ParameterError(
                "P401",
                "parameter 'bin' of 'motion'",
                f"sums of squares of {source.bits}-bit frames would not be exact",
                got=str(self._bin),
                hint="use a smaller bin",
            )
        self._bin_runs = block_runs(self._regions, self._grid, "bins")
        self._pixel_runs = block_runs(self._regions, self._grid, "pixels")
        shape = (self._grid.rows, self._grid.columns)
        self._frames, self._changes = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._last = np.zeros(shape, bin_dtype(source.bits, self._bin))
        self._last_valid = False
        self._usable = np.zeros(source.n_frames, np.uint8)
        self._grey: GreyMap | None = None
        self._sums = self._open()

    def _open(self) -> Spool:
        spool = self._source.spool("sums", N_SUMS * len(self._regions), "int64")
        if spool is None:
            raise InternalError("B999", "motion", "no room was given for the sums")
        return spool

    def update(self, chunk: FrameChunk) -> None:
        """Take the next frames."""
        self._grey = same_grey(self._grey, chunk, self._source.camera)
        bins = bins_of(chunk, self._bin, self._grid.box)
        pairs = chunk.pairs()
        pairs[0] &= self._last_valid
        sums = np.zeros((len(chunk), len(self._regions), N_SUMS), np.int64)
        pair_sums(bins, self._last, chunk.valid, pairs, *self._bin_runs, sums[:, :, :4])
        sums[:, :, 4] = self._saturated(chunk)
        picture_sums(bins, self._last, chunk.valid, pairs, self._frames, self._changes)
        self._usable[chunk.index] = chunk.valid + 2 * pairs.astype(np.uint8)
        self._sums.append(sums.reshape(len(chunk), -1))
        self._last = bins[-1].copy()
        self._last_valid = bool(chunk.valid[-1])

    def _saturated(self, chunk: FrameChunk) -> Int64[np.ndarray, "n roi"]:
        """Count pixels at 0 or at the maximum of the full range, by region."""
        table = chunk.grey_map.table()
        lowest = chunk.codes.dtype.type(np.flatnonzero(table == 0)[-1])
        highest = chunk.codes.dtype.type(np.flatnonzero(table == table.max())[0])
        counts = np.zeros((len(chunk), len(self._regions)), np.int64)
        box, (x0, y0) = self._grid.box, chunk.origin
        codes = chunk.codes[:, box.y0 - y0 : box.y1 - y0, box.x0 - x0 : box.x1 - x0]
        count_levels(codes, *self._pixel_runs, lowest, highest, counts)
        counts[~chunk.valid] = 0
        return counts

    def end_pass(self) -> None:
        """Nothing is left to do at the end of the frames."""

    def work(self) -> float | None:
        """Nothing is left to do after the frames."""
        return None

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything but the rows of the spool."""
        grey = self._grey or GreyMap()
        return {
            "frames": self._frames.copy(),
            "changes": self._changes.copy(),
            "last": self._last.copy(),
            "last_valid": np.array(self._last_valid),
            "usable": self._usable.copy(),
            "grey": np.array([self._grey is not None, grey.offset, grey.gain, grey.bits], np.float64),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self._frames, self._changes = np.array(state["frames"]), np.array(state["changes"])
        self._last, self._last_valid = np.array(state["last"]), bool(state["last_valid"])
        self._usable = np.array(state["usable"])
        known, offset, gain, bits = (float(value) for value in state["grey"])
        self._grey = GreyMap(offset, gain, int(bits)) if known else None

    def _read(self) -> Int64[np.ndarray, "time roi sum"]:
        rows = self._sums.read(0, self._sums.n_rows)
        return np.asarray(rows, np.int64).reshape(-1, len(self._regions), N_SUMS)

    def finish(self) -> Dataset:
        """Return the outcome."""
        from xarray import Dataset as NewDataset

        grey = self._grey or GreyMap.full(self._source.bits)
        scale = BinScale(self._bin, grey.offset, grey.gain)
        sums = self._read()
        valid, pairs = (self._usable & 1).astype(bool), (self._usable & 2).astype(bool)
        n = self._n_bins
        brightness = np.where(valid[:, None], scale.grey(sums[:, :, 0] / n), np.nan)
        energy = np.where(pairs[:, None], sums[:, :, 3] * scale.factor / n, np.nan)
        saturated = np.where(valid[:, None], sums[:, :, 4] / (n * self._bin**2), np.nan)
        mean = brightness - self._black
        light = light_of_pairs(mean, pairs)
        change = normalised_energy(*self._above_black(sums, scale), mean, light, n)
        noise = self._noise(change)
        steps = np.diff(self._source.times, prepend=np.nan)
        norm = np.sqrt(np.maximum(change - noise, 0.0)) / steps[:, None]
        with np.errstate(invalid="ignore"):
            jumps = np.abs(np.log(light)) > LIGHT_STEP
        light_step = np.where(np.isfinite(light), jumps, -1).astype(np.int8)
        self._judge(energy, brightness, saturated, norm, pairs)
        dims = ("time", "roi")
        dataset = NewDataset(
            {
                "energy": (dims, energy.astype(np.float32)),
                "energy_norm": (dims, norm.astype(np.float32)),
                "brightness": (dims, brightness.astype(np.float32)),
                "saturated": (dims, saturated.astype(np.float32)),
                "light_step": (dims, light_step),
                "noise_floor": (("roi",), np.sqrt(noise).astype(np.float32)),
                "n_bins": (("roi",), n.astype(np.int32)),
                "mean_frame": (("y", "x"), self._picture(self._frames, valid, scale, level=True)),
                "mean_motion": (("y", "x"), self._picture(self._changes, pairs, scale, level=False)),
            }
        )
        dataset.attrs.update(self._attributes(grey))
        return dataset

    def _above_black(
        self, sums: Int64[np.ndarray, "time roi sum"], scale: BinScale
    ) -> tuple[Float64[np.ndarray, "time roi"], Float64[np.ndarray, "time roi"]]:
        """Turn exact sums of squares and products into those of brightness above black [grey level^2]."""
        zero = self._bin**2 * (scale.offset + self._black / scale.gain)
        total, squares, products = (sums[:, :, k].astype(np.float64) for k in range(3))
        past = np.vstack([np.zeros((1, total.shape[1])), total[:-1]])
        level = self._n_bins * zero**2
        unit = scale.factor**2
        return (
            (squares - 2.0 * zero * total + level) * unit,
            (products - zero * (total + past) + level) * unit,
        )

    def _noise(self, change: Float64[np.ndarray, "time roi"]) -> Float64[np.ndarray, " roi"]:
        """Return q of the quietest pairs per region; NaN where no pair has one."""
        noise = np.full(change.shape[1], np.nan)
        for number, column in enumerate(change.T):
            known = column[np.isfinite(column)]
            if len(known):
                noise[number] = np.percentile(known, self._floor) if self._floor > 0 else 0.0
        return noise

    def _picture(
        self, sums: Int64[np.ndarray, "y x"], used: Bool[np.ndarray, " time"], scale: BinScale, *, level: bool
    ) -> np.ndarray:
        """Return the mean per bin in a picture of all bins, NaN outside the box that was needed."""
        count = int(used.sum())
        if count == 0:
            return np.full(self._grid.shape, np.nan, np.float32)
        mean = sums / count
        grey = scale.grey(mean) if level else mean * scale.factor
        return self._grid.place(grey.ravel()).astype(np.float32)

    def _attributes(self, grey: GreyMap) -> dict[str, object]:
        rows, columns = self._source.shape
        covered = self._grid.shape[0] * self._grid.shape[1] * self._bin**2
        return {
            "bin": self._bin,
            "black": self._black,
            "grey_offset": grey.offset,
            "grey_gain": grey.gain,
            "left_out": 1.0 - covered / (rows * columns),
        }

    def _judge(
        self,
        energy: Float64[np.ndarray, "time roi"],
        brightness: Float64[np.ndarray, "time roi"],
        saturated: Float64[np.ndarray, "time roi"],
        norm: Float64[np.ndarray, "time roi"],
        pairs: Bool[np.ndarray, " time"],
    ) -> None:
        """Write the remarks on input that has nothing to measure."""
        self._flags = []
        for number, region in enumerate(self._regions):
            where = f"motion of {region.name!r}"
            level, share = brightness[:, number], saturated[:, number]
            known = np.isfinite(level)
            if not pairs.any():
                self._flags.append(Flag("N301", f"{where}: no pair of frames can be used"))
            elif not known.any() or np.nanmax(level) - self._black <= DARK:
                self._flags.append(Flag("N301", f"{where}: black to the end; nothing can be measured"))
            elif np.nanmin(share) >= 0.99:
                self._flags.append(
                    Flag("N301", f"{where}: saturated to the end; lower the light or the gain")
                )
            elif np.nanmax(energy[:, number]) == 0.0:
                self._flags.append(Flag("N301", f"{where}: constant; no pixel ever changes"))
            else:
                blind = np.flatnonzero(pairs & ~np.isfinite(norm[:, number]))
                if len(blind):
                    text = (
                        f"{where}: black, or the light jumped, in {len(blind)} frames: no energy_norm there"
                    )
                    self._flags.append(Flag.about("N301", text, blind.tolist()))

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome."""
        return self._flags

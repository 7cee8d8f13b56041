"""Motion SVD and movie SVD of the regions of one camera."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.bins import BinScale, Region, auto_bin, bin_dtype, bins_of, regions_of
from mystax.compute.decompose import Decomposer
from mystax.compute.motion import same_grey
from mystax.compute.svd_outcome import Part, kinds_of, variables_of
from mystax.compute.svd_routes import SvdSettings
from mystax.compute.svd_rows import Matrix
from mystax.core.analysis import Pass
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, GreyMap

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["SvdReducer"]


class SvdReducer:
    """Decompositions of the regions of one camera (implements `mystax.core.analysis.Reducer`).

    Parameters
    ----------
    settings : SvdSettings
        What is computed.
    size : int or None
        Side of a bin [px]; None: by the size of the picture.
    with_motion, with_movie : bool
        Decompose the differences, and the pictures.
    """

    def __init__(
        self, *, settings: SvdSettings, size: int | None, with_motion: bool = True, with_movie: bool = False
    ) -> None:
        self._settings, self._size = settings, size
        self._kinds = kinds_of(with_motion=with_motion, with_movie=with_movie)
        self._flags: list[Flag] = []
        self._is_started = False

    @property
    def bins(self) -> int | None:
        """Side of the bins that it asks for [px]; None for automatic."""
        return self._size

    @property
    def n_passes(self) -> int:
        """Decode passes needed, as far as known now."""
        return self._work.n_passes if self._is_started else 1

    def start(self, source: Pass) -> None:
        """Take the facts about the frames and choose the routes."""
        self._source = source
        self._bin = self._size or auto_bin(source.shape)
        self._grid, self._regions = regions_of(source.rois, source.shape, self._bin)
        self._grey: GreyMap | None = None
        matrices = [
            Matrix(f"{kind}{number}", kind == "motion", self._columns(region), len(region.index))
            for kind in self._kinds
            for number, region in enumerate(self._regions)
        ]

        def spool(name: str, width: int, dtype: str, scratch: bool) -> Any:
            return source.spool(name, width, dtype, scratch=scratch)

        dtype = bin_dtype(source.bits, self._bin)
        self._work = Decomposer(
            matrices, source.n_frames, self._grid.n_bins, dtype, self._settings, source.tiles, spool
        )
        self._is_started = True

    def _columns(self, region: Region) -> np.ndarray | None:
        """Return the bins of a region among those of the grid; None if it is the grid."""
        return None if len(region.index) == self._grid.n_bins else region.index

    def update(self, chunk: FrameChunk) -> None:
        """Take the next frames."""
        self._grey = same_grey(self._grey, chunk, self._source.camera)
        bins = bins_of(chunk, self._bin, self._grid.box)
        self._work.feed(bins.reshape(len(chunk), -1), chunk.valid, chunk.adjacent)

    def end_pass(self) -> None:
        """Take note that all frames of this pass have come."""
        self._work.end_pass()

    def work(self) -> float | None:
        """Read the kept bins again, for about a second."""
        return self._work.work()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything but the spooled rows."""
        grey = self._grey or GreyMap()
        known = np.array([self._grey is not None, grey.offset, grey.gain, grey.bits], np.float64)
        return {"grey": known, **self._work.state()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        known, offset, gain, bits = (float(value) for value in state["grey"])
        self._grey = GreyMap(offset, gain, int(bits)) if known else None
        self._work.restore(state)

    def finish(self) -> Dataset:
        """Return the outcome."""
        from xarray import Dataset as NewDataset

        grey = self._grey or GreyMap.full(self._source.bits)
        scale = BinScale(self._bin, grey.offset, grey.gain)
        results = self._work.results()
        valid, pairs = self._work.used
        self._flags = []
        variables: dict[str, Any] = {
            "x_origin": (("roi",), np.array([region.origin[0] for region in self._regions], np.int32)),
            "y_origin": (("roi",), np.array([region.origin[1] for region in self._regions], np.int32)),
        }
        n = len(self._regions)
        width = max(found.n_components for found, _ in results)
        for number, kind in enumerate(self._kinds):
            parts = [
                Part(region.name, found, scores, region.mask)
                for region, (found, scores) in zip(
                    self._regions, results[number * n : (number + 1) * n], strict=True
                )
            ]
            used, offset = (pairs, 0.0) if kind == "motion" else (valid, scale.offset * scale.gain)
            found, flags = variables_of(
                kind,
                parts,
                used,
                width,
                factor=scale.factor,
                offset=offset,
                wanted=self._settings.n_components,
            )
            variables |= found
            self._flags += flags
        dataset = NewDataset(variables)
        dataset.attrs.update(self._attributes(grey))
        return dataset

    def _attributes(self, grey: GreyMap) -> dict[str, object]:
        rows, columns = self._source.shape
        covered = self._grid.shape[0] * self._grid.shape[1] * self._bin**2
        return {
            "bin": self._bin,
            "grey_offset": grey.offset,
            "grey_gain": grey.gain,
            "left_out": 1.0 - covered / (rows * columns),
        }

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome."""
        return self._flags

"""SVD over the bins of all cameras together, on the timeline of the reference camera."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.compute.bins import BinScale, auto_bin, bin_dtype, bins_of
from mystax.compute.decompose import Decomposer
from mystax.compute.motion import same_grey
from mystax.compute.svd_outcome import Part, kinds_of, variables_of
from mystax.compute.svd_routes import SvdSettings
from mystax.compute.svd_rows import Matrix
from mystax.core.analysis import Pass
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, GreyMap
from mystax.errors import InternalError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["ALL_CAMERAS", "JointSvdReducer"]

ALL_CAMERAS = "all_cameras"
"""Name of the region in the outcome."""


class _View:
    """The bins of one camera's whole picture."""

    def __init__(self, lent: Pass, size: int) -> None:
        self.lent, self.size = lent, size
        rows, columns = lent.shape
        self.shape = (rows // size, columns // size)
        self.box = Box(0, 0, self.shape[1] * size, self.shape[0] * size)
        self.n_bins = self.shape[0] * self.shape[1]
        self.grey: GreyMap | None = None

    def bins(self, chunk: FrameChunk) -> np.ndarray:
        """Return the bins of a chunk, one row per frame."""
        self.grey = same_grey(self.grey, chunk, self.lent.camera)
        return bins_of(chunk, self.size, self.box).reshape(len(chunk), -1)

    @property
    def scale(self) -> BinScale:
        """From sums to grey levels."""
        grey = self.grey or GreyMap.full(self.lent.bits)
        return BinScale(self.size, grey.offset, grey.gain)


class JointSvdReducer:
    """Decomposition over all cameras: rows of the timeline, the bins of every camera side by side.

    It is used like `mystax.core.analysis.Reducer`, with one pass and one chunk per camera.

    Parameters
    ----------
    settings : SvdSettings
        What is computed.
    size : int or None
        Side of a bin [px]; None: by the size of each camera's picture.
    with_motion, with_movie : bool
        Decompose the differences, and the pictures.
    reference : str, optional
        Camera whose frames are the timeline; by default the first.
    """

    def __init__(
        self,
        *,
        settings: SvdSettings,
        size: int | None,
        with_motion: bool = True,
        with_movie: bool = False,
        reference: str = "",
    ) -> None:
        self._settings, self._size, self._reference = settings, size, reference
        self._kinds = kinds_of(with_motion=with_motion, with_movie=with_movie)
        self._flags: list[Flag] = []
        self._is_started = False

    @property
    def n_passes(self) -> int:
        """Readings of all cameras needed, as far as known now."""
        return self._work.n_passes if self._is_started else 1

    def start(self, passes: Mapping[str, Pass]) -> None:
        """Take the facts about the frames of every camera, in camera order."""
        self._views = {name: _View(lent, self._size or auto_bin(lent.shape)) for name, lent in passes.items()}
        if not self._views:
            raise InternalError("B999", "svd", "a decomposition of all cameras was started without a camera")
        reference = passes[self._reference or next(iter(passes))]
        self._n_bins = sum(view.n_bins for view in self._views.values())
        dtype = np.result_type(*(bin_dtype(view.lent.bits, view.size) for view in self._views.values()))
        self._factor, self._weights = self._common_scale()
        matrices = [Matrix(kind, kind == "motion", None, self._n_bins, self._weights) for kind in self._kinds]

        def spool(name: str, width: int, dtype: str, scratch: bool) -> Any:
            return reference.spool(name, width, dtype, scratch=scratch)

        self._work = Decomposer(
            matrices, reference.n_frames, self._n_bins, dtype, self._settings, reference.tiles, spool
        )
        self._is_started = True

    def _common_scale(self) -> tuple[float, np.ndarray | None]:
        """Return the factor of all sums, or 1 and a factor per bin where cameras differ.

        The grey maps must be known before the first frame, so they are taken from a sample.
        """
        for view in self._views.values():
            sample = view.lent.sample(1)
            if len(sample):
                view.grey = sample.grey_map
        factors = [view.scale.factor for view in self._views.values()]
        if all(factor == factors[0] for factor in factors):
            return factors[0], None
        counts = [view.n_bins for view in self._views.values()]
        return 1.0, np.repeat(np.array(factors), counts)

    def update(self, chunks: Mapping[str, FrameChunk]) -> None:
        """Take the next rows of the timeline: one chunk per camera, all of one length."""
        valid = np.logical_and.reduce([chunks[name].valid for name in self._views])
        adjacent = np.logical_and.reduce([chunks[name].adjacent for name in self._views])
        bins = np.concatenate([view.bins(chunks[name]) for name, view in self._views.items()], axis=1)
        self._work.feed(bins, valid, adjacent)

    def end_pass(self) -> None:
        """Take note that all rows of this reading have come."""
        self._work.end_pass()

    def work(self) -> float | None:
        """Read the kept bins again, for about a second."""
        return self._work.work()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything but the spooled rows."""
        return self._work.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        self._work.restore(state)

    def finish(self) -> Dataset:
        """Return the outcome: one region named `all_cameras`, bins in one dimension with their camera."""
        from xarray import Dataset as NewDataset

        results = self._work.results()
        valid, pairs = self._work.used
        width = max(found.n_components for found, _ in results)
        offsets = np.repeat(
            [view.scale.offset * view.scale.gain for view in self._views.values()],
            [view.n_bins for view in self._views.values()],
        )
        variables: dict[str, Any] = {
            "bin_x": (("bin",), self._places(1)),
            "bin_y": (("bin",), self._places(0)),
        }
        self._flags = []
        for kind, (found, scores) in zip(self._kinds, results, strict=True):
            used, offset = (pairs, np.zeros(self._n_bins)) if kind == "motion" else (valid, offsets)
            part = Part(ALL_CAMERAS, found, scores, None)
            made, flags = variables_of(
                kind,
                [part],
                used,
                width,
                factor=self._factor,
                offset=offset,
                weights=self._weights,
                wanted=self._settings.n_components,
            )
            variables |= made
            self._flags += flags
        cameras = [name for name, view in self._views.items() for _ in range(view.n_bins)]
        dataset = NewDataset(variables).assign_coords(
            camera=("bin", cameras),
            roi=("roi", [ALL_CAMERAS]),
            roi_kind=("roi", ["motion"]),
            roi_camera=("roi", [""]),
            roi_shape=("roi", [""]),
        )
        dataset.attrs["bin"] = [view.size for view in self._views.values()]
        return dataset

    def _places(self, axis: int) -> np.ndarray:
        """Return the first row (0) or column (1) of every bin [px]."""
        places = [np.indices(view.shape)[axis].ravel() * view.size for view in self._views.values()]
        return np.concatenate(places).astype(np.int32)

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome."""
        return self._flags

"""Run a network on crops with onnxruntime: full batches, fixed buffers, the same numbers for any batch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mystax.core.typing import Bool, Float32, Shaped
from mystax.errors import DeviceError, WeightsError
from mystax.io.weights import check_digest
from mystax.io.weights_notes import WeightsInfo
from mystax.nets.confidence import Calibration, features
from mystax.nets.crop import CropBox, crop_by_frame, crop_resize, grey_span, normalise
from mystax.nets.decode import Decoded, decode, decode_facemap
from mystax.nets.devices import (
    PROVIDERS,
    Library,
    OnnxRuntime,
    choose_provider,
    is_short_of_memory,
    session_errors,
)
from mystax.nets.ensemble import merge_decoded
from mystax.nets.shape_prior import ShapePrior

__all__ = ["CPU_BATCH", "GPU_BATCH", "Network", "Places", "load_network"]

CPU_BATCH, GPU_BATCH = 8, 64
_MOST_NAN = 0.01


@dataclass(frozen=True, slots=True)
class Places:
    """Keypoints in n frames.

    Attributes
    ----------
    xy : array (n, keypoint, space)
        Places [source px], inside of the frame; NaN where a frame is flat.
    covariance : array (n, keypoint, cov)
        xx, xy, yy [source px^2].
    confidence : array (n, keypoint)
        Chance that the point is in view and off by at most 5 px@256.
    visibility : array (n, keypoint)
        Chance that the point is in view.
    shape : array (n, keypoint)
        Mahalanobis distance from where the other points put it.
    spread : array (n, keypoint)
        Standard deviation between the members of an ensemble [source px]; 0 for a single network.
    is_clipped : array (n, keypoint)
        Places that lay outside of the frame and were brought to its edge.
    is_flat : array (n,)
        Frames without contrast in the box, or with more than 1 % NaN.
    """

    xy: Float32[np.ndarray, "n keypoint space"]
    covariance: Float32[np.ndarray, "n keypoint cov"]
    confidence: Float32[np.ndarray, "n keypoint"]
    visibility: Float32[np.ndarray, "n keypoint"]
    shape: Float32[np.ndarray, "n keypoint"]
    spread: Float32[np.ndarray, "n keypoint"]
    is_clipped: Bool[np.ndarray, "n keypoint"]
    is_flat: Bool[np.ndarray, " n"]


class Network:
    """A keypoint network, ready to predict.

    A device that is short of memory gets half the batch, down to single crops; after that the CPU goes on,
    if the device was chosen automatically.  What was computed before is kept.

    Parameters
    ----------
    model : bytes
        ONNX model with mystax's notes.
    where : str
        Name for messages.
    device : str, optional
        ``auto``, ``cpu``, ``cuda``, ``coreml`` or ``dml``.
    threads : int, optional
        Cores to use on the CPU (1).
    batch : int, optional
        Crops per call; 0 (default) means 8 on the CPU and 64 on a GPU.  Batches are always full (the tail is
        padded), so that no number depends on how frames are cut into calls.
    library : Library, optional
        What runs the model; by default the installed onnxruntime.

    Raises
    ------
    WeightsError
        M701, if the model is damaged or of another kind; M702, if its maps do not fit its notes.
    DeviceError
        M703, if the device cannot be used, or not even its memory for a single crop.
    """

    def __init__(
        self,
        model: bytes,
        where: str,
        *,
        device: str = "auto",
        threads: int = 1,
        batch: int = 0,
        library: Library | None = None,
    ) -> None:
        self._library = library or OnnxRuntime()
        self._model, self._device, self._threads = model, device, threads
        self.where = where
        self.provider = choose_provider(device, self._library.providers())
        self._session = self._open()
        self.digest = ""
        self.info = WeightsInfo.from_metadata(self._session.get_modelmeta().custom_metadata_map, where)
        self.batch = batch or (CPU_BATCH if "CPU" in self.provider else GPU_BATCH)
        self._check_shapes()
        self.prior, self.calibration = _beside(self.info, where)
        self._bind()

    def _open(self) -> Any:
        """Open the model on the device, or on the CPU where the device has no room for it."""
        try:
            return self._library.open(self._model, self.provider, self._threads)
        except session_errors() as error:
            if is_short_of_memory(error):
                self._leave_device(error)
                return self._open()
            raise WeightsError(
                "M701", self.where, f"onnxruntime refuses the model ({str(error)[:200]})"
            ) from error

    def _leave_device(self, error: BaseException) -> None:
        """Go on with the CPU, if the user left the choice.

        Raises
        ------
        DeviceError
            M703, if not, or if it is the CPU that has no memory left.
        """
        if self._device != "auto" or "CPU" in self.provider:
            raise DeviceError(
                "M703",
                f"device {self._device!r}",
                "its memory does not hold a single picture",
                got=str(error)[:200],
                hint="close other programs that use it, or say --device cpu",
            ) from error
        self.provider = PROVIDERS["cpu"]

    def _make_room(self, error: BaseException) -> None:
        """Halve the batch; with a batch of one go to the CPU."""
        if self.batch > 1:
            self.batch //= 2
        else:
            self._leave_device(error)
            self._session, self.batch = self._open(), CPU_BATCH
        self._bind()

    @property
    def n_keypoints(self) -> int:
        """Number of points."""
        return len(self.info.points)

    @property
    def size(self) -> int:
        """Side of the crops [px]."""
        return self.info.size

    def _check_shapes(self) -> None:
        """Compare the model's inputs and outputs with its notes."""
        n_points, size = len(self.info.points) * self.info.members, self.info.size
        cells = size // self.info.stride
        expected = {
            "dense": {"cells": [n_points, cells, cells], "null": [n_points]},
            "facemap": {name: [n_points, cells, cells] for name in ("cells", "down", "right")},
        }[self.info.arch]
        got = {item.name: list(item.shape[1:]) for item in self._session.get_outputs()}
        got_in = {item.name: list(item.shape[1:]) for item in self._session.get_inputs()}
        if got != expected or got_in != {"crops": [1, size, size]}:
            raise WeightsError(
                "M702",
                self.where,
                "the maps do not fit the notes",
                expected=f"crops {[1, size, size]}, {expected}",
                got=f"{got_in}, {got}",
            )

    def _bind(self) -> None:
        """Give the session fixed buffers for input and outputs."""
        self._crops = np.zeros((self.batch, 1, self.size, self.size), np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_cpu_input("crops", self._crops)
        self._outputs: list[np.ndarray] = []
        for item in self._session.get_outputs():
            buffer = np.empty((self.batch, *item.shape[1:]), np.float32)
            self._outputs.append(buffer)
            self._binding.bind_output(item.name, "cpu", 0, np.float32, list(buffer.shape), buffer.ctypes.data)

    def maps(self, crops: Float32[np.ndarray, "n y x"]) -> list[Float32[np.ndarray, "n ..."]]:
        """Run the network on normalised crops and return its outputs."""
        found = [[buffer.copy() for buffer in outputs] for outputs in self._batches(crops)]
        return [np.concatenate(kept) for kept in zip(*found, strict=True)]

    def _batches(self, crops: Float32[np.ndarray, "n y x"]) -> Iterator[list[Float32[np.ndarray, "m ..."]]]:
        """Run the network on batches and give their outputs, valid until the next ones; one for no crops."""
        first = 0
        while first < len(crops) or not first:
            n = self._run(crops[first : first + self.batch])
            yield [buffer[:n] for buffer in self._outputs]
            first += max(n, 1)

    def _run(self, crops: Float32[np.ndarray, "n y x"]) -> int:
        """Run the first batch of crops, rows beyond them black; return how many were done."""
        while True:
            n = min(len(crops), self.batch)
            self._crops[:n, 0] = crops[:n]
            self._crops[n:] = 0.0
            try:
                if "CPU" not in self.provider:
                    self._binding.bind_cpu_input("crops", self._crops)
                self._session.run_with_iobinding(self._binding)
            except session_errors() as error:
                if not is_short_of_memory(error):
                    raise
                self._make_room(error)
            else:
                return n

    def decode(self, crops: Float32[np.ndarray, "n y x"]) -> Decoded:
        """Find the points in normalised crops.

        Parameters
        ----------
        crops : array (n, y, x)
            Crops of the network's size.

        Returns
        -------
        Decoded
            Places in crop pixels, and how sure the maps are.
        """
        rows: list[Decoded] = []
        for cells, *rest in self._batches(crops):
            found = decode_outputs(self.info.arch, cells, rest)
            rows.append(found if self.info.members == 1 else merge_decoded(found, self.info.members))
        return join(rows)

    def prepare(
        self, frame: Shaped[np.ndarray, "y x"], box: CropBox, *, bits: int | None = None
    ) -> tuple[Float32[np.ndarray, "size size"], bool]:
        """Cut a crop out of a frame and normalise it.

        Parameters
        ----------
        frame : array (y, x)
            Grey frame.
        box : CropBox
            The face.
        bits : int, optional
            Depth of the codes, where it is less than the dtype's.

        Returns
        -------
        crop : array (size, size)
            What the network takes; 0 where a frame cannot be used.
        is_flat : bool
            Whether the crop has no contrast, or more than 1 % NaN.
        """
        if self.info.normalise == "frame":
            lost = np.isnan(frame).mean() if frame.dtype.kind == "f" else 0.0
            if lost > _MOST_NAN:
                return np.zeros((self.size, self.size), np.float32), True
            return crop_by_frame(frame, box, self.size, least_span=grey_span(frame.dtype, bits))
        crop, valid = crop_resize(frame, box, self.size)
        if frame.dtype.kind == "f":
            inside = crop_resize(np.ones(frame.shape, np.uint8), box, self.size)[1]
            if (inside & ~valid).sum() > _MOST_NAN * max(int(inside.sum()), 1):
                crop[:] = 0.0
                return crop, True
        return crop, not normalise(crop, valid, grey_span(frame.dtype, bits))

    def locate(
        self,
        crops: Float32[np.ndarray, "n y x"],
        is_flat: Bool[np.ndarray, " n"],
        box: CropBox,
        shape: tuple[int, int],
    ) -> Places:
        """Find the points of prepared crops in the frames that they were cut from.

        Parameters
        ----------
        crops : array (n, y, x)
            Of `prepare`.
        is_flat : array (n,)
            Crops that cannot be used.
        box : CropBox
            Where they were cut from.
        shape : tuple of int
            Height and width of the frames [px]: no place lies outside.

        Returns
        -------
        Places
            Points in source pixels, with confidence and covariance.
        """
        decoded = self.decode(crops)
        values = features(decoded, self.prior, self.size)
        confidence = self.calibration.confidence(values)
        window = self.calibration.covariance(decoded.covariance, confidence, self.size)
        scale = box.side / self.size
        window *= np.float32(scale * scale)
        if box.quarter_turns % 2:
            window = window[..., ::-1] * np.array([1, -1, 1], np.float32)
        # Facemap's own places carry no half pixel: source = crop x scale.
        shift = np.float32(0.5 / scale - 0.5) if self.info.arch == "facemap" else np.float32(0.0)
        xy = box.to_source(decoded.xy + shift, self.size)
        limit = np.array([shape[1] - 0.5, shape[0] - 0.5], np.float32)
        inside = np.clip(xy, np.float32(-0.5), limit)
        is_clipped = (inside != xy).any(axis=-1)
        for values_of in (inside, window):
            values_of[is_flat] = np.nan
        confidence[is_flat] = 0.0
        visibility = decoded.visibility.copy()
        visibility[is_flat] = 0.0
        return Places(
            xy=inside,
            covariance=window,
            confidence=confidence,
            visibility=visibility,
            shape=np.expm1(values[..., 4]),
            spread=decoded.spread * np.float32(scale),
            is_clipped=is_clipped & ~is_flat[:, None],
            is_flat=is_flat.copy(),
        )


def decode_outputs(
    arch: str, cells: Float32[np.ndarray, "n k y x"], rest: list[Float32[np.ndarray, "n ..."]]
) -> Decoded:
    """Decode what a network of a known kind gave."""
    return decode_facemap(cells, rest[0], rest[1]) if arch == "facemap" else decode(cells, rest[0])


def join(rows: list[Decoded]) -> Decoded:
    """Lay decoded batches end to end."""
    names = Decoded.__slots__
    return Decoded(**{name: np.concatenate([getattr(row, name) for row in rows]) for name in names})


def load_network(path: Path, *, device: str = "auto", threads: int = 1, batch: int = 0) -> Network:
    """Load weights for prediction.

    Parameters
    ----------
    path : Path
        The ``.onnx`` file (`mystax.io.weights.find_weights`).
    device, threads, batch
        As for `Network`.

    Returns
    -------
    Network
        Ready to predict; its `digest` is the file's sha256.

    Raises
    ------
    WeightsError
        M701, if the file is damaged, changed or of another kind; M702, if it does not fit its notes.
    ParameterError
        P401, if the device cannot be used.
    """
    digest = check_digest(path)
    network = Network(path.read_bytes(), path.name, device=device, threads=threads, batch=batch)
    network.digest = digest
    return network


def _beside(info: WeightsInfo, where: str) -> tuple[ShapePrior | None, Calibration]:
    """Read shape prior and calibration out of the notes."""
    n_points = len(info.points)
    try:
        prior = ShapePrior.from_tensors(info.tensors)
        calibration = Calibration.from_tensors(info.tensors, n_points, info.calibration)
    except (KeyError, ValueError, IndexError) as error:
        raise WeightsError("M701", where, f"calibration or shape prior are damaged ({error})") from error
    counts = {
        len(calibration.intercepts),
        len(calibration.scale),
        n_points if prior is None else len(prior.mean),
    }
    if counts != {n_points}:
        raise WeightsError(
            "M702",
            where,
            "calibration and points differ",
            expected=f"{n_points} points",
            got=f"{sorted(counts)}",
        )
    return prior, calibration

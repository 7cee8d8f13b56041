"""Weights by name, ready for frames: the network, and which of its points are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mystax.core.keypoints import KeypointSet, shipped_sets
from mystax.core.typing import Bool, Float32, Int64, Shaped
from mystax.errors import RecipeError, WeightsError, nearest
from mystax.io.weights import digest_for_plans, find_weights
from mystax.nets.crop import CropBox
from mystax.nets.face_box import BoxPoints
from mystax.nets.runtime import Network, Places, load_network

__all__ = ["BASE_SET", "Predictor", "check_points", "open_predictor", "points_for_box"]

BASE_SET, USUAL_SET = "mouse-face-22", "mouse-face-13"
"""The points of the shipped weights, and those of them that are given where nothing is said."""
SHAPE_LIMIT = 3.717
"""99.9 % point of the Mahalanobis distance of a place in two dimensions."""

LOOKS = 64
"""Crops that are scored at a time."""

Frame = Shaped[np.ndarray, "y x"]


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network and the points that are wanted of it.

    Attributes
    ----------
    network : Network
        Ready to predict.
    every : KeypointSet
        All points of the network.
    keypoints : KeypointSet
        The wanted ones.
    chosen : array (keypoint,)
        Their places among the network's maps.
    order : array (every,)
        Places of the points of `every` among the network's maps.
    bits : int, optional
        Depth of the frames' codes, where it is less than their dtype's.
    """

    network: Network
    every: KeypointSet
    keypoints: KeypointSet
    chosen: Int64[np.ndarray, " keypoint"]
    order: Int64[np.ndarray, " every"]
    bits: int | None = None

    @property
    def n_points(self) -> int:
        """Number of wanted points."""
        return len(self.chosen)

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self.network.where.removesuffix(".onnx")

    def crop(self, frame: Frame, box: CropBox) -> Float32[np.ndarray, "size size"] | None:
        """Cut the face out of a frame and normalise it; None where nothing can be told apart."""
        crop, is_flat = self.network.prepare(frame, box, bits=self.bits)
        return None if is_flat else crop

    def predict(
        self,
        crops: Float32[np.ndarray, "n size size"],
        box: CropBox,
        shape: tuple[int, int],
        is_flat: Bool[np.ndarray, " n"] | None = None,
    ) -> Places:
        """Find the wanted points in crops of frames of a shape (rows, columns)."""
        flat = np.zeros(len(crops), np.bool_) if is_flat is None else is_flat
        found = self.network.locate(crops, flat, box, shape)
        return Places(
            xy=found.xy[:, self.chosen],
            covariance=found.covariance[:, self.chosen],
            confidence=found.confidence[:, self.chosen],
            visibility=found.visibility[:, self.chosen],
            shape=found.shape[:, self.chosen],
            spread=found.spread[:, self.chosen],
            is_clipped=found.is_clipped[:, self.chosen],
            is_flat=found.is_flat,
        )

    def place(
        self, frames: Sequence[Frame], box: CropBox
    ) -> tuple[Float32[np.ndarray, "n every space"], Float32[np.ndarray, "n every"]]:
        """Find all points of the network in frames, with their confidence (`mystax.nets.face_box.Placer`)."""
        crops, is_seen = self._prepared([(frame, box) for frame in frames])
        xy = np.full((len(frames), len(self.order), 2), np.nan, np.float32)
        confidence = np.zeros(xy.shape[:2], np.float32)
        if len(crops):
            found = self.network.locate(crops, np.zeros(len(crops), np.bool_), box, frames[0].shape)
            xy[is_seen], confidence[is_seen] = found.xy[:, self.order], found.confidence[:, self.order]
        return xy, confidence

    def _prepared(
        self, looks: Sequence[tuple[Frame, CropBox]]
    ) -> tuple[Float32[np.ndarray, "m size size"], Bool[np.ndarray, " n"]]:
        """Return the crops in which something can be told apart, and which these are: only they cost time."""
        pairs = [self.network.prepare(frame, box, bits=self.bits) for frame, box in looks]
        size = self.network.size
        crops = np.array([crop for crop, is_flat in pairs if not is_flat], np.float32)
        return crops.reshape(-1, size, size), np.array([not is_flat for _, is_flat in pairs], np.bool_)

    def score(self, looks: Sequence[tuple[Frame, CropBox]]) -> Float32[np.ndarray, "n every"]:
        """Return the confidences of all points, for frames with boxes (`mystax.nets.face_box.Scorer`)."""
        confidence = np.zeros((len(looks), len(self.order)), np.float32)
        for start in range(0, len(looks), LOOKS):
            part = looks[start : start + LOOKS]
            crops, is_seen = self._prepared(part)
            if len(crops):
                # Confidence is a matter of the crop alone: any box and frame will do.
                frame, box = part[0]
                places = self.network.locate(crops, np.zeros(len(crops), np.bool_), box, frame.shape)
                confidence[start : start + LOOKS][is_seen] = places.confidence[:, self.order]
        return confidence


def points_for_box(every: KeypointSet) -> BoxPoints:
    """Choose the points that tell where a face is: eye and nose where a set has such parts, else all.

    The square is about the usual points where a set has them all: as in training, an ear may lie outside.
    """
    ids = every.ids
    eye, nose = (
        np.array([ids.index(name) for name in every.parts.get(part, ()) if name in ids], np.int64)
        for part in ("eye", "nose")
    )
    scored = np.concatenate([eye, nose])
    usual = KeypointSet.load(USUAL_SET).ids
    held = np.array([ids.index(name) for name in usual]) if set(usual) <= set(ids) else None
    return BoxPoints(eye, nose, scored if len(scored) else np.arange(len(ids)), held)


def open_predictor(
    weights: str | Path,
    *,
    keypoints: str = "auto",
    device: str = "auto",
    batch: int = 0,
    cores: int = 1,
    bits: int | None = None,
) -> Predictor:
    """Load weights for prediction.

    Parameters
    ----------
    weights : str or Path
        Installed weights by name, or the path of an .onnx file.
    keypoints : str, optional
        ``auto`` (all points; 13 of the shipped weights), ``all``, a shipped set, or names with commas.
    device, batch : optional
        As for `mystax.nets.runtime.Network`.
    cores : int, optional
        Threads of the network.
    bits : int, optional
        Depth of the frames.

    Returns
    -------
    Predictor
        Ready for frames.

    Raises
    ------
    ParameterError
        P401, if the weights or the device are unknown.
    WeightsError
        M701, M702, if the file is damaged.
    RecipeError
        P403, if a point is unknown (with the nearest name).
    """
    network = load_network(find_weights(weights), device=device, threads=cores, batch=batch)
    every = _every(network)
    wanted = _wanted(every, keypoints)
    maps = network.info.points
    order = np.array([maps.index(name) for name in every.ids], np.int64)
    chosen = np.array([maps.index(every.point(name).id) for name in wanted.ids], np.int64)
    return Predictor(network, every, wanted, chosen, order, bits)


def check_points(weights: str | Path, keypoints: str) -> None:
    """Refuse points that weights do not have, before any frame is read.

    Parameters
    ----------
    weights, keypoints : str
        As for `open_predictor`.

    Raises
    ------
    ParameterError, WeightsError, RecipeError
        P401, M701, M702, P403, as `open_predictor`.
    """
    path = find_weights(weights)
    _wanted(_every_of(path, digest_for_plans(path)), keypoints)


@lru_cache(maxsize=8)  # plans of hundreds of recordings ask for the points of one network
def _every_of(path: Path, _digest: str) -> KeypointSet:
    return _every(load_network(path, device="cpu"))


def _every(network: Network) -> KeypointSet:
    """Return all points of a network."""
    every = KeypointSet.from_toml(network.info.keypoints, network.where)
    if set(every.ids) != set(network.info.points):
        raise WeightsError(
            "M702",
            network.where,
            "the keypoint set and the maps differ",
            expected=", ".join(network.info.points[:6]),
            got=", ".join(every.ids[:6]),
        )
    return every


def _wanted(every: KeypointSet, keypoints: str) -> KeypointSet:
    """Return the points that are asked for, as a set of its own."""
    if keypoints == "all" or (keypoints == "auto" and every.name != BASE_SET):
        return every
    name = USUAL_SET if keypoints == "auto" else keypoints
    if name in shipped_sets():
        wanted = KeypointSet.load(name)
        lacking = [point for point in wanted.ids if every.find(point) is None]
        if lacking:
            raise RecipeError(
                "P403",
                f"keypoint set {name!r}",
                f"the weights do not know the point {lacking[0]!r}{nearest(lacking[0], every.ids)}",
                hint="name points of the weights, or train weights for this set",
            )
        return wanted
    return every.subset([word.strip() for word in keypoints.split(",") if word.strip()])

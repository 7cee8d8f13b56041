"""What weights say about themselves: notes that both of their files carry as text."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mystax.errors import WeightsError

__all__ = ["NORMALISE", "WeightsInfo"]

VERSION = "1"
ARCHITECTURES = ("dense", "facemap")
NORMALISE = ("crop", "frame")
"""Where the percentiles of grey are taken: over the crop, or over the whole frame as Facemap does."""
_TEXTS = ("mystax_weights", "arch", "width", "size", "stride", "points", "keypoints", "box", "normalise")


@dataclass(frozen=True)
class WeightsInfo:
    """What weights say about themselves; both files carry it as text.

    Attributes
    ----------
    arch : str
        ``dense`` or ``facemap``.
    width : float
        Factor on the channel counts.
    size : int
        Side of the crops that it takes [px].
    points : tuple of str
        Ids of the keypoints, in the order of the maps.
    keypoints : str
        The keypoint set, as TOML.
    stride : int
        Crop pixels per cell.
    box : str
        Face box that suits these weights: ``auto`` or ``frame``.
    normalise : str
        Percentiles of grey are taken over the ``crop`` or the whole ``frame``.
    members : int
        Networks side by side in the file (an ensemble); each has a map per point.
    calibration : str
        ``synthetic``, ``labels:n=...`` or ``none``.
    provenance : mapping
        How it was trained: plain JSON values.
    tensors : mapping of str to array
        Small arrays beside the network: calibration, shape prior.
    """

    arch: str
    width: float
    size: int
    points: tuple[str, ...]
    keypoints: str = ""
    stride: int = 4
    box: str = "auto"
    normalise: str = "crop"
    members: int = 1
    calibration: str = "none"
    provenance: Mapping[str, object] = field(default_factory=dict)
    tensors: Mapping[str, np.ndarray] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str]:
        """Return the notes as text, for both files."""
        packed = {
            name: {
                "shape": list(value.shape),
                "data": base64.b64encode(np.ascontiguousarray(value, "<f4").tobytes()).decode("ascii"),
            }
            for name, value in self.tensors.items()
        }
        return {
            "mystax_weights": VERSION,
            "arch": self.arch,
            "width": repr(self.width),
            "size": str(self.size),
            "stride": str(self.stride),
            "points": json.dumps(self.points),
            "keypoints": self.keypoints,
            "box": self.box,
            "normalise": self.normalise,
            "members": str(self.members),
            "calibration": self.calibration,
            "provenance": json.dumps(dict(self.provenance), sort_keys=True),
            "tensors": json.dumps(packed, sort_keys=True),
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], where: str) -> "WeightsInfo":
        """Read the notes.

        Parameters
        ----------
        metadata : mapping of str to str
            As `to_metadata` gave it.
        where : str
            Name of the file, for messages.

        Returns
        -------
        WeightsInfo
            The notes.

        Raises
        ------
        WeightsError
            M701, if these are no weights of mystax, of a later version or damaged.
        """
        if "mystax_weights" not in metadata:
            raise WeightsError(
                "M701",
                where,
                "these are no weights of mystax",
                expected="the note 'mystax_weights'",
                got=", ".join(sorted(metadata)[:6]) or "no notes",
            )
        if metadata["mystax_weights"] != VERSION:
            raise WeightsError(
                "M701",
                where,
                "the weights are of another version",
                expected=VERSION,
                got=metadata["mystax_weights"][:20],
                hint="use the mystax that wrote them, or a later one",
            )
        missing = [name for name in _TEXTS if name not in metadata]
        if missing:
            raise WeightsError("M701", where, expected=f"the note {missing[0]!r}", got="none")
        if metadata["arch"] not in ARCHITECTURES:
            raise WeightsError(
                "M701",
                where,
                "the network is of an unknown kind",
                expected=" or ".join(ARCHITECTURES),
                got=metadata["arch"][:40],
            )
        try:
            return cls(
                arch=metadata["arch"],
                width=float(metadata["width"]),
                size=_integer(metadata["size"], 32, 1024),
                points=tuple(str(name) for name in json.loads(metadata["points"])),
                keypoints=metadata["keypoints"],
                stride=_integer(metadata["stride"], 1, 64),
                box=metadata["box"],
                normalise=_one_of(metadata["normalise"], NORMALISE),
                members=_integer(metadata.get("members", "1"), 1, 16),
                calibration=metadata.get("calibration", "none"),
                provenance=dict(json.loads(metadata.get("provenance", "{}"))),
                tensors={
                    str(name): _unpack(item)
                    for name, item in json.loads(metadata.get("tensors", "{}")).items()
                },
            )
        except (ValueError, TypeError, KeyError, AttributeError, binascii.Error) as error:
            raise WeightsError("M701", where, f"the notes are damaged ({error})") from error


def _integer(text: str, least: int, most: int) -> int:
    value = int(text)
    if not least <= value <= most:
        raise ValueError(f"{value} is not between {least} and {most}")
    return value


def _one_of(text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ValueError(f"{text[:40]!r} is none of {', '.join(known)}")
    return text


def _unpack(item: Mapping[str, object]) -> np.ndarray:
    shape = item["shape"]
    if not isinstance(shape, list):
        raise TypeError("a shape is no list")
    data = base64.b64decode(str(item["data"]), validate=True)
    return np.frombuffer(data, "<f4").reshape([int(n) for n in shape]).astype(np.float32)

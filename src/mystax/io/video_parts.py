"""What a decoder is given and what it shows: files of a camera, their times, what is wanted and found."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import GreyMap, Reason
from mystax.core.typing import Bool, Float64, Shaped, UInt8
from mystax.errors import ParameterError
from mystax.io.video_decode import Decoder
from mystax.io.video_index import FrameIndex
from mystax.io.video_library import Library
from mystax.io.video_pixels import Picture, PixelPlan, read_grey

__all__ = ["UNKNOWN", "Damage", "Findings", "Part", "Request", "Timeline", "check_damage"]

Damage = Literal["mark", "keep", "refuse"]
UNKNOWN = 255
"""Reason of a frame that has not been read."""


def check_damage(damage: str) -> Damage:
    """Return the policy for damaged frames.

    Raises
    ------
    ParameterError
        P401, if it is not ``mark``, ``keep`` or ``refuse``.
    """
    for known in get_args(Damage):
        if damage == known:
            found: Damage = known
            return found
    raise ParameterError(
        "P401", "parameter 'damage'", expected=" or ".join(get_args(Damage)), got=repr(damage)
    )


@dataclass(frozen=True, eq=False)
class Part:
    """One file of a camera, ready to be decoded.

    Attributes
    ----------
    library : Library
        How to open it.
    index : FrameIndex
        Its packets and frames.
    offset : int
        Number of its first frame in the camera.
    size : tuple of int
        Width and height as decoded [px].
    pixel_format : str
        FFmpeg's name of the pixel format.
    plan : PixelPlan
        How its grey is read.
    color_range : str
        ``full`` or ``limited``.
    other_tag : int or None
        FFmpeg's range tag of pictures that do not fit; a picture without a tag is like those before it.
    rotation : int
        Counter-clockwise turn for display [degrees].
    reopen_after : int
        Packets after which the decoder is opened anew.
    suspects : set of int
        Groups of pictures in which packets may have been lost.
    check : callable
        Raises V130 if the file is no longer the one that was indexed.
    """

    library: Library
    index: FrameIndex
    offset: int
    size: tuple[int, int]
    pixel_format: str
    plan: PixelPlan
    color_range: str
    other_tag: int | None
    rotation: int
    reopen_after: int
    suspects: frozenset[int]
    check: Callable[[], None]

    def decoder(self, threads: int) -> Decoder:
        """Return a decoder of the file."""
        return Decoder(
            self.library,
            self.index,
            threads=threads,
            reopen_after=self.reopen_after,
            suspects=self.suspects,
        )

    def fits(self, picture: Picture) -> bool:
        """Tell whether a picture has the size, format and grey range of the file."""
        return (
            (picture.width, picture.height) == self.size
            and picture.format.name == self.pixel_format
            and int(picture.color_range) != self.other_tag
        )

    def grey(self, picture: Picture, box: Box | None) -> Shaped[np.ndarray, "y x"]:
        """Read the codes of a picture."""
        return read_grey(picture, self.plan, self.rotation, box)


@dataclass(frozen=True, eq=False)
class Timeline:
    """Times of all frames of a camera.

    Attributes
    ----------
    times : array (time,)
        Times [s]; NaN where `no_time`.
    adjacent : array (time,)
        Whether each frame follows the one before without a gap.
    no_time : array (time,) or None
        Frames without a time.
    """

    times: Float64[np.ndarray, " time"]
    adjacent: Bool[np.ndarray, " time"]
    no_time: Bool[np.ndarray, " time"] | None = None


@dataclass(frozen=True, eq=False)
class Findings:
    """What decoding has shown so far; shared by all readers of a camera.

    Attributes
    ----------
    reason : array (time,)
        `Reason` of each frame that was read; 255 for the others.
    silent : set of int
        Frames whose packets held no picture.
    ended : set of int
        First frames of the ends that were given up.
    """

    reason: UInt8[np.ndarray, " time"]
    silent: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)

    def flags(self) -> list[Flag]:
        """Return what was found as quality flags."""
        found = []
        known = self.reason != UNKNOWN
        damaged = known & np.isin(self.reason, (Reason.UNDECODABLE, Reason.CORRUPT, Reason.DOUBTFUL))
        damaged[sorted(self.silent)] = False
        if damaged.any():
            counts = np.bincount(self.reason[damaged], minlength=4)
            text = (
                f"damaged packets: {counts[1]} frames cannot be decoded, {counts[2]} are corrupt, "
                f"{counts[3]} depend on damaged ones"
            )
            found.append(Flag.about("V105", text, np.flatnonzero(damaged)))
        if self.ended:
            found.append(Flag.about("V101", "the end of the file cannot be decoded", self.ended))
        if self.silent:
            found.append(
                Flag.about(
                    "V115",
                    f"{len(self.silent)} packets hold no picture; they are missing frames",
                    self.silent,
                )
            )
        other = np.flatnonzero(known & (self.reason == Reason.OTHER_SIZE))
        if len(other):
            text = f"{len(other)} frames have another size, pixel format or grey range"
            found.append(Flag.about("V120", text, other))
        return found


@dataclass(frozen=True, eq=False)
class Request:
    """Which frames are wanted, and how.

    Attributes
    ----------
    frames : range
        Frame numbers over all files.
    size : int
        Frames per chunk.
    box : Box
        Part of the displayed picture.
    whole : bool
        Whether the box is the whole picture.
    grey_map : GreyMap
        Codes to grey levels.
    damage : {"mark", "keep", "refuse"}
        What to do with corrupt and doubtful frames.
    poison : int
        Code that fills missing frames.
    threads : int
        Decoder threads.
    """

    frames: range
    size: int
    box: Box
    whole: bool
    grey_map: GreyMap
    damage: Damage
    poison: int
    threads: int

"""What is known about a synthetic video: times, frames, damage, and the codes that must follow."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

__all__ = ["Truth"]


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth about one synthetic video.

    Attributes
    ----------
    path : Path
        The file.
    kind, container, codec : str
        What was made; container and codec may differ from what was asked where the kind needs it.
    size : tuple of int
        Width and height as displayed [px].
    bits : int
        Depth of the grey.
    times : tuple of Fraction
        Stamp of each frame written [s], in the order of writing.
    barcodes : tuple of int
        Which written frame stands at each frame number that a right reader lists; empty for a refusal.
    present : tuple of int
        Lowest and highest number of frames that a right reader lists (they differ where damage hides
        how many there are).
    tick : Fraction
        Unit of the container's stamps [s]; times are known to half of it.
    damaged_packets : tuple of int
        Numbers (decode order) of the packets whose bytes were changed, dropped or repeated.
    holes : tuple of (int, int)
        Gaps in time: frame number before the hole, and how many frames are missing.
    special : tuple of int
        Frames that the kind is about (of another size, with a closed eye, standing still).
    codes : frozenset of str
        Codes of the flags that must stand.
    refusal : str or None
        Code of the refusal that must come instead of frames.
    clean : callable
        Gives the undamaged full-range grey picture of a written frame; what a lossless codec keeps exactly.
    grow : callable or None
        For the kind `growing`: appends the rest of the file.
    """

    path: Path
    kind: str
    container: str
    codec: str
    size: tuple[int, int]
    bits: int
    times: tuple[Fraction, ...]
    barcodes: tuple[int, ...]
    present: tuple[int, int]
    tick: Fraction
    damaged_packets: tuple[int, ...]
    holes: tuple[tuple[int, int], ...]
    special: tuple[int, ...]
    codes: frozenset[str]
    refusal: str | None
    clean: Callable[[int], np.ndarray]
    grow: Callable[[], None] | None = None

    @property
    def n_frames(self) -> int:
        """Number of frames that a right reader lists; the highest where it is not certain."""
        return self.present[1]

    @property
    def frame_times(self) -> tuple[Fraction, ...]:
        """Times of the listed frames [s], counted from the first of them."""
        if not self.barcodes:
            return ()
        first = self.times[self.barcodes[0]]
        return tuple(self.times[number] - first for number in self.barcodes)

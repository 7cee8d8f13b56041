"""Frames at random: seek to a key frame, decode forward, keep what was passed."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from mystax.core.typing import Int64, Shaped
from mystax.io.video_decode import Decoder
from mystax.io.video_parts import Part
from mystax.io.video_pixels import Picture, read_colour

__all__ = ["RandomAccess", "sample_places"]

CACHE_BYTES = 256 << 20
NEAR = 64
SHORT = 2000
EDGE = 0.02


class RandomAccess:
    """Give single frames of a camera, equal to those of sequential reading.

    Parameters
    ----------
    parts : sequence of Part
        The files in order.
    colour : bool, optional
        Give red, green and blue instead of grey codes.
    limit : int, optional
        Size of the cache [bytes].
    """

    def __init__(self, parts: Sequence[Part], *, colour: bool = False, limit: int = CACHE_BYTES) -> None:
        self._parts, self._colour, self._limit = parts, colour, limit
        self._cache: OrderedDict[int, tuple[np.ndarray | None, int]] = OrderedDict()
        self._used = 0
        self._decoder: Decoder | None = None
        self._part: Part | None = None
        self._waiting: dict[int, np.ndarray] = {}
        self._begun = 0

    def frame(self, number: int, *, alone: bool = False) -> tuple[Shaped[np.ndarray, "..."] | None, int]:
        """Return the pixels and the reason of a frame; no pixels where it did not come out.

        Parameters
        ----------
        number : int
            Frame number in the camera.
        alone : bool, optional
            The frame is a key frame: start there, even where the frames around it need the group before.
        """
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        part = next(part for part in reversed(self._parts) if part.offset <= number)
        local = number - part.offset
        start = int(part.index.packet[local]) if alone else part.index.start_for(local)
        decoder = self._at(part, local, start)
        goal = int(part.index.packet[local]) + 1 if alone else int(part.index.reach[local])
        while decoder.settled < goal and not decoder.finished:
            for frame, picture in decoder.step():
                self._waiting[frame] = self._pixels(part, decoder, frame, picture)
        result = (self._waiting.get(local), int(decoder.reasons(local, local + 1)[0]))
        self._keep(part, decoder)
        self._store(number, result)
        return result

    def _at(self, part: Part, local: int, start: int) -> Decoder:
        """Return a decoder that will come to a frame: the present one if that is the shorter way."""
        decoder = self._decoder
        if decoder is not None and self._part is part and not decoder.finished:
            packet = int(part.index.packet[local])
            near = start <= decoder.position or packet < decoder.position + NEAR
            ahead = self._begun <= start and decoder.settled <= packet and near
            if ahead and int(part.index.reach[local]) > decoder.settled:
                return decoder
        if decoder is None or self._part is not part:
            self.close()
            decoder = part.decoder(1)
        self._decoder, self._part = decoder, part
        self._waiting.clear()
        self._begun = start
        decoder.start(start)
        return decoder

    def _pixels(self, part: Part, decoder: Decoder, local: int, picture: Picture) -> np.ndarray:
        if not part.fits(picture):
            decoder.mark_other(local)
            return np.empty(0, np.uint8)
        if self._colour:
            return read_colour(picture, part.rotation)
        return np.array(part.grey(picture, None), dtype=part.plan.dtype, order="C")

    def _keep(self, part: Part, decoder: Decoder) -> None:
        """Move passed frames that are final to the cache, but for those that lean on what was not decoded."""
        if not self._limit:
            return
        for local in sorted(self._waiting):
            if int(part.index.reach[local]) <= decoder.settled:
                pixels, reason = self._waiting.pop(local), int(decoder.reasons(local, local + 1)[0])
                if part.index.start_for(local) >= self._begun:
                    self._store(part.offset + local, (pixels, reason))

    def _store(self, number: int, entry: tuple[np.ndarray | None, int]) -> None:
        """Put a frame into the cache, and the least recently used ones out."""
        if not self._limit or number in self._cache:
            return
        self._cache[number] = entry
        self._used += 0 if entry[0] is None else entry[0].nbytes
        while self._used > self._limit and len(self._cache) > 1:
            _, (pixels, _) = self._cache.popitem(last=False)
            self._used -= 0 if pixels is None else pixels.nbytes

    def close(self) -> None:
        """Let go of the file."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None
        self._waiting.clear()


def sample_places(
    n: int, n_frames: int, keys: Int64[np.ndarray, " key"]
) -> tuple[Int64[np.ndarray, " place"], bool]:
    """Choose where to sample a video: the same places for every caller.

    Parameters
    ----------
    n : int
        How many frames are wanted at most.
    n_frames : int
        How many there are.
    keys : array (key,)
        Numbers of the key frames.

    Returns
    -------
    array (place,)
        The key frames nearest to `n` evenly spaced places, first and last 2 % left out; in a video whose
        groups of pictures are longer than 2,000 frames, or that has so few frames and too few key frames,
        evenly spaced ones among the first 2,000 frames.
    bool
        Whether the places are key frames.
    """
    longest = int(np.diff(np.concatenate([keys, [n_frames]])).max()) if len(keys) else n_frames
    edge = round(EDGE * n_frames)
    inner = keys[(keys >= edge) & (keys <= n_frames - 1 - edge)]
    if longest > SHORT or (len(inner) < n and n_frames <= SHORT):
        last = min(n_frames, SHORT) - 1
        edge = round(EDGE * last)
        return np.unique(np.linspace(edge, last - edge, min(n, last + 1)).round().astype(np.int64)), False
    inner = inner if len(inner) else keys
    places = np.linspace(edge, n_frames - 1 - edge, n)
    after = np.clip(np.searchsorted(inner, places), 1, len(inner) - 1) if len(inner) > 1 else np.zeros(n, int)
    before = np.maximum(after - 1, 0)
    nearest = np.where(places - inner[before] <= inner[after] - places, before, after)
    return np.unique(inner[nearest]), True

"""What labels are put on: a video by its stamps, a picture, or frames in memory; one face for all three."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mystax.core.recording import FrameSource
from mystax.core.typing import Shaped
from mystax.errors import ParameterError, RecipeError, VideoError
from mystax.io.fingerprint import quick_id
from mystax.io.label_files import Source
from mystax.io.stills import is_still, read_still, still_size

__all__ = ["Footage", "footage_of_pixels", "number_in_name", "open_footage"]


def number_in_name(path: str | Path) -> int:
    """Return the last number in the name of a picture, by which pictures follow each other; 0 without one."""
    numbers = re.findall(r"\d+", Path(path).stem)
    return int(numbers[-1][-15:]) if numbers else 0


class Footage:
    """A video, a picture or an array whose frames can be labelled.

    Parameters
    ----------
    fingerprint : str
        Identity of the content.
    source : Source
        Its kind, place, camera and size.
    frames : FrameSource, optional
        The frames; none for a picture.
    stamps : array (time,), optional
        Presentation stamps of the frames.
    pixels : array (y, x), optional
        The picture, where it lies in no file.
    number : int, optional
        Number of a picture; by default that in its name.
    is_ours : bool, optional
        Whether the frames were opened here, and are closed here.
    """

    def __init__(
        self,
        fingerprint: str,
        source: Source,
        frames: FrameSource | None = None,
        stamps: Shaped[np.ndarray, " time"] | None = None,
        pixels: Shaped[np.ndarray, "y x"] | None = None,
        *,
        number: int | None = None,
        is_ours: bool = True,
    ) -> None:
        self.fingerprint, self.source = fingerprint, source
        self._frames, self._stamps, self._pixels, self._is_ours = frames, stamps, pixels, is_ours
        self.number = number_in_name(source.path) if number is None else number

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return 1 if self._frames is None else self._frames.n_frames

    @property
    def frames(self) -> FrameSource | None:
        """The frames of a video; None for a picture."""
        return self._frames

    def stamp(self, frame: int) -> int:
        """Return the presentation stamp of a frame; 0 for a picture.

        Raises
        ------
        ParameterError
            P401, if there is no such frame.
        """
        if self._stamps is None:
            return 0
        if not 0 <= frame < len(self._stamps):
            raise ParameterError(
                "P401",
                f"frame {frame} of {self.source.path}",
                expected=f"0 to {len(self._stamps) - 1}",
                got=str(frame),
            )
        return int(self._stamps[frame])

    def frame_of(self, pts: int) -> int:
        """Return the number of the frame with a stamp; -1 if there is none."""
        if self._stamps is None:
            return 0 if pts == 0 else -1
        place = int(np.searchsorted(self._stamps, pts))
        return place if place < len(self._stamps) and self._stamps[place] == pts else -1

    def pixels(self, frame: int) -> Shaped[np.ndarray, "y x"]:
        """Return a frame in grey.

        Raises
        ------
        VideoError
            V105, if the frame cannot be read.
        """
        if self._pixels is not None:
            return self._pixels
        if self._frames is None:
            return read_still(self.source.path)
        chunk = self._frames.frame_at(frame)
        if not bool(chunk.valid[0]):
            raise VideoError("V105", f"{self.source.path}, frame {frame}", "the frame cannot be read")
        return np.asarray(chunk.data[0])

    def close(self) -> None:
        """Close the video, unless it was open when it came here."""
        if self._frames is not None and self._is_ours:
            self._frames.close()


def open_footage(what: str | Path | FrameSource, camera: str = "") -> Footage:
    """Open a video or picture for labelling.

    Parameters
    ----------
    what : path or FrameSource
        A video file, a picture, or frames that are open already.  A video's stamps are those of its file,
        so that labels stay where they are when another clock is given to it.
    camera : str, optional
        Name of the camera; by default the folder of a picture, else ``face``.

    Returns
    -------
    Footage
        Its identity, stamps and pixels.

    Raises
    ------
    RecipeError
        P403, if there is no such file.
    VideoError, FormatError
        V1xx, F8xx, if it cannot be read.
    """
    from mystax.io.video import Video

    if isinstance(what, str | Path):
        path = Path(what)
        if not path.is_file():
            raise RecipeError("P403", str(path), "there is no such video or picture")
        if is_still(path):
            name = camera or path.absolute().parent.name
            return Footage(quick_id(path), Source("picture", str(path.absolute()), name, *still_size(path)))
        return _of_frames(Video([path]), str(path.absolute()), camera or "face")
    files = getattr(what, "files", ())
    if files:
        return _of_frames(
            Video([Path(name) for name in files]), str(Path(files[0]).absolute()), camera or "face"
        )
    return _of_frames(what, "", camera or "face", is_ours=False)


def footage_of_pixels(pixels: Shaped[np.ndarray, "y x"], camera: str, number: int = 0) -> Footage:
    """Take a picture in memory; its identity is that of its pixels."""
    content = np.ascontiguousarray(pixels)
    digest = hashlib.blake2b(
        f"{content.shape} {content.dtype.str} ".encode() + content.tobytes(), digest_size=16
    )
    source = Source("picture", "", camera, *map(int, content.shape))
    return Footage(f"pixels-{digest.hexdigest()}", source, pixels=content, number=number)


def fingerprint_of(files: Sequence[str]) -> str:
    """Return the identity of a video in labels: that of its file, or of several files that follow each other.

    Parameters
    ----------
    files : sequence of str
        Quick id of each file.
    """
    if len(files) == 1:
        return files[0]
    digest = hashlib.blake2b("\n".join(files).encode(), digest_size=16).hexdigest()
    return f"joined-{digest}"  # their stamps are joined, too


def _of_frames(frames: FrameSource, path: str, camera: str, *, is_ours: bool = True) -> Footage:
    fingerprint = fingerprint_of([name for name in frames.identity if "=" not in name])
    try:
        clock = frames.clock
        stamps, tick = np.asarray(clock.ticks), float(clock.tick)
    except VideoError:  # no stamps in the file: its frames are counted
        stamps, tick = np.arange(frames.n_frames, dtype=np.int64), 0.0
    source = Source("video", path, camera, *frames.shape, tick)
    return Footage(fingerprint, source, frames, stamps, is_ours=is_ours)

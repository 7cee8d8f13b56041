"""The cameras of one session: `Camera` and `Recording`; frames and their sources can be had from here too."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mystax.core.array_source import ArraySource
from mystax.core.clock import Clock
from mystax.core.frames import FrameChunk, FrameSource, GreyMap, Reason, adjacency, chunk_length
from mystax.core.quality import Flag
from mystax.core.viewers import view_recording
from mystax.errors import RecipeError, nearest

__all__ = [
    "ArraySource",
    "Camera",
    "FrameChunk",
    "FrameSource",
    "GreyMap",
    "Reason",
    "Recording",
    "adjacency",
    "chunk_length",
]


@dataclass(frozen=True)
class Camera:
    """One view of a recording.

    Attributes
    ----------
    name : str
        Name of the camera.
    video : FrameSource
        Where its frames come from.
    files : tuple of str
        Its files in order; empty for frames from memory.
    clock_report : mapping
        JSON-able: how its times were made (counts, policy, residual, drift); empty for its own stamps.
    """

    name: str
    video: FrameSource
    files: tuple[str, ...] = ()
    clock_report: Mapping[str, object] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        """Times of its frames."""
        return self.video.clock


@dataclass(frozen=True)
class Recording:
    """The cameras of one session.

    Attributes
    ----------
    name : str
        Name of the recording (of its first file, without suffix).
    cameras : mapping of str to Camera
        Cameras by name, in order; the first is the reference unless `reference` names another.
    reference : str
        Name of the camera whose frames make the common timeline.
    flags : tuple of Flag
        Remarks on clocks, and on how the cameras fit together.
    request : mapping
        JSON-able arguments of `mystax.open` that open the same recording again; empty for frames from
        memory.
    """

    name: str
    cameras: Mapping[str, Camera]
    reference: str = ""
    flags: tuple[Flag, ...] = ()
    request: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cameras:
            raise RecipeError("P403", self.name, "a recording needs at least one camera")
        if not self.reference:
            object.__setattr__(self, "reference", next(iter(self.cameras)))

    def video(self, camera: str = "") -> FrameSource:
        """Return the frames of a camera; of the reference camera when none is named.

        Raises
        ------
        RecipeError
            P403, if there is no such camera.
        """
        name = camera or self.reference
        if name not in self.cameras:
            raise RecipeError("P403", self.name, f"no camera {name!r}{nearest(name, self.cameras)}")
        return self.cameras[name].video

    def renamed(self, name: str) -> "Recording":
        """Return the recording under another name."""
        return replace(self, name=name)

    view = view_recording

    def close(self) -> None:
        """Let go of all files."""
        for camera in self.cameras.values():
            camera.video.close()

"""Recordings as the catalogue knows them: enough to plan work without opening a single video."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, select, true

from mystax.core.clock import Clock, clock_id
from mystax.core.geometry import Box
from mystax.core.quality import Flag
from mystax.core.recording import Camera, FrameChunk, FrameSource, Recording
from mystax.core.typing import Float64
from mystax.engine.catalog.places import Roots
from mystax.engine.catalog.tables import camera, recording, root, video
from mystax.engine.recordings import open_recording
from mystax.errors import VideoError

__all__ = ["KnownCamera", "KnownRecording", "KnownVideo", "known_recordings", "roots_of"]


@dataclass(frozen=True, slots=True)
class KnownVideo:
    """A row of the table `video`, as far as planning needs it."""

    root: str
    path: str
    quick_id: str
    size: int | None
    width: int | None
    height: int | None
    bits: int | None


@dataclass(frozen=True)
class KnownCamera:
    """A camera with its files in order."""

    name: str
    clock: Mapping[str, Any]
    videos: tuple[KnownVideo, ...]

    @property
    def clock_id(self) -> str:
        """Fingerprint of its times; "" where the catalogue does not know it."""
        return str(self.clock.get("id") or "")

    @property
    def n_frames(self) -> int:
        """Frames of all files."""
        return int(self.clock.get("n_frames") or 0)

    @property
    def is_known(self) -> bool:
        """Whether all is known that a plan needs."""
        return bool(self.clock_id and self.videos) and all(
            item.quick_id and item.width and item.height and item.bits for item in self.videos
        )


@dataclass(frozen=True)
class KnownRecording:
    """A recording with its cameras.

    Attributes
    ----------
    id : int
        Its row.
    folder : str
        Folder of its outcomes, relative to the folder of all outcomes.
    quality : str
        ``unchecked``, ``good``, ``warned`` or ``bad``.
    cameras : tuple of KnownCamera
        In order; the first is the reference.
    """

    id: int
    folder: str
    quality: str
    cameras: tuple[KnownCamera, ...] = ()

    @property
    def name(self) -> str:
        """Its name: that of its folder."""
        return self.folder.rpartition("/")[2]

    def opening(self, roots: Roots) -> dict[str, Any]:
        """Return the arguments of `mystax.open` for this recording on this host.

        Raises
        ------
        CatalogError
            Q606, if a root is not there.
        """
        wishes = {item.name: item.clock for item in self.cameras}
        clocks = {name: str(wish["spec"]) for name, wish in wishes.items() if wish.get("spec")}
        policies = {name: str(wish["policy"]) for name, wish in wishes.items() if wish.get("policy")}
        offsets = {name: str(wish["offset"]) for name, wish in wishes.items() if wish.get("offset")}
        paths = {
            item.name: [str(roots.resolve(file.root, file.path)) for file in item.videos]
            for item in self.cameras
        }
        return {
            "paths": paths,
            "clocks": clocks or None,
            "clock_policy": policies or None,
            "offsets": offsets or None,
            "name": self.name,
            "reference": self.cameras[0].name if self.cameras else None,
        }

    def as_recording(self, roots: Roots) -> Recording:
        """Return the recording for planning; videos are opened only where the catalogue knows too little."""
        shared = _Opened(self, roots)
        cameras = {
            item.name: Camera(item.name, KnownSource(item, shared)) for item in self.cameras if item.videos
        }
        return Recording(self.name, cameras)


@dataclass
class _Opened:
    """The real recording, opened when somebody asks for more than the catalogue knows."""

    known: KnownRecording
    roots: Roots
    _recording: Recording | None = field(default=None)

    def video(self, name: str) -> FrameSource:
        if self._recording is None:
            self._recording = open_recording(**self.known.opening(self.roots))
        return self._recording.video(name)

    def close(self) -> None:
        if self._recording is not None:
            self._recording.close()
            self._recording = None


class KnownSource:
    """Frames of a camera as the catalogue knows them: shape, number, identity; the rest is read on demand."""

    def __init__(self, known: KnownCamera, opened: _Opened) -> None:
        self._known, self._opened = known, opened

    @property
    def _real(self) -> FrameSource:
        return self._opened.video(self._known.name)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame [px], as displayed."""
        first = self._known.videos[0]
        if not self._known.is_known:
            return self._real.shape
        return int(first.height or 0), int(first.width or 0)

    @property
    def bits(self) -> int:
        """Depth of the frames."""
        return int(self._known.videos[0].bits or 8) if self._known.is_known else self._real.bits

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return self._known.n_frames if self._known.is_known else self._real.n_frames

    @property
    def identity(self) -> tuple[str, ...]:
        """Quick ids of the files."""
        if not self._known.is_known:
            return self._real.identity
        return tuple(item.quick_id for item in self._known.videos)

    @property
    def clock_id(self) -> str:
        """Fingerprint of the times."""
        return self._known.clock_id or clock_id(self._real.clock)

    @property
    def clock(self) -> Clock:
        """Times of all frames."""
        return self._real.clock

    @property
    def times(self) -> Float64[np.ndarray, " time"]:
        """Times of all frames [s]."""
        return self._real.times

    @property
    def flags(self) -> tuple[Flag, ...]:
        """None: the remarks of a video stand in the catalogue."""
        return ()

    def chunks(
        self,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        box: Box | None = None,
        size: int | None = None,
    ) -> Iterator[FrameChunk]:
        """Give frames start, start + step, ... < stop."""
        yield from self._real.chunks(start, stop, step, box=box, size=size)

    def frame_at(self, index: int) -> FrameChunk:
        """Give one frame as a chunk of one."""
        return self._real.frame_at(index)

    def sample(self, n: int) -> FrameChunk:
        """Give up to n valid frames."""
        return self._real.sample(n)

    def copy(self) -> FrameSource:
        """Give another reader of the same frames."""
        return self._real.copy()

    def close(self) -> None:
        """Let go of files that were opened."""
        self._opened.close()


def roots_of(connection: Connection) -> Roots:
    """Return the roots of a catalogue, for this host."""
    rows = connection.execute(select(root.c.name, root.c.host, root.c.path)).all()
    return Roots.of_rows((str(a), str(b), str(c)) for a, b, c in rows)


def known_recordings(
    connection: Connection, where: ColumnElement[bool] | None = None
) -> list[KnownRecording]:
    """Read recordings with their cameras and files, in two queries.

    Parameters
    ----------
    connection : Connection
        A connection that reads.
    where : expression, optional
        Condition on `recording`; by default all.

    Returns
    -------
    list of KnownRecording
        By id.
    """
    condition = true() if where is None else where
    found = connection.execute(
        select(recording.c.id, recording.c.folder, recording.c.quality)
        .where(condition)
        .order_by(recording.c.id)
    ).all()
    wanted = select(recording.c.id).where(condition)
    rows = connection.execute(
        select(
            camera.c.recording_id,
            camera.c.id,
            camera.c.name,
            camera.c.clock,
            *(video.c[name] for name in KnownVideo.__dataclass_fields__),
        )
        .outerjoin(video, video.c.camera_id == camera.c.id)
        .where(camera.c.recording_id.in_(wanted))
        .order_by(camera.c.id, video.c.position, video.c.id)
    ).all()
    cameras: dict[int, dict[int, tuple[Any, list[KnownVideo]]]] = {}
    for row in rows:
        own = cameras.setdefault(int(row[0]), {})
        _, videos = own.setdefault(int(row[1]), (row[2:4], []))
        if row[4] is not None:
            videos.append(KnownVideo(*row[4:]))
    return [
        KnownRecording(int(row.id), str(row.folder), str(row.quality), _cameras(cameras.get(int(row.id), {})))
        for row in found
    ]


def _cameras(rows: Mapping[int, tuple[Any, Sequence[KnownVideo]]]) -> tuple[KnownCamera, ...]:
    return tuple(
        KnownCamera(str(head[0]), dict(head[1] or {}), tuple(videos)) for head, videos in rows.values()
    )


def check_unchanged(known: KnownRecording, roots: Roots) -> None:
    """Refuse a recording whose files are not those that the catalogue knows.

    Raises
    ------
    CatalogError
        Q606, if a root is not there on this host.
    VideoError
        V130, if a file has changed since it was ingested; V131, if it is not there.
    """
    from mystax.io.fingerprint import quick_id

    for item in known.cameras:
        for file in item.videos:
            path = roots.resolve(file.root, file.path)
            found = _quick_id_of(path, quick_id)
            if found != file.quick_id:
                raise VideoError(
                    "V130",
                    str(path),
                    f"the file of camera {item.name!r} changed since it was ingested",
                    expected=file.quick_id,
                    got=found,
                    hint="mystax catalog ingest takes note of it, mystax queue add plans anew",
                )


def _quick_id_of(path: Path, fingerprint: Any) -> str:
    try:
        return str(fingerprint(path))
    except OSError as error:
        raise VideoError(
            "V131", str(path), "the file cannot be read", got=error.strerror or str(error)
        ) from error

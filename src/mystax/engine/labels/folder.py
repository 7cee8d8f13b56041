"""A folder of labels that one writes and many read; nothing acknowledged is ever lost."""

import operator
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from mystax.compute.holdouts import HoldOut, hold_out
from mystax.core.keypoints import KeypointSet
from mystax.core.label_operations import (
    FrameKey,
    Mark,
    Note,
    Operation,
    check_operation,
    operation_from_record,
)
from mystax.core.labels import FrameLabels, inverse
from mystax.core.quality import Flag
from mystax.core.recording import FrameSource
from mystax.core.typing import Float64, Shaped
from mystax.engine.labels.footage import Footage, open_footage
from mystax.engine.labels.store import LabelStore
from mystax.errors import ParameterError, RecipeError
from mystax.io.locks import LockRecord, is_alive, user_name
from mystax.io.outcome_folder import utc_now
from mystax.io.stills import is_still
from mystax.io.store_fs import FileSystem

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["LabelFolder", "PointLike", "Video"]

Video = str | Path | FrameSource
PointLike = Mark | Sequence[float] | np.ndarray | str | None
"""A place (x, y), a mark, ``"absent"``, or None for not labelled."""


def _wrong(what: str, expected: str, got: object) -> ParameterError:
    return ParameterError("P401", what, expected=expected, got=repr(got)[:80])


def _mark_of(name: str, value: Any) -> Mark | None:
    """Turn what a caller says about a point into a mark."""
    if value is None or isinstance(value, Mark):
        return value
    if isinstance(value, str) and value == "absent":
        return Mark("absent")
    expected = "(x, y), a Mark, 'absent' or None"
    if isinstance(value, str | Mapping | set | frozenset):
        raise _wrong(f"label of {name!r}", expected, value)
    try:
        x, y = map(float, value)
    except (TypeError, ValueError) as error:
        raise _wrong(f"label of {name!r}", expected, value) from error
    return Mark.placed(x, y)


def _number_of(frame: object) -> int:
    """Return the number of a frame that a caller gave as any kind of integer."""
    try:
        return operator.index(frame)  # type: ignore[arg-type] # what is no integer is refused here
    except TypeError as error:
        raise _wrong("frame", "a whole number", frame) from error


def _check_call(video: object, points: object) -> None:
    """Refuse what is no video, and points that are not given by their names."""
    if not isinstance(video, str | Path | FrameSource):
        got = type(video).__name__
        raise ParameterError("P401", "video", expected="a path or a FrameSource such as ArraySource", got=got)
    if not (isinstance(points, Mapping) and all(isinstance(name, str) for name in points)):
        raise _wrong("points", "a mapping of names to places", points)


def _identity(path: Path) -> tuple[object, ...]:
    """Return what changes when there is another file at a place."""
    there = path.stat()
    return path.resolve(), there.st_size, there.st_mtime_ns, there.st_ino


class LabelFolder:
    """What a folder of labels holds, and changes of it; `Labels` says the parameters."""

    def __init__(
        self,
        folder: str | Path,
        keypoints: KeypointSet | str | None = None,
        *,
        write: bool = False,
        fs: FileSystem | None = None,
        now: Callable[[], datetime] = utc_now,
        alive: Callable[[LockRecord], bool | None] = is_alive,
    ) -> None:
        wanted = KeypointSet.load(keypoints) if isinstance(keypoints, str) else keypoints
        self.folder = Path(folder)
        self.store = LabelStore(self.folder, wanted, fs=fs, now=now, alive=alive)
        self._footage: dict[object, tuple[Video, Footage]] = {}
        if write:
            self.store.lock()

    def __enter__(self) -> "LabelFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return sum(1 for _ in self.store.state.labelled())

    def close(self) -> None:
        """Write the cache, give the lock back, close videos; labels stay readable."""
        for _, footage in self._footage.values():
            footage.close()
        self._footage.clear()
        self.store.close()

    @property
    def keypoints(self) -> KeypointSet:
        """The keypoint set of the folder."""
        return self.store.keypoints

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Remarks: W907 a torn last line, W908 damaged lines."""
        return self.store.flags

    # writing ---------------------------------------------------------------------------------------

    def footage(self, video: Video, camera: str = "") -> Footage:
        """Open a video, once as long as its file stays the same, or a picture."""
        if isinstance(video, str | Path) and (is_still(video) or not Path(video).is_file()):
            return open_footage(video, camera)  # cheap, and another picture may have the name by now
        key = _identity(Path(video)) if isinstance(video, str | Path) else id(video)
        if key not in self._footage:  # the object is kept: its id is not given again
            self._footage[key] = (video, open_footage(video, camera))
        return self._footage[key][1]

    def note_sources(self, footages: Iterable[Footage]) -> None:
        """Note where videos lie, for people and for `check`."""
        known = self.store.files.read_sources()
        new = {item.fingerprint: item.source for item in footages}
        if any(known.get(key) != source for key, source in new.items()):
            self.store.files.write_sources({**known, **new})

    def keep_frame(self, key: FrameKey, footage: Footage, frame: int) -> None:
        """Keep a copy of a frame in the folder, so that labels can be used when its video is gone."""
        if not self.store.files.frame_path(key).is_file():
            self.store.files.keep_frame(key, footage.pixels(frame))

    def add(
        self,
        video: Video,
        frame: SupportsIndex,
        points: Mapping[str, PointLike],
        *,
        who: str = "",
        individual: str = "face",
        camera: str = "",
        origin: str = "hand",
    ) -> str:
        """Label points of a frame.

        Parameters
        ----------
        video : path or FrameSource
            The video or picture.
        frame : int
            Number of the frame; 0 for a picture.
        points : mapping
            Name of a point to (x, y) [px], a `Mark`, ``"absent"``, or None to take its label away.
        who : str, optional
            Who labels; by default the user of the system.
        individual : str, optional
            Which individual of the picture.
        camera : str, optional
            Name of the camera.
        origin : str, optional
            ``hand``, ``prediction:<sha256>`` or ``import:<sha256>``.

        Returns
        -------
        str
            The batch, for `undo`.

        Raises
        ------
        RecipeError
            P403, if a point is unknown (with the nearest name), retired, or the video is not there.
        ParameterError
            P401, if a place is impossible, there is no such frame, or an argument is of another type.
        StoreError, AppError
            S504, if another process writes; W908, if the journal is damaged.
        """
        _check_call(video, points)
        frame = _number_of(frame)
        self.store.lock()
        footage = self.footage(video, camera)
        key = (footage.fingerprint, footage.stamp(frame))
        marks = {self.keypoints.point(name).id: _mark_of(name, value) for name, value in points.items()}
        batch = secrets.token_hex(16)
        number = frame if footage.frames is not None else footage.number
        operations = [
            self.store.operation(
                key,
                number,
                footage.source.camera,
                keypoint=name,
                individual=individual,
                after=mark,
                batch=batch,
                who=who,
                origin=origin,
            )
            for name, mark in marks.items()
        ]
        for operation in operations:
            check_operation(operation, self.keypoints)
        if any(mark is not None for mark in marks.values()):
            self.keep_frame(key, footage, frame)
        self.note_sources([footage])
        self.store.append(operations)
        return batch

    def undo(self, batch: str | None = None, *, who: str = "", by: str = "") -> str:
        """Take a batch back; nothing is removed, one more batch is written.

        Parameters
        ----------
        batch : str, optional
            Which one; by default the last change by `who` that stands.
        who : str, optional
            Who undoes; by default the user of the system.
        by : str, optional
            Name of the batch that takes it back, 32 hexadecimal digits; by default a new one.

        Returns
        -------
        str
            The batch that took it back; undoing that one is a redo.

        Raises
        ------
        RecipeError
            P403, if there is no such batch or nothing to take back.
        AppError
            W904, if a point was changed since by another batch.
        """
        self.store.lock()
        state = self.store.state
        who = who or user_name()
        wanted = batch or state.last_batch(who)
        if wanted is None or not state.revisions_of(wanted) or state.is_undone(wanted):
            raise RecipeError("P403", f"batch {wanted or 'last'}", "there is nothing to take back")
        records = self.store.journal.records(state.revisions_of(wanted))
        opposite = inverse(state, [operation_from_record(record) for record in records])
        by, at = by or secrets.token_hex(16), self.store.stamp()
        self.store.append(
            operation._replace(id=secrets.token_hex(16), batch=by, at=at, who=who) for operation in opposite
        )
        return by

    def redo(self, *, who: str = "") -> str:
        """Do again what was undone last; the arguments and errors are those of `undo`."""
        found = self.store.state.last_batch(who or user_name(), taken_back=True)
        if found is None:
            raise RecipeError("P403", "redo", "there is nothing to do again")
        return self.undo(found, who=who)

    def skip(self, video: Video, frame: SupportsIndex, *, who: str = "", camera: str = "") -> str:
        """Remember that a frame is not worth labelling: it is not suggested again.

        Returns
        -------
        str
            The batch, for `undo`.
        """
        _check_call(video, {})
        frame = _number_of(frame)
        footage = self.footage(video, camera)
        key = (footage.fingerprint, footage.stamp(frame))
        number = frame if footage.frames is not None else footage.number
        operation = self.store.operation(
            key, number, footage.source.camera, op="note", after=Note("skip"), who=who
        )
        self.store.append([operation])
        return operation.batch

    def change_points(self, change: Callable[[KeypointSet], KeypointSet]) -> KeypointSet:
        """Change the set of the folder: add, rename or retire points.

        Parameters
        ----------
        change : callable
            Takes the set and returns the changed one, as ``lambda points: points.retire("paw")``.

        Returns
        -------
        KeypointSet
            The changed set.

        Raises
        ------
        RecipeError
            P403, if a point of the old set is neither kept, renamed (old name among the aliases) nor retired.
        """
        changed = change(self.keypoints)
        lost = [point.id for point in self.keypoints if changed.find(point.id) is None]
        if lost:
            raise RecipeError(
                "P403",
                f"keypoint {lost[0]!r}",
                "it would lose its labels",
                hint="retire it or keep its name as alias",
            )
        self.store.change_keypoints(changed)
        return changed

    def repair(self) -> int:
        """Set damaged lines of the journal apart, under a name beside it.

        Returns
        -------
        int
            How many lines were set apart.
        """
        return self.store.repair()

    # reading ---------------------------------------------------------------------------------------

    def frames(self) -> list[tuple[FrameKey, FrameLabels]]:
        """Return the labelled frames: fingerprint and stamp, and what is labelled there."""
        return list(self.store.state.labelled())

    def to_dataset(self) -> Dataset:
        """Return all labels as arrays by image, keypoint and individual (`mystax.core.label_dataset.LABELS`).

        Returns
        -------
        Dataset
            `position` [px], `state` (2 placed, 1 invisible, 0 absent, -1 not labelled) and `origin`.
        """
        return self.store.to_dataset()

    def picture(self, key: FrameKey) -> Shaped[np.ndarray, "y x"]:
        """Return the pixels of a labelled frame from the folder's own copy.

        Parameters
        ----------
        key : tuple of str and int
            Fingerprint and stamp.

        Returns
        -------
        array (y, x)
            uint8 or uint16 [grey levels].

        Raises
        ------
        RecipeError, FormatError
            P403, if there is no copy; F804, if it is damaged.
        """
        return self.store.files.read_frame(key)

    def history(self, key: FrameKey) -> list[Operation]:
        """Return all operations on a frame, oldest first."""
        found = (operation_from_record(record) for record in self.store.journal.read_again())
        return [operation for operation in found if (operation.video, operation.pts) == key]

    def recordings(self) -> tuple[list[str], Float64[np.ndarray, " image"]]:
        """Return for each image of `to_dataset` its recording and its time.

        Returns
        -------
        recordings : list of str
            The fingerprint of a video; for pictures the folder that they came from.
        time : array (image,)
            Seconds where the video has stamps, else the number of the frame.
        """
        dataset = self.to_dataset()
        sources = self.store.files.read_sources()
        names: list[str] = []
        times: list[float] = []
        rows = zip(*(dataset[name].values for name in ("video", "pts", "frame", "camera")), strict=True)
        for video, pts, frame, camera in rows:
            source = sources.get(str(video))
            is_video = source.kind == "video" if source is not None else bool(pts)
            names.append(str(video) if is_video else f"pictures {camera}")
            tick = source.tick if source is not None else 0.0
            times.append(float(pts) * tick if is_video and tick else float(frame))
        return names, np.array(times, np.float64)

    def split(self, seed: int = 0, *, share: float = 0.2, kind: str = "auto") -> HoldOut:
        """Split the labelled frames into those that teach and those that judge.

        Parameters
        ----------
        seed : int, optional
            Which recordings, or where the block of time begins.
        share : float, optional
            About how many judge.
        kind : {"auto", "recording", "block"}, optional
            As in `mystax.compute.holdouts.hold_out`.

        Returns
        -------
        HoldOut
            Masks over the images of `to_dataset`.

        Raises
        ------
        ParameterError
            P401, if there are fewer than 2 labelled frames.
        """
        names, times = self.recordings()
        return hold_out(names, times, seed=seed, share=share, kind=kind)

"""Label sets while the app runs: each is opened once, written by one gesture at a time, seen as objects."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from starlette.concurrency import run_in_threadpool

from mystax.app.envelope import unpack
from mystax.app.frames import Workers
from mystax.app.openings import stamp_of
from mystax.app.schemas import Edit, EditsWanted, LabelFrame, LabelPoint, LabelSet
from mystax.core.label_operations import FrameKey, Mark
from mystax.core.labels import FrameLabels, LabelState, PointLabel
from mystax.core.typing import Int64
from mystax.engine.labels.gestures import Place, Wish, take_back, write_gesture
from mystax.engine.labels.labels import Labels
from mystax.errors import AppError
from mystax.io.label_files import Source

__all__ = ["Conflicted", "Footing", "LabelDesk", "Teller", "mark_of", "point_of", "set_of"]

T = TypeVar("T")
INDIVIDUAL = "face"


@dataclass(frozen=True, slots=True, eq=False)
class Footing:
    """By what labels name the frames of a camera."""

    camera_id: str
    name: str
    fingerprint: str
    stamps: Int64[np.ndarray, " time"]
    source: Source
    spec: Mapping[str, Any]

    def place(self, frame: int) -> Place:
        """Return a frame.

        Raises
        ------
        AppError
            W903, if there is none of that number.
        """
        if not 0 <= frame < len(self.stamps):
            expected = f"0..{len(self.stamps) - 1}"
            raise AppError("W903", f"frame of camera {self.name!r}", expected=expected, got=str(frame))
        return Place((self.fingerprint, int(self.stamps[frame])), frame, self.name)


class Conflicted(Exception):
    """Somebody else changed what a gesture is about: the refusal and the frames as they are now."""

    def __init__(self, error: AppError, frames: list[LabelFrame]) -> None:
        super().__init__(str(error))
        self.error, self.frames = error, frames


@dataclass(slots=True)
class _Opened:
    """A set that is open, and the lock by which its gestures follow each other."""

    labels: Labels
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Teller:
    """How the frames of a set are told to the page: fingerprint of a video to the id of its camera."""

    cameras: Mapping[str, str]

    def frame(self, key: FrameKey, labels: FrameLabels) -> LabelFrame:
        """Return a frame as the page gets it."""
        points = {name: point_of(label) for (who, name), label in labels.points.items() if who == INDIVIDUAL}
        return LabelFrame(
            camera=self.cameras.get(key[0], ""),
            name=labels.camera,
            video=key[0],
            pts=key[1],
            frame=labels.frame,
            rev=labels.rev,
            who=labels.who,
            is_listed=labels.listed,
            is_skipped=labels.skipped,
            points=points,
        )


def point_of(label: PointLabel) -> LabelPoint | None:
    """Return a label as the page gets it; None where it was taken away."""
    if label.mark is None:
        return None
    return LabelPoint(**label.mark._asdict(), origin=label.origin)


def mark_of(point: LabelPoint | None) -> Mark | None:
    """Return what the page says of a point as a mark."""
    return None if point is None else Mark(point.state, point.x, point.y, point.confidence)


class LabelDesk:
    """All label sets that the page has asked for.

    Parameters
    ----------
    workers : Workers
        They know the stamps of videos, and give the frames of which copies are kept.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._opened: dict[Path, _Opened] = {}
        self._footings: dict[str, tuple[tuple[object, ...], Footing]] = {}

    async def footing(self, key: str, name: str, spec: Mapping[str, Any]) -> Footing:
        """Return by what labels name the frames of a camera; its worker is asked once for the same files."""
        # Looked at before the worker is: a file that changes meanwhile is asked for again.
        stamp = await run_in_threadpool(stamp_of, spec)
        known, found = self._footings.get(key, ((), None))
        if found is None or known != stamp:
            about, body = await self._workers.ask(key, spec, {"do": "footing", "name": name})
            stamps = np.asarray(unpack(body)[0]["pts"], np.int64)
            source = Source(**about["source"])
            found = Footing(key, name, str(about["fingerprint"]), stamps, source, dict(spec))
            self._footings[key] = stamp, found
        return found

    def teller(self, folder: Path, cameras: Mapping[str, str]) -> Teller:
        """Say which frames of a set belong to which camera.

        Parameters
        ----------
        folder : Path
            The set.
        cameras : mapping of str to str
            First file of a camera to the camera's id.
        """
        sources = self._get(folder).labels.store.files.read_sources()
        known = {key: cameras.get(source.path, "") for key, source in sources.items()}
        known |= {footing.fingerprint: footing.camera_id for _, footing in self._footings.values()}
        return Teller(known)

    def _get(self, folder: Path) -> _Opened:
        found = self._opened.get(folder)
        if found is None:
            found = self._opened[folder] = _Opened(Labels(folder))
        return found

    async def read(self, folder: Path, question: Callable[[Labels], T]) -> T:
        """Ask something about a set, between two gestures."""
        opened = self._get(folder)

        def ask() -> T:
            opened.labels.store.refresh()
            return question(opened.labels)

        async with opened.lock:
            return await run_in_threadpool(ask)

    async def write(
        self, folder: Path, wanted: EditsWanted, footings: Mapping[str, Footing], teller: Teller
    ) -> tuple[int, list[LabelFrame]]:
        """Write a gesture.

        Parameters
        ----------
        folder : Path
            The set.
        wanted : EditsWanted
            The gesture.
        footings : mapping
            Id of a camera to its frames; those of all operations.
        teller : Teller
            How frames are told.

        Returns
        -------
        tuple of int and list of LabelFrame
            The revision, and the frames that the gesture is about.

        Raises
        ------
        Conflicted
            If somebody changed one of the frames meanwhile.
        MystaxError
            As `mystax.engine.labels.gestures.write_gesture`.
        """
        opened = self._get(folder)
        stills = await self._stills(opened.labels, wanted.ops, footings)
        async with opened.lock:
            return await run_in_threadpool(_write, opened.labels, wanted, footings, stills, teller)

    async def change(self, folder: Path, change: Callable[[Labels], T]) -> T:
        """Change a set, between two gestures; it refuses as the set does."""
        opened = self._get(folder)
        async with opened.lock:
            return await run_in_threadpool(change, opened.labels)

    async def _stills(
        self, labels: Labels, edits: Iterable[Edit], footings: Mapping[str, Footing]
    ) -> dict[FrameKey, bytes]:
        """Let workers give the frames of which the set has no copy yet."""
        found: dict[FrameKey, bytes] = {}
        for edit in edits:
            footing = footings[edit.camera]
            key = footing.place(edit.frame).key
            if edit.op != "set" or edit.after is None or key in found:
                continue
            if not labels.store.files.frame_path(key).is_file():
                wish = {"do": "still", "frame": edit.frame, "name": footing.name}
                _, found[key] = await self._workers.ask(footing.camera_id, footing.spec, wish)
        return found

    def close(self) -> None:
        """Write the caches and give the locks back."""
        for opened in self._opened.values():
            opened.labels.close()
        self._opened.clear()


def _write(
    labels: Labels,
    wanted: EditsWanted,
    footings: Mapping[str, Footing],
    stills: Mapping[FrameKey, bytes],
    teller: Teller,
) -> tuple[int, list[LabelFrame]]:
    """Write a gesture and say how its frames are now."""
    store = labels.store
    store.refresh()
    base = {_place(text, footings).key: rev for text, rev in wanted.base.items()}
    keys: Sequence[FrameKey] = list(base)
    try:
        if wanted.undoes is not None:
            store.lock()
            keys = _keys_of(store.state, labels, wanted.undoes)
            take_back(labels, wanted.batch, wanted.undoes)
        else:
            wishes = [_wish(edit, footings) for edit in wanted.ops]
            keys = [wish.place.key for wish in wishes]
            for key, png in stills.items():
                store.lock()
                store.files.keep_png(key, png)
            _note_sources(labels, footings.values())
            write_gesture(labels, wanted.batch, wishes, base, client=wanted.client)
    except AppError as error:
        if error.code != "W904":
            raise
        raise Conflicted(error, _frames(store.state, [*keys, *base], teller)) from error
    return store.state.rev, _frames(store.state, keys, teller)


def _frames(state: LabelState, keys: Iterable[FrameKey], teller: Teller) -> list[LabelFrame]:
    unique = dict.fromkeys(keys)
    return [teller.frame(key, state.frames[key]) for key in unique if key in state.frames]


def _keys_of(state: LabelState, labels: Labels, batch: str) -> list[FrameKey]:
    records = labels.store.journal.records(state.revisions_of(batch))
    return [(str(record["video"]), int(record["pts"])) for record in records]


def _note_sources(labels: Labels, footings: Iterable[Footing]) -> None:
    known = labels.store.files.read_sources()
    new = {one.fingerprint: one.source for one in footings}
    if any(known.get(key) != source for key, source in new.items()):
        labels.store.lock()
        labels.store.files.write_sources({**known, **new})


def _place(text: str, footings: Mapping[str, Footing]) -> Place:
    """Return the frame of a text "camera/frame".

    Raises
    ------
    AppError
        W903, if it is none, or of a camera that no operation is about.
    """
    camera, _, number = text.rpartition("/")
    if camera not in footings or not number.isdecimal():
        expected = "camera/frame, of a camera that an operation is about"
        raise AppError("W903", "base", expected=expected, got=repr(text)[:80])
    return footings[camera].place(int(number))


def _wish(edit: Edit, footings: Mapping[str, Footing]) -> Wish:
    footing = footings[edit.camera]
    stop = edit.frame if edit.stop is None else edit.stop
    return Wish(
        edit.id,
        edit.op,
        footing.place(edit.frame),
        keypoint=edit.keypoint,
        individual=edit.individual,
        mark=mark_of(edit.after),
        origin="hand" if edit.after is None else edit.after.origin,
        text=edit.text,
        segment=edit.mark,
        stop=footing.place(stop).key[1],
    )


def set_of(folder: Path, key: str, labels: Labels, teller: Teller, *, read_only: bool) -> LabelSet:
    """Return a set without its frames.

    Parameters
    ----------
    folder : Path
        The set.
    key : str
        Its id.
    labels : Labels
        The open set.
    teller : Teller
        How frames are told.
    read_only : bool
        Whether the page may write nothing at all.

    Returns
    -------
    LabelSet
        Points, edges, segments; `holder` names another process that writes.
    """
    points, state, holder = labels.keypoints, labels.store.state, labels.store.holder()
    is_damaged = any(flag.code == "W908" for flag in labels.flags)
    return LabelSet(
        id=key,
        name=folder.stem,
        rev=state.rev,
        read_only=read_only or bool(holder) or is_damaged,
        holder=holder,
        keypoint_set=points.name,
        version=points.version,
        is_two_sided=points.view == "two-sided",
        keypoints=[
            {
                "id": one.id,
                "definition": one.definition,
                "aliases": list(one.aliases),
                "retired": one.retired,
                "part": points.part_of(one.id),
            }
            for one in points
        ],
        edges=list(points.edges),
        pairs=list(points.pairs),
        flags=[{"code": flag.code, "text": flag.text} for flag in labels.flags],
        segments=[
            {"camera": teller.cameras.get(video, ""), **segment._asdict()}
            for video, segment in state.segments.values()
        ],
        frames=[],
    )

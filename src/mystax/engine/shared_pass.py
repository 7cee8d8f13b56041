"""The shared pass: every camera is decoded once per reading, and all reducers are fed from it.

A pass knows at every chunk border exactly where it is, so that it can be left there (checkpoint) and
taken up again with the same bits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from mystax.core.analysis import Analysis, Reducer
from mystax.core.events import Event, Report, silent
from mystax.core.recording import FrameChunk, FrameSource
from mystax.core.typing import Bool, UInt8
from mystax.engine.joint import Cursor, JointLine, JointReading
from mystax.engine.passes import CameraPass
from mystax.errors import Cancelled, InternalError, VideoError

__all__ = ["SLOW", "Keeper", "Line", "SharedPass"]

Arrays = Mapping[str, np.ndarray]

START = "start"
SLOW = 1800.0
"""Longest silence while outcomes are finished and written [s]."""

SOLVER = 600.0
"""Longest silence of one piece of work behind the last frame [s]."""


@runtime_checkable
class Keeper(Protocol):
    """Keeps the state of an unfinished pass."""

    def load(self) -> Arrays | None:
        """Return the arrays of the last good checkpoint, or None at the start."""
        ...

    def due(self) -> bool:
        """Tell whether it is time for another checkpoint."""
        ...

    def save(self, arrays: Arrays, frame: int) -> None:
        """Write a checkpoint at `frame` frames done."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """One reducer at work on one camera."""

    analysis: Analysis
    camera: str
    reducer: Reducer
    lent: CameraPass


@dataclass
class SharedPass:
    """One decode pass over the cameras of a recording, with all its reducers.

    Parameters
    ----------
    sources : mapping of str to FrameSource
        One reader per camera.
    lines : sequence of Line
        The reducers, in the order of the recipe.
    joint : JointLine, optional
        A reducer over aligned chunks of all cameras.
    report : callable, optional
        Takes events; it may raise `Cancelled`, which is answered with a checkpoint.
    keeper : Keeper, optional
        Keeps checkpoints.
    size : int, optional
        Frames per chunk; results do not depend on it.
    """

    sources: Mapping[str, FrameSource]
    lines: Sequence[Line]
    joint: JointLine | None = None
    report: Report = silent
    keeper: Keeper | None = None
    size: int | None = None
    cursors: dict[str, Cursor] = field(default_factory=dict)
    reason: dict[str, UInt8[np.ndarray, " time"]] = field(default_factory=dict)
    valid: dict[str, Bool[np.ndarray, " time"]] = field(default_factory=dict)
    n_decoded: int = 0
    resumed_at: int = 0

    def run(self) -> None:
        """Start or take up the pass and bring it to its end; outcomes are not finished here.

        Raises
        ------
        Cancelled
            If `report` raised it; a checkpoint has been written.
        VideoError
            V106, if a source gives other frames than it has indexed.
        """
        self._start()
        while self._read_once():
            pass
        self._work()

    def _start(self) -> None:
        for name, source in self.sources.items():
            self.cursors[name] = Cursor()
            self.reason[name] = np.zeros(source.n_frames, np.uint8)
            self.valid[name] = np.zeros(source.n_frames, bool)
        kept = self.keeper.load() if self.keeper is not None else None
        for line in self.lines:
            self._tell(START, line.camera, 0, text=line.analysis.name)
            line.reducer.start(line.lent)
        if self.joint is not None:
            self.joint.start()
        if kept is not None:
            self._restore(kept)

    def _restore(self, kept: Arrays) -> None:
        """Go back to the place of a checkpoint."""
        for name in self.sources:
            reading, frame = (int(value) for value in kept[f"pass/cursor/{self._number(name)}"])
            self.cursors[name] = Cursor(reading, frame)
            self.reason[name] = np.array(kept[f"pass/reason/{self._number(name)}"], np.uint8)
            self.valid[name] = np.array(kept[f"pass/valid/{self._number(name)}"], bool)
            restore = getattr(self.sources[name], "restore_findings", None)
            found = _below(kept, f"pass/findings{self._number(name)}")
            if callable(restore) and found:
                restore(found)
        for line in self.lines:
            line.reducer.restore(_below(kept, self._prefix(line)))
        if self.joint is not None:
            self.joint.restore(_below(kept, "pass/joint"))
        self.resumed_at = self._done()
        self.report(
            Event(
                "note",
                "resume",
                self.resumed_at,
                self._total(),
                f"goes on from frame {self.resumed_at}",
                {"frame": self.resumed_at},
            )
        )

    def state(self) -> dict[str, np.ndarray]:
        """Return everything that the pass knows, as plain arrays."""
        arrays: dict[str, np.ndarray] = {}
        for name, cursor in self.cursors.items():
            place = np.array([cursor.reading, cursor.frame], np.int64)
            arrays[f"pass/cursor/{self._number(name)}"] = place
            arrays[f"pass/reason/{self._number(name)}"] = self.reason[name]
            arrays[f"pass/valid/{self._number(name)}"] = self.valid[name]
            findings = getattr(self.sources[name], "findings_state", None)
            if callable(findings):
                for key, value in findings().items():
                    arrays[f"pass/findings{self._number(name)}/{key}"] = value
        for line in self.lines:
            for key, value in line.reducer.state().items():
                arrays[f"{self._prefix(line)}/{key}"] = value
        if self.joint is not None:
            for key, value in self.joint.state().items():
                arrays[f"pass/joint/{key}"] = value
        return arrays

    def _number(self, camera: str) -> int:
        """Return the number of a camera by name, for names in checkpoints: camera names may hold anything."""
        return sorted(self.sources).index(camera)

    def _prefix(self, line: Line) -> str:
        return f"{line.analysis.name}/{self._number(line.camera)}"

    def _readings(self, camera: str) -> int:
        """Return how many readings a camera needs, as far as known now."""
        return max((line.reducer.n_passes for line in self.lines if line.camera == camera), default=0)

    def _total(self) -> int:
        joint = self.joint.n_passes if self.joint is not None else 0
        return sum(
            source.n_frames * max(self._readings(name), joint) for name, source in self.sources.items()
        )

    def _done(self) -> int:
        return sum(
            cursor.reading * self.sources[name].n_frames + cursor.frame
            for name, cursor in self.cursors.items()
        )

    def _tell(self, stage: str, camera: str, frame: int, text: str = "") -> None:
        """Announce a place; keep the state when it is time, or when the user stops the work."""
        data: dict[str, object] = {"camera": camera, "frame": frame, "decoded": self.n_decoded}
        piece = getattr(self.sources.get(camera), "piece", None)
        if callable(piece) and (place := piece(frame)) is not None:
            data["piece"] = list(place)
        try:
            # The number of readings is known once the reducers have started.
            total = 0 if stage == START else self._total()
            self.report(Event("progress", stage, self._done(), total, text, data))
        except Cancelled:
            if stage != START:
                self._keep(force=True)
            raise
        if stage != START:
            self._keep()

    def _keep(self, *, force: bool = False) -> None:
        if self.keeper is None or not (force or self.keeper.due()):
            return
        done = self._done()
        self.keeper.save(self.state(), done)
        self.report_quietly(Event("checkpoint", "checkpoint", done, self._total(), data={"frame": done}))

    def report_quietly(self, event: Event) -> None:
        """Report without a new wish to stop getting in the way of the one at hand."""
        try:
            self.report(event)
        except Cancelled:
            return

    def _read_once(self) -> bool:
        """Do one reading of one camera, or of all together; False when none is needed."""
        if self.joint is not None and self.joint.is_reading:
            JointReading(self.joint, self.sources, self.cursors, self.size).run(self._feed, self._tell_joint)
            for name in self.sources:
                self._end_reading(name)
            return True
        for name, cursor in self.cursors.items():
            if self._readings(name) > cursor.reading:
                self._read_camera(name)
                return True
        return False

    def _read_camera(self, name: str) -> None:
        source, cursor = self.sources[name], self.cursors[name]
        self._tell(f"reading {cursor.reading + 1}", name, cursor.frame)
        for chunk in _closing(source.chunks(start=cursor.frame, size=self.size)):
            self._feed(name, chunk)
            self._tell(f"reading {cursor.reading + 1}", name, cursor.frame)
        self._end_reading(name)

    def _feed(self, name: str, chunk: FrameChunk) -> None:
        """Give a chunk to the reducers of its camera that take part in this reading."""
        cursor = self.cursors[name]
        if len(chunk) == 0 or int(chunk.index[-1]) < cursor.frame:
            return
        if int(chunk.index[0]) < cursor.frame:
            chunk = chunk.part(cursor.frame - int(chunk.index[0]), len(chunk))
        if int(chunk.index[0]) != cursor.frame:
            raise InternalError(
                "B999",
                f"camera {name!r}",
                "frames are not in order",
                expected=f"frame {cursor.frame}",
                got=f"frame {int(chunk.index[0])}",
            )
        self.reason[name][chunk.index] = chunk.reason
        self.valid[name][chunk.index] = chunk.valid
        for line in self.lines:
            if line.camera == name and line.reducer.n_passes > cursor.reading:
                line.reducer.update(chunk)
        cursor.frame += len(chunk)
        self.n_decoded += len(chunk)

    def _tell_joint(self, camera: str, row: int) -> None:
        self._tell(f"reading {self.cursors[camera].reading + 1}", camera, row)

    def _end_reading(self, name: str) -> None:
        cursor, source = self.cursors[name], self.sources[name]
        if cursor.frame != source.n_frames:
            raise VideoError(
                "V106",
                f"camera {name!r}",
                "the video gave another number of frames than its index",
                expected=f"{source.n_frames} frames",
                got=f"{cursor.frame}",
                hint="the file may have changed while it was read; run again",
            )
        for line in self.lines:
            if line.camera == name and line.reducer.n_passes > cursor.reading:
                line.reducer.end_pass()
        cursor.reading += 1
        cursor.frame = 0

    def _work(self) -> None:
        """Let every reducer do what is left after the last frame."""
        for line in self.lines:
            self._tell_work(line.analysis.name, line.camera, 0.0)
            while (share := line.reducer.work()) is not None:
                self._tell_work(line.analysis.name, line.camera, share)
        if self.joint is not None:
            self._tell_work(self.joint.analysis.name, "", 0.0)
            while (share := self.joint.reducer.work()) is not None:
                self._tell_work(self.joint.analysis.name, "", share)

    def before_publication(self) -> None:
        """Announce the end of the work: the last place where it can be stopped and taken up again.

        Raises
        ------
        Cancelled
            If `report` raised it; a checkpoint has been written.
        """
        try:
            self.report(Event("progress", "publish", text="publish", data={"stall": SLOW}))
        except Cancelled:
            self._keep(force=True)
            raise
        self._keep()

    def _tell_work(self, analysis: str, camera: str, share: float) -> None:
        data: dict[str, object] = {
            "camera": camera,
            "share": share,
            "decoded": self.n_decoded,
            "unit": "%",
            "stall": SOLVER,
        }
        event = Event("progress", analysis, round(100 * share), 100, data=data)
        try:
            self.report(event)
        except Cancelled:
            self._keep(force=True)
            raise
        self._keep()


def _closing(chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
    """Pass chunks on and close their reader at once when the loop is left."""
    try:
        yield from chunks
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()


def _below(arrays: Arrays, prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays under a prefix, without it."""
    start = prefix + "/"
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}

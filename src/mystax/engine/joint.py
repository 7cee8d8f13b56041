"""Work over all cameras together: chunks of every camera, aligned on the frames of the reference camera."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mystax.core.analysis import Analysis, Pass
from mystax.core.quality import Flag
from mystax.core.recording import FrameChunk, FrameSource, Reason
from mystax.core.typing import Bool, Int64, UInt8
from mystax.errors import InternalError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["NO_FRAME", "Cursor", "JointLine", "JointReading", "JointReducer", "joint_reason"]

ROWS = 256
"""Rows of the timeline per aligned chunk; results do not depend on it."""

NO_FRAME = -1
"""In the timeline, where a camera has no frame."""


@dataclass(slots=True)
class Cursor:
    """How far one camera is: readings finished, and frames fed in the present one."""

    reading: int = 0
    frame: int = 0


@runtime_checkable
class JointReducer(Protocol):
    """A reducer over aligned chunks of all cameras (see `mystax.core.analysis.Reducer`)."""

    @property
    def n_passes(self) -> int:
        """How many readings are needed."""
        ...

    def start(self, passes: Mapping[str, Pass]) -> None:
        """Take the facts about the frames of every camera."""
        ...

    def update(self, chunks: Mapping[str, FrameChunk]) -> None:
        """Take the next rows of the timeline: one chunk per camera, all of one length."""
        ...

    def end_pass(self) -> None:
        """Take note that all rows of this reading have come."""
        ...

    def work(self) -> float | None:
        """Do a piece of further work and return the share done, or None when all is done."""
        ...

    def state(self) -> Mapping[str, np.ndarray]:
        """Return everything that the reducer knows."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go back to a state."""
        ...

    def finish(self) -> Dataset:
        """Return the outcome."""
        ...

    def flags(self) -> Sequence[Flag]:
        """Return the remarks on the outcome."""
        ...


@dataclass
class JointLine:
    """One reducer at work on all cameras.

    Parameters
    ----------
    analysis : Analysis
        The declaration.
    reducer : JointReducer
        The reducer.
    passes : mapping of str to Pass
        What it is lent, per camera.
    table : mapping of str to array (time,)
        For every row of the timeline the frame of each camera; -1 where that camera is missing.
    reference : str
        The camera whose frames are the timeline.
    """

    analysis: Analysis
    reducer: JointReducer
    passes: Mapping[str, Pass]
    table: Mapping[str, Int64[np.ndarray, " time"]]
    reference: str
    reading: int = 0
    row: int = 0
    reason: UInt8[np.ndarray, " time"] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def n_rows(self) -> int:
        """Rows of the timeline."""
        return len(self.table[self.reference])

    @property
    def n_passes(self) -> int:
        """How many readings are needed, as far as known now."""
        return self.reducer.n_passes

    @property
    def is_reading(self) -> bool:
        """Whether another reading of the frames is needed."""
        return self.reducer.n_passes > self.reading

    def start(self) -> None:
        """Start the reducer."""
        self.reason = np.zeros(self.n_rows, np.uint8)
        self.reducer.start(self.passes)

    def state(self) -> dict[str, np.ndarray]:
        """Return place and state as plain arrays."""
        place = {"at": np.array([self.reading, self.row], np.int64), "reason": self.reason}
        return {**{f"state/{key}": value for key, value in self.reducer.state().items()}, **place}

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go back to a place and state."""
        self.reading, self.row = (int(value) for value in kept["at"])
        self.reason = np.array(kept["reason"], np.uint8)
        self.reducer.restore(
            {key.removeprefix("state/"): value for key, value in kept.items() if key.startswith("state/")}
        )


def joint_reason(chunks: Mapping[str, FrameChunk]) -> UInt8[np.ndarray, " n"]:
    """Return for each row the largest `Reason` of any camera: a row is missing if one camera is."""
    return np.asarray(np.max([chunk.reason for chunk in chunks.values()], axis=0), np.uint8)


class _Window:
    """Frames of one camera that are still needed, kept while rows move on."""

    def __init__(self, chunks: Iterator[FrameChunk]) -> None:
        self._chunks = chunks
        self._kept: list[FrameChunk] = []

    def reach(self, frame: int, feed: Callable[[FrameChunk], None]) -> None:
        """Read on until `frame` is in the window; every new chunk is handed to `feed`."""
        while not self._kept or int(self._kept[-1].index[-1]) < frame:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise InternalError("B999", f"frame {frame}", "the timeline names a frame beyond the video")
            feed(chunk)
            self._kept.append(chunk)

    def forget(self, frame: int) -> None:
        """Let go of chunks that end before `frame`; the last one stays, for its form."""
        while len(self._kept) > 1 and int(self._kept[0].index[-1]) < frame:
            del self._kept[0]

    def rest(self, feed: Callable[[FrameChunk], None]) -> None:
        """Hand all remaining chunks to `feed`."""
        for chunk in self._chunks:
            feed(chunk)

    def close(self) -> None:
        """Let go of the reader."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()

    def take(
        self,
        frames: Int64[np.ndarray, " n"],
        linked: Bool[np.ndarray, " n"],
        like: FrameChunk | None,
        row: int,
    ) -> FrameChunk:
        """Gather frames (-1 = missing) as a chunk whose index are rows of the timeline."""
        form = self._kept[-1] if self._kept else like
        if form is None:
            raise InternalError("B999", "timeline", "no frame has been read")
        n = len(frames)
        codes = np.zeros((n, *form.codes.shape[1:]), form.codes.dtype)
        reason = np.full(n, int(Reason.UNDECODABLE), np.uint8)
        valid = np.zeros(n, bool)
        adjacent = np.zeros(n, bool)
        time = np.full(n, np.nan)
        for chunk in self._kept:
            first = int(chunk.index[0])
            here = (frames >= first) & (frames <= int(chunk.index[-1]))
            places = frames[here] - first
            codes[here], reason[here], valid[here] = (
                chunk.codes[places],
                chunk.reason[places],
                chunk.valid[places],
            )
            adjacent[here], time[here] = chunk.adjacent[places], chunk.time[places]
        codes.flags.writeable = False
        index = np.arange(row, row + n, dtype=np.int64)
        return FrameChunk(index, time, codes, form.grey_map, valid, reason, adjacent & linked)


class JointReading:
    """One reading of all cameras in step."""

    def __init__(
        self,
        line: JointLine,
        sources: Mapping[str, FrameSource],
        cursors: Mapping[str, Cursor],
        size: int | None,
    ) -> None:
        self._line = line
        self._windows: dict[str, _Window] = {}
        self._forms: dict[str, FrameChunk] = {}
        for name, source in sources.items():
            frames = line.table[name][line.row :]
            known = frames[frames != NO_FRAME]
            start = min(cursors[name].frame, int(known[0]) if len(known) else cursors[name].frame)
            self._windows[name] = _Window(source.chunks(start=start, size=size))
            if not len(known) or int(known[0]) > 0:
                self._forms[name] = source.frame_at(0)

    def run(self, feed: Callable[[str, FrameChunk], None], tell: Callable[[str, int], None]) -> None:
        """Read all rows: `feed` gets every camera's own chunks, `tell` every finished row."""
        line = self._line
        try:
            while line.row < line.n_rows:
                stop = min(line.row + ROWS, line.n_rows)
                chunks = {name: self._rows(name, line.row, stop, feed) for name in self._windows}
                line.reason[line.row : stop] = joint_reason(chunks)
                line.reducer.update(chunks)
                line.row = stop
                tell(line.reference, line.row)
            for name, window in self._windows.items():
                window.rest(_feeder(feed, name))
        finally:
            for window in self._windows.values():
                window.close()
        line.reducer.end_pass()
        line.reading += 1
        line.row = 0

    def _rows(self, name: str, start: int, stop: int, feed: Callable[[str, FrameChunk], None]) -> FrameChunk:
        """Return rows start..stop of the timeline as a chunk of one camera."""
        frames = self._line.table[name][start:stop]
        before = self._line.table[name][start - 1 : stop - 1] if start else np.r_[NO_FRAME, frames[:-1]]
        linked = (frames != NO_FRAME) & (before != NO_FRAME) & (frames == before + 1)
        window = self._windows[name]
        known = frames[frames != NO_FRAME]
        if len(known):
            window.forget(int(known[0]))
            window.reach(int(known[-1]), _feeder(feed, name))
        return window.take(frames, linked, self._forms.get(name), start)


def _feeder(feed: Callable[[str, FrameChunk], None], name: str) -> Callable[[FrameChunk], None]:
    """Bind the name of a camera."""

    def bound(chunk: FrameChunk) -> None:
        feed(name, chunk)

    return bound

"""The decode loop: frames of one file, each linked to its packet, and the evidence of damage.

A decoder runs in one of two ways.  The *fast* way only looks for signs of trouble; at the first sign it goes
back to the last place that is beyond doubt and continues the *careful* way: one thread, so that every
exception and every line of FFmpeg's log belongs to the packet that caused it.  Where a group of pictures has
ended without trouble it returns to the fast way.  What is handed over is the same either way.  Objects of
FFmpeg's library come through `Library`; this module does not import it.
"""

import contextlib
from typing import Any

import numpy as np

from mystax.core.typing import UInt8
from mystax.io.video_index import MAX_REORDER, FrameIndex
from mystax.io.video_library import Library, is_evidence
from mystax.io.video_marks import ABSENT, CAME, CORRUPT, LINE, LOST, SILENT, Linked, Marks
from mystax.io.video_packets import PacketReader

__all__ = ["Decoder"]

MAX_FAILURES = 1000
SILENT_SIZE = 32
NOBODY = -1


class Decoder:
    """Decode one file from a key frame on.

    Parameters
    ----------
    library : Library
        How to open and watch the file.
    index : FrameIndex
        Its packets and frames.
    threads : int, optional
        Decoder threads of the fast way.
    reopen_after : int, optional
        Packets after which the decoder is opened anew, at a key frame.
    suspects : set of int, optional
        Groups of pictures in which packets may have been lost: they are decoded the careful way.

    Attributes
    ----------
    settled : int
        All packets before this one are final: their frames were given, or never will be.
    finished : bool
        Whether the end of the file is reached.
    gave_up : bool
        Whether so many packets in a row failed that the rest was left.
    """

    def __init__(
        self,
        library: Library,
        index: FrameIndex,
        *,
        threads: int = 1,
        reopen_after: int = 1 << 62,
        suspects: frozenset[int] = frozenset(),
    ) -> None:
        self._library, self._index, self._threads = library, index, threads
        self._reopen_after, self._suspects = reopen_after, suspects
        table = index.table
        self._n = len(table)
        self._size = np.ascontiguousarray(table.size).data
        marks = (table.shown, table.fed, table.void)
        self._shown, self._fed, self._void = (mark.astype(np.uint8).tobytes() for mark in marks)
        key = np.zeros(self._n, np.uint8)
        key[index.keys] = 1
        self._key = key.tobytes()
        self._marks = Marks(index)
        self._state = self._marks.state
        self._in_order = index.route == "order"
        self._reader = PacketReader(library, index)
        self._at = self._opened_at = self._changed_at = self._floor = self._deaf = self.settled = 0
        self._until, self._trouble, self._failures = -1, -1, 0
        self._careful = False
        self._late = threads + MAX_REORDER + 1
        # Decoders hold back pictures, and a picture also waits for those that are shown before it.
        self._kept = MAX_REORDER + index.ahead + 1
        self._lag = threads + self._kept
        self._is_prompt = threads == 1 and not self._in_order
        self._errors = 0
        self._can_step_back = True
        self.finished = self.gave_up = False

    # ------------------------------------------------------------------ places

    @property
    def position(self) -> int:
        """Number of the packet that is read next."""
        return self._at

    def start(self, packet: int) -> None:
        """Go to a key packet; everything before it counts as final."""
        self._floor = self.settled = packet
        self._can_step_back = True
        self._marks.forget(packet)
        self.finished = self.gave_up = False
        self._until, self._trouble, self._failures = -1, -1, 0
        self._careful = False
        self._changed_at = packet
        self._begin(packet)

    def _begin(self, packet: int) -> None:
        """Open the file anew with the decoder at a key packet, in the present way."""
        index = self._index
        self._at = self._reader.seek(packet, 1 if self._careful else self._threads)
        self._opened_at = packet
        self._show_preamble(packet)
        self._errors = self._library.count_errors()
        group = int(index.group[packet]) if self._n else 0
        self._deaf = 0
        if packet and index.is_open[group]:
            stop = int(index.keys[group + 1]) if group + 1 < len(index.keys) else self._n
            leading = np.flatnonzero(index.leading[packet:stop])
            # Pictures that lean on the group before cannot be right here; nobody asks for them.
            behind = packet + int(leading[-1]) + 1 if len(leading) else packet
            # FFmpeg's lines come late under threads, and some packets later behind a recovery point.
            late = 0 if self._careful and index.table.alone[packet] else self._late
            self._deaf = min(stop, behind + late) if not self._in_order else stop
        self._marks.begin(packet)

    def _show_preamble(self, packet: int) -> None:
        """Let the decoder see the first packet, where it says how the others must be read."""
        if not packet or self._index.table.preamble is None:
            return
        first = self._library.twin(self._index.table.preamble)
        with contextlib.suppress(self._library.failure), self._library.listen(False):
            self._decode(first)

    def _decode(self, packet: Any, number: int = NOBODY) -> list[Linked]:
        """Feed the decoder, and give what comes out with the number of its packet (not the preamble's)."""
        context: Any = self._reader.opened and self._reader.opened.context
        if packet is not None:
            # A new object each time: the library finds it again by its address, and numbers share theirs.
            packet.opaque = (number,)
        return [
            (link[0], picture)
            for picture in context.decode(packet)
            if (link := picture.opaque) is not None and link[0] != NOBODY
        ]

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    # ------------------------------------------------------------------ steps

    def step(self) -> list[Linked]:
        """Read one packet, and give the frames that came out: number in the file, and picture.

        A frame may be given again after trouble; the later one counts.
        """
        packet = self._reader.read()
        if packet is None:
            return self._end()
        number = self._at
        if self._key[number]:
            if number > self._changed_at and self._may_reopen(number):
                return self._change(number)
            if not self._careful and self._is_suspect(number):
                return self._doubt(number)
        if self._careful:
            return self._step_carefully(packet, number)
        pictures: list[Linked] = []
        state, trouble = self._state, packet.is_corrupt or self._void[number]
        if self._fed[number]:
            try:
                pictures = self._decode(packet, number)
            except self._library.failure:
                trouble = True
        for came, picture in pictures:
            if picture.is_corrupt and came >= self._deaf:
                trouble = True
            state[came] |= CAME
        errors = self._library.count_errors()
        if errors != self._errors:
            self._errors = errors
            trouble = True
        late = number - self._lag
        if late >= self._floor and self._shown[late] and not state[late] and late >= self._deaf:
            trouble = True
        if trouble and number >= self._deaf:
            return self._doubt(number)
        self._at = number + 1
        self.settled = max(self.settled, late + 1)
        if self._is_prompt:
            self._settle_promptly()
        return self._given(pictures)

    def _settle_promptly(self) -> None:
        """Move `settled` over packets whose frame came.

        One thread tells trouble with a packet before its picture comes, and what is wrong with a picture are
        packets up to its own: no later one changes that.
        """
        state, shown = self._state, self._shown
        number = self.settled
        while number < self._at and (not shown[number] or state[number] & CAME):
            number += 1
        self.settled = number

    def _step_carefully(self, packet: Any, number: int) -> list[Linked]:
        pictures: list[Linked] = []
        mark = LINE if packet.is_corrupt or self._void[number] else 0
        if self._fed[number]:
            with self._library.listen(self._is_suspect(number)) as lines:
                try:
                    pictures = self._decode(packet, number)
                    self._failures = 0
                except self._library.failure:
                    mark |= LOST
                    self._failures += 1
            if any(is_evidence(line) for line in lines):
                mark |= LINE
        if mark and self._may_step_back(number):
            return self._step_back()
        self._came(pictures)
        if mark and self._hears(number):
            self._state[number] |= mark
            self._trouble = number
        self._at = number + 1
        self._settle(self._at - self._kept - 1)
        if self._failures >= MAX_FAILURES:
            self.gave_up = True
            return self._end()
        return self._given(pictures)

    def _may_step_back(self, number: int) -> bool:
        """Tell whether trouble came so soon that the start itself may be to blame for what it looks like."""
        group = self._index.group
        is_first = bool(group[number] == group[self._opened_at] > 0)
        return self._can_step_back and self._hears(number) and is_first

    def _step_back(self) -> list[Linked]:
        """Start once more, a group earlier: what a decoder makes of damage depends on what it saw before."""
        self._can_step_back = False
        self._begin(self._index.start_group(int(self._index.group[self._opened_at]) - 1))
        return []

    def _came(self, pictures: list[Linked]) -> None:
        for number, picture in pictures:
            self._state[number] |= CAME
            if picture.is_corrupt and self._hears(number):
                self._state[number] |= CORRUPT
                self._trouble = max(self._trouble, number)

    def _is_suspect(self, number: int) -> bool:
        """Tell whether packets may have been lost in the group of a packet."""
        return bool(self._suspects) and int(self._index.group[number]) in self._suspects

    def _hears(self, number: int) -> bool:
        """Tell whether trouble with a packet means anything: not for those that miss the group before."""
        return number >= self._deaf or number == self._opened_at

    def _settle(self, limit: int) -> None:
        """Move `settled` over packets whose frame came, or will not come any more (those before `limit`)."""
        state, shown = self._state, self._shown
        number = self.settled
        while number < self._at:
            if shown[number] and not state[number] & (CAME | LOST):
                if number >= limit:
                    break
                silent = self._size[number] <= SILENT_SIZE
                if self._hears(number):
                    state[number] |= SILENT if silent else ABSENT
                    self._trouble = self._trouble if silent else max(self._trouble, number)
            if shown[number] and not state[number] & CAME:
                self._marks.lose(number)
            number += 1
        self.settled = number

    def _end(self) -> list[Linked]:
        """Take what the decoder still holds; the file is finished unless that makes trouble."""
        if self.finished:
            return []
        pictures = self._drain()
        if pictures is None:
            return self._doubt(self._n)
        self._settle(self._n)
        self.finished = True
        self.settled = self._n
        return self._given(pictures, at_end=True)

    def _drain(self) -> list[Linked] | None:
        """Flush the decoder; None if the fast way met trouble."""
        pictures: list[Linked] = []
        with self._library.listen(False) as lines:
            try:
                pictures = self._decode(None)
            except self._library.failure:
                if not self._careful:
                    return None
        if self._careful:
            self._came(pictures)
            return pictures
        for number, _ in pictures:
            self._state[number] |= CAME
        missing = any(self._shown[k] and not self._state[k] for k in range(self.settled, self._at))
        corrupt = any(picture.is_corrupt for _, picture in pictures)
        if lines or missing or corrupt or self._library.count_errors() != self._errors:
            return None
        return pictures

    # ------------------------------------------------------------------ ways

    def _doubt(self, number: int) -> list[Linked]:
        """Go back to what is beyond doubt, and on from there the careful way."""
        self._until = number
        self._careful = True
        self._floor = self.settled
        for k in range(self.settled, min(self._n, number + 1)):
            self._state[k] = 0
        group = int(self._index.group[min(self.settled, self._n - 1)])
        self._begin(self._index.start_group(max(0, group - 1)))
        self._can_step_back = False
        return []

    def _may_reopen(self, number: int) -> bool:
        """Tell whether the decoder may be opened anew at a key packet: to go fast again, or for its age."""
        is_old = number - self._changed_at >= self._reopen_after
        return number >= self.settled and (is_old or (self._careful and self._is_calm(number)))

    def _is_calm(self, number: int) -> bool:
        """Tell whether the last group and the last packets before a key packet made no trouble."""
        before = int(self._index.keys[self._index.group[number] - 1])
        return number > self._until and self._trouble < min(before, number - 2 * self._late)

    def _change(self, number: int) -> list[Linked]:
        """Finish everything before a key packet, and open the decoder anew.

        It begins a group earlier, so that it knows all that a decoder without a pause would know.
        """
        pictures = self._drain()
        if pictures is None:
            return self._doubt(number - 1)
        self._settle(number)
        self.settled = number
        given = self._given(pictures, at_end=True)
        if number - self._changed_at >= self._reopen_after:
            self.close()
        if self._is_calm(number):
            self._careful = False
        self._floor = number
        self._begin(self._index.start_group(max(0, int(self._index.group[number]) - 1)))
        self._changed_at = number
        return given

    # ------------------------------------------------------------------ what is given

    def _given(self, pictures: list[Linked], *, at_end: bool = False) -> list[Linked]:
        """Give pictures their frame numbers; those that are final already are left out."""
        return self._marks.number(pictures, self._floor, self.settled, at_end=at_end)

    def mark_other(self, frame: int) -> None:
        """Note that the picture of a frame has another size or format than the video."""
        self._marks.mark_other(frame)

    def are_plain(self, start: int, stop: int) -> bool:
        """Tell whether the frames start..stop of the file came without any sign of trouble."""
        return self._marks.are_plain(start, stop)

    def reasons(self, start: int, stop: int) -> UInt8[np.ndarray, " frame"]:
        """Return the `Reason` of the frames start..stop of the file, which must be final."""
        return self._marks.reasons(start, stop)

    def silent_frames(self, start: int, stop: int) -> list[int]:
        """Return the frames of start..stop whose packets held no picture, without any sign of damage."""
        return self._marks.silent_frames(start, stop)

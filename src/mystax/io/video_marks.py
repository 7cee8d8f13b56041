"""What is known of each packet of a file, and the numbers and reasons of frames that follow from it."""

from collections import deque

import numpy as np

from mystax.core.recording import Reason
from mystax.core.typing import Bool, Int64, UInt8
from mystax.io.video_index import MAX_REORDER, FrameIndex
from mystax.io.video_pixels import Picture

__all__ = ["ABSENT", "CAME", "CORRUPT", "EVIDENCE", "LINE", "LOST", "OTHER", "SILENT", "Linked", "Marks"]

CAME, LOST, LINE, CORRUPT, ABSENT, SILENT, OTHER = (1 << bit for bit in range(7))
EVIDENCE = LOST | LINE | CORRUPT | ABSENT
PLAIN = bytes((0, CAME))
Linked = tuple[int, Picture]


class Marks:
    """Marks on the packets of one file.

    Parameters
    ----------
    index : FrameIndex
        Its packets and frames.

    Attributes
    ----------
    state : bytearray
        For each packet, what was seen of it: a sum of the bits of this module.
    """

    def __init__(self, index: FrameIndex) -> None:
        n = len(index.table)
        self._index = index
        self.state = bytearray(n)
        self._rank = np.ascontiguousarray(index.rank).data
        self._in_order = index.route == "order"
        self._packet_of = np.full(index.n_frames, -1, np.int64) if self._in_order else index.packet
        self._place_of = np.full(n if self._in_order else 0, -1, np.int64)
        self._pending: deque[Linked] = deque()
        self._lost: list[int] = []
        self._group, self._first_group, self._next, self._is_sure = -1, 0, 0, False

    def forget(self, packet: int) -> None:
        """Forget all that was seen from a packet on."""
        self.state[packet:] = bytes(len(self.state) - packet)
        self._lost = [number for number in self._lost if number < packet]
        if self._in_order:
            self._packet_of[:] = -1
            self._place_of[:] = -1

    def begin(self, packet: int) -> None:
        """Start to count pictures at a key packet."""
        index = self._index
        self._pending.clear()
        self._first_group = int(index.group[packet]) if len(self.state) else 0
        anchored = packet == 0 or not index.is_open[self._first_group]
        self._group = self._first_group if anchored else -1
        self._next = index.frames_before(packet)
        self._is_sure = True

    def lose(self, packet: int) -> None:
        """Note that the picture of a packet will not come."""
        self._lost.append(packet)

    # ------------------------------------------------------------------ numbers

    def number(
        self, pictures: list[Linked], floor: int, settled: int, *, at_end: bool = False
    ) -> list[Linked]:
        """Give pictures, linked to their packets, the numbers of their frames.

        Parameters
        ----------
        pictures : list of tuple
            Packet and picture, in the order of the decoder's output.
        floor : int
            Packets before this one are final; their pictures are left out.
        settled : int
            All packets before this one have given their picture, or never will.
        at_end : bool, optional
            Whether no more pictures come.

        Returns
        -------
        list of tuple
            Frame number in the file and picture.
        """
        if not self._in_order:
            rank = self._rank
            return [
                (rank[number], picture)
                for number, picture in pictures
                if number >= floor and rank[number] >= 0
            ]
        self._pending.extend(pictures)
        given = []
        while self._pending and (at_end or settled > self._pending[0][0] + MAX_REORDER):
            number, picture = self._pending.popleft()
            frame = self._place(number)
            if frame is not None:
                self._packet_of[frame], self._place_of[number] = number, frame
                given.append((frame, picture))
        return given

    def _place(self, number: int) -> int | None:
        """Count a picture of the order route; None where a lost one before makes the count unsure."""
        keys = self._index.keys
        group = int(self._index.group[number])
        if self._group < 0 and group == self._first_group:
            return None
        if group > self._group:
            self._group, self._is_sure = group, True
            self._next = self._index.frames_before(int(keys[group]))
        stop = int(keys[group + 1]) if group + 1 < len(keys) else len(self.state)
        last = min(number + MAX_REORDER, stop - 1)
        if any(int(keys[group]) <= lost <= last for lost in reversed(self._lost)):
            self._is_sure = False
        frame = self._next
        self._next += 1
        within = frame < self._index.n_frames and group == self._group
        return frame if self._is_sure and within else None

    # ------------------------------------------------------------------ reasons

    def mark_other(self, frame: int) -> None:
        """Note that the picture of a frame has another size or format than the video."""
        self.state[self._packet_of[frame]] |= OTHER

    def are_plain(self, start: int, stop: int) -> bool:
        """Tell whether all pictures of the frames start..stop came, and nothing before them was odd.

        True means that `reasons` is `GOOD` for all and `silent_frames` is empty: the usual case, told apart
        by one look at the marks from the group before the first frame on.
        """
        index, packet = self._index, self._packet_of[start:stop]
        first = int(packet.min())
        if first < 0:
            return False
        group = int(index.group[first])
        if not group and not index.table.key[index.keys[0]]:
            return False
        low, high = int(index.keys[max(group - 1, 0)]), int(packet.max()) + 1
        is_plain = not self.state[low:high].translate(None, PLAIN)
        return is_plain and bool(np.frombuffer(self.state, np.uint8)[packet].all())

    def reasons(self, start: int, stop: int) -> UInt8[np.ndarray, " frame"]:
        """Return the `Reason` of the frames start..stop of the file, which must be final."""
        index = self._index
        packet = self._packet_of[start:stop]
        reason = np.full(len(packet), Reason.UNDECODABLE, np.uint8)
        known = np.flatnonzero(packet >= 0)
        if not len(known):
            return reason
        packet = packet[known]
        state = np.frombuffer(self.state, np.uint8)
        first = index.keys[index.group[packet]]
        before = index.keys[np.maximum(index.group[packet] - 1, 0)]
        low, high = int(before.min()), int(packet.max()) + 1
        bad = np.concatenate([[-1], low + np.flatnonzero(state[low:high] & EVIDENCE)])
        doubtful = bad[np.searchsorted(bad, packet, "right") - 1] >= first
        ahead = index.leading[packet] if not self._in_order else self._is_leading(packet, first)
        doubtful |= ahead & (bad[np.searchsorted(bad, first, "left") - 1] >= before)
        if not index.table.key[index.keys[0]]:
            doubtful |= index.group[packet] == 0
        own = state[packet]
        found = np.where(doubtful, Reason.DOUBTFUL, Reason.GOOD)
        earlier = bad[np.searchsorted(bad, packet, "left") - 1] >= first
        found[((own & (LINE | CORRUPT | LOST)) > 0) & ~earlier] = Reason.CORRUPT
        found[(own & OTHER) > 0] = Reason.OTHER_SIZE
        found[(own & CAME) == 0] = Reason.UNDECODABLE
        reason[known] = found
        return reason

    def _is_leading(
        self, packet: Int64[np.ndarray, " frame"], first: Int64[np.ndarray, " frame"]
    ) -> Bool[np.ndarray, " frame"]:
        """Tell which packets of the order route were shown before the key frame of their group."""
        place = self._place_of
        return np.asarray((place[first] < 0) | (place[packet] < place[first]))

    def silent_frames(self, start: int, stop: int) -> list[int]:
        """Return the frames of start..stop whose packets held no picture, without any sign of damage."""
        packet = self._packet_of[start:stop]
        state = np.frombuffer(self.state, np.uint8)
        known = np.flatnonzero(packet >= 0)
        silent = known[state[packet[known]] & (SILENT | CAME) == SILENT]
        return [start + int(k) for k in silent]

"""The packets of a file one after the other, from its start or behind a jump, compared with its index.

Objects of FFmpeg's library come through `Library`; this module does not import it.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from mystax.errors import VideoError
from mystax.io.video_index import FrameIndex
from mystax.io.video_library import Library, Opened, read_failure

__all__ = ["PacketReader"]


class PacketReader:
    """Read the packets of one file.

    Parameters
    ----------
    library : Library
        How to open the file.
    index : FrameIndex
        Its packets.

    Attributes
    ----------
    opened : Opened or None
        The file, while it is open.
    """

    def __init__(self, library: Library, index: FrameIndex) -> None:
        self._library, self._index = library, index
        self._n = len(index.table)
        self._size = np.ascontiguousarray(index.table.size).data
        self._packets: Iterator[Any] = iter(())
        self._at = 0
        self.opened: Opened | None = None

    def seek(self, packet: int, threads: int) -> int:
        """Go to a key packet.

        Parameters
        ----------
        packet : int
            Its number.
        threads : int
            Decoder threads.

        Returns
        -------
        int
            Number of the packet that is read next: the one asked for, unless the file ends before it.

        Raises
        ------
        VideoError
            V130, if reading from the start of the file gives other packets than those of the index; V131,
            if the disk could not be read.
        """
        opened = self.opened
        can_jump = packet > 0 and self._index.stamps is not None
        if opened is None or opened.threads != threads or not can_jump:
            opened = self._open(threads)
        if can_jump:
            group = int(self._index.group[packet])
            keys = self._index.keys[max(0, group - 2) : group + 1][::-1].tolist()
            if any(self._jump(opened, key, packet) for key in keys):
                return packet
            opened = self._open(threads)
        self._packets = iter(opened.container.demux(opened.stream))
        self._at = 0
        self._skip_to(packet)
        return self._at

    def _open(self, threads: int) -> Opened:
        self.close()
        self.opened = self._library.open(threads)
        return self.opened

    def _jump(self, opened: Opened, key: int, packet: int) -> bool:
        """Jump to a key packet and read on up to another; tell whether the packets were those of the index.

        Where a container does not say where packets begin (MPEG program streams) a jump may land inside one,
        and the parser cuts out others until it has found its way.  One may look right by chance.
        """
        table = self._index.table
        offset = next((int(v) for v in (table.dts[key], table.pts[key]) if v > -(1 << 62)), None)
        if offset is None:
            return False
        try:
            opened.container.seek(offset, stream=opened.stream)
        except self._library.failure:
            return False
        self._packets = iter(opened.container.demux(opened.stream))
        self._at = 0
        first = self._next()
        found = None if first is None else table.find(first)
        if found is None or found > packet:
            return False
        self._at = found + 1
        try:
            second = self.read()
            self._packets = itertools.chain([first] if second is None else [first, second], self._packets)
            self._at = found
            self._skip_to(packet)
        except VideoError as error:
            if error.code != "V130":
                raise
        return self._at == packet

    def _skip_to(self, packet: int) -> None:
        while self._at < packet and self.read() is not None:
            pass

    def read(self) -> Any:
        """Return the next packet that carries something; None at the end.

        Raises
        ------
        VideoError
            V130, if it is not the packet of the index; V131, if the disk could not be read.
        """
        packet = self._next()
        if packet is None or self._at >= self._n:
            return None
        if packet.size != self._size[self._at]:
            raise VideoError(
                "V130",
                self._library.where,
                "the file is not the one that was indexed",
                expected=f"packet {self._at} of {self._size[self._at]} bytes",
                got=f"{packet.size} bytes",
                hint="wait until the file is complete, then run again",
            )
        self._at += 1
        return packet

    def _next(self) -> Any:
        """Return the next packet that carries something, whichever it is; None at the end."""
        try:
            return next((packet for packet in self._packets if packet.size), None)
        except self._library.failure as error:
            refusal = read_failure(error, self._library.where)
            # Behind the last packet of the index the same error only says that the file ends there.
            if refusal is not None and self._at < self._n:
                raise refusal from error
        return None

    def close(self) -> None:
        """Let go of the file."""
        if self.opened is not None:
            self._packets = iter(())
            self.opened.close()
            self.opened = None

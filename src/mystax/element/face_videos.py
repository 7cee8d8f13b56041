"""Tables of the videos of a face and of their times, and the schema that they begin."""

from collections.abc import Mapping
from typing import Any

import datajoint as dj

from mystax.core.recording import Recording
from mystax.element.dead_jobs import kept_alive
from mystax.element.linking import Link
from mystax.element.rows import check_packet, insert_rows
from mystax.element.videos import flag_rows, open_video, recording_facts, timestamp_facts

__all__ = [
    "Clocked",
    "RecordingInfo",
    "Timestamps",
    "VideoRecording",
    "keeps_arrays_in_table",
    "link",
    "open_clocked",
    "schema",
    "video_of",
]

schema = dj.Schema()
link = Link()


def keeps_arrays_in_table(table: Any) -> bool:
    """Tell whether arrays of a table are in-table blobs."""
    return "<npy@" not in table.definition


@schema
class VideoRecording(dj.Manual):
    """The video of one camera in a session."""

    definition = """
    # video of one camera
    -> Session
    recording_id : int32
    ---
    -> Device
    """

    class File(dj.Part):
        """Files of the video in order, relative to a root."""

        definition = """
        -> master
        file_id : int16
        ---
        file_path : varchar(255)  # relative to a root
        """

    class ClockFile(dj.Part):
        """File with the times of the frames, relative to a root."""

        definition = """
        -> master
        ---
        clock_path : varchar(255)  # relative to a root
        clock_spec : json          # kind, rest (column, unit), policy
        """


Clocked = tuple[list[str], list[Any] | None]


def video_of(key: Mapping[str, Any]) -> Clocked:
    """Return files and clock of a recording as plain values."""
    files = (VideoRecording.File & key).proj("file_path").to_dicts(order_by="file_id")
    clocks = (VideoRecording.ClockFile & key).proj("clock_path", "clock_spec").to_dicts()
    clock = [clocks[0]["clock_path"], dict(clocks[0]["clock_spec"])] if clocks else None
    return [str(row["file_path"]) for row in files], clock


def open_clocked(video: Clocked) -> Recording:
    """Open what `video_of` found."""
    files, clock = video
    return open_video(link, files, None if clock is None else (clock[0], clock[1]))


@schema
class RecordingInfo(dj.Imported):
    """What the files of a video hold, counted and not claimed."""

    definition = """
    # what the files hold
    -> VideoRecording
    ---
    px_height : int32
    px_width : int32
    nframes : int64                  # by demuxing
    fps : float64                    # measured [1/s]
    recording_duration : float64     # [s]
    recording_time=null : datetime   # UTC
    rate_num : int64                 # rate of the container as a fraction
    rate_den : int64
    nframes_header=null : int64      # what the header claims
    is_vfr : bool
    n_gaps : int32
    """

    class Flag(dj.Part):
        """Remarks on a video, one row per code of mystax."""

        definition = """
        -> master
        flag : varchar(16)
        ---
        severity : enum('note', 'warning', 'error')
        detail : json
        """

    @property
    def key_source(self) -> Any:
        """Recordings that have files."""
        return VideoRecording & VideoRecording.File

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch files and clock."""
        return (video_of(key),)

    def make_compute(self, key: dict[str, Any], video: Clocked) -> tuple[Any, ...]:
        """Index the files."""
        with kept_alive(self, key):
            recording = open_clocked(video)
            try:
                return recording_facts(recording), flag_rows(recording)
            finally:
                recording.close()

    def make_insert(self, key: dict[str, Any], facts: dict[str, Any], flags: list[dict[str, Any]]) -> None:
        """Insert the facts and the remarks."""
        self.insert1({**key, **facts})
        insert_rows(self.Flag, ({**key, **flag} for flag in flags))


@schema
class Timestamps(dj.Imported):
    """Times of the frames."""

    definition = """
    # times of the frames
    -> RecordingInfo
    ---
    source : varchar(16)         # container, or the kind of the clock file
    residual=null : float64      # of the clock against the container, root mean square [s]
    timestamps : <array>         # (nframes,) session clock [s], NaN where unknown
    valid : <array>              # (nframes,) whether the time is known
    """

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch files and clock."""
        return (video_of(key),)

    def make_compute(self, key: dict[str, Any], video: Clocked) -> tuple[Any, ...]:
        """Read the times."""
        with kept_alive(self, key):
            recording = open_clocked(video)
            try:
                n = recording.video().n_frames
                check_packet(self.connection, keeps_arrays_in_table(self), n, 8, f"Timestamps {key}")
                clock = video[1]
                return (timestamp_facts(recording, "container" if clock is None else str(clock[1]["kind"])),)
            finally:
                recording.close()

    def make_insert(self, key: dict[str, Any], facts: dict[str, Any]) -> None:
        """Insert the times."""
        self.insert1({**key, **facts})

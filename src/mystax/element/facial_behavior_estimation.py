"""Videos, their times, and what is measured in regions of the face: the schema `facial_behavior_estimation`.

Classes and attributes have the names of Element Facemap where they mean the same.
"""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Unpack

import datajoint as dj

from mystax.element.activation import How, activate_schema
from mystax.element.dead_jobs import kept_alive
from mystax.element.face_tasks import FacemapTask
from mystax.element.face_videos import (
    Clocked,
    RecordingInfo,
    Timestamps,
    VideoRecording,
    keeps_arrays_in_table,
    link,
    open_clocked,
    schema,
    video_of,
)
from mystax.element.folders import task_folder
from mystax.element.ingesting import ingest_videos
from mystax.element.params import task_plan
from mystax.element.populating import populate_tables
from mystax.element.rows import check_packet, insert_rows
from mystax.element.signals import Signals
from mystax.element.work import Made, load_task, read_signals, run_task

__all__ = [
    "Clocked",
    "FacemapProcessing",
    "FacemapTask",
    "FacialSignal",
    "RecordingInfo",
    "Timestamps",
    "VideoRecording",
    "activate",
    "get_facemap_processed_data_dir",
    "get_facemap_root_data_dir",
    "ingest_recordings",
    "keeps_arrays_in_table",
    "link",
    "open_clocked",
    "populate_all",
    "schema",
    "video_of",
]

NEEDED = ("Session", "Device", "get_facemap_root_data_dir")


def activate(
    facemap_schema_name: str | None,
    *,
    linking_module: ModuleType | str | None = None,
    **how: Unpack[How],
) -> None:
    """Bind the schema to a database.

    Parameters
    ----------
    facemap_schema_name : str
        Name of the schema on the server.
    linking_module : module or str
        Has the tables `Session` and `Device`, the function ``get_facemap_root_data_dir()`` (a folder or a
        list of them), and optionally ``get_facemap_processed_data_dir()``.
    **how
        ``create_schema``, ``create_tables``, ``array_store``, ``connection``
        (`mystax.element.activation.How`).

    Raises
    ------
    RecipeError
        P403, if the linking module lacks names: all are listed.
    """
    link.take(linking_module, NEEDED)
    activate_schema(schema, facemap_schema_name, link.tables("Session", "Device"), **how)


def get_facemap_root_data_dir() -> list[Path]:
    """Return the folders in which videos and outcomes lie."""
    return link.roots()


def get_facemap_processed_data_dir() -> Path:
    """Return the folder of outcomes: the lab's own, else the first root."""
    return link.processed()


@schema
class FacemapProcessing(dj.Computed):
    """The work of a task: run, or found."""

    definition = """
    # the work of a task
    -> FacemapTask
    ---
    processing_time : datetime       # UTC
    package_version="" : varchar(32)
    duration : float64               # [s]
    provenance : json                # path, keys and digests of outcomes
    """

    @property
    def key_source(self) -> Any:
        """Tasks of recordings that have files."""
        return FacemapTask & VideoRecording.File

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch task and video."""
        task = (FacemapTask & key).fetch1()
        return task, video_of(key)

    def make_compute(self, key: dict[str, Any], task: dict[str, Any], video: Clocked) -> tuple[Any, ...]:
        """Run the recipe in a child process, or look for what lies there."""
        where = f"facemap_params of task {key['facemap_task_id']}"
        plan = task_plan(
            task["facemap_params"],
            do_mot_svd=bool(task["do_mot_svd"]),
            do_mov_svd=bool(task["do_mov_svd"]),
            where=where,
        )
        with kept_alive(self, key):
            recording = open_clocked(video)
            try:
                n = recording.video().n_frames
                in_table = keeps_arrays_in_table(FacialSignal.Region)
                check_packet(self.connection, in_table, n, 8, f"FacialSignal {key}")
                act = run_task if task["task_mode"] == "trigger" else load_task
                folder = task_folder(FacemapTask, task, "facemap_output_dir")
                return (act(link, recording, plan, folder),)
            finally:
                recording.close()

    def make_insert(self, key: dict[str, Any], made: Made) -> None:
        """Insert what was done."""
        self.insert1(
            {
                **key,
                "processing_time": made.time,
                "package_version": made.package,
                "duration": made.duration,
                "provenance": made.provenance,
            }
        )


@schema
class FacialSignal(dj.Imported):
    """What was measured in each region."""

    definition = """
    # what was measured
    -> FacemapProcessing
    """

    class Region(dj.Part):
        """Regions: the whole frame is number 0 where it was analysed, then the region set in its order."""

        definition = """
        -> master
        roi_no : int32
        ---
        roi_name="" : varchar(64)
        roi_kind : enum('frame', 'motion', 'pupil', 'blink', 'running', 'face')
        xrange=null : <blob>        # columns of the source picture [px]
        yrange=null : <blob>        # rows
        xrange_bin=null : <blob>    # columns after binning
        yrange_bin=null : <blob>    # rows after binning
        motion=null : <array>       # (nframes,) sum over bins of absolute differences [grey levels]
        """

    class MotionSVD(dj.Part):
        """Components of the motion in a region."""

        definition = """
        -> master.Region
        component_id : int32        # from 0, by falling singular value
        ---
        singular_value=null : float64
        motmask : <array>           # (y, x)
        projection : <array>        # (nframes,)
        """

    class MovieSVD(dj.Part):
        """Components of the pictures in a region."""

        definition = """
        -> master.Region
        component_id : int32        # from 0, by falling singular value
        ---
        singular_value=null : float64
        movmask : <array>           # (y, x)
        projection : <array>        # (nframes,)
        """

    class Summary(dj.Part):
        """Mean pictures."""

        definition = """
        -> master
        ---
        sbin : int32                # size of a bin [px]
        avgframe : <blob>           # (y, x) mean frame
        avgmotion : <blob>          # (y, x) mean absolute difference
        """

    class Pupil(dj.Part):
        """Pupil in a region."""

        definition = """
        -> master.Region
        ---
        area : <array>              # (nframes,) [px2]
        centre : <array>            # (nframes, 2) x, y in the source picture [px]
        confidence : <array>        # (nframes,) 0..1
        """

    class Blink(dj.Part):
        """Closure of the lids in a region."""

        definition = """
        -> master.Region
        ---
        closure : <array>           # (nframes,) 1 - openness
        """

    class Running(dj.Part):
        """Velocity of the surface in a region."""

        definition = """
        -> master.Region
        ---
        velocity : <array>          # (nframes, 2) x, y [px/s]
        """

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch where the outcomes are, and which components are wanted."""
        motion, movie = (FacemapTask & key).fetch1("do_mot_svd", "do_mov_svd")
        return (FacemapProcessing & key).fetch1("provenance"), bool(motion), bool(movie)

    def make_compute(
        self,
        key: dict[str, Any],
        provenance: dict[str, Any],
        do_mot_svd: bool,
        do_mov_svd: bool,
    ) -> tuple[Any, ...]:
        """Open the outcomes; components are read while they are inserted."""
        with kept_alive(self, key):
            return (read_signals(link, provenance, do_mot_svd=do_mot_svd, do_mov_svd=do_mov_svd),)

    def make_insert(self, key: dict[str, Any], signals: Signals) -> None:
        """Insert all parts."""
        self.insert1(key)
        insert_rows(self.Region, ({**key, **row} for row in signals.regions))
        insert_rows(self.MotionSVD, ({**key, **row} for row in signals.motion_svd))
        insert_rows(self.MovieSVD, ({**key, **row} for row in signals.movie_svd))
        if signals.summary is not None:
            self.Summary.insert1({**key, **signals.summary})
        insert_rows(self.Pupil, ({**key, **row} for row in signals.pupil))
        insert_rows(self.Blink, ({**key, **row} for row in signals.blink))
        insert_rows(self.Running, ({**key, **row} for row in signals.running))


def ingest_recordings(
    session_key: Mapping[str, Any],
    pattern: str = "neuroblueprint",
    device: Mapping[str, Any] | str | None = None,
    *,
    folder: str | Path | None = None,
    join: bool = False,
) -> list[dict[str, Any]]:
    """Enter the videos of a session; those that are entered already are left as they are.

    Parameters
    ----------
    session_key : mapping
        Primary key of the session.
    pattern : str, optional
        ``"neuroblueprint"``, ``"flat"``, or a folder relative to a root with fields of the session key in
        braces, such as ``"{subject}/{session_date}"``.
    device : mapping or str, optional
        Camera to primary key of its device (or the value, if the key has one attribute); a text is the
        device of all cameras.
    folder : path, optional
        The folder of the session itself, instead of what the pattern says.
    join : bool, optional
        Take bare numbers in file names as the order of consecutive files.

    Returns
    -------
    list of dict
        Primary keys of the session's recordings, in the order of the cameras' names.

    Raises
    ------
    RecipeError
        P403, if there is no such folder, the names do not say what is what, a camera has no device, or has
        other files now than those that are entered.
    """
    return ingest_videos(
        link,
        VideoRecording,
        session_key,
        pattern,
        device,
        folder=None if folder is None else Path(folder),
        join=join,
    )


def populate_all(
    *restrictions: Any, processes: int = 1, retry_errors: bool = False, **freeing: Any
) -> dict[str, dict[str, Any]]:
    """Do all that is to be done: facts, times, tasks, signals.

    Parameters
    ----------
    *restrictions
        Conditions on the keys, as for `populate`.
    processes : int, optional
        Workers at the same time.
    retry_errors : bool, optional
        Try jobs again that failed for a reason that passes.
    **freeing
        How dead jobs are found (`mystax.element.dead_jobs.free_dead_jobs`).

    Returns
    -------
    dict
        Name of the table to ``{"done": n, "errors": [(key, text), ...], "freed": n}``.
    """
    tables = [RecordingInfo(), Timestamps(), FacemapProcessing(), FacialSignal()]
    return populate_tables(tables, restrictions, processes=processes, retry_errors=retry_errors, **freeing)

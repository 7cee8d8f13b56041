"""Videos, their times, and what is measured in regions of the face: the schema `facial_behavior_estimation`.

Classes and attributes have the names of Element Facemap where they mean the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import datajoint as dj

from mystax.core.recording import Recording
from mystax.element.activation import activate_schema
from mystax.element.dead_jobs import kept_alive
from mystax.element.ingesting import ingest_videos
from mystax.element.linking import Link
from mystax.element.params import params_of, task_plan
from mystax.element.populating import populate_tables
from mystax.element.rows import check_packet, insert_rows
from mystax.element.signals import Signals
from mystax.element.videos import flag_rows, open_video, recording_facts, timestamp_facts
from mystax.element.work import Made, load_task, read_signals, run_task
from mystax.engine.exchange import read_regions
from mystax.engine.recipe import Recipe, recipe_from
from mystax.engine.roi_rules import RoisLike, rois_from
from mystax.errors import RoiError

__all__ = [
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
    "populate_all",
    "schema",
]

schema = dj.Schema()
link = Link()
NEEDED = ("Session", "Device", "get_facemap_root_data_dir")


def activate(
    facemap_schema_name: str | None,
    *,
    create_schema: bool = True,
    create_tables: bool = True,
    linking_module: ModuleType | str | None = None,
    array_store: str | None = None,
    connection: Any = None,
) -> None:
    """Bind the schema to a database.

    Parameters
    ----------
    facemap_schema_name : str
        Name of the schema on the server.
    create_schema, create_tables : bool, optional
        Whether what is missing is made.
    linking_module : module or str
        Has the tables `Session` and `Device`, the function ``get_facemap_root_data_dir()`` (a folder or a
        list of them), and optionally ``get_facemap_processed_data_dir()``.
    array_store : str, optional
        Name of a store in ``dj.config["stores"]`` for arrays; by default they are in the tables.
    connection : datajoint.Connection, optional
        By default the one that DataJoint's settings name.

    Raises
    ------
    RecipeError
        P403, if the linking module lacks names: all are listed.
    """
    link.take(linking_module, NEEDED)
    activate_schema(
        schema,
        facemap_schema_name,
        link.tables("Session", "Device"),
        array_store=array_store,
        create_schema=create_schema,
        create_tables=create_tables,
        connection=connection,
    )


def get_facemap_root_data_dir() -> list[Path]:
    """Return the folders in which videos and outcomes lie."""
    return link.roots()


def get_facemap_processed_data_dir() -> Path:
    """Return the folder of outcomes: the lab's own, else the first root."""
    return link.processed()


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


@schema
class FacemapTask(dj.Manual):
    """What is to be measured on a video, or where it lies already."""

    definition = """
    # what is to be measured
    -> VideoRecording
    facemap_task_id : int16
    ---
    facemap_output_dir="" : varchar(255)          # relative to a root
    task_mode="load" : enum('load', 'trigger')
    facemap_params : <blob>                       # recipe and rois, or a dict of Facemap
    do_mot_svd=1 : bool
    do_mov_svd=0 : bool
    task_description="" : varchar(128)
    """

    @classmethod
    def infer_output_dir(cls, key: Mapping[str, Any], relative: bool = True, mkdir: bool = True) -> Path:
        """Return the folder of a task whose row names none.

        Parameters
        ----------
        key : mapping
            Primary key of the task.
        relative : bool, optional
            Return it relative to the folder of outcomes.
        mkdir : bool, optional
            Make it.

        Returns
        -------
        Path
            ``<outcomes>/<folder of the video>/facemap_recordingid<n>_<task>``.
        """
        own = {name: key[name] for name in cls.primary_key}
        folder = (
            folder_beside_video(own) / f"facemap_recordingid{own['recording_id']}_{own['facemap_task_id']}"
        )
        if mkdir:
            folder.mkdir(parents=True, exist_ok=True)
        return folder.relative_to(link.processed()) if relative else folder

    @classmethod
    def insert_recipe(
        cls,
        recording_key: Mapping[str, Any],
        recipe: str | Path | Recipe = "standard",
        *,
        rois: RoisLike | None = None,
        camera: str = "",
        parameters: Mapping[str, Mapping[str, object]] | None = None,
        task_mode: str = "trigger",
        task_description: str = "",
    ) -> dict[str, Any]:
        """Insert a task that runs a recipe on a video.

        Parameters
        ----------
        recording_key : mapping
            Primary key of the recording.
        recipe : str, Path or Recipe, optional
            Shipped name, file, or recipe.
        rois : regions, or path of a ``rois.toml`` or Facemap file, optional
            Regions of this camera; without any they are proposed, if the recipe does that.
        camera : str, optional
            Take the regions of this camera only.
        parameters : mapping, optional
            Analysis to parameters.
        task_mode : {"trigger", "load"}, optional
            Run it, or take what lies there already.
        task_description : str, optional
            Words.

        Returns
        -------
        dict
            Primary key of the task.

        Raises
        ------
        PlanError
            P4xx, if recipe, parameters or regions cannot be used.
        """
        found = recipe_from(recipe, parameters=parameters)
        svd = next((step.params().model_dump() for step in found.steps("svd")), None)
        used = {name: recording_key[name] for name in VideoRecording.primary_key}
        taken = (cls & used).to_arrays("facemap_task_id")
        key = {**used, "facemap_task_id": int(max(taken, default=-1)) + 1}
        cls.insert1(
            {
                **key,
                "task_mode": task_mode,
                "facemap_params": params_of(found, _regions(rois, camera)),
                "do_mot_svd": svd is not None and bool(svd["with_motion"]),
                "do_mov_svd": svd is not None and bool(svd["with_movie"]),
                "task_description": task_description,
            }
        )
        return key


def _regions(rois: RoisLike | None, camera: str) -> Sequence[Any] | None:
    """Return the regions of one camera, without its name: a recording here is one camera."""
    if isinstance(rois, str | Path) and Path(rois).suffix.lower() in (".toml", ".npy", ".mat"):
        found: Sequence[Any] | None = read_regions(rois)
    else:
        found = rois_from(rois)
    if found is None:
        return None
    cameras = {roi.camera for roi in found if roi.camera}
    if not camera and len(cameras) > 1:
        raise RoiError(
            "P402",
            "rois",
            "the regions are those of several cameras, and a recording of the element is one",
            expected=f"camera= one of {', '.join(sorted(cameras))}",
        )
    return [roi.at("") for roi in found if not camera or roi.camera in (camera, "")]


def folder_beside_video(key: Mapping[str, Any]) -> Path:
    """Return the folder of outcomes that belongs to the folder of a video."""
    files, _ = video_of(key)
    return link.processed() / Path(files[0]).parent


def task_folder(task: Mapping[str, Any]) -> Path:
    """Return the folder of a task."""
    if task["facemap_output_dir"]:
        given = Path(task["facemap_output_dir"])
        if task["task_mode"] == "load":
            return link.find(given.as_posix())
        return link.processed() / given
    return FacemapTask.infer_output_dir(task, relative=False, mkdir=False)


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
                return (act(link, recording, plan, task_folder(task)),)
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
        P403, if there is no such folder, the names do not say what is what, or a camera has no device.
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

"""Keypoints of videos by trained weights: the schema `facemap_inference`, named as in Element Facemap."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import datajoint as dj
import numpy as np

from mystax.element import facial_behavior_estimation as fbe
from mystax.element.activation import How, activate_schema
from mystax.element.dead_jobs import kept_alive
from mystax.element.folders import output_folder, task_folder
from mystax.element.populating import populate_tables
from mystax.element.poses import body_parts, installed_file, load_pose, pose_rows, run_pose, weights_facts
from mystax.element.rows import check_packet, insert_rows
from mystax.errors import RecipeError, WeightsError, nearest
from mystax.io.weights import check_digest
from mystax.io.whole_files import write_whole

if TYPE_CHECKING:
    from pandas import DataFrame
else:
    DataFrame = Any

__all__ = [
    "BodyPart",
    "FacemapInference",
    "FacemapInferenceTask",
    "FacemapModel",
    "activate",
    "populate_all",
    "schema",
]

schema = dj.Schema()


def activate(
    facemap_model_schema_name: str | None,
    fbe_schema_name: str | None = None,
    *,
    linking_module: ModuleType | str | None = None,
    **how: Unpack[How],
) -> None:
    """Bind the schema to a database.

    Parameters
    ----------
    facemap_model_schema_name : str
        Name of the schema on the server.
    fbe_schema_name : str, optional
        Also activate `facial_behavior_estimation` under this name; without it that is active already.
    linking_module : module or str, optional
        As for `facial_behavior_estimation.activate`.
    **how
        ``create_schema``, ``create_tables``, ``array_store``, ``connection``
        (`mystax.element.activation.How`).

    Raises
    ------
    RecipeError
        P403, if `facial_behavior_estimation` is not active, or the linking module lacks names.
    """
    if fbe_schema_name is not None:
        fbe.activate(fbe_schema_name, linking_module=linking_module, **how)
    activate_schema(
        schema,
        facemap_model_schema_name,
        fbe.link.tables("Session", "Device"),
        beside=fbe.schema,
        **how,
    )


@schema
class BodyPart(dj.Lookup):
    """Points of faces; Facemap's names where it has one."""

    definition = """
    # points of faces
    body_part : varchar(32)
    ---
    body_part_description="" : varchar(1000)
    """
    contents: ClassVar[list[dict[str, str]]] = body_parts("mouse-face-15")

    @classmethod
    def insert_keypoint_set(cls, name: str | Path) -> list[str]:
        """Enter the points of a keypoint set, shipped or a file, and return their names.

        Raises
        ------
        RecipeError
            P403, if there is no such set.
        """
        rows = body_parts(name)
        cls.insert(rows, skip_duplicates=True)
        return [row["body_part"] for row in rows]


@schema
class FacemapModel(dj.Manual):
    """Trained weights."""

    definition = """
    # trained weights
    model_id : int32
    ---
    model_name : varchar(64)
    model_description="" : varchar(1000)
    weights_hash : char(64)               # sha256 of the file
    keypoint_set : varchar(64)
    """

    class BodyPart(dj.Part):
        """Points of the weights."""

        definition = """
        -> master
        -> BodyPart
        """

    class File(dj.Part):
        """The weights themselves."""

        definition = """
        -> master
        ---
        model_file : <attach>
        """

    @classmethod
    def insert_new_model(
        cls, model_id: int, model_name: str, model_description: str = "", full_model_path: str | Path = ""
    ) -> None:
        """Enter weights with their own points and their file.

        Parameters
        ----------
        model_id : int
            Number of the model.
        model_name : str
            Name; that of installed weights if no path is given.
        model_description : str, optional
            Words.
        full_model_path : path, optional
            The ``.onnx`` file.

        Raises
        ------
        ParameterError
            P401, if there are no such weights.
        WeightsError
            M701, if the file is refused.
        """
        path, digest, keypoints, parts = weights_facts(full_model_path or model_name)
        check_packet(cls().connection, True, path.stat().st_size, 1, f"weights {path.name}")
        BodyPart.insert(({"body_part": part} for part in parts), skip_duplicates=True)
        with cls().connection.transaction:
            cls.insert1(
                {
                    "model_id": model_id,
                    "model_name": model_name,
                    "model_description": model_description,
                    "weights_hash": digest,
                    "keypoint_set": keypoints[:64],
                }
            )
            cls.BodyPart.insert({"model_id": model_id, "body_part": part} for part in parts)
            cls.File.insert1({"model_id": model_id, "model_file": str(path)})


@schema
class FacemapInferenceTask(dj.Manual):
    """Points that are to be tracked in a video, or lie there already."""

    definition = """
    # points to be tracked
    -> fbe.VideoRecording
    -> FacemapModel
    ---
    facemap_inference_output_dir="" : varchar(255)   # relative to a root
    task_description="" : varchar(128)
    task_mode="load" : enum('load', 'trigger')
    bbox=null : <blob>                               # [x1, x2, y1, y2] of the face [px]
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
            ``<outcomes>/<folder of the video>/facemap_recordingid<n>_model<id>``.
        """
        return output_folder(key, "facemap", f"model{key['model_id']}", relative=relative, mkdir=mkdir)

    @classmethod
    def generate(
        cls,
        key: Mapping[str, Any],
        task_description: str = "",
        task_mode: str = "load",
        bbox: Sequence[float] = (),
    ) -> None:
        """Enter a task.

        Parameters
        ----------
        key : mapping
            Primary keys of recording and model.
        task_description : str, optional
            Words.
        task_mode : {"load", "trigger"}, optional
            Take what lies there, or run.
        bbox : sequence of float, optional
            x1, x2, y1, y2 of the face [px].
        """
        own = {name: key[name] for name in cls.primary_key}
        cls.insert1(
            {
                **own,
                "facemap_inference_output_dir": cls.infer_output_dir(own, mkdir=False).as_posix(),
                "task_description": task_description,
                "task_mode": task_mode,
                "bbox": list(bbox) or None,
            }
        )

    insert_pose_estimation_task = generate


def weights_of(model: Mapping[str, Any], folder: Path) -> Path:
    """Return the file of a model: installed here, or from the database into a folder.

    Raises
    ------
    WeightsError
        M701, if the database holds another file than the row of the model names.
    """
    digest = str(model["weights_hash"])
    found = installed_file(digest)
    if found is not None:
        return found
    path = folder / f"{digest[:12]}.onnx"
    if path.is_file() and check_digest(path) == digest:
        return path
    table = FacemapModel.File()
    # DataJoint 2.3.5 cannot read an attachment from PostgreSQL, and would take its name from the database.
    query = f"SELECT model_file FROM {table.full_table_name} WHERE model_id=%s"  # noqa: S608 - a table of ours
    row = table.connection.query(query, args=(model["model_id"],)).fetchone()
    content = b"" if row is None else bytes(row[0]).partition(b"\0")[2]
    write_whole(path, content)
    if check_digest(path) != digest:
        path.unlink()
        raise WeightsError("M701", path.name, "the database holds another file than the model names")
    return path


@schema
class FacemapInference(dj.Computed):
    """Tracked points of a video."""

    definition = """
    # tracked points
    -> FacemapInferenceTask
    ---
    inference_completion_time : datetime     # UTC
    inference_run_duration : float64         # [s]
    total_frame_count : int64
    """

    class BodyPartPosition(dj.Part):
        """Places of one point."""

        definition = """
        -> master
        -> FacemapModel.BodyPart
        ---
        x_pos : <array>          # (nframes,) column in the source picture [px]
        y_pos : <array>          # (nframes,) row
        likelihood : <array>     # (nframes,) confidence, 0..1
        """

    @property
    def key_source(self) -> Any:
        """Tasks of recordings that have files."""
        return FacemapInferenceTask & fbe.VideoRecording.File

    def make_fetch(self, key: dict[str, Any]) -> tuple[Any, ...]:
        """Fetch task, model and video."""
        task = (FacemapInferenceTask & key).fetch1()
        model = (FacemapModel & key).fetch1("model_id", "weights_hash")
        parts = sorted((FacemapModel.BodyPart & key).to_arrays("body_part").tolist())
        return task, [int(model[0]), str(model[1])], parts, fbe.video_of(key)

    def make_compute(
        self,
        key: dict[str, Any],
        task: dict[str, Any],
        model: list[Any],
        parts: list[str],
        video: fbe.Clocked,
    ) -> tuple[Any, ...]:
        """Track the points in a child process, or look for what lies there."""
        with kept_alive(self, key):
            recording = fbe.open_clocked(video)
            try:
                in_table = fbe.keeps_arrays_in_table(self.BodyPartPosition)
                n = recording.video().n_frames
                check_packet(self.connection, in_table, n, 8, f"FacemapInference {key}")
                folder = task_folder(FacemapInferenceTask, task, "facemap_inference_output_dir")
                if task["task_mode"] == "trigger":
                    weights = weights_of({"model_id": model[0], "weights_hash": model[1]}, folder / "weights")
                    facts, rows = pose_rows(run_pose(recording, weights, task["bbox"], folder))
                else:
                    facts, rows = load_pose(recording, folder)
            finally:
                recording.close()
        strange = [row["body_part"] for row in rows if row["body_part"] not in parts]
        if strange:
            raise RecipeError(
                "P403",
                f"FacemapModel {model[0]}",
                f"it has no body part {strange[0]!r}{nearest(strange[0], parts)}",
                expected=", ".join(parts),
                got=", ".join(strange),
            )
        return facts, rows

    def make_insert(self, key: dict[str, Any], facts: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """Insert the places."""
        self.insert1({**key, **facts})
        insert_rows(self.BodyPartPosition, ({**key, **row} for row in rows))

    @classmethod
    def get_trajectory(cls, key: Mapping[str, Any], body_parts: Sequence[str] | str = "all") -> DataFrame:
        """Return places as a table.

        Parameters
        ----------
        key : mapping
            Restricts to one row.
        body_parts : sequence of str or "all", optional
            Which points.

        Returns
        -------
        DataFrame
            One row per frame; columns (model_name, body_part, x | y | likelihood).

        Raises
        ------
        RecipeError
            P403, if a point is unknown.
        """
        import pandas as pd

        own = (cls & key).fetch1("KEY")
        name = (FacemapModel & own).fetch1("model_name")
        places = cls.BodyPartPosition & own
        known = sorted(places.to_arrays("body_part").tolist())
        wanted = known if isinstance(body_parts, str) and body_parts == "all" else list(body_parts)
        columns = {}
        for part in wanted:
            if part not in known:
                raise RecipeError("P403", f"body part {part!r}", f"unknown{nearest(part, known)}")
            row = (places & {"body_part": part}).fetch1()
            for column, attribute in (("x", "x_pos"), ("y", "y_pos"), ("likelihood", "likelihood")):
                columns[name, part, column] = np.asarray(row[attribute])
        return pd.DataFrame(columns)


def populate_all(
    *restrictions: Any, processes: int = 1, retry_errors: bool = False, **freeing: Any
) -> dict[str, dict[str, Any]]:
    """Track what is to be tracked; as `facial_behavior_estimation.populate_all`."""
    return populate_tables(
        [FacemapInference()], restrictions, processes=processes, retry_errors=retry_errors, **freeing
    )

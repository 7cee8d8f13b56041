"""The table of what is to be measured on the video of a face."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datajoint as dj

from mystax.element.face_videos import VideoRecording, schema
from mystax.element.folders import output_folder
from mystax.element.params import params_of
from mystax.engine.exchange import read_regions
from mystax.engine.recipe import Recipe, recipe_from
from mystax.engine.roi_rules import RoisLike, rois_from
from mystax.errors import RoiError

__all__ = ["FacemapTask"]


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
        return output_folder(own, "facemap", own["facemap_task_id"], relative=relative, mkdir=mkdir)

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

"""Where the outcomes of tasks lie: a folder beside the video's own, unless the row of the task names one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mystax.element.face_videos import link, video_of

__all__ = ["folder_beside_video", "output_folder", "task_folder"]


def folder_beside_video(key: Mapping[str, Any]) -> Path:
    """Return the folder of outcomes that belongs to the folder of a video."""
    files, _ = video_of(key)
    return link.processed() / Path(files[0]).parent


def output_folder(
    key: Mapping[str, Any], kind: str, word: object, *, relative: bool = False, mkdir: bool = False
) -> Path:
    """Return the folder of a task whose row names none.

    Parameters
    ----------
    key : mapping
        Primary key of the recording, or of more.
    kind : str
        What is made: ``facemap``, ``states``, ``encoding``.
    word : object
        Tells the tasks of one recording apart.
    relative : bool, optional
        Return it relative to the folder of outcomes.
    mkdir : bool, optional
        Make it.

    Returns
    -------
    Path
        ``<outcomes>/<folder of the video>/<kind>_recordingid<n>_<word>``.
    """
    folder = folder_beside_video(key) / f"{kind}_recordingid{key['recording_id']}_{word}"
    if mkdir:
        folder.mkdir(parents=True, exist_ok=True)
    return folder.relative_to(link.processed()) if relative else folder


def task_folder(table: Any, task: Mapping[str, Any], column: str) -> Path:
    """Return the folder of a task.

    Parameters
    ----------
    table : table of tasks
        Has ``infer_output_dir``.
    task : mapping
        A row of it.
    column : str
        Attribute that names a folder, relative to a root, or nothing.

    Returns
    -------
    Path
        Where the outcomes lie (``load``: under the first root that has it), or shall lie (``trigger``).

    Raises
    ------
    RecipeError
        P403, if outcomes are to be loaded and no root has the folder.
    """
    if not task[column]:
        return Path(table.infer_output_dir(task, relative=False, mkdir=False))
    given = Path(task[column])
    return link.find(given.as_posix()) if task["task_mode"] == "load" else link.processed() / given

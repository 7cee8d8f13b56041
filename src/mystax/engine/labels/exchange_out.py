"""Labels into other tools' files: a table of all of them, and what a format cannot hold is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.engine.labels.folder import LabelFolder
from mystax.engine.labels.pictures import names_in_table
from mystax.errors import RecipeError
from mystax.io.formats.keypoint_files import write_keypoints
from mystax.io.store_fs import refusals
from mystax.io.whole_files import refuse_existing, whole_file

__all__ = ["export_labels", "labels_to_table"]


def labels_to_table(
    labels: LabelFolder, *, individual: str | None = None, pictures: bool = False
) -> KeypointTable:
    """Return all labels as a table for export.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    individual : str, optional
        Only this one.
    pictures : bool, optional
        Bring the folder's copies of the frames.

    Returns
    -------
    KeypointTable
        Pictures as ``labeled-data/<camera>/<name>``, frames of videos by number; no two have one name.

    Raises
    ------
    FormatError
        F804, if there are no labels.
    """
    dataset = labels.to_dataset()
    sources = labels.store.files.read_sources()
    keys = [
        (str(video), int(pts)) for video, pts in zip(dataset.video.values, dataset.pts.values, strict=True)
    ]
    named = names_in_table({video: sources[video] for video, _ in keys if video in sources})
    files, frames, shapes = [], [], []
    for i, (video, _) in enumerate(keys):
        source = sources.get(video)
        camera = str(dataset.camera.values[i])
        is_video = source is not None and source.kind == "video"
        files.append(named.get(video, f"labeled-data/{camera or 'pictures'}/{video}.png"))
        frames.append(int(dataset.frame.values[i]) if is_video else -1)
        shapes.append([source.height, source.width] if source is not None else [0, 0])
    table = make_table(
        labels.keypoints.ids,
        dataset.position.values.transpose(0, 3, 2, 1),
        where=str(labels.folder),
        state=dataset.state.values.transpose(0, 2, 1),
        frame=np.array(frames, np.int64),
        files=files,
        individuals=[str(name) for name in dataset.individual.values],
        scorer="mystax",
        shapes=np.array(shapes, np.int64).reshape(-1, 2),
        edges=labels.keypoints.edges,
        pictures=[labels.picture(key) for key in keys] if pictures else None,
    )
    if individual is not None:
        return table.individual(individual)
    return table if len(table.individuals) > 1 else _unnamed(table)


def _unnamed(table: KeypointTable) -> KeypointTable:
    """Leave out the name of a single individual: most formats know none."""
    return replace(table, individuals=("",))


def export_labels(
    labels: LabelFolder,
    path: Path | str,
    form: str,
    *,
    individual: str | None = None,
    overwrite: bool = False,
) -> KeypointTable:
    """Write labels as another tool's file.

    Parameters
    ----------
    labels : LabelFolder
        The folder.
    path : path
        The file.
    form : str
        One of `mystax.io.formats.keypoint_files.FORMATS`.
    individual : str, optional
        Only this one.
    overwrite : bool, optional
        Replace a file of the same name.

    Returns
    -------
    KeypointTable
        What was written.

    Raises
    ------
    RecipeError
        P403, if the file exists or cannot be one, or the format cannot hold labels of pictures, of several
        videos or of several individuals.
    ParameterError
        P401, if there is no such format, or it is only read.
    FormatError
        F804, if there are no labels.
    SpaceError, StoreError
        S501, S503, as the disk refuses.
    """
    place = Path(path)
    with refusals(place):
        if place.is_dir():
            raise RecipeError("P403", str(place), "it is a folder", hint="name a file")
    refuse_existing([place], overwrite)
    table = labels_to_table(labels, individual=individual, pictures=form == "facemap-refined")
    if form in ("csv", "facemap-h5", "facemap-refined") and len(table.individuals) > 1:
        raise RecipeError(
            "P403",
            form,
            "the format holds one individual, and these are labels of several",
            expected="--individual NAME",
            got=", ".join(table.individuals),
        )
    of_videos = table.frame >= 0
    if form in ("sleap-analysis", "facemap-h5") and not of_videos.all():
        raise RecipeError(
            "P403",
            form,
            "the format holds frames of a video by their numbers, and these are labels of pictures",
            hint="export as coco, sleap or dlc",
        )
    one_video = form in ("dlc", "dlc-h5", "lightning-pose", "csv", "sleap-analysis", "facemap-h5")
    if one_video and of_videos.any() and (len(set(table.files)) > 1 or not of_videos.all()):
        raise RecipeError(
            "P403",
            form,
            "the format holds the frames of one video, and these are labels of several",
            hint="export as coco, sleap or facemap-refined",
        )
    with whole_file(place) as part:
        write_keypoints(part, table, form)
    return table

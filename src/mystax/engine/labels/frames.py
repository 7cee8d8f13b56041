"""Labels that judge a model, with their pictures, and what the model says of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mystax.core.keypoint_names import map_names, set_for_names
from mystax.core.keypoint_table import KeypointTable
from mystax.core.keypoints import KeypointSet
from mystax.core.typing import Float64, Int64, Shaped
from mystax.engine.labels.folder import LabelFolder
from mystax.engine.labels.footage import number_in_name
from mystax.engine.labels.pictures import common_end, find_pictures, names_in_table
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.formats.keypoint_files import read_keypoints
from mystax.io.stills import read_still, still_size

__all__ = ["LabelledFrames", "PoseFunction", "Predictions", "labelled_frames", "predictions_from_table"]


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Labels to be judged by, with the pictures that belong to them.

    Attributes
    ----------
    ids : tuple of str
        Points, by the names of the set.
    keypoints : KeypointSet
        The set.
    position : array (row, keypoint, space)
        Labelled places [source px]; NaN unless placed.
    state : array (row, keypoint)
        2 placed, 1 invisible, 0 absent, -1 not labelled.
    width : array (row,)
        Reference width of each frame [px].
    names : tuple of str
        Name of each frame, for people.
    recordings : tuple of str
        Recording of each frame.
    number : array (row,)
        Number of the frame, by which they are ordered in their recording.
    picture : callable
        Takes a row and returns its pixels (y, x).
    time : array (row,), optional
        Seconds in the recording where its clock is known, else the number of the frame; by default numbers.
    """

    ids: tuple[str, ...]
    keypoints: KeypointSet
    position: Float64[np.ndarray, "row keypoint space"]
    state: Shaped[np.ndarray, "row keypoint"]
    width: Float64[np.ndarray, " row"]
    names: tuple[str, ...]
    recordings: tuple[str, ...]
    number: Int64[np.ndarray, " row"]
    picture: Callable[[int], Shaped[np.ndarray, "y x"]]
    time: Float64[np.ndarray, " row"] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, at: Sequence[int] | Shaped[np.ndarray, " chosen"]) -> "LabelledFrames":
        """Return some of the frames, in the order of `at`."""
        chosen = [int(i) for i in at]
        picture = self.picture
        return replace(
            self,
            position=self.position[chosen],
            state=self.state[chosen],
            width=self.width[chosen],
            names=tuple(self.names[i] for i in chosen),
            recordings=tuple(self.recordings[i] for i in chosen),
            number=self.number[chosen],
            picture=lambda row: picture(chosen[row]),
            time=None if self.time is None else self.time[chosen],
        )

    def last(self, n: int) -> tuple["LabelledFrames", "LabelledFrames"]:
        """Split by the number of the frame: all but the last `n`, and the last `n`.

        Raises
        ------
        ParameterError
            P401, if there are not more frames than that.
        """
        if not 0 < n < len(self):
            raise ParameterError("P401", "test frames", expected=f"1 to {len(self) - 1}", got=str(n))
        order = np.argsort(self.number, kind="stable")
        return self.rows(order[:-n]), self.rows(order[-n:])


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of the labelled frames, points in the order of the labels.

    Attributes
    ----------
    position : array (row, keypoint, space)
        Places [source px]; NaN where it says none.
    confidence : array (row, keypoint), optional
        0..1.
    covariance : array (row, keypoint, cov), optional
        xx, xy, yy [px^2].
    """

    position: Float64[np.ndarray, "row keypoint space"]
    confidence: Float64[np.ndarray, "row keypoint"] | None = None
    covariance: Float64[np.ndarray, "row keypoint cov"] | None = None


PoseFunction = Callable[[LabelledFrames], Predictions]
"""Takes labelled frames, looks at their pictures, and says where the points are."""


# labels ----------------------------------------------------------------------------------------------


def labelled_frames(
    path: str | Path,
    *,
    keypoints: KeypointSet | None = None,
    names: Mapping[str, str] | None = None,
    width: float | None = None,
) -> LabelledFrames:
    """Read labels and find their pictures.

    Parameters
    ----------
    path : path
        A folder of labels, or any readable file of keypoints beside its pictures.
    keypoints : KeypointSet, optional
        Set to map names to, for a file; by default the shipped one that has them all, else one of its names.
    names : mapping of str to str, optional
        Their names to ours.
    width : float, optional
        Reference width of every frame [px]; by default the width of its picture.

    Returns
    -------
    LabelledFrames
        Frames with at least one placed point, whose picture is there.

    Raises
    ------
    RecipeError, FormatError
        P403, F801-F804, as folder, file and names are refused.
    """
    place = Path(path)
    found = _from_folder(place) if place.is_dir() else _from_file(place, keypoints, names)
    if width is not None:
        found = replace(found, width=np.full(len(found), float(width)))
    kept = np.flatnonzero((found.state == 2).any(1))
    if len(kept) == 0:
        raise FormatError("F804", place.name, "there is no labelled frame whose picture can be found")
    return found.rows(kept)


def _from_folder(place: Path) -> LabelledFrames:
    labels = LabelFolder(place)
    every = labels.to_dataset()
    dataset = every.isel(individual=_only((every.state == 2).any(("image", "keypoint")).values, place))
    keys = [(str(v), int(p)) for v, p in zip(dataset.video.values, dataset.pts.values, strict=True)]
    files = labels.store.files
    there = [i for i, key in enumerate(keys) if files.frame_path(key).is_file()]
    recordings, times = labels.recordings()
    state = dataset.state.transpose("image", "keypoint").values
    position = dataset.position.transpose("image", "keypoint", "space").values
    sources = files.read_sources()
    shown = names_in_table({key: source for key, source in sources.items() if source.kind == "video"})
    shown |= {key: Path(one.path).name for key, one in sources.items() if one.kind != "video" and one.path}
    names = [shown.get(key[0], key[0]) for key in keys]
    frames = dataset.frame.values.astype(np.int64)
    whole = LabelledFrames(
        labels.keypoints.ids,
        labels.keypoints,
        np.where((state == 2)[..., None], position, np.nan),
        state,
        np.array([_width(labels, key) if i in set(there) else np.nan for i, key in enumerate(keys)]),
        tuple(f"{name}:{frame}" for name, frame in zip(names, frames, strict=True)),
        tuple(recordings),
        frames,
        lambda row: labels.picture(keys[row]),
        times,
    )
    return whole.rows(there)


def _only(has_points: Shaped[np.ndarray, " individual"], place: Path) -> int:
    """Return the one individual that has points: a network learns one face of a picture."""
    if has_points.sum() > 1:
        raise RecipeError(
            "P403",
            place.name,
            expected="labels of one individual",
            got=f"labels of {int(has_points.sum())}",
            hint="mystax labels import FILE --individual NAME takes one of them into a folder of its own",
        )
    return int(np.argmax(has_points))


def _width(labels: LabelFolder, key: tuple[str, int]) -> float:
    return float(still_size(labels.store.files.frame_path(key))[1])


def _from_file(place: Path, keypoints: KeypointSet | None, names: Mapping[str, str] | None) -> LabelledFrames:
    every = read_keypoints(place)
    table = every.individual(every.individuals[_only((every.state == 2).any((0, 2)), place)])
    points = keypoints or set_for_names(table.names, table.edges)
    mapping = map_names(table.names, points, names)
    columns = [k for k, name in enumerate(table.names) if name in mapping.matched]
    if not columns:
        raise RecipeError("P403", place.name, f"no name of the file is a point of the set {points.name!r}")
    pictures = find_pictures(table.files, place.absolute().parent)
    paths = [pictures[name] for name in table.files]
    there = [i for i, path in enumerate(paths) if path is not None]
    found = [path for path in paths if path is not None]
    state = table.state[there, 0][:, columns]
    return LabelledFrames(
        tuple(mapping.matched[table.names[k]] for k in columns),
        points,
        np.where((state == 2)[..., None], table.position[there, 0][:, columns], np.nan),
        state,
        np.array([float(still_size(path)[1]) for path in found]),
        tuple(path.name for path in found),
        tuple(str(path.parent) for path in found),
        np.array([number_in_name(path) for path in found], np.int64),
        lambda row: read_still(found[row]),
    )


# predictions -----------------------------------------------------------------------------------------


def predictions_from_table(frames: LabelledFrames, table: KeypointTable) -> Predictions:
    """Take the predictions of another tool for labelled frames: by picture, else by video and number.

    Parameters
    ----------
    frames : LabelledFrames
        The labels.
    table : KeypointTable
        The predictions.

    Returns
    -------
    Predictions
        NaN where the table has no such frame or point.

    Raises
    ------
    RecipeError
        P403, if not one frame is in both, or numbers of frames do not tell of which recording they are.
    """
    one = table.individual()
    mapping = map_names(one.names, frames.keypoints).matched
    rows = _rows_for(frames, one)
    if all(row is None for row in rows):
        raise RecipeError("P403", "predictions", "not one labelled frame is among them")
    shape = frames.position.shape[:2]
    position, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    columns = {ours: one.names.index(theirs) for theirs, ours in mapping.items()}
    for i, row in enumerate(rows):
        for k, name in enumerate(frames.ids):
            if row is not None and name in columns:
                position[i, k] = one.position[row, 0, columns[name]]
                confidence[i, k] = one.confidence[row, 0, columns[name]]
    return Predictions(position, confidence if np.isfinite(confidence).any() else None)


def _rows_for(frames: LabelledFrames, table: KeypointTable) -> list[int | None]:
    """Return the row of the table for each labelled frame; None where there is none, or several could be."""
    pictures: dict[str, list[int]] = {}
    of_videos: dict[tuple[str, int], list[int]] = {}
    for i, (file, number) in enumerate(zip(table.files, table.frame.tolist(), strict=True)):
        last = Path(file.replace("\\", "/")).name
        if number < 0:
            pictures.setdefault(last, []).append(i)
        else:
            of_videos.setdefault((last, number), []).append(i)
    labelled = [name.rpartition(":")[0] or name for name in frames.names]
    videos = {video for video, _ in of_videos}
    # of a single video it does not matter what it is called here
    lasts = [Path(name).name for name in labelled]
    alone = next(iter(videos)) if len(videos) == 1 and not videos & set(lasts) else None
    found: list[tuple[int, int] | None] = []
    rows = zip(labelled, lasts, frames.recordings, frames.number.tolist(), strict=True)
    for name, last, recording, number in rows:
        numbered = of_videos.get((last if alone is None else alone, number), [])
        place = f"{recording.removeprefix('pictures ')}/{name}"
        if len({table.files[row] for row in numbered}) == 1:
            found.append((numbered[-1], 0))
        else:
            found.append(_best(place, numbered or pictures.get(last, []), table.files))
    return _without_doubt(frames, found)


def _best(place: str, candidates: Sequence[int], files: Sequence[str]) -> tuple[int, int] | None:
    """Return the row whose picture shares the longest end of its path with a place, and how much that is."""
    ends = [common_end(place, files[i]) for i in candidates]
    rows = [i for i, end in zip(candidates, ends, strict=True) if end == max(ends)]
    return (rows[-1], max(ends)) if len({files[i] for i in rows}) == 1 else None


def _without_doubt(frames: LabelledFrames, found: Sequence[tuple[int, int] | None]) -> list[int | None]:
    """Leave out rows that frames of several recordings could be; refuse where their numbers alone speak."""
    most: dict[int, int] = {}
    for one in found:
        if one is not None:
            most[one[0]] = max(one[1], most.get(one[0], 0))
    owners: dict[int, set[str]] = {}
    for one, recording in zip(found, frames.recordings, strict=True):
        if one is not None and one[1] == most[one[0]]:
            owners.setdefault(one[0], set()).add(recording)
    twice = [row for row, names in owners.items() if len(names) > 1]
    if any(most[row] == 0 for row in twice):
        raise RecipeError(
            "P403",
            "predictions",
            "they are of one video, and the labels are of several recordings with frames of the same number",
            hint="judge the labels of each recording apart",
        )
    return [
        one[0] if one is not None and one[1] == most[one[0]] and len(owners[one[0]]) == 1 else None
        for one in found
    ]

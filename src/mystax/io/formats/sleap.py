"""SLEAP's analysis HDF5, and its label files through the package sleap-io.

Facts about the layout are those that SLEAP (doi 10.1038/s41592-022-01426-1) documents and writes.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from mystax.core.extras import require
from mystax.core.keypoint_table import KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.guarded import check_hdf5
from mystax.io.stills import is_still

__all__ = [
    "plain_sleap_analysis",
    "plain_sleap_labels",
    "read_sleap_analysis",
    "read_sleap_labels",
    "write_sleap_analysis",
    "write_sleap_labels",
]

NO_TRACK = "without a track"
NUMBERED = re.compile(r"track[_ ]?\d*", re.IGNORECASE)
"""Names that SLEAP gives to tracks by itself."""


def _texts(dataset: Any) -> list[str]:
    values = np.asarray(dataset[...]).ravel()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]


def plain_sleap_analysis(path: str) -> dict[str, Any]:
    """Read an analysis file as plain data; meant for a child process.

    Raises
    ------
    FormatError
        F802, F803, F804, as the file is hostile or otherwise.
    """
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file)
            tracks = np.asarray(file["tracks"][...], np.float64)
            names = _texts(file["node_names"])
            track_names = _texts(file["track_names"]) if file["track_names"].size else []
            scores = np.asarray(file["point_scores"][...], np.float64) if "point_scores" in file else None
            edges = np.asarray(file["edge_inds"][...], np.int64) if "edge_inds" in file else np.empty((0, 2))
            video = _texts(file["video_path"])[0] if "video_path" in file else ""
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError) as error:
        raise FormatError("F804", where, f"not a SLEAP analysis file ({error})") from error
    return {
        "tracks": tracks,
        "names": names,
        "track_names": track_names,
        "scores": scores,
        "edges": edges.reshape(-1, 2).tolist(),
        "video": video,
    }


def read_sleap_analysis(path: Path | str) -> KeypointTable:
    """Read a SLEAP analysis file, in a child process.

    Parameters
    ----------
    path : path
        ``*.analysis.h5``.

    Returns
    -------
    KeypointTable
        Predictions; tracks are individuals.

    Raises
    ------
    FormatError
        F802, F803, F804, if the file is refused.
    """
    where = Path(path).name
    found = read_foreign(path, "sleap_analysis")
    tracks, names = found["tracks"], found["names"]
    if tracks.ndim != 4 or tracks.shape[1:3] != (2, len(names)):
        raise FormatError("F804", where, expected="tracks of (track, 2, node, frame)", got=str(tracks.shape))
    n_tracks, n = tracks.shape[0], tracks.shape[3]
    individuals = found["track_names"] if len(found["track_names"]) == n_tracks else []
    if not individuals:
        individuals = [""] if n_tracks == 1 else [f"track{a}" for a in range(n_tracks)]
    scores = found["scores"]
    if scores is not None and scores.shape != (n_tracks, len(names), n):
        raise FormatError(
            "F804", where, expected="point_scores of (track, node, frame)", got=str(scores.shape)
        )
    pairs = [(a, b) for a, b in found["edges"] if 0 <= a < len(names) and 0 <= b < len(names)]
    return make_table(
        names,
        tracks.transpose(3, 0, 2, 1),
        where=where,
        confidence=None if scores is None else _trust(scores.transpose(2, 0, 1)),
        frame=np.arange(n),
        files=[Path(found["video"].replace("\\", "/")).name] * n,
        individuals=individuals,
        kind="predictions",
        edges=[(names[a], names[b]) for a, b in pairs],
    )


def write_sleap_analysis(path: Path | str, table: KeypointTable) -> None:
    """Write a SLEAP analysis file; frames that the table lacks are empty.

    Parameters
    ----------
    path : path
        The file; one that exists is replaced.
    table : KeypointTable
        Frames of one video.
    """
    n = int(table.frame.max()) + 1 if len(table) and (table.frame >= 0).all() else len(table)
    at = table.frame if (table.frame >= 0).all() else np.arange(len(table))
    n_tracks, n_names = len(table.individuals), len(table.names)
    tracks = np.full((n_tracks, 2, n_names, n), np.nan)
    tracks[..., at] = table.position.transpose(1, 3, 2, 0)
    scores = np.full((n_tracks, n_names, n), np.nan)
    scores[..., at] = table.confidence.transpose(1, 2, 0)
    occupied = np.isfinite(tracks).any((1, 2)).T
    place = {name: k for k, name in enumerate(table.names)}
    edges = np.array([[place[a], place[b]] for a, b in table.edges], np.int32).reshape(-1, 2)
    named = [name for name in table.individuals if name]
    with h5py.File(path, "w") as file:
        file["tracks"] = tracks
        file["node_names"] = np.array([name.encode("utf-8") for name in table.names])
        file["track_names"] = np.array([name.encode("utf-8") for name in named]) if named else np.empty(0)
        file["track_occupancy"] = occupied.astype(np.uint8)
        file["point_scores"] = scores
        file["instance_scores"] = np.full((n_tracks, n), np.nan)
        file["tracking_scores"] = np.full((n_tracks, n), np.nan)
        file["edge_inds"] = edges
        file["edge_names"] = np.array(
            [[a.encode("utf-8"), b.encode("utf-8")] for a, b in table.edges], dtype=np.bytes_
        ).reshape(-1, 2)
        file["video_path"] = table.files[0] if table.files else ""
        file["video_ind"] = np.int32(0)
        file["labels_path"] = ""
        file["provenance"] = json.dumps({"made_by": "mystax"})


# labels, through sleap-io ----------------------------------------------------------------------------


def plain_sleap_labels(path: str) -> dict[str, Any]:
    """Read a `.slp` file as plain data through sleap-io; meant for a child process.

    Raises
    ------
    ExtraMissing
        X001, if sleap-io is not installed.
    FormatError
        F802, F803, F804, as the file is hostile or otherwise.
    """
    sleap_io: Any = require("sleap_io", "interop")
    where = Path(path).name
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_hdf5(file)
        labels = sleap_io.load_slp(path, open_videos=False)
        nodes = list(dict.fromkeys(str(node.name) for one in labels.skeletons for node in one.nodes))
        edges = [
            [nodes.index(str(a.name)), nodes.index(str(b.name))]
            for one in labels.skeletons
            for a, b in one.edges
        ]
        videos = _video_names(labels.videos)
        rows = []
        for frame in labels.labeled_frames:
            video, number = _place(videos[id(frame.video)], int(frame.frame_idx))
            # a person's labels count; predictions only where there are none
            users = list(frame.user_instances)
            chosen = users or list(frame.predicted_instances)
            points = [_points(one, nodes, is_scored=not users).tolist() for one in chosen]
            tracks = [str(one.track.name) if one.track is not None else "" for one in chosen]
            row = {"video": video, "frame": number, "points": points, "tracks": tracks}
            rows.append({**row, "is_user": bool(users)})
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FormatError(
            "F804", where, f"sleap-io cannot read it ({type(error).__name__}: {error})"
        ) from error
    return {"nodes": nodes, "edges": edges, "rows": rows}


def _video_names(videos: Any) -> dict[int, Any]:
    """Return the file of each video, or its list of pictures; of an embedded one the file that it is of."""
    found: dict[int, Any] = {}
    for video in videos:
        original = getattr(video, "source_video", None) or video
        name = getattr(original, "filename", None) or getattr(video, "filename", None) or ""
        if isinstance(name, str) and name.endswith(".slp"):  # nobody knows of which file: each is its own
            name = f"{name}#{len(found)}"
        found[id(video)] = name
    return found


def _place(video: Any, number: int) -> tuple[str, int]:
    """Return the video of a frame and its number; a picture, alone or of a list, has the number -1."""
    if isinstance(video, list | tuple):
        return str(video[number]), -1
    return str(video), -1 if number == 0 and is_still(str(video)) else number


def _points(instance: Any, nodes: list[str], *, is_scored: bool) -> np.ndarray:
    """Return x, y and score of an instance at the nodes of all skeletons: each has an order of its own."""
    found = np.full((len(nodes), 3), np.nan)
    own = [nodes.index(str(node.name)) for node in instance.skeleton.nodes]
    values = np.asarray(instance.numpy(scores=True) if is_scored else instance.numpy(), np.float64)
    found[own, : values.shape[1]] = values
    return found


def read_sleap_labels(path: Path | str) -> KeypointTable:
    """Read a `.slp` or `.pkg.slp` file, in a child process.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    KeypointTable
        Labels of persons; predictions where there are no labels at all.  Individuals are tracks where several
        are in one frame or have names that a person gave, else they are counted; points are those of all
        skeletons.

    Raises
    ------
    ExtraMissing
        X001, if sleap-io is not installed.
    FormatError
        F802, F803, F804, if the file is refused.
    """
    require("sleap_io", "interop")
    where = Path(path).name
    found = read_foreign(path, "sleap_labels", memory=4 << 30)
    names = found["nodes"]
    by_user = any(row["is_user"] for row in found["rows"])
    rows = [row for row in found["rows"] if row["is_user"] == by_user and row["points"]]
    individuals, places = _individuals([row["tracks"] for row in rows])
    points = np.full((len(rows), len(individuals), len(names), 3), np.nan)
    for i, row in enumerate(rows):
        points[i, places[i]] = np.array(row["points"], np.float64)
    return make_table(
        names,
        points[..., :2],
        where=where,
        confidence=_trust(points[..., 2]),
        frame=np.array([row["frame"] for row in rows], np.int64),
        files=_short([row["video"] for row in rows]),
        individuals=individuals,
        kind="labels" if by_user else "predictions",
        edges=[(names[a], names[b]) for a, b in found["edges"]],
    )


def _trust(scores: np.ndarray) -> np.ndarray:
    """Return scores as confidences 0..1: they are peaks of maps that a network may lift a little above 1."""
    return np.asarray(np.clip(scores, 0.0, 1.0))


def _individuals(tracks: list[list[str]]) -> tuple[list[str], list[list[int]]]:
    """Return the individuals, and the place of each instance among them: by its track, else by its order."""
    most = max((len(some) for some in tracks), default=0)
    known = sorted(dict.fromkeys(name for some in tracks for name in some), key=lambda name: not name)
    # SLEAP names a track anew where one breaks off: where no two are in one frame they may be of one animal.
    named = [name for name in known if name and (most > 1 or not NUMBERED.fullmatch(name))]
    if len(named) > 1 and all(len(set(some)) == len(some) for some in tracks):
        return [name or NO_TRACK for name in known], [[known.index(name) for name in some] for some in tracks]
    names = [""] if most <= 1 else [f"instance{a + 1}" for a in range(most)]
    return names, [list(range(len(some))) for some in tracks]


def _short(files: list[str]) -> list[str]:
    """Return the names of files without their folders, where these are not needed to tell them apart."""
    plain = [file.replace("\\", "/") for file in files]
    last = {file: PurePosixPath(file).name for file in plain}
    return [last[file] for file in plain] if len(set(last.values())) == len(last) else plain


def write_sleap_labels(path: Path | str, table: KeypointTable) -> None:
    """Write labels as a `.slp` file through sleap-io.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        Frames of videos, or pictures; several individuals become tracks.

    Raises
    ------
    ExtraMissing
        X001, if sleap-io is not installed.
    """
    sleap_io: Any = require("sleap_io", "interop")
    skeleton = sleap_io.Skeleton(list(table.names), edges=[list(edge) for edge in table.edges])
    videos = {name: sleap_io.Video(filename=name, open_backend=False) for name in dict.fromkeys(table.files)}
    names = table.individuals if len(table.individuals) > 1 else ()
    tracks = {name: sleap_io.Track(name) for name in names}
    frames = []
    for i in range(len(table)):
        instances = [
            sleap_io.Instance.from_numpy(
                table.position[i, a], skeleton=skeleton, track=tracks.get(table.individuals[a])
            )
            for a in range(len(table.individuals))
            if (table.state[i, a] > 0).any()
        ]
        number = max(0, int(table.frame[i]))
        frames.append(
            sleap_io.LabeledFrame(video=videos[table.files[i]], frame_idx=number, instances=instances)
        )
    sleap_io.save_slp(sleap_io.Labels(frames), str(path), verbose=False)

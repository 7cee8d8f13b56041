"""Labels as NWB files: the training data of ndx-pose, out of a table of keypoints and into one."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mystax.core.keypoint_table import ABSENT, INVISIBLE, PLACED, UNLABELLED, KeypointTable, make_table
from mystax.errors import FormatError
from mystax.io.foreign import read_foreign
from mystax.io.nwb import library
from mystax.io.nwb.foreign_parts import groups_by_kind, nodes_and_edges, opened, video_facts
from mystax.io.nwb.naming import clean
from mystax.io.stills import is_still

__all__ = ["plain_training", "read_training", "write_training"]

STATES = "mystax_label_states"
"""Scratch array (frame, individual, point) of the exact states: NWB does not tell absent points."""

PICTURES = "pictures"
ALONE = "face"
"""Name of an individual that has none."""


def write_training(path: Path | str, table: KeypointTable) -> None:
    """Write labels as `PoseTraining`: a frame with its instances, and the video or picture that it is of.

    Parameters
    ----------
    path : path
        The file.
    table : KeypointTable
        The table; the confidence of predictions has no place in such a file.

    Raises
    ------
    ExtraMissing
        X001, if pynwb is not installed.
    """
    pynwb, pose = library.pynwb(), library.ndx_pose()
    now = datetime.now(UTC)
    with library.quiet():
        file = pynwb.NWBFile(
            session_description="labels of keypoints", identifier=_identifier(table), session_start_time=now
        )
        at = {name: k for k, name in enumerate(table.names)}
        edges = np.array([[at[a], at[b]] for a, b in table.edges], np.uint8).reshape(-1, 2)
        more = {"edges": edges} if len(edges) else {}
        skeleton = pose.Skeleton(name="keypoints", nodes=list(table.names), **more)
        videos, places = _source_videos(pynwb, table)
        frames = [
            pose.TrainingFrame(
                name=f"frame{row:06d}",
                annotator=table.scorer or "unknown",
                skeleton_instances=pose.SkeletonInstances(
                    skeleton_instances=_instances(pose, table, row, skeleton)
                ),
                source_video=videos[places[row][0]],
                source_video_frame_index=np.uint32(places[row][1]),
            )
            for row in range(len(table))
        ]
        module = file.create_processing_module("behavior", "labels of keypoints")
        module.add(pose.Skeletons(skeletons=[skeleton]))
        module.add(
            pose.PoseTraining(
                training_frames=pose.TrainingFrames(training_frames=frames),
                source_videos=pose.SourceVideos(image_series=list(videos.values())),
            )
        )
        file.add_scratch(
            table.state.astype(np.int8),
            name=STATES,
            description="(frame, individual, point): 2 placed, 1 invisible, 0 absent, -1 not labelled",
        )
        with pynwb.NWBHDF5IO(str(path), "w") as out:
            out.write(file)


def _identifier(table: KeypointTable) -> str:
    found = hashlib.sha256(table.position.tobytes() + table.state.tobytes() + table.frame.tobytes())
    return found.hexdigest()[:32]


def _source_videos(pynwb: Any, table: KeypointTable) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    """Return a series for each video and one for all pictures, and series and frame of each row."""
    series: dict[str, Any] = {}
    places: list[tuple[str, int]] = []
    pictures = list(dict.fromkeys(table.files[row] for row in np.flatnonzero(table.frame < 0)))
    order = {name: k for k, name in enumerate(pictures)}
    if pictures:
        about = "Pictures, one frame each: no times are known."
        series[PICTURES] = _series(pynwb, PICTURES, pictures, range(len(pictures)), len(pictures), about)
    for row, frame in enumerate(map(int, table.frame)):
        name = table.files[row]
        if frame < 0:
            places.append((PICTURES, order[name]))
            continue
        if name not in series:
            longest = int(table.frame[[one == name for one in table.files]].max()) + 1
            about = "Video; times are numbers of frames, as its rate is not known here."
            label = clean(f"video{len(series)}-{Path(name).stem}")
            series[name] = _series(pynwb, label, [name or "unknown"], [0], longest, about)
        places.append((name, frame))
    return series, places


def _series(pynwb: Any, name: str, files: list[str], starts: Any, n_frames: int, about: str) -> Any:
    return pynwb.image.ImageSeries(
        name=name,
        description=about,
        unit="n.a.",
        format="external",
        external_file=files,
        starting_frame=list(starts),
        rate=1.0,
        num_samples=n_frames,
    )


def _instances(pose: Any, table: KeypointTable, row: int, skeleton: Any) -> list[Any]:
    """Return the individuals of a frame that have labels."""
    return [
        pose.SkeletonInstance(
            name=clean(name or ALONE),
            id=np.uint8(k),
            node_locations=table.position[row, k],
            node_visibility=table.state[row, k] == PLACED,
            skeleton=skeleton,
        )
        for k, name in enumerate(table.individuals)
        if (table.state[row, k] > UNLABELLED).any()
    ]


# in --------------------------------------------------------------------------------------------------


def plain_training(path: str) -> dict[str, Any]:
    """Read training data as plain data; meant for a child process.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    dict
        `nodes`, `edges`, `rows` (file, frame, annotator, and name, places and visibility of each instance),
        and `states`, where mystax wrote them.

    Raises
    ------
    FormatError
        F802, F803 as `check_hdf5`; F804, if it is no NWB file, or has no training data.
    """
    with opened(path) as file:
        kinds = groups_by_kind(file)
        skeletons = kinds.get("Skeleton", [])
        frames = sorted(kinds.get("TrainingFrame", []), key=lambda item: str(item.name))
        if not frames or not skeletons:
            raise FormatError("F804", Path(path).name, expected="training data of ndx-pose", got="none")
        nodes, edges = nodes_and_edges(skeletons[0])
        scratch = file.get(f"scratch/{STATES}")
        return {
            "nodes": nodes,
            "edges": edges,
            "rows": [_row(item, nodes) for item in frames],
            "states": np.asarray(scratch[...], np.int8) if isinstance(scratch, h5py.Dataset) else None,
        }


def _row(frame: h5py.Group, nodes: list[str]) -> dict[str, Any]:
    """Read one training frame; points of another skeleton are not taken for those of the first one."""
    instances: list[dict[str, Any]] = []
    n_nodes = len(nodes)
    for name, item in sorted(frame["skeleton_instances"].items()):
        own = next((one for one in item.values() if isinstance(one, h5py.Group) and "nodes" in one), None)
        if own is not None and nodes_and_edges(own)[0] != nodes:
            raise FormatError(
                "F804",
                str(item.name),
                "it is of another skeleton than the others",
                expected=", ".join(nodes),
                got=", ".join(nodes_and_edges(own)[0]),
            )
        places = np.asarray(item["node_locations"][...], np.float64)
        if places.ndim != 2 or len(places) != n_nodes or places.shape[1] < 2:
            got = f"an array {places.shape}"
            raise FormatError("F804", str(item.name), expected=f"{n_nodes} places x, y", got=got)
        seen = item.get("node_visibility")
        visible = np.asarray(seen[...], bool) if isinstance(seen, h5py.Dataset) else np.ones(n_nodes, bool)
        number = int(item.attrs.get("id", len(instances)))
        instances.append({"name": name, "id": number, "places": places[:, :2], "visible": visible})
    file, number = _place(frame)
    annotator = frame.attrs.get("annotator", "")
    return {"file": file, "frame": number, "annotator": str(annotator), "instances": instances}


def _place(frame: h5py.Group) -> tuple[str, int]:
    """Return the file of a training frame and its number there; -1 for a picture."""
    number, video = frame.attrs.get("source_video_frame_index"), frame.get("source_video")
    if number is None or not isinstance(video, h5py.Group):
        return "", -1
    facts = video_facts(video)
    files, starts = facts["files"], facts["starting_frames"] or [0]
    if not files:
        return "", int(number)
    at = min(int(np.searchsorted(starts, int(number), "right")) - 1, len(files) - 1)
    return files[at], -1 if is_still(files[at]) else int(number) - int(starts[at])


def read_training(path: Path | str) -> KeypointTable:
    """Read labels out of an NWB file.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    KeypointTable
        Points that are not visible are invisible; those without a place are not labelled, where mystax has
        not written that they are absent.

    Raises
    ------
    FormatError
        F802-F804, if the file is refused or has no training data.
    """
    found = read_foreign(path, "nwb_training")
    where, rows, nodes = Path(path).name, found["rows"], found["nodes"]
    known = {(int(one["id"]), str(one["name"])) for row in rows for one in row["instances"]}
    names = list(dict.fromkeys(name for _, name in sorted(known)))
    shape = (len(rows), max(1, len(names)), len(nodes))
    position, state = np.full((*shape, 2), np.nan), np.full(shape, UNLABELLED, np.int8)
    for i, row in enumerate(rows):
        for one in row["instances"]:
            k = names.index(str(one["name"]))
            position[i, k] = one["places"]
            state[i, k] = np.where(one["visible"], PLACED, INVISIBLE)
    state[~np.isfinite(position).all(-1)] = UNLABELLED
    exact = found["states"]
    if exact is not None and np.shape(exact) == shape:
        state = np.where(np.asarray(exact) == ABSENT, np.int8(ABSENT), state)
    pairs = np.asarray(found["edges"], np.int64).reshape(-1, 2).tolist()
    edges = [(nodes[a], nodes[b]) for a, b in pairs if 0 <= a < len(nodes) > b >= 0]
    return make_table(
        nodes,
        position,
        where=where,
        state=state,
        frame=np.array([row["frame"] for row in rows], np.int64),
        files=[str(row["file"]) for row in rows],
        individuals=names if len(names) > 1 else [""],
        scorer=str(rows[0]["annotator"]),
        edges=edges,
    )

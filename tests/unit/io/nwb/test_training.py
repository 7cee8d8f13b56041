"""Labels as NWB: read by other libraries as they were, and back again; other files are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mystax.core.keypoint_table import KeypointTable
from mystax.errors import FormatError
from mystax.io.formats.keypoint_files import detect_format
from mystax.io.hdf5 import write_tree
from mystax.io.nwb import library
from mystax.io.nwb.checks import check_valid, inspect
from mystax.io.nwb.training import plain_training, read_training, write_training
from tests.fixtures.keypoint_tables import random_table

pytestmark = [pytest.mark.extra("nwb"), pytest.mark.usefixtures("readers_here")]


def of_videos(table: KeypointTable) -> KeypointTable:
    """Return the table as one of frames of two videos and of a picture."""
    files = ("a.mp4", "a.mp4", "b.mp4", "labeled-data/face/img.png")
    return replace(table, files=files, frame=np.array([70000, 3, 0, -1]))


@pytest.fixture
def table() -> KeypointTable:
    return of_videos(random_table(5, n_individuals=2))


@pytest.fixture
def file(tmp_path: Path, table: KeypointTable) -> Path:
    write_training(tmp_path / "labels.nwb", table)
    return tmp_path / "labels.nwb"


def test_labels_come_back_as_they_were(file: Path, table: KeypointTable) -> None:
    found = read_training(file)
    np.testing.assert_array_equal(found.position, table.position)
    np.testing.assert_array_equal(found.state, table.state)
    assert found.frame.tolist() == table.frame.tolist()
    for name in ("names", "files", "individuals", "edges", "scorer", "kind"):
        assert getattr(found, name) == getattr(table, name), name


def test_a_single_individual_stays_without_a_name(tmp_path: Path) -> None:
    table = random_table(6)
    write_training(tmp_path / "one.nwb", table)
    found = read_training(tmp_path / "one.nwb")
    assert found.individuals == ("",)
    np.testing.assert_array_equal(found.state, table.state)
    assert found.files == table.files


def test_other_libraries_read_places_and_frames(file: Path, table: KeypointTable) -> None:
    with library.quiet(), library.pynwb().NWBHDF5IO(str(file), "r") as source:
        behavior = source.read().processing["behavior"]
        frames = behavior["PoseTraining"].training_frames.training_frames
        assert sorted(frames) == [f"frame{row:06d}" for row in range(4)]
        for row, (name, frame) in enumerate(sorted(frames.items())):
            assert frame.annotator == "ann", name
            instances: dict[str, Any] = frame.skeleton_instances.skeleton_instances
            for k, individual in enumerate(table.individuals):
                if individual in instances:
                    np.testing.assert_array_equal(
                        instances[individual].node_locations[:], table.position[row, k]
                    )
                    seen = np.asarray(instances[individual].node_visibility[:], bool)
                    np.testing.assert_array_equal(seen, table.state[row, k] == 2)
        assert int(frames["frame000000"].source_video_frame_index) == 70000
        assert frames["frame000000"].source_video.external_file[:].tolist() == ["a.mp4"]
        (skeleton,) = behavior["Skeletons"].skeletons.values()
        assert tuple(skeleton.nodes[:]) == table.names


def test_the_file_is_valid_and_nothing_critical_is_said(file: Path) -> None:
    check_valid(file, file.name)
    with pytest.raises(FormatError) as refused:
        inspect(file, file.name)
    # the videos do not lie beside it, and labels may be of many animals
    objections = {text.partition(":")[0] for text in refused.value.got.split("; ")}
    assert objections == {"check_image_series_external_file_valid", "check_subject_exists"}


def test_the_format_is_seen_in_the_content(file: Path) -> None:
    assert detect_format(file.rename(file.with_suffix(".dat"))) == "nwb"


def test_without_our_note_points_without_a_place_are_not_labelled(file: Path, table: KeypointTable) -> None:
    with h5py.File(file, "r+") as changed:
        del changed["scratch"]
    found = read_training(file)
    np.testing.assert_array_equal(found.state, np.where(table.state == 0, -1, table.state))


def test_an_nwb_file_without_training_data_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path / "other.nwb", {"processing": {"behavior": {"x": np.zeros(3)}}})
    with pytest.raises(FormatError, match=r"F804.*training data of ndx-pose"):
        plain_training(str(tmp_path / "other.nwb"))


def test_places_of_other_points_are_refused(file: Path) -> None:
    with h5py.File(file, "r+") as changed:
        frame = changed["processing/behavior/PoseTraining/training_frames/frame000000/skeleton_instances"]
        instance = next(iter(frame.values()))
        del instance["node_locations"]
        instance["node_locations"] = np.zeros((7, 2))
    with pytest.raises(FormatError, match=r"F804.*3 places x, y"):
        read_training(file)


def test_labels_of_a_second_skeleton_are_not_taken_for_those_of_the_first(file: Path) -> None:
    with h5py.File(file, "r+") as changed:
        skeletons = changed["processing/behavior/Skeletons"]
        changed.copy(skeletons["keypoints"], skeletons, "other")
        nodes = list(skeletons["other/nodes"].asstr()[...])
        del skeletons["other/nodes"]
        skeletons["other/nodes"] = np.array(nodes[::-1], object)
        frame = changed["processing/behavior/PoseTraining/training_frames/frame000000/skeleton_instances"]
        instance = next(iter(frame.values()))
        del instance["keypoints"]  # the link has the name of what it points to
        instance["other"] = h5py.SoftLink("/processing/behavior/Skeletons/other")
    with pytest.raises(FormatError, match=r"F804.*another skeleton"):
        read_training(file)

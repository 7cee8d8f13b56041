"""SLEAP's analysis files: tracks are individuals, frames that are not there stay empty."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.sleap import read_sleap_analysis, read_sleap_labels, write_sleap_analysis
from tests.fixtures.keypoint_tables import random_table


def test_tracks_come_back_as_individuals(tmp_path: Path) -> None:
    table = random_table(1, n_individuals=3, kind="predictions", states=False)
    write_sleap_analysis(tmp_path / "t.h5", table)
    found = read_sleap_analysis(tmp_path / "t.h5")
    assert found.individuals == table.individuals
    np.testing.assert_array_equal(found.position, table.position)
    np.testing.assert_array_equal(found.confidence, table.confidence)
    assert found.files == table.files
    assert found.edges == table.edges


def test_frames_that_the_table_lacks_are_empty(tmp_path: Path) -> None:
    table = random_table(2, n=3, kind="predictions", states=False, missing=0.0)
    table = replace(table, frame=np.array([1, 4, 6]))
    write_sleap_analysis(tmp_path / "t.h5", table)
    found = read_sleap_analysis(tmp_path / "t.h5")
    assert len(found) == 7
    np.testing.assert_array_equal(found.position[[1, 4, 6]], table.position)
    assert np.isnan(found.position[[0, 2, 3, 5]]).all()


def test_written_file_has_every_field_of_the_tool_in_its_shape(tmp_path: Path) -> None:
    table = random_table(3, n=5, n_names=3, n_individuals=2, kind="predictions", states=False)
    write_sleap_analysis(tmp_path / "t.h5", table)
    with h5py.File(tmp_path / "t.h5") as file:
        shapes = {name: file[name].shape for name in file}
        occupancy = file["track_occupancy"][...]
    assert shapes == {
        "tracks": (2, 2, 3, 5),
        "node_names": (3,),
        "track_names": (2,),
        "track_occupancy": (5, 2),
        "point_scores": (2, 3, 5),
        "instance_scores": (2, 5),
        "tracking_scores": (2, 5),
        "edge_inds": (1, 2),
        "edge_names": (1, 2),
        "video_path": (),
        "video_ind": (),
        "labels_path": (),
        "provenance": (),
    }
    np.testing.assert_array_equal(occupancy, np.isfinite(table.position).any((2, 3)))


def test_scores_above_one_are_full_confidence(tmp_path: Path) -> None:
    """Peaks of the maps of a network, which lifts the surest ones a little above 1."""
    write_sleap_analysis(tmp_path / "t.h5", random_table(4, kind="predictions", states=False, missing=0))
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        scores = file["point_scores"][...]
        scores[0, 0], scores[0, 1] = 1.05, np.nan
        file["point_scores"][...] = scores
    found = read_sleap_analysis(tmp_path / "t.h5").confidence
    assert (found[:, 0, 0] == 1).all()
    assert np.isnan(found[:, 0, 1]).all()
    np.testing.assert_array_equal(found[:, 0, 2:], np.moveaxis(scores, 2, 0)[:, 0, 2:])


@pytest.mark.usefixtures("readers_here")
def test_several_tracks_without_names_are_numbered(tmp_path: Path) -> None:
    table = random_table(4, n_individuals=2, kind="predictions", states=False)
    write_sleap_analysis(tmp_path / "t.h5", table)
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file["track_names"], file["point_scores"], file["edge_inds"], file["video_path"]
        file["track_names"] = np.empty(0)
    found = read_sleap_analysis(tmp_path / "t.h5")
    assert found.individuals == ("track0", "track1")
    assert np.isnan(found.confidence).all()
    assert (found.edges, found.files[0]) == ((), "")


@pytest.mark.usefixtures("readers_here")
def test_edges_beyond_the_points_are_left_out(tmp_path: Path) -> None:
    write_sleap_analysis(tmp_path / "t.h5", random_table(5, kind="predictions", states=False))
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file["edge_inds"]
        file["edge_inds"] = np.array([[0, 1], [0, 99], [-1, 0]])
    assert len(read_sleap_analysis(tmp_path / "t.h5").edges) == 1


@pytest.mark.usefixtures("readers_here")
@pytest.mark.parametrize("name", ["tracks", "node_names", "track_names"])
def test_file_without_a_needed_field_is_refused(tmp_path: Path, name: str) -> None:
    write_sleap_analysis(tmp_path / "t.h5", random_table(6, kind="predictions", states=False))
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file[name]
    with pytest.raises(FormatError, match="F804"):
        read_sleap_analysis(tmp_path / "t.h5")


def slp(folder: Path) -> Path:
    """Write two skeletons whose points have another order, two tracks that change places, two videos."""
    sleap_io = pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    face = sleap_io.Skeleton(["nose", "ear"], name="face")
    other = sleap_io.Skeleton(["ear", "nose"], name="other")
    tracks = [sleap_io.Track("ann"), sleap_io.Track("bob")]
    videos = [sleap_io.Video(filename=f"cam{k}/v.mp4", open_backend=False) for k in (1, 2)]
    frames = []
    for k, video in enumerate(videos):
        for number in (0, 5):
            first = sleap_io.Instance.from_numpy(
                np.array([[k, 1.0], [k, 2.0]]), skeleton=face, track=tracks[0]
            )
            second = sleap_io.Instance.from_numpy(
                np.array([[k, 4.0], [k, 3.0]]), skeleton=other, track=tracks[1]
            )
            both = [first, second] if number == 0 else [second, first]
            frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=both))
    sleap_io.save_slp(sleap_io.Labels(frames), str(folder / "t.slp"), verbose=False)
    return folder / "t.slp"


@pytest.mark.usefixtures("readers_here")
@pytest.mark.extra("interop")
def test_points_go_by_name_whatever_skeleton_an_instance_has(tmp_path: Path) -> None:
    table = read_sleap_labels(slp(tmp_path))
    assert table.names == ("nose", "ear")
    assert table.individual("bob").position[0, 0].tolist() == [[0, 3], [0, 4]]


@pytest.mark.usefixtures("readers_here")
@pytest.mark.extra("interop")
def test_individuals_are_tracks_whatever_their_order_in_a_frame(tmp_path: Path) -> None:
    table = read_sleap_labels(slp(tmp_path))
    assert table.individuals == ("ann", "bob")
    assert table.individual("ann").position[:, 0, 0, 1].tolist() == [1, 1, 1, 1]


@pytest.mark.usefixtures("readers_here")
@pytest.mark.extra("interop")
def test_videos_of_equal_names_are_told_apart(tmp_path: Path) -> None:
    table = read_sleap_labels(slp(tmp_path))
    assert table.files == ("cam1/v.mp4", "cam1/v.mp4", "cam2/v.mp4", "cam2/v.mp4")
    assert table.frame.tolist() == [0, 5, 0, 5]


@pytest.mark.extra("interop")
def test_predictions_keep_their_scores(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    skeleton = sleap_io.Skeleton(["nose", "ear"])
    one = sleap_io.PredictedInstance.from_numpy(
        np.array([[1.0, 2.0], [3.0, 4.0]]), skeleton=skeleton, point_scores=np.array([0.25, 0.75])
    )
    video = sleap_io.Video(filename="v.mp4", open_backend=False)
    labels = sleap_io.Labels([sleap_io.LabeledFrame(video=video, frame_idx=3, instances=[one])])
    sleap_io.save_slp(labels, str(tmp_path / "t.slp"), verbose=False)
    assert read_sleap_labels(tmp_path / "t.slp").confidence[0, 0].tolist() == [0.25, 0.75]


def tracked(folder: Path, tracks: list[str | None]) -> Path:
    """Write frames of one animal each, at (k, k) in frame k, on the tracks that are told."""
    sleap_io = pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    skeleton, video = sleap_io.Skeleton(["nose"]), sleap_io.Video(filename="v.mp4", open_backend=False)
    known = {name: sleap_io.Track(name) if name else None for name in tracks}
    animals = [
        sleap_io.Instance.from_numpy(np.full((1, 2), float(k)), skeleton=skeleton, track=known.get(name))
        for k, name in enumerate(tracks)
    ]
    frames = [
        sleap_io.LabeledFrame(video=video, frame_idx=k, instances=[one]) for k, one in enumerate(animals)
    ]
    sleap_io.save_slp(sleap_io.Labels(frames), str(folder / "t.slp"), verbose=False)
    return folder / "t.slp"


@pytest.mark.usefixtures("readers_here")
@pytest.mark.extra("interop")
@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        (["A", "B", "A"], {"A": [0, 2], "B": [1]}),
        ([None, "A", "B"], {"A": [1], "B": [2], "without a track": [0]}),
        (["A", None, "A"], {"": [0, 1, 2]}),
        (["track_0", "track_1", None, "track_2"], {"": [0, 1, 2, 3]}),
    ],
)
def test_tracks_that_are_never_together_are_different_animals_if_they_have_names(
    tmp_path: Path, tracks: list[str | None], expected: dict[str, list[int]]
) -> None:
    table = read_sleap_labels(tracked(tmp_path, tracks))
    places = {name: table.individual(name).position[:, 0, 0, 0] for name in table.individuals}
    assert {name: x[np.isfinite(x)].tolist() for name, x in places.items()} == expected
    assert table.individuals == tuple(expected)

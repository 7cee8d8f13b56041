"""SLEAP's analysis files: tracks are individuals, frames that are not there stay empty."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.sleap import read_sleap_analysis, write_sleap_analysis
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


def test_edges_beyond_the_points_are_left_out(tmp_path: Path) -> None:
    write_sleap_analysis(tmp_path / "t.h5", random_table(5, kind="predictions", states=False))
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file["edge_inds"]
        file["edge_inds"] = np.array([[0, 1], [0, 99], [-1, 0]])
    assert len(read_sleap_analysis(tmp_path / "t.h5").edges) == 1


@pytest.mark.parametrize("name", ["tracks", "node_names", "track_names"])
def test_file_without_a_needed_field_is_refused(tmp_path: Path, name: str) -> None:
    write_sleap_analysis(tmp_path / "t.h5", random_table(6, kind="predictions", states=False))
    with h5py.File(tmp_path / "t.h5", "r+") as file:
        del file[name]
    with pytest.raises(FormatError, match="F804"):
        read_sleap_analysis(tmp_path / "t.h5")

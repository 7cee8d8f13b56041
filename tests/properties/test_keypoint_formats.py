"""What is written in a format of keypoints is read as the same, NaN and invisible points included."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from mystax.core.keypoint_table import KeypointTable
from mystax.io.formats.coco import read_coco, write_coco
from mystax.io.formats.dlc import read_dlc, table_of_columns, write_dlc, write_lightning_pose
from mystax.io.formats.dlc_h5 import plain_dlc_h5, write_dlc_h5
from mystax.io.formats.facemap_keypoints import plain_facemap_h5, write_facemap_h5
from mystax.io.formats.keypoint_csv import read_keypoint_csv, write_keypoint_csv
from mystax.io.formats.sleap import plain_sleap_analysis, write_sleap_analysis
from tests.fixtures.keypoint_tables import assert_same_places, tables

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example writes its file anew."""


@SHARED
@given(tables())
def test_deeplabcut_table(tmp_path: Path, table: KeypointTable) -> None:
    write_dlc(tmp_path / "t.csv", table)
    found = read_dlc(tmp_path / "t.csv")
    assert_same_places(found, table)
    assert (found.kind, found.scorer) == (table.kind, "ann")
    np.testing.assert_array_equal(found.confidence, table.confidence)
    if table.kind == "labels":
        assert found.files == table.files


@SHARED
@given(tables())
def test_lightning_pose_table(tmp_path: Path, table: KeypointTable) -> None:
    write_lightning_pose(tmp_path / "t.csv", table)
    found = read_dlc(tmp_path / "t.csv")
    assert_same_places(found, table)
    if table.kind == "labels":
        assert found.files == table.files


@SHARED
@given(tables())
def test_deeplabcut_hdf5(tmp_path: Path, table: KeypointTable) -> None:
    write_dlc_h5(tmp_path / "t.h5", table)
    plain = plain_dlc_h5(str(tmp_path / "t.h5"))
    found = table_of_columns("t.h5", plain["levels"], plain["columns"], plain["index"], plain["values"])
    assert_same_places(found, table)
    np.testing.assert_array_equal(found.confidence, table.confidence)


@SHARED
@given(tables(n_individuals=1))
def test_wide_table_keeps_states_and_further_columns(tmp_path: Path, table: KeypointTable) -> None:
    table = replace(table, extra={"session": tuple(f"day {i}" for i in range(len(table)))})
    write_keypoint_csv(tmp_path / "t.csv", table)
    found = read_keypoint_csv(tmp_path / "t.csv")
    assert_same_places(found, table)
    np.testing.assert_array_equal(found.state, table.state)
    np.testing.assert_array_equal(found.confidence, table.confidence)
    assert found.extra == table.extra


@SHARED
@given(tables(kind="labels"))
def test_coco_keeps_every_state(tmp_path: Path, table: KeypointTable) -> None:
    table = table.rows(np.asarray((table.state >= 0).any((1, 2))))
    write_coco(tmp_path / "t.json", table)
    found = read_coco(tmp_path / "t.json")
    # COCO lists individuals where they are in a picture: those that are in none are unknown to it
    order = [table.individuals.index(name) for name in found.individuals] if found.individuals[0] else [0]
    np.testing.assert_array_equal(found.position, table.position[:, order])
    np.testing.assert_array_equal(found.state, table.state[:, order])
    assert (np.delete(table.state, order, axis=1) < 0).all()
    assert (found.names, found.files, found.edges) == (table.names, table.files, table.edges)


@SHARED
@given(tables(kind="predictions"))
def test_sleap_analysis(tmp_path: Path, table: KeypointTable) -> None:
    write_sleap_analysis(tmp_path / "t.h5", table)
    plain = plain_sleap_analysis(str(tmp_path / "t.h5"))
    np.testing.assert_array_equal(plain["tracks"].transpose(3, 0, 2, 1), table.position)
    np.testing.assert_array_equal(plain["scores"].transpose(2, 0, 1), table.confidence)
    assert plain["names"] == list(table.names)
    assert [tuple(table.names[k] for k in edge) for edge in plain["edges"]] == list(table.edges)


@SHARED
@given(tables(kind="predictions", n_individuals=1))
def test_facemap_predictions(tmp_path: Path, table: KeypointTable) -> None:
    write_facemap_h5(tmp_path / "t.h5", table)
    plain = plain_facemap_h5(str(tmp_path / "t.h5"))
    theirs = {"nose_tip": "nose(tip)", "eye_top": "eye(top)", "whisker_I": "whisker(I)"}
    for k, name in enumerate(table.names):
        group = plain[theirs.get(name, name)]
        np.testing.assert_allclose(group["x"], table.position[:, 0, k, 0], rtol=0, atol=1e-3)
        np.testing.assert_allclose(group["y"], table.position[:, 0, k, 1], rtol=0, atol=1e-3)
        np.testing.assert_allclose(group["likelihood"], table.confidence[:, 0, k], rtol=0, atol=1e-6)


@pytest.mark.parametrize("writer", [write_dlc, write_lightning_pose, write_keypoint_csv])
@pytest.mark.parametrize("seed", range(3))
def test_same_table_gives_the_same_bytes(tmp_path: Path, writer: object, seed: int) -> None:
    from tests.fixtures.keypoint_tables import random_table

    assert callable(writer)
    writer(tmp_path / "a", random_table(seed))
    writer(tmp_path / "b", random_table(seed))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

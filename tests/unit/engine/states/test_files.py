"""Files of other tools as recordings of states: what they become, and what is missing in them."""

from pathlib import Path

import numpy as np
import pytest

from mystax.analyses.states import StatesParams
from mystax.core.keypoints import KeypointSet
from mystax.engine.states.files import read_foreign
from mystax.errors import MystaxError
from tests.fixtures.anipose_tables import write_anipose
from tests.fixtures.face_tracks import SET, expressive_face
from tests.unit.io.formats.test_mediapipe import POINTS
from tests.unit.io.formats.test_openface import write_openface

AT_30 = StatesParams(rate=30.0)


def test_anipose_is_a_face_in_space_in_the_order_of_its_set(tmp_path: Path) -> None:
    _, points = expressive_face(1, 40)
    ids = list(KeypointSet.load(SET).ids)
    write_anipose(tmp_path / "a.csv", ids[::-1], points[:, ::-1])
    (found,) = read_foreign(tmp_path / "a.csv", AT_30, KeypointSet.load(SET))
    assert (found.name, found.unit, found.ids) == ("a", "mm", tuple(ids))
    np.testing.assert_allclose(found.points, points, atol=1e-9)
    np.testing.assert_allclose(found.times, np.arange(40) / 30)
    assert found.flags == ()


def test_mirrored_coordinates_are_turned_back_and_said(tmp_path: Path) -> None:
    _, points = expressive_face(1, 40)
    write_anipose(tmp_path / "a.csv", list(KeypointSet.load(SET).ids), points, np.diag([1.0, 1.0, -1.0]))
    (found,) = read_foreign(tmp_path / "a.csv", AT_30, KeypointSet.load(SET))
    assert [flag.code for flag in found.flags] == ["N314"]
    gaps = [np.linalg.norm(side[:, 0] - side[:, 7], axis=1) for side in (found.points, points)]
    np.testing.assert_allclose(*gaps)


def test_openface_brings_its_own_time_and_a_recording_per_face(tmp_path: Path) -> None:
    places = write_openface(tmp_path / "o.csv", n=6, faces=2)
    found = read_foreign(tmp_path / "o.csv", StatesParams(), None)
    assert [item.name for item in found] == ["o.0", "o.1"]
    assert [item.individual for item in found] == ["0", "1"]
    assert len({item.identity for item in found}) == 2
    for k, item in enumerate(found):
        np.testing.assert_allclose(item.times, np.arange(6) / 25)
        np.testing.assert_allclose(item.points[3], places[k, 3])
        assert np.isnan(item.points[2]).all()  # no success
        assert "AU01_r" in item.columns


def test_mediapipe_keeps_the_points_of_the_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", points=POINTS, size=[640, 480], time=np.arange(5) / 30)
    (found,) = read_foreign(tmp_path / "m.npz", StatesParams(), None)
    keypoints = KeypointSet.load("human-face-mp")
    assert found.ids == keypoints.ids
    number = int(found.ids[0].removeprefix("mp"))
    np.testing.assert_allclose(found.points[:, 0, 0], POINTS[:, number, 0] * 640)


@pytest.mark.parametrize("kind", ["anipose", "table"])
def test_files_without_time_ask_for_a_rate(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    if kind == "anipose":
        write_anipose(path, list(KeypointSet.load(SET).ids), expressive_face(1, 20)[1])
    else:
        ids = KeypointSet.load("mouse-face-13").ids
        head = ",".join(["frame", *(f"{name}_{axis}" for name in ids for axis in "xy")])
        path.write_text("\n".join([head, *(",".join(map(str, range(27))) for _ in range(3))]) + "\n")
    with pytest.raises(MystaxError, match=r"P401.*t.csv has no time: give --rate, e.g. --rate 30"):
        read_foreign(path, StatesParams(), None)


def test_wide_table_is_a_face_in_the_plane(tmp_path: Path) -> None:
    ids = KeypointSet.load("mouse-face-13").ids
    places = np.random.default_rng(0).uniform(0, 99, (4, 13, 2)).round(2)
    head = ",".join(["frame", *(f"{name}_{axis}" for name in ids for axis in "xy")])
    rows = [",".join([str(k), *map(str, item.ravel())]) for k, item in enumerate(places)]
    (tmp_path / "w.csv").write_text("\n".join([head, *rows]) + "\n")
    (found,) = read_foreign(tmp_path / "w.csv", AT_30, None)
    assert found.unit == "px"
    np.testing.assert_allclose(found.points, places)


def test_names_are_translated_by_a_table(tmp_path: Path) -> None:
    _, points = expressive_face(1, 20)
    ids = list(KeypointSet.load(SET).ids)
    theirs = [f"mark{k}" for k in range(len(ids))]
    write_anipose(tmp_path / "a.csv", theirs, points)
    (found,) = read_foreign(
        tmp_path / "a.csv", AT_30, KeypointSet.load(SET), dict(zip(theirs, ids, strict=True))
    )
    np.testing.assert_allclose(found.points, points, atol=1e-9)

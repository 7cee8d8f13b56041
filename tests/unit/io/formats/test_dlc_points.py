"""DeepLabCut's points in space: pandas reads what we write, and we what pandas writes."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.detect import detect_import
from mystax.io.formats.dlc_points import (
    DlcPoints,
    dlc_points_text,
    is_dlc_points,
    read_dlc_points,
    write_dlc_points_h5,
)
from mystax.io.formats.keypoint_files import read_keypoints

pytestmark = pytest.mark.usefixtures("readers_here")

HEAD = "scorer,DLC_3D,DLC_3D,DLC_3D\nbodyparts,a,a,a\ncoords,{}\n"


def points_of(individuals: tuple[str, ...] = ("",)) -> DlcPoints:
    position = np.random.default_rng(1).normal(0, 30, (5, len(individuals), 3, 3))
    position[2, 0, 1] = np.nan
    return DlcPoints(("nose", "ear", "paw"), individuals, position, np.arange(4, 9))


def write(path: Path, points: DlcPoints) -> Path:
    if path.suffix == ".h5":
        write_dlc_points_h5(path, points)
    else:
        path.write_text(dlc_points_text(points))
    return path


@pytest.mark.parametrize("individuals", [("",), ("m1", "m2")])
@pytest.mark.parametrize("suffix", [".csv", ".h5"])
def test_written_points_are_read_back_equal(
    tmp_path: Path, suffix: str, individuals: tuple[str, ...]
) -> None:
    points = points_of(individuals)
    path = write(tmp_path / f"a{suffix}", points)
    assert detect_import(path) == "dlc-3d"
    found = read_dlc_points(path, hdf5=suffix == ".h5")
    assert (found.names, found.individuals) == (points.names, points.individuals)
    np.testing.assert_array_equal(found.position, points.position)
    np.testing.assert_array_equal(found.frame, points.frame)


@pytest.mark.parametrize("suffix", [".csv", ".h5"])
def test_pandas_reads_what_is_written(tmp_path: Path, suffix: str) -> None:
    pandas = pytest.importorskip("pandas", reason='pip install "mystax[dev]"')
    points = points_of(("m1", "m2"))
    path = write(tmp_path / f"a{suffix}", points)
    if suffix == ".h5":
        pytest.importorskip("tables", reason="pip install tables")
        frame = pandas.read_hdf(path)
    else:
        frame = pandas.read_csv(path, header=[0, 1, 2, 3], index_col=0)
    assert list(frame.columns.names) == ["scorer", "individuals", "bodyparts", "coords"]
    assert frame.index.tolist() == points.frame.tolist()
    np.testing.assert_array_equal(frame[("DLC_3D", "m2", "paw", "z")].to_numpy(), points.position[:, 1, 2, 2])


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_what_pandas_writes_is_read(tmp_path: Path, layout: str) -> None:
    pandas = pytest.importorskip("pandas", reason='pip install "mystax[dev]"')
    pytest.importorskip("tables", reason="pip install tables")
    points = points_of()
    columns = pandas.MultiIndex.from_product(
        [["DLC_3D"], list(points.names), ["x", "y", "z"]], names=["scorer", "bodyparts", "coords"]
    )
    frame = pandas.DataFrame(points.position.reshape(5, -1), columns=columns, index=points.frame)
    frame.to_hdf(tmp_path / "a.h5", key="df_with_missing", mode="w", format=layout)
    found = read_dlc_points(tmp_path / "a.h5", hdf5=True)
    np.testing.assert_array_equal(found.position, points.position)
    assert found.frame.tolist() == [4, 5, 6, 7, 8]


def test_tracks_in_pictures_are_no_points_in_space(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD.format("x,y,likelihood") + "0,1,2,0.5\n")
    assert not is_dlc_points(path, hdf5=False)
    assert detect_import(path) == "keypoints"
    with pytest.raises(FormatError, match="F804"):
        read_dlc_points(path, hdf5=False)


def test_points_in_space_are_no_track_of_a_camera(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", points_of())
    with pytest.raises(FormatError, match="points in space"):
        read_keypoints(path)


@pytest.mark.parametrize(
    ("coords", "rows", "said"),
    [
        ("x,y,z", "0,1,2,3\n0,1,2,3\n", "rising"),
        ("x,y,z", "img1.png,1,2,3\n", "no frame"),
        ("x,x,z", "0,1,2,3\n", "twice"),
        ("z,y,y", "0,1,2,3\n", "twice"),
        ("x,likelihood,z", "0,1,2,3\n", "x, y and z"),
    ],
)
def test_tables_that_are_not_whole_are_refused(tmp_path: Path, coords: str, rows: str, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEAD.format(coords) + rows)
    with pytest.raises(FormatError, match=said) as refused:
        read_dlc_points(path, hdf5=False)
    assert refused.value.code == "F804"

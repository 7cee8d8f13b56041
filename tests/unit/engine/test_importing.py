"""Files of other tools become outcomes that `mystax.load` reads."""

from pathlib import Path

import numpy as np
import pytest

from mystax.engine.export import ExportWish, export_targets
from mystax.engine.importing import ImportWishes, import_file
from mystax.errors import FormatError, ParameterError, RecipeError
from mystax.io.formats.anipose_points import read_anipose_points
from mystax.io.recorded import find_recorded
from mystax.io.tables import write_tables
from tests.fixtures.exchange_outcomes import contents, publish_known

pytestmark = pytest.mark.usefixtures("readers_here")


def anipose(path: Path, mirror: float = 1.0) -> Path:
    """Write two points in four frames, in Anipose's layout."""
    names = ("nose", "ear")
    head = [f"{name}_{part}" for name in names for part in ("x", "y", "z", "error", "ncams", "score")]
    head += [f"M_{i}{j}" for i in range(3) for j in range(3)] + [f"center_{i}" for i in range(3)] + ["fnum"]
    rows: list[list[float]] = []
    for k in range(4):
        row: list[float] = [k, 2, 3, 0.5, 2, 0.9, 10 + k, 20, 30, 0.25, 3, 0.8]
        rows.append([*row, mirror, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2 * k])
    table = [head, *(list(map(str, row)) for row in rows)]
    path.write_text("\n".join(map(",".join, table)) + "\n")
    return path


def test_points_of_anipose_keep_error_count_and_score(tmp_path: Path) -> None:
    found = import_file(anipose(tmp_path / "pose-3d.csv"), ImportWishes(rate=100.0))
    pose = found["pose-3d"]["pose3d"]
    assert pose["position"].values[3, :, 1, 0].tolist() == [13, 20, 30]
    assert pose["time"].values.tolist() == [0, 0.02, 0.04, 0.06]
    assert pose["residual"].values[0, 0, :, 0].tolist() == [0.5, 0.25]
    assert pose["n_cameras"].values[0, :, 0].tolist() == [2, 3]
    assert pose["confidence"].values[0, :, 0] == pytest.approx([0.9, 0.8])


def test_mirrored_points_of_anipose_are_turned_back_and_told(tmp_path: Path) -> None:
    found = import_file(anipose(tmp_path / "pose-3d.csv", mirror=-1.0), ImportWishes(rate=100.0))
    pose = found["pose-3d"]["pose3d"]
    assert "N314" in pose.attrs["quality"]
    assert pose["position"].values[3, 0, 0, 0] == -3


def test_points_of_anipose_stay_as_they_are_when_asked(tmp_path: Path) -> None:
    wishes = ImportWishes(rate=100.0, keep_frame=True)
    found = import_file(anipose(tmp_path / "pose-3d.csv", mirror=-1.0), wishes)
    assert found["pose-3d"]["pose3d"]["position"].values[3, 0, 0, 0] == 3


@pytest.mark.parametrize("rate", [None, 0.0, float("nan")])
def test_frame_numbers_need_a_rate(tmp_path: Path, rate: float | None) -> None:
    with pytest.raises(ParameterError, match="P401 --rate"):
        import_file(anipose(tmp_path / "pose-3d.csv"), ImportWishes(rate=rate))
    assert not list(tmp_path.glob("*.mystax"))


def test_track_of_a_tracker_becomes_a_pose(tmp_path: Path) -> None:
    path = tmp_path / "track.csv"
    path.write_text(
        "scorer,net,net,net\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,1.5,2.5,0.9\n1,3.5,4.5,0.8\n"
    )
    pose = import_file(path, ImportWishes(rate=50.0))["track"]["pose"]
    assert pose["position"].values[1, :, 0, 0].tolist() == [3.5, 4.5]
    assert pose["time"].values.tolist() == [0, 0.02]
    assert np.isnan(pose["covariance"].values).all()


def test_two_recordings_get_a_folder_each(tmp_path: Path) -> None:
    for name in ("a", "b"):
        publish_known(tmp_path / f"{name}.mystax", "running", cameras=(name, "other"))
    write_tables(tmp_path / "out", find_recorded([tmp_path]), "csv")
    found = import_file(tmp_path / "out", ImportWishes(out=tmp_path / "back"))
    assert sorted(found) == ["a", "b"]
    for name in ("a", "b"):
        assert contents(tmp_path / "back" / f"{name}.mystax") == contents(tmp_path / f"{name}.mystax")


def test_repair_belongs_to_files_of_facemap(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="Facemap"):
        import_file(anipose(tmp_path / "pose-3d.csv"), ImportWishes(repair=True, rate=1.0))


@pytest.mark.needs_data
def test_real_points_of_anipose_are_read(real_data: Path, tmp_path: Path) -> None:
    found = import_file(
        real_data / "uqoab" / "pose-3d.csv", ImportWishes(rate=60.0, out=tmp_path / "x.mystax")
    )
    pose = found["pose-3d"]["pose3d"]
    assert (pose.sizes["time"], pose.sizes["keypoint"]) == (450, 21)
    assert "N314" in pose.attrs["quality"]  # its coordinates are mirrored


@pytest.mark.needs_data
def test_real_poses_of_another_tool_are_read(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "formats/ndx_pose/0.1.1_poseestimation_nodes_edges.nwb"
    (found,) = import_file(path, ImportWishes(out=tmp_path / "x.mystax")).values()
    assert (found["pose"].sizes["time"], found["pose"].sizes["keypoint"]) == (100, 2)
    assert np.isfinite(found["pose"]["position"].values).all()


@pytest.mark.needs_data
def test_real_pose_of_two_cameras_is_refused_with_its_reason(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "formats/ndx_pose/0.3.0_poseestimation_two_cameras.nwb"
    with pytest.raises(FormatError, match=r"F804.*links 2 cameras"):
        import_file(path, ImportWishes(out=tmp_path / "x.mystax"))
    assert not (tmp_path / "x.mystax").exists()


def test_links_are_followed_in_nwb_files_only(tmp_path: Path) -> None:
    path = anipose(tmp_path / "pose-3d.csv")
    with pytest.raises(RecipeError, match=r"P403 --follow-links.*anipose"):
        import_file(path, ImportWishes(rate=30.0, follow_links=True))


def test_points_of_deeplabcut_need_their_unit_and_become_millimetres(tmp_path: Path) -> None:
    path = tmp_path / "a_DLC_3D.csv"
    path.write_text(
        "scorer,DLC_3D,DLC_3D,DLC_3D\nbodyparts,nose,nose,nose\ncoords,x,y,z\n0,1,2,3\n2,1.5,,4\n"
    )
    with pytest.raises(ParameterError, match="P401 --unit"):
        import_file(path, ImportWishes(rate=10.0))
    pose = import_file(path, ImportWishes(rate=10.0, unit=20.0))["a_DLC_3D"]["pose3d"]
    assert pose["position"].values[0, :, 0, 0].tolist() == [20, 40, 60]
    assert np.isnan(pose["position"].values[1, 1, 0, 0])
    assert pose["time"].values.tolist() == [0, 0.2]


def test_imported_points_of_anipose_go_out_again_as_they_came(tmp_path: Path) -> None:
    first = anipose(tmp_path / "pose-3d.csv")
    import_file(first, ImportWishes(rate=100.0, out=tmp_path / "a.mystax"))
    (second,) = export_targets([tmp_path / "a.mystax"], "anipose", tmp_path, ExportWish({}))
    here, there = read_anipose_points(first), read_anipose_points(second)
    for name in ("names", "position", "residual", "n_cameras", "frame"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
    np.testing.assert_array_equal(here.confidence.astype(np.float32), there.confidence.astype(np.float32))


def test_track_of_two_videos_becomes_two_recordings(tmp_path: Path) -> None:
    sleap_io = pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    skeleton = sleap_io.Skeleton(["nose"])
    frames = []
    for k, name in enumerate(("left.mp4", "right.mp4")):
        video = sleap_io.Video(filename=name, open_backend=False)
        for number in range(3):
            one = sleap_io.Instance.from_numpy(np.array([[10.0 * k + number, 1.0]]), skeleton=skeleton)
            frames.append(sleap_io.LabeledFrame(video=video, frame_idx=number, instances=[one]))
    sleap_io.save_slp(sleap_io.Labels(frames), str(tmp_path / "t.slp"), verbose=False)
    found = import_file(tmp_path / "t.slp", ImportWishes(rate=10.0))
    assert sorted(found) == ["left", "right"]
    for name, start in (("left", 0), ("right", 10)):
        assert found[name]["pose"]["position"].values[:, 0, 0, 0].tolist() == [start, start + 1, start + 2]


def test_rows_that_repeat_a_frame_are_told(tmp_path: Path) -> None:
    rows = [f"{k % 3},{10 + k},1" for k in range(5)]
    (tmp_path / "t.csv").write_text("\n".join(["frame,nose_x,nose_y", *rows]) + "\n", "utf-8")
    pose = import_file(tmp_path / "t.csv", ImportWishes(rate=10.0))["t"]["pose"]
    assert pose["position"].values[:, 0, 0, 0].tolist() == [10, 11, 12]
    assert "2 rows repeat the number of a frame" in pose.attrs["quality"]


def test_points_in_space_stand_in_the_order_of_their_frames(tmp_path: Path) -> None:
    path = anipose(tmp_path / "pose-3d.csv")
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, *rows[::-1], rows[2]]) + "\n")
    pose = import_file(path, ImportWishes(rate=100.0))["pose-3d"]["pose3d"]
    assert pose["time"].values.tolist() == [0, 0.02, 0.04, 0.06]
    assert pose["position"].values[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert "1 rows repeat the number of a frame" in pose.attrs["quality"]


def test_row_without_a_number_is_refused(tmp_path: Path) -> None:
    path = anipose(tmp_path / "pose-3d.csv")
    lines = path.read_text().splitlines()
    lines[2] = lines[2].rpartition(",")[0] + ","
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(FormatError, match=r"F804.*row 1.*number of a frame"):
        import_file(path, ImportWishes(rate=100.0))
    assert not list(tmp_path.glob("*.mystax"))

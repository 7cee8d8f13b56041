"""Files of keypoints by their content: real files have the right counts, others are refused with a reason."""

from pathlib import Path

import numpy as np
import pytest

from mystax.core.keypoint_table import TableCounts
from mystax.errors import FormatError, MystaxError
from mystax.io.formats.keypoint_files import FORMATS, detect_format, read_keypoints, write_keypoints
from mystax.io.hdf5 import write_arrays
from tests.fixtures.keypoint_tables import assert_same_places, random_table

REAL = {
    "dlc_openfield/labeled-data/m4s1/CollectedData_Pranav.csv": ("dlc", 4, TableCounts(116, 116, 464, 0, 0)),
    "dlc_openfield/labeled-data/m4s1/CollectedData_Pranav.h5": (
        "dlc-h5",
        4,
        TableCounts(116, 116, 464, 0, 0),
    ),
    "lp_mirror_mouse/CollectedData.csv": ("dlc", 17, TableCounts(90, 90, 1396, 134, 0)),
    "formats/sleap_tests/maudlc_testdata_v2.csv": ("dlc", 5, TableCounts(3, 7, 17, 18, 0)),
    "formats/sleap_tests/small_robot.000_small_robot_3_frame.analysis.h5": (
        "sleap-analysis",
        3,
        TableCounts(3, 3, 9, 0, 0),
    ),
    "human_faces/training_with_face_landmarks.xml": ("dlib", 68, TableCounts(4, 18, 18 * 68, 0, 0)),
    "human_faces/testing_with_face_landmarks.xml": ("dlib", 68, TableCounts(5, 25, 25 * 68, 0, 0)),
    "formats/human_faces_mmpose/300w/test_300w.json": ("coco", 68, TableCounts(2, 2, 136, 0, 0)),
    "formats/animals_mmpose/animalpose/test_animalpose.json": ("coco", 20, TableCounts(2, 2, 32, 8, 0)),
    "mouse_faces/labels.csv": ("csv", 12, TableCounts(112, 112, 1344, 0, 0)),
}


@pytest.mark.needs_data
@pytest.mark.parametrize("name", REAL)
def test_real_file_has_its_format_points_and_counts(real_data: Path, name: str) -> None:
    form, n_names, counts = REAL[name]
    assert detect_format(real_data / name) == form
    table = read_keypoints(real_data / name)
    assert len(table.names) == n_names
    assert table.counts() == counts


@pytest.mark.needs_data
def test_table_and_hdf5_of_one_project_hold_the_same(real_data: Path) -> None:
    folder = real_data / "dlc_openfield" / "labeled-data" / "m4s1"
    one, other = (read_keypoints(folder / f"CollectedData_Pranav.{end}") for end in ("csv", "h5"))
    np.testing.assert_array_equal(one.position, other.position)
    assert (one.names, one.files, one.scorer, one.kind) == (other.names, other.files, other.scorer, "labels")


@pytest.mark.needs_data
def test_individuals_of_a_deeplabcut_table_are_apart(real_data: Path) -> None:
    table = read_keypoints(real_data / "formats" / "sleap_tests" / "maudlc_testdata_v2.csv")
    assert table.individuals == ("Animal1", "Animal2", "single")
    second = table.individual("Animal2")
    assert second.position[0, 0, 0].tolist() == [6.0, 7.0]
    assert second.position[1, 0, 1].tolist() == [20.0, 21.0] or np.isnan(second.position[1, 0, 1]).any()
    with pytest.raises(MystaxError, match="did you mean 'Animal"):
        table.individual("Animal")


@pytest.mark.needs_data
def test_predictions_of_lightning_pose_are_frames_with_confidence(real_data: Path) -> None:
    path = next((real_data / "eks" / "ibl-pupil").glob("*.csv"))
    table = read_keypoints(path)
    assert (table.kind, len(table)) == ("predictions", 2000)
    assert table.frame.tolist() == list(range(2000))
    assert 0.9 < np.median(table.confidence) <= 1.0


@pytest.mark.needs_data
def test_edges_of_a_sleap_file_are_names(real_data: Path) -> None:
    table = read_keypoints(
        real_data / "formats" / "sleap_tests" / "small_robot.000_small_robot_3_frame.analysis.h5"
    )
    assert table.names == ("top", "front", "rear")
    assert set(table.edges) <= {(a, b) for a in table.names for b in table.names}
    assert table.files[0] == "small_robot_3_frame.mp4"


@pytest.mark.extra("interop")
@pytest.mark.needs_data
def test_sleap_labels_are_read_through_sleap_io(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("sleap_io", reason='pip install "mystax[interop]"')
    table = read_keypoints(real_data / "formats" / "sleap_nn" / "small_robot_minimal.slp")
    assert table.counts() == TableCounts(2, 2, 4, 0, 0)
    assert table.frame.tolist() == [0, 79]
    write_keypoints(tmp_path / "t.slp", table, "sleap")
    assert_same_places(read_keypoints(tmp_path / "t.slp"), table)


def test_sleap_labels_without_the_package_name_the_command(tmp_path: Path) -> None:
    from importlib.util import find_spec

    if find_spec("sleap_io") is not None:
        pytest.skip("sleap-io is installed")
    write_arrays(tmp_path / "t.slp", {name: np.zeros(1) for name in ("frames", "instances", "metadata")})
    with pytest.raises(MystaxError, match=r'X001.*pip install "mystax\[interop\]"'):
        read_keypoints(tmp_path / "t.slp")


@pytest.mark.parametrize("form", [name for name, entry in FORMATS.items() if entry.write and name != "sleap"])
def test_format_is_seen_in_the_content_whatever_the_name(tmp_path: Path, form: str) -> None:
    kind = "predictions" if form in ("sleap-analysis", "facemap-h5") else "labels"
    table = random_table(1, kind=kind, pictures=form == "facemap-refined", states=False)
    path = tmp_path / "file.dat"
    write_keypoints(path, table, form)
    assert detect_format(path) == ("dlc" if form == "lightning-pose" else form)
    assert read_keypoints(path).counts().points == table.counts().points


def test_refined_data_of_facemap_come_back_with_their_pictures(tmp_path: Path) -> None:
    table = random_table(2, pictures=True, states=False, missing=0.0)
    write_keypoints(tmp_path / "t.npy", table, "facemap-refined")
    found = read_keypoints(tmp_path / "t.npy")
    np.testing.assert_array_equal(found.position, table.position)
    assert found.names == ("nose(tip)", "eye(top)", "whisker(I)")
    assert sorted(found.files) == sorted(table.files)
    assert found.pictures is not None
    assert table.pictures is not None
    for name, picture in zip(found.files, found.pictures, strict=True):
        np.testing.assert_array_equal(picture, table.pictures[table.files.index(name)])


def test_refined_data_without_pictures_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="labels with their pictures"):
        write_keypoints(tmp_path / "t.npy", random_table(2), "facemap-refined")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "F804.*no known file"),
        (b"hello\n", "F804.*no known file"),
        (b"\xff\xfe\x00", "F804"),
        (b"scorer,a,a\nbodyparts,p,p\n", "F804.*scorer, bodyparts, coords"),
        (b"scorer,a,a\nbodyparts,p,p\ncoords,x,y\n0,1,zwei\n", "F804.*no number"),
        (b"scorer,a,a\nbodyparts,p,p\ncoords,x,y\n0,1,2,3\n", "F804.*longer row"),
        (b"scorer,a,a\nbodyparts,p,p\ncoords,x,x\n0,1,2\n", "F804.*twice"),
        (b"scorer,a,a\nbodyparts,p,p\ncoords,x,y\n0,,\n", "F804.*no keypoint was found"),
        (b"file,a_x,a_y\nimg.png,1,b\n", "F804.*no number"),
        (b"place,a_x,a_y\nimg.png,1,2\n", "F804.*file or frame"),
        (b"frame,a_x,a_y\nimg.png,1,2\n", "F804.*whole numbers"),
        (b"frame,a_x,a_y\n99999999999999999999,1,2\n", "F804.*whole numbers"),
        (b"file,frame,a_x,a_y\nv.mp4,2.5,1,2\n", "F804.*whole numbers.*2.5"),
        (
            b"file,a_x,a_y\ni.png,1,2\nj.png,1,5,2,5\n",
            r"F804.*row 2 below the head.*3 cells.*j\.png,1,5,2,5.*decimal comma",
        ),
        (b"file,a_x,a_y,a_state\nimg.png,1,2,seen\n", "F804.*placed, invisible or absent"),
        (b"{}", "F804.*'images'"),
        (b"{", "F804.*no JSON"),
        (b'{"images": [], "annotations": [], "categories": []}', "F804.*equally many"),
        (
            b'{"images": [{"id": 1}], "annotations": [{"keypoints": [1], "image_id": 1}], "categories": []}',
            "F804",
        ),
        (
            b'{"images": [], "annotations": [{"keypoints": [1, 2, 2], "image_id": 9}], "categories": []}',
            "F804.*not understood",
        ),
        (b"<dataset></dataset>", "F804.*boxes and parts"),
        (b"<dataset><image file='a'><box><part name='0' x='a' y='1'/></box></image>", "F804.*not understood"),
        (b"\x93NUMPY\x01\x00", "F80"),
        (b"\x89HDF\r\n\x1a\nnonsense", "F804.*HDF5"),
    ],
)
def test_file_that_is_not_understood_is_refused_with_a_reason(
    tmp_path: Path, content: bytes, text: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=text):
        read_keypoints(path)


def test_hdf5_of_other_content_is_refused_with_its_names(tmp_path: Path) -> None:
    write_arrays(tmp_path / "t.h5", {"spikes": np.zeros(3)})
    with pytest.raises(FormatError, match="spikes"):
        read_keypoints(tmp_path / "t.h5")


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"tracks": np.zeros((1, 2, 3, 4)), "node_names": np.array([b"a"])}, "not a SLEAP|tracks of"),
        (
            {
                "tracks": np.zeros((1, 2, 1, 4)),
                "node_names": np.array([b"a"]),
                "track_names": np.zeros(0),
                "point_scores": np.zeros((1, 1, 3)),
            },
            "point_scores",
        ),
        ({"Facemap/eye(back)/x": np.zeros(3)}, "not a Facemap file"),
    ],
)
def test_hdf5_of_another_layout_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], text: str) -> None:
    write_arrays(tmp_path / "t.h5", arrays)
    with pytest.raises(FormatError, match=text):
        read_keypoints(tmp_path / "t.h5")


def test_missing_file_and_unknown_format_are_named(tmp_path: Path) -> None:
    with pytest.raises(MystaxError, match="P403"):
        read_keypoints(tmp_path / "nothing.csv")
    with pytest.raises(MystaxError, match=r"P401.*did you mean 'coco'"):
        read_keypoints(tmp_path / "nothing.csv", "coko")
    with pytest.raises(MystaxError, match="read, but not written"):
        write_keypoints(tmp_path / "t.xml", random_table(0), "dlib")


def test_names_of_a_coco_file_without_names_are_numbers(tmp_path: Path) -> None:
    text = '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"keypoints": []}], "annotations": '
    (tmp_path / "t.json").write_text(text + '[{"image_id": 1, "keypoints": [1, 2, 2]}]}')
    assert read_keypoints(tmp_path / "t.json").names == ("kp_0",)


def test_points_of_coco_outside_the_picture_are_counted(tmp_path: Path) -> None:
    text = '{"images": [{"id": 1, "file_name": "a.png", "height": 10, "width": 20}], "annotations": '
    points = '[{"image_id": 1, "keypoints": [19.4, 2, 2, 19.6, 2, 2, 5, -1, 2]}], "categories": []}'
    (tmp_path / "t.json").write_text(text + points)
    assert read_keypoints(tmp_path / "t.json").counts().out_of_frame == 2


def test_blank_names_and_carriage_returns_do_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbffile, a_x, a_y\r\nimg.png, 1.5 ,2\r\n\r\n")
    assert read_keypoints(tmp_path / "t.csv").position[0, 0, 0].tolist() == [1.5, 2.0]


@pytest.mark.parametrize("order", ["file,frame", "frame,file"])
def test_table_of_videos_and_frame_numbers_uses_both(tmp_path: Path, order: str) -> None:
    rows = [("v.mp4", "3"), ("w.avi", "4"), ("img7.png", "7"), ("folder/img8", "")]
    lines = [f"{file},{frame}" if order == "file,frame" else f"{frame},{file}" for file, frame in rows]
    (tmp_path / "t.csv").write_text("\n".join([f"{order},a_x,a_y", *(f"{line},1,2" for line in lines)]))
    table = read_keypoints(tmp_path / "t.csv")
    assert table.files == tuple(file for file, _ in rows)
    assert table.frame.tolist() == [3, 4, -1, -1]
    assert table.extra == {}


def test_frames_of_a_video_count_before_pictures_that_were_made_of_them(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,frame,a_x,a_y\nimg0005.png,5,1,2\n")
    table = read_keypoints(tmp_path / "t.csv")
    assert (table.files, table.frame.tolist(), table.extra) == (("",), [5], {"image": ("img0005.png",)})


def test_number_beside_a_picture_is_a_further_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,frame,a_x,a_y,note\nimg7.png,7,1,2,\n")
    table = read_keypoints(tmp_path / "t.csv")
    assert (table.frame.tolist(), table.extra) == ([-1], {"frame": ("7",), "note": ("",)})


def test_empty_cells_behind_a_row_do_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,a_x,a_y\nimg7.png,1,2,, \n")
    assert read_keypoints(tmp_path / "t.csv").position[0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "utf-8"),
        ("<?xml version='1.0' encoding='utf8'?>", "utf-8-sig"),
        ("", "utf-8"),
        ("<?xml version='1.0'?>", "utf-8"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?>", "latin-1"),
        ("<?xml version='1.0' encoding='windows-1252' standalone='yes'?>", "cp1252"),
    ],
)
def test_text_of_dlib_is_read_as_it_declares(tmp_path: Path, head: str, encoding: str) -> None:
    image = "<dataset><image file='café.png'><box><part name='0' x='1' y='2'/></box></image></dataset>"
    (tmp_path / "t.xml").write_bytes(f"{head}{image}".encode(encoding))
    assert read_keypoints(tmp_path / "t.xml").files == ("café.png",)


@pytest.mark.parametrize("name", ["martian", "hex", "utf-16", "undefined", "ascii"])
def test_text_of_dlib_that_is_not_as_declared_is_refused(tmp_path: Path, name: str) -> None:
    text = f"<?xml version='1.0' encoding='{name}'?><image file='é'><box><part name='0' x='1' y='2'/></box>"
    (tmp_path / "t.xml").write_text(text, "utf-8")
    with pytest.raises(FormatError, match="F804"):
        read_keypoints(tmp_path / "t.xml")

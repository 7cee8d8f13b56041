"""Imports that meet other labels: what they replace is told, and rows that disagree are refused."""

from pathlib import Path

import pytest

from mystax.core.label_operations import Mark
from mystax.engine.labels.exchange import import_labels
from mystax.engine.labels.labels import Labels
from mystax.errors import FormatError
from tests.fixtures.label_folders import write_picture, write_pictures
from tests.unit.engine.labels.test_exchange import films


def wide(folder: Path, *rows: str, head: str = "file,nose_tip_x,nose_tip_y,mouth_x,mouth_y") -> Path:
    path = folder / "t.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_labels_that_an_import_replaces_are_counted(tmp_path: Path) -> None:
    one, two, _ = write_pictures(tmp_path, 3)
    rows = ["img0000.png,1,2,3,4", "img0001.png,5,6,,"]
    with Labels(tmp_path / "a.labels") as labels:
        first = import_labels(labels, wide(tmp_path, *rows))
        assert (first.n_frames, first.n_points, first.n_replaced, first.n_by_hand) == (2, 3, 0, 0)
        labels.add(one, 0, {"nose_tip": (55.0, 66.0)}, who="ann")  # corrected
        labels.add(two, 0, {"nose_tip": None}, who="ann")  # taken away: nothing is lost
        again = import_labels(labels, wide(tmp_path, *rows, "img0002.png,7,8,,"))
        assert (again.n_frames, again.n_points, again.n_unchanged) == (3, 3, 1)
        assert (again.n_replaced, again.n_by_hand) == (1, 1)
        third = import_labels(labels, wide(tmp_path, "img0000.png,1,2,30,40"))
        assert (third.n_points, third.n_replaced, third.n_by_hand) == (1, 1, 0)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (["a.png,1,2,3,4", "a.png,1,2,30,40"], r"mouth.*\(3, 4\) in a\.png and \(30, 40\) in a\.png"),
        (["a.png,1,2,3,4", "b.png,1,2.5,3,4"], r"nose_tip.*same content.*\(1, 2\) in a\.png.*in b\.png"),
    ],
)
def test_rows_of_one_picture_that_disagree_are_refused(tmp_path: Path, rows: list[str], text: str) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name)
    with Labels(tmp_path / "a.labels") as labels, pytest.raises(FormatError, match=f"F804.*{text}"):
        import_labels(labels, wide(tmp_path, *rows))
    assert not (tmp_path / "a.labels").exists()


def test_rows_of_one_frame_that_disagree_are_refused(tmp_path: Path) -> None:
    (video,) = films(tmp_path, "v.mkv")
    path = wide(tmp_path, "3,1,2", "3,10,20", "4,5,5", head="frame,nose_tip_x,nose_tip_y")
    with (
        Labels(tmp_path / "a.labels") as labels,
        pytest.raises(FormatError, match=r"F804.*\(1, 2\) in frame 3 and \(10, 20\) in frame 3"),
    ):
        import_labels(labels, path, video=video)


def test_rows_of_one_picture_that_agree_count_once(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name)
    with Labels(tmp_path / "a.labels") as labels:
        report = import_labels(labels, wide(tmp_path, "a.png,1,2,,", "a.png,1,2,3,4", "b.png,,,3,4"))
        ((_, frame),) = labels.frames()
    assert (report.n_frames, report.n_points) == (1, 2)
    marks = {name: mark for (_, name), mark in frame.marks().items()}
    assert marks == {"nose_tip": Mark("placed", 1, 2), "mouth": Mark("placed", 3, 4)}

"""Which files below a folder are looked at."""

from pathlib import Path

from mystax.engine.catalog.listing import list_videos
from mystax.engine.catalog.naming import naming_of


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12")


def test_suffixes_of_videos_in_order_of_paths(tmp_path: Path) -> None:
    _touch(tmp_path, "b/a.MP4", "a.avi", "a.txt", "c.webm")
    found = list_videos(tmp_path, naming_of("files"))
    assert [file.path for file in found] == ["a.avi", "b/a.MP4", "c.webm"]
    assert {file.size for file in found} == {2}


def test_pattern_without_video_asks_for_every_file(tmp_path: Path) -> None:
    _touch(tmp_path, "m1.h264", "m2.txt")
    assert len(list_videos(tmp_path, naming_of("{subject}.h264"))) == 2


def test_folders_that_are_left_out_hidden_or_of_outcomes(tmp_path: Path) -> None:
    _touch(tmp_path, "a.mp4", ".hidden/a.mp4", "face.mystax/a.mp4", "derivatives/mystax/a.mp4", ".a.mp4")
    found = list_videos(tmp_path, naming_of("files"), leave_out=(tmp_path / "derivatives" / "mystax",))
    assert [file.path for file in found] == ["a.mp4"]


def test_broken_links_and_circles_end(tmp_path: Path) -> None:
    _touch(tmp_path, "a/a.mp4")
    (tmp_path / "a" / "b").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing.mp4")
    assert [file.path for file in list_videos(tmp_path, naming_of("files"))] == ["a/a.mp4"]


def test_name_that_is_no_text_is_listed_as_such(tmp_path: Path) -> None:
    (tmp_path / "m\udcff.mp4").write_bytes(b"")
    (file,) = list_videos(tmp_path, naming_of("files"))
    assert not file.is_text


def test_links_that_lead_out_of_a_folder_are_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _touch(tmp_path, "root/a/a.mp4", "beside/secret.mp4", "root-beside/s.mp4")
    for name, target in {"out": "beside", "same": "root/a", "near": "root-beside"}.items():
        (root / name).symlink_to(tmp_path / target, target_is_directory=True)
    (root / "secret.mp4").symlink_to(tmp_path / "beside" / "secret.mp4")
    (root / "again.mp4").symlink_to(root / "a" / "a.mp4")
    followed = [file.path for file in list_videos(root, naming_of("files"))]
    assert {"out/secret.mp4", "secret.mp4", "near/s.mp4"} <= set(followed)
    kept = [file.path for file in list_videos(root, naming_of("files"), within=root)]
    assert sorted(kept) == ["a/a.mp4", "again.mp4"] or sorted(kept) == ["again.mp4", "same/a.mp4"]

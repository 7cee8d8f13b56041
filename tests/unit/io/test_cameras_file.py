"""`cameras.toml`: what a person said of the videos of a folder, and nothing that leads elsewhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.errors import FormatError
from mystax.io.cameras_file import FILE, read_cameras, write_cameras


def test_what_is_written_is_read_again_in_order(tmp_path: Path) -> None:
    cameras = {"left": [tmp_path / "l2.mp4", tmp_path / "l1.mp4"], "größe": [tmp_path / 'a "b".avi']}
    place = tmp_path / "day.mystax"
    write_cameras(place, cameras)
    assert read_cameras(place) == {name: tuple(files) for name, files in cameras.items()}
    assert list(read_cameras(place)) == ["left", "größe"]


def test_a_folder_that_was_moved_names_the_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_cameras(tmp_path / "a" / "day.mystax", {"face": [tmp_path / "a" / "f.mp4"]})
    (tmp_path / "a").rename(tmp_path / "b")
    assert read_cameras(tmp_path / "b" / "day.mystax") == {"face": (tmp_path / "b" / "f.mp4",)}


def test_nothing_noted_is_no_camera(tmp_path: Path) -> None:
    assert read_cameras(tmp_path / "day.mystax") == {}


@pytest.mark.parametrize(
    "text",
    [
        "format = 2\n[cameras]\nface = ['f.mp4']",
        "[cameras]\nface = ['f.mp4']",
        "format = 1",
        "format = 1\ncameras = 3",
        "format = 1\n[cameras]\nface = 'f.mp4'",
        "format = 1\n[cameras]\nface = []",
        "format = 1\n[cameras]\nface = [3]",
        "format = 1\n[cameras]\nface = ['../f.mp4']",
        "format = 1\n[cameras]\nface = ['/etc/passwd']",
        "format = 1\n[cameras]\nface = ['a/f.mp4']",
        "format = 1\n[cameras]\nface = ['..']",
        "format = 1\n[cameras]\nface = ['.hidden.mp4']",
        "format = 1\n[cameras]\nface = ['a\\\\f.mp4']",
        "format = 1\n[cameras]\nface = ['']",
        "format = ",
        "[" * 5000,
    ],
)
def test_a_file_that_is_damaged_or_leads_elsewhere_is_refused(text: str, tmp_path: Path) -> None:
    place = tmp_path / "day.mystax"
    place.mkdir()
    (place / FILE).write_text(text, "utf-8")
    with pytest.raises(FormatError, match="F804"):
        read_cameras(place)


def test_bytes_that_are_no_text_and_too_many_of_them_are_refused(tmp_path: Path) -> None:
    for name, data in {"bytes": b"\xff\xfe", "large": b"#" * (2 << 20)}.items():
        place = tmp_path / f"{name}.mystax"
        place.mkdir()
        (place / FILE).write_bytes(data)
        with pytest.raises(FormatError, match="F804"):
            read_cameras(place)


@given(st.text(alphabet="ab./\\\0~\"'", min_size=1, max_size=12))
def test_whatever_is_read_lies_beside_the_folder(name: str) -> None:
    import tempfile

    import tomli_w

    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / "day.mystax"
        place.mkdir()
        (place / FILE).write_text(tomli_w.dumps({"format": 1, "cameras": {"face": [name]}}), "utf-8")
        try:
            found = read_cameras(place)
        except FormatError:
            return
        assert found["face"][0].parent == Path(made)

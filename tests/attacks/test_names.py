"""Names of files that a shell, a decoder or a file system could take for something else."""

import os
from pathlib import Path

import pytest

import mystax
from mystax.engine.run import plan_run
from mystax.io.store import Store
from tests.fixtures.videos import Shelf

pytestmark = pytest.mark.attack

NAMES: dict[str, bytes] = {
    "blank": b"a b.mp4",
    "substitution": b"$(touch MARKER).mp4",
    "backtick": b"`touch MARKER`.mp4",
    "semicolon": b"x;touch MARKER;.mp4",
    "newline": b"line\nbreak.mp4",
    "quotes": b"x\";touch MARKER;'.mp4",
    "leading dash": b"--json.mp4",
    "255 bytes": b"x" * 251 + b".mp4",
    "not UTF-8": b"face-\xff\xfe.mp4",
    "decomposed": "e\u0301.mp4".encode(),
    "reserved": b"con.mp4",
    "trailing dot": b"face..mp4",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "videos"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("what", NAMES)
def test_the_file_is_measured_under_its_own_name(what: str, folder: Path, shelf: Shelf) -> None:
    path = folder / os.fsdecode(NAMES[what])
    path.write_bytes(shelf.take(n_frames=12).read_bytes())
    outcome = mystax.motion(path)
    assert outcome.sizes["time"] == 12
    assert [item.name for item in folder.iterdir()] == [path.name]


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("has_out", [False, True])
def test_its_folder_of_outcomes_lies_where_it_should_and_can_be_written(
    what: str, has_out: bool, folder: Path, tmp_path: Path, shelf: Shelf
) -> None:
    path = folder / os.fsdecode(NAMES[what])
    path.write_bytes(shelf.take(n_frames=12).read_bytes())
    out = tmp_path / "out" if has_out else None
    planned = plan_run(path, analyses=["motion"], out=out)
    place = planned.folder
    planned.recording.close()
    assert place is not None
    above = place.parent.parent if has_out else place.parent
    assert above == (out or folder)
    Store(place).write_text("report.html", "x")
    assert (place / "report.html").read_text() == "x"
    assert not list(tmp_path.rglob("MARKER"))


def test_composed_and_decomposed_names_have_folders_of_their_own(
    folder: Path, tmp_path: Path, shelf: Shelf
) -> None:
    places = set()
    for name in ("\u00e9.mp4", "e\u0301.mp4", "E\u0301.mp4"):
        (folder / name).write_bytes(shelf.take(n_frames=12).read_bytes())
        planned = plan_run(folder / name, analyses=["motion"], out=tmp_path / "out")
        places.add(str(planned.folder).casefold())
        planned.recording.close()
    assert len(places) == 3

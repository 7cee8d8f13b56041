"""The demonstration's rendered face: films that are there are kept, and made anew when they are not whole."""

import shutil
from pathlib import Path

import pytest

from mystax.engine.demo import face as module
from mystax.engine.demo.face import film_face, track_face
from mystax.io.video import Video


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Let the films be short and small."""
    patch.setattr(module, "SECONDS", 0.1)
    patch.setattr(module, "SIZE", (64, 48))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the films of seed 3 once; nobody writes there."""
    folder = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        film_face(folder, seed=3)
    return folder


@pytest.fixture
def place(films: Path, tmp_path: Path) -> Path:
    """Return a folder in which the films of seed 3 are."""
    return shutil.copytree(films, tmp_path / "films")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files; of films the frames, for a Matroska file begins with a random number."""
    found = {}
    for path in folder.iterdir():
        if path.suffix == ".mkv":
            with Video(path) as film:
                found[path.name] = b"".join(chunk.data.tobytes() for chunk in film.chunks())
        else:
            found[path.name] = path.read_bytes()
    return found


def test_films_of_the_same_seed_are_not_made_again(place: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    assert film_face(place, seed=3) == {name: str(place / f"{name}.mkv") for name in module.CAMERAS}
    assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before


@pytest.mark.parametrize("text", [None, "", "[]", '{"identity": 3}'])
def test_films_without_a_whole_note_are_made_again(text: str | None, place: Path) -> None:
    """As after an end in the middle: films and truth are there, but nothing says that they are whole."""
    whole = contents(place)
    note = place / "face.json"
    note.unlink()
    if text is not None:
        note.write_text(text, "utf-8")
    (place / "left1.mkv").write_bytes(b"half a film")
    film_face(place, seed=3)
    assert contents(place) == whole


def test_a_film_that_is_gone_is_made_again(place: Path) -> None:
    whole = contents(place)
    (place / "left2.mkv").unlink()
    film_face(place, seed=3)
    assert contents(place) == whole


def test_another_seed_makes_other_films_with_their_truth(place: Path) -> None:
    first = contents(place)
    film_face(place, seed=4)
    other = contents(place)
    changed = {name for name in first if first[name] != other[name]}
    assert changed >= {"left1.mkv", "left1_truth.nc", "left1_space.nc", "face.json"}


def test_an_end_in_the_middle_leaves_no_note(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mystax.synth.head_files.write_video", stopped)
        with pytest.raises(KeyboardInterrupt):
            film_face(place, seed=4)
    assert not (place / "face.json").exists()


def test_one_report_is_written_when_all_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of the tracker alone would be written over by that of both."""
    asked: list[bool | Path] = []

    def made(*_: object, report: bool = True, **__: object) -> None:
        asked.append(report)

    monkeypatch.setattr("mystax.engine.run.run", made)
    monkeypatch.setattr("mystax.engine.space.pose3d.triangulate_files", made)
    monkeypatch.setattr("mystax.engine.demo.face.update_report", asked.append)
    track_face(tmp_path / "face", seed=3)
    assert asked == [False, False, tmp_path / "face" / "face.mystax"]

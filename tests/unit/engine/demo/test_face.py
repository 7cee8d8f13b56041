"""The demonstration's rendered face: films that are there are kept, and made anew when they are not whole."""

from pathlib import Path

import pytest

from mystax.engine.demo import face as module
from mystax.engine.demo.face import film_face, track_face
from mystax.io.video import Video


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the films be short and small."""
    monkeypatch.setattr(module, "SECONDS", 0.1)
    monkeypatch.setattr(module, "SIZE", (64, 48))


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


def test_films_of_the_same_seed_are_not_made_again(tmp_path: Path) -> None:
    files = film_face(tmp_path, seed=3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert film_face(tmp_path, seed=3) == files
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("text", [None, "", "[]", '{"identity": 3}'])
def test_films_without_a_whole_note_are_made_again(text: str | None, tmp_path: Path) -> None:
    """As after an end in the middle: films and truth are there, but nothing says that they are whole."""
    film_face(tmp_path, seed=3)
    whole = contents(tmp_path)
    note = tmp_path / "face.json"
    note.unlink()
    if text is not None:
        note.write_text(text, "utf-8")
    (tmp_path / "left1.mkv").write_bytes(b"half a film")
    film_face(tmp_path, seed=3)
    assert contents(tmp_path) == whole


def test_a_film_that_is_gone_is_made_again(tmp_path: Path) -> None:
    film_face(tmp_path, seed=3)
    whole = contents(tmp_path)
    (tmp_path / "left2.mkv").unlink()
    film_face(tmp_path, seed=3)
    assert contents(tmp_path) == whole


def test_another_seed_makes_other_films_with_their_truth(tmp_path: Path) -> None:
    film_face(tmp_path, seed=3)
    first = contents(tmp_path)
    film_face(tmp_path, seed=4)
    other = contents(tmp_path)
    changed = {name for name in first if first[name] != other[name]}
    assert changed >= {"left1.mkv", "left1_truth.nc", "left1_space.nc", "face.json"}


def test_an_end_in_the_middle_leaves_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film_face(tmp_path, seed=3)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("mystax.synth.head_files.write_video", stopped)
        with pytest.raises(KeyboardInterrupt):
            film_face(tmp_path, seed=4)
    assert not (tmp_path / "face.json").exists()


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

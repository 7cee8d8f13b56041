"""Folders of videos become recordings by the words of their names, in Python and on the command line."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

import mystax
from mystax.errors import RecipeError
from mystax.synth import faulty_video
from tests.fixtures.commands import call
from tests.unit.io.test_names import AMBIGUOUS, CLEAR


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small videos, each with a content of its own; the last is as long as two others."""
    folder = tmp_path_factory.mktemp("films")
    paths = [folder / f"{seed}.mkv" for seed in range(4)]
    for seed, path in enumerate(paths):
        n_frames = 8 if seed == 3 else 4
        faulty_video(
            path, "clean", container="mkv", codec="mpeg4", n_frames=n_frames, size=(48, 32), seed=seed
        )
    return paths


def _filled(folder: Path, names: list[str], films: list[Path], *, long: str = "") -> Path:
    """Make a folder of videos with these names."""
    folder.mkdir()
    for number, name in enumerate(names):
        shutil.copy(films[-1] if name == long else films[number], folder / name)
    return folder


@pytest.mark.parametrize(("names", "cameras"), CLEAR)
def test_clear_names_open_the_right_recording(
    names: list[str],
    cameras: dict[str, list[str]],
    films: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parts = [len(files) for files in cameras.values()]
    # Cameras are equally long, also where one was filmed in one piece and the other in two.
    long = next(iter(cameras.values()))[0] if min(parts) < max(parts) else ""
    folder = _filled(tmp_path / "day1", names, films, long=long)
    with closing(mystax.open(folder)) as recording:
        found = {
            name: [Path(file).name for file in camera.files] for name, camera in recording.cameras.items()
        }
        assert recording.name == "day1"
    assert list(found.items()) == list(cameras.items())
    words = ("run", folder, "--analyses", "motion", "--dry-run", "--json")
    (plan,) = call(capsys, *words).json["plans"]
    told = {name: [Path(file).name for file in camera["files"]] for name, camera in plan["cameras"].items()}
    assert told == cameras
    assert {path.name for path in folder.iterdir()} == set(names)


@pytest.mark.parametrize("names", AMBIGUOUS)
def test_ambiguous_names_are_refused_with_both_readings(
    names: list[str], films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _filled(tmp_path / "day1", names, films)
    with pytest.raises(RecipeError) as caught:
        mystax.open(folder)
    found = call(capsys, "run", folder, "--analyses", "motion", "--dry-run", "--json")
    assert (caught.value.code, found.status, found.codes) == ("P403", 2, ["P403"])
    for text in (str(caught.value), found.err):
        assert "reading 1" in text
        assert "reading 2" in text


def test_there_are_ten_of_each() -> None:
    assert (len(CLEAR), len(AMBIGUOUS)) == (10, 10)

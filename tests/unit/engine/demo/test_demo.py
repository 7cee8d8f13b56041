"""The demonstration: films that are made once, and the comparison with their truth."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from mystax.core.events import Event
from mystax.engine.demo import demo as module
from mystax.engine.demo.demo import CAMERAS, make_recording, recovered
from mystax.errors import RecipeError
from mystax.io.rois import read_rois
from mystax.io.video import Video
from mystax.synth.scene import Scene


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the films be short and small."""
    monkeypatch.setattr(module, "N_FRAMES", 12)
    monkeypatch.setattr(module, "SIZE", (200, 150))


def frames_of(path: Path) -> np.ndarray:
    with Video(path, grey_range="full") as video:
        return np.concatenate([chunk.data for chunk in video.chunks()])


@pytest.mark.usefixtures("short")
def test_films_say_when_they_were_made(tmp_path: Path) -> None:
    make_recording(tmp_path, seed=3)
    with Video(tmp_path / "left.mp4") as video:
        stamp = video.probe().metadata["creation_time"]
    assert stamp.startswith(module.CREATED.removesuffix("Z"))


@pytest.mark.usefixtures("short")
def test_films_regions_and_a_note_are_written(tmp_path: Path) -> None:
    scene = make_recording(tmp_path / "demo", seed=3)
    assert sorted(path.name for path in (tmp_path / "demo").iterdir() if path.is_file()) == sorted(
        [*(f"{camera}.mp4" for camera in CAMERAS), "rois.toml", "scene.json"]
    )
    assert read_rois(tmp_path / "demo" / "rois.toml") == tuple(scene.rois())
    assert json.loads((tmp_path / "demo" / "scene.json").read_text())["seed"] == 3


@pytest.mark.usefixtures("short")
def test_the_films_show_the_scene(tmp_path: Path) -> None:
    scene = make_recording(tmp_path, seed=3)
    for camera in CAMERAS:
        rendered = next(scene.source(camera).chunks(size=12)).data.astype(float)
        assert np.abs(frames_of(tmp_path / f"{camera}.mp4") - rendered).mean() < 3


@pytest.mark.usefixtures("short")
def test_films_of_the_same_seed_are_not_made_again(tmp_path: Path) -> None:
    make_recording(tmp_path, seed=3)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    events: list[Event] = []
    make_recording(tmp_path, seed=3, progress=events.append)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert events == []


@pytest.mark.usefixtures("short")
def test_another_seed_makes_other_films(tmp_path: Path) -> None:
    make_recording(tmp_path, seed=3)
    before = frames_of(tmp_path / "left.mp4")
    make_recording(tmp_path, seed=4)
    assert json.loads((tmp_path / "scene.json").read_text())["seed"] == 4
    assert not np.array_equal(frames_of(tmp_path / "left.mp4"), before)


@pytest.mark.usefixtures("short")
def test_a_note_without_its_end_is_not_believed(tmp_path: Path) -> None:
    """A run that was stopped while it filmed has left no note: the films are made again."""
    make_recording(tmp_path, seed=3)
    (tmp_path / "scene.json").unlink()
    (tmp_path / "left.mp4").write_bytes(b"half a film")
    make_recording(tmp_path, seed=3)
    assert len(frames_of(tmp_path / "left.mp4")) == 12


@pytest.mark.usefixtures("short")
def test_progress_runs_over_both_films(tmp_path: Path) -> None:
    events: list[Event] = []
    make_recording(tmp_path, seed=3, progress=events.append)
    assert [event.done for event in events] == [12, 24]
    assert {event.total for event in events} == {24}


@pytest.fixture(scope="module")
def truth() -> Any:
    return Scene(seed=0, n_frames=module.N_FRAMES, size=module.SIZE, rate=module.RATE, cameras=CAMERAS).truth


def measured(truth: Any, change: Callable[[str, xr.Dataset], xr.Dataset] = lambda _, d: d) -> dict[str, Any]:
    """Return outcomes that say exactly what is true, but for a change."""
    found: dict[str, Any] = {}
    for camera in CAMERAS:
        mine = truth.cameras[camera]
        n_blinks = len(truth.blink_start)
        parts = {
            "pupil": xr.Dataset({"diameter": (("time", "roi"), mine.pupil_diameter[:, None])}),
            "running": xr.Dataset({"shift": (("time", "roi", "space"), mine.wheel_shift[:, None])}),
            "blink": xr.Dataset({"event_kind": ("event", np.zeros(n_blinks, np.int8))}),
        }
        found |= {
            f"{name}/{camera}": change(name, dataset.copy(deep=True)) for name, dataset in parts.items()
        }
    return found


def test_what_is_true_is_recovered(truth: Any) -> None:
    lines = recovered(measured(truth))
    assert [line.what for line in lines] == [
        f"{what}, {camera}" for camera in CAMERAS for what in ("pupil diameter", "running", "blinks")
    ]
    assert all(line.is_right for line in lines)
    assert "error 0.0%, 100% of the frames" in lines[0].found
    assert lines[2].truth == lines[2].found == str(len(truth.blink_start))


def _larger(name: str, dataset: xr.Dataset) -> xr.Dataset:
    return dataset * 1.04 if name == "pupil" else dataset


def _unseen(name: str, dataset: xr.Dataset) -> xr.Dataset:
    if name == "pupil":
        dataset["diameter"].values[100:] = np.nan
    return dataset


def _slipping(name: str, dataset: xr.Dataset) -> xr.Dataset:
    if name == "running":
        dataset["shift"].values[:30] += 3
    return dataset


def _one_blink_more(name: str, dataset: xr.Dataset) -> xr.Dataset:
    if name == "blink":
        return xr.Dataset({"event_kind": ("event", np.zeros(dataset.sizes["event"] + 1, np.int8))})
    return dataset


def _closures(name: str, dataset: xr.Dataset) -> xr.Dataset:
    if name == "blink":
        dataset["event_kind"].values[:] = 1
    return dataset


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (_larger, {"pupil diameter"}),
        (_unseen, set()),
        (_slipping, {"running"}),
        (_one_blink_more, {"blinks"}),
        (_closures, {"blinks"}),
    ],
    ids=["too large", "unseen", "slipping", "one blink more", "closures for blinks"],
)
def test_what_is_not_true_is_told(
    truth: Any, change: Callable[[str, xr.Dataset], xr.Dataset], wrong: set[str]
) -> None:
    lines = recovered(measured(truth, change))
    assert {line.what.partition(",")[0] for line in lines if not line.is_right} == wrong


def test_frames_without_a_pupil_are_counted(truth: Any) -> None:
    share = 100 / module.N_FRAMES
    assert f"{share:.0%} of the frames" in recovered(measured(truth, _unseen))[0].found


@pytest.mark.slow
def test_the_whole_demonstration_recovers_its_truth_and_does_nothing_again(tmp_path: Path) -> None:
    outcomes = module.demo(tmp_path)
    assert all(line.is_right for line in recovered(outcomes))
    assert outcomes.folder is not None
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nc")}
    module.demo(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nc")} == before


@pytest.fixture
def unfilmed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the names of the films instead of filming."""
    made: list[str] = []

    def film(_: object, camera: str, path: Path, *__: object) -> None:
        made.append(camera)
        path.write_bytes(b"film")

    monkeypatch.setattr(module, "_film", film)
    return made


@pytest.mark.parametrize("text", ["", "[]", "{", '{"identity": 3}', "\x00\xff", "[" * 100_000])
def test_films_with_a_damaged_note_are_made_again(text: str, tmp_path: Path, unfilmed: list[str]) -> None:
    make_recording(tmp_path, seed=3)
    whole = (tmp_path / "scene.json").read_text()
    (tmp_path / "scene.json").write_text(text, "latin-1")
    make_recording(tmp_path, seed=3)
    assert unfilmed == [*CAMERAS, *CAMERAS]
    assert (tmp_path / "scene.json").read_text() == whole


def test_a_film_that_is_gone_is_made_again(tmp_path: Path, unfilmed: list[str]) -> None:
    make_recording(tmp_path, seed=3)
    (tmp_path / "left.mp4").unlink()
    make_recording(tmp_path, seed=3)
    assert unfilmed == [*CAMERAS, *CAMERAS]


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_is_no_folder_for_films(inside: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RecipeError, match="is no folder") as caught:
        make_recording(tmp_path / "file" / inside)
    assert caught.value.code == "P403"
    assert (tmp_path / "file").read_text() == "mine"

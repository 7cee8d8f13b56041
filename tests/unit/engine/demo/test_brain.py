"""The demonstration's simulated brain: files that are made once, and what is known of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.analyses.behaviour import assemble_behaviour
from mystax.core.events import Event
from mystax.engine.demo import brain as module
from mystax.engine.demo.brain import make_brain, simulated_brain, true_ceiling, true_runs


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Let the recording be short, with few neurons."""
    patch.setattr(module, "MINUTES", 0.5)
    patch.setattr(module, "N_NEURONS", 6)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the small recording of seed 3 once; nobody writes there."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        make_brain(folder, seed=3)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """Return a folder in which the recording of seed 3 is."""
    return shutil.copytree(made, tmp_path / "brain")


@pytest.mark.usefixtures("small")
def test_outcomes_and_neural_data_are_those_of_the_simulation(tmp_path: Path) -> None:
    files = make_brain(tmp_path / "brain", seed=3)
    truth = simulated_brain(3)
    np.testing.assert_array_equal(true_ceiling(tmp_path / "brain"), truth.ceiling)
    neural = mystax.read_neural(files["neural"], clock=files["clock"])
    np.testing.assert_array_equal(neural["activity"].values, truth.neural["activity"].values)
    np.testing.assert_allclose(neural["time"].values, truth.neural["time"].values, atol=1e-9)
    stored = assemble_behaviour(files["behaviour"])
    shown = ["keypoints", "pupil", "blink", "running"]
    for part, known in zip(stored.parts, assemble_behaviour(truth.behaviour, shown).parts, strict=True):
        assert part.columns == known.columns
        np.testing.assert_array_equal(part.values, known.values)


@pytest.mark.usefixtures("small")
def test_runs_are_those_of_the_simulation(tmp_path: Path) -> None:
    make_brain(tmp_path, seed=1)
    truth = simulated_brain(1)
    time = np.arange(len(truth.is_running)) / truth.camera_rate
    runs = true_runs(tmp_path)
    is_running = sum((time >= begin) & (time < end) for begin, end in runs)
    assert len(runs) == 2
    np.testing.assert_array_equal(is_running, truth.is_running)


@pytest.mark.usefixtures("small")
def test_the_recording_of_the_same_seed_is_not_made_again(place: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}
    events: list[Event] = []
    make_brain(place, seed=3, progress=events.append)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()} == before
    assert events == []


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("text", ["", "{", '{"simulated": ["B", 0.5, 6, 3], "ceiling": []}'])
def test_a_recording_with_a_damaged_note_is_made_again(text: str, place: Path) -> None:
    whole = (place / module.NOTE).read_text("utf-8")
    (place / module.NOTE).write_text(text, "utf-8")
    make_brain(place, seed=3)
    assert (place / module.NOTE).read_text("utf-8") == whole


@pytest.mark.usefixtures("small")
def test_another_seed_is_made_anew(place: Path) -> None:
    first = mystax.read_neural(make_brain(place, seed=3)["neural"], clock="rate:6")["activity"].values
    other = mystax.read_neural(make_brain(place, seed=4)["neural"], clock="rate:6")["activity"].values
    assert not np.array_equal(first, other)

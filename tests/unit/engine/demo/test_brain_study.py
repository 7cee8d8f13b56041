"""What the demonstration finds in its simulated brain, and the comparison with what is true."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mystax.core.events import Event
from mystax.engine.demo import brain as recording
from mystax.engine.demo.brain import simulated_brain, true_ceiling, true_runs
from mystax.engine.demo.brain_study import encode_brain, find_runs, recovered_neurons, recovered_runs
from mystax.engine.demo.notes import update_report
from mystax.errors import Cancelled
from mystax.io.outcomes import load


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the recording be short, with few neurons."""
    monkeypatch.setattr(recording, "MINUTES", 0.5)
    monkeypatch.setattr(recording, "N_NEURONS", 6)


def outcome(stacked: np.ndarray, lagged: np.ndarray) -> xr.Dataset:
    """Return what the comparison looks at."""
    return xr.Dataset(
        {"explained_variance": (("model", "neuron"), np.stack([lagged, stacked]))},
        {"model": ["lagged-ridge", "stacked"], "neuron": np.arange(len(stacked))},
    )


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("share", "baseline", "right"),
    [(0.6, 0.3, True), (0.1, 0.05, False), (0.5, 0.6, False), (1.3, 0.6, False)],
)
def test_share_of_the_ceiling_is_judged(share: float, baseline: float, right: bool) -> None:
    ceiling = simulated_brain(3).ceiling
    lines = recovered_neurons(outcome(share * ceiling, baseline * ceiling), ceiling)
    assert [line.is_right for line in lines] == [right, True]


@pytest.mark.usefixtures("small")
def test_explained_variance_that_does_not_follow_the_ceiling_is_not_right() -> None:
    ceiling = simulated_brain(3).ceiling
    lines = recovered_neurons(outcome(0.5 * ceiling[::-1], 0.3 * ceiling), ceiling)
    assert not lines[1].is_right


def opened(path: Path) -> xr.Dataset:
    found = load(path)
    assert isinstance(found, xr.Dataset)
    return found


RUNS = np.array([[10.0, 20.0], [40.0, 50.0]])


def labelled(label: np.ndarray) -> xr.Dataset:
    """Return states of 60 s, five a second."""
    return xr.Dataset({"label": ("time", label)}, {"time": np.arange(300) / 5})


@pytest.mark.parametrize("running", [1, 2])
@pytest.mark.parametrize(("n_wrong", "right"), [(0, True), (30, True), (31, False), (150, False)])
def test_states_are_compared_with_the_runs(running: int, n_wrong: int, right: bool) -> None:
    time = np.arange(300) / 5
    true = ((time >= 10) & (time < 20)) | ((time >= 40) & (time < 50))
    true[:n_wrong] ^= True
    line = recovered_runs(labelled(np.where(true, running, 3 - running)), RUNS)
    assert line.is_right == right
    assert f"{max(n_wrong, 300 - n_wrong) / 300:.0%} of the time" in line.found
    assert line.truth == "2 runs"


def test_time_without_a_state_is_not_compared() -> None:
    time = np.arange(300) / 5
    label = np.where(((time >= 10) & (time < 20)) | ((time >= 40) & (time < 50)), 2, 1)
    label[50:75] = 0
    assert "100%" in recovered_runs(labelled(label), RUNS).found
    assert not recovered_runs(labelled(np.zeros(300, np.int64)), RUNS).is_right


@pytest.mark.slow
def test_encoder_and_states_follow_the_simulation_and_are_not_made_again(tmp_path: Path) -> None:
    place = tmp_path / recording.OUTCOMES
    encode_brain(tmp_path)
    find_runs(tmp_path)
    update_report(place)
    encoded, states = opened(place / "encoding.nc"), opened(place / "states.nc")
    assert all(line.is_right for line in recovered_neurons(encoded, true_ceiling(tmp_path)))
    assert recovered_runs(states, true_runs(tmp_path)).is_right
    page = (place / "report.html").read_text("utf-8")
    assert 'id="encoding"' in page
    assert 'id="states"' in page
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    events: list[Event] = []
    encode_brain(tmp_path, progress=events.append)
    find_runs(tmp_path, progress=events.append)
    update_report(place)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not any(event.kind == "outcome" for event in events)


@pytest.mark.usefixtures("small")
def test_states_whose_search_was_stopped_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C would end the search, and the demonstration would go on."""
    stopped = SimpleNamespace(fit=SimpleNamespace(is_complete=False))
    monkeypatch.setattr("mystax.engine.states.run.run_states", lambda *_, **__: stopped)
    with pytest.raises(Cancelled):
        find_runs(tmp_path)
    assert not (tmp_path / recording.OUTCOMES / "states.nc").exists()


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["note", "outcome", "seed"])
def test_states_that_are_not_those_of_the_recording_are_made_anew(loss: str, tmp_path: Path) -> None:
    find_runs(tmp_path, seed=3)
    outcome = tmp_path / recording.OUTCOMES / "states.nc"
    before = opened(outcome)["label"].values
    if loss == "note":
        (tmp_path / "states.json").write_text("{", "utf-8")
    elif loss == "outcome":
        outcome.unlink()
    seed = 4 if loss == "seed" else 3
    events: list[Event] = []
    found = find_runs(tmp_path, seed=seed, progress=events.append)
    assert [event.text.split()[0] for event in events if event.kind == "outcome"] == ["states"]
    np.testing.assert_array_equal(opened(outcome)["label"].values, found["label"].values)
    assert np.array_equal(found["label"].values, before) == (loss != "seed")

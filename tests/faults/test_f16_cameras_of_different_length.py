"""F16: cameras of different length or offset are aligned by a clock or a stated offset, never cropped."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from mystax.core.recording import Recording
from mystax.engine.recordings import open_recording
from mystax.engine.timeline import timeline_of
from mystax.errors import ClockError
from mystax.synth import RecordingTruth, faulty_recording

pytestmark = pytest.mark.fault(16)


Rigs = Callable[[str], RecordingTruth]


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Rigs:
    """Return rigs by kind, each filmed when it is first asked for; they are only read."""

    @cache
    def film(kind: str) -> RecordingTruth:
        return faulty_recording(tmp_path_factory.mktemp(kind), kind, seed=3)

    return film


def _share_of_equal_moments(recording: Recording, truth: RecordingTruth) -> float:
    """Return how many frames that are said to go together show the same moment."""
    table = timeline_of(recording)
    wanted = np.array(truth.barcodes[recording.reference])
    same = [
        np.array(truth.barcodes[camera])[frames[frames >= 0]] == wanted[frames >= 0]
        for camera, frames in table.items()
    ]
    return float(np.concatenate(same).mean())


def test_shifted_rig_is_refused_with_the_offset_within_one_frame(rigs: Rigs) -> None:
    truth = rigs("rig_shifted")
    with pytest.raises(ClockError, match="C201") as caught:
        open_recording(truth.files)
    found = re.search(r"--offset right=(-?[\d.]+)", caught.value.hint)
    assert found is not None
    assert float(found.group(1)) == pytest.approx(7 / 30, abs=1 / 30)


def test_proposed_offset_brings_every_frame_to_its_twin_once_it_is_applied(rigs: Rigs) -> None:
    truth = rigs("rig_shifted")
    recording = open_recording(truth.files, offsets={"right": 0.23})
    assert _share_of_equal_moments(recording, truth) == 1.0
    assert (timeline_of(recording)["right"] < 0).sum() == 7
    recording.close()


@pytest.mark.parametrize("kind", ["rig", "rig_shifted"])
def test_clock_files_bring_every_frame_to_its_twin(rigs: Rigs, kind: str) -> None:
    truth = rigs(kind)
    recording = open_recording(truth.files, truth.clocks)
    assert _share_of_equal_moments(recording, truth) == 1.0
    for camera, times in truth.times.items():
        assert recording.video(camera).times == pytest.approx(times, abs=1e-6)
    recording.close()


def test_cameras_of_other_rates_and_lengths_are_refused_without_clocks(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "rig_unequal", seed=4)
    with pytest.raises(ClockError, match="C201"):
        open_recording(truth.files)
    recording = open_recording(truth.files, truth.clocks)
    table = timeline_of(recording)
    assert table["right"].tolist() == list(range(0, 600, 2))
    assert np.flatnonzero(table["top"] < 0).tolist() == list(range(150, 300))
    recording.close()


def test_folder_of_a_rig_is_opened_by_its_names(rigs: Rigs) -> None:
    truth = rigs("rig")
    recording = open_recording(Path(truth.files["left"][0]).parent)
    assert {name: camera.files for name, camera in recording.cameras.items()} == {
        name: tuple(map(str, files)) for name, files in truth.files.items()
    }
    recording.close()


@pytest.mark.slow
def test_rig_that_drifts_by_100_ppm_is_aligned_by_events(tmp_path: Path) -> None:
    truth = faulty_recording(tmp_path, "rig_drift", seed=6)
    recording = open_recording(truth.files, truth.clocks)
    for camera, times in truth.times.items():
        assert np.abs(recording.video(camera).times - times).max() <= 0.5 / 5
    report = recording.cameras["right"].clock_report
    assert report["drift_ppm"] == pytest.approx(-100, abs=1)
    assert _share_of_equal_moments(recording, truth) > 0.999
    recording.close()

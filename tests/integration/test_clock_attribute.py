"""An outcome tells how the times of its frames were made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.synth import faulty_video

N = 30


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clocks") / "face.mp4"
    faulty_video(path, "clean", n_frames=N, size=(64, 48))
    return path


@pytest.fixture(scope="module")
def measured(video: Path) -> Any:
    return _measured(video.parent / "one", video)


def _measured(folder: Path, video: Path) -> Any:
    """Measure with stamps from a file in `folder`, one more than there are frames."""
    folder.mkdir()
    stamps = 100.0 + np.arange(N + 1) / 30
    (folder / "times.csv").write_text("time\n" + "\n".join(f"{value:.9f}" for value in stamps) + "\n")
    return mystax.run(
        video,
        analyses=["motion"],
        clocks=f"csv:{folder / 'times.csv'}:time:s",
        clock_policy="drop_tail",
        out=folder / "out",
        report=False,
        isolated=False,
    )["motion"]


def test_policy_counts_and_residual_stand_in_the_outcome(measured: Any, video: Path) -> None:
    told = json.loads(measured.attrs["clock"])
    assert told["policy"] == "drop_tail"
    assert told["n_frames"] == N
    assert told["residual_max"] < 1e-6
    assert str(video.parent) not in measured.attrs["clock"]


def test_the_place_of_the_clock_file_changes_no_digest(measured: Any, video: Path, tmp_path: Path) -> None:
    elsewhere = _measured(tmp_path / "two", video)
    assert elsewhere.attrs["content_sha256"] == measured.attrs["content_sha256"]


def test_own_stamps_need_no_word(video: Path) -> None:
    assert "clock" not in mystax.motion(video).attrs

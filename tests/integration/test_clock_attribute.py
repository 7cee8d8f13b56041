"""An outcome tells how the times of its frames were made."""

import json
from pathlib import Path
from typing import Any

import numpy as np

import mystax
from mystax.synth import faulty_video

N = 30


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
    )["motion"]


def test_policy_counts_and_residual_stand_in_the_outcome(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=N)
    outcome = _measured(tmp_path / "one", tmp_path / "face.mp4")
    told = json.loads(outcome.attrs["clock"])
    assert told["policy"] == "drop_tail"
    assert told["n_frames"] == N
    assert told["residual_max"] < 1e-6
    assert str(tmp_path) not in outcome.attrs["clock"]


def test_the_place_of_the_clock_file_changes_no_digest(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=N)
    one, two = (_measured(tmp_path / name, tmp_path / "face.mp4") for name in ("one", "two"))
    assert one.attrs["content_sha256"] == two.attrs["content_sha256"]


def test_own_stamps_need_no_word(tmp_path: Path) -> None:
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=N)
    assert "clock" not in mystax.motion(tmp_path / "face.mp4").attrs

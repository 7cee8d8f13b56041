"""F19: the video grows or changes while it is read.

The fingerprint is compared after the pass: the outcome of a file that changed is refused (V130), nothing
is published, and the next run measures the file as it is then.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

import mystax
from mystax.core.events import Event
from mystax.engine.recipe import recipe_from
from mystax.errors import VideoError
from mystax.synth import faulty_video
from tests.fixtures.engine_runs import run_folder

pytestmark = pytest.mark.fault(19)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0" * 4096)


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 16)


def _vanish(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(("change", "code"), [(_grow, "V130"), (_overwrite, "V130"), (_vanish, "V13[01]")])
def test_a_file_that_changed_is_refused(change: Callable[[Path], None], code: str, tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, "clean", n_frames=60)
    recording = mystax.open(path)
    changed: list[int] = []

    def report(event: Event) -> None:
        if event.stage == "reading 1" and event.data["frame"] == 60:
            change(path)
            changed.append(1)

    with pytest.raises(VideoError, match=code) as error:
        run_folder(tmp_path / "out", recording, recipe_from("quick"), report=report)
    assert changed
    assert error.value.retry == "transient"
    assert not list((tmp_path / "out").glob("*.nc"))
    recording.close()


def test_a_file_that_stays_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, "clean", n_frames=60)
    recording = mystax.open(path)
    run_folder(tmp_path / "out", recording, recipe_from("quick"))
    recording.close()
    assert (tmp_path / "out" / "motion.nc").is_file()


def test_the_changed_file_is_measured_anew_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "face.mp4"
    faulty_video(path, "clean", n_frames=60)
    assert mystax.run(path, "quick", report=False, isolated=False)["motion"].sizes["time"] == 60
    faulty_video(path, "clean", n_frames=75)
    assert mystax.run(path, "quick", report=False, isolated=False)["motion"].sizes["time"] == 75
    assert len(list((tmp_path / "face.mystax" / ".mystax" / "old").glob("motion.*.nc"))) == 1

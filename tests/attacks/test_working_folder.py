"""A folder of data that holds modules of its own: none of them is imported, whatever they are called."""

from pathlib import Path

import numpy as np
import pytest

from mystax.io.formats.facemap import write_facemap
from mystax.synth import faulty_video
from tests.fixtures.commands import run_command
from tests.fixtures.facemap_files import facemap_dict

pytestmark = pytest.mark.attack

NAMES = ("json", "numpy", "av", "h5py", "scipy", "ast", "mystax", "sitecustomize", "base64", "tempfile")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a video, a Facemap file, and modules that leave a marker when they are imported."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("import pathlib\npathlib.Path('MARKER').touch()\n")
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=10, size=(64, 48))
    write_facemap(tmp_path / "face_proc.npy", facemap_dict(1))
    np.save(tmp_path / "times.npy", np.arange(10) / 30)
    (tmp_path / "times.mat").write_bytes(b"no MATLAB file" * 50)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "statuses"),
    [
        (("import", "face_proc.npy"), (0,)),
        (("probe", "face.mp4"), (0,)),
        (("run", "face.mp4", "--clock", "mat:times.mat:t", "--dry-run"), (1,)),
        (("run", "face.mp4", "--clock", "npy:times.npy", "--analyses", "motion", "--no-report"), (0,)),
    ],
    ids=["import", "probe", "foreign clock", "run"],
)
def test_modules_of_the_working_folder_are_not_imported(
    words: tuple[str, ...], statuses: tuple[int, ...], folder: Path
) -> None:
    found = run_command(*words, cwd=folder)
    assert found.status in statuses, found.err
    assert not (folder / "MARKER").exists()

"""Work of the demonstration in a process beside: brain and face."""

import os
import time
from pathlib import Path
from types import ModuleType

import pytest

from mystax.core.events import Event
from mystax.engine.demo import brain as demo_brain
from mystax.engine.demo import face as demo_face
from mystax.engine.demo import meanwhile as module

PARTS = [(demo_brain, "brain"), (demo_face, "face")]
CALLED = {"brain": "encode_brain", "face": "track_face"}


def asked_of(part: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the folders in which this process itself does a part; it does nothing there."""
    folders: list[Path] = []
    monkeypatch.setattr(part, CALLED[name], lambda folder, **_: folders.append(folder))
    return folders


@pytest.mark.parametrize(("part", "name"), PARTS)
def test_a_part_is_done_in_a_process_beside_and_looked_at_afterwards(
    part: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "import os, sys; open(sys.argv[3], 'w').write(' '.join([str(os.getpid()), *sys.argv[1:]]))"
    monkeypatch.setattr(module, "CODE", words)
    asked = asked_of(part, name, monkeypatch)
    events: list[Event] = []
    with getattr(part, f"{name}_meanwhile")(tmp_path / "part", seed=7, progress=events.append):
        assert asked == []
    process, where, function, folder, seed, niceness = (tmp_path / "part").read_text().split()
    assert int(process) != os.getpid()
    assert (where, function) == (part.__name__, CALLED[name])
    assert (folder, seed) == (str(tmp_path / "part"), "7")
    assert niceness == {"face": "0", "brain": "10"}[name]  # the face takes longest
    assert asked == [tmp_path / "part"]
    assert len(events) == 1


@pytest.mark.parametrize(("part", "name"), PARTS)
def test_the_process_beside_ends_with_work_that_fails(
    part: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "import time; time.sleep(600)")
    asked = asked_of(part, name, monkeypatch)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), getattr(part, f"{name}_meanwhile")(tmp_path / "part"):
        raise KeyboardInterrupt
    assert time.monotonic() - begin < 60
    assert asked == []


def test_the_function_is_called_with_folder_and_seed(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("kept")
    with module.meanwhile("pathlib:Path", tmp_path, 3):
        pass  # Path(folder, seed=3) is refused in the child, and that stays there
    assert (tmp_path / "note.txt").read_text() == "kept"

"""Work of the demonstration in a process beside: brain and face."""

import os
import time
from importlib import import_module
from pathlib import Path

import pytest

from mystax.core.events import Event
from mystax.engine.demo import meanwhile as module
from mystax.engine.demo.brain_study import BRAIN
from mystax.engine.demo.face import FACE
from mystax.engine.demo.meanwhile import Part, meanwhile

PARTS = pytest.mark.parametrize("part", [BRAIN, FACE], ids=lambda part: part.name)


def asked_of(part: Part, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int]]:
    """Return the folders and seeds with which this process itself does a part; it does nothing there."""
    found: list[tuple[Path, int]] = []
    monkeypatch.setattr(
        import_module(part.module), part.name, lambda folder, seed, **_: found.append((folder, seed))
    )
    return found


@PARTS
def test_a_part_is_done_in_a_process_beside_and_looked_at_afterwards(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "import os, sys; open(sys.argv[3], 'w').write(' '.join([str(os.getpid()), *sys.argv[1:]]))"
    monkeypatch.setattr(module, "CODE", words)
    asked = asked_of(part, monkeypatch)
    events: list[Event] = []
    with meanwhile(part, tmp_path / "part", seed=7, progress=events.append):
        assert asked == []
    process, where, function, folder, seed = (tmp_path / "part").read_text().split()
    assert int(process) != os.getpid()
    assert (where, function) == (part.module, part.name)
    assert (folder, seed) == (str(tmp_path / "part"), "7")
    assert asked == [(tmp_path / "part", 7)]
    assert [event.text.split()[0] for event in events] == ["meanwhile"]


@PARTS
def test_the_process_beside_ends_with_work_that_fails(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "import time; time.sleep(600)")
    asked = asked_of(part, monkeypatch)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), meanwhile(part, tmp_path / "part"):
        raise KeyboardInterrupt
    assert time.monotonic() - begin < 60
    assert asked == []


@PARTS
def test_what_is_there_already_is_not_announced(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "")
    asked_of(part, monkeypatch)
    (tmp_path / part.made).parent.mkdir(exist_ok=True)
    (tmp_path / part.made).write_bytes(b"")
    events: list[Event] = []
    with meanwhile(part, tmp_path, progress=events.append):
        pass
    assert events == []


def test_failure_of_the_process_beside_is_made_good_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "raise SystemExit(3)")
    asked = asked_of(FACE, monkeypatch)
    with meanwhile(FACE, tmp_path, seed=3):
        pass
    assert asked == [(tmp_path, 3)]

"""Work of the demonstration in a process beside: brain and face."""

import os
import time
from contextlib import suppress
from dataclasses import replace
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
    """Return what this process itself does of a part; it does nothing there."""
    found: list[tuple[Path, int]] = []

    def work(folder: Path, *, seed: int, **_: object) -> None:
        found.append((folder, seed))

    monkeypatch.setattr(import_module(part.module), part.name, work)
    return found


def own_parts(folder: Path, monkeypatch: pytest.MonkeyPatch, **functions: tuple[str, ...]) -> list[Part]:
    """Write a module for each name, with a function of these lines; this process and its children find it."""
    for name, lines in functions.items():
        body = "\n    ".join(("def go(folder, *, seed, progress=None):", *lines))
        (folder / f"{name}.py").write_text(f"from time import sleep\n{body}\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    return [Part(name, "go", "", "made.nc", "stage", "a part is done") for name in functions]


@PARTS
def test_a_part_is_done_in_a_process_beside(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "import os, sys; open(sys.argv[-1], 'w').write(' '.join([str(os.getpid()), *sys.argv[1:]]))"
    words += f"; print('done {part.module}')"
    monkeypatch.setattr(module, "CODE", words)
    asked = asked_of(part, monkeypatch)
    events: list[Event] = []
    with meanwhile([(part, tmp_path / "part")], seed=7, progress=events.append) as beside:
        beside.begin(part)
        assert asked == []
        beside.finish(part)
    process, seed, where, function, *loads, folder = (tmp_path / "part").read_text().split()
    assert int(process) != os.getpid()
    assert (where, function, loads) == (part.module, part.name, part.loads.split())
    assert (folder, seed) == (str(tmp_path / "part"), "7")
    assert asked == [], "nothing is done twice"
    assert [event.text.split()[0] for event in events] == ["meanwhile"]


def test_a_part_is_finished_while_the_next_one_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = "while not (folder / 'may').exists(): sleep(0.02)"
    one, two = own_parts(
        tmp_path,
        monkeypatch,
        part_one=("print('done part_two')",),
        part_two=(wait, "(folder / 'ended').touch()"),
    )
    with meanwhile([(one, tmp_path), (two, tmp_path)]) as beside:
        beside.begin(one)
        beside.begin(two)
        beside.finish(one)
        (tmp_path / "may").touch()
        beside.finish(two)
        assert (tmp_path / "ended").exists(), "what a part prints is not what the process tells"


def test_a_part_that_fails_beside_is_refused_here_and_the_next_one_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = own_parts(
        tmp_path,
        monkeypatch,
        bad_part=("raise ValueError('no room')",),
        good_part=("(folder / 'done').open('x').close()",),
    )
    with meanwhile([(one, tmp_path), (two, tmp_path)]) as beside:
        beside.begin(one)
        beside.begin(two)
        with pytest.raises(ValueError, match="no room"):
            beside.finish(one)
        beside.finish(two)  # a second time, the file would be there
    assert (tmp_path / "done").exists()


def test_a_part_waits_until_it_may_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = own_parts(
        tmp_path,
        monkeypatch,
        first_part=("(folder / 'needed').unlink()",),
        second_part=(
            "import os",
            "(folder / 'needed').unlink()",
            "(folder / 'who').write_text(str(os.getpid()))",
        ),
    )
    (tmp_path / "needed").touch()
    with meanwhile([(one, tmp_path), (two, tmp_path)]) as beside:
        beside.begin(one)
        beside.finish(one)
        (tmp_path / "needed").touch()
        beside.begin(two)
        beside.finish(two)
    assert int((tmp_path / "who").read_text()) != os.getpid(), "before its time it fails, and is done here"


def test_what_a_part_needs_is_loaded_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = own_parts(tmp_path, monkeypatch, late_part=("(folder / 'begun').touch()",))
    for name in ("needed_one", "needed_two"):
        lines = "from pathlib import Path", f"Path({str(tmp_path)!r}, {name!r}).touch()"
        (tmp_path / f"{name}.py").write_text("\n".join(lines), "utf-8")
    waiting = replace(part, loads="needed_one needed_two")
    with meanwhile([(waiting, tmp_path)]):
        end = time.monotonic() + 60
        while not (tmp_path / "needed_two").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
    assert (tmp_path / "needed_one").exists()
    assert not (tmp_path / "begun").exists()


def test_what_never_may_begin_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = own_parts(tmp_path, monkeypatch, waiting_part=("(folder / 'begun').touch()",))
    with meanwhile([(one, tmp_path)]):
        pass
    assert not (tmp_path / "begun").exists()


def test_a_process_that_is_told_to_stop_begins_no_other_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = own_parts(
        tmp_path,
        monkeypatch,
        stopped_part=("from mystax.errors import Cancelled", "raise Cancelled('stop')"),
        never_part=("(folder / 'begun').touch()",),
    )
    with meanwhile([(one, tmp_path), (two, tmp_path)]) as beside:
        beside.begin(one)
        beside.begin(two)
    assert not (tmp_path / "begun").exists()


@PARTS
def test_the_process_beside_ends_with_work_that_fails(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "import time; time.sleep(600)")
    asked = asked_of(part, monkeypatch)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), meanwhile([(part, tmp_path / "part")]):
        raise KeyboardInterrupt
    assert time.monotonic() - begin < 60
    assert asked == []


def test_a_process_that_does_not_hear_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (part,) = own_parts(
        tmp_path,
        monkeypatch,
        deaf_part=(
            "import signal",
            "signal.signal(signal.SIGTERM, lambda *_: None)",
            "(folder / 'deaf').touch()",
            "while True: sleep(1)",
        ),
    )
    monkeypatch.setattr(module, "GRACE", 0.2)

    def wait_and_stop() -> None:
        end = time.monotonic() + 60
        while not (tmp_path / "deaf").exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        raise KeyboardInterrupt

    with suppress(KeyboardInterrupt), meanwhile([(part, tmp_path)]) as beside:
        beside.begin(part)
        wait_and_stop()  # then the process would never end


@PARTS
def test_what_is_there_already_is_not_announced(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "")
    (tmp_path / part.made).parent.mkdir()
    (tmp_path / part.made).touch()
    events: list[Event] = []
    with meanwhile([(part, tmp_path)], progress=events.append) as beside:
        beside.begin(part)
    assert events == []


@PARTS
def test_failure_of_the_process_beside_is_made_good_here(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CODE", "raise SystemExit(3)")
    asked = asked_of(part, monkeypatch)
    with meanwhile([(part, tmp_path)], seed=3) as beside:
        beside.begin(part)
        beside.finish(part)
    assert asked == [(tmp_path, 3)]

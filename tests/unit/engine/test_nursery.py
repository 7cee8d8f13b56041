"""The nursery: children that are forked, their ends, and what happens where there is none."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import psutil
import pytest

from mystax.engine.child import FAILED, ORPHANED
from mystax.engine.nursery import Newborn, Nursery, close_nursery, nursery_here
from mystax.engine.supervisor import child_environment
from mystax.errors import Cancelled
from tests.fixtures.engine_runs import ENVIRONMENT, digest_of, run_folder, toy_job
from tests.fixtures.engine_toys import make_recording, toy_spec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nursery, BaseException | None]]:
    """A nursery whose first wait was ended by a wish to stop, and what ended the wait."""
    made, ended = Nursery(child_environment(ENVIRONMENT)), None

    def stop() -> None:
        raise Cancelled("run")

    with (tmp_path_factory.mktemp("stopped") / "log").open("a", encoding="utf-8") as file:
        try:
            made.bear(file, stop)
        except Cancelled as error:
            ended = error
    yield made, ended
    made.close()


@pytest.fixture
def nursery(stopped: tuple[Nursery, BaseException | None]) -> Nursery:
    return stopped[0]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "log").open("a", encoding="utf-8") as file:
        yield file


def born(nursery: Nursery, log: TextIO) -> Newborn:
    found = nursery.bear(log)
    assert found is not None
    return found


def close(child: Newborn) -> None:
    child.stdin.close()
    child.stdout.close()


def test_a_child_does_a_job_with_the_same_bits_as_this_process(
    nursery: Nursery, log: TextIO, tmp_path: Path
) -> None:
    child = born(nursery, log)
    child.stdin.write(toy_job(tmp_path / "child", toy_spec(40)).to_json() + "\n")
    child.stdin.flush()
    assert '"outcome"' in child.stdout.read()
    assert child.wait(60) == 0
    close(child)
    run_folder(tmp_path / "here", make_recording(toy_spec(40)))
    assert digest_of(tmp_path / "child") == digest_of(tmp_path / "here")


def test_children_are_processes_of_sessions_of_their_own_and_die_alone(nursery: Nursery, log: TextIO) -> None:
    first, second = born(nursery, log), born(nursery, log)
    assert first.poll() is second.poll() is None
    assert len({one.pid for one in (first, second)}) == 2
    parents = {psutil.Process(one.pid).ppid() for one in (first, second)}
    assert len(parents) == 1
    first.kill()
    assert first.wait(60) == -9
    assert first.poll() == -9
    assert second.poll() is None
    second.terminate()
    assert second.wait(60) == -15
    for one in (first, second):
        close(one)


def test_a_child_without_its_parent_leaves_at_once(nursery: Nursery, log: TextIO, tmp_path: Path) -> None:
    child = born(nursery, log)
    child.stdin.write(toy_job(tmp_path / "out", toy_spec(5000, delay=0.1), size=16).to_json() + "\n")
    child.stdin.flush()
    assert child.stdout.readline()
    child.stdin.close()
    assert child.wait(60) == ORPHANED
    close(child)


def test_what_a_child_says_stands_in_its_log(nursery: Nursery, log: TextIO, tmp_path: Path) -> None:
    child = born(nursery, log)
    child.stdin.write("no job\n")
    child.stdin.close()
    assert child.wait(60) == FAILED
    close(child)
    assert "JSONDecodeError" in (tmp_path / "log").read_text("utf-8")


def test_waiting_for_a_child_ends_in_time(nursery: Nursery, log: TextIO) -> None:
    child = born(nursery, log)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.01)
    child.kill()
    child.wait(60)
    close(child)


def test_a_nursery_has_one_thread_and_nothing_of_the_queue(nursery: Nursery, log: TextIO) -> None:
    child = born(nursery, log)
    own = psutil.Process(psutil.Process(child.pid).ppid())
    assert own.num_threads() == 1
    child.kill()
    child.wait(60)
    close(child)
    code = (
        "import sys; from mystax.engine.nursery_main import FIRST, LATER, load; assert load(FIRST + LATER);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded >= {"numpy", "xarray", "av", "matplotlib"}
    assert not loaded & {"sqlalchemy", "dask", "distributed", "torch", "onnxruntime"}


def test_a_nursery_that_was_killed_takes_its_children_along_and_is_followed_by_another(
    nursery: Nursery, log: TextIO
) -> None:
    child = born(nursery, log)
    psutil.Process(psutil.Process(child.pid).ppid()).kill()
    assert child.wait(60) == -9
    close(child)
    end = time.monotonic() + 60
    while (after := nursery.bear(log)) is None:  # its end may not have been seen yet
        assert time.monotonic() < end
    assert nursery.is_useful
    after.kill()
    assert after.wait(60) == -9
    close(after)


def test_a_nursery_that_cannot_start_is_not_asked_again(log: TextIO) -> None:
    nursery = Nursery({"PYTHONHOME": "/nowhere"})
    assert nursery.bear(log) is None
    assert not nursery.is_useful
    nursery.close()


def test_a_wish_to_stop_ends_the_wait_for_a_nursery(
    stopped: tuple[Nursery, BaseException | None], log: TextIO
) -> None:
    nursery, ended = stopped
    assert isinstance(ended, Cancelled)
    assert nursery.is_useful
    child = born(nursery, log)  # and it bears those that are asked for later
    child.kill()
    assert child.wait(60) == -9
    close(child)


def test_a_process_has_one_nursery_and_children_with_other_variables_are_none_of_its() -> None:
    close_nursery()
    first = nursery_here({"A": "1"})
    assert first is not None
    assert nursery_here({"A": "1"}) is first
    assert nursery_here({"A": "2"}) is None
    close_nursery()
    assert nursery_here({"A": "2"}) is not None
    close_nursery()

"""F36: the clock of the host jumps, summer time begins, hosts disagree about the time.

Locks are judged by processes and by the file system's own stamps, checkpoints and pauses by a clock that
never jumps, and what is written as a date is UTC.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from mystax.engine.places import FolderKeeper
from mystax.engine.scratch import Scratch
from mystax.errors import StoreError
from mystax.io.locks import LockRecord, read_lock
from mystax.io.outcomes import load
from mystax.io.store import Store
from tests.fixtures.engine_runs import run_folder
from tests.fixtures.engine_toys import make_recording, toy_spec
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.traces import KEY

pytestmark = pytest.mark.fault(36)


def elsewhere(record: LockRecord) -> bool | None:
    return None


class FsOfServer(FaultyFs):
    """A file system on a server whose clock differs from ours."""

    def __init__(self, ahead: float) -> None:
        super().__init__()
        self.ahead = ahead

    def clock(self, folder: Path) -> float:
        return super().clock(folder) + self.ahead


@pytest.mark.parametrize("days", [-1, 1])
def test_a_lock_of_this_host_lives_however_the_clock_jumps(days: int, tmp_path: Path) -> None:
    shifted = lambda: datetime.now(UTC) + timedelta(days=days)  # noqa: E731 - one line says it
    with Store(tmp_path, fs=FaultyFs(), now=shifted).work([KEY]) as work:
        os.utime(work.lease.path, (time.time() - 86_400 * 30,) * 2)
        with pytest.raises(StoreError, match="S504"):
            Store(tmp_path, fs=FaultyFs()).work([KEY])


@pytest.mark.parametrize("days", [-1, 1])
def test_what_hosts_think_the_time_is_does_not_end_a_lock(days: int, tmp_path: Path) -> None:
    """Only the server's stamps count: the text in the lock may say any day."""
    shifted = lambda: datetime.now(UTC) + timedelta(days=days)  # noqa: E731 - one line says it
    with Store(tmp_path, fs=FaultyFs(), now=shifted).work([KEY]), pytest.raises(StoreError, match="S504"):
        Store(tmp_path, fs=FaultyFs(), alive=elsewhere).work([KEY])


def test_a_lock_of_another_host_ends_by_the_clock_of_the_server(tmp_path: Path) -> None:
    held = Store(tmp_path, fs=FaultyFs()).work([KEY])
    with pytest.raises(StoreError, match="S504"):
        Store(tmp_path, fs=FsOfServer(500), alive=elsewhere).work([KEY])
    with Store(tmp_path, fs=FsOfServer(700), alive=elsewhere).work([KEY]) as work:
        found = read_lock(work.lease.path)
        assert found is not None
        assert found.token == work.lease.token
    with pytest.raises(StoreError, match="S504"):
        held.save({"toy/x": np.zeros(1)}, 1)
    held.close()


def test_checkpoints_are_due_by_a_clock_that_does_not_jump(tmp_path: Path) -> None:
    now = 1000.0
    with Store(tmp_path, fs=FaultyFs()).work([KEY]) as work:
        keeper = FolderKeeper(work, Scratch(None, "k"), lambda: now)
        os.utime(work.folder, (0, 0))
        assert not keeper.due()
        now += 60
        assert keeper.due()


def test_dates_are_utc_in_every_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/St_Johns")
    time.tzset()
    try:
        run_folder(tmp_path, make_recording(toy_spec(20)))
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    found = load(tmp_path / "toy.nc")
    written = datetime.fromisoformat(str(found.attrs["run_finished"]))  # type: ignore[union-attr] # one camera
    assert written.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=5)

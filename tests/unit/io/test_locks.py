"""Locks: one holder at a time, the dead are followed, the living are not."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mystax.errors import StoreError
from mystax.io.locks import LockRecord, acquire_lock, is_alive, is_dead, read_lock, this_process
from mystax.io.store_fs import LocalFs
from tests.fixtures.faulty_fs import FaultyFs, nobody_lives

FIRST, SECOND = "1" * 16, "2" * 16


def noon() -> datetime:
    """Return a fixed time."""
    return datetime(2024, 5, 1, 12, tzinfo=UTC)


def elsewhere(record: LockRecord) -> None:
    """Take every process for one of another host."""


def test_lock_says_who_holds_it(tmp_path: Path) -> None:
    lease = acquire_lock(tmp_path / "work" / "lock", LocalFs(), FIRST, now=noon)
    fields = json.loads((tmp_path / "work" / "lock").read_text())
    assert fields["pid"] == os.getpid()
    assert fields["token"] == lease.token == FIRST
    assert fields["beat"] == "2024-05-01T12:00:00+00:00"
    assert set(fields) == {"host", "pid", "host_start", "process_start", "token", "beat", "user"}
    lease.release()
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("links", [True, False])
def test_second_holder_is_refused_and_told_who_has_it(tmp_path: Path, links: bool) -> None:
    fs = FaultyFs(links=links)
    lease = acquire_lock(tmp_path / "lock", fs, FIRST, now=noon)
    with pytest.raises(StoreError) as caught:
        acquire_lock(tmp_path / "lock", fs, SECOND, now=noon)
    assert caught.value.code == "S504"
    assert str(os.getpid()) in caught.value.got
    lease.check()
    lease.release()
    acquire_lock(tmp_path / "lock", fs, SECOND, now=noon).release()


@pytest.mark.parametrize("links", [True, False])
def test_dead_holder_is_followed(tmp_path: Path, links: bool) -> None:
    fs = FaultyFs(links=links)
    dead = acquire_lock(tmp_path / "lock", fs, FIRST, now=noon)
    heir = acquire_lock(tmp_path / "lock", fs, SECOND, now=noon, alive=nobody_lives)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with pytest.raises(StoreError) as caught:
        dead.check()
    assert caught.value.code == "S504"
    dead.beat()
    dead.release()
    heir.check()
    heir.release()


def test_process_of_this_host_is_alive_until_it_ends() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stat = Path(f"/proc/{child.pid}/stat")
        if not stat.exists():
            pytest.skip("needs /proc")
        started = stat.read_text().rpartition(")")[2].split()[19]
        record = replace(this_process(FIRST), pid=child.pid, process_start=started)
        assert is_alive(record) is True
    finally:
        child.communicate(b"\n")
    assert is_alive(record) is False


def test_later_process_of_the_same_number_is_another_one() -> None:
    assert is_alive(this_process(FIRST)) is True
    assert is_alive(replace(this_process(FIRST), process_start="12345")) is False


def test_process_from_before_the_restart_of_the_host_is_dead() -> None:
    if not Path("/proc/sys/kernel/random/boot_id").exists():
        pytest.skip("needs the boot id of Linux")
    assert is_alive(replace(this_process(FIRST), host_start="another")) is False


def test_process_of_another_host_is_unknown() -> None:
    assert is_alive(replace(this_process(FIRST), host="elsewhere")) is None


@pytest.mark.parametrize(("age", "dead"), [(590.0, False), (610.0, True)])
def test_lock_of_another_host_dies_ten_minutes_after_its_last_beat(
    tmp_path: Path, age: float, dead: bool
) -> None:
    lease = acquire_lock(tmp_path / "lock", LocalFs(), FIRST, now=noon)
    stamp = LocalFs().clock(tmp_path) - age
    os.utime(tmp_path / "lock", (stamp, stamp))
    assert is_dead(tmp_path / "lock", LocalFs(), alive=elsewhere) is dead
    lease.release()


def test_age_of_a_beat_does_not_depend_on_what_the_hosts_think_the_time_is(tmp_path: Path) -> None:
    lease = acquire_lock(tmp_path / "lock", LocalFs(), FIRST, now=lambda: datetime(1999, 1, 1, tzinfo=UTC))
    assert not is_dead(tmp_path / "lock", LocalFs(), alive=elsewhere)
    lease.release()


def test_beat_renews_the_time_in_the_lock(tmp_path: Path) -> None:
    times = iter([noon(), datetime(2024, 5, 1, 12, 0, 10, tzinfo=UTC)])
    lease = acquire_lock(tmp_path / "lock", LocalFs(), FIRST, now=lambda: next(times))
    os.utime(tmp_path / "lock", (0, 0))
    lease.beat()
    record = read_lock(tmp_path / "lock")
    assert record is not None
    assert record.beat == "2024-05-01T12:00:10+00:00"
    assert (tmp_path / "lock").stat().st_mtime > 1e9
    lease.release()


def test_beats_come_from_a_thread_that_ends_with_the_release(tmp_path: Path) -> None:
    lease = acquire_lock(tmp_path / "lock", LocalFs(), FIRST, now=noon)
    os.utime(tmp_path / "lock", (0, 0))
    lease.keep_beating(0.005)
    waiting = lease.path.stat().st_mtime_ns
    for _ in range(100_000):
        if lease.path.stat().st_mtime_ns != waiting:
            break
    assert lease.path.stat().st_mtime > 1e9
    lease.release()
    assert not lease.path.exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"host": 1}', b"\xff"])
def test_lock_that_cannot_be_read_counts_as_alive_while_it_is_young(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "lock").write_bytes(text)
    assert read_lock(tmp_path / "lock") is None
    assert not is_dead(tmp_path / "lock", LocalFs())
    os.utime(tmp_path / "lock", (0, 0))
    assert is_dead(tmp_path / "lock", LocalFs())


def test_missing_lock_is_dead(tmp_path: Path) -> None:
    assert is_dead(tmp_path / "lock", LocalFs())


def test_rival_that_was_faster_gets_its_lock_back(tmp_path: Path) -> None:
    class Slow(FaultyFs):
        """A file system on which a rival takes the dead lock over just before we do."""

        def replace(self, source: Path, target: Path) -> None:
            if source.name == "lock":
                source.write_bytes(replace(this_process("3" * 16), beat="now").text())
            super().replace(source, target)

    dead = acquire_lock(tmp_path / "lock", LocalFs(), FIRST, now=noon)
    with pytest.raises(StoreError) as caught:
        acquire_lock(tmp_path / "lock", Slow(), SECOND, now=noon, alive=lambda lock: lock.token != FIRST)
    dead.release()
    assert caught.value.code == "S504"
    record = read_lock(tmp_path / "lock")
    assert record is not None
    assert record.token == "3" * 16


def test_full_disk_is_told_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        acquire_lock(tmp_path / "lock", FaultyFs(1, 28), FIRST, now=noon)
    assert caught.value.code == "S501"
    assert list(tmp_path.iterdir()) == []

"""F30: kill -9 or out of memory while writing: an outcome is absent or whole, the next run mends the rest."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from mystax.errors import StoreError
from mystax.io.locks import LockRecord
from mystax.io.outcomes import load, verify_outcome
from mystax.io.store import Store
from tests.fixtures.engine_runs import ENVIRONMENT
from tests.fixtures.faulty_fs import FaultyFs, Killed, everybody_lives
from tests.fixtures.traces import BARE, KEY, OTHER_KEY, bare, provenance

pytestmark = pytest.mark.fault(30)
DEAD = "d" * 16


def others_live(record: LockRecord) -> bool:
    """Take the killed process for dead."""
    return record.token != DEAD


def steps(folder: Path) -> list[str]:
    """List the steps of an undisturbed publication."""
    fs = FaultyFs()
    Store(folder, fs=fs).publish(bare(), provenance(), schema=BARE)
    return fs.log


def interesting(log: list[str]) -> list[int]:
    """Choose all steps but most of the many equal writes."""
    writes = [number for number, name in enumerate(log, 1) if name == "write"]
    others = [number for number, name in enumerate(log, 1) if name != "write"]
    return sorted({*others[3:], *writes[::25], writes[-1]})


def after_outcome(log: list[str]) -> int:
    """Return the number of the step that syncs the outcome (the lock was synced before)."""
    return [number for number, name in enumerate(log, 1) if name == "sync"][1]


def killed_at(folder: Path, step: int, key: str = KEY, seed: int = 0) -> None:
    """Publish and die at a step, if there are so many."""
    fs = FaultyFs(step)
    with contextlib.suppress(Killed):
        Store(folder, fs=fs, token=DEAD).publish(bare(seed=seed), provenance(key), schema=BARE)
    fs.bury()


def parts(folder: Path) -> list[Path]:
    """List all part files."""
    return list(folder.rglob("*.part"))


def test_first_outcome_is_absent_or_whole_wherever_the_writer_dies(tmp_path: Path) -> None:
    for step in interesting(steps(tmp_path / "whole")):
        folder = tmp_path / str(step)
        killed_at(folder, step)
        final = folder / "trace.nc"
        assert not final.exists() or verify_outcome(final).status in ("ok", "no_sum")
        store = Store(folder, fs=FaultyFs(), alive=others_live)
        store.sweep()
        assert parts(folder) == []
        store.publish(bare(), provenance(), schema=BARE)
        assert verify_outcome(final).status == "ok"
        assert list((folder / ".mystax" / "work").iterdir()) == []
        found = load(final)
        assert isinstance(found, xr.Dataset)
        assert found.drop_attrs().identical(bare().drop_attrs())


def test_superseded_outcome_is_there_until_the_new_one_is(tmp_path: Path) -> None:
    log = steps(tmp_path / "whole")
    for step in interesting(log):
        folder = tmp_path / str(step)
        Store(folder, fs=FaultyFs()).publish(bare(), provenance(), schema=BARE)
        killed_at(folder, step, OTHER_KEY, seed=1)
        store = Store(folder, fs=FaultyFs(), alive=others_live)
        key = store.current_key("trace")
        assert key in (KEY, OTHER_KEY)
        if key == OTHER_KEY:
            assert verify_outcome(folder / ".mystax" / "old" / f"trace.{KEY[:12]}.nc").status != "damaged"
        store.sweep()
        assert parts(folder) == []
        assert verify_outcome(folder / "trace.nc").status == "ok"


def test_outcome_published_before_its_sum_is_adopted_without_new_work(tmp_path: Path) -> None:
    log = steps(tmp_path / "whole")
    between = [number for number, name in enumerate(log, 1) if name == "link"][1] + 1
    killed_at(tmp_path / "a", between)
    final = tmp_path / "a" / "trace.nc"
    assert verify_outcome(final).status == "no_sum"
    store = Store(tmp_path / "a", alive=others_live)
    assert store.current_key("trace") == KEY
    before = final.stat()
    store.sweep()
    assert verify_outcome(final).status == "ok"
    assert (final.stat().st_ino, final.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_living_rival_keeps_its_part(tmp_path: Path) -> None:
    log = steps(tmp_path / "whole")
    killed_at(tmp_path / "a", after_outcome(log))
    left = parts(tmp_path / "a")
    assert left
    assert Store(tmp_path / "a", alive=everybody_lives).sweep() == []
    with pytest.raises(StoreError, match="S504"):
        Store(tmp_path / "a", alive=everybody_lives).work([KEY])
    assert parts(tmp_path / "a") == left


CHILD = """
import os, signal, sys
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.traces import BARE, bare, provenance
from mystax.io.store import Store

class Deadly(FaultyFs):
    def step(self, name):
        super().step(name)
        if self.n_steps == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)

Store(sys.argv[1], fs=Deadly()).publish(bare(), provenance(), schema=BARE)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is of POSIX")
def test_real_kill_leaves_a_lock_that_the_next_run_takes_over(tmp_path: Path) -> None:
    log = steps(tmp_path / "whole")
    root = Path(__file__).resolve().parents[2]
    for number, step in enumerate((after_outcome(log) - 1, len(log) - 2)):
        folder = tmp_path / str(number)
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(folder), str(step)],
            cwd=root,
            env={**os.environ, **ENVIRONMENT},
        )
        assert child.returncode == -signal.SIGKILL
        assert list(folder.rglob("lock"))
        store = Store(folder, fs=FaultyFs())
        store.sweep()
        with store.work([KEY]):
            store.publish(bare(), provenance(), schema=BARE)
        assert parts(folder) == []
        assert verify_outcome(folder / "trace.nc").status == "ok"

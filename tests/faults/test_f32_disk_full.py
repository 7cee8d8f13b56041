"""F32: the disk is full: S501, no file at a final name, no part left; with space again all is well."""

import errno
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import SpaceError, StoreError
from mystax.io.outcomes import verify_outcome
from mystax.io.store import Store
from tests.fixtures.faulty_fs import FaultyFs
from tests.fixtures.traces import BARE, KEY, OTHER_KEY, bare, provenance

pytestmark = pytest.mark.fault(32)


def files(folder: Path) -> list[str]:
    """List all files, sorted."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def writing_steps(folder: Path, *, superseding: bool = False) -> list[int]:
    """Choose steps of a publication that write or create."""
    fs = FaultyFs()
    Store(folder, fs=fs).publish(bare(), provenance(), schema=BARE)
    if superseding:
        fs.log.clear()
        Store(folder, fs=fs).publish(bare(seed=1), provenance(OTHER_KEY), schema=BARE)
    steps = [number for number, name in enumerate(fs.log, 1) if name in ("write", "create")]
    return [*steps[:4], *steps[4:-3:17], *steps[-3:]]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_at_any_write_leaves_nothing(tmp_path: Path, number: int) -> None:
    for step in writing_steps(tmp_path / "whole"):
        folder = tmp_path / str(step)
        with pytest.raises(SpaceError) as caught:
            Store(folder, fs=FaultyFs(step, number)).publish(bare(), provenance(), schema=BARE)
        assert caught.value.code == "S501"
        assert caught.value.retry == "space"
        assert files(folder) == []
        Store(folder, fs=FaultyFs()).publish(bare(), provenance(), schema=BARE)
        assert verify_outcome(folder / "trace.nc").status == "ok"


def test_other_errors_of_the_disk_leave_nothing_either(tmp_path: Path) -> None:
    for step in writing_steps(tmp_path / "whole"):
        folder = tmp_path / str(step)
        with pytest.raises(StoreError) as caught:
            Store(folder, fs=FaultyFs(step, errno.EIO)).publish(bare(), provenance(), schema=BARE)
        assert caught.value.code == "S503"
        assert files(folder) == []


def test_outcome_before_stays_as_it_was(tmp_path: Path) -> None:
    steps = writing_steps(tmp_path / "whole", superseding=True)
    Store(tmp_path / "a", fs=FaultyFs()).publish(bare(), provenance(), schema=BARE)
    for step in steps:
        with pytest.raises(SpaceError):
            Store(tmp_path / "a", fs=FaultyFs(step, errno.ENOSPC)).publish(
                bare(seed=1), provenance(OTHER_KEY), schema=BARE
            )
        assert Store(tmp_path / "a").current_key("trace") == KEY
    assert files(tmp_path / "a") == ["trace.nc", "trace.nc.sha256"]


def test_work_goes_on_from_its_checkpoint_when_there_is_space_again(tmp_path: Path) -> None:
    fs = FaultyFs()
    store = Store(tmp_path, fs=fs)
    with store.work([KEY]) as work:
        spool = work.spool("motion.energy", 1, "uint8")
        spool.append(np.ones((5, 1), np.uint8))
        work.save({"motion/sum": np.arange(3)}, 5)
        fs.at, fs.n_steps, fs.error = 1, 0, errno.ENOSPC
        with pytest.raises(SpaceError):
            spool.append(np.ones((5, 1), np.uint8))
        with pytest.raises(SpaceError):
            work.save({"motion/sum": np.arange(3)}, 10)
        with pytest.raises(SpaceError):
            store.publish(bare(), provenance(), schema=BARE)
    fs.at = 0
    with store.work([KEY]) as work:
        found = work.restore()
        assert found is not None
        assert found.frame == 5
        assert work.spool("motion.energy", 1, "uint8").n_rows == 5


def test_texts_are_not_torn(tmp_path: Path) -> None:
    Store(tmp_path).write_text("report.html", "whole")
    with pytest.raises(SpaceError):
        Store(tmp_path, fs=FaultyFs(2, errno.ENOSPC)).write_text("report.html", "another")
    assert files(tmp_path) == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "whole"


CHILD = """
import sys
from mystax.errors import SpaceError
from mystax.io.store import Store
from tests.fixtures.traces import TRACE, provenance, trace
try:
    Store(sys.argv[1]).publish(trace(100_000, n_components=4), provenance(), schema=TRACE)
except SpaceError as error:
    sys.exit(error.code)
"""


def test_size_limit_of_the_system_is_s501(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    child = subprocess.run(
        [sys.executable, "-B", "-c", CHILD, str(tmp_path / "a")],
        cwd=root,
        preexec_fn=limited,
        capture_output=True,
        text=True,
    )
    assert (child.returncode, child.stderr.strip()) == (1, "S501")
    assert files(tmp_path / "a") == []

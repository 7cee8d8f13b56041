"""An export into the lab's own NWB file is killed at any moment: it is the old file, or the new one whole."""

import hashlib
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mystax.io.nwb.reader import read_outcomes
from tests.fixtures.exchange_outcomes import publish_known

pytestmark = [pytest.mark.extra("nwb"), pytest.mark.usefixtures("readers_here")]
pytest.importorskip("pynwb", reason='pip install "mystax[nwb]"')

CHILD = """
import sys
from pathlib import Path
from mystax.core.events import silent
from mystax.io.nwb import library
from mystax.io.nwb.append import append_nwb
from mystax.io.nwb.options import NwbOptions
from mystax.io.recorded import find_recorded
library.pynwb(), library.ndx_pose()
found = find_recorded([Path(sys.argv[2])])
print("ready", flush=True)
append_nwb(Path(sys.argv[1]), found, NwbOptions(overwrite=True), silent)
print("done", flush=True)
"""


def lab_file(path: Path) -> Path:
    """Write an NWB file with units, as a lab has it."""
    from datetime import UTC, datetime

    from mystax.io.nwb import library

    nwb = library.pynwb()
    with library.quiet():
        made = nwb.NWBFile("of a lab", "lab-1", datetime(2024, 3, 1, tzinfo=UTC))
        for k in range(3):
            made.add_unit(spike_times=[0.5 * k, 1.0 + k], id=k)
        with nwb.NWBHDF5IO(str(path), "w") as file:
            file.write(made)
    return path


def kill_at_random(place: Path, n: int, seed: int) -> None:
    """Kill n exports, each after another time of up to the time that one needs."""
    old = lab_file(place / "old.nwb")
    digest = hashlib.sha256(old.read_bytes()).hexdigest()
    folder = publish_known(place / "face.mystax", "motion", "pupil")
    draw, needed = random.Random(seed), 0.0  # noqa: S311 - moments, not secrets
    for k in range(n + 1):
        path = place / f"lab{k}.nwb"
        shutil.copyfile(old, path)
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        begun = time.monotonic()
        if k == 0:  # the first is left alone: it tells how long the work takes
            assert child.stdout.readline() == "done\n"
            needed = time.monotonic() - begun
        else:
            time.sleep(draw.uniform(0, needed))
            child.kill()
        child.wait()
        child.stdout.close()
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            assert sorted(one.parts.analysis for one in read_outcomes(path)) == ["motion", "pupil"]


@pytest.mark.slow
def test_three_kills_leave_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 3, seed=1)


@pytest.mark.slow
def test_ten_kills_leave_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 10, seed=2)

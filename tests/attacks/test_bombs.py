"""Bombs given to their readers: refused with a code, in little time and little memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.attacks.bombs import BOMBS, zeros_archive
from tests.fixtures.commands import ROOT
from tests.fixtures.engine_runs import ENVIRONMENT

pytestmark = pytest.mark.attack

MEMORY = 500 << 20
SECONDS = 5.0

# One process of its own, whose memory and that of its children is measured over all bombs.
READ = """
import json, resource, sys, time
from importlib import import_module
from pathlib import Path
from mystax.errors import MystaxError

def own_peak():
    # The kernel's own count begins anew with the program; that of getrusage begins with the parent's memory.
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

for line in sys.stdin:
    name, path, reader = json.loads(line)
    module, _, function = reader.partition(":")
    read = getattr(import_module(module), function)
    start = time.process_time()
    try:
        read(Path(path))
        code = ""
    except MystaxError as error:
        code = error.code
    seconds = time.process_time() - start
    peak = max(own_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
    print(json.dumps({"name": name, "code": code, "seconds": seconds, "peak": peak}), flush=True)
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """How the reader of each bomb ended."""
    lines = []
    for name, (make, file, reader, _) in BOMBS.items():
        path = tmp_path_factory.mktemp("bomb") / file
        make(path)
        assert path.stat().st_size < 6 << 20
        lines.append(json.dumps([name, str(path), reader]))
    env = {**os.environ, **ENVIRONMENT}
    command = [sys.executable, "-c", READ]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    found = map(json.loads, done.stdout.splitlines())
    return {end["name"]: end for end in found}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_with_its_code(name: str, ends: dict[str, dict[str, Any]]) -> None:
    assert ends[name]["code"] == BOMBS[name][3]


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_costs_little_time_and_memory(name: str, ends: dict[str, dict[str, Any]]) -> None:
    assert ends[name]["seconds"] <= SECONDS
    assert ends[name]["peak"] <= MEMORY


@pytest.mark.parametrize("n_mib", [4, 64])
def test_archives_of_zeros_without_a_header_are_no_clocks(n_mib: int, tmp_path: Path) -> None:
    from mystax.io.clock_tables import read_column
    from tests.fixtures.refusals import code_of

    path = tmp_path / "a.npz"
    zeros_archive(path, n_mib << 20)
    assert code_of(lambda: read_column(path, "npz", "times")) in ("F802", "F804")


def test_a_clock_that_compresses_well_is_still_read(tmp_path: Path) -> None:
    from mystax.io.clock_tables import read_column

    times = np.arange(200_000) // 50
    np.savez_compressed(tmp_path / "a.npz", times=times)
    assert times.nbytes > 50 * (tmp_path / "a.npz").stat().st_size
    assert np.array_equal(read_column(tmp_path / "a.npz", "npz", "times").values, times)

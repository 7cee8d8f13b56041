"""Writing an outcome: what it costs beside its values."""

import subprocess
import sys

import pytest

MANY = """
import tempfile
import numpy as np, xarray as xr
from mystax.io.outcome_writer import write_outcome

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

n = 200_000
values = {f"trace_{k}": ("time", np.arange(n) + float(k)) for k in range(40)}
outcome = xr.Dataset(values, {"time": np.arange(n) / 100})
with tempfile.TemporaryFile() as file:
    write_outcome(file, {"": outcome.isel(time=slice(100))}, {"mystax_format": 1})
open("/proc/self/clear_refs", "w").write("5")
before = peak()
with tempfile.TemporaryFile() as file:
    write_outcome(file, {"": outcome}, {"mystax_format": 1})
print(peak() - before)
"""
"""Peak memory [MiB] that 40 variables of 1.5 MiB take beside themselves; a short outcome comes first."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process can be set back on Linux only")
def test_many_variables_need_little_memory_beside_their_values() -> None:
    run = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 20.0

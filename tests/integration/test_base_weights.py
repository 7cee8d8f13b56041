"""The recipe of the base weights, on a pool of drawn dots."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from safetensors.torch import load_file  # noqa: E402 - comes with torch

from mystax.nets.pool import write_part  # noqa: E402
from tests.fixtures.dots import random_dots  # noqa: E402

pytestmark = pytest.mark.extra("train")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pool of 48 pictures of 22 dots."""
    folder = tmp_path_factory.mktemp("pool")
    for number in range(2):
        write_part(folder, number, *random_dots(np.random.default_rng(number), 24, 64, 22))
    return folder


def _command(pool: Path, out: Path, *wishes: str) -> list[str]:
    tool = str(ROOT / "tools" / "base_weights.py")
    fixed = ("--width", "0.25", "--batch", "4", "--sizes", "32", "64", "--threads", "1", "--no-half")
    return [sys.executable, tool, "train", str(pool), "--out", str(out), *fixed, *wishes]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(pool: Path, tmp_path: Path) -> None:
    steps = ("--steps", "24", "--save-every", "0")
    subprocess.run(_command(pool, tmp_path / "whole", *steps), env=_environment(), check=True)
    started = subprocess.Popen(_command(pool, tmp_path / "killed", *steps), env=_environment())
    while not (tmp_path / "killed" / "weights.safetensors").exists():
        assert started.poll() is None
        time.sleep(0.02)
    started.send_signal(signal.SIGKILL)
    started.wait()
    subprocess.run(_command(pool, tmp_path / "killed", *steps), env=_environment(), check=True)
    assert "goes on at step" in (tmp_path / "killed" / "log.txt").read_text()
    whole, killed = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)


def test_log_tells_loss_and_errors_of_the_shifted_set(pool: Path, tmp_path: Path) -> None:
    wishes = ("--steps", "4", "--shifted", str(pool), "--shifted-count", "8", "--look-every", "0")
    done = subprocess.run(
        _command(pool, tmp_path, *wishes), env=_environment(), check=True, capture_output=True, text=True
    )
    log = (tmp_path / "log.txt").read_text()
    assert done.stdout == log
    assert "loss" in log
    assert "shifted median" in log
    assert "size 64" in log

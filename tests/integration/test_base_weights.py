"""The recipe of the base weights, on a pool of drawn dots."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='pip install "mystax[train]"')

from safetensors.torch import load_file  # noqa: E402 - comes with torch

from mystax.nets.crop import normalise_crops  # noqa: E402
from mystax.nets.pool import write_part  # noqa: E402
from mystax.nets.runtime import load_network  # noqa: E402
from tests.fixtures.dots import random_dots  # noqa: E402

pytestmark = pytest.mark.extra("train")
ROOT = Path(__file__).resolve().parents[2]


def _part(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return random_dots(np.random.default_rng(number), 24, 64, 22)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pool of 48 pictures of 22 dots."""
    folder = tmp_path_factory.mktemp("pool")
    for number in range(2):
        write_part(folder, number, *_part(number))
    return folder


def _command(pool: Path, out: Path, *wishes: str) -> list[str]:
    tool = str(ROOT / "tools" / "base_weights.py")
    fixed = ("--width", "0.25", "--batch", "4", "--sizes", "32", "64", "--threads", "1", "--no-half")
    return [sys.executable, tool, "train", str(pool), "--out", str(out), *fixed, *wishes]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def trained(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train for four steps with looks at shifted pictures: the folder, and what was said."""
    folder = tmp_path_factory.mktemp("trained")
    wishes = ("--steps", "4", "--shifted", str(pool), "--shifted-count", "8", "--look-every", "0")
    done = subprocess.run(
        _command(pool, folder, *wishes), env=_environment(), check=True, capture_output=True, text=True
    )
    return folder, done.stdout


@pytest.mark.slow
def test_log_tells_loss_and_errors_of_the_shifted_set(trained: tuple[Path, str]) -> None:
    folder, said = trained
    log = (folder / "log.txt").read_text()
    assert said == log
    assert "loss" in log
    assert "shifted median" in log
    assert "size 64" in log


@pytest.mark.slow
def test_calibration_can_use_pictures_of_the_ordinary_ranges_too(pool: Path, tmp_path: Path) -> None:
    subprocess.run(_command(pool, tmp_path / "run", "--steps", "4"), env=_environment(), check=True)
    write_part(tmp_path / "held", 0, *_part(7))
    tool = str(ROOT / "tools" / "base_card.py")
    command = [sys.executable, tool, str(tmp_path / "run"), "--pool", str(pool), "--shifted", str(pool)]
    for name, more in (("one", []), ("two", ["--ordinary", str(tmp_path / "held")])):
        out = ["--out", str(tmp_path / "out"), "--name", name]
        subprocess.run([*command, *out, *more], env=_environment(), check=True)
    cards = [tomllib.loads((tmp_path / "out" / f"{name}.toml").read_text()) for name in ("one", "two")]
    assert cards[0]["shifted"]["mean"] == cards[1]["shifted"]["mean"]  # judged on the same pictures
    one, two = (load_network(tmp_path / "out" / f"{name}.onnx").calibration for name in ("one", "two"))
    assert not np.array_equal(one.centre, two.centre)


@pytest.mark.slow
def test_card_holds_the_figures_and_sums_of_the_weights_beside_it(
    pool: Path, trained: tuple[Path, str], tmp_path: Path
) -> None:
    tool = str(ROOT / "tools" / "base_card.py")
    command = [sys.executable, tool, str(trained[0]), "--pool", str(pool), "--shifted", str(pool)]
    subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--name", "dots", "--looks", "3"],
        env=_environment(),
        check=True,
    )
    card = tomllib.loads((tmp_path / "out" / "dots.toml").read_text())
    network = load_network(tmp_path / "out" / "dots.onnx")
    assert card["sha256"]["onnx"] == network.digest
    assert card["looks_at_real_frames"] == 3
    assert card["training"]["data"] == "rendered images only"
    assert network.calibration.origin == "synthetic"
    assert network.prior is not None
    # Errors of the card, of every second picture, worked out again from the file that predicts.
    image, xy, _ = (np.concatenate(v) for v in zip(*(_part(number) for number in range(2)), strict=True))
    places = network.decode(normalise_crops(image[1::2])).xy
    error = np.linalg.norm(places - xy[1::2], axis=-1) * 256 / 64
    assert card["shifted"]["mean"] == pytest.approx(error.mean(), rel=0.05)  # float16 weights

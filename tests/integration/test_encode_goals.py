"""What the encoder must reach on simulated brains whose ceiling is known (nightly)."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mystax
from mystax.synth.brain import BrainTruth, simulate
from tests.fixtures.brains import follower, two_parts

pytestmark = pytest.mark.slow

SEEDS = (0, 3, 7)
FAST: dict[str, Any] = {"null": "none", "parts": False, "lags": False, "ceiling": "none"}


def shares(truth: BrainTruth, **options: Any) -> dict[str, float]:
    """Return mean explained variance of each model over the mean of the true ceiling."""
    found = mystax.encoding(truth.behaviour, truth.neural, groups="keypoints", **{**FAST, **options})
    mean = found["population"].sel(statistic="mean")
    return {
        str(model): float(mean.sel(model=model)) / truth.ceiling.mean() for model in found["model"].values
    }


@cache
def reached(world: str, seed: int, model: str) -> dict[str, float]:
    return shares(simulate(world, seed=seed), model=model)


@pytest.mark.parametrize(("world", "least"), [("A", 0.45), ("B", 0.50)])
def test_linear_models_reach_their_share_of_the_ceiling(world: str, least: float) -> None:
    assert np.mean([reached(world, seed, "linear")["stacked"] for seed in SEEDS]) >= least


@pytest.mark.extra("train")
@pytest.mark.parametrize(("world", "least"), [("A", 0.54), ("B", 0.55)])
def test_the_stack_of_three_reaches_its_share_of_the_ceiling(world: str, least: float) -> None:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')
    assert np.mean([reached(world, seed, "deep")["stacked"] for seed in SEEDS]) >= least


@pytest.mark.parametrize("world", ["A", "B"])
def test_the_stack_is_well_above_the_baseline_in_every_world(world: str) -> None:
    for seed in SEEDS:
        found = reached(world, seed, "linear")
        assert found["stacked"] >= 1.5 * found["lagged-ridge"]


@pytest.mark.parametrize("seed", range(6))
def test_on_independent_data_the_stack_says_the_mean(seed: int) -> None:
    truth = simulate("AB"[seed % 2], seed=seed, n_neurons=200, independent=True)
    found = shares(truth, model="linear")
    gap = (found["stacked"] - found["mean-only"]) * truth.ceiling.mean()
    assert -0.002 <= gap <= 0.001


@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_false_positives_stay_below_their_rate(drift: float) -> None:
    rates = []
    for seed in range(40):
        truth = simulate("A", minutes=20, n_neurons=50, seed=100 + seed, drift=drift, independent=True)
        found = mystax.encoding(
            truth.behaviour, truth.neural, groups="keypoints", model="linear", scales="one", folds=2,
            shifts=54, parts=False, lags=False, ceiling="none",
        )  # fmt: skip
        rates.append(float((found["p_value"].values <= 0.05).mean()))
    assert np.mean(rates) <= 0.07


@pytest.mark.parametrize("world", ["A", "B"])
def test_neurons_that_can_be_explained_are_found(world: str) -> None:
    truth = simulate(world, seed=0)
    found = mystax.encoding(
        truth.behaviour, truth.neural, groups="keypoints", model="linear", scales="one", folds=2,
        parts=False, lags=False, ceiling="none",
    )  # fmt: skip
    able = truth.ceiling > 0.05
    assert (np.asarray(found["significant"].values)[able] > 0).mean() >= 0.9


@pytest.mark.extra("train")
def test_the_published_network_peaks_at_its_own_bin() -> None:
    pytest.importorskip("torch", reason='pip install "mystax[train]"')
    found = mystax.encoding(
        two_parts(600), follower(shift=0.5, seconds=600), model="facemap", folds=2, **FAST
    )
    values = np.asarray(found["explained_variance"].sel(model="facemap").values)
    assert "facemap" not in [str(name) for name in found["member"].values]
    assert values.mean() > 0.3
    assert "over-fits short recordings" in str(found.attrs["quality"])


def test_a_part_that_drives_nothing_is_not_unique_and_the_only_driver_is() -> None:
    holds, shares_of_driver = [], []
    for seed in range(6):
        found = mystax.encoding(
            two_parts(1200, seed),
            follower(seconds=1200, seed=seed, n=40, share=0.2),
            model="linear",
            **{**FAST, "parts": True},
        )
        idle, driver = (found.sel(part=f"keypoints/{name}") for name in ("paw", "nose"))
        holds.append(((idle["unique_low"] <= 0) & (idle["unique_high"] >= 0)).values.mean())
        full = float(found["explained_variance"].sel(model="filterbank").mean())
        shares_of_driver.append(float(driver["unique"].mean()) / full)
    assert np.mean(holds) >= 0.9
    assert min(shares_of_driver) >= 0.8


def test_a_camera_hole_of_30_seconds_changes_little() -> None:
    from mystax.synth.brain_faults import damage

    truth = simulate("A", seed=0, n_neurons=100)
    whole, holed = (
        shares(item, model="linear")["stacked"] * truth.ceiling.mean()
        for item in (truth, damage(truth, "camera-hole"))
    )
    assert abs(whole - holed) <= 0.01


LARGE = """
import json, os, resource, signal, sys
import mystax
from tests.fixtures.brains import two_parts
folds = []
def watch(event):
    if event.stage == "folds" and event.kind == "progress":
        folds.append(event.data["fold"])
    if event.kind == "checkpoint" and sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
neural = mystax.read_neural("activity.npy", clock="npy:times.npy", axes="time,neuron")
found = mystax.encoding(two_parts(7700), neural, model="linear", folds=2, out=sys.argv[1], progress=watch,
                        null="none", parts=False, lags=False, ceiling="none")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"peak": peak, "folds": sorted(set(folds)), "digest": found.attrs["content_sha256"]}))
"""


def test_thirty_thousand_neurons_from_a_file_need_two_and_a_half_gigabytes_and_outlive_a_kill(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    n, neurons = 23_040, 30_000
    rows = np.lib.format.open_memmap(tmp_path / "activity.npy", "w+", np.float32, (n, neurons))
    loadings = rng.normal(size=(20, neurons)).astype(np.float32)
    for first in range(0, n, 512):
        part = slice(first, min(first + 512, n))
        size = part.stop - part.start
        rows[part] = rng.normal(size=(size, 20)).astype(np.float32) @ loadings
        rows[part] += rng.standard_normal((size, neurons), dtype=np.float32)
    rows.flush()
    del rows
    np.save(tmp_path / "times.npy", (np.arange(n) + 0.5) / 3)
    whole = _large(tmp_path, "whole", "runs")
    assert whole["peak"] <= 2560
    assert whole["folds"] == [0, 1]
    with pytest.raises(subprocess.CalledProcessError):
        _large(tmp_path, "again", "killed")
    again = _large(tmp_path, "again", "runs")
    assert again["folds"] == [1]
    assert again["digest"] == whole["digest"]


def _large(folder: Path, out: str, how: str) -> dict[str, Any]:
    """Encode the array of a folder in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE, out, how],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _paths() -> list[str]:
    root = Path(__file__).resolve().parents[2]
    return [str(root / "src"), str(root)]

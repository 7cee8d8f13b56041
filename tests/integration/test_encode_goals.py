"""What the encoder must reach on simulated brains whose ceiling is known (nightly).

Every goal is made of pieces (one recording, one model).  With ``MYSTAX_GOALS=FOLDER`` in the environment they
are kept there, so that an interrupted run goes on; pieces of other code are made again.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.sources import ENCODER

import mystax
from mystax.core.analysis import get_analysis
from mystax.io.provenance import Provenance
from mystax.io.store import Store
from mystax.synth.brain import BrainTruth, simulate, write
from tests.fixtures.brains import follower, neural, two_parts
from tests.fixtures.grids import wander
from tests.fixtures.kept import Kept, kept_in

pytestmark = pytest.mark.slow

SEEDS, RELEASE = (0, 3, 7), (11, 13)
FAST: dict[str, Any] = {"null": "none", "parts": False, "lags": False, "ceiling": "none"}
NETWORKS = [pytest.param("deep", marks=pytest.mark.extra("train"))]
BOTH = pytest.mark.parametrize("model", ["linear", *NETWORKS])
BELOW = -0.01
"""A neuron that explains less is worse than its mean."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    makers = (means, of_brain, commanded, chance, long_brain, gains, follower, two_parts, neural, wander)
    return kept_in(tmp_path_factory.mktemp("goals"), ENCODER, *makers)


def needs(model: str) -> None:
    if model != "linear":
        pytest.importorskip("torch", reason='pip install "mystax[train]"')


def means(behaviour: Any, neural: Any, **options: Any) -> dict[str, float]:
    """Return the mean explained variance of each model."""
    return mean_of(mystax.encoding(behaviour, neural, groups="auto", **{**FAST, **options}))


def mean_of(found: Any) -> dict[str, float]:
    mean = found["population"].sel(statistic="mean")
    return {str(model): float(mean.sel(model=model)) for model in found["model"].values}


def of_brain(truth: BrainTruth, model: str) -> dict[str, float]:
    return means({"pose": truth.behaviour["pose"]}, truth.neural, model=model) | {
        "ceiling": float(truth.ceiling.mean())
    }


def commanded(world: str, seed: int, model: str) -> dict[str, float]:
    """Return what `mystax encode` finds of a recording: means, neurons below the mean, its exit status."""
    truth = simulate(world, seed=seed)
    with tempfile.TemporaryDirectory() as place:
        version = get_analysis("pose").version
        Store(Path(place) / "face.mystax").publish(
            truth.behaviour["pose"], Provenance("pose", version, "0" * 64)
        )
        written = write(truth, Path(place) / "neural", "npy")
        words = (
            "encode", "face.mystax", "--neural", str(written.path), "--neural-clock",
            f"npy:{written.neural_times}", "--model", model, "--null", "none", "--ceiling", "none",
            "--no-parts", "--no-lags", "--json",
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", "from mystax.cli import main; main()", *words],
            cwd=place,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found: Any = mystax.load(Path(place) / "face.mystax" / "encoding.nc")
        below = (found["explained_variance"] < BELOW).mean("neuron")
        return {
            **mean_of(found),
            **{f"below-{model}": float(below.sel(model=model)) for model in ("lagged-ridge", "stacked")},
            "ceiling": float(truth.ceiling.mean()),
            "neurons": float(found.sizes["neuron"]),
        }


def reached(kept: Kept, world: str, seed: int, model: str) -> dict[str, float]:
    """Encode one of the six recordings, and return what each model explains of it."""
    found: dict[str, float] = kept(f"{model}-{world}{seed}", lambda: commanded(world, seed, model))
    return found


def share_of_ceiling(kept: Kept, world: str, model: str, seeds: tuple[int, ...] = SEEDS) -> float:
    found = [reached(kept, world, seed, model) for seed in seeds]
    return float(np.mean([one["stacked"] / one["ceiling"] for one in found]))


LINEAR, STACKED = {"A": 0.45, "B": 0.50}, {"A": 0.54, "B": 0.55}
"""Least share of the ceiling."""


@pytest.mark.parametrize("world", LINEAR)
def test_linear_models_reach_their_share_of_the_ceiling(kept: Kept, world: str) -> None:
    assert share_of_ceiling(kept, world, "linear") >= LINEAR[world]


@pytest.mark.extra("train")
@pytest.mark.parametrize("world", STACKED)
def test_the_stack_of_three_reaches_its_share_of_the_ceiling(kept: Kept, world: str) -> None:
    needs("deep")
    assert share_of_ceiling(kept, world, "deep") >= STACKED[world]


@pytest.mark.parametrize("world", ["A", "B"])
@BOTH
def test_the_stack_is_well_above_the_baseline_in_every_recording(kept: Kept, world: str, model: str) -> None:
    needs(model)
    for seed in SEEDS:
        found = reached(kept, world, seed, model)
        assert found["neurons"] == 500
        assert found["stacked"] >= 1.5 * found["lagged-ridge"]


@pytest.mark.parametrize("world", ["A", "B"])
@BOTH
def test_hardly_any_neuron_is_said_worse_than_by_its_mean(kept: Kept, world: str, model: str) -> None:
    needs(model)
    for seed in SEEDS:
        found = reached(kept, world, seed, model)
        assert found["below-stacked"] <= min(0.01, found["below-lagged-ridge"] + 0.01)


@BOTH
@pytest.mark.parametrize("seed", range(6))
def test_on_independent_data_the_stack_says_the_mean(kept: Kept, seed: int, model: str) -> None:
    needs(model)

    def make() -> dict[str, float]:
        return of_brain(simulate("AB"[seed % 2], seed=seed, n_neurons=200, independent=True), model)

    found = kept(f"independent-{model}-{seed}", make)
    assert -0.002 <= found["stacked"] - found["mean-only"] <= 0.001
    assert found["stacked"] >= found["lagged-ridge"] - 0.002


@BOTH
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_on_a_linear_brain_the_stack_is_not_below_the_baseline(kept: Kept, share: float, model: str) -> None:
    needs(model)

    def make() -> dict[str, float]:
        return means(two_parts(1200), follower(seconds=1200, n=40, share=share), model=model)

    found = kept(f"line-{model}-{share}", make)
    assert found["stacked"] >= found["lagged-ridge"] - 0.002


def chance(truth: BrainTruth, n_shifts: int) -> dict[str, Any]:
    """Judge neurons by shifts, as `mystax.encoding` does; nothing else is fitted."""
    from mystax.analyses.encoding_data import encoding_data
    from mystax.analyses.encoding_members import units_of
    from mystax.analyses.encoding_null import null_found
    from mystax.compute.tiles import TilePool
    from mystax.engine.encoding.inputs import behaviour_of

    grid, _ = behaviour_of({"pose": truth.behaviour["pose"]}, "keypoints")
    data = encoding_data(grid, truth.neural)
    with TilePool(1) as tiles:
        found, _, _ = null_found(
            data, units_of(data, data.usable, 0), kind="linear-shift", n_shifts=n_shifts, gap=7.0, tiles=tiles
        )
    p, significant = (np.asarray(found[name][1]) for name in ("p_value", "significant"))
    able = truth.ceiling > 0.05
    return {
        "below": float((p <= 0.05).mean()),
        "discoveries": int(significant.sum()),
        "power": float((significant[able] > 0).mean()) if able.any() else 0.0,
    }


@pytest.mark.parametrize("drift", [0.0, 1.0])
def test_false_positives_stay_below_their_rate(kept: Kept, drift: float) -> None:
    """A p value of 99 shifts is a multiple of 0.01, so that 5 % is its rate exactly."""

    def recording(seed: int) -> dict[str, Any]:
        return chance(simulate("A", n_neurons=50, seed=seed, drift=drift, independent=True), 99)

    found = [kept(f"chance-{drift}-{seed}", partial(recording, seed)) for seed in range(100, 140)]
    assert np.mean([one["below"] for one in found]) <= 0.07
    assert np.mean([one["discoveries"] > 0 for one in found]) <= 0.1


@pytest.mark.parametrize("world", ["A", "B"])
def test_neurons_that_can_be_explained_are_found(kept: Kept, world: str) -> None:
    assert kept(f"power-{world}", lambda: chance(simulate(world, seed=0), 200))["power"] >= 0.9


@pytest.mark.extra("train")
def test_the_published_network_takes_no_part_in_the_stack_and_is_warned_about() -> None:
    needs("facemap")
    found = mystax.encoding(
        two_parts(600), follower(shift=0.5, seconds=600), model="facemap", folds=2, **FAST
    )
    assert "facemap" not in [str(name) for name in found["member"].values]
    assert np.asarray(found["explained_variance"].sel(model="facemap").values).mean() > 0.3
    assert "over-fits short recordings" in str(found.attrs["quality"])


@pytest.mark.extra("train")
def test_the_published_network_peaks_at_its_own_bin() -> None:
    needs("facemap")
    from mystax.analyses.encoding_data import encoding_data
    from mystax.analyses.encoding_members import FoldSettings, fit_members, units_of
    from mystax.compute.folds import BlockFolds
    from mystax.compute.tiles import TilePool
    from mystax.nets.encoder_settings import FacemapSettings

    data = encoding_data(two_parts(600), follower(shift=0.5, seconds=600))
    plan = BlockFolds(2).plan(data.times, data.usable)
    train, test = plan.train(0), plan.test(0)
    units = units_of(data, train, 0)
    settings = FoldSettings(facemap=FacemapSettings(), scales="one")
    with TilePool(1) as tiles:
        fits = fit_members(data, units, train, plan.inner(train), settings, tiles)
    said = fits.said("facemap", np.ones(len(data.times), bool)) @ units.loadings.T
    y = np.asarray(data.neural["activity"].values)
    shifts = range(-4, 5)
    for k in range(y.shape[1]):
        ties = [np.corrcoef(np.roll(said[:, k], s)[test], y[test, k])[0, 1] for s in shifts]
        assert shifts[int(np.argmax(ties))] == 0


def test_a_part_that_drives_nothing_is_not_unique_and_the_only_driver_is(kept: Kept) -> None:
    def recording(seed: int) -> dict[str, float]:
        found = mystax.encoding(
            two_parts(1200, seed),
            follower(seconds=1200, seed=seed, n=40, share=0.2),
            model="linear",
            **{**FAST, "parts": True},
        )
        idle, driver = (found.sel(part=f"keypoints/{name}") for name in ("paw", "nose"))
        full = float(found["explained_variance"].sel(model="filterbank").mean())
        return {
            "holds": float(((idle["unique_low"] <= 0) & (idle["unique_high"] >= 0)).values.mean()),
            "driver": float(driver["unique"].mean()) / full,
        }

    found = [kept(f"unique-{seed}", partial(recording, seed)) for seed in range(6)]
    assert np.mean([one["holds"] for one in found]) >= 0.9
    assert min(one["driver"] for one in found) >= 0.8


def test_a_camera_hole_of_30_seconds_changes_little(kept: Kept) -> None:
    from mystax.synth.brain_faults import damage

    def recording(fault: str) -> dict[str, float]:
        truth = simulate("A", seed=0, n_neurons=100)
        return of_brain(damage(truth, fault) if fault else truth, "linear")

    whole, holed = (
        kept(f"hole-{fault or 'none'}", partial(recording, fault)) for fault in ("", "camera-hole")
    )
    assert abs(whole["stacked"] - holed["stacked"]) <= 0.01


LARGE = """
import json, os, shutil, sys
from pathlib import Path
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
import mystax
from tests.fixtures.brains import two_parts
out, snapshot = Path(sys.argv[1]), Path(sys.argv[2])
notes = Path(f"{out}.jsonl")
def peak():
    # of this program alone: what getrusage tells includes the process that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
def note(**facts):
    with notes.open("a") as file:
        file.write(json.dumps({"peak": peak(), "cpu": sum(os.times()[:2]), **facts}) + "\\n")
def watch(event):
    if event.kind == "checkpoint":
        note(fold=event.done)
        if event.done == 1 and not snapshot.exists():
            shutil.copytree(out, f"{snapshot}.part")
            os.rename(f"{snapshot}.part", snapshot)
neural = mystax.read_neural("activity.npy", clock="npy:times.npy", axes="time,neuron")
found = mystax.encoding(two_parts(7700), neural, model="linear", folds=2, out=out, progress=watch,
                        null="none", parts=False, lags=False, ceiling="none")
note(digest=found.attrs["content_sha256"])
"""


def test_thirty_thousand_neurons_are_sorted_within_a_minute() -> None:
    from mystax.compute.seriation import sort_neurons

    loadings = np.random.default_rng(0).normal(size=(30_000, 64))
    begin = time.process_time()
    order = sort_neurons(loadings)
    assert time.process_time() - begin < 60
    assert np.array_equal(np.sort(order), np.arange(30_000))


def array_in(folder: Path) -> None:
    """Write 23,040 bins of 30,000 neurons of low rank and noise (2.8 GB), unless they are there."""
    rng = np.random.default_rng(0)
    n, neurons = 23_040, 30_000
    path, part = folder / "activity.npy", folder / "activity.part"
    if path.is_file():
        return
    loadings = rng.normal(size=(20, neurons)).astype(np.float32)
    with part.open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (n, neurons)}
        np.lib.format.write_array_header_1_0(file, head)
        for _ in range(n // 512):
            rows = rng.normal(size=(512, 20)).astype(np.float32) @ loadings
            file.write((rows + rng.standard_normal((512, neurons), dtype=np.float32)).tobytes())
    np.save(folder / "times.npy", (np.arange(n) + 0.5) / 3)
    part.replace(path)


def encode_large(folder: Path, out: str) -> list[dict[str, Any]]:
    """Encode the array of a folder in a process of its own, and return what it noted after every fold."""
    array_in(folder)
    subprocess.run(
        [sys.executable, "-c", LARGE, out, "resumed"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_paths())},
        check=True,
    )
    return [json.loads(line) for line in (folder / f"{out}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_thirty_thousand_neurons_from_a_file_need_two_and_a_half_gigabytes_and_outlive_a_kill(
    kept: Kept,
) -> None:
    """What a kill after the first fold leaves is what lay in the folder then: a copy of it goes on."""
    folder = kept.place("large")
    whole = kept("large-whole", lambda: encode_large(folder, "whole"))
    resumed = kept("large-resumed", lambda: encode_large(folder, "resumed"))
    (folder / "activity.npy").unlink(missing_ok=True)
    assert max(one["peak"] for one in (*whole, *resumed)) <= 2560
    assert [one["fold"] for one in whole if "fold" in one] == [1, 2]
    assert [one["fold"] for one in resumed if "fold" in one] == [2]
    assert resumed[-1]["digest"] == whole[-1]["digest"]


SECONDS, N_RECORDINGS, AT_ONCE = 300, 100, 10
"""Recordings of one brain: their length, how many, and how many make a piece."""


@cache
def long_brain() -> BrainTruth:
    """Simulate all recordings in one; they are cut from it."""
    return simulate("B", minutes=SECONDS * N_RECORDINGS / 60, n_neurons=20, rate=3, camera_rate=20, seed=1)


def gains(first: int) -> list[dict[str, float]]:
    """Encode some recordings of one brain: gain of the population over lagged-ridge, with its interval."""
    from mystax.compute.explained import block_draws, interval_of, population_variance

    truth, made = long_brain(), []
    for k in range(first, first + AT_ONCE):
        frames, bins = (slice(k * SECONDS * n, (k + 1) * SECONDS * n) for n in (20, 3))
        found = mystax.encoding(
            {"pose": truth.behaviour["pose"].isel(time=frames)},
            truth.neural.isel(time=bins),
            **{**FAST, "model": "linear", "folds": 3, "scales": "one"},
        )
        sst = np.asarray(found["sst"].values, np.float64)
        draws = block_draws(len(sst))
        sse = [np.asarray(found["sse"].sel(model=name).values) for name in ("stacked", "lagged-ridge")]
        spread = float(found.attrs["interval_spread"])
        stack, base = (population_variance(one, sst, draws, spread) for one in sse)
        low, high = interval_of(stack.drawn - base.drawn, len(sst))
        made.append({"gain": stack.mean - base.mean, "low": float(low), "high": float(high)})
    return made


def test_the_interval_of_a_gain_covers_the_truth_at_its_rate(kept: Kept) -> None:
    """The truth is the mean over a hundred recordings of one brain, each fitted by itself."""
    pieces = [kept(f"gains-{k}", partial(gains, k)) for k in range(0, N_RECORDINGS, AT_ONCE)]
    found = [one for piece in pieces for one in piece]
    truth = np.mean([one["gain"] for one in found])
    assert truth > 0.01
    assert 0.90 <= np.mean([one["low"] <= truth <= one["high"] for one in found]) <= 0.98


@pytest.mark.extra("train")
@pytest.mark.parametrize("world", STACKED)
def test_recordings_that_nothing_was_chosen_by_are_as_good(kept: Kept, world: str) -> None:
    needs("deep")
    assert share_of_ceiling(kept, world, "deep", RELEASE) >= STACKED[world] - 0.05


def _paths() -> list[str]:
    root = Path(__file__).resolve().parents[2]
    return [str(root / "src"), str(root)]

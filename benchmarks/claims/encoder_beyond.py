"""encoder.*: what is judged beside the models (chance, parts), the encoder of the demo, many neurons."""

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = [
    "CLAIMS",
    "chance",
    "check_chance",
    "check_large",
    "check_parts",
    "check_plain",
    "large",
    "parts",
    "plain",
    "prepare_large",
]

SHIFTS, FOLDS, GAP = 200, 5, 7.0
SIZE = "20 min, 500 neurons"
MINUTES, SOURCES, NEURONS, SLAB = 128, 400, 30_000, 512
"""Of the large population: 23,040 bins, neurons that mix those of a simulated brain, rows written at once."""

CLAIMS = (
    Claim(
        name="encoder.plain",
        title=f"linear encoder without a search for scales, {SIZE}, 5 folds, one core",
        module=__name__,
        sets=("full",),
        sides={"mystax": "plain"},
        goals=(Goal("cpu", "self", 15.0),),
        prepare="",
        check="check_plain",
        basis="work",
    ),
    Claim(
        name="encoder.chance",
        title=f"null by {SHIFTS} shifts, {SIZE}, one core",
        module=__name__,
        sets=("scaling",),
        sides={"mystax": "chance"},
        goals=(Goal("cpu", "self", 90.0),),
        prepare="",
        check="check_chance",
        basis="work",
    ),
    Claim(
        name="encoder.parts",
        title=f"each part of the face alone and left out, {SIZE}, 5 folds, one core",
        module=__name__,
        sets=("full",),
        sides={"mystax": "parts"},
        goals=(Goal("cpu", "self", 60.0),),
        prepare="",
        check="check_parts",
        basis="work",
    ),
    Claim(
        name="encoder.large",
        title=f"stack of three models, {MINUTES} min, {NEURONS} neurons in a file, {FOLDS} folds",
        module=__name__,
        sets=("scaling",),
        sides={"mystax": "large"},
        goals=(Goal("cpu", "self", 4 * 600.0), Goal("rss", "self", 2560.0)),  # ten minutes of four cores
        prepare="prepare_large",
        check="check_large",
        basis="work",
    ),
)


def _brain() -> tuple[Any, Any]:
    """Simulate a recording, and bring its keypoints and neurons together."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    from mystax.engine.encoding.prepared import prepare_encoding
    from mystax.synth.brain import simulate

    truth = simulate("A", seed=0)
    wishes = {"model": "linear", "groups": "keypoints", "folds": FOLDS, "gap": GAP}
    return truth, prepare_encoding(truth.behaviour, truth.neural, wishes)


def plain(job: dict[str, Any]) -> dict[str, Any]:
    """Fit and judge the linear encoder as the demo does."""
    truth, _ = _brain()
    import numpy as np

    from mystax.engine.encoding.encoding import encoding

    with Stopwatch() as watch:
        found = encoding(
            truth.behaviour, truth.neural, model="linear", groups="keypoints", scales="one", cores=1,
            null="none", parts=False, lags=False, ceiling="none",
        )  # fmt: skip
    mean = found["population"].sel(statistic="mean")
    shares = {
        name: float(mean.sel(model=name)) / truth.ceiling.mean() for name in ("stacked", "lagged-ridge")
    }
    np.savez(job["out"], stacked=shares["stacked"], baseline=shares["lagged-ridge"])
    return watch.values(500, "neuron")


def check_plain(job: dict[str, Any]) -> dict[str, Any]:
    """Tell whether the stack reaches a share of the ceiling well above that of the baseline."""
    found = _made(job)
    share, base = float(found["stacked"]), float(found["baseline"])
    return {"ok": share >= max(0.35, 1.3 * base), "share_of_ceiling": share}


def chance(job: dict[str, Any]) -> dict[str, Any]:
    """Judge every neuron by shifts; nothing else is fitted."""
    truth, prepared = _brain()
    import numpy as np

    from mystax.analyses.encoding_members import units_of
    from mystax.analyses.encoding_null import null_found
    from mystax.compute.tiles import TilePool

    data = prepared.data
    with Stopwatch() as watch, TilePool(1) as tiles:
        units = units_of(data, data.usable, 0)
        found, _, _ = null_found(data, units, kind="linear-shift", n_shifts=SHIFTS, gap=GAP, tiles=tiles)
    np.savez(job["out"], p=found["p_value"][1], able=truth.ceiling > 0.05)
    return watch.values(SHIFTS, "shift")


def check_chance(job: dict[str, Any]) -> dict[str, Any]:
    """Nearly all neurons that can be explained are found."""
    found = _made(job)
    power = float((found["p"][found["able"]] <= 0.05).mean())
    return {"ok": power >= 0.9, "power": power}


def parts(job: dict[str, Any]) -> dict[str, Any]:
    """Refit the filterbank of every fold without each part and from it alone; its sums are there already."""
    _, prepared = _brain()
    import numpy as np

    from mystax.analyses.encoding_members import fit_design, units_of
    from mystax.analyses.encoding_parts import parts_of_fold

    data, plan, watch = prepared.data, prepared.plan, Stopwatch()
    extra, left = parts_of_fold(data, plan), []
    for fold in range(plan.n_folds):
        train = plan.train(fold)
        units = units_of(data, train, 0)
        design = fit_design(data, units, train, plan.inner(train), "one")
        with watch:
            found = extra(design, units, fold)
        left.append([found[f"parts_{name}"].sum((-2, -1)) for name in ("without", "alone")])
        full = found["parts_full"].sum()
        left[-1] = [one / full for one in left[-1]]
    np.savez(job["out"], errors=np.mean(left, axis=0))
    return watch.values(plan.n_folds, "fold")


def check_parts(job: dict[str, Any]) -> dict[str, Any]:
    """Errors are largest from one part alone, smaller without one part, smallest with all of them."""
    without, alone = _made(job)["errors"]
    ok = bool((without > 0.99).all() and without.mean() > 1 and (alone > without.mean()).all())
    return {"ok": ok, "without": float(without.mean()), "alone": float(alone.mean())}


def prepare_large(job: dict[str, Any]) -> dict[str, Any]:
    """Write behaviour and a large population (2.8 GB): its neurons mix simulated ones, and have noise."""
    import numpy as np

    from mystax.core.canonical import outcome_key
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store
    from mystax.synth.brain import simulate

    truth, folder = simulate("B", minutes=MINUTES, n_neurons=SOURCES, rate=3, seed=0), Path(job["work"])
    made = {"simulated": ["B", MINUTES, SOURCES]}
    store = Store(folder / "behaviour.mystax")
    for name in ("pose", "pupil", "running", "blink"):
        about = Provenance(name, 1, outcome_key(name, 1, made, []), made, run={"simulated": True})
        store.publish(truth.behaviour[name], about)
    sources = np.asarray(truth.neural["activity"].values, np.float32)
    sources = (sources - sources.mean(0)) / sources.std(0)
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(SOURCES, NEURONS)) * (rng.random((SOURCES, NEURONS)) < 0.02)
    with (folder / "activity.npy").open("wb") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (len(sources), NEURONS)}
        np.lib.format.write_array_header_1_0(file, head)
        for first in range(0, len(sources), SLAB):
            rows = sources[first : first + SLAB] @ mix.astype(np.float32)
            file.write((rows + 2 * rng.standard_normal(rows.shape, dtype=np.float32)).tobytes())
    np.save(folder / "times.npy", truth.neural["time"].values)
    return {
        "behaviour": str(store.folder),
        "activity": str(folder / "activity.npy"),
        "times": str(folder / "times.npy"),
    }


def large(job: dict[str, Any]) -> dict[str, Any]:
    """Encode a large population from files, with all processors."""
    import numpy as np

    from mystax.engine.encoding.encoding import encoding
    from mystax.engine.machine import available_cores
    from mystax.io.neural.reading import read_neural

    kept = Path(job["out"]).parent / "kept"
    shutil.rmtree(kept, ignore_errors=True)  # what is there is not fitted again
    neural = read_neural(job["activity"], clock=f"npy:{job['times']}", axes="time,neuron")
    with Stopwatch() as watch:
        found = encoding(
            job["behaviour"], neural, model="auto", folds=FOLDS, out=kept, cores=available_cores(),
            null="none", parts=False, lags=False, ceiling="none",
        )  # fmt: skip
    mean = found["population"].sel(statistic="mean")
    means = {name: float(mean.sel(model=name)) for name in ("stacked", "lagged-ridge")}
    np.savez(job["out"], stacked=means["stacked"], baseline=means["lagged-ridge"])
    return watch.values(NEURONS, "neuron")


def check_large(job: dict[str, Any]) -> dict[str, Any]:
    """Tell whether the stack explains more than the baseline, and that explains something."""
    found = _made(job)
    stacked, base = float(found["stacked"]), float(found["baseline"])
    return {"ok": stacked > base > 0.01, "stacked": stacked, "lagged_ridge": base}


def _made(job: dict[str, Any]) -> Any:
    import numpy as np

    return np.load(Path(job["last"]["mystax"]["folder"]) / "out.npz")

"""encoder.*: CPU time of the published network's epochs, of whole encoders, of prediction, of the baselines.

Against the peer's own network on the same recording: `benchmarks.encoder`.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = [
    "CLAIMS",
    "baselines",
    "check",
    "check_baselines",
    "check_prediction",
    "convolution",
    "linear",
    "mystax",
    "networks",
    "predict",
    "prepare",
    "prepare_baselines",
    "prepare_prediction",
    "scikit_learn",
]

COLUMNS, COMPONENTS = 28, 128
SECONDS, RATE, BINS = 1200, 50, 3.0
N_SEGMENTS, EPOCHS = 10, 3
N_BINS, N_FEATURES, N_TARGETS = 3600, 300, 128
"""Of the baselines: 20 min at 3 bins per second; the components that stand for 3,000 neurons."""
FEW: dict[str, Any] = {
    "groups": "keypoints",
    "null": "none",
    "parts": False,
    "lags": False,
    "ceiling": "none",
}

CLAIMS = (
    Claim(
        name="encoder.facemap",
        title=f"facemap network, {EPOCHS} epochs, {COLUMNS} columns, 20 min, {COMPONENTS} outputs",
        module=__name__,
        sets=("quick",),
        sides={"mystax": "mystax", "floor": "convolution"},
        goals=(Goal("cpu", "floor", 0.1),),
        basis="work",
    ),
    Claim(
        name="encoder.linear",
        title="linear encoder, 20 min, 500 neurons, 5 folds, one core",
        module=__name__,
        sets=("full",),
        sides={"mystax": "linear"},
        goals=(Goal("cpu", "self", 30.0),),
        prepare="",
        basis="work",
    ),
    Claim(
        name="encoder.networks",
        title="stack of three models, 20 min, 500 neurons, 5 folds, one core",
        module=__name__,
        sets=("scaling",),
        sides={"mystax": "networks"},
        goals=(Goal("cpu", "self", 120.0),),
        prepare="",
        basis="work",
    ),
    Claim(
        name="encoder.predict",
        title="prediction of 20 min, 500 neurons, by a saved encoder",
        module=__name__,
        sets=("full",),
        sides={"mystax": "predict"},
        goals=(Goal("cpu", "self", 5.0),),
        prepare="prepare_prediction",
        check="check_prediction",
        basis="work",
    ),
    Claim(
        name="encoder.baselines",
        title=f"cross-validated ridge and reduced rank, {N_BINS} x {N_FEATURES}, {N_TARGETS} targets",
        module=__name__,
        sets=("full",),
        sides={"mystax": "baselines", "sklearn": "scikit_learn"},
        goals=(Goal("cpu", "self", 2.0),),
        prepare="prepare_baselines",
        check="check_baselines",
        basis="work",
    ),
)


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Make behaviour and the components of a population."""
    import numpy as np

    generator = np.random.default_rng(3)
    path = Path(job["work"]) / "behaviour.npz"
    n = SECONDS * RATE
    np.savez(
        path,
        behaviour=generator.normal(size=(n, COLUMNS)).astype(np.float32),
        centres=(np.arange(int(SECONDS * BINS)) * RATE / BINS + 8).astype(np.int64),
        scores=generator.normal(size=(int(SECONDS * BINS), COMPONENTS)).astype(np.float32),
    )
    return {"behaviour": str(path)}


def _segments(job: dict[str, Any]) -> list[tuple[Any, Any, Any]]:
    """Cut the recording into ten segments: frames, places of the bins among them, scores."""
    import numpy as np

    data = np.load(job["behaviour"])
    found = []
    for rows in np.array_split(np.arange(len(data["centres"])), N_SEGMENTS):
        places = data["centres"][rows]
        first, stop = int(places[0]), int(places[-1]) + 1
        found.append((data["behaviour"][first:stop], places - first, data["scores"][rows]))
    return found


def _train(job: dict[str, Any], say: list[Any], network: Any, watch: Stopwatch) -> dict[str, Any]:
    """Train for some epochs and keep the losses."""
    import numpy as np
    import torch

    targets = [torch.from_numpy(scores) for _, _, scores in _segments(job)]
    optimizer = torch.optim.AdamW(network.parameters, lr=1e-4, weight_decay=1e-5)
    losses = []
    with watch:
        for _ in range(EPOCHS):
            for one, y in zip(say, targets, strict=True):
                loss = (one() - y).square().mean() + network.penalty()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
    np.savez(job["out"], losses=losses)
    return watch.values(EPOCHS, "epoch")


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Train on windows that are gathered once, filtering before mixing."""
    import torch

    from mystax.nets.facemap_encoder import FacemapNetwork, gather_windows

    torch.set_num_threads(1)
    network = FacemapNetwork(COLUMNS, COMPONENTS)

    def one(frames: Any, places: Any) -> Any:
        windows = gather_windows(frames, places)
        x, valid = torch.from_numpy(windows.x), torch.from_numpy(windows.valid)
        return lambda: network.forward(x, valid)

    say = [one(frames, places) for frames, places, _ in _segments(job)]
    return _train(job, say, network, Stopwatch())


def convolution(job: dict[str, Any]) -> dict[str, Any]:
    """Train the same network as published: every frame is mixed and convolved."""
    import torch

    from mystax.nets.facemap_encoder import TAPS, FacemapNetwork

    torch.set_num_threads(1)
    network = FacemapNetwork(COLUMNS, COMPONENTS)

    def one(frames: Any, places: Any) -> Any:
        x, rows = torch.from_numpy(frames), torch.from_numpy(places)

        def say() -> Any:
            mixed = x @ network.mix.T + network.mix_bias
            filtered = torch.nn.functional.conv1d(
                mixed.T[:, None], network.filters[:, None], padding=TAPS // 2
            )
            flat = torch.relu(filtered).permute(2, 0, 1).reshape(len(x), -1)
            return network.read_out(flat[rows])

        return say

    say = [one(frames, places) for frames, places, _ in _segments(job)]
    return _train(job, say, network, Stopwatch())


def linear(job: dict[str, Any]) -> dict[str, Any]:
    """Fit and judge the linear encoder on a simulated recording."""
    return _encode(job, "linear")


def networks(job: dict[str, Any]) -> dict[str, Any]:
    """Fit and judge the stack of three models on a simulated recording."""
    return _encode(job, "deep")


def _one_thread() -> None:
    """Hold BLAS to one thread, before NumPy is loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _encode(job: dict[str, Any], model: str) -> dict[str, Any]:
    """Fit and judge an encoder on one thread, as the command does."""
    _one_thread()
    import numpy as np

    from mystax.engine.encoding.encoding import encoding
    from mystax.synth.brain import simulate

    truth = simulate("A", seed=0)
    watch = Stopwatch()
    with watch:
        found = encoding(truth.behaviour, truth.neural, model=model, cores=1, **FEW)
    mean = found["population"].sel(statistic="mean")
    np.savez(
        job["out"],
        stacked=float(mean.sel(model="stacked")) / truth.ceiling.mean(),
        baseline=float(mean.sel(model="lagged-ridge")) / truth.ceiling.mean(),
        least=0.5 if model == "deep" else 0.4,
    )
    return watch.values(500, "neuron")


def check(job: dict[str, Any]) -> dict[str, Any]:
    """Losses are those of the plain convolution; whole encoders reach their share of the ceiling."""
    import numpy as np

    found = np.load(Path(job["last"]["mystax"]["folder"]) / "out.npz")
    if "losses" not in found:
        share = float(found["stacked"])
        least = max(float(found["least"]), float(found["baseline"]))
        return {"ok": share >= least, "share_of_ceiling": share}
    wanted = np.load(Path(job["last"]["floor"]["folder"]) / "out.npz")["losses"]
    worst = float(np.max(np.abs(found["losses"] / wanted - 1)))
    return {"ok": worst <= 1e-5, "loss_difference": worst}


def prepare_prediction(job: dict[str, Any]) -> dict[str, Any]:
    """Fit an encoder and save it."""
    from mystax.engine.encoding.encoding import encoding
    from mystax.synth.brain import simulate

    truth, folder = simulate("A", seed=0), Path(job["work"]) / "kept"
    encoding(truth.behaviour, truth.neural, model="linear", folds=2, scales="one", out=folder, **FEW)
    return {"encoder": str(folder / "encoding.encoder.nc")}


def predict(job: dict[str, Any]) -> dict[str, Any]:
    """Open the encoder and predict the whole recording."""
    _one_thread()
    import numpy as np

    from mystax.engine.encoding.prediction import predict as predicted
    from mystax.synth.brain import simulate

    truth = simulate("A", seed=0)
    with Stopwatch() as watch:
        found = predicted(job["encoder"], truth.behaviour)
    np.savez(job["out"], prediction=found["prediction"].values, activity=truth.neural["activity"].values)
    return watch.values(1, "recording")


def check_prediction(job: dict[str, Any]) -> dict[str, Any]:
    """Every neuron is predicted in every bin, and better than by its mean."""
    import numpy as np

    made = np.load(Path(job["last"]["mystax"]["folder"]) / "out.npz")
    said, y = made["prediction"], made["activity"]
    explained = float(np.mean(1 - ((y - said) ** 2).mean(0) / y.var(0))) if said.shape == y.shape else 0.0
    return {"ok": explained > 0.05, "explained": explained}


def prepare_baselines(job: dict[str, Any]) -> dict[str, Any]:
    """Draw slow features, and targets of which they are a part."""
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    generator = np.random.default_rng(5)
    x = gaussian_filter1d(generator.normal(size=(N_BINS, N_FEATURES)), 2, axis=0)
    x /= x.std(0)
    y = x @ generator.normal(size=(N_FEATURES, 12)) @ generator.normal(size=(12, N_TARGETS)) / 40
    y += generator.normal(size=y.shape) * generator.uniform(0.5, 8, N_TARGETS)
    path = Path(job["work"]) / "design.npz"
    np.savez(path, x=x, y=y, times=(np.arange(N_BINS) + 0.5) / BINS)
    return {"design": str(path)}


def baselines(job: dict[str, Any]) -> dict[str, Any]:
    """Choose penalties per target, and rank and penalty, on four folds."""
    _one_thread()
    import numpy as np

    from mystax.compute.folds import BlockFolds
    from mystax.compute.lowrank import ReducedRank
    from mystax.compute.regression import Ridge

    made, folds = np.load(job["design"]), BlockFolds(4)
    x, y, times = made["x"], made["y"], made["times"]
    with Stopwatch() as watch:
        ridge = Ridge(folds=folds).fit(x, y, times)
        low = ReducedRank(folds=folds).fit(x, y, times)
    np.savez(job["out"], coef=ridge.coef_, penalty=ridge.penalty_, rank=low.rank_)
    return watch.values(1, "pair")


def scikit_learn(job: dict[str, Any]) -> dict[str, Any]:
    """Choose the same penalties on the same folds with scikit-learn's ridge."""
    _one_thread()
    import numpy as np
    from sklearn.linear_model import Ridge

    from mystax.compute.folds import BlockFolds
    from mystax.compute.regression import PENALTIES

    made = np.load(job["design"])
    x, y, times = made["x"], made["y"], made["times"]
    with Stopwatch() as watch:
        error = np.zeros((len(PENALTIES), N_TARGETS))
        for train, held in BlockFolds(4).split(x, y, times):
            for k, penalty in enumerate(PENALTIES):
                model = Ridge(alpha=penalty * len(train)).fit(x[train], y[train])
                error[k] += ((y[held] - model.predict(x[held])) ** 2).sum(0)
        penalty = np.asarray(PENALTIES)[error.argmin(0)]
        whole = Ridge(alpha=penalty * len(x)).fit(x, y)
    np.savez(job["out"], coef=whole.coef_.T, penalty=penalty)
    return watch.values(1, "pair")


def check_baselines(job: dict[str, Any]) -> dict[str, Any]:
    """Penalties and weights are those of scikit-learn."""
    import numpy as np

    ours, other = (np.load(Path(job["last"][name]["folder"]) / "out.npz") for name in ("mystax", "sklearn"))
    far = float(np.abs(ours["coef"] - other["coef"]).max() / np.abs(other["coef"]).max())
    same = bool(np.allclose(ours["penalty"], other["penalty"]))
    return {"ok": same and far <= 1e-6, "difference": far, "rank": int(ours["rank"])}

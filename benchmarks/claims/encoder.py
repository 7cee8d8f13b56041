"""encoder.facemap, .linear, .networks: CPU time of the published network's epochs, and of whole encoders.

Against the peer's own network on the same recording: `benchmarks.encoder`.
"""

import os
from pathlib import Path
from typing import Any

from benchmarks.claim import Claim, Goal
from benchmarks.side import Stopwatch

__all__ = ["CLAIMS", "check", "convolution", "linear", "mystax", "networks", "prepare"]

COLUMNS, COMPONENTS = 28, 128
SECONDS, RATE, BINS = 1200, 50, 3.0
N_SEGMENTS, EPOCHS = 10, 3

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


def _encode(job: dict[str, Any], model: str) -> dict[str, Any]:
    """Fit and judge an encoder on one thread, as the command does."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before NumPy is loaded
    import numpy as np

    from mystax.engine.encoding.encoding import encoding
    from mystax.synth.brain import simulate

    truth = simulate("A", seed=0)
    watch = Stopwatch()
    with watch:
        found = encoding(
            truth.behaviour,
            truth.neural,
            model=model,
            cores=1,
            groups="keypoints",
            null="none",
            parts=False,
            lags=False,
            ceiling="none",
        )
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

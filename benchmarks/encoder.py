"""The encoder against the network of Facemap 1.0.8: ``python -m benchmarks.encoder --peers facemap=PYTHON``.

Both see the same simulated recording (keypoints at 50 frames per second, 20 min, 500 neurons at 6 bins per
second) with the published split, and predict the same test bins of the same neurons.  The network is the
peer's own, trained by its own function in its own interpreter; mystax fits its stack of three models.  Each
side runs in a process of its own on one thread; a side that ``work/encoder`` below the folder of results
holds already is not run again, so that an interrupted run goes on.  What mystax did is bound to its code,
what the peer did to all that it was given.
"""

import argparse
import hashlib
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import measure
from benchmarks.peers import find_peers, runner_of
from benchmarks.run import ONE_THREAD
from benchmarks.side import Stopwatch
from benchmarks.sources import ENCODER, digest_of

__all__ = ["LEAST_CPU", "LEAST_EXPLAINED", "RULES", "compare", "given", "main", "mystax", "prepare", "table"]

MODULE, PEER = "benchmarks.encoder", "facemap"
N_COMPONENTS = 128
LIMIT = 7200.0
"""Longest time of one side [s]."""
RULES: dict[str, dict[str, float]] = {
    "tuned": {"learning_rate": 2e-4, "weight_decay": 1e-4, "epochs": 250, "delay": 0},
    "published": {"learning_rate": 5e-5, "weight_decay": 5e-6, "epochs": 200, "delay": -1},
}
"""How the network is trained: tuned by hand for recordings of this size, or its published rule for them."""
LEAST_EXPLAINED, LEAST_CPU = {"tuned": 1.4, "published": 2.0}, 5.0
"""Goals: explained variance of the stack over that of the peer, and CPU time of the peer over ours."""


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    """Simulate a recording and write what the peer reads: columns, components of the training bins, times."""
    from mystax.engine.encoding.prepared import prepare_encoding
    from mystax.synth.brain import simulate

    truth = simulate(job["world"], seed=job["seed"])
    data = prepare_encoding(truth.behaviour, truth.neural, _wishes("linear")).data
    activity = np.asarray(truth.neural["activity"].values, np.float64)
    train, test = split_rows(len(activity))
    mean, sd = activity[train.ravel()].mean(0), activity[train.ravel()].std(0)
    z = (activity - mean) / sd
    _, _, axes = np.linalg.svd(z[train.ravel()], full_matrices=False)
    columns = np.concatenate([part.values for part in data.grid.parts], axis=1).astype(np.float64)
    columns = (columns - columns.mean(0)) / columns.std(0)
    path = Path(job["work"]) / "world.npz"
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        columns=columns.astype(np.float32),
        camera_times=data.grid.seconds,
        neural_times=np.asarray(truth.neural["time"].values, np.float64),
        scores=(z @ axes[:N_COMPONENTS].T).astype(np.float32),
        loadings=axes[:N_COMPONENTS].T.astype(np.float32),
        z=z.astype(np.float32),
        mean=mean,
        sd=sd,
        train=train,
        test=test,
        ceiling=truth.ceiling,
    )
    part.replace(path)
    return {}


def split_rows(n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test bins of ten segments of equal length, as the published split has them.

    The last bin of each segment is left out, since the peer may predict one bin later.

    Parameters
    ----------
    n_bins : int
        Bins, a multiple of 40, so that all segments are alike.

    Returns
    -------
    train, test : arrays (segment, bin)
        Numbers of the bins.
    """
    from mystax.compute.folds import SEGMENTS, SKIPPED, TRAINED

    size = n_bins // SEGMENTS
    turn = int(TRAINED * size)
    starts = size * np.arange(SEGMENTS)[:, None]
    return starts + np.arange(turn), starts + np.arange(turn + SKIPPED, size - 1)


def _wishes(model: str) -> dict[str, Any]:
    """Return the parameters of an encoding on the published split that only predicts."""
    few: dict[str, Any] = {"null": "none", "parts": False, "lags": False, "ceiling": "none"}
    return {"model": model, "groups": "keypoints", "split": "published", **few}


def given(world: Mapping[str, np.ndarray], rule: Mapping[str, float], runner: Path) -> str:
    """Return a digest of all that the peer is given: the recording, how it is trained, what starts it.

    Parameters
    ----------
    world : mapping
        Arrays of ``world.npz``.
    rule : mapping
        One of `RULES`.
    runner : Path
        The file that runs the peer.

    Returns
    -------
    str
        Twelve characters.
    """
    digest = hashlib.sha256(json.dumps(rule, sort_keys=True).encode() + runner.read_bytes())
    for name in sorted(world):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(world[name]).tobytes())
    return digest.hexdigest()[:12]


def mystax(job: dict[str, Any]) -> dict[str, Any]:
    """Fit the stack of three models on the published split and keep what it predicts."""
    from mystax.engine.encoding.encoding import encoding
    from mystax.engine.encoding.prepared import prepare_encoding
    from mystax.synth.brain import simulate

    truth = simulate(job["world"], seed=job["seed"])
    wishes = _wishes("deep")
    with Stopwatch() as watch:
        found = encoding(truth.behaviour, truth.neural, **wishes)
    prepared = prepare_encoding(truth.behaviour, truth.neural, wishes)
    mean, sd = prepared.data.population.moments(prepared.plan.train(0))
    said = np.asarray(found["prediction"].values)
    rows = np.flatnonzero(np.isfinite(said).all(1))
    np.savez(job["out"], rows=rows, prediction=(said[rows] * sd + mean).astype(np.float32))
    return watch.values(1, "recording")


def compare(world: Mapping[str, Any], ours: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float]:
    """Compare explained variance in the test bins that both predict.

    Parameters
    ----------
    world : mapping
        Arrays of ``world.npz``: ``z``, ``mean``, ``sd``, ``train``, ``test``, ``ceiling``.
    ours, peer : mapping
        ``rows`` and ``prediction`` (rows, neuron), in the unit of the activity and in z units.

    Returns
    -------
    dict
        Means over neurons, their ratio with its 95 % interval (test segments drawn with replacement).
    """
    from mystax.compute.explained import block_draws, interval_of, population_variance

    z, mean, sd = world["z"], world["mean"], world["sd"]
    rows = np.intersect1d(ours["rows"], peer["rows"])
    segment = np.searchsorted(world["test"][:, 0], rows, side="right") - 1
    y = np.asarray(z[rows], np.float64)
    said = {
        "stacked": (ours["prediction"][np.searchsorted(ours["rows"], rows)] - mean) / sd,
        PEER: peer["prediction"][np.searchsorted(peer["rows"], rows)],
    }
    n = len(world["test"])
    sst = _per_segment((y - y.mean(0)) ** 2, segment, n)
    draws, spread = block_draws(n), float(np.sqrt(1 + len(rows) / world["train"].size))  # as in `FoldPlan`
    found = {
        name: population_variance(_per_segment((y - p) ** 2, segment, n), sst, draws, spread)
        for name, p in said.items()
    }
    stacked, other = found["stacked"], found[PEER]
    low, high = interval_of(np.where(other.drawn > 0, stacked.drawn / other.drawn, np.nan), n)
    return {
        "n_bins": len(rows),
        "n_neurons": y.shape[1],
        "stacked": stacked.mean,
        PEER: other.mean,
        "ratio": stacked.mean / other.mean if other.mean > 0 else float("nan"),
        "ratio_low": float(low),
        "ratio_high": float(high),
        "share_of_ceiling": stacked.mean / float(world["ceiling"].mean()),
        "peer_share_of_ceiling": other.mean / float(world["ceiling"].mean()),
    }


def _per_segment(values: np.ndarray, segment: np.ndarray, n: int) -> np.ndarray:
    """Add up rows that belong to one segment."""
    found = np.zeros((n, values.shape[1]))
    np.add.at(found, segment, values)
    return found


def _side(name: str, command: Sequence[str], job: Mapping[str, Any], place: Path) -> dict[str, Any]:
    """Run a side in a process of its own unless it is done, and return what it took."""
    result, out = place / f"{name}.json", place / f"{name}.npz"
    if not (result.is_file() and out.is_file()):
        words = place / f"{name}-job.json"
        words.write_text(json.dumps({**job, "out": str(out)}), "utf-8")
        made = place / f"{name}-part.json"
        row = measure(
            [*command, str(words), str(made)], side=name, rep=1, result=made, env=ONE_THREAD, limit=LIMIT
        )
        part = result.with_suffix(".part")
        part.write_text(json.dumps({"cpu_s": row.work_cpu_s, "load": row.load_before}), "utf-8")
        part.replace(result)
    return dict(json.loads(result.read_text("utf-8")))


def run(world: str, seed: int, rule: str, peer: Path, out: Path) -> dict[str, Any]:
    """Run what is missing of one recording, and compare.

    Parameters
    ----------
    world, seed : str, int
        The simulated recording.
    rule : str
        One of `RULES`.
    peer : Path
        Interpreter of the peer.
    out : Path
        Folder of results.

    Returns
    -------
    dict
        A row of the table.
    """
    texts = [inspect.getsource(one) for one in (prepare, split_rows, _wishes, mystax)]
    place = out / "work" / "encoder" / f"{world}-{seed}-{digest_of(ENCODER, texts=texts)}"
    place.mkdir(parents=True, exist_ok=True)
    job = {"world": world, "seed": seed, "work": str(place)}
    here = [sys.executable, "-m", "benchmarks.side"]
    if not (place / "world.npz").is_file():
        words = place / "prepare-job.json"
        words.write_text(json.dumps(job), "utf-8")
        measure(
            [*here, f"{MODULE}:prepare", str(words), str(place / "prepare.json")],
            side="prepare", rep=0, result=place / "prepare.json", limit=LIMIT,
        )  # fmt: skip
    ours = _side("mystax", [*here, f"{MODULE}:mystax"], job, place)
    made = _arrays(place / "world.npz")
    wishes = {**RULES[rule], "data": str(place / "world.npz")}
    name = f"{PEER}-{rule}-{given(made, RULES[rule], runner_of(PEER))}"
    theirs = _side(name, [str(peer), str(runner_of(PEER)), "encode"], wishes, place.parent)
    found = compare(made, _arrays(place / "mystax.npz"), _arrays(place.parent / f"{name}.npz"))
    return {
        "world": world,
        "seed": seed,
        "rule": rule,
        **found,
        "cpu_s": ours["cpu_s"],
        "peer_cpu_s": theirs["cpu_s"],
        "cpu_ratio": theirs["cpu_s"] / ours["cpu_s"],
        "load": max(ours["load"], theirs["load"]),
    }


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as held:
        return {key: held[key] for key in held.files}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the rows in Markdown."""
    head = (
        "world, seed",
        "rule of the network",
        "Facemap 1.0.8 explains",
        "stacked explains",
        "ratio (95 %)",
        "CPU of the network, of mystax",
        "ratio",
    )
    lines = [head, ("---",) * len(head), *map(_cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    about = f"{row['n_neurons']} neurons, {row['n_bins']} bins"
    return (
        f"{row['world']} {row['seed']}",
        str(row["rule"]),
        f"{100 * row[PEER]:.1f} % ({row['peer_share_of_ceiling']:.2f} of the ceiling)",
        f"{100 * row['stacked']:.1f} % ({row['share_of_ceiling']:.2f})",
        f"{row['ratio']:.2f} x ({row['ratio_low']:.2f} to {row['ratio_high']:.2f}; {about})",
        f"{row['peer_cpu_s']:.0f} s, {row['cpu_s']:.1f} s",
        f"{row['cpu_ratio']:.1f} x",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit status is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.encoder", description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=["A", "B"], choices=["A", "B"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 3, 7])
    parser.add_argument("--rules", nargs="+", default=["tuned"], choices=list(RULES))
    parser.add_argument("--peers", nargs="+", default=["auto"], metavar="auto|facemap=PYTHON")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    wishes = parser.parse_args(words)
    out = wishes.out.absolute()
    try:
        peers = find_peers(wishes.peers, out)
    except ValueError as error:
        parser.error(str(error))
    if PEER not in peers:
        parser.error(f"{PEER} is not installed: --peers {PEER}=PYTHON, or auto")
    rows: list[dict[str, Any]] = []
    for rule in wishes.rules:
        for seed in wishes.seeds:
            for world in wishes.worlds:
                rows.append(run(world, seed, rule, peers[PEER], out))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
                (out / "encoder.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(table(rows))
    missed = [
        row
        for row in rows
        if not (row["ratio"] >= LEAST_EXPLAINED[row["rule"]] and row["cpu_ratio"] >= LEAST_CPU)
    ]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The third part of the demonstration: ten minutes of a simulated mouse, and neurons that follow its face."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.engine.demo.meanwhile import Part
from mystax.engine.demo.notes import begin, noted
from mystax.engine.demo.recovered import Recovered

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.synth.brain import BrainTruth
else:
    BrainTruth = Dataset = Any

__all__ = [
    "BRAIN",
    "BRAIN_FOLDER",
    "OUTCOMES",
    "encode_brain",
    "make_brain",
    "recovered_neurons",
    "simulated_brain",
    "true_ceiling",
]

BRAIN_FOLDER = "brain"
OUTCOMES = "brain.mystax"
NOTE = "brain.json"
"""Says what was simulated, and what share of each neuron's variance can be explained."""
SIMULATES = "ten minutes of a mouse and 200 neurons are simulated"
BRAIN = Part(__name__, "encode_brain", f"{OUTCOMES}/encoding.nc", "simulate", SIMULATES, niceness=10)
"""The neurons beside other work."""
WORLD, MINUTES, N_NEURONS = "B", 10.0, 200
SHOWN = ("pose", "pupil", "running", "blink")
"""Outcomes that are written; simulated components have no pictures to show."""
LEAST, MOST = 0.15, 1.1
"""Share of the ceiling that the encoder must, and can, reach."""
ALIKE = 0.6
"""Least correlation of explained variance and ceiling over the neurons."""


def simulated_brain(seed: int = 0) -> BrainTruth:
    """Simulate the recording of the demonstration.

    Parameters
    ----------
    seed : int, optional
        Start of all random numbers.

    Returns
    -------
    BrainTruth
        Ten minutes of behaviour, 200 neurons, and their ceiling.
    """
    from mystax.synth.brain import simulate

    return simulate(WORLD, minutes=MINUTES, n_neurons=N_NEURONS, seed=seed)


def make_brain(folder: Path, *, seed: int = 0, progress: Report = silent) -> dict[str, str]:
    """Write the simulated recording, unless that of this seed is there.

    Parameters
    ----------
    folder : Path
        Takes the outcomes of the behaviour (``brain.mystax``), a suite2p folder and its frame times.
    seed : int, optional
        Start of all random numbers.
    progress : callable, optional
        Takes events.

    Returns
    -------
    dict of str to str
        `behaviour`, `neural` and `clock`, as `mystax encode` takes them.
    """
    from mystax.core.canonical import outcome_key
    from mystax.io.provenance import Provenance
    from mystax.io.store import Store

    place = folder / OUTCOMES
    found = {
        "behaviour": str(place),
        "neural": str(folder / "suite2p" / "plane0"),
        "clock": f"npy:{folder / 'neural_times.npy'}",
    }
    made = {"simulated": [WORLD, MINUTES, N_NEURONS, seed]}
    note = folder / NOTE
    kept = noted(note)
    if kept.get("simulated") == made["simulated"] and "ceiling" in kept:
        return found
    progress(Event("note", "simulate", text=SIMULATES))
    begin(note)
    from mystax.synth.brain import write

    truth = simulated_brain(seed)
    write(truth, folder, "suite2p")
    store = Store(place)
    for name in SHOWN:
        outcome = truth.behaviour[name]
        key = outcome_key(name, 1, made, [])
        store.publish(outcome, Provenance(name, 1, key, made, run={"simulated": True}))
    Store(folder).write_text(note.name, json.dumps(made | {"ceiling": truth.ceiling.tolist()}))
    return found


def true_ceiling(folder: Path) -> np.ndarray:
    """Return the share of each neuron's variance that can be explained, as `make_brain` left it.

    Parameters
    ----------
    folder : Path
        What `make_brain` was given.

    Returns
    -------
    ndarray
        One share per neuron.
    """
    return np.array(noted(folder / NOTE)["ceiling"])


def encode_brain(folder: Path, *, seed: int = 0, progress: Report = silent) -> Dataset:
    """Simulate the recording and fit an encoder without a network, on keypoints alone.

    Parameters
    ----------
    folder : Path
        Takes recording and outcome.
    seed : int, optional
        Start of all random numbers.
    progress : callable, optional
        Takes events.

    Returns
    -------
    Dataset
        The outcome `encoding`.
    """
    from mystax.engine.encoding.encoding import encoding
    from mystax.engine.report import make_report
    from mystax.io.neural.reading import read_neural
    from mystax.io.store import Store

    files = make_brain(folder, seed=seed, progress=progress)
    neural = read_neural(files["neural"], clock=files["clock"])
    settings: dict[str, Any] = {
        "model": "linear",
        "groups": "keypoints",
        "scales": "one",
        "null": "none",
        "ceiling": "none",
        "parts": False,
        "lags": False,
    }
    made: list[str] = []

    def watch(event: Event) -> None:
        made.extend([event.text] if event.kind == "outcome" else [])
        progress(event)

    place = files["behaviour"]
    outcome = encoding(place, neural, out=place, progress=watch, seed=seed, **settings)
    if made:
        make_report(Store(place))
    return outcome


def recovered_neurons(outcome: Dataset, ceiling: np.ndarray) -> list[Recovered]:
    """Compare the encoder with the ceiling of the simulation.

    Parameters
    ----------
    outcome : Dataset
        What `encode_brain` returned.
    ceiling : ndarray
        What `true_ceiling` says of its folder.

    Returns
    -------
    list of Recovered
        Mean explained variance, and how it follows the ceiling over the neurons.
    """
    ceiling = ceiling[outcome["neuron"].values]
    explained: Mapping[str, np.ndarray] = {
        str(model): outcome["explained_variance"].sel(model=model).values for model in outcome["model"].values
    }
    mean = float(explained["stacked"].mean())
    share = mean / float(ceiling.mean())
    baseline = float(explained["lagged-ridge"].mean())
    alike = float(np.corrcoef(explained["stacked"], ceiling)[0, 1])
    return [
        Recovered(
            "neurons, explained",
            f"ceiling {ceiling.mean():.1%}",
            f"stacked {mean:.1%}, lagged-ridge {baseline:.1%} of the variance",
            LEAST <= share <= MOST and mean >= baseline - 0.002,
        ),
        Recovered(
            "neurons, one by one",
            f"{len(ceiling)} ceilings",
            f"correlation {alike:.2f} with the explained variance",
            alike >= ALIKE,
        ),
    ]

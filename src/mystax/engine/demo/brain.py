"""The recording of the third part: ten minutes of a simulated mouse, and neurons that follow its face."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.events import Event, Report, silent
from mystax.engine.demo.notes import begin, noted

if TYPE_CHECKING:
    from mystax.synth.brain import BrainTruth
else:
    BrainTruth = Any

__all__ = [
    "BRAIN_FOLDER",
    "OUTCOMES",
    "make_brain",
    "simulated_brain",
    "true_ceiling",
    "true_runs",
]

BRAIN_FOLDER = "brain"
OUTCOMES = "brain.mystax"
NOTE = "brain.json"
"""Says what was simulated, what share of each neuron's variance can be explained, and when the mouse runs."""
WORLD, MINUTES, N_NEURONS = "B", 10.0, 200
SHOWN = ("pose", "pupil", "running", "blink")
"""Outcomes that are written; simulated components have no pictures to show."""


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
    if kept.get("simulated") == made["simulated"] and {"ceiling", "runs"} <= set(kept):
        return found
    begin(note)
    progress(Event("note", "simulate", text="ten minutes of a mouse and 200 neurons are simulated"))
    from mystax.synth.brain import write

    truth = simulated_brain(seed)
    write(truth, folder, "suite2p")
    store = Store(place)
    for name in SHOWN:
        outcome = truth.behaviour[name]
        key = outcome_key(name, 1, made, [])
        store.publish(outcome, Provenance(name, 1, key, made, run={"simulated": True}))
    known = {
        "ceiling": truth.ceiling.tolist(),
        "runs": (_bouts(truth.is_running) / truth.camera_rate).tolist(),
    }
    Store(folder).write_text(note.name, json.dumps(made | known))
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


def true_runs(folder: Path) -> np.ndarray:
    """Return when the mouse runs, as `make_brain` left it.

    Parameters
    ----------
    folder : Path
        What `make_brain` was given.

    Returns
    -------
    ndarray
        Begin and end of each run [s]; shape (run, 2).
    """
    return np.array(noted(folder / NOTE)["runs"], np.float64).reshape(-1, 2)


def _bouts(on: np.ndarray) -> np.ndarray:
    """Return the first sample of each stretch where a trace is true, and the first after it."""
    return np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]))).reshape(-1, 2)

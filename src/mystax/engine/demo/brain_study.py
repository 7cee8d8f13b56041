"""The third part of the demonstration: neurons are encoded from a simulated face, and its states found."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mystax.core.events import Report, silent
from mystax.core.safe_names import is_there
from mystax.engine.demo.brain import OUTCOMES, make_brain
from mystax.engine.demo.meanwhile import Part
from mystax.engine.demo.notes import begin, noted
from mystax.engine.demo.recovered import Recovered
from mystax.errors import Cancelled

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BRAIN", "encode_brain", "find_runs", "recovered_neurons", "recovered_runs"]

BRAIN = Part(
    __name__,
    "encode_brain",
    "xarray scipy.linalg mystax.analyses.encoding_fold mystax.compute.kernels.windows",
    f"{OUTCOMES}/encoding.nc",
    "encode",
    "the neurons are encoded from its face",
)
"""The neurons beside other work."""
LEAST, MOST = 0.15, 1.1
"""Share of the ceiling that the encoder must, and can, reach."""
ALIKE = 0.6
"""Least correlation of explained variance and ceiling over the neurons."""
STATES: Mapping[str, Any] = {"n_states": 2, "features": "running.speed", "rate": 2.0, "max_states": 4}
"""Rest and run: the two states that the simulation itself has; up to four are compared."""
RIGHT = 0.9
"""Least share of the time in which the states are those of the simulation."""


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
    from mystax.io.neural.reading import read_neural

    files = make_brain(folder, seed=seed, progress=progress)
    neural = read_neural(files["neural"], clock=files["clock"])
    settings: dict[str, Any] = {
        "model": "linear",
        "groups": "keypoints",
        "folds": 3,
        "scales": "one",
        "null": "none",
        "ceiling": "none",
        "parts": False,
        "lags": False,
    }
    place = files["behaviour"]
    return encoding(place, neural, out=place, progress=progress, seed=seed, **settings)


def find_runs(folder: Path, *, seed: int = 0, progress: Report = silent) -> Dataset:
    """Find when the mouse runs and when it rests, as two states of its speed.

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
        The outcome `states`.

    Raises
    ------
    Cancelled
        If the search was stopped.
    """
    from mystax.core.canonical import canonical_json
    from mystax.engine.states.run import run_states
    from mystax.engine.states.store import keep_states
    from mystax.io.outcomes import load
    from mystax.io.store import Store

    place = Path(make_brain(folder, seed=seed, progress=progress)["behaviour"])
    note, wanted = folder / "states.json", {"seed": seed, **STATES}
    if noted(note) == wanted and is_there(place / "states.nc"):
        return cast("Dataset", load(place / "states.nc"))
    begin(note)
    done = run_states([str(place)], STATES, progress=progress)
    if not done.fit.is_complete:
        raise Cancelled("states")  # nobody looks at states in the middle of a demonstration
    keep_states(done, place, progress=progress, report=False)
    Store(folder).write_text(note.name, canonical_json(wanted))
    return done.datasets[0]


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


def recovered_runs(outcome: Dataset, runs: np.ndarray) -> Recovered:
    """Compare the states with when the simulated mouse runs.

    Parameters
    ----------
    outcome : Dataset
        What `find_runs` returned.
    runs : array (run, 2)
        What `true_runs` says of its folder [s].

    Returns
    -------
    Recovered
        One line: the share of the time in the right state, whichever number that has.
    """
    time = outcome["time"].values[:, np.newaxis]
    is_running = ((time >= runs[:, 0]) & (time < runs[:, 1])).any(axis=1)
    label = np.asarray(outcome["label"].values)
    agrees = ((label == 2) == is_running)[label > 0]
    same = float(np.mean(agrees)) if len(agrees) else 0.5
    share = max(same, 1 - same)
    return Recovered(
        "states, rest and run",
        f"{len(runs)} runs",
        f"{share:.0%} of the time in the right state",
        share >= RIGHT,
    )

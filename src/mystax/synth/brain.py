"""A simulated brain: behaviour, neurons that follow it in part, and how much of them behaviour can explain.

The numbers are those of the design (two worlds, 28 behavioural drives, shared activity that has nothing to
do with behaviour, Poisson noise), so that encoders can be judged against a ceiling that is known.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from mystax.core.typing import Float32, Float64
from mystax.errors import ParameterError, nearest
from mystax.synth.brain_drives import WORLDS, make_drives, mean_in_bins
from mystax.synth.brain_faults import damage
from mystax.synth.brain_files import Written, write_neural
from mystax.synth.brain_outcomes import behaviour_outcomes
from mystax.synth.brain_sources import Sources, play_sources, standardised
from mystax.synth.brain_truth import BrainTruth

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["BrainTruth", "simulate", "write"]


SIGNALS = ("deconvolved", "counts", "spikes")
N_LATENTS = 12
FIELD = 1000.0
"""Neurons lie in a square of this side [um]."""
SPIKE_CLOCK = 30_000
"""Spike times are multiples of one sample of this rate [1/s]."""


@dataclass(frozen=True, eq=False)
class _Rates:
    """Expected counts per bin, and the part of them that follows behaviour."""

    rates: Float64[np.ndarray, "time neuron"]
    expected: Float64[np.ndarray, "time neuron"]
    weights: Float64[np.ndarray, "drive neuron"]
    share: Float64[np.ndarray, " neuron"]


def simulate(
    world: str = "A",
    *,
    minutes: float = 20,
    n_neurons: int = 500,
    rate: float = 6,
    camera_rate: float = 50,
    seed: int = 0,
    signal: str = "deconvolved",
    drift: float = 0,
    independent: bool = False,
) -> BrainTruth:
    """Simulate behaviour and the neurons that follow it.

    Parameters
    ----------
    world : {"A", "B"}, optional
        A: neurons follow rectified, filtered mixtures of movements.  B: also envelopes of rhythms, slow
        memories and gated mixtures.
    minutes : float, optional
        Length [min].
    n_neurons : int, optional
        Number of neurons.
    rate : float, optional
        Neural bins (imaging frames) per second.
    camera_rate : float, optional
        Frames per second.
    seed : int, optional
        Start of the random numbers.
    signal : {"deconvolved", "counts", "spikes"}, optional
        deconvolved: counts with noise; counts: whole numbers; spikes: times, uniform in the bins.
    drift : float, optional
        Random walks of this size on neurons [sd of the neuron] and behaviour.
    independent : bool, optional
        Neurons follow the behaviour of another seed: nothing can be explained.

    Returns
    -------
    BrainTruth
        Data and truth.

    Raises
    ------
    ParameterError
        P401, if `world` or `signal` is unknown, or a number is not over 0.

    Examples
    --------
    >>> truth = simulate("B", minutes=1, n_neurons=20)
    >>> truth.neural["activity"].shape
    (360, 20)
    """
    _check(world, signal, minutes=minutes, n_neurons=n_neurons, rate=rate, camera_rate=camera_rate)
    seconds = minutes * 60
    n_bins = int(seconds * rate + 1e-9)
    shown = play_sources(seconds, camera_rate, _random(seed, "behaviour"))
    followed = play_sources(seconds, camera_rate, _random(seed, "elsewhere")) if independent else shown
    drives = make_drives(world, followed, _random(seed, "drives"))
    binned = mean_in_bins(np.stack([drive.trace for drive in drives], axis=1), camera_rate, rate, n_bins)
    made = _rates(binned, followed, n_neurons, rate, _random(seed, "neurons"))
    activity, counts = _observe(made.rates, signal, drift, _random(seed, "noise"))
    expected = np.broadcast_to(made.expected.mean(axis=0), activity.shape) if independent else made.expected
    return BrainTruth(
        behaviour=behaviour_outcomes(shown, drift, _random(seed, "face")),
        neural=_neural(activity, counts, signal, rate, _random(seed, "places")),
        expected=np.asarray(expected, np.float32),
        ceiling=_ceiling(activity, expected),
        drives=binned,
        weights=made.weights,
        kinds=tuple(drive.kind for drive in drives),
        delays=np.array([drive.delay for drive in drives]),
        share=made.share,
        is_running=shown.traces["is_running"] > 0,
        rate=rate,
        camera_rate=camera_rate,
        seed=seed,
    )


def _check(world: str, signal: str, **numbers: float) -> None:
    for name, value, known in (("world", world, WORLDS), ("signal", signal, SIGNALS)):
        if value not in known:
            raise ParameterError(
                "P401", f"parameter {name!r}", f"there is no {name} {value!r}{nearest(str(value), known)}"
            )
    for name, number in numbers.items():
        if not number > 0:
            raise ParameterError("P401", f"parameter {name!r}", expected="a number over 0", got=str(number))


def _random(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers of one purpose: more neurons, say, do not change what the animal does."""
    return np.random.default_rng((seed, *purpose.encode()))


def _responses(
    inputs: Float64[np.ndarray, "time input"], weights: Float64[np.ndarray, "input neuron"]
) -> Float64[np.ndarray, "time neuron"]:
    """Weigh inputs and bend them (softplus), to standard deviation 1."""
    bent = np.logaddexp(0.0, 1.5 * standardised(inputs @ weights) - 1)
    return np.asarray(bent / bent.std(axis=0))


def _rates(
    drives: Float64[np.ndarray, "time drive"],
    sources: Sources,
    n_neurons: int,
    rate: float,
    random: np.random.Generator,
) -> _Rates:
    """Mix what follows behaviour with what the neurons share of their own."""
    n_bins, n_drives = drives.shape
    weights = np.where(
        random.random((n_drives, n_neurons)) < 0.25, random.standard_normal((n_drives, n_neurons)), 0.0
    )
    weights[random.integers(n_drives, size=n_neurons), np.arange(n_neurons)] += 1
    n_samples = len(sources.traces["run"])
    latents = standardised(
        gaussian_filter1d(random.standard_normal((n_samples, N_LATENTS)), 0.4 * sources.rate, axis=0)
    )
    spontaneous = mean_in_bins(latents, sources.rate, rate, n_bins)
    q = _responses(spontaneous, random.standard_normal((N_LATENTS, n_neurons)))
    share = np.clip(random.beta(2, 4 / 3, n_neurons), 0.02, 0.98)
    b = _responses(drives, weights)
    followed = np.sqrt(share) * b
    mixed = followed + np.sqrt(1 - share) * q
    scale = 0.5 * random.lognormal(0, 0.7, n_neurons) / mixed.mean(axis=0)
    return _Rates(mixed * scale, followed * scale, weights, share)


def _observe(
    rates: Float64[np.ndarray, "time neuron"], signal: str, drift: float, random: np.random.Generator
) -> tuple[Float32[np.ndarray, "time neuron"], np.ndarray]:
    """Draw counts, and what an experiment sees of them."""
    n_bins, n_neurons = rates.shape
    walk = np.cumsum(random.standard_normal((n_bins, n_neurons)), axis=0) / np.sqrt(n_bins)
    size = drift * np.sqrt(rates.mean(axis=0) + rates.var(axis=0)) * walk
    if signal != "deconvolved":
        counts = random.poisson(np.maximum(rates + size, 0.0))
        return counts.astype(np.float32), counts
    counts = random.poisson(rates)
    noise = random.standard_normal(counts.shape)
    return np.asarray(counts + 0.3 * counts.std(axis=0) * noise + size, np.float32), counts


def _ceiling(
    activity: Float32[np.ndarray, "time neuron"], expected: Float64[np.ndarray, "time neuron"]
) -> Float64[np.ndarray, " neuron"]:
    """Variance explained by the expectation, up to a constant."""
    values = activity.astype(np.float64)
    return np.asarray(1 - (values - expected).var(axis=0) / np.maximum(values.var(axis=0), 1e-12))


def _neural(
    activity: Float32[np.ndarray, "time neuron"],
    counts: np.ndarray,
    signal: str,
    rate: float,
    random: np.random.Generator,
) -> Dataset:
    """Put the activity into the form of neural data."""
    import xarray as xr

    n_bins, n_neurons = activity.shape
    place = random.uniform(0, FIELD, (2, n_neurons)).astype(np.float32)
    unit = {"units": "1"}
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {
        "neuron": (("neuron",), np.arange(n_neurons), unit),
        "neuron_x": (("neuron",), place[0]),
        "neuron_y": (("neuron",), place[1]),
        "neuron_z": (("neuron",), np.zeros(n_neurons, np.float32)),
        "area": (("neuron",), np.where(place[0] < FIELD / 2, "V1", "M2")),
        "plane": (("neuron",), np.zeros(n_neurons, np.int16), unit),
        "quality": (("neuron",), np.full(n_neurons, "good")),
    }
    if signal == "spikes":
        times, neurons = _spikes(counts, rate, random)
        variables["spike_time"] = (("spike",), times, {"units": "s"})
        variables["spike_neuron"] = (("spike",), neurons, unit)
    else:
        variables["activity"] = (("time", "neuron"), activity, unit)
        coordinates["time"] = (("time",), (np.arange(n_bins) + 0.5) / rate, {"units": "s"})
    attributes = {"signal": signal, "bin": 1 / rate, "unit": "um", "source": "simulated"}
    return xr.Dataset(variables, coordinates, attributes)


def _spikes(counts: np.ndarray, rate: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Give every count a time inside its bin, at least two samples from its edges."""
    bins, neurons = np.nonzero(counts)
    repeats = counts[bins, neurons]
    bins, neurons = np.repeat(bins, repeats), np.repeat(neurons, repeats)
    first = np.ceil(bins / rate * SPIKE_CLOCK) + 2
    last = np.floor((bins + 1) / rate * SPIKE_CLOCK) - 2
    samples = np.floor(first + random.random(len(bins)) * (last - first))
    order = np.lexsort((neurons, samples))
    return samples[order] / SPIKE_CLOCK, neurons[order].astype(np.int32)


def write(
    truth: BrainTruth,
    folder: Path | str,
    format: str = "npy",  # noqa: A002 - as in read_neural
    *,
    fault: str | None = None,
) -> Written:
    """Write simulated neural data in the files of another tool, sound or damaged.

    Parameters
    ----------
    truth : BrainTruth
        The simulated recording.
    folder : path
        Takes the files, and `camera_times.npy` and `neural_times.npy` [s].
    format : str, optional
        suite2p, phy, nwb-units, nwb-series, nwb-series-swapped, alf, alf-imaging, npy, npz, mat, mat73, h5,
        csv or caiman.
    fault : str, optional
        One of `mystax.synth.brain_faults.FAULTS` or `FILE_FAULTS`: what is wrong with the data.

    Returns
    -------
    Written
        What `mystax.read_neural` takes.

    Raises
    ------
    ParameterError
        P401, if there is no such format or fault, or the format needs spikes.
    """
    if fault is not None:
        truth = damage(truth, fault)
    return write_neural(truth, folder, format, fault)

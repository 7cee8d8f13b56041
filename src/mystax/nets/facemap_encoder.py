"""The network of Syeda et al. (2024), written anew: same weights, same gradients, less work.

Behaviour is mixed, filtered by one bank of ten temporal filters, and read out by three layers.  Mixing and
filtering commute, so that windows of raw samples are gathered once, at the neural bins only, and filtered
first: frames between the bins never cost anything.

References
----------
.. [1] Syeda et al. (2024), doi:10.1038/s41593-023-01490-6
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mystax.core.behaviour import BehaviourGrid
from mystax.core.typing import Bool, Float32, Float64, Int64
from mystax.nets.encoder import one_thread
from mystax.nets.encoder_settings import FacemapSettings

__all__ = [
    "FacemapFit",
    "FacemapNetwork",
    "Windows",
    "fit_facemap",
    "gather_windows",
    "plan_rates",
]

N_FILTERS, TAPS, HIDDEN, DEEP = 10, 201, 50, 256
RATE = 50.0
SMOOTHNESS = 0.5
N_SEGMENTS = 10
SCORE_EVERY, PATIENCE = 5, 6
VALIDATED_RATE = 5e-4


@dataclass(frozen=True)
class Rates:
    """Learning rate, weight decay and epochs."""

    rate: float
    decay: float
    epochs: int
    drops: tuple[int, ...]


def plan_rates(rule: str, n_neurons: int, n_bins: int) -> Rates:
    """Return the published training rules.

    Parameters
    ----------
    rule : str
        ``published`` or ``validated``.
    n_neurons, n_bins : int
        Neurons, and training bins.

    Returns
    -------
    Rates
        Of AdamW.
    """
    if rule == "validated":
        return Rates(VALIDATED_RATE, 1e-4, 300, ())
    rate, decay, epochs = 1e-3, 1e-4, 300
    if n_neurons <= 2000:
        rate, decay = rate / 10, decay / 10
    if n_bins < 10_000:
        rate, decay, epochs = rate / 2, decay / 2, 200
    return Rates(rate, decay, epochs, (200, 250))


@dataclass(frozen=True)
class Windows:
    """Raw samples around neural bins.

    Attributes
    ----------
    x : array (bin, column, tap)
        Samples; 0 outside the segment.
    valid : array (bin, tap)
        1 inside the segment.
    """

    x: Float32[np.ndarray, "bin column tap"]
    valid: Float32[np.ndarray, "bin tap"]


def gather_windows(
    behaviour: Float32[np.ndarray, "sample column"],
    centres: Int64[np.ndarray, " bin"],
    first: int = 0,
    stop: int | None = None,
) -> Windows:
    """Gather the samples that the filters see at some bins.

    Parameters
    ----------
    behaviour : array (sample, column)
        Standardised behaviour.
    centres : array (bin,)
        Sample of each bin.
    first, stop : int, optional
        The segment; samples outside count as 0.

    Returns
    -------
    Windows
        201 samples around each bin.
    """
    last = len(behaviour) if stop is None else stop
    places = centres[:, None] + np.arange(TAPS) - TAPS // 2
    inside = (places >= first) & (places < last)
    found = behaviour[np.clip(places, 0, len(behaviour) - 1)] * inside[:, :, None]
    return Windows(np.ascontiguousarray(found.transpose(0, 2, 1), np.float32), inside.astype(np.float32))


class FacemapNetwork:
    """The weights, and what they say of windows.

    Parameters
    ----------
    n_columns, n_components : int
        Inputs and outputs.
    seed : int
        Start of the random numbers.
    """

    def __init__(self, n_columns: int, n_components: int, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)

        def layer(rows: int, columns: int) -> tuple[Tensor, Tensor]:
            bound = 1 / math.sqrt(columns)
            made = [
                (torch.rand(shape, generator=generator) * 2 - 1) * bound
                for shape in ((rows, columns), (rows,))
            ]
            return made[0].requires_grad_(), made[1].requires_grad_()

        self.mix, self.mix_bias = layer(n_columns, n_columns)
        self.filters = torch.from_numpy(first_filters()).requires_grad_()
        self.hidden, self.hidden_bias = layer(HIDDEN, N_FILTERS * n_columns)
        self.deep, self.deep_bias = layer(DEEP, HIDDEN)
        self.out, self.out_bias = layer(n_components, DEEP)

    @property
    def parameters(self) -> list[Tensor]:
        """All weights."""
        return [
            self.mix,
            self.mix_bias,
            self.filters,
            self.hidden,
            self.hidden_bias,
            self.deep,
            self.deep_bias,
            self.out,
            self.out_bias,
        ]

    @property
    def n_weights(self) -> int:
        """Number of weights."""
        return sum(item.numel() for item in self.parameters)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Predict scaled scores from windows (bin, column, tap)."""
        n, columns, taps = x.shape
        z = (x.reshape(n * columns, taps) @ self.filters.T).reshape(n, columns, N_FILTERS)
        bias = self.mix_bias[None, :, None] * (valid @ self.filters.T)[:, None, :]
        filtered = torch.relu(torch.matmul(self.mix, z) + bias)
        return self.read_out(filtered.reshape(n, columns * N_FILTERS))

    def read_out(self, values: Tensor) -> Tensor:
        """Predict scaled scores from filtered columns (bin, column x filter)."""
        h = torch.relu(values @ self.hidden.T + self.hidden_bias)
        h = torch.relu(h @ self.deep.T + self.deep_bias)
        return h @ self.out.T + self.out_bias

    def penalty(self) -> Tensor:
        """Return the cost of filters that are not smooth."""
        return SMOOTHNESS * (self.filters[:, 1:] - self.filters[:, :-1]).square().sum()


def first_filters() -> Float32[np.ndarray, "filter tap"]:
    """Return the filters that training begins with: wavelets of five frequencies in two phases."""
    s = np.linspace(-np.pi, np.pi, TAPS)
    made = [
        np.exp(-(s**2) / 2) * np.cos(phase + f * s)
        for f in np.geomspace(1, 10, 5)
        for phase in (0, np.pi / 2)
    ]
    return np.stack([item / np.linalg.norm(item) for item in made]).astype(np.float32)


@dataclass(frozen=True)
class FacemapFit:
    """A trained network.

    Attributes
    ----------
    scores : array (time, component)
        What it says of all bins, shifted back.
    epoch : int
        Epoch of the weights.
    n_weights : int
        Number of weights.
    """

    scores: Float32[np.ndarray, "time component"]
    epoch: int
    n_weights: int

    def predict(self, rows: Bool[np.ndarray, " time"]) -> Float32[np.ndarray, "some component"]:
        """Return what it says of some bins."""
        return np.asarray(self.scores[rows])


def _standardised(
    grid: BehaviourGrid,
    times: Float64[np.ndarray, " time"],
    train: Bool[np.ndarray, " time"],
    *,
    is_native: bool,
) -> tuple[Float32[np.ndarray, "sample column"], Float64[np.ndarray, " sample"]]:
    """Return the columns at 50 Hz, z-scored on the frames around training bins; missing values are 0."""
    seconds = grid.seconds
    rate = float(grid.rate) if is_native else RATE
    at = seconds if is_native else np.arange(seconds[0], seconds[-1] + 1e-9, 1 / rate)
    nearest = np.clip(np.searchsorted(at, times[train]), 0, len(at) - 1)
    inside = np.zeros(len(at), bool)
    for shift in range(-int(rate), int(rate) + 1, max(1, int(rate) // 5)):
        inside[np.clip(nearest + shift, 0, len(at) - 1)] = True
    columns = []
    for part in grid.parts:
        for k in range(part.values.shape[1]):
            known = np.isfinite(part.values[:, k])
            values = np.interp(at, seconds[known], part.values[known, k].astype(np.float64))
            hole = np.interp(at, seconds, known.astype(np.float64)) < 0.5
            good = inside & ~hole
            mean, sd = (values[good].mean(), values[good].std()) if good.any() else (0.0, 0.0)
            columns.append(np.where(hole, 0.0, (values - mean) / (sd if sd > 1e-12 else np.inf)))
    return np.stack(columns, axis=1).astype(np.float32), at


def fit_facemap(
    grid: BehaviourGrid,
    times: Float64[np.ndarray, " time"],
    scores: Float32[np.ndarray, "time component"],
    train: Bool[np.ndarray, " time"],
    inner: tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]],
    settings: FacemapSettings,
    watch: Callable[[], None] = lambda: None,
    *,
    n_neurons: int = 500,
) -> FacemapFit:
    """Train the network on training bins, and let it speak of all bins.

    Parameters
    ----------
    grid : BehaviourGrid
        Behaviour.
    times : array (time,)
        Centres of the bins [s].
    scores : array (time, component)
        Components of the population.
    train : array (time,)
        Training bins.
    inner : pair of arrays (time,)
        Inner training and held-out bins, for the validated rule.
    settings : FacemapSettings
        Rule, delay, seed.
    watch : callable, optional
        Called after every epoch; may raise to stop.
    n_neurons : int, optional
        Size of the population, for the published rule.

    Returns
    -------
    FacemapFit
        Predictions of all bins, shifted back by the delay.
    """
    behaviour, at = _standardised(grid, times, train, is_native=settings.is_native_rate)
    step = float(np.median(np.diff(times)))
    centres = np.clip(np.rint((times - settings.delay * step - at[0]) / (at[1] - at[0])), 0, len(at) - 1)
    centres = centres.astype(np.int64)
    scale = float(np.sqrt(np.mean(np.square(scores[train], dtype=np.float64)))) or 1.0
    targets = torch.from_numpy((scores / scale).astype(np.float32))
    is_validated = settings.rule == "validated"
    fit_rows = inner[0] if is_validated else train
    rates = plan_rates(settings.rule, n_neurons, int(train.sum()))
    network = FacemapNetwork(behaviour.shape[1], scores.shape[1], settings.seed)
    with one_thread():
        segments = [
            (
                rows,
                gather_windows(
                    behaviour, centres[rows], int(centres[rows].min()), int(centres[rows].max()) + 1
                ),
            )
            for rows in _segments(fit_rows)
        ]
        held = np.flatnonzero(inner[1])
        held_windows = gather_windows(behaviour, centres[held]) if is_validated else None
        epoch = _train(network, segments, targets, rates, settings, (held, held_windows), watch)
        said = _say(network, behaviour, centres) * scale
    return FacemapFit(said.astype(np.float32), epoch, network.n_weights)


def _segments(rows: Bool[np.ndarray, " time"]) -> list[Int64[np.ndarray, " bin"]]:
    """Cut bins into about ten contiguous segments."""
    places = np.flatnonzero(rows)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    size = max(1, len(places) // N_SEGMENTS)
    found = []
    for run in runs:
        found += [part for part in np.array_split(run, max(1, round(len(run) / size))) if len(part)]
    return found


def _say(
    network: FacemapNetwork,
    behaviour: Float32[np.ndarray, "sample column"],
    centres: Int64[np.ndarray, " bin"],
) -> Float32[np.ndarray, "bin component"]:
    """Predict all bins, some thousand at a time."""
    found = []
    with torch.no_grad():
        for first in range(0, len(centres), 2048):
            windows = gather_windows(behaviour, centres[first : first + 2048])
            found.append(
                network.forward(torch.from_numpy(windows.x), torch.from_numpy(windows.valid)).numpy()
            )
    return np.concatenate(found)


def _train(
    network: FacemapNetwork,
    segments: list[tuple[Int64[np.ndarray, " _"], Windows]],
    targets: Tensor,
    rates: Rates,
    settings: FacemapSettings,
    held: tuple[Int64[np.ndarray, " held"], Windows | None],
    watch: Callable[[], None],
) -> int:
    """Train, one segment per step in an order of each epoch; return the epoch of the weights that stay."""
    optimizer = torch.optim.AdamW(network.parameters, lr=rates.rate, weight_decay=rates.decay)
    tensors = [
        (torch.from_numpy(w.x), torch.from_numpy(w.valid), targets[torch.from_numpy(rows)])
        for rows, w in segments
    ]
    best, best_epoch = math.inf, 0
    kept = [item.detach().clone() for item in network.parameters]
    rate = rates.rate
    for epoch in range(1, rates.epochs + 1):
        if epoch - 1 in rates.drops:
            rate /= 10
            for group in optimizer.param_groups:
                group["lr"] = rate
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(tensors))
        for number in order:
            x, valid, y = tensors[int(number)]
            loss = (network.forward(x, valid) - y).square().mean() + network.penalty()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch has no types here
            optimizer.step()
        watch()
        rows, windows = held
        if windows is None or epoch % SCORE_EVERY:
            continue
        with torch.no_grad():
            said = network.forward(torch.from_numpy(windows.x), torch.from_numpy(windows.valid))
            now = float((said - targets[torch.from_numpy(rows)]).square().mean())
        if now < best:
            best, best_epoch = now, epoch
            kept = [item.detach().clone() for item in network.parameters]
        elif epoch - best_epoch >= SCORE_EVERY * PATIENCE:
            break
    if held[1] is None:
        return rates.epochs
    with torch.no_grad():
        for item, value in zip(network.parameters, kept, strict=True):
            item.copy_(value)
    return best_epoch

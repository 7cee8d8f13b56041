"""The deep encoder: from behavioural features to components of the population, fitted with torch."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mystax.core.analysis import Tiles
from mystax.core.typing import Bool, Float, Float32, Float64
from mystax.nets.encoder_settings import DeepSettings
from mystax.nets.encoder_weights import CLIP, EPS, MemberWeights
from mystax.nets.fitting import one_cycle

__all__ = ["DeepFit", "fit_deep", "one_thread"]

IMPROVEMENT = 1e-5
INPUT_DROPOUT = 0.1
LEVELS = 256
"""A byte decides what is left out: eight of them come with one random number, so shares are 256ths."""


@dataclass(frozen=True)
class DeepFit:
    """An ensemble of networks that saw all training bins, and what was learned from inner folds.

    Attributes
    ----------
    members : list of MemberWeights
        The networks; those of the inner folds where nothing could be learned.
    held : array (train, component)
        Out-of-fold predictions of the training bins.
    epochs : list of int
        Epoch of the best weights of each member; 0 is the mean.
    """

    members: list[MemberWeights]
    held: Float32[np.ndarray, "train component"]
    epochs: list[int]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit_deep(
    x: Float[np.ndarray, "time feature"],
    y: Float[np.ndarray, "time component"],
    train: Bool[np.ndarray, " time"],
    inner: Sequence[tuple[Bool[np.ndarray, " time"], Bool[np.ndarray, " time"]]],
    settings: DeepSettings,
    tiles: Tiles,
    watch: Callable[[], None] = lambda: None,
) -> DeepFit:
    """Fit one network per inner fold, each stopped on the bins that it did not see.

    Parameters
    ----------
    x : array (time, feature)
        Features of all bins, standardised on the training bins.
    y : array (time, component)
        Scores of all bins.
    train : array (time,)
        Training bins.
    inner : sequence of pairs
        Inner training and held-out bins.
    settings : DeepSettings
        Size and training.
    tiles : Tiles
        Threads over members; the result does not depend on them.
    watch : callable, optional
        Called after every epoch; may raise to stop.

    Returns
    -------
    DeepFit
        Networks and out-of-fold predictions.
    """
    scale = float(np.sqrt(np.mean(np.square(y[train] - y[train].mean(0), dtype=np.float64)))) or 1.0
    mean = y[train].mean(0, dtype=np.float64)
    inputs = torch.from_numpy(np.clip(x, -CLIP, CLIP).astype(np.float32))
    targets = torch.from_numpy(((y - mean) / scale).astype(np.float32))

    def member(number: int) -> tuple[MemberWeights, np.ndarray, int]:
        fit, rest = inner[number]
        rows, held = torch.from_numpy(np.flatnonzero(fit)), torch.from_numpy(np.flatnonzero(rest))
        network = _Network(x.shape[1], y.shape[1], settings, settings.seed * 1000 + number)
        epoch = _train(network, inputs[rows], targets[rows], inputs[held], targets[held], settings, watch)
        with torch.no_grad():
            predicted = network.forward(inputs[held]).numpy() * scale + mean
        return network.weights(scale, mean), predicted.astype(np.float32), epoch

    def whole(number: int) -> MemberWeights:
        seed = settings.seed * 1000 + len(inner) + number
        network = _Network(x.shape[1], y.shape[1], settings, seed)
        rows = torch.from_numpy(np.flatnonzero(train))
        _train(network, inputs[rows], targets[rows], None, None, settings, watch, stop=n_epochs)
        return network.weights(scale, mean)

    with one_thread():
        found = tiles.map(member, list(range(len(inner))))
        n_epochs = round(float(np.mean([epoch for _, _, epoch in found])))
        refits = tiles.map(whole, list(range(settings.refits))) if n_epochs else []
    out = np.zeros((len(x), y.shape[1]), np.float32)
    for (_, rest), (_, predicted, _) in zip(inner, found, strict=True):
        out[rest] = predicted
    # networks that saw all training bins are better than those that missed an inner fold
    members = refits or [weights for weights, _, _ in found]
    return DeepFit(members, out[train], [epoch for _, _, epoch in found])


class _Network:
    """The network with its own random numbers, so that members do not disturb each other."""

    def __init__(self, n_features: int, n_components: int, settings: DeepSettings, seed: int) -> None:
        self.settings, self.generator = settings, torch.Generator().manual_seed(seed)
        self._masks = np.random.default_rng(seed)
        sizes = [(settings.width, n_features), (settings.latent, settings.width)]
        self.weight, self.bias = [], []
        for rows, columns in sizes:
            bound = 1 / math.sqrt(columns)
            self.weight.append(self._uniform((rows, columns), bound))
            self.bias.append(self._uniform((rows,), bound))
        self.weight.append(torch.zeros(n_components, settings.latent, requires_grad=True))
        self.bias.append(torch.zeros(n_components, requires_grad=True))
        self.gain = torch.ones(settings.width, requires_grad=True)
        self.shift = torch.zeros(settings.width, requires_grad=True)

    def _uniform(self, shape: tuple[int, ...], bound: float) -> Tensor:
        made = (torch.rand(shape, generator=self.generator) * 2 - 1) * bound
        return made.requires_grad_()

    @property
    def parameters(self) -> list[Tensor]:
        """All weights."""
        return [*self.weight, *self.bias, self.gain, self.shift]

    def _drop(self, values: Tensor, share: float, *, training: bool) -> Tensor:
        least = round(share * LEVELS)
        if not training or least == 0:
            return values
        n = values.numel()
        words = self._masks.integers(0, 1 << 64, -(-n // 8), dtype=np.uint64)
        kept = words.view(np.uint8)[:n].reshape(values.shape) >= least
        scaled = np.multiply(kept, np.float32(LEVELS / (LEVELS - least)), dtype=np.float32)
        return values * torch.from_numpy(scaled)

    def forward(self, x: Tensor, *, training: bool = False) -> Tensor:
        """Predict scaled scores."""
        share = self.settings.dropout
        h = functional.linear(self._drop(x, INPUT_DROPOUT, training=training), self.weight[0], self.bias[0])
        h = functional.layer_norm(h, (h.shape[1],), self.gain, self.shift, EPS)
        h = self._drop(functional.gelu(h), share, training=training)
        h = functional.gelu(functional.linear(h, self.weight[1], self.bias[1]))
        return functional.linear(self._drop(h, share, training=training), self.weight[2], self.bias[2])

    def weights(self, scale: float, mean: Float64[np.ndarray, " component"]) -> MemberWeights:
        """Return the weights as arrays, with the unit of the targets in the last layer."""
        w = [item.detach().numpy().astype(np.float32).copy() for item in self.weight]
        b = [item.detach().numpy().astype(np.float32).copy() for item in self.bias]
        gain, shift = (item.detach().numpy().astype(np.float32).copy() for item in (self.gain, self.shift))
        last = (w[2] * scale).astype(np.float32)
        return MemberWeights(
            w[0], b[0], gain, shift, w[1], b[1], last, (b[2] * scale + mean).astype(np.float32)
        )


def _train(
    network: _Network,
    x: Tensor,
    y: Tensor,
    held_x: Tensor | None,
    held_y: Tensor | None,
    settings: DeepSettings,
    watch: Callable[[], None],
    stop: int | None = None,
) -> int:
    """Train until the held-out error no longer falls, and put the best weights back; or for `stop` epochs."""
    optimizer = torch.optim.AdamW(
        network.parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    steps = max(1, math.ceil(len(x) / settings.batch))
    total = settings.epochs * steps

    def error() -> float:
        with torch.no_grad():
            if held_x is None or held_y is None or not len(held_x):
                return 0.0
            return float(functional.mse_loss(network.forward(held_x), held_y))

    best, best_epoch = error(), 0
    kept = [item.detach().clone() for item in network.parameters]
    for epoch in range(1, settings.epochs + 1):
        order = torch.randperm(len(x), generator=network.generator)
        for step in range(steps):
            rows = order[step * settings.batch : (step + 1) * settings.batch]
            rate = one_cycle(((epoch - 1) * steps + step) / total, warm=0.1, last=0.0)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * rate
            loss = functional.mse_loss(network.forward(x[rows], training=True), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call] # torch has no types here
            optimizer.step()
        watch()
        if stop is not None:
            if epoch == stop:
                return epoch
            continue
        now = error()
        if now < best - IMPROVEMENT:
            best, best_epoch = now, epoch
            kept = [item.detach().clone() for item in network.parameters]
        elif epoch - best_epoch >= settings.patience:
            break
    with torch.no_grad():
        for item, value in zip(network.parameters, kept, strict=True):
            item.copy_(value)
    return best_epoch

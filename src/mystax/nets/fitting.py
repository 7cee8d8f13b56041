"""Steps of training: parallel lanes, one-cycle rate, averaged weights, a state that can be stored."""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import torch

from mystax.core.typing import Float32, UInt8
from mystax.nets.decode import Decoded, decode
from mystax.nets.loss import tracker_loss
from mystax.nets.tracker import Dense

__all__ = ["Batch", "Fitter", "can_use_half", "one_cycle", "predict"]

Batch = tuple[
    Float32[np.ndarray, "n size size"],
    Float32[np.ndarray, "n keypoint space"],
    UInt8[np.ndarray, "n keypoint"],
]
"""Normalised crops, points [crop px] and their states."""


def one_cycle(progress: float, *, warm: float = 0.15, last: float = 0.002) -> float:
    """Return the factor on the peak rate: a rise over the first part, then half a cosine down.

    Parameters
    ----------
    progress : float
        Share of the training that is done, 0-1.
    warm : float, optional
        Share in which the rate rises (0.15).
    last : float, optional
        Factor at the end (0.002).

    Returns
    -------
    float
        Factor, at most 1.

    Examples
    --------
    >>> [round(one_cycle(p), 3) for p in (0.0, 0.15, 0.575, 1.0)]
    [0.04, 1.0, 0.501, 0.002]
    """
    if progress < warm:
        return 0.04 + 0.96 * progress / warm
    share = min((progress - warm) / (1.0 - warm), 1.0)
    return float(last + (1.0 - last) * 0.5 * (1.0 + np.cos(np.pi * share)))


class Fitter:
    """A network under training.

    Parameters
    ----------
    net : Dense
        The network; its weights are changed in place.
    peak : float
        Highest rate of the trunk.
    head_factor : float, optional
        Factor on it for the two heads (1).
    weight_decay : float, optional
        Decay of weights; biases and norms are free of it (1e-4).
    clip : float, optional
        Largest norm of the gradient (5).
    average : float, optional
        Decay of the averaged weights per step (0.995).
    lanes : int, optional
        Parts of a batch that are worked on side by side, each by one thread (1).  On busy machines this is
        several times faster than threads inside of each operation, which wait for each other.
    has_fixed_norms : bool, optional
        Whether the norms keep the figures that the network came with (False): a few crops of a batch would
        replace what a trained base knows by noise.
    is_half : bool, optional
        Whether the trunk computes in bfloat16 (weights stay float32): twice as fast where the processor has
        AVX-512 bf16 or AMX.
    """

    def __init__(
        self,
        net: Dense,
        *,
        peak: float,
        head_factor: float = 1.0,
        weight_decay: float = 1e-4,
        clip: float = 5.0,
        average: float = 0.995,
        lanes: int = 1,
        has_fixed_norms: bool = False,
        is_half: bool = False,
    ) -> None:
        self.net = net.train()
        if has_fixed_norms:
            for module in net.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        self.steps = 0
        self._peak = peak
        self._clip = clip
        self.average = average
        self._is_half = is_half
        self._replicas = [net, *(_replica(net) for _ in range(lanes - 1))]
        self._mean = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)
        # Torch's own threads wait for each other by spinning, dear on a busy machine.
        self._pool = ThreadPoolExecutor(lanes, "lane", initializer=torch.set_num_threads, initargs=(1,))
        self._named = dict(net.named_parameters())
        groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
        for name, parameter in self._named.items():
            factor = head_factor if name.startswith(("head.", "null.")) else 1.0
            decay = weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((factor, decay), []).append(parameter)
        self._optimiser = torch.optim.AdamW(
            [
                {"params": parameters, "factor": factor, "weight_decay": decay}
                for (factor, decay), parameters in groups.items()
            ],
            lr=peak,
            fused=True,
        )

    @property
    def lanes(self) -> int:
        """Number of parts of a batch."""
        return len(self._replicas)

    def step(self, make: Callable[[int], Batch], progress: float) -> float:
        """Do one step.

        Parameters
        ----------
        make : callable
            Gives the batch of a lane; called once per lane, in that lane's thread.
        progress : float
            Share of the training that is done, 0-1: sets the rate.

        Returns
        -------
        float
            Mean loss of the lanes.
        """
        losses = list(self._pool.map(lambda lane: self._lane(lane, make(lane)), range(self.lanes)))
        self._pool.submit(self._update, progress).result()
        return float(np.mean(losses))

    def _update(self, progress: float) -> None:
        """Change the weights by the lanes' mean gradient."""
        for other in self._replicas[1:]:
            for mine, theirs in zip(self.net.parameters(), other.parameters(), strict=True):
                cast("torch.Tensor", mine.grad).add_(cast("torch.Tensor", theirs.grad))
        if self.lanes > 1:
            for mine in self.net.parameters():
                cast("torch.Tensor", mine.grad).div_(self.lanes)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self._clip)
        rate = self._peak * one_cycle(progress)
        for group in self._optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        self._optimiser.step()
        self.steps += 1
        self._follow()

    def _lane(self, lane: int, batch: Batch) -> float:
        """Compute loss and gradient of one part of the batch."""
        net = self._replicas[lane]
        crops, xy, state = batch
        pixels = torch.from_numpy(crops)[:, None].to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._is_half):
            maps, summary = net.trunk(pixels)
        logits, null = net.heads(maps.float(), summary.float())
        loss = tracker_loss(logits, null, torch.from_numpy(xy), torch.from_numpy(state))
        net.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without annotations
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        """Let norms agree between lanes, and the averaged weights follow."""
        for name, value in self.net.named_buffers():
            if value.is_floating_point() and self.lanes > 1:
                for other in self._replicas[1:]:
                    value.add_(other.get_buffer(name))
                value.div_(self.lanes)
                for other in self._replicas[1:]:
                    other.get_buffer(name).copy_(value)
        decay = min(self.average, (1.0 + self.steps) / (10.0 + self.steps))
        new = self.net.state_dict()
        for name, value in self._mean.state_dict().items():
            if value.is_floating_point():
                value.lerp_(new[name], 1.0 - decay)
            else:
                value.copy_(new[name])

    def averaged(self) -> Dense:
        """Return a copy of the averaged network, ready to predict."""
        return copy.deepcopy(self._mean)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a later process needs to go on: weights, averages, the optimiser's moments."""
        found = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        found |= {f"mean.{name}": value for name, value in self._mean.state_dict().items()}
        for name, parameter in self._named.items():
            for key, value in self._optimiser.state.get(parameter, {}).items():
                found[f"optimiser.{key}.{name}"] = value
        found["steps"] = torch.tensor(self.steps)
        return {name: value.detach().clone().contiguous() for name, value in found.items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from what `tensors` gave.

        Parameters
        ----------
        tensors : dict
            The stored state of a fitter of the same network.
        """

        def part(prefix: str) -> dict[str, torch.Tensor]:
            return {name[len(prefix) :]: v for name, v in tensors.items() if name.startswith(prefix)}

        self.net.load_state_dict(part("net."))
        self._mean.load_state_dict(part("mean."))
        for other in self._replicas[1:]:
            for name, value in self.net.named_buffers():
                other.get_buffer(name).copy_(value)
        state: dict[Any, Any] = {}
        for name, parameter in self._named.items():
            moments = {
                key: tensors[f"optimiser.{key}.{name}"].clone()
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimiser.{key}.{name}" in tensors
            }
            for key in ("exp_avg", "exp_avg_sq"):
                if key in moments and parameter.ndim == 4:
                    moments[key] = moments[key].to(memory_format=torch.channels_last)
            if moments:
                state[parameter] = moments
        self._optimiser.state.update(state)
        self.steps = int(tensors["steps"])

    def close(self) -> None:
        """End the lanes' threads."""
        self._pool.shutdown()


def _replica(net: Dense) -> Dense:
    """Return a network with the same weights in memory, but gradients and norms of its own."""
    other = copy.deepcopy(net)
    for theirs, mine in zip(other.parameters(), net.parameters(), strict=True):
        theirs.data = mine.data
    return other


def can_use_half() -> bool:
    """Tell whether the processor computes in bfloat16 by itself (AVX-512 bf16 or AMX)."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


@torch.no_grad()
def predict(net: Dense, crops: Float32[np.ndarray, "n y x"]) -> Decoded:
    """Find the points in normalised crops with torch, as training needs it.

    Parameters
    ----------
    net : Dense
        The network; is put into evaluation mode.
    crops : array (n, y, x)
        Normalised crops.

    Returns
    -------
    Decoded
        Places [crop px] and how sure the maps are.
    """
    net.eval()
    cells, nulls = [], []
    for first in range(0, len(crops), 16):
        pixels = torch.from_numpy(crops[first : first + 16])[:, None]
        logits, null = net(pixels.to(memory_format=torch.channels_last))
        cells.append(logits.contiguous().numpy())
        nulls.append(null.numpy())
    return decode(np.concatenate(cells), np.concatenate(nulls))

"""The keypoint network in torch: a dense pyramid that gives one map and one null cell per keypoint."""

import torch
from torch import nn

from mystax.core.typing import Float

__all__ = ["STRIDE", "Dense", "build_tracker"]

STRIDE = 4
"""Crop pixels per cell of the maps."""

_STEM = (16, 32)
_STAGES = (64, 96, 128)
_PYRAMID = 48


class ConvUnit(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, n_in: int, n_out: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)
        )


class Residual(nn.Module):
    """Two 3x3 convolutions about a shortcut."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.first = ConvUnit(n_channels, n_channels)
        norm = nn.BatchNorm2d(n_channels)
        nn.init.constant_(norm.weight, 0.2)  # a branch that begins quietly
        self.second = nn.Sequential(nn.Conv2d(n_channels, n_channels, 3, 1, 1, bias=False), norm)

    def forward(self, maps: Float[torch.Tensor, "n c y x"]) -> Float[torch.Tensor, "n c y x"]:
        """Return relu(maps + f(maps))."""
        return torch.relu(maps + self.second(self.first(maps)))


class Dense(nn.Module):
    """Keypoint network: grey crops in, logits of cells and of the null cell out.

    A stem of stride 4, three stages of stride 8, 16 and 32, and a top-down pyramid back to stride 4.  All
    3x3 convolutions are dense; 0.84 M parameters and 0.47 GMAC for a 256 x 256 crop at width 1.

    Parameters
    ----------
    n_keypoints : int
        Number of maps, K.
    width : float, optional
        Factor on all channel counts (1).
    """

    def __init__(self, n_keypoints: int, *, width: float = 1.0) -> None:
        super().__init__()
        self.n_keypoints = n_keypoints
        self.width = width
        stem = [_channels(c, width) for c in _STEM]
        stages = [_channels(c, width) for c in _STAGES]
        pyramid = _channels(_PYRAMID, width)
        self.stem = nn.Sequential(
            ConvUnit(1, stem[0], 2), ConvUnit(stem[0], stem[1], 2), Residual(stem[1]), Residual(stem[1])
        )
        self.stages = nn.ModuleList()
        before = stem[1]
        for channels in stages:
            self.stages.append(nn.Sequential(ConvUnit(before, channels, 2), Residual(channels)))
            before = channels
        self.laterals = nn.ModuleList(nn.Conv2d(c, pyramid, 1) for c in (stem[1], *stages))
        self.merges = nn.ModuleList(ConvUnit(pyramid, pyramid) for _ in stages)
        self.head = nn.Conv2d(pyramid, n_keypoints, 1)
        self.null = nn.Linear(before, n_keypoints)
        self._start()

    def _start(self) -> None:
        """Start values: He for convolutions, quiet heads."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.normal_(self.null.weight, std=0.01)
        for bias in (self.head.bias, self.null.bias):
            if bias is not None:
                nn.init.zeros_(bias)

    def trunk(
        self, crops: Float[torch.Tensor, "n 1 y x"]
    ) -> tuple[Float[torch.Tensor, "n c cy cx"], Float[torch.Tensor, "n d"]]:
        """Return what the two heads read: the pyramid's finest map and the mean of the coarsest."""
        maps = self.stem(crops)
        levels = [maps]
        for stage in self.stages:
            maps = stage(maps)
            levels.append(maps)
        merged = self.laterals[-1](levels[-1])
        for level in range(len(self.stages) - 1, -1, -1):
            wide = nn.functional.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = self.merges[level](self.laterals[level](levels[level]) + wide)
        return merged, maps.mean(dim=(2, 3))

    def heads(
        self, maps: Float[torch.Tensor, "n c cy cx"], summary: Float[torch.Tensor, "n d"]
    ) -> tuple[Float[torch.Tensor, "n keypoint cy cx"], Float[torch.Tensor, "n keypoint"]]:
        """Return the logits that the trunk's maps give."""
        return self.head(maps), self.null(summary)

    def forward(
        self, crops: Float[torch.Tensor, "n 1 y x"]
    ) -> tuple[Float[torch.Tensor, "n keypoint cy cx"], Float[torch.Tensor, "n keypoint"]]:
        """Return the logits of the cells (n, K, S/4, S/4) and of the null cell (n, K)."""
        return self.heads(*self.trunk(crops))


def _channels(count: int, width: float) -> int:
    """Scale a channel count, to a multiple of 8."""
    return max(8, round(count * width / 8) * 8)


def build_tracker(n_keypoints: int, *, width: float = 1.0, seed: int = 0) -> Dense:
    """Make a network with seeded random weights.

    Parameters
    ----------
    n_keypoints : int
        Number of maps.
    width : float, optional
        Factor on all channel counts (1).
    seed : int, optional
        Same seed, same weights.

    Returns
    -------
    Dense
        In training mode, channels last.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Dense(n_keypoints, width=width)
    for parameter in net.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return net

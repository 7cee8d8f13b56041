"""What the network is trained towards: targets over cells and the null cell, and the loss."""

import torch

from mystax.core.typing import Float, UInt8
from mystax.nets.tracker import STRIDE

__all__ = ["tracker_loss"]

_SIGMA = 1.25
_SIGMA_HIDDEN = 2.5
_WINDOW = 3.5
_OFFSET_WEIGHT = 0.1


def _axis_target(
    centre: Float[torch.Tensor, "n keypoint"], sigma: Float[torch.Tensor, "n keypoint"], size: int
) -> Float[torch.Tensor, "n keypoint cell"]:
    """Return normalised Gaussians along one axis of cells."""
    cells = torch.arange(size, dtype=torch.float32)
    distance = (cells - centre[..., None]) / sigma[..., None]
    return torch.softmax(-0.5 * distance * distance, dim=-1)


def _axis_window(
    centre: Float[torch.Tensor, "n keypoint"], size: int
) -> Float[torch.Tensor, "n keypoint cell"]:
    """Return the decoder's window weights along one axis, about known centres."""
    cells = torch.arange(size, dtype=torch.float32)
    return torch.clamp(_WINDOW - (cells - centre[..., None]).abs(), 0.0, 1.0)


def tracker_loss(
    logits: Float[torch.Tensor, "n keypoint cy cx"],
    null: Float[torch.Tensor, "n keypoint"],
    xy: Float[torch.Tensor, "n keypoint space"],
    state: UInt8[torch.Tensor, "n keypoint"],
) -> Float[torch.Tensor, ""]:
    """Cross-entropy over cells and null cell, plus a tenth of the decoder's distance for seen points.

    A placed point's target is a Gaussian (sigma 1.25 cells); an invisible one's half the null cell and half
    a Gaussian of sigma 2.5; an absent one's the null cell alone.  Points that are not labelled count nothing.

    Parameters
    ----------
    logits : tensor (n, keypoint, cy, cx)
        Logits of the cells.
    null : tensor (n, keypoint)
        Logits of the null cells.
    xy : tensor (n, keypoint, space)
        Points [crop px].
    state : tensor (n, keypoint)
        0 absent, 1 invisible, 2 placed, 255 not labelled.

    Returns
    -------
    tensor ()
        Mean over labelled points.
    """
    logits = logits.float()
    null = null.float()
    height, width = logits.shape[2:]
    is_placed = state == 2
    is_hidden = state == 1
    is_labelled = state <= 2
    centre = (xy - (STRIDE - 1) / 2) / STRIDE
    sigma = torch.where(is_hidden, _SIGMA_HIDDEN, _SIGMA)
    target_x = _axis_target(centre[..., 0], sigma, width)
    target_y = _axis_target(centre[..., 1], sigma, height)
    share = is_placed.float() + 0.5 * is_hidden.float()  # of the target that lies on cells
    top = torch.maximum(logits.detach().amax(dim=(2, 3)), null.detach())
    p = torch.exp(logits - top[..., None, None])
    log_total = torch.log(p.sum(dim=(2, 3)) + torch.exp(null - top)) + top
    along_x = (logits @ target_x[..., None])[..., 0]
    expected = (along_x * target_y).sum(dim=-1)
    entropy = log_total - share * expected - (1.0 - share) * null
    window_x = _axis_window(centre[..., 0], width)
    window_y = _axis_window(centre[..., 1], height)
    rows = (p @ torch.stack((window_x, window_x * torch.arange(width)), dim=-1)) * window_y[..., None]
    mass = rows[..., 0].sum(dim=-1) + 1e-12
    mean_x = rows[..., 1].sum(dim=-1) / mass
    mean_y = (rows[..., 0] * torch.arange(height)).sum(dim=-1) / mass
    # Too little mass about the truth: the quotient is noise, and the cross-entropy does the work.
    is_near = is_placed & (mass.detach() > 1e-6)
    away = (mean_x - centre[..., 0]).abs() + (mean_y - centre[..., 1]).abs()
    away = torch.where(is_near, away, 0.0)
    labelled = is_labelled.float()
    return ((entropy * labelled).sum() + _OFFSET_WEIGHT * away.sum()) / labelled.sum().clamp(min=1.0)

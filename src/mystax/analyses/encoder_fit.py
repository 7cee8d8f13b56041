"""An encoder for the file, fitted to all usable bins."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.analyses.encoder_file import N_LATENTS, Encoder
from mystax.analyses.encoding_data import EncodingData
from mystax.analyses.encoding_members import (
    FoldSettings,
    Members,
    Units,
    fit_members,
    stack_members,
)
from mystax.compute.folds import FoldPlan
from mystax.compute.linear_fit import predict_rows
from mystax.compute.lowrank import reduced
from mystax.compute.regression import decompose
from mystax.core.analysis import Tiles
from mystax.core.typing import Float32, Float64, Int64

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["fit_encoder"]


def fit_encoder(
    data: EncodingData,
    units: Units,
    plan: FoldPlan,
    settings: FoldSettings,
    tiles: Tiles,
    *,
    facts: Mapping[str, object] | None = None,
    names: Int64[np.ndarray, " neuron"],
) -> tuple[Encoder, Float32[np.ndarray, "time latent"]]:
    """Fit the encoder once more on all usable bins, to be kept.

    Parameters
    ----------
    data : EncodingData
        Behaviour and activity.
    units : Units
        Of all usable bins.
    plan : FoldPlan
        Blocks for the inner folds.
    settings : FoldSettings
        What is fitted.
    tiles : Tiles
        Threads.
    facts : mapping, optional
        Further attributes.
    names : array (neuron,)
        Numbers of the neurons in their source.

    Returns
    -------
    encoder, latent : Encoder, array (time, latent)
        Ready to be saved; its latents of all bins.
    """
    train = data.usable
    settings = replace(settings, facemap=None)  # it is reported, and takes no part in the stack
    fits = fit_members(data, units, train, plan.inner(train, settings.n_inner), settings, tiles)
    stack = stack_members(data, units, train, fits)
    network = None
    if fits.deep is not None:
        from mystax.nets.encoder_weights import pack_network

        network = np.frombuffer(pack_network(fits.deep.members), np.uint8)
    latents = _latents(fits)
    encoder = Encoder(
        fits.design.bank,
        fits.design.scale,
        fits.lagged,
        {
            name: (fits.linear[name][1].weights, fits.linear[name][1].intercept)
            for name in ("filterbank", "lagged-ridge")
        },
        network,
        units,
        stack,
        fits.stacked,
        names,
        latents,
        data.width,
        facts or {},
    )
    return encoder, predict_rows(fits.design.x, latents, np.zeros(latents.shape[1]))


def _latents(fits: Members) -> Float64[np.ndarray, "feature latent"]:
    """Return the leading reduced-rank directions of the filterbank, each with its largest weight positive."""
    design, (_, ridge) = fits.design, fits.linear["filterbank"]
    kept = np.flatnonzero(design.scale)
    used = design.sums.scaled(design.scale).whole
    penalty = float(np.median(ridge.penalty)) * used.n
    inside = reduced(decompose(used), penalty).inside(N_LATENTS)
    spread = np.sqrt(np.maximum(np.einsum("fk,fg,gk->k", inside, used.centred()[0], inside) / used.n, 1e-30))
    inside = inside / spread
    signs = np.sign(inside[np.abs(inside).argmax(0), np.arange(inside.shape[1])])
    found = np.zeros((len(design.scale), inside.shape[1]))
    found[kept] = inside * np.where(signs == 0, 1, signs) * design.scale[kept, None]
    return found

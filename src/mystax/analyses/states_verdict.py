"""What the data support: a sentence on the number of states, and flags for what they do not."""

import numpy as np

from mystax.analyses.states import StatesParams
from mystax.analyses.states_model import StatesFit
from mystax.compute.hmm_choice import Candidate, parameter_count
from mystax.compute.hmm_frames import HmmFrames
from mystax.core.quality import Flag

__all__ = ["bic_of", "verdict_of"]

UNSTABLE = 0.7
FEW_BOUTS = 5


def verdict_of(fit: StatesFit, params: StatesParams, frames: HmmFrames) -> tuple[list[Flag], str]:
    """Say in a sentence what the data support, and flag what they do not.

    Parameters
    ----------
    fit : StatesFit
        The fit.
    params : StatesParams
        Parameters.
    frames : HmmFrames
        All frames.

    Returns
    -------
    tuple of list of Flag and str
        Flags N321-N323, and the verdict.
    """
    flags: list[Flag] = []
    k, by_number = fit.model.n_states, {item.n_states: item for item in fit.candidates}
    seconds = len(frames) / fit.rate
    changes = sum(
        int(((item.label[1:] != item.label[:-1]) & (item.label[1:] >= 0)).sum()) for item in fit.decoded
    )
    one, own = by_number.get(1), by_number.get(k)
    how = "as asked" if params.n_states != "auto" else "chosen by held-out likelihood"
    text = f"{k} state{'s' if k != 1 else ''} {how}."
    if own is not None and one is not None and k > 1 and own.mean < one.mean:
        why = (
            f"held out, {k} states predict worse than a single Gaussian ({own.mean:.4g} against "
            f"{one.mean:.4g} per frame): "
            f"this recording ({seconds:.0f} s, {changes} changes of state) describes itself but "
            "supports no number of states"
        )
        flags.append(Flag("N321", why))
        text += f" {why[0].upper()}{why[1:]}."
    elif k == 1 and params.n_states == "auto":
        better = max(fit.candidates, key=lambda item: item.mean)
        why = (
            "no model of more states predicts held-out time better than a single Gaussian "
            f"(best {better.mean:.4g} per frame at {better.n_states}, a single one "
            f"{one.mean if one else float('nan'):.4g}); "
            f"the recording has {seconds:.0f} s"
        )
        flags.append(Flag("N321", why))
        text += f" {why[0].upper()}{why[1:]}."
    elif own is not None and one is not None and k > 1:
        text += (
            f" Held out, they predict better than a single Gaussian ({own.mean:.4g} against "
            f"{one.mean:.4g} per frame)."
        )
    if params.n_states == "auto" and k == params.max_states and k > 1:
        flags.append(
            Flag("N322", f"the number of states is at its limit of {k}; more may be supported (max_states)")
        )
    if own is not None and k > 1:
        text += f" Stability {own.stability:.2f}."
        if own.stability < UNSTABLE:
            flags.append(
                Flag(
                    "N322",
                    f"models of different parts of the time agree little (stability {own.stability:.2f})",
                )
            )
    flags += _too_little(fit, frames)
    return flags, text


def _too_little(fit: StatesFit, frames: HmmFrames) -> list[Flag]:
    k, d = fit.model.n_states, frames.n_features
    needed = 5 * k * (d + 1)
    usable = int(frames.has_value.sum())
    if usable < needed:
        return [
            Flag(
                "N323",
                f"{usable} frames are few for {k} states of {d} features (at least {needed} are wanted)",
            )
        ]
    counts = np.zeros(k)
    for item in fit.decoded:
        change = np.flatnonzero(np.append(True, item.label[1:] != item.label[:-1]))
        heads = item.label[change]
        counts += np.bincount(heads[heads >= 0], minlength=k)
    if k > 1 and float(np.median(counts)) < FEW_BOUTS:
        return [
            Flag(
                "N323",
                f"the median state has {np.median(counts):.0f} bouts; frequencies and transitions "
                "are uncertain",
            )
        ]
    return []


def bic_of(fit: StatesFit, candidate: Candidate, n_frames: int) -> float:
    """Return the Bayesian information criterion with the held-out likelihood in place of the fitted one."""
    n_parameters = parameter_count(candidate.n_states, len(fit.features.names), fit.model.covariance)
    return float(-2 * candidate.mean * n_frames + n_parameters * np.log(max(2, n_frames)))

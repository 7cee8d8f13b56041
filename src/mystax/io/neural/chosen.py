"""Which neurons are taken: by their judgement, by place in the brain, or by number."""

from collections.abc import Mapping, Sequence

import numpy as np

from mystax.core.typing import Bool, Int64
from mystax.errors import NumbersError, ParameterError, nearest
from mystax.io.neural.source import Neurons

__all__ = ["choose_neurons"]

DOUBTFUL = ("mua", "noise", "not_cell")
"""Judgements that are left out unless they are asked for."""
KEYS = ("quality", "area", "plane")


def choose_neurons(
    neurons: Neurons, wanted: str | Sequence[int] | None, where: str
) -> tuple[Int64[np.ndarray, " chosen"], Mapping[str, list[int]]]:
    """Choose neurons.

    Parameters
    ----------
    neurons : Neurons
        The table.
    wanted : str, sequence of int or None
        Such as ``quality=good|mua,area=V1``, ``quality=all``, or numbers of neurons; None leaves out
        multi-unit activity, noise and what is no cell.
    where : str
        Name for messages.

    Returns
    -------
    chosen : array (chosen,)
        Positions in the table, rising.
    left_out : mapping of str to list of int
        Reason to numbers of neurons.

    Raises
    ------
    ParameterError
        P401, if the text is not understood, or a number does not exist.
    NumbersError
        N303, if no neuron is left.
    """
    left: dict[str, list[int]] = {}
    if wanted is not None and not isinstance(wanted, str):
        kept = _by_number(neurons, np.asarray([int(one) for one in wanted], np.int64), where)
        if (~kept).any():
            left["not asked for"] = neurons.ids[~kept].tolist()
        return np.flatnonzero(kept), left
    rules = _rules(wanted or "")
    kept = np.ones(len(neurons), bool)
    if "quality" not in rules:
        for word in DOUBTFUL:
            out = neurons.quality == word
            if out.any():
                left[f"quality {word}"] = neurons.ids[out].tolist()
            kept &= ~out
    for key, words in rules.items():
        if words == ["all"]:
            continue
        values = getattr(neurons, key).astype(np.str_)
        fits = np.isin(values, words)
        out = kept & ~fits
        if out.any():
            left[f"{key} not {'|'.join(words)}"] = neurons.ids[out].tolist()
        kept &= fits
    if not kept.any():
        raise _nothing(neurons, rules, where)
    return np.flatnonzero(kept), left


def _by_number(
    neurons: Neurons, numbers: Int64[np.ndarray, " wanted"], where: str
) -> Bool[np.ndarray, " neuron"]:
    missing = numbers[~np.isin(numbers, neurons.ids)] if len(numbers) else numbers
    if len(missing) or len(numbers) == 0:
        raise ParameterError(
            "P401",
            "parameter 'neurons'",
            "there is no such neuron" if len(missing) else "no neuron is asked for",
            expected=f"numbers of {where}, such as {neurons.ids[:5].tolist()}",
            got=str(missing[:5].tolist()),
        )
    return np.asarray(np.isin(neurons.ids, numbers))


def _rules(text: str) -> dict[str, list[str]]:
    rules: dict[str, list[str]] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        key, equals, words = part.partition("=")
        if not equals or key not in KEYS or not words:
            raise ParameterError(
                "P401",
                "parameter 'neurons'",
                f"{part!r} is not understood{nearest(key, KEYS)}",
                expected="such as quality=good,area=V1|V2",
            )
        rules[key] = words.split("|")
    return rules


def _nothing(neurons: Neurons, rules: Mapping[str, list[str]], where: str) -> NumbersError:
    asked = (
        ",".join(f"{key}={'|'.join(words)}" for key, words in rules.items()) or "not mua, noise or no cell"
    )
    seen = []
    for key in rules or ("quality",):
        values, counts = np.unique(getattr(neurons, key).astype(np.str_), return_counts=True)
        seen += [f"{count} {key} {value or 'unknown'}" for value, count in zip(values, counts, strict=True)][
            :12
        ]
    return NumbersError(
        "N303",
        where,
        "no neuron is left",
        expected=f"neurons with {asked}",
        got=", ".join(seen) or "no neuron at all",
        hint="--neurons quality=all takes all",
    )

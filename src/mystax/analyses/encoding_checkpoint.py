"""Folds as plain arrays and back: an interrupted run does no finished fold again."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from mystax.analyses.encoding_fold import FoldOutcome
from mystax.compute.scoring import BlockScores

__all__ = ["folds_from_arrays", "folds_to_arrays"]

PREFIX = "encoding"
SCORES = ("blocks", "sse", "sst", "products", "coarse")
PLAIN = ("weights", "predictions", "loadings", "mean", "sd", "component_sse", "component_sst", "scales")


def folds_to_arrays(folds: Sequence[FoldOutcome]) -> dict[str, np.ndarray]:
    """Return everything that the folds found as arrays.

    Parameters
    ----------
    folds : sequence of FoldOutcome
        Finished folds, in order.

    Returns
    -------
    dict
        Names as checkpoints have them.
    """
    found: dict[str, np.ndarray] = {}
    for fold in folds:
        at = f"{PREFIX}/{fold.fold}"
        facts = {
            "fold": fold.fold,
            "models": fold.models,
            "members": fold.members,
            "fallback": fold.fallback,
            "notes": dict(fold.notes),
            "n": fold.scores.n,
            "n_coarse": fold.scores.n_coarse,
            "extra": sorted(fold.extra),
        }
        found[f"{at}.facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        found |= {f"{at}.scores.{name}": getattr(fold.scores, name) for name in SCORES}
        found |= {f"{at}.{name}": getattr(fold, name) for name in PLAIN}
        found |= {f"{at}.extra.{name}": values for name, values in fold.extra.items()}
    return found


def folds_from_arrays(arrays: Mapping[str, np.ndarray]) -> list[FoldOutcome]:
    """Return folds from the arrays of a checkpoint.

    Parameters
    ----------
    arrays : mapping
        From `folds_to_arrays`.

    Returns
    -------
    list of FoldOutcome
        In order.
    """
    found: list[FoldOutcome] = []
    while f"{PREFIX}/{len(found)}.facts" in arrays:
        at = f"{PREFIX}/{len(found)}"
        facts = json.loads(arrays[f"{at}.facts"].tobytes())
        blocks, sse, sst, products, coarse = (arrays[f"{at}.scores.{name}"] for name in SCORES)
        kept = {name: arrays[f"{at}.{name}"] for name in PLAIN}
        found.append(
            FoldOutcome(
                fold=facts["fold"],
                models=tuple(facts["models"]),
                members=tuple(facts["members"]),
                scores=BlockScores(blocks, sse, sst, products, facts["n"], coarse, facts["n_coarse"]),
                fallback=facts["fallback"],
                notes=facts["notes"],
                extra={name: arrays[f"{at}.extra.{name}"] for name in facts["extra"]},
                **kept,
            )
        )
    return found

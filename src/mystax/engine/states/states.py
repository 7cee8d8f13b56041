"""`mystax.states`: states of one recording or of many, fitted together or under a stored model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.core.events import Report, silent
from mystax.core.keypoints import KeypointSet
from mystax.engine.states.groups import individuals_of
from mystax.engine.states.run import run_states

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["states"]


def states(
    inputs: Any,
    n_states: int | str = "auto",
    features: str = "auto",
    align: str = "auto",
    keypoints: str | Path | KeypointSet | None = None,
    rate: float | str | None = None,
    groups: str | Path | None = None,
    model: Any = None,
    out: str | Path | None = None,
    *,
    progress: Report = silent,
    **parameters: object,
) -> "Dataset | list[Dataset]":
    """Find states in keypoints and traces: expressions of a face, behaviours of an animal.

    Parameters
    ----------
    inputs : path, Dataset, mapping of outcomes, or a list of them
        Recordings: folders of outcomes, poses, or files of other tools (Anipose, OpenFace, MediaPipe,
        DeepLabCut, SLEAP, Lightning Pose, csv).
    n_states : int or "auto", optional
        Number of states.
    features : str, optional
        What states are told apart by; joined by commas.
    align : str, optional
        How faces are moved onto each other.
    keypoints : str, Path or KeypointSet, optional
        The set whose points are meant.
    rate : float or "auto", optional
        Rate of the states [Hz]; needed where a file has no time.
    groups : path, optional
        Table recording, group[, individual][, pair]: groups are compared.
    model : Dataset or path, optional
        A fit that is applied instead of fitting.
    out : path, optional
        Also keep outcome, figures and report in this folder.
    progress : callable, optional
        Takes events.
    **parameters
        ``covariance="full"``, ``dwell=0.0``, ``min_bout=0.0``, ...: those of the analysis `states`.

    Returns
    -------
    Dataset or list of Dataset
        label, posterior, bouts, occupancy, transitions, faces, speeds, and the model; where a list was
        given, one per recording that could be used (the attribute `recording` names it; `quality` names
        those that were left out).

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range, or a file has no time.
    RecipeError
        P403, if inputs do not fit together.
    NumbersError
        N303, if there is nothing to tell states apart by.
    WeightsError
        M702, if a model belongs to other points.

    Examples
    --------
    >>> dataset = states("pose-3d.csv", n_states=9, rate=30)  # doctest: +SKIP
    >>> dataset["occupancy"].values  # doctest: +SKIP
    """
    asked = {"n_states": n_states, "features": features, "align": align}
    # what is not asked for is that of the model, where there is one
    given = {**{name: value for name, value in asked.items() if value != "auto"}, **parameters}
    if rate is not None:
        given["rate"] = rate
    is_many = isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes)
    done = run_states(
        list(inputs) if is_many else [inputs],
        given,
        keypoints=keypoints,
        model=model,
        individuals=individuals_of(groups) if groups is not None else None,
        progress=progress,
    )
    if out is not None:
        from mystax.engine.states.store import keep_states

        keep_states(done, Path(out), groups=groups, progress=progress)
    if done.failed and not done.datasets:
        raise done.failed[0]
    return done.datasets if is_many else done.datasets[0]

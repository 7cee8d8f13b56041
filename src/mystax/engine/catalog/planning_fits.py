"""From recordings whose frames are measured to jobs on their outcomes: one for each, or one for all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mystax.core.canonical import canonical_json, result_parameters
from mystax.core.safe_names import safe_name
from mystax.engine.catalog.known import KnownRecording
from mystax.engine.recipe import Step

__all__ = ["GROUPS", "PlannedFit", "owner_of", "plan_fit"]

GROUPS = "_groups"
"""Folder of the outcomes of groups, below that of the catalogue."""

EVERYTHING = "all"
"""Name of the group of all recordings."""

MEMORY = 2000
"""Memory that a fit is taken to need where its recipe does not say [MiB]."""


@dataclass(frozen=True)
class PlannedFit:
    """A job on the outcomes of one recording, or of a group.

    Attributes
    ----------
    title : str
        Folder of its outcomes below that of the catalogue.
    analysis : str
        What is fitted.
    n_frames : int
        Frames of all its recordings.
    values : mapping
        Columns of its row.
    needs : tuple of str
        Plan keys of the jobs whose outcomes it takes.
    is_stale : bool
        Whether the same work is done already, but its outcomes are not there any more.
    """

    title: str
    analysis: str
    n_frames: int
    values: Mapping[str, Any]
    needs: tuple[str, ...]
    is_stale: bool = False

    seconds = 0.0
    """Nobody has estimated it."""

    disk = 0
    """A few numbers for each frame, beside the frames themselves."""

    @property
    def plan_is_forced(self) -> bool:
        """Whether outcomes that are current are made again."""
        return bool(self.values["targets"]["force"])

    @property
    def n_members(self) -> int:
        """How many recordings it takes."""
        return len(self.values["targets"]["members"])

    def as_dict(self) -> dict[str, object]:
        """Return the JSON object of the job."""
        return {
            "recording": self.title,
            "outcomes": [self.analysis],
            "members": [folder for _, folder in self.values["targets"]["members"]],
            "not_applicable": {},
            "n_frames": self.n_frames,
            "seconds": self.seconds,
            "disk": self.disk,
            "stale": self.is_stale,
        }


def plan_fit(
    step: Step,
    recipe_name: str,
    members: Sequence[tuple[KnownRecording, str]],
    group: str,
    *,
    force: bool = False,
) -> PlannedFit | None:
    """Plan an analysis of outcomes.

    Parameters
    ----------
    step : Step
        The analysis with its parameters.
    recipe_name : str
        Name of the recipe: its outcomes are taken.
    members : sequence of tuple
        Recordings, each with the plan key of its pass.
    group : str
        What they have in common, as the condition that chose them; "" for all.
    force : bool, optional
        Make outcomes again that are current.

    Returns
    -------
    PlannedFit or None
        The job; None without members.
    """
    if not members:
        return None
    recipe_folder = safe_name(recipe_name)
    single = members[0][0] if step.fit == "recording" else None
    name = safe_name(group) if group else EVERYTHING
    folder = f"{GROUPS}/{name}/{recipe_folder}" if single is None else f"{single.folder}/{recipe_folder}"
    params = step.params()
    text = canonical_json(
        {
            "folder": folder,
            "analysis": step.name,
            "version": step.analysis.version,
            "parameters": result_parameters(params),
            "members": sorted([known.folder, key] for known, key in members),
        },
        "plan",
    )
    n_frames = sum(known.n_frames for known, _ in members)
    resources = step.resources
    wants_memory = resources is not None and resources.memory is not None
    memory = resources.memory if resources is not None and wants_memory else MEMORY
    cores = resources.cores if resources is not None and resources.cores else 1
    values = {
        "plan_key": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        "kind": "outcome",
        "recording_id": None if single is None else single.id,
        "targets": {
            "folder": folder,
            "recipe": recipe_folder,
            "analysis": step.name,
            "parameters": params.model_dump(),
            "members": [[known.id, known.folder] for known, _ in members],
            "force": force,
            "disk": 0,
        },
        "wanted": [{"analysis": step.name, "version": step.analysis.version, "path": f"{folder}/{step.name}.nc"}],
        "resources": {"cores": cores, "memory": memory, "gpus": 0}
        | ({"limit": memory} if wants_memory else {}),
        "total": n_frames,
        "unit": "frames",
    }
    return PlannedFit(folder, step.name, n_frames, values, tuple(key for _, key in members))


def owner_of(whose: str, recordings: Mapping[str, int]) -> int | None:
    """Return the recording that an outcome of a group belongs to.

    Parameters
    ----------
    whose : str
        Name of the recording in the outcome; that of one face among several has more behind it.
    recordings : mapping of str to int
        Folder of each recording to its row.

    Returns
    -------
    int or None
        The row; None if it is none of them.
    """
    while whose and whose not in recordings:
        whose = whose.rpartition(" ")[0]
    return recordings.get(whose)

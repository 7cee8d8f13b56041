"""From recordings whose frames are measured to jobs on their outcomes: one for each, or one for all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mystax.core.canonical import canonical_json, result_parameters
from mystax.core.safe_names import safe_name
from mystax.engine.catalog.known import KnownRecording
from mystax.engine.catalog.models import GROUPS, StoredModel
from mystax.engine.encoding.recordings import SUMMARY
from mystax.engine.recipe import Resources, Step
from mystax.errors import RecipeError

__all__ = ["GROUPS", "PlannedFit", "check_fit", "owner_of", "plan_fits"]

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
    def takes_fits(self) -> bool:
        """Whether it takes what other fits make."""
        return self.analysis == SUMMARY

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


def plan_fits(
    step: Step,
    recipe_name: str,
    members: Sequence[tuple[KnownRecording, str]],
    group: str,
    *,
    model: StoredModel | None = None,
    force: bool = False,
) -> list[PlannedFit]:
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
    model : StoredModel, optional
        The fit that is applied to each instead of fitting.
    force : bool, optional
        Make outcomes again that are current.

    Returns
    -------
    list of PlannedFit
        One for each recording, or one for all; of `encoding` those of the recordings that have neural data,
        and behind them the summary of a group.
    """
    made = _Planner(step, safe_name(recipe_name), safe_name(group) if group else EVERYTHING, force, model)
    if step.name != "encoding":
        groups = [members] if step.fit == "group" else [[one] for one in members]
        return [made.fit(some, is_group=step.fit == "group") for some in groups if some]
    found = [made.fit([one], files) for one in members if (files := _neural_files(one[0]))]
    if step.fit == "group" and len(found) > 1:
        with_neural = [one[0] for one in members if _neural_files(one[0])]
        keys = [str(fit.values["plan_key"]) for fit in found]
        found.append(made.summary(list(zip(with_neural, keys, strict=True))))
    return found


def check_fit(step: Step, known: KnownRecording) -> None:
    """Refuse a recording that an analysis of outcomes cannot take.

    Raises
    ------
    RecipeError
        P403, if it has several neural files.
    """
    files = _neural_files(known) if step.name == "encoding" else []
    if len(files) > 1:
        names = ", ".join(path for _, path, _ in files)
        raise RecipeError("P403", known.folder, "it has several neural files", got=names[:300])


def _neural_files(known: KnownRecording) -> list[list[str]]:
    """Return the neural files of a recording: root, path below it, what changes with the file."""
    return [
        [str(file["root"]), str(file["path"]), f"{file['size']}-{file['mtime_ns']}"]
        for file in known.side_files
        if file["role"] == "neural"
    ]


@dataclass(frozen=True)
class _Planner:
    """What all jobs of a step have in common."""

    step: Step
    recipe_folder: str
    group: str
    force: bool
    model: StoredModel | None = None

    def fit(
        self,
        members: Sequence[tuple[KnownRecording, str]],
        neural: Sequence[Sequence[str]] = (),
        *,
        is_group: bool = False,
    ) -> PlannedFit:
        """Plan the analysis of one recording, or of a group."""
        folder = f"{members[0][0].folder}/{self.recipe_folder}"
        more: dict[str, Any] = {}
        if neural:
            more = {"neural": list(neural[0]), "reading": dict(self.step.neural)}
        if self.model is not None:
            more["model"] = self.model.path
        params = self.step.params()
        return self._job(
            self.step.name,
            f"{GROUPS}/{self.group}/{self.recipe_folder}" if is_group else folder,
            members,
            {**result_parameters(params)},
            # what a recipe does not say is that of the model, where there is one
            {"parameters": params.model_dump(exclude_unset=self.model is not None), **more},
            None if is_group else members[0][0].id,
        )

    def summary(self, members: Sequence[tuple[KnownRecording, str]]) -> PlannedFit:
        """Plan the summary of what was fitted to each recording."""
        folder = f"{GROUPS}/{self.group}/{self.recipe_folder}"
        return self._job(SUMMARY, folder, members, {}, {"parameters": {}}, None)

    def _job(
        self,
        analysis: str,
        folder: str,
        members: Sequence[tuple[KnownRecording, str]],
        counts: Mapping[str, object],
        targets: Mapping[str, Any],
        recording_id: int | None,
    ) -> PlannedFit:
        version = self.step.analysis.version
        values = {
            "folder": folder,
            "analysis": analysis,
            "version": version,
            "parameters": counts,
            "members": sorted([known.folder, key] for known, key in members),
            **{name: targets[name] for name in ("neural", "reading") if name in targets},
            **({} if self.model is None else {"model": self.model.digest}),
        }
        text = canonical_json(values, "plan")
        n_frames = sum(known.n_frames for known, _ in members)
        asked = self.step.resources or Resources()
        limit = {"limit": asked.memory} if asked.memory else {}
        job = {
            "plan_key": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
            "kind": "outcome",
            "recording_id": recording_id,
            "targets": {
                "folder": folder,
                "recipe": self.recipe_folder,
                "analysis": analysis,
                "members": [[known.id, known.folder] for known, _ in members],
                "force": self.force,
                "disk": 0,
                **targets,
            },
            "wanted": [{"analysis": analysis, "version": version, "path": f"{folder}/{analysis}.nc"}],
            "resources": {"cores": asked.cores or 1, "memory": asked.memory or MEMORY, "gpus": 0} | limit,
            "total": n_frames,
            "unit": "frames",
        }
        return PlannedFit(folder, analysis, n_frames, job, tuple(key for _, key in members))


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

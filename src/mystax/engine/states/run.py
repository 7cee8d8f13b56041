"""Running `states`: recordings are read and fitted together, or put under a stored model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mystax.analyses.states import VERSION, StatesParams
from mystax.analyses.states_fit import apply_states, fit_states
from mystax.analyses.states_model import StatesFit
from mystax.analyses.states_outcome import model_of_dataset, states_dataset
from mystax.analyses.states_track import StatesSource
from mystax.compute.hmm import HmmModel
from mystax.core.canonical import canonical_json, outcome_key, result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.keypoints import KeypointSet
from mystax.core.params import check_params
from mystax.core.quality import Flag, flags_to_json, merge_flags
from mystax.engine.states.columns import digest_of_column
from mystax.engine.states.inputs import read_sources, share_points
from mystax.errors import MystaxError, NumbersError, RecipeError, WeightsError

if TYPE_CHECKING:
    from xarray import Dataset
else:
    Dataset = Any

__all__ = ["StatesRun", "model_digest", "run_states"]

ANALYSIS = "states"
KEPT = ("features", "camera", "min_confidence", "max_residual", "decode", "min_bout")
"""Parameters of a fit that hold for the recordings under its model too, where nothing else is asked for."""


class StatesRun:
    """What a fit gave.

    Attributes
    ----------
    fit : StatesFit
        Model and labels.
    datasets : list of Dataset
        One per recording.
    inputs : list of mapping
        Fingerprints of the recordings.
    parameters : mapping
        All that changes the result.
    failed : list of MystaxError
        Recordings that were left out.
    """

    def __init__(
        self,
        fit: StatesFit,
        datasets: list[Dataset],
        inputs: list[Mapping[str, object]],
        parameters: Mapping[str, object],
        failed: list[MystaxError],
    ) -> None:
        self.fit, self.datasets, self.inputs = fit, datasets, inputs
        self.parameters, self.failed = parameters, failed

    def key(self, number: int) -> str:
        """Return the key of the outcome of one recording."""
        inputs = [*self.inputs, {"role": "recording", "camera": "", "position": number, "id": str(number)}]
        return outcome_key(ANALYSIS, VERSION, self.parameters, inputs)


def run_states(
    inputs: Sequence[Any],
    parameters: Mapping[str, object],
    *,
    keypoints: str | Path | KeypointSet | None = None,
    model: Any = None,
    table: Mapping[str, str] | None = None,
    individuals: Mapping[str, str] | None = None,
    names: Sequence[str] = (),
    progress: Report = silent,
) -> StatesRun:
    """Read recordings and fit their states together, or apply a model.

    Parameters
    ----------
    inputs : sequence
        Recordings.
    parameters : mapping
        Of the analysis `states`.
    keypoints : optional
        The set whose points are meant.
    model : Dataset or path, optional
        A stored fit.
    table : mapping, optional
        Names in foreign files to names here.
    individuals : mapping, optional
        Name of a recording to the individual that it shows.
    names : sequence of str, optional
        Names of the recordings; by default those of their files.
    progress : callable, optional
        Takes events.

    Returns
    -------
    StatesRun
        With the recordings that could not be used.

    Raises
    ------
    MystaxError
        As `states`; a recording without data among others is left out instead.
    """
    stored = None if model is None else _loaded_model(model)
    params = check_params(StatesParams, {**_parameters_of(stored), **parameters}, ANALYSIS)
    chosen = (
        keypoints if isinstance(keypoints, KeypointSet) or keypoints is None else KeypointSet.load(keypoints)
    )
    sources: list[StatesSource] = []
    failed: list[MystaxError] = []
    if not inputs:
        raise RecipeError("P403", "inputs", "there is no recording")
    for number, entry in enumerate(inputs):
        name = "" if isinstance(entry, str | Path) else f"recording {number + 1}"
        try:
            sources += read_sources(entry, params, chosen, names[number] if names else name, table)
        except NumbersError as error:
            if len(inputs) == 1:
                raise
            failed.append(error)
    if not sources:
        raise failed[0]
    sources = _with_individuals(_unique_names(sources), individuals or {}, params)
    sources = _told_of_shared_tables(sources)
    used = {**result_parameters(params), "keypoints": chosen.digest if chosen is not None else ""}
    identities: list[Mapping[str, object]] = [
        {"role": "track", "camera": "", "position": k, "id": _content_of(item)}
        for k, item in enumerate(sources)
    ]
    if stored is not None:
        fit, extra = _applied(sources, stored, params)
        sources = [item.source for item in fit.decoded]
        identities.append(extra)
    else:
        sources, remarks = share_points(sources)
        fit = fit_states(sources, params, progress=progress)
        fit.flags[:0] = remarks
    gone = [Flag("N304", f"a recording was left out: {error}") for error in failed]
    fit.flags[:0] = merge_flags(*(item.flags for item in sources), gone)
    datasets = []
    for decoded in fit.decoded:
        dataset = states_dataset(fit, decoded)
        flags = merge_flags(fit.flags, _swapped(dataset))
        dataset.attrs |= {
            "analysis": ANALYSIS,
            "analysis_version": VERSION,
            "quality": flags_to_json(flags),
            "coverage": 1.0 - float(dataset.attrs["missing_share"]),
            "model_parameters": canonical_json(
                {name: value for name, value in result_parameters(params).items() if name in KEPT}
            ),
        }
        datasets.append(dataset)
    for flag in merge_flags(fit.flags):
        progress(Event("warning", ANALYSIS, text=flag.text, data={"code": flag.code}))
    return StatesRun(fit, datasets, identities, used, failed)


def _swapped(dataset: Dataset) -> list[Flag]:
    n = int(dataset.attrs["frames_swapped"])
    if not n:
        return []
    return [
        Flag(
            "N304",
            f"in {n} frames the mirrored face fits better: left and right may be swapped there "
            "(nothing was changed)",
            (),
            n,
        )
    ]


def _with_individuals(
    sources: list[StatesSource], individuals: Mapping[str, str], params: StatesParams
) -> list[StatesSource]:
    """Say whose face each recording shows; it counts where individuals are centred."""
    from dataclasses import replace

    named = [replace(item, individual=individuals.get(item.name) or item.individual) for item in sources]
    if params.centre != "individual":
        return named
    unknown = [item.name for item in named if not item.individual]
    if unknown:
        text = f"no individual is named for {', '.join(unknown)[:200]}; each is centred by itself"
        first = named[0]
        named[0] = replace(first, flags=(*first.flags, Flag("N304", text)))
    return [replace(item, identity=f"{item.identity}:{item.individual}") for item in named]


def _told_of_shared_tables(sources: list[StatesSource]) -> list[StatesSource]:
    """Say where a column of a table is the same for several recordings."""
    from dataclasses import replace

    first = sources[0]
    flags = []
    for name in [name for name in first.columns if name.startswith("csv:")]:
        having = [item.columns[name] for item in sources if name in item.columns]
        if len({digest_of_column(column) for column in having}) < len(having):
            text = f"{name} is the same for several recordings; a column `recording` tells their rows apart"
            flags.append(Flag("N304", text))
    return [replace(first, flags=(*first.flags, *flags)), *sources[1:]] if flags else sources


def _unique_names(sources: list[StatesSource]) -> list[StatesSource]:
    from dataclasses import replace

    taken: dict[str, int] = {}
    found = []
    for item in sources:
        taken[item.name] = taken.get(item.name, 0) + 1
        n = taken[item.name]
        found.append(item if n == 1 else replace(item, name=f"{item.name} {n}"))
    return found


def _content_of(source: StatesSource) -> str:
    """Return the fingerprint of all that a recording was read from."""
    if not source.further:
        return source.identity
    return hashlib.sha256("\n".join((source.identity, *source.further)).encode()).hexdigest()


def _loaded_model(model: Any) -> Dataset:
    """Return the outcome that carries a model."""
    loaded: Any = model
    if isinstance(model, str | Path):
        from mystax.io.outcomes import load

        path = Path(model)
        loaded = load(path / "states.nc" if path.is_dir() else path)
    found: Dataset = loaded if hasattr(loaded, "data_vars") else loaded[ANALYSIS]
    return found


def _parameters_of(model: Dataset | None) -> dict[str, object]:
    """Return how the recordings of a fit were read: those under its model are read alike.

    Columns of tables are those of the fit's own recordings, so they are left out.
    """
    text = str(model.attrs.get("model_parameters", "")) if model is not None else ""
    found = json.loads(text) if text else {}
    if "features" in found:
        words = [word for word in str(found["features"]).split(",") if not word.strip().startswith("csv:")]
        found["features"] = ",".join(words) or "auto"
    return {name: value for name, value in found.items() if name in KEPT}


def _with_columns_of(source: StatesSource, columns: Sequence[str]) -> StatesSource:
    """Name columns of tables as the model does, and say which of its columns are not there."""
    from dataclasses import replace

    found = dict(source.columns)
    for name in columns:
        end = name.rpartition(":")[2]
        like = [own for own in found if own.startswith("csv:") and own.rpartition(":")[2] == end]
        if name.startswith("csv:") and name not in found and len(like) == 1:
            found[name] = found.pop(like[0])
    lacking = [name for name in columns if name not in found]
    if not lacking:
        return replace(source, columns=found)
    text = f"{source.name} lacks features of the model ({', '.join(lacking)[:200]}): the others alone decide"
    return replace(source, columns=found, flags=(*source.flags, Flag("N323", text)))


def _check_space(source: StatesSource, model: Dataset, align: str) -> None:
    """Refuse points of another number of axes or another unit than those of the model."""
    if "space" not in model.sizes or not source.ids:
        return
    unit, space = str(model.attrs.get("length_unit", source.unit)), int(model.sizes["space"])
    if source.points.shape[2] != space or (source.unit != unit and align != "similarity"):
        raise WeightsError(
            "M702",
            source.name,
            "the model belongs to points of another kind",
            expected=f"{space} axes in {unit}",
            got=f"{source.points.shape[2]} axes in {source.unit}",
        )


def _applied(
    sources: list[StatesSource], model: Dataset, params: StatesParams
) -> tuple[StatesFit, Mapping[str, object]]:
    """Apply a stored model; its points must all be there."""
    from dataclasses import replace

    features, hmm = model_of_dataset(model)
    names = [str(item) for item in model["keypoint"].values] if "keypoint" in model.coords else []
    fitted = []
    for item in sources:
        _check_space(item, model, features.rules.align)
        missing = [name for name in names if name not in item.ids]
        if missing:
            raise WeightsError(
                "M702",
                item.name,
                "the model belongs to other points",
                expected=", ".join(names)[:300],
                got=f"without {', '.join(missing)[:300]}",
            )
        if names and item.keypoints is not None:
            subset = item.keypoints.subset(names)
            order = [item.ids.index(name) for name in names]
            sd = None if item.point_sd is None else item.point_sd[order]
            points = item.points[:, order]
            if list(subset.ids) != names:
                subset = KeypointSet.from_toml(str(model.attrs["keypoint_set"]))
            item = replace(item, points=points, keypoints=subset, point_sd=sd)  # noqa: PLW2901 - the recording in the model's order
        fitted.append(_with_columns_of(item, list(features.columns)))
    digest = str(model.attrs.get("content_sha256", "")) or model_digest(hmm)
    return (
        apply_states(fitted, features, hmm, params),
        {"role": "model", "camera": "", "position": 0, "id": digest},
    )


def model_digest(hmm: HmmModel) -> str:
    """Return the sha256 of the numbers of a model: equal for all recordings of a fit."""
    arrays = (hmm.means, hmm.covariances, hmm.transitions)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()

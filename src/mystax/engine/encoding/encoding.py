"""`mystax.encoding`: how much of the activity of neurons behaviour explains."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.quality import Flag, flags_to_json, merge_flags
from mystax.engine.encoding.inputs import (
    behaviour_of,
    check_encoding,
    fingerprint_of,
    flags_of,
    neural_of,
    other_behaviours,
)
from mystax.errors import ExtraMissing, FormatError, ParameterError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.encoding import EncodingParams
    from mystax.analyses.encoding_data import EncodingData
    from mystax.analyses.encoding_fold import FoldOutcome
    from mystax.analyses.encoding_members import FoldSettings, Units
    from mystax.compute.folds import FoldPlan
    from mystax.io.store import Store
    from mystax.io.work import Work
else:
    Dataset = EncodingParams = EncodingData = FoldOutcome = FoldSettings = Any
    Units = FoldPlan = Store = Work = Any

__all__ = ["Prepared", "encoding", "prepare_encoding"]

ANALYSIS, ENCODER_NAME = "encoding", "encoding.encoder"
SPIKE_BIN = 0.1
MUCH = 20_000
"""Training bins from which on the published network does not over-fit."""


class Prepared:
    """A request, checked: data, folds and models, before any fit.

    Attributes
    ----------
    params : EncodingParams
        Parameters.
    data : EncodingData
        Behaviour and activity.
    plan : FoldPlan
        Folds.
    settings : FoldSettings
        What is fitted.
    reason : str
        Why these models.
    inputs : list of mapping
        Fingerprints of what the outcome depends on.
    key : str
        Key of the outcome.
    others : sequence of BehaviourGrid
        Behaviour of other recordings, which chance is judged by.
    """

    def __init__(
        self,
        params: EncodingParams,
        data: EncodingData,
        inputs: list[Mapping[str, object]],
        others: Sequence[BehaviourGrid] = (),
    ) -> None:
        from mystax.analyses.encoding import VERSION
        from mystax.compute.feature_table import LONGEST
        from mystax.compute.folds import BlockFolds, published_split

        self.params, self.data, self.inputs, self.others = params, data, inputs, others
        self.plan: FoldPlan = (
            published_split(data.times, data.usable)
            if params.split == "published"
            else BlockFolds(params.folds, gap=params.gap, longest=LONGEST).plan(data.times, data.usable)
        )
        self.settings, self.reason = _settings(params)
        values = {
            **result_parameters(params),
            "fitted": "deep" if self.settings.deep is not None else "linear",
        }
        self.key = outcome_key(ANALYSIS, VERSION, values, inputs)


def _settings(params: EncodingParams) -> tuple[FoldSettings, str]:
    """Decide which models are fitted, and say why."""
    from importlib.util import find_spec

    from mystax.analyses.encoding_members import FoldSettings as Settings

    has_torch = all(find_spec(name) is not None for name in ("torch", "onnx"))
    if params.model in ("deep", "facemap") and not has_torch:
        raise ExtraMissing(
            "X001",
            "extra 'train'",
            "not installed",
            expected="torch and onnx",
            got="nothing",
            hint='pip install "mystax[train]", or --model linear',
        )
    deep = facemap = None
    if params.model == "deep" or (params.model == "auto" and has_torch):
        from mystax.nets.encoder import DeepSettings

        deep = DeepSettings(
            params.width,
            params.latent,
            params.dropout,
            params.epochs,
            learning_rate=params.learning_rate,
            weight_decay=params.weight_decay,
            seed=params.seed,
        )
    if params.model == "facemap":
        from mystax.nets.facemap_encoder import FacemapSettings

        facemap = FacemapSettings(rule=params.rule, is_native_rate=params.native_rate, seed=params.seed)
    reason = {
        "auto": "torch is installed: stack of three models"
        if has_torch
        else "torch is not installed: stack of the two linear models",
        "linear": "asked for: stack of the two linear models",
        "deep": "asked for: stack of three models",
        "facemap": "asked for: the network of Syeda et al. beside the stack of the two linear models",
    }[params.model]
    return (
        Settings(
            deep, facemap, params.members, params.scales, params.reduced_rank, params.one_point, params.seed
        ),
        reason,
    )


def prepare_encoding(
    behaviour: Any, neural: Any, parameters: Mapping[str, object], null_with: Iterable[Any] = ()
) -> Prepared:
    """Check a request and bring the data together, without fitting anything.

    Parameters
    ----------
    behaviour : path, Outcomes, mapping, or BehaviourGrid
        Behaviour.
    neural : path or Dataset
        Neural data.
    parameters : mapping
        Those of the analysis `encoding`.
    null_with : iterable, optional
        Behaviour of other recordings; chance is judged by them then.

    Returns
    -------
    Prepared
        Data, folds, models.

    Raises
    ------
    MystaxError
        As `encoding`.
    """
    from mystax.analyses.encoding_data import encoding_data

    params, others = _null_of(check_encoding(parameters), parameters, null_with)
    data_in = neural_of(neural)
    grid, inputs = behaviour_of(behaviour, params.groups)
    grids, more = other_behaviours(others, grid)
    data = encoding_data(grid, data_in, bin=float(data_in.attrs.get("bin", 0)) or SPIKE_BIN)
    data = replace(data, flags=tuple(merge_flags(flags_of(data_in), data.flags)))
    return Prepared(params, data, [*inputs, fingerprint_of(data_in), *more], grids)


def _null_of(
    params: EncodingParams, parameters: Mapping[str, object], null_with: Iterable[Any]
) -> tuple[EncodingParams, list[Any]]:
    """Take other recordings for chance where they were named and nothing else was asked for."""
    from mystax.analyses.encoding_null import LEAST_RECORDINGS

    others = list(null_with)
    if others and "null" not in parameters:
        params = params.model_copy(update={"null": "recordings"})
    if (params.null == "recordings") != bool(others):
        raise ParameterError(
            "P401",
            "parameter 'null'",
            expected=f"null 'recordings' and at least {LEAST_RECORDINGS} other recordings go together",
            got=f"{params.null!r} and {len(others)} other recordings",
            hint="--null-with FOLDER, once for each, or a pattern",
        )
    return params, others


def encoding(
    behaviour: Any,
    neural: Any,
    *,
    out: str | Path | None = None,
    null_with: Iterable[Any] = (),
    progress: Report = silent,
    **parameters: object,
) -> Dataset:
    """Say per neuron how much of its variance behaviour explains on held-out time.

    Parameters
    ----------
    behaviour : path, Outcomes, Dataset, or mapping of names to Datasets or DataArrays
        Outcomes of a recording, such as the folder ``face.mystax``.
    neural : path or Dataset
        Neural data (`mystax.read_neural`), on the clock of the recording.
    out : path, optional
        Also keep the outcome and the encoder in this folder; an interrupted run goes on from its last fold.
    null_with : iterable of path, Outcomes, Dataset, or mapping, optional
        Behaviour of at least 19 other recordings: chance is what they explain of these neurons.
    progress : callable, optional
        Takes events.
    **parameters
        ``model="auto"``, ``groups=None``, ``folds=5``, ``gap=7.0``, ``null="linear-shift"``, ``parts=True``,
        ``lags=True``, ``ceiling="peer"``, ``seed=0``, ...: those of the analysis `encoding`.

    Returns
    -------
    Dataset
        Explained variance with intervals for every model and neuron, gains over lagged-ridge, predictions,
        ceilings, probabilities, parts, lags.

    Raises
    ------
    ParameterError
        P401, if a parameter is unknown or out of its range.
    ClockError
        C204, if behaviour and neural data have less than 3 min in common.
    NumbersError
        N303, if too little can be used; N305, if folds and gap do not fit the recording.
    ExtraMissing
        X001, if a network is required and torch is not installed.

    Examples
    --------
    >>> found = encoding("face.mystax", "suite2p/plane0", model="linear")  # doctest: +SKIP
    >>> found["explained_variance"].sel(model="stacked").mean()  # doctest: +SKIP
    """
    prepared = prepare_encoding(behaviour, neural, parameters, null_with)
    if out is None:
        dataset, flags, _ = _run(prepared, progress, None)
        dataset.attrs["quality"] = flags_to_json(flags)
        return dataset
    from mystax.io.outcomes import Outcomes, load
    from mystax.io.store import Store as Kept

    store = Kept(out)
    keep_encoding(store, prepared, progress)
    found = load(store.path(ANALYSIS))
    if isinstance(found, Outcomes):
        raise FormatError("F804", str(store.path(ANALYSIS)), "not an outcome of one recording")
    return found


def keep_encoding(store: Store, prepared: Prepared, progress: Report = silent) -> None:
    """Fit and judge everything, and publish it, unless it is there; an interrupted one goes on.

    Parameters
    ----------
    store : Store
        The folder.
    prepared : Prepared
        What `prepare_encoding` gave.
    progress : callable, optional
        Takes events.

    Raises
    ------
    StoreError
        S504, if another process works on it.
    """
    if store.current_key(ANALYSIS) != prepared.key:
        with store.work([prepared.key], heartbeat=30.0) as work:
            _keep(store, prepared, progress, work)


def _keep(store: Store, prepared: Prepared, progress: Report, work: Work) -> None:
    """Run, and publish the outcome and the encoder."""
    from mystax.analyses.encoder_file import ENCODER, ENCODER_VERSION
    from mystax.analyses.encoding import VERSION
    from mystax.io.provenance import Provenance

    dataset, flags, encoder = _run(prepared, progress, work)
    values = result_parameters(prepared.params)
    coverage = float(prepared.data.usable.mean())
    about = Provenance(ENCODER_NAME, ENCODER_VERSION, prepared.key, values, prepared.inputs, coverage, flags)
    path = store.publish(encoder.to_dataset(), about, schema=ENCODER)
    dataset.attrs["encoder_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    about = Provenance(ANALYSIS, VERSION, prepared.key, values, prepared.inputs, coverage, flags)
    store.publish(dataset, about)
    work.remove()
    progress(Event("outcome", ANALYSIS, text=ANALYSIS, data={"analysis": ANALYSIS}))


def _run(prepared: Prepared, progress: Report, work: Work | None) -> tuple[Dataset, list[Flag], Any]:
    """Fit and judge everything."""
    from mystax.analyses.encoder_fit import fit_encoder
    from mystax.analyses.encoding_members import units_of
    from mystax.analyses.encoding_outcome import assemble_encoding
    from mystax.compute.tiles import TilePool

    data, plan, params = prepared.data, prepared.plan, prepared.params
    progress(Event("note", ANALYSIS, text=prepared.reason, data={"model_reason": prepared.reason}))
    with TilePool(params.cores) as tiles:
        folds = _folds(prepared, progress, work, tiles)
        units = units_of(data, data.usable, params.seed)
        extras, coordinates, facts, flags = _extras(prepared, folds, units, tiles, progress)
        progress(Event("progress", "encoder", plan.n_folds, plan.n_folds, "the encoder that is kept"))
        names = np.asarray(data.neural["neuron"].values)[data.population.neurons]
        encoder = fit_encoder(
            data,
            units,
            plan,
            # what is not kept needs no network: the latents come from the filterbank
            prepared.settings if work is not None else replace(prepared.settings, deep=None, facemap=None),
            tiles,
            facts={
                "signal": str(data.neural.attrs.get("signal", "")),
                "groups": json.dumps(list(data.grid.groups)),
                "source": str(data.neural.attrs.get("source", "")),
            },
            names=names,
        )
    if any(fold.fallback for fold in folds):
        numbers = ", ".join(str(fold.fold + 1) for fold in folds if fold.fallback)
        flags.append(
            Flag("N304", f"stacking did not help in fold {numbers}: lagged-ridge alone is used there.")
        )
    if params.split == "published":
        text = "published split: one split with 3 bins between training and test; filters reach across them."
        flags.append(Flag("N310", text))
    n_train = int(plan.train(0).sum())
    if prepared.settings.facemap is not None and n_train < MUCH:
        text = f"the facemap network over-fits short recordings: {n_train} training bins, fewer than {MUCH}."
        flags.append(Flag("N310", text))
    latent = _latent(encoder, data)
    dataset = assemble_encoding(
        data,
        plan,
        folds,
        seed=params.seed,
        moments=units.pair,
        extras={**extras, "latent": (("time", "latent_component"), latent)},
        coordinates=coordinates,
        attributes={
            "model_reason": prepared.reason,
            "seed": params.seed,
            "split": params.split,
            "clock_report": str(data.neural.attrs.get("clock_report", "")),
            "neural_source": str(data.neural.attrs.get("source", "")),
            **facts,
        },
    )
    evaluated = np.asarray(dataset["explained_variance"].sel(model="stacked").values, np.float32)
    return dataset, merge_flags(data.flags, flags), replace(encoder, evaluated=evaluated)


def _latent(encoder: Any, data: EncodingData) -> np.ndarray:
    x = encoder.bank.transform(data.grid, data.bins).astype(np.float64)
    return np.asarray((x @ encoder.latent).astype(np.float32))


def _folds(prepared: Prepared, progress: Report, work: Work | None, tiles: Any) -> list[FoldOutcome]:
    """Fit all folds; those of an interrupted run are taken from its checkpoint."""
    from mystax.analyses.encoding_checkpoint import folds_from_arrays, folds_to_arrays
    from mystax.analyses.encoding_fold import fit_fold
    from mystax.analyses.encoding_parts import lags_of_fold, part_labels, parts_of_fold

    data, plan, params = prepared.data, prepared.plan, prepared.params
    extras = []
    if params.parts and part_labels([(part.group, part.part) for part in data.grid.parts]):
        extras.append(parts_of_fold(data, plan))
    if params.lags:
        extras.append(lags_of_fold(data, plan))
    checkpoint = work.restore() if work is not None else None
    done = folds_from_arrays(checkpoint.arrays) if checkpoint is not None else []
    n_folds = plan.n_folds
    for fold in range(len(done), n_folds):

        def watch(stage: str, share: float, fold: int = fold) -> None:
            text = f"fold {fold + 1} of {n_folds}: {stage}"
            facts: dict[str, object] = {"fold": fold, "model": stage, "share": (fold + share) / n_folds}
            progress(Event("progress", "folds", fold, n_folds, text, facts))

        done.append(fit_fold(data, plan, fold, prepared.settings, tiles, extras=extras, watch=watch))
        if work is not None:
            work.save(folds_to_arrays(done), fold + 1)
            progress(Event("checkpoint", "folds", fold + 1, n_folds))
    return done


def _extras(
    prepared: Prepared, folds: list[FoldOutcome], units: Units, tiles: Any, progress: Report
) -> tuple[dict[str, Any], dict[str, Any], dict[str, object], list[Flag]]:
    """Everything beyond the folds: chance, ceilings, parts, lags, order."""
    from mystax.analyses.encoding_ceilings import peer_ceiling, svca_found
    from mystax.analyses.encoding_display import display_found, order_found
    from mystax.analyses.encoding_null import null_found
    from mystax.analyses.encoding_outcome import pooled_errors
    from mystax.analyses.encoding_parts import lags_found, part_labels, parts_found
    from mystax.compute.explained import explained_variance

    data, plan, params = prepared.data, prepared.plan, prepared.params
    errors = pooled_errors(folds, plan.n_blocks)
    sst = errors[1]
    found: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    facts: dict[str, object] = {"null": "none"}
    flags: list[Flag] = []

    def told(stage: str, total: int) -> Callable[[int], None]:
        return lambda done: progress(Event("progress", stage, done, total, stage))

    significant = None
    if params.null != "none":
        made, about, notes = null_found(
            data,
            units,
            kind=params.null,
            n_shifts=params.shifts,
            gap=params.gap,
            tiles=tiles,
            others=prepared.others,
            watch=told("null", len(prepared.others) or params.shifts),
        )
        found |= made
        facts |= about
        flags += notes
        significant = made["significant"][1] > 0
    if params.ceiling in ("peer", "both") and data.population.n >= 4:
        told("ceiling", 1)(0)
        made, about, notes = peer_ceiling(data, plan, params.seed)
        found |= made
        facts |= about
        flags += notes
    if params.ceiling in ("svca", "both") and data.population.n >= 4:
        told("ceiling", 1)(0)
        found |= svca_found(data, plan, params.seed)
    if params.parts and part_labels([(part.group, part.part) for part in data.grid.parts]):
        made, axis = parts_found(data, plan, folds, sst, params.seed)
        found |= made
        coordinates |= axis
    if params.lags:
        made, axis = lags_found(plan, folds, sst, significant, params.seed)
        found |= made
        coordinates |= axis
    found |= order_found(data, units, params.seed)
    made, axis = display_found(data, plan, folds, found["order"][1], explained_variance(errors[0][-1], sst))
    found |= made
    coordinates |= axis
    return found, coordinates, facts, flags

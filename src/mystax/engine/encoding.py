"""`mystax.encoding`: how much of the activity of neurons behaviour explains."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.behaviour import BehaviourGrid
from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.params import check_params
from mystax.core.quality import Flag, flags_from_json, flags_to_json, merge_flags
from mystax.errors import ExtraMissing, FormatError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.encoding import EncodingParams
    from mystax.analyses.encoding_data import EncodingData
    from mystax.analyses.encoding_fold import FoldOutcome, FoldSettings
    from mystax.compute.folds import FoldPlan
    from mystax.io.store import Store
    from mystax.io.work import Work
else:
    Dataset = EncodingParams = EncodingData = FoldOutcome = FoldSettings = FoldPlan = Store = Work = Any

__all__ = ["Prepared", "behaviour_of", "encoding", "neural_of", "prepare_encoding"]

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
    """

    def __init__(
        self, params: EncodingParams, data: EncodingData, inputs: list[Mapping[str, object]]
    ) -> None:
        from mystax.analyses.encoding import VERSION
        from mystax.compute.feature_table import LONGEST
        from mystax.compute.folds import BlockFolds

        self.params, self.data, self.inputs = params, data, inputs
        self.plan: FoldPlan = BlockFolds(params.folds, gap=params.gap, longest=LONGEST).plan(
            data.times, data.usable
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

    from mystax.analyses.encoding_fold import FoldSettings as Settings

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


def prepare_encoding(behaviour: Any, neural: Any, parameters: Mapping[str, object]) -> Prepared:
    """Check a request and bring the data together, without fitting anything.

    Parameters
    ----------
    behaviour : path, Outcomes, mapping, or BehaviourGrid
        Behaviour.
    neural : path or Dataset
        Neural data.
    parameters : mapping
        Those of the analysis `encoding`.

    Returns
    -------
    Prepared
        Data, folds, models.

    Raises
    ------
    MystaxError
        As `encoding`.
    """
    from mystax.analyses.encoding import EncodingParams as Declared
    from mystax.analyses.encoding_data import encoding_data

    params = check_params(Declared, _plain(parameters), ANALYSIS)
    data_in = neural_of(neural)
    grid, inputs = behaviour_of(behaviour, params.groups)
    data = encoding_data(grid, data_in, bin=float(data_in.attrs.get("bin", 0)) or SPIKE_BIN)
    data = replace(data, flags=tuple(merge_flags(_flags_of(data_in), data.flags)))
    return Prepared(params, data, [*inputs, _fingerprint(data_in)])


def _plain(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return parameters as texts and numbers: groups may be a list of names, and None stands for none."""
    found = dict(parameters)
    groups = found.get("groups")
    if groups is None:
        found.pop("groups", None)
    elif not isinstance(groups, str) and isinstance(groups, Iterable):
        found["groups"] = ",".join(str(name) for name in groups)
    for name in ("null", "ceiling"):
        if name in found and found[name] is None:
            found[name] = "none"
    return found


def neural_of(neural: Any) -> Dataset:
    """Return neural data, read where a path was given."""
    if hasattr(neural, "data_vars"):
        from mystax.core.neural import check_neural

        check_neural(neural)
        found: Dataset = neural
        return found
    from mystax.io.neural.reading import read_neural

    return read_neural(neural)


def _flags_of(dataset: Dataset) -> list[Flag]:
    text = str(dataset.attrs.get("quality", ""))
    return flags_from_json(text) if text else []


def behaviour_of(behaviour: Any, groups: str) -> tuple[BehaviourGrid, list[Mapping[str, object]]]:
    """Return behaviour on its grid, and what it was made from."""
    if isinstance(behaviour, BehaviourGrid):
        grid = behaviour
    else:
        from mystax.analyses.behaviour import assemble_behaviour
        from mystax.io.outcomes import load

        opened = load(behaviour) if isinstance(behaviour, str | Path) else behaviour
        wanted = None if groups == "auto" else [name.strip() for name in groups.split(",") if name.strip()]
        grid = assemble_behaviour(opened, wanted)
    digest = hashlib.blake2b(digest_size=16)
    for part in grid.parts:
        digest.update(json.dumps([part.group, part.part, part.bank, part.columns]).encode())
        digest.update(np.ascontiguousarray(part.values).tobytes())
    digest.update(f"{grid.start!r} {grid.rate}".encode())
    return grid, [{"role": "behaviour", "camera": "", "position": 0, "id": digest.hexdigest()}]


def _fingerprint(neural: Dataset) -> Mapping[str, object]:
    """Return what tells these neural data from others: their files, or all values where there are none."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(neural.attrs.get("source", "")).encode())
    digest.update(np.asarray(neural["neuron"].values).tobytes())
    if "time" in neural.coords:
        digest.update(np.asarray(neural["time"].values).tobytes())
    if '"files": {}' in str(neural.attrs.get("source", "")) or not neural.attrs.get("source"):
        for name in ("spike_time", "spike_neuron"):
            if name in neural:
                digest.update(np.asarray(neural[name].values).tobytes())
        if "activity" in neural:
            for first in range(0, neural.sizes["time"], 4096):
                rows = neural["activity"].isel(time=slice(first, first + 4096))
                digest.update(np.ascontiguousarray(rows.values).tobytes())
    return {"role": "neural", "camera": "", "position": 0, "id": digest.hexdigest()}


def encoding(
    behaviour: Any,
    neural: Any,
    *,
    out: str | Path | None = None,
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
    prepared = prepare_encoding(behaviour, neural, parameters)
    if out is None:
        dataset, flags, _ = _run(prepared, progress, None)
        dataset.attrs["quality"] = flags_to_json(flags)
        return dataset
    from mystax.io.outcomes import Outcomes, load
    from mystax.io.store import Store as Kept

    store = Kept(out)
    if store.current_key(ANALYSIS) != prepared.key:
        with store.work([prepared.key], heartbeat=30.0) as work:
            _keep(store, prepared, progress, work)
    found = load(store.path(ANALYSIS))
    if isinstance(found, Outcomes):
        raise FormatError("F804", str(store.path(ANALYSIS)), "not an outcome of one recording")
    return found


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
    from mystax.analyses.encoder_file import fit_encoder
    from mystax.analyses.encoding_outcome import assemble_encoding
    from mystax.compute.tiles import TilePool

    data, plan, params = prepared.data, prepared.plan, prepared.params
    progress(Event("note", ANALYSIS, text=prepared.reason, data={"model_reason": prepared.reason}))
    with TilePool(params.cores) as tiles:
        folds = _folds(prepared, progress, work, tiles)
        extras, coordinates, facts, flags = _extras(prepared, folds, tiles, progress)
        progress(Event("progress", "encoder", params.folds, params.folds, "the encoder that is kept"))
        names = np.asarray(data.neural["neuron"].values)[data.population.neurons]
        encoder = fit_encoder(
            data,
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
        extras={**extras, "latent": (("time", "latent_component"), latent)},
        coordinates=coordinates,
        attributes={
            "model_reason": prepared.reason,
            "seed": params.seed,
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
    from mystax.analyses.encoding_extras import lags_of_fold, part_labels, parts_of_fold
    from mystax.analyses.encoding_fold import fit_fold

    data, plan, params = prepared.data, prepared.plan, prepared.params
    extras = []
    if params.parts and part_labels([(part.group, part.part) for part in data.grid.parts]):
        extras.append(parts_of_fold(data, plan))
    if params.lags:
        extras.append(lags_of_fold(data, plan))
    checkpoint = work.restore() if work is not None else None
    done = folds_from_arrays(checkpoint.arrays) if checkpoint is not None else []
    for fold in range(len(done), params.folds):

        def watch(stage: str, share: float, fold: int = fold) -> None:
            text = f"fold {fold + 1} of {params.folds}: {stage}"
            facts: dict[str, object] = {"fold": fold, "model": stage, "share": (fold + share) / params.folds}
            progress(Event("progress", "folds", fold, params.folds, text, facts))

        done.append(fit_fold(data, plan, fold, prepared.settings, tiles, extras=extras, watch=watch))
        if work is not None:
            work.save(folds_to_arrays(done), fold + 1)
            progress(Event("checkpoint", "folds", fold + 1, params.folds))
    return done


def _extras(
    prepared: Prepared, folds: list[FoldOutcome], tiles: Any, progress: Report
) -> tuple[dict[str, Any], dict[str, Any], dict[str, object], list[Flag]]:
    """Everything beyond the folds: chance, ceilings, parts, lags, order."""
    from mystax.analyses.encoding_extras import (
        display_found,
        lags_found,
        null_found,
        order_found,
        part_labels,
        parts_found,
        peer_ceiling,
        svca_found,
    )
    from mystax.analyses.encoding_outcome import pooled_errors
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
            kind=params.null,
            n_shifts=params.shifts,
            gap=params.gap,
            seed=params.seed,
            tiles=tiles,
            watch=told("null", params.shifts),
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
    found |= order_found(data, params.seed)
    made, axis = display_found(data, plan, folds, found["order"][1], explained_variance(errors[0][-1], sst))
    found |= made
    coordinates |= axis
    return found, coordinates, facts, flags

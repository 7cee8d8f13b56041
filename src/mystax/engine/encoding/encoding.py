"""`mystax.encoding`: how much of the activity of neurons behaviour explains."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.core.canonical import result_parameters
from mystax.core.events import Event, Report, silent
from mystax.core.quality import Flag, flags_to_json, merge_flags
from mystax.engine.encoding.prepared import ANALYSIS, Prepared, prepare_encoding
from mystax.errors import FormatError

if TYPE_CHECKING:
    from xarray import Dataset

    from mystax.analyses.encoding_data import EncodingData
    from mystax.analyses.encoding_fold import FoldOutcome
    from mystax.analyses.encoding_members import Units
    from mystax.io.store import Store
    from mystax.io.work import Work
else:
    Dataset = EncodingData = FoldOutcome = Units = Store = Work = Any

__all__ = ["encoding", "keep_encoding"]

ENCODER_NAME = "encoding.encoder"
MUCH = 20_000
"""Training bins from which on the published network does not over-fit."""


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
    """Fit and judge everything, and publish it, unless all of it is there; an interrupted one goes on.

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
    if any(store.current_key(name) != prepared.key for name in (ANALYSIS, ENCODER_NAME)):
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
        text = "the encoder that is kept"
        progress(Event("progress", "encoder", 0, 1, text, {"unit": "encoders"}))
        names = np.asarray(data.neural["neuron"].values)[data.population.neurons]
        encoder, latent = fit_encoder(
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
            facts: dict[str, object] = {
                "fold": fold,
                "model": stage,
                "share": (fold + share) / n_folds,
                "unit": "folds",
            }
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

    def told(stage: str, total: int, unit: str) -> Callable[[int], None]:
        return lambda done: progress(Event("progress", stage, done, total, stage, {"unit": unit}))

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
            watch=told(
                "null",
                len(prepared.others) or params.shifts,
                "recordings" if prepared.others else "shifts",
            ),
        )
        found |= made
        facts |= about
        flags += notes
        significant = made["significant"][1] > 0
    if params.ceiling in ("peer", "both") and data.population.n >= 4:
        told("ceiling", 1, "ceilings")(0)
        made, about, notes = peer_ceiling(data, plan, params.seed)
        found |= made
        facts |= about
        flags += notes
    if params.ceiling in ("svca", "both") and data.population.n >= 4:
        told("ceiling", 1, "ceilings")(0)
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

"""A request for an encoding, checked: behaviour and activity together, folds, and the models to fit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mystax.core.behaviour import BehaviourGrid
from mystax.core.canonical import outcome_key, result_parameters
from mystax.core.quality import merge_flags
from mystax.engine.encoding.inputs import (
    behaviour_of,
    check_encoding,
    fingerprint_of,
    flags_of,
    neural_of,
    other_behaviours,
)
from mystax.errors import ExtraMissing, ParameterError

if TYPE_CHECKING:
    from mystax.analyses.encoding import EncodingParams
    from mystax.analyses.encoding_data import EncodingData
    from mystax.analyses.encoding_members import FoldSettings
    from mystax.compute.folds import FoldPlan
else:
    EncodingParams = EncodingData = FoldSettings = FoldPlan = Any

__all__ = ["ANALYSIS", "Prepared", "prepare_encoding"]

ANALYSIS = "encoding"
SPIKE_BIN = 0.1


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
    from mystax.nets.encoder_settings import DeepSettings, FacemapSettings

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
    from mystax.analyses.encoding_null import check_others

    params, others = _null_of(check_encoding(parameters), parameters, null_with)
    data_in = neural_of(neural)
    grid, inputs = behaviour_of(behaviour, params.groups)
    grids, more = other_behaviours(others, grid)
    if params.null == "recordings":
        check_others(grids)  # before anything is fitted; the recording itself is none of them
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

"""Declaration of `encoding`: how much of each neuron's variance behaviour explains on held-out time."""

from collections.abc import Mapping
from typing import Literal

from mystax.core.analysis import OutcomeIn, Reducer, analysis
from mystax.core.dataset import Coordinate, Schema, Variable
from mystax.core.params import Params, param
from mystax.errors import RecipeError

__all__ = ["ENCODING", "VERSION", "EncodingParams"]

VERSION = 4


class EncodingParams(Params):
    """Predict neural activity from behaviour, and say how much of it is explained."""

    model: Literal["auto", "linear", "deep", "facemap"] = param(
        "auto",
        help="auto: all models that can be fitted here; linear: without a network; deep: the network is "
        "required; facemap: the network of Syeda et al. 2024 beside the linear models.",
    )
    groups: str = param("auto", help="Groups of behaviour, separated by commas; auto: all but the movie.")
    folds: int = param(5, ge=2, le=20, help="Number of folds.")
    gap: float = param(
        7.0, ge=0, le=120, unit="s", help="Time left out on both sides of every block that is tested."
    )
    split: Literal["blocks", "published"] = param(
        "blocks",
        help="blocks: folds with gaps; published: the single split of Syeda et al. 2024, to compare with it.",
    )
    null: Literal["linear-shift", "recordings", "circular-shift", "none"] = param(
        "linear-shift",
        help="What chance is judged by: shifts, or the behaviour of other recordings; circular shifts are "
        "too lenient for slow signals.",
    )
    shifts: int = param(200, ge=19, le=2000, help="Number of shifts of the null.")
    parts: bool = param(True, help="What each part of the face explains alone and uniquely.")
    lags: bool = param(True, help="Explained variance at one lag at a time.")
    ceiling: Literal["peer", "svca", "both", "none"] = param(
        "peer", help="Ceiling on shared variance: from other neurons, from shared components, or both."
    )
    scales: Literal["search", "one"] = param(
        "search", help="Whether families of features may be weakened or left out."
    )
    reduced_rank: bool = param(False, help="Also report reduced-rank regression on the features.")
    one_point: bool = param(False, help="Also report the linear model without lags of the older literature.")
    device: str = param("auto", help="Device of the network; only the CPU is used.", affects_result=False)
    seed: int = param(0, ge=0, le=2**31 - 1, help="Start of all random numbers.")
    width: int = param(256, ge=32, le=1024, help="Units of the network's first layer.")
    latent: int = param(96, ge=8, le=512, help="Units of the network's second layer.")
    dropout: float = param(0.25, ge=0, le=0.9, help="Share of units left out in each step.")
    epochs: int = param(80, ge=1, le=1000, help="Epochs of the network at most.")
    members: int = param(4, ge=2, le=8, help="Networks of the ensemble, each stopped on its own inner fold.")
    learning_rate: float = param(2e-3, gt=0, le=1, help="Highest rate of the network's training.")
    weight_decay: float = param(3e-2, ge=0, le=10, help="Decay of the network's weights.")
    rule: Literal["validated", "published"] = param(
        "validated",
        help="How long the facemap network is trained: until an inner fold no longer gains, or as published.",
    )
    native_rate: bool = param(
        False, help="Let the facemap network filter at the rate of the cameras instead of 50 Hz."
    )
    cores: int = param(
        1, ge=1, le=256, help="Threads; the result does not depend on them.", affects_result=False
    )


_MODEL, _PART = ("model", "neuron"), ("part", "neuron")
_ONE = "1"


def _numbers(dims: tuple[str, ...], **texts: str) -> dict[str, Variable]:
    return {name: Variable(dims, _ONE, "float32", text, required=False) for name, text in texts.items()}


_NEURON: Mapping[str, Coordinate] = {
    "neuron": Coordinate(("neuron",), _ONE, "int64", "Number of the neuron in its source."),
    "neuron_x": Coordinate(("neuron",), "", "float32", "Place of the neuron, x."),
    "neuron_y": Coordinate(("neuron",), "", "float32", "Place of the neuron, y."),
    "neuron_z": Coordinate(("neuron",), "", "float32", "Depth of the neuron."),
    "area": Coordinate(("neuron",), "", "str", "Brain area; empty if unknown."),
    "plane": Coordinate(("neuron",), _ONE, "int16", "Imaging plane; -1 if unknown."),
    "neuron_quality": Coordinate(("neuron",), "", "str", "Judgement of the sorter or detector."),
    "neuron_mean": Coordinate(
        ("neuron",), _ONE, "float32", "Mean activity in the usable bins, unit of the source."
    ),
    "neuron_sd": Coordinate(("neuron",), _ONE, "float32", "Standard deviation in the usable bins."),
}

ENCODING = Schema(
    {
        "explained_variance": Variable(
            _MODEL, _ONE, "float32", "1 - SSE / SST over all test bins; never clipped."
        ),
        **_numbers(
            _MODEL,
            explained_variance_low="Low end of the 95 % interval (block bootstrap).",
            explained_variance_high="High end of the 95 % interval.",
            gain="Explained variance minus that of lagged-ridge.",
            gain_low="Low end of the paired 95 % interval.",
            gain_high="High end of the paired 95 % interval.",
            correlation="Pearson correlation of activity and prediction over all test bins.",
            correlation_coarse="The same after means of four neighbouring test bins.",
            deviance_explained="Share of the Poisson deviance that is explained (counts only).",
            bits_per_spike="Gain over the mean in bits per spike (counts only).",
        ),
        "population": Variable(
            ("model", "statistic"), _ONE, "float64", "Explained variance of the population."
        ),
        "component_variance": Variable(
            ("model", "component"), _ONE, "float32", "Explained variance of the population's components."
        ),
        **_numbers(
            ("neuron",),
            ceiling_peer="Explained variance when other neurons predict: a ceiling on shared variance.",
        ),
        **_numbers(
            ("shared",),
            svca_reliable="Share of a shared component that is reliable (SVCA).",
            svca_behaviour="Share of its reliable variance that behaviour explains.",
        ),
        **_numbers(
            ("neuron",),
            p_value="Probability under the null of at least this explained variance.",
            null_true="Explained variance of the null's statistic (filterbank ridge) at the true place.",
            null_high="The same, 95 % quantile over the shifts.",
        ),
        "significant": Variable(
            ("neuron",), _ONE, "int8", "Kept by a false discovery rate of 5 %.", required=False
        ),
        **_numbers(
            _PART,
            unique="Explained variance that is lost without the part.",
            unique_low="Low end of the paired 95 % interval.",
            unique_high="High end of the paired 95 % interval.",
            alone="Explained variance of the part alone.",
        ),
        **_numbers(("lag", "neuron"), lag_curve="Explained variance of behaviour at one lag."),
        "peak_lag": Variable(
            ("neuron",),
            "s",
            "float32",
            "Lag of the peak; behaviour precedes the neuron if positive.",
            required=False,
        ),
        "peak_lag_low": Variable(
            ("neuron",), "s", "float32", "Low end of the 95 % interval.", required=False
        ),
        "peak_lag_high": Variable(
            ("neuron",), "s", "float32", "High end of the 95 % interval.", required=False
        ),
        **_numbers(
            ("time", "neuron"),
            prediction="Prediction by the fold that did not see the bin, z units of that fold.",
        ),
        **_numbers(
            ("member", "time", "component"),
            prediction_score="Predicted components by the fold that did not see the bin.",
        ),
        **_numbers(("fold_number", "neuron", "component"), loading="From components to neurons, per fold."),
        **_numbers(("fold_number", "member", "neuron"), member_weight="Stacking weights, per fold."),
        "fold": Variable(("time",), _ONE, "int8", "Fold that tests the bin."),
        "usable": Variable(("time",), _ONE, "int8", "Whether the bin takes part (1)."),
        "sse": Variable(("model", "block", "neuron"), _ONE, "float32", "Squared errors per block, z units."),
        "sst": Variable(("block", "neuron"), _ONE, "float32", "Squared deviations per block, z units."),
        **_numbers(("member", "neuron"), stack_weight="Weight of each member, mean over folds."),
        **_numbers(("family",), scale="Factor of each family of features, mean over folds."),
        **_numbers(
            ("time", "latent_component"),
            latent="Leading directions of behaviour that predict the population.",
        ),
        **_numbers(
            ("panel", "row", "column"),
            raster="Sorted raster for display: means of neighbouring neurons and bins, z units.",
        ),
        **_numbers(
            ("column",),
            running="First feature of running in the columns of the raster, for display.",
            motion="First component of motion there, where there is no running.",
        ),
        **_numbers(
            ("panel", "example", "time"),
            trace="Best, middle and worst neuron: measured, stacked, lagged-ridge, z units.",
        ),
        "order": Variable(
            ("neuron",), _ONE, "int32", "Neurons sorted by likeness, for display only.", required=False
        ),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "time": Coordinate(("time",), "s", "float64", "Centre of the bin, session clock."),
        **_NEURON,
        "model": Coordinate(("model",), "", "str", "Name of the model."),
        "statistic": Coordinate(("statistic",), "", "str", "Statistic over neurons."),
        "block_start": Coordinate(("block",), "s", "float64", "Start of the block."),
        "block_fold": Coordinate(("block",), _ONE, "int64", "Fold that tests the block."),
        "member": Coordinate(("member",), "", "str", "Model that takes part in the stack."),
        "family": Coordinate(("family",), "", "str", "Family of features."),
        "panel": Coordinate(("panel",), "", "str", "What a raster or trace shows.", required=False),
        "column_start": Coordinate(
            ("column",), "s", "float64", "First bin of a column of the raster.", required=False
        ),
        "example_neuron": Coordinate(("example",), "1", "int64", "Neuron of a trace.", required=False),
        "part": Coordinate(("part",), "", "str", "Group and part of behaviour.", required=False),
        "lag": Coordinate(
            ("lag",), "s", "float64", "Behaviour precedes the neurons if positive.", required=False
        ),
    },
    more_dimensions=frozenset(
        {
            "model",
            "statistic",
            "block",
            "member",
            "family",
            "part",
            "lag",
            "fold_number",
            "latent_component",
            "shared",
        }
        | {"panel", "row", "column", "example"}
    ),
)
"""What `encoding.nc` looks like."""


@analysis(
    "encoding",
    version=VERSION,
    params=EncodingParams,
    inputs=[OutcomeIn(name, required=False) for name in ("pose", "pupil", "blink", "running", "svd")],
    outputs=ENCODING,
)
def encoding(params: EncodingParams) -> Reducer:  # noqa: ARG001 - the form of a declaration
    """Predict neural activity from behaviour, and say how much of it is explained."""
    raise RecipeError(
        "P403",
        "analysis 'encoding'",
        "it needs neural data beside the outcomes of a recording",
        hint="mystax encode face.mystax --neural FILE",
    )

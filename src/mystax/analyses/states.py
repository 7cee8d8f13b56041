"""Declaration of the analysis `states`: expressions and behaviours as states of a hidden Markov model."""

from typing import Literal

from mystax.core.analysis import OutcomeIn, Reducer, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param
from mystax.errors import RecipeError

__all__ = ["STATES", "VERSION", "StatesParams"]

VERSION = 1
ONE, SECOND = "1", "s"
_STATE, _POINT = ("state",), ("state", "keypoint", "space")


class StatesParams(Params):
    """Parameters of `states`."""

    n_states: int | Literal["auto"] = param(
        "auto", ge=1, le=50, help="Number of states; auto chooses it by held-out likelihood."
    )
    max_states: int = param(12, ge=1, le=50, help="Largest number tried, by auto or beside a given one.")
    features: str = param(
        "auto",
        help="auto (keypoints, else components of motion), or joined by commas: keypoints, measures, head, "
        "pupil.area, pupil.diameter, blink.openness, motion.energy[:ROI], "
        "svd.motion_svd[:ROI][:n], running.speed, "
        "csv:FILE:COLUMN.",
    )
    align: Literal["auto", "none", "translate", "rigid", "similarity"] = param(
        "auto", help="How faces are moved onto each other; auto by the kind of points."
    )
    camera: str = param("all", help="Cameras of a pose in the plane, by name, joined by commas.")
    min_confidence: float = param(0.3, ge=0, le=1, help="Points below it are missing.")
    max_residual: float = param(
        6.0, ge=0.5, le=100, unit="px", help="Points in space of a larger residual are missing."
    )
    max_gap: float = param(0.1, ge=0, le=2, unit="s", help="Longest hole that is interpolated.")
    rate: float | Literal["auto"] = param(
        "auto", ge=1, le=500, unit="Hz", help="Rate of the states; needed where a file has no time."
    )
    variance: float = param(0.95, ge=0.5, le=0.999, help="Share of the variance of shapes that is kept.")
    max_components: int = param(10, ge=1, le=40, help="Components of the shape at most.")
    centre: Literal["recording", "individual", "none"] = param(
        "recording", help="Whose median face is taken away; none to compare faces between people."
    )
    covariance: Literal["full", "diagonal", "tied"] = param("full", help="Form of the states' covariances.")
    dwell: float = param(0.0, ge=0, le=60, unit="s", help="Prior expected dwell; 0 believes nothing.")
    floor: float = param(
        0.01, ge=1e-4, le=0.5, help="Smallest eigenvalue of a covariance, in units of whitened variance."
    )
    min_bout: float = param(
        0.0, ge=0, le=5, unit="s", help="Shorter bouts are given to the better neighbour (labels only)."
    )
    decode: Literal["viterbi", "posterior"] = param(
        "viterbi", help="Labels by the best path, or by the most probable state of each frame."
    )
    cores: int = param(
        1, ge=1, le=256, help="Threads; the result does not depend on them.", affects_result=False
    )


def _wide(dims: tuple[str, ...], unit: str, text: str, *, required: bool = True) -> Variable:
    return Variable(dims, unit, "float64", text, required)


_LENGTH = ""
"""Lengths carry their own unit (mm, px, or widths of the face) as attribute."""

STATES = Schema(
    {
        "label": Variable(("time",), ONE, "int16", "State of the frame, from 1; -1 missing."),
        "posterior": Variable(
            ("time", "state"), ONE, "float32", "Probability of each state given all frames."
        ),
        "log_likelihood": Variable(("time",), ONE, "float32", "Log density of the frame given the past."),
        "feature_value": Variable(("time", "feature"), ONE, "float32", "Features, whitened."),
        "bout_start": _wide(("bout",), SECOND, "Start of the bout."),
        "bout_stop": _wide(("bout",), SECOND, "End of the bout."),
        "bout_label": Variable(("bout",), ONE, "int16", "State of the bout."),
        "bout_posterior": Variable(("bout",), ONE, "float32", "Mean probability of its state."),
        "bout_complete": Variable(("bout",), ONE, "int8", "1 if neither end is cut by a hole or an edge."),
        "occupancy": _wide(_STATE, ONE, "Share of the observed time."),
        "occupancy_time": _wide(_STATE, SECOND, "Time in the state."),
        "n_bouts": Variable(_STATE, ONE, "int32", "Number of bouts."),
        "bout_rate": _wide(_STATE, "min-1", "Bouts per minute of observed time."),
        "dwell_mean": _wide(_STATE, SECOND, "Mean length of complete bouts."),
        "dwell_median": _wide(_STATE, SECOND, "Median length of complete bouts."),
        "dwell_cv": _wide(_STATE, ONE, "SD over mean of complete bouts."),
        "dwell_longest": _wide(_STATE, SECOND, "Longest complete bout."),
        "dwell_expected": _wide(_STATE, SECOND, "Mean length that the transitions imply (geometric)."),
        "latency": _wide(_STATE, SECOND, "Start of the first bout after the start of the recording."),
        "transition_count": Variable(
            ("state", "next_state"), ONE, "int32", "Moves between neighbouring frames, staying included."
        ),
        "transition_probability": _wide(
            ("state", "next_state"), ONE, "Share of the moves out of each state."
        ),
        "chain_state": Variable(
            ("chain", "step"), ONE, "int16", "Three states in a row: the commonest chains.", required=False
        ),
        "chain_count": Variable(("chain",), ONE, "int32", "How often the chain came.", required=False),
        "chain_expected": _wide(
            ("chain",),
            ONE,
            "How often it comes if the order of bouts is shuffled, on average.",
            required=False,
        ),
        "chain_chance": _wide(
            ("chain",), ONE, "Share of 2,000 shuffles in which it comes at least as often.", required=False
        ),
        "face_mean": Variable(_POINT, _LENGTH, "float32", "Mean face of the state, aligned.", required=False),
        "face_sd": Variable(_POINT, _LENGTH, "float32", "Its standard deviation.", required=False),
        "grand_mean": Variable(
            ("keypoint", "space"), _LENGTH, "float32", "Mean face of all frames, aligned.", required=False
        ),
        "head_rotation": Variable(
            ("time", "axis"), "rad", "float32", "Turn of the head from its median pose.", required=False
        ),
        "head_translation": Variable(
            ("time", "space"), _LENGTH, "float32", "Middle of the rigid points.", required=False
        ),
        "head_scale": Variable(
            ("time",), ONE, "float32", "Size of the face over the template's.", required=False
        ),
        "kinematics": Variable(("time", "kinematic"), "", "float32", "Speeds; units in kinematic_unit."),
        "kinematic_floor": _wide(("kinematic",), "", "Speed that the error of places alone would show."),
        "measure_value": Variable(
            ("time", "measure"), "", "float32", "Named measures; units in measure_unit.", required=False
        ),
        "held_out": _wide(("candidate",), ONE, "Log-likelihood per frame of blocks that were not fitted."),
        "held_out_se": _wide(("candidate",), ONE, "Its standard error over blocks."),
        "stability": _wide(
            ("candidate",), ONE, "Agreement of the labels of models of different blocks (ARI)."
        ),
        "bic": _wide(("candidate",), ONE, "Bayesian information criterion of fits to blocks; not used."),
        "component_spectrum": _wide(
            ("rank",), ONE, "Variance of every component of the shape.", required=False
        ),
        "model_start": _wide(_STATE, ONE, "Probability of each state at the start."),
        "model_transitions": _wide(("state", "next_state"), ONE, "Transition probabilities per frame."),
        "model_means": _wide(("state", "feature"), ONE, "Mean of each state."),
        "model_covariances": _wide(("state", "feature", "other_feature"), ONE, "Covariance of each state."),
        "model_template": _wide(
            ("keypoint", "space"), _LENGTH, "Shape on which frames are aligned.", required=False
        ),
        "model_centre": _wide(
            ("keypoint", "space"), _LENGTH, "Median shape of all recordings.", required=False
        ),
        "model_mean": _wide(("coordinate",), _LENGTH, "Mean of the centred coordinates.", required=False),
        "model_weight": _wide(("keypoint",), ONE, "Weight of each point.", required=False),
        "model_loadings": _wide(
            ("component", "coordinate"), ONE, "Loadings of the components.", required=False
        ),
        "model_variances": _wide(("component",), ONE, "Variances of the components.", required=False),
    },
    per_frame=False,
    per_roi=False,
    coordinates={
        "time": Variable(("time",), SECOND, "float64", "Time of the state, session clock."),
        "state": Variable(_STATE, ONE, "int64", "Number of the state."),
        "next_state": Variable(("next_state",), ONE, "int64", "Number of the next state."),
        "feature": Variable(("feature",), "", "str", "Name of the feature."),
        "keypoint": Variable(("keypoint",), "", "str", "Name of the point.", required=False),
        "space": Variable(("space",), "", "str", "Axis of space.", required=False),
        "axis": Variable(("axis",), "", "str", "Axis of rotation.", required=False),
        "kinematic": Variable(("kinematic",), "", "str", "Name of the speed."),
        "kinematic_unit": Variable(("kinematic",), "", "str", "Its unit."),
        "measure": Variable(("measure",), "", "str", "Name of the measure.", required=False),
        "measure_unit": Variable(("measure",), "", "str", "Its unit.", required=False),
        "candidate": Variable(("candidate",), ONE, "int64", "Number of states that was tried."),
    },
    more_dimensions=frozenset(
        {
            "next_state",
            "bout",
            "chain",
            "step",
            "axis",
            "kinematic",
            "measure",
            "candidate",
            "other_feature",
            "coordinate",
            "rank",
        }
    ),
)
"""What `states.nc` looks like."""


@analysis(
    "states",
    version=VERSION,
    params=StatesParams,
    inputs=[
        OutcomeIn(name, required=False)
        for name in ("pose", "pose3d", "pupil", "blink", "motion", "svd", "running")
    ],
    outputs=STATES,
)
def states(params: StatesParams) -> Reducer:  # noqa: ARG001 - the form of a declaration
    """Find states in keypoints and traces: expressions, behaviours."""
    raise RecipeError(
        "P403",
        "analysis 'states'",
        "it takes outcomes or tracks, not frames",
        hint="mystax states FACE.mystax",
    )

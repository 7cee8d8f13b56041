"""Declaration of the analysis `pose`: keypoints of the face in every frame, by the tracker network."""

from collections.abc import Mapping, Sequence

from mystax.analyses.pose_params import PoseParams
from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable

__all__ = ["POSE", "STILLS", "pose"]

_POINT = ("time", "keypoint", "individual")
_PLACE = ("time", "space", "keypoint", "individual")
_COVARIANCE = ("time", "cov", "keypoint", "individual")

POSE = Schema(
    {
        "position": Variable(_PLACE, "px", "float32", "Place of the point, smoothed over time."),
        "position_raw": Variable(
            _PLACE, "px", "float32", "Place of the point in this frame alone.", raw=True
        ),
        "covariance": Variable(_COVARIANCE, "px2", "float32", "Covariance of the smoothed place."),
        "measurement_covariance": Variable(
            _COVARIANCE, "px2", "float32", "Covariance of the place in this frame alone.", raw=True
        ),
        "confidence": Variable(
            _POINT, "1", "float32", "Probability that the point is in view and placed well.", raw=True
        ),
        "visibility": Variable(_POINT, "1", "float32", "Probability that the point is in view.", raw=True),
        "flag": Variable(_POINT, "1", "uint8", "Remarks on the point, as bits; see flag_meanings."),
    },
    per_roi=False,
    coordinates={
        "space": Variable(("space",), "", "str", "Axis of the picture."),
        "cov": Variable(("cov",), "", "str", "Element of the covariance."),
        "keypoint": Variable(("keypoint",), "", "str", "Name of the point."),
        "individual": Variable(("individual",), "", "str", "Name of the animal or person."),
    },
    more_dimensions=frozenset({"cov"}),
)

STILLS = Schema(
    {
        name: Variable(("image", *variable.dims[1:]), variable.unit, variable.dtype, variable.help)
        for name, variable in POSE.variables.items()
    },
    per_frame=False,
    per_roi=False,
    coordinates={**POSE.coordinates, "image": Variable(("image",), "", "str", "File name of the picture.")},
    more_dimensions=POSE.more_dimensions | {"image"},
)
"""A pose in single pictures: the dimension `image` instead of `time`."""


def _weights_id(params: PoseParams) -> Sequence[Mapping[str, object]]:
    """Name the weights by their digest: other weights are another outcome."""
    from mystax.io.weights import digest_for_plans, find_weights

    mark = digest_for_plans(find_weights(params.weights))
    return [{"role": "weights", "camera": "", "position": 0, "id": mark}]


def _check(params: PoseParams, camera: str, shape: tuple[int, int]) -> None:
    """Refuse what cannot be used on the pictures of a camera."""
    from mystax.analyses.pose_checks import check_pose

    check_pose(params, camera, shape)


@analysis(
    "pose",
    version=1,
    params=PoseParams,
    inputs=[FramesIn(), RoiIn("face", many=False, whole_frame=True)],
    outputs=POSE,
    more_inputs=_weights_id,
    still_outputs=STILLS,
    check=_check,
)
def pose(params: PoseParams) -> Reducer:
    """Track the keypoints of the face: places, their covariances and calibrated confidence."""
    from mystax.analyses.pose_reducer import PoseReducer

    return PoseReducer(params)

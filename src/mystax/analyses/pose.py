"""Declaration of the analysis `pose`: keypoints of the face in every frame, by the tracker network."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

__all__ = ["POSE", "STILLS", "PoseParams", "pose"]

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


class PoseParams(Params):
    """Parameters of `pose`."""

    weights: str = param("mouse-face", help="Installed weights by name, or the path of an .onnx file.")
    keypoints: str = param(
        "auto", help="auto (13 of the shipped weights, else all), all, a set, or names joined by commas."
    )
    box: str = param(
        "auto", help="Face box: auto, frame, or x,y,side[,quarter turns] of its top left corner [px]."
    )
    no_face: Literal["frame", "skip"] = param(
        "frame", help="Where no face is found: track the whole frame, or skip the camera (recipe standard)."
    )
    smooth: Literal["none", "ml", "adaptive"] = param(
        "adaptive", help="adaptive: strong where a point is still; ml: one strength per point; none."
    )
    min_cutoff: float | None = param(
        None, ge=0.5, le=200, unit="Hz", help="Never smooth away movement below this frequency."
    )
    max_gap: float = param(0.25, ge=0, le=5, unit="s", help="Longest hole that the smoothed places bridge.")
    low_confidence: float = param(0.5, ge=0, le=1, help="Points below it are flagged low_confidence.")
    batch: int = param(
        0, ge=0, le=1024, help="Frames per call of the network; 0 = by device.", affects_result=False
    )
    device: Literal["auto", "cpu", "cuda", "coreml", "dml"] = param(
        "auto", help="Where the network runs; auto takes a GPU if there is one.", affects_result=False
    )


def _weights_id(params: PoseParams) -> Sequence[Mapping[str, object]]:
    """Name the weights by their digest: other weights are another outcome."""
    from mystax.io.weights import check_digest, find_weights

    return [
        {"role": "weights", "camera": "", "position": 0, "id": check_digest(find_weights(params.weights))}
    ]


@analysis(
    "pose",
    version=1,
    params=PoseParams,
    inputs=[FramesIn(), RoiIn("face", many=False, whole_frame=True)],
    outputs=POSE,
    more_inputs=_weights_id,
    still_outputs=STILLS,
)
def pose(params: PoseParams) -> Reducer:
    """Track the keypoints of the face: places, their covariances and calibrated confidence."""
    from mystax.analyses.pose_reducer import PoseReducer

    return PoseReducer(params)

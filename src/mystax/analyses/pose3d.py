"""Declaration of the analysis `pose3d`: keypoints in space from the poses of several calibrated cameras."""

from mystax.core.analysis import OutcomeIn, Reducer, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param
from mystax.errors import RecipeError

__all__ = ["COV3", "POSE3D", "VERSION", "Pose3dParams", "pose3d"]

VERSION = 2

COV3 = ("xx", "xy", "xz", "yy", "yz", "zz")
_POINT = ("time", "keypoint", "individual")
_PLACE = ("time", "space", "keypoint", "individual")
_COVARIANCE = ("time", "cov", "keypoint", "individual")
_CAMERA = ("time", "camera", "keypoint", "individual")

POSE3D = Schema(
    {
        "position": Variable(_PLACE, "mm", "float32", "Place of the point, smoothed over time."),
        "position_raw": Variable(_PLACE, "mm", "float32", "Place of the point from this frame alone."),
        "confidence": Variable(_POINT, "1", "float32", "Mean confidence of the cameras that agree."),
        "covariance": Variable(_COVARIANCE, "mm2", "float32", "Covariance of the smoothed place."),
        "covariance_raw": Variable(_COVARIANCE, "mm2", "float32", "Covariance of the place from this frame."),
        "used": Variable(
            _CAMERA, "1", "int8", "1: the camera agrees, 0: rejected, -1: does not see the point."
        ),
        "residual": Variable(
            _CAMERA, "px", "float32", "Distance of the camera's point from the projected one."
        ),
        "residual_left_out": Variable(
            _CAMERA, "px", "float32", "The same, from the point that the other cameras give."
        ),
        "ray_angle": Variable(_POINT, "rad", "float32", "Largest angle between the rays used."),
        "flag": Variable(_POINT, "1", "uint8", "Remarks on the point, as bits; see flag_meanings."),
        "n_cameras": Variable(
            _POINT, "1", "int16", "Cameras that saw the point, where a file tells no more; -1 unknown.", False
        ),
        "measures": Variable(("time", "measure"), "", "float32", "Named measures, see measure_unit.", False),
        "measure_sd": Variable(
            ("time", "measure"), "", "float32", "Standard deviation of the measures.", False
        ),
        "rotation": Variable(("space", "space2"), "1", "float64", "R of the axes: X' = R (X - origin)."),
        "origin": Variable(("space",), "mm", "float64", "Origin of the axes in the rig's frame."),
    },
    per_roi=False,
    coordinates={
        "space": Variable(("space",), "", "str", "Axis in space."),
        "cov": Variable(("cov",), "", "str", "Element of the covariance."),
        "keypoint": Variable(("keypoint",), "", "str", "Name of the point."),
        "individual": Variable(("individual",), "", "str", "Name of the animal or person."),
        "camera": Variable(("camera",), "", "str", "Name of the camera."),
        "measure": Variable(("measure",), "", "str", "Name of the measure.", False),
        "measure_unit": Variable(("measure",), "", "str", "Unit of the measure.", False),
    },
    more_dimensions=frozenset({"cov", "measure", "space2"}),
)


class Pose3dParams(Params):
    """Parameters of `pose3d`."""

    smooth: str = param("auto", help="auto: strength per point from the data; none; or a cut-off [Hz].")
    order: int = param(2, ge=2, le=3, help="Order of the differences that smoothing keeps small.")
    axes: str = param(
        "", help="Axes such as 'x=nose_tip:eye_front z=chin:nose_top'; set: those of the keypoint set."
    )
    origin: str = param("", help="Point that becomes the origin of the axes.")
    primary: bool = param(False, help="Keep the first axis exact instead of fitting all alike.")
    limbs: str = param(
        "", help="Pairs of constant distance, such as 'ear_left-ear_right'; set: those of the set."
    )
    min_confidence: float = param(0.1, ge=0, le=1, help="Points of a camera below it are not used.")
    max_gap: float = param(0.25, ge=0, le=5, unit="s", help="Longest hole that the smoothed places bridge.")
    robust: bool = param(True, help="Reject cameras that contradict the others.")
    pixel_sd: float | None = param(
        None, gt=0, le=50, unit="px", help="SD of points that come without covariance; found from the data."
    )


@analysis("pose3d", version=VERSION, params=Pose3dParams, inputs=[OutcomeIn("pose")], outputs=POSE3D)
def pose3d(params: Pose3dParams) -> Reducer:
    """Bring the keypoints of calibrated cameras together in space, with covariance and quality."""
    raise RecipeError(
        "P403",
        "analysis 'pose3d'",
        f"it takes poses and a rig, not frames (smooth={params.smooth!r})",
        hint="mystax triangulate face.mystax --rig calibration.toml",
    )

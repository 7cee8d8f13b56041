"""Declaration of the analysis `motion`: how much each region moves, frame by frame."""

from typing import Literal

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

__all__ = ["MOTION", "MotionParams", "motion"]

_TRACE = ("time", "roi")
_PICTURE = ("y", "x")

MOTION = Schema(
    {
        "energy": Variable(
            _TRACE, "grey_level", "float32", "Mean absolute difference to the frame before.", raw=True
        ),
        "energy_norm": Variable(
            _TRACE, "s-1", "float32", "Relative change of brightness per second, sensor noise taken off."
        ),
        "brightness": Variable(_TRACE, "grey_level", "float32", "Mean grey level.", raw=True),
        "saturated": Variable(
            _TRACE, "1", "float32", "Share of pixels that are black or white to the full.", raw=True
        ),
        "light_step": Variable(
            _TRACE, "1", "int8", "1 where the light changed by > 5 %, -1 missing.", raw=True
        ),
        "noise_floor": Variable(("roi",), "1", "float32", "Relative difference of the quietest pairs."),
        "n_bins": Variable(("roi",), "1", "int32", "Number of bins of the region."),
        "mean_frame": Variable(_PICTURE, "grey_level", "float32", "Mean of all frames, per bin."),
        "mean_motion": Variable(_PICTURE, "grey_level", "float32", "Mean absolute difference, per bin."),
    }
)


class MotionParams(Params):
    """Parameters of `motion`."""

    bin: int | Literal["auto"] = param(
        "auto",
        ge=1,
        le=32,
        unit="px",
        help="Side of the square of pixels that is averaged first; auto: 4 for 640 x 480.",
    )
    black: float = param(
        0.0, ge=0, le=64, unit="grey level", help="Level of no light, subtracted before normalising."
    )
    floor: float = param(
        5.0, ge=0, le=50, unit="%", help="Percentile of the quietest pairs taken as sensor noise; 0 = none."
    )


@analysis(
    "motion",
    version=1,
    params=MotionParams,
    inputs=[FramesIn(), RoiIn("motion", many=True, whole_frame=True)],
    outputs=MOTION,
)
def motion(params: MotionParams) -> Reducer:
    """Measure how much each region moves, in grey levels and comparable between sessions."""
    from mystax.compute.motion import MotionReducer

    return MotionReducer(
        size=None if params.bin == "auto" else params.bin, black=params.black, floor=params.floor
    )

"""Declaration of `running`: movement of a wheel, ball or belt from frame to frame."""

import math

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Coordinate, Schema, Variable
from mystax.core.params import Params, param

__all__ = ["RUNNING", "RunningParams", "running"]

RUNNING = Schema(
    {
        "shift": Variable(
            ("time", "roi", "space"),
            "px",
            "float32",
            "Movement of the surface since the frame before.",
            raw=True,
        ),
        "peak": Variable(
            ("time", "roi"),
            "1",
            "float32",
            "Height of the correlation's peak, in sd of the correlation.",
            raw=True,
        ),
        "velocity": Variable(
            ("time", "roi", "space"), "px s-1", "float32", "Velocity of the surface.", raw=True
        ),
        "speed": Variable(
            ("time", "roi"),
            "px s-1",
            "float32",
            "Velocity along the forward direction, else its length.",
            raw=True,
        ),
        "velocity_scaled": Variable(
            ("time", "roi", "space"),
            "mm s-1",
            "float32",
            "Velocity by the region's scale.",
            required=False,
            raw=True,
        ),
    },
    coordinates={"space": Coordinate(("space",), "", "str", "x to the right, y down.")},
)


class RunningParams(Params):
    """Parameters of `running`."""

    taper: float = param(0.15, ge=0.05, le=0.5, help="Share of each side of the region that is faded out.")
    blur: float = param(1.0, ge=0, le=5, unit="px", help="Width (sd) of the Gaussian on the correlation.")
    max_shift: float = param(
        0.4, ge=0.1, le=0.5, help="Largest shift per frame, as a share of the region's smaller side."
    )
    min_peak: float = param(8.0, ge=0, le=100, unit="sd", help="Shifts with a weaker peak are missing.")
    direction: float | None = param(
        None, ge=-180, le=180, unit="deg", help="Forward direction of the surface (0 right, 90 down)."
    )


@analysis("running", version=1, params=RunningParams, inputs=[FramesIn(), RoiIn("running")], outputs=RUNNING)
def running(params: RunningParams) -> Reducer:
    """Movement of a running surface (wheel, ball, belt) in each frame."""
    from mystax.compute.running import RunningReducer

    return RunningReducer(
        taper=params.taper,
        blur=params.blur,
        max_shift=params.max_shift,
        min_peak=params.min_peak,
        direction=None if params.direction is None else math.radians(params.direction),
    )

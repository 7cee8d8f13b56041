"""Declaration of the analysis `pupil`: size, place and confidence of the pupil, frame by frame."""

from typing import Literal

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

__all__ = ["PUPIL", "PupilParams", "pupil"]

_TRACE = ("time", "roi")

PUPIL = Schema(
    {
        "area": Variable(_TRACE, "px2", "float32", "Area of the pupil's ellipse.", raw=True),
        "diameter": Variable(_TRACE, "px", "float32", "Diameter of the circle of the same area.", raw=True),
        "major": Variable(_TRACE, "px", "float32", "Length of the long axis of the ellipse.", raw=True),
        "minor": Variable(_TRACE, "px", "float32", "Length of the short axis of the ellipse.", raw=True),
        "angle": Variable(_TRACE, "rad", "float32", "Direction of the long axis, from x to y.", raw=True),
        "centre": Variable(
            (*_TRACE, "space"), "px", "float32", "Centre of the ellipse in the picture.", raw=True
        ),
        "confidence": Variable(_TRACE, "1", "float32", "0..1, how well picture and ellipse agree.", raw=True),
        "rim_seen": Variable(_TRACE, "1", "float32", "Share of the rim that was found.", raw=True),
        "contrast": Variable(
            _TRACE, "grey_level", "float32", "How much brighter the ring around it is.", raw=True
        ),
        "reflection": Variable(
            _TRACE, "1", "float32", "Share of the ellipse hidden by reflections.", raw=True
        ),
        "area_smooth": Variable(_TRACE, "px2", "float32", "Running median of the good areas."),
        "diameter_smooth": Variable(_TRACE, "px", "float32", "Running median of the good diameters."),
        "centre_smooth": Variable((*_TRACE, "space"), "px", "float32", "Running median of the good centres."),
        "diameter_scaled": Variable(
            _TRACE, "mm", "float32", "Diameter by the region's scale.", False, raw=True
        ),
        "area_scaled": Variable(_TRACE, "mm2", "float32", "Area by the region's scale.", False, raw=True),
        "threshold": Variable(("roi",), "grey_level", "float32", "Darker pixels can be pupil (first try)."),
        "reflection_level": Variable(
            ("roi",), "grey_level", "float32", "Brighter pixels are reflections; 256: none."
        ),
        "inverted": Variable(("roi",), "1", "int8", "1 where the pupil is brighter than its surroundings."),
    },
    coordinates={"space": Variable(("space",), "", "str", "Axis of the picture.")},
)


class PupilParams(Params):
    """Parameters of `pupil`."""

    method: Literal["rim", "moments"] = param(
        "rim", help="rim: ellipse through the edge of the pupil; moments: weighted moments, for comparison."
    )
    threshold: float | Literal["auto"] = param(
        "auto", ge=1, le=255, unit="grey level", help="Darker pixels can be pupil (Facemap's saturation)."
    )
    sigma: float = param(
        2.0,
        gt=0,
        le=6,
        unit="sd",
        help="Pixels farther than this many standard deviations are not pupil (moments and first guess).",
    )
    polarity: Literal["dark", "bright", "auto"] = param(
        "dark", help="bright: the pupil is brighter than the iris (laser light through the eye)."
    )
    reflection_level: float | Literal["auto"] = param(
        "auto",
        ge=128,
        le=256,
        unit="grey level",
        help="Spots at least this bright are masked with 2 px around them; 256 = none.",
    )
    min_confidence: float = param(0.65, ge=0, le=1, help="Below it the values of a frame are missing.")
    max_axis_ratio: float = param(2.0, ge=1, le=4, help="Longer ellipses are not a pupil.")
    smooth: float = param(0.2, ge=0, le=5, unit="s", help="Window of the running median.")
    max_gap: float = param(
        0.3, ge=0, le=10, unit="s", help="Longest hole that the smoothed traces bridge by a straight line."
    )
    facemap_compat: bool = param(
        False,
        help="Moments as Facemap 1.0 computes them, for comparison only: every frame gets its number.",
    )


@analysis(
    "pupil", version=1, params=PupilParams, inputs=[FramesIn(), RoiIn("pupil", many=True)], outputs=PUPIL
)
def pupil(params: PupilParams) -> Reducer:
    """Measure size, place and confidence of the pupil in every frame."""
    from mystax.compute.pupil import PupilReducer

    return PupilReducer(params)

"""Declaration of the analysis `blink`: how open the lids are, and each blink with start and stop."""

from typing import Literal

from mystax.core.analysis import FramesIn, Reducer, RoiIn, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params, param

__all__ = ["BLINK", "BlinkParams", "blink"]

_TRACE = ("time", "roi")
_EVENT = ("event",)

BLINK = Schema(
    {
        "darkness": Variable(
            _TRACE, "grey_level", "float32", "Mean darkness of the region below its level.", raw=True
        ),
        "openness": Variable(_TRACE, "1", "float32", "Darkness over that of the open eye, 0..1.5."),
        "closed": Variable(_TRACE, "1", "int8", "1 closed, 0 open, -1 missing."),
        "level": Variable(("roi",), "grey_level", "float32", "Darker pixels are eye."),
        "event_start": Variable(_EVENT, "s", "float64", "First time at which the eye is closed."),
        "event_stop": Variable(_EVENT, "s", "float64", "First time at which it is open again."),
        "event_depth": Variable(_EVENT, "1", "float32", "1 - lowest openness, at least 0."),
        "event_roi": Variable(_EVENT, "", "str", "Region of the event."),
        "event_kind": Variable(_EVENT, "1", "int8", "0 blink, 1 closure (longer than a blink)."),
        "event_cut": Variable(_EVENT, "1", "int8", "1 if its start or stop was not seen."),
    }
)


class BlinkParams(Params):
    """Parameters of `blink`."""

    level: float | Literal["auto"] = param(
        "auto", ge=1, le=255, unit="grey level", help="Darker pixels are eye; auto: Otsu's threshold."
    )
    threshold: float = param(0.4, ge=0, le=1, help="Openness below which the eye counts as closed.")
    baseline: float = param(60.0, ge=5, le=600, unit="s", help="Window of the level of the open eye.")
    min_duration: float = param(0.03, ge=0, le=10, unit="s", help="Shorter closings are not counted.")
    max_duration: float = param(0.5, gt=0, le=60, unit="s", help="Longer closings are called closures.")


@analysis(
    "blink", version=1, params=BlinkParams, inputs=[FramesIn(), RoiIn("blink", many=True)], outputs=BLINK
)
def blink(params: BlinkParams) -> Reducer:
    """Measure how open the lids are in every frame, and list blinks and closures."""
    from mystax.compute.blink import BlinkReducer

    return BlinkReducer(params)

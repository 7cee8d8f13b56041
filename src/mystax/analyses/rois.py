"""Declaration of `rois`: proposals of regions, from samples and without a decode pass."""

from mystax.core.analysis import FramesIn, Reducer, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.params import Params

__all__ = ["ROIS", "RoisParams", "rois"]

ROIS = Schema(
    {
        "confidence": Variable(("roi",), "1", "float32", "How sure the proposal is, 0..1."),
        "agreement": Variable(("roi",), "1", "float32", "Share of samples that agree; NaN for a face."),
        "mean_frame": Variable(("y", "x"), "grey_level", "float32", "Mean of the samples, per bin."),
        "mean_motion": Variable(
            ("y", "x"), "grey_level", "float32", "Mean absolute difference to the next frame, per bin."
        ),
    },
    per_frame=False,
)


class RoisParams(Params):
    """Parameters of `rois`: none."""


@analysis("rois", version=1, params=RoisParams, inputs=[FramesIn()], outputs=ROIS)
def rois(params: RoisParams) -> Reducer:  # noqa: ARG001 - there is nothing to choose
    """Propose where the face and the eye are."""
    from mystax.compute.proposals import RoisReducer

    return RoisReducer()

"""Declaration of `rois`: proposals of regions, from samples and without a decode pass."""

from collections.abc import Mapping, Sequence

from mystax.core.analysis import FramesIn, Pass, Reducer, analysis
from mystax.core.dataset import Schema, Variable
from mystax.core.geometry import Rectangle
from mystax.core.params import Params
from mystax.core.recording import FrameChunk

__all__ = ["ROIS", "RoisParams", "rois", "tracked_face"]

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

WEIGHTS = "mouse-face"
LEAST_SIDE = 64
"""Pictures below this side [px] are not searched for a face."""
N_FRAMES, LEAST_POINTS, SURE = 24, 20, 0.5
"""Frames that the face is measured in, and how many points of all of them must be sure."""
MARGIN = 0.2
"""Room about the points, as a share of the longer side of what they span."""


class RoisParams(Params):
    """Parameters of `rois`: none."""


def _weights_id(_: RoisParams) -> Sequence[Mapping[str, object]]:
    """Name the weights by their digest: other weights are another outcome."""
    from mystax.io.weights import digest_for_plans, find_weights

    return [{"role": "weights", "camera": "", "position": 0, "id": digest_for_plans(find_weights(WEIGHTS))}]


@analysis("rois", version=2, params=RoisParams, inputs=[FramesIn()], outputs=ROIS, more_inputs=_weights_id)
def rois(params: RoisParams) -> Reducer:  # noqa: ARG001 - there is nothing to choose
    """Propose where the face and the eye are."""
    from mystax.compute.proposals import RoisReducer

    return RoisReducer(tracked_face)


def tracked_face(samples: FrameChunk, source: Pass) -> tuple[Rectangle, float] | None:
    """Find the face with the tracker's shipped weights, where `pose` finds its box.

    The square that the network sees leaves room around the face, where a wheel may turn; the region is what
    the sure points span, with a margin.

    Parameters
    ----------
    samples : FrameChunk
        Frames spread over the recording.
    source : Pass
        The camera.

    Returns
    -------
    (Rectangle, float) or None
        The face in the picture, and the mean confidence of eye and nose; None where that is below 0.3.
    """
    frames = [frame for frame, good in zip(samples.data, samples.valid, strict=True) if good]
    rows, columns = source.shape
    if not frames or min(rows, columns) < LEAST_SIDE:
        return None
    import numpy as np

    from mystax.core.geometry import Box
    from mystax.nets.face_box import find_face_box
    from mystax.nets.predictor import open_predictor, points_for_box

    predictor = open_predictor(WEIGHTS, device="cpu", cores=source.tiles.cores, bits=source.bits)
    found = find_face_box(frames, predictor.place, points_for_box(predictor.every), predictor.score)
    if not found.is_found:
        return None
    chosen = np.unique(np.linspace(0, len(frames) - 1, N_FRAMES).round().astype(np.int64))
    xy, sure = predictor.place([frames[i] for i in chosen], found.box)
    usual = [predictor.every.ids.index(name) for name in predictor.keypoints.ids]
    good = (sure[:, usual] >= SURE) & np.isfinite(xy[:, usual]).all(axis=-1)
    if good.sum() < LEAST_POINTS:
        return None
    low, high = np.percentile(xy[:, usual][good], [5, 95], axis=0)
    margin = MARGIN * float((high - low).max())
    edges = [round(float(value)) for value in (*(low - margin), *(high + margin + 1.0))]
    face = Box(*edges).clip((rows, columns))
    return Rectangle(face.x0, face.y0, face.width, face.height), found.score

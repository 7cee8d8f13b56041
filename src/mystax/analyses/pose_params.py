"""Parameters of the analysis `pose`, for its declaration and for its reducer."""

from typing import Literal

from mystax.core.params import Params, param

__all__ = ["PoseParams"]


class PoseParams(Params):
    """Parameters of `pose`."""

    weights: str = param("mouse-face", help="Installed weights by name, or the path of an .onnx file.")
    keypoints: str = param(
        "auto",
        help="auto (13 of the shipped weights, else all), all, a set, or names joined by commas.",
        joined=True,
    )
    box: str = param(
        "auto",
        help="Face box: auto, frame, or x,y,side[,quarter turns] of its top left corner [px].",
        joined=True,
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

"""Installed weights as a function of labelled frames: what a model says where people have labelled."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mystax.engine.labels.frames import LabelledFrames, PoseFunction, Predictions

if TYPE_CHECKING:
    from mystax.nets.crop import CropBox
else:
    CropBox = Any

__all__ = ["pose_function"]


def pose_function(
    weights: str | Path, *, box: str | Sequence[CropBox] = "frame", device: str = "auto"
) -> PoseFunction:
    """Return the function that a network is for labelled frames.

    Parameters
    ----------
    weights : str or Path
        Installed weights by name, or the path of an .onnx file.
    box : str or sequence of CropBox, optional
        ``frame`` (the smallest square that holds the picture) or ``x,y,side[,quarter turns]``; or the box of
        each frame.
    device : str, optional
        Where the network runs.

    Returns
    -------
    callable
        Takes labelled frames and gives places, confidences and covariances of their points, matched by name
        and alias; NaN for points that the network does not know.

    Raises
    ------
    ParameterError
        P401, if there are no such weights.
    WeightsError
        M701, M702, if they are damaged.
    """
    from mystax.nets.box_text import parse_box
    from mystax.nets.predictor import open_predictor

    predictor = open_predictor(weights, keypoints="all", device=device)

    def predict(frames: LabelledFrames) -> Predictions:
        shape = (len(frames), len(frames.ids))
        position, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
        covariance = np.full((*shape, 3), np.nan)
        points = [frames.keypoints.point(name) for name in frames.ids]
        known = [
            next((f for n in p.names() if (f := predictor.every.find(n)) is not None), None) for p in points
        ]
        places = [-1 if one is None else predictor.every.ids.index(one.id) for one in known]
        mine = [k for k, place in enumerate(places) if place >= 0]
        theirs = [places[k] for k in mine]
        for row in range(len(frames)):
            pixels = frames.picture(row)
            square = parse_box(box, pixels.shape) if isinstance(box, str) else box[row]
            crop = predictor.crop(pixels, square)
            if crop is None:
                confidence[row, mine] = 0.0
                continue
            found = predictor.predict(crop[None], square, pixels.shape)
            position[row, mine] = found.xy[0, theirs]
            confidence[row, mine] = found.confidence[0, theirs]
            covariance[row, mine] = found.covariance[0, theirs]
        return Predictions(position, confidence, covariance)

    return predict

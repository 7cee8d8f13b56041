"""Regions out of the variables of the outcome `rois`."""

import numpy as np
import pytest

from mystax.core.geometry import Ellipse, Rectangle
from mystax.core.proposed import PROPOSED, rois_of_variables
from mystax.errors import RoiError


def proposed(*shapes: str, camera: str = "left") -> dict[str, np.ndarray]:
    """Make the variables of a camera whose regions have these shapes."""
    return {
        "roi": np.array([f"r{k}" for k in range(len(shapes))], str),
        "roi_camera": np.full(len(shapes), camera),
        "roi_kind": np.array(["face", "pupil"][: len(shapes)], str),
        "roi_shape": np.array(shapes, str),
        "confidence": np.array([0.75, 0.123456][: len(shapes)], np.float32),
    }


SHAPES = (
    '{"rectangle": [2, 3, 40, 30]}',
    '{"ellipse": [20.0, 21.0, 9.0, 8.0]}',
)


def test_regions_have_kind_camera_confidence_and_size_of_the_frame() -> None:
    face, eye = rois_of_variables([(proposed(*SHAPES), {"frame_width": 64, "frame_height": 48})])
    assert (face.name, face.kind, face.camera, face.source) == ("r0", "face", "left", "proposed")
    assert face.shape == Rectangle(2, 3, 40, 30)
    assert isinstance(eye.shape, Ellipse)
    assert (face.confidence, eye.confidence) == (0.75, 0.1235)
    assert face.frame_size == (64, 48)


def test_names_hold_the_camera_only_where_there_are_several() -> None:
    one = proposed(SHAPES[0])
    other = proposed(*SHAPES, camera="right")
    names = [roi.name for roi in rois_of_variables([(one, {}), (other, {})])]
    assert names == ["left_r0", "right_r0", "right_r1"]
    assert [roi.name for roi in rois_of_variables([(other, {})])] == ["r0", "r1"]


@pytest.mark.parametrize("variables", [{}, proposed()], ids=["no variable", "no region"])
def test_nothing_proposed_is_no_region(variables: dict[str, np.ndarray]) -> None:
    assert rois_of_variables([(variables, {"frame_width": 64, "frame_height": 48})]) == ()
    assert set(variables) <= set(PROPOSED)


def test_a_shape_that_is_not_understood_is_refused() -> None:
    with pytest.raises(RoiError, match="P402"):
        rois_of_variables([(proposed('{"star": [1, 2]}'), {})])

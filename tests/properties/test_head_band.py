"""Rendered profiles: one real head lies well inside the spread of all coordinates, not in its middle."""

import numpy as np
import pytest

from mystax.core.typing import Float64
from mystax.synth.draws import Draw
from mystax.synth.head_mesh import KEYPOINTS, build_head
from mystax.synth.head_scene import draw_expression
from mystax.synth.head_shape import draw_shape
from mystax.synth.head_truth import draw_slips, place_keypoints

REAL = {
    "eye_front": (0.85, -0.06),
    "eye_top": (1.04, -0.13),
    "eye_bottom": (0.97, 0.10),
    "eye_back": (1.13, 0.08),
    "nose_top": (0.12, -0.09),
    "nose_bottom": (0.04, 0.15),
    "whisker_I": (0.47, 0.09),
    "whisker_II": (0.49, 0.19),
    "whisker_III": (0.45, 0.28),
    "mouth": (0.35, 0.51),
    "lower_lip": (0.43, 0.59),
}
"""A real head in profile: along the axis from nose tip to eye, and ventral of it, by their distance."""
N_HEADS = 240


@pytest.fixture(scope="module")
def profiles() -> Float64[np.ndarray, "head keypoint 2"]:
    """Coordinates of rendered heads seen from the left, in the same units."""
    found = []
    for k in range(N_HEADS):
        draw = Draw((31, k))
        shape = draw_shape(draw)
        mesh = build_head(shape, draw_expression(draw, shape, 1))
        points = place_keypoints(mesh, 1, draw_slips(draw), np.array([0.6, 15.0, -0.1]))[:, [0, 2]]
        nose = points[KEYPOINTS.index("nose_tip")]
        axis = points[:4].mean(axis=0) - nose
        length = np.hypot(*axis)
        along, ventral = axis / length, np.array([axis[1], -axis[0]]) / length
        found.append(np.stack([(points - nose) @ along, (points - nose) @ ventral], axis=1) / length)
    return np.array(found)


@pytest.mark.parametrize("name", REAL)
def test_a_real_head_lies_inside_the_band(
    name: str, profiles: Float64[np.ndarray, "head keypoint 2"]
) -> None:
    low, high = np.nanpercentile(profiles[:, KEYPOINTS.index(name)], [5, 95], axis=0)
    assert (low < REAL[name]).all()
    assert (REAL[name] < high).all()


def test_the_ranges_are_not_centred_on_that_head(profiles: Float64[np.ndarray, "head keypoint 2"]) -> None:
    places = [
        (profiles[:, KEYPOINTS.index(name), axis] < value).mean()
        for name, pair in REAL.items()
        for axis, value in enumerate(pair)
    ]
    assert np.mean(np.abs(np.array(places) - 0.5)) > 0.08


def test_shapes_spread_far_more_than_labels_slip(profiles: Float64[np.ndarray, "head keypoint 2"]) -> None:
    for name in ("whisker_I", "mouth", "lower_lip"):
        assert (np.nanstd(profiles[:, KEYPOINTS.index(name)], axis=0) > 0.05).all(), name

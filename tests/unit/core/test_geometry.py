"""Regions of interest: masks, bins, boxes, texts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.geometry import Box, Ellipse, Polygon, Rectangle, Roi, Shape, roi_from_dict, roi_from_text
from mystax.errors import RoiError

shapes = st.one_of(
    st.builds(Rectangle, st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20)),
    st.builds(
        Ellipse,
        st.floats(5, 30),
        st.floats(5, 30),
        st.floats(0.6, 12),
        st.floats(0.6, 12),
        st.floats(-math.pi / 2, math.pi / 2),
    ),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=6).map(
        lambda points: Polygon(tuple((float(x), float(y)) for x, y in points))
    ),
)


def test_rectangle_holds_width_times_height_pixels() -> None:
    mask = Roi("a", "motion", Rectangle(3, 2, 5, 4)).mask((20, 30))
    assert mask.sum() == 20
    assert mask[2:6, 3:8].all()


def test_large_disc_has_the_area_of_a_disc() -> None:
    mask = Roi("a", "pupil", Ellipse(200, 200, 150, 150)).mask((400, 400))
    assert mask.sum() == pytest.approx(math.pi * 150**2, rel=1e-3)


def test_turned_ellipse_keeps_area_and_turns_its_long_axis() -> None:
    mask = Roi("a", "pupil", Ellipse(100, 100, 80, 20, math.pi / 2)).mask((200, 200))
    rows, columns = np.nonzero(mask)
    assert mask.sum() == pytest.approx(math.pi * 80 * 20, rel=5e-3)
    assert np.ptp(rows) == 160
    assert np.ptp(columns) == 40


def test_polygon_includes_its_outline() -> None:
    square = Polygon(((2.0, 2.0), (6.0, 2.0), (6.0, 6.0), (2.0, 6.0)))
    assert Roi("a", "motion", square).mask((10, 10)).sum() == 25


def test_triangle_agrees_with_half_planes() -> None:
    mask = Roi("a", "motion", Polygon(((0.0, 0.0), (20.0, 0.0), (0.0, 20.0)))).mask((30, 30))
    y, x = np.mgrid[0:30, 0:30]
    assert np.array_equal(mask, x + y <= 20)


def test_bins_belong_by_their_centre() -> None:
    roi = Roi("a", "motion", Rectangle(8, 8, 96, 96))
    bins = roi.bins((120, 120), 4)
    assert bins.sum() == 24 * 24
    assert bins[2:26, 2:26].all()


@given(shapes, st.integers(1, 6))
def test_bins_equal_the_mask_at_the_bins_centres(shape: Shape, size: int) -> None:
    roi = Roi("a", "motion", shape)
    bins = roi.bins((43, 41), size)
    assert bins.shape == (43 // size, 41 // size)
    for row, column in np.ndindex(bins.shape):
        x = np.array(column * size + (size - 1) / 2)
        y = np.array(row * size + (size - 1) / 2)
        assert bins[row, column] == bool(shape.contains(x, y))


@given(shapes)
def test_box_holds_every_pixel_of_the_mask(shape: Shape) -> None:
    roi = Roi("a", "motion", shape)
    mask, box = roi.mask((60, 60)), roi.box((60, 60))
    outside = mask.copy()
    outside[box.y0 : box.y1, box.x0 : box.x1] = False
    assert not outside.any()


@given(shapes)
def test_dictionary_and_roi_are_each_others_inverse(shape: Shape) -> None:
    roi = Roi("a", "pupil", shape, "face", (Ellipse(1, 2, 3, 4),), (0.01, 0.02), "proposed", (640, 480), 0.7)
    back = roi_from_dict(roi.as_dict())
    assert type(back.shape) is type(shape)
    assert back.shape.numbers() == pytest.approx(shape.numbers(), abs=1e-9)
    assert len(back.reflections) == 1
    assert (back.camera, back.scale, back.source, back.frame_size, back.confidence) == (
        "face",
        (0.01, 0.02),
        "proposed",
        (640, 480),
        0.7,
    )


def test_one_scale_stands_for_both_directions() -> None:
    entry = {"name": "a", "kind": "pupil", "ellipse": [5, 5, 2, 2], "scale": 0.011}
    assert roi_from_dict(entry).scale == (0.011, 0.011)
    assert roi_from_dict(entry).as_dict()["scale"] == 0.011


def test_command_line_text_gives_the_same_roi_as_a_file() -> None:
    roi = roi_from_text("pupil:ellipse:210,140,40,32,90@left=eye")
    assert (roi.name, roi.kind, roi.camera) == ("eye", "pupil", "left")
    assert roi.shape == Ellipse(210, 140, 40, 32, math.pi / 2)


def test_command_line_roi_without_name_is_called_by_its_kind() -> None:
    assert roi_from_text("running:rectangle:0,0,64,64").name == "running"
    assert roi_from_text("motion:polygon:0,0,9,0,0,9").shape == Polygon(((0, 0), (9, 0), (0, 9)))


@pytest.mark.parametrize(
    "text",
    [
        "pupil",
        "pupil:disc:1,2,3",
        "pupil:ellipse:a,b",
        "eye:ellipse:1,2,3,4",
        "pupil:ellipse:1,2,-3,4",
        "motion:rectangle:1,2,3",
        "motion:rectangle:1.5,2,3,4",
        "motion:polygon:1,2,3,4",
        "motion:ellipse:nan,1,1,1",
    ],
)
def test_roi_text_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(RoiError, match="P402"):
        roi_from_text(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "pupl"}, "did you mean 'pupil'"),
        ({"elipse": [1, 2, 3, 4]}, "unknown field 'elipse'"),
        ({"name": ""}, "expected a name"),
        ({"scale": -1}, "positive numbers"),
        ({"scale": [1, 2, 3]}, "positive numbers"),
        ({"ellipse": "big"}, "a list of numbers"),
        ({"rectangle": [0, 0, 4, 4]}, "one shape is needed"),
    ],
)
def test_entry_with_a_mistake_is_refused_by_name(change: dict[str, object], message: str) -> None:
    entry: dict[str, object] = {"name": "a", "kind": "pupil", "ellipse": [5, 5, 2, 2], **change}
    with pytest.raises(RoiError, match=message):
        roi_from_dict(entry)


def test_box_arithmetic() -> None:
    box = Box(2, 3, 10, 9)
    assert (box.width, box.height) == (8, 6)
    assert box.grow(3).clip((8, 12)) == Box(0, 0, 12, 8)
    assert box.union(Box(0, 5, 3, 20)) == Box(0, 3, 10, 20)

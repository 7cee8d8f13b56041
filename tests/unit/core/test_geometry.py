"""Regions of interest: masks, bins, boxes, texts."""

import math
from inspect import unwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.geometry import Box, Ellipse, Polygon, Rectangle, Roi, Shape, roi_from_dict, roi_from_text
from mystax.errors import RoiError
from tests.fixtures.refusals import attempt

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


def test_command_line_shape_that_is_unknown_gets_the_nearest() -> None:
    with pytest.raises(RoiError, match="unknown shape 'elipse'; did you mean 'ellipse'"):
        roi_from_text("pupil:elipse:1,2,3,4")


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


WRONG_FIELDS: dict[str, tuple[dict[str, object], str]] = {
    "scale that is text": ({"scale": ["a", "b"]}, "scale as one or two positive numbers"),
    "scale with a hole": ({"scale": [1, None]}, "scale as one or two positive numbers"),
    "scale that is no number": ({"scale": math.nan}, "scale as one or two positive numbers"),
    "scale that is a truth value": ({"scale": True}, "scale as one or two positive numbers"),
    "scale of one number in a list": ({"scale": [0.1]}, "scale as one or two positive numbers"),
    "size of three numbers": ({"frame_size": [640, 480, 3]}, "frame_size as width and height"),
    "size that is text": ({"frame_size": "640x480"}, "frame_size as width and height"),
    "size with a broken pixel": ({"frame_size": [640.5, 480]}, "frame_size as width and height"),
    "size of nothing": ({"frame_size": [0, 480]}, "frame_size as width and height"),
    "reflections without a list": ({"reflections": {"ellipse": [1, 1, 1, 1]}}, "reflections as a list"),
    "reflections that are numbers": ({"reflections": [3]}, "a table with one shape"),
    "reflections without a shape": ({"reflections": [{}]}, "one shape is needed"),
    "source": ({"source": "drown"}, "did you mean 'drawn'"),
    "camera": ({"camera": 5}, "camera as a name"),
    "confidence that is text": ({"confidence": "high"}, "0 <= confidence <= 1"),
    "confidence above 1": ({"confidence": 1.01}, "0 <= confidence <= 1"),
    "confidence that is no number": ({"confidence": math.nan}, "0 <= confidence <= 1"),
    "truth values as coordinates": ({"ellipse": [True, True, 1, 1]}, "the ellipse is not understood"),
    "a number that no picture has": ({"ellipse": [10**400, 1, 1, 1]}, "the ellipse is not understood"),
}


@pytest.mark.parametrize("what", WRONG_FIELDS)
def test_no_field_that_cannot_be_used_is_dropped_silently(what: str) -> None:
    change, message = WRONG_FIELDS[what]
    entry: dict[str, object] = {"name": "a", "kind": "pupil", "ellipse": [5, 5, 2, 2], **change}
    with pytest.raises(RoiError, match=message) as caught:
        roi_from_dict(entry, "rois.toml")
    assert caught.value.code == "P402"
    assert caught.value.where == "rois.toml: roi 'a'"


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.binary(max_size=3),
)
trees = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    [
        "name",
        "kind",
        "camera",
        "ellipse",
        "rectangle",
        "polygon",
        "reflections",
        "scale",
        "frame_size",
        "source",
        "confidence",
    ]
)


@given(st.dictionaries(fields, trees, max_size=3))
def test_whatever_stands_in_a_field_the_entry_is_taken_or_refused_with_p402(
    change: dict[str, object],
) -> None:
    entry: dict[str, object] = {"name": "a", "kind": "pupil", "ellipse": [5, 5, 2, 2], **change}
    roi, refusal = attempt(lambda: roi_from_dict(entry))
    if roi is not None:
        assert roi_from_dict(roi.as_dict()) == roi
    else:
        assert refusal is not None
        assert refusal.code == "P402"


@given(st.text(alphabet="pupilmotonrectangle:,@=0123456789.-e ", max_size=40))
def test_any_roi_text_is_taken_or_refused_with_p402(text: str) -> None:
    roi, refusal = attempt(lambda: roi_from_text(text))
    if refusal is not None:
        assert refusal.code == "P402"
        assert repr(text) in refusal.where
    else:
        assert roi is not None
        assert roi.name


@given(shapes, st.integers(-50, 50), st.integers(-50, 50))
def test_a_moved_shape_has_the_moved_mask(shape: Shape, dx: int, dy: int) -> None:
    if isinstance(shape, Rectangle):
        moved: Shape = Rectangle(shape.x + dx, shape.y + dy, shape.width, shape.height)
    elif isinstance(shape, Ellipse):
        # A whole number of pixels on a grid of 2^-10, so that the sum is exact.
        cx, cy = (round(value * 1024) / 1024 for value in (shape.cx, shape.cy))
        shape = Ellipse(cx, cy, shape.rx, shape.ry, shape.angle)
        moved = Ellipse(cx + dx, cy + dy, shape.rx, shape.ry, shape.angle)
    else:
        moved = Polygon(tuple((x + dx, y + dy) for x, y in shape.points))
    y, x = np.mgrid[-60:120, -60:120].astype(np.float64)
    assert np.array_equal(moved.contains(x + dx, y + dy), shape.contains(x, y))


@given(st.floats(2, 20), st.floats(2, 20), st.floats(-math.pi, math.pi))
def test_half_a_turn_leaves_an_ellipse_as_it_is(rx: float, ry: float, angle: float) -> None:
    there, back = (Ellipse(25.25, 24.75, rx, ry, turn) for turn in (angle, angle + math.pi))
    y, x = np.mgrid[:50, :50].astype(np.float64)
    # Points on the outline may fall to either side by rounding.
    c, s = math.cos(angle), math.sin(angle)
    u, v = (x - 25.25) * c + (y - 24.75) * s, -(x - 25.25) * s + (y - 24.75) * c
    clear = np.abs((u / rx) ** 2 + (v / ry) ** 2 - 1) > 1e-9
    assert np.array_equal(there.contains(x, y)[clear], back.contains(x, y)[clear])


@given(st.builds(Rectangle, st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20)))
def test_a_rectangle_fills_its_box(shape: Rectangle) -> None:
    mask, box = Roi("a", "motion", shape).mask((60, 60)), shape.box()
    assert mask[box.y0 : box.y1, box.x0 : box.x1].all()
    assert mask.sum() == box.width * box.height


def test_a_box_outside_the_picture_is_empty() -> None:
    box = Box(50, 60, 70, 80).clip((40, 30))
    assert (box.width, box.height) == (0, 0)
    assert Box(5, 5, 3, 2).width == 0


def test_region_on_a_named_camera_is_the_same_region() -> None:
    roi = Roi("a", "pupil", Ellipse(5, 5, 2, 2), scale=(0.1, 0.2))
    assert roi.at("left").camera == "left"
    assert roi.at("left").at("") == roi


def test_shape_as_text_is_the_entry_of_a_file() -> None:
    import json

    roi = Roi("a", "pupil", Ellipse(5.5, 6, 2, 3, math.pi / 6))
    entry = {"name": "a", "kind": "pupil", **json.loads(roi.shape_json())}
    assert roi_from_dict(entry).shape.numbers() == pytest.approx([5.5, 6, 2, 3, 30])


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        (Ellipse(math.nan, 20, 10, 10), {}),
        (Ellipse(20, 20, 0, 10), {}),
        (Ellipse(20, 20, 10, 10, math.inf), {}),
        (Rectangle(20, 20, -10, 10), {}),
        (Polygon(((1.0, 1.0), (9.0, 9.0))), {}),
        (Ellipse(20, 20, 5, 5), {"scale": (0.01, -0.01)}),
        (Ellipse(20, 20, 5, 5), {"scale": (0.01, math.nan)}),
        (Ellipse(20, 20, 5, 5), {"reflections": (Ellipse(20, 20, 0, 1),)}),
    ],
)
def test_region_that_cannot_be_is_refused_where_it_is_made(shape: Shape, more: dict[str, object]) -> None:
    with pytest.raises(RoiError, match="P402") as caught:
        Roi("eye", "pupil", shape, **more)  # type: ignore[arg-type] # options of one case
    assert "roi 'eye'" in str(caught.value)


def make_unchecked(**fields: object) -> Roi:
    """Make a region without the types that tests check."""
    roi = object.__new__(Roi)
    unwrap(Roi.__init__)(roi, **fields)
    return roi


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "Motion"}, "did you mean 'motion'"),
        ({"name": ""}, "expected a name"),
        ({"name": None}, "expected a name"),
        ({"shape": (0, 0, 32, 32)}, "a Rectangle, an Ellipse or a Polygon"),
        ({"shape": Box(0, 0, 32, 32)}, "a Rectangle, an Ellipse or a Polygon"),
        ({"scale": "ab"}, "positive numbers"),
        ({"source": "x"}, "unknown source"),
        ({"confidence": 7}, "0 <= confidence <= 1"),
        ({"frame_size": (0, 64)}, "width and height"),
        ({"reflections": Ellipse(5, 5, 2, 2)}, "a list of shapes"),
        ({"camera": 3}, "camera as a name"),
    ],
)
def test_fields_that_cannot_be_are_refused_where_a_region_is_made(
    wrong: dict[str, object], message: str
) -> None:
    fields: dict[str, object] = {"name": "eye", "kind": "pupil", "shape": Ellipse(20, 20, 5, 5), **wrong}
    with pytest.raises(RoiError, match=rf"(?i)P402.*{message}"):
        make_unchecked(**fields)


def test_fields_become_what_a_file_would_give() -> None:
    points = ((4.0, 5.0), (20.0, 8.0), (9.0, 30.0))
    shape = Polygon(points)
    object.__setattr__(shape, "points", np.array(points))
    roi = make_unchecked(name="a", kind="pupil", shape=shape, scale=0.1, frame_size=[80, 64])
    assert (roi.shape, roi.scale, roi.frame_size) == (Polygon(points), (0.1, 0.1), (80, 64))


def test_points_of_a_polygon_are_pairs() -> None:
    triples = [[1, 2, 3], [40, 5, 6], [30, 50, 9], [1, 2, 3]]
    with pytest.raises(RoiError, match=r"P402.*at least three points x, y"):
        roi_from_dict({"name": "a", "kind": "motion", "polygon": triples})
    shape = Polygon(((1.0, 2.0), (40.0, 5.0), (30.0, 50.0), (9.0, 9.0)))
    object.__setattr__(shape, "points", tuple(tuple(point) for point in triples))
    with pytest.raises(RoiError, match=r"P402.*pairs x, y"):
        Roi("a", "motion", shape)
    flat = roi_from_dict({"name": "a", "kind": "motion", "polygon": [1, 2, 40, 5, 30, 50]})
    assert flat.shape == Polygon(((1.0, 2.0), (40.0, 5.0), (30.0, 50.0)))


def test_sides_of_a_rectangle_are_whole_numbers_whatever_their_type() -> None:
    """Pictures are cut by them; without the tests' check of types anything may stand there."""
    whole, broken = Rectangle(4, 5, 30, 20), Rectangle(4, 5, 30, 20)
    object.__setattr__(whole, "width", np.float64(30))
    object.__setattr__(broken, "width", 30.5)
    roi = Roi("a", "motion", whole, scale=(np.float64(0.1), 0.1))
    assert (roi.shape, roi.scale) == (Rectangle(4, 5, 30, 20), (0.1, 0.1))
    assert all(type(number) is int for number in roi.shape.numbers())
    with pytest.raises(RoiError, match=r"P402.*whole pixels"):
        Roi("a", "motion", broken)

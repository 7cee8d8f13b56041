"""Pictures with outlines: regions stand where they are, labels do not cover each other."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi
from mystax.core.recording import ArraySource
from mystax.plot.labels import Labels
from mystax.plot.pictures import Picture, View
from mystax.plot.regions import (
    Scene,
    movement_figure,
    outline_of,
    pupil_examples,
    regions_figure,
    rois_of,
)
from tests.fixtures.plot_outcomes import ROIS, motion, pupil, rois

PICTURE = Picture(np.zeros((48, 64), np.uint8), (-0.5, 63.5, 47.5, -0.5), "frame 7")


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [
        (Rectangle(3, 4, 10, 5), (2.5, 3.5), (12.5, 8.5)),
        (Ellipse(20, 10, 6, 2), (14, 8), (26, 12)),
        (Ellipse(20, 10, 6, 2, np.pi / 2), (18, 4), (22, 16)),
        (Polygon(((1.0, 2.0), (9.0, 2.0), (5.0, 7.0))), (1, 2), (9, 7)),
    ],
)
def test_outlines_enclose_their_pixels(
    shape: Rectangle | Ellipse | Polygon, low: tuple[float, float], high: tuple[float, float]
) -> None:
    points = outline_of(shape)
    np.testing.assert_allclose(points.min(axis=0), low, atol=0.02)
    np.testing.assert_allclose(points.max(axis=0), high, atol=0.02)
    np.testing.assert_array_equal(points[0], points[-1])


def test_regions_come_back_from_an_outcome() -> None:
    (found,) = rois_of(pupil())
    assert (found.name, found.kind) == ("eye", "pupil")
    assert found.shape.numbers() == pytest.approx(ROIS["pupil"].shape.numbers())
    assert found.confidence is None


def test_proposed_regions_know_their_confidence() -> None:
    found = {roi.name: roi.confidence for roi in rois_of(rois())}
    assert found == pytest.approx({"face": 0.7, "eye": 0.4})


def test_regions_without_a_shape_are_left_out() -> None:
    assert rois_of(motion().assign_coords(roi_shape=("roi", [""]))) == []
    assert rois_of(motion().drop_vars("roi_shape")) == []


def test_every_region_has_its_outline_and_its_name() -> None:
    made = regions_figure([Scene("", PICTURE, list(ROIS.values()))])
    axes = made.figure.axes[0]
    assert sorted(item.get_text() for item in axes.texts) == ["eye", "lid", "pad", "wheel"]
    assert axes.get_title(loc="left") == "frame 7"
    assert "proposed" not in made.text
    assert all(name in made.alternative for name in ("eye", "lid", "pad", "wheel"))


def test_proposed_regions_are_dashed_and_show_their_confidence() -> None:
    made = regions_figure([Scene("", PICTURE, rois_of(rois()))])
    axes = made.figure.axes[0]
    assert sorted(item.get_text() for item in axes.texts) == ["eye 0.40", "face 0.70"]
    assert {line.get_linestyle() for line in axes.get_lines()} == {"-", "--"}
    assert "proposed by mystax" in made.text


def test_the_whole_frame_is_no_outline() -> None:
    made = regions_figure([Scene("", PICTURE, [Roi("frame", "motion", Rectangle(0, 0, 64, 48))])])
    assert made.figure.axes[0].get_lines() == []
    assert "whole frame was measured" in made.text


def test_cameras_stand_side_by_side() -> None:
    made = regions_figure([Scene(name, PICTURE, [ROIS["motion"]]) for name in ("left", "right", "top")])
    assert [axes.get_title(loc="left") for axes in made.figure.axes[:3]] == [
        "left, frame 7",
        "right, frame 7",
        "top, frame 7",
    ]


def test_labels_do_not_cover_each_other_and_stay_in_the_picture() -> None:
    with_axes = Figure(figsize=(5, 4))
    labels = Labels(with_axes, with_axes.subplots(), (-0.5, 319.5, 239.5, -0.5))
    for number in range(6):
        labels.add(f"region {number}", outline_of(Ellipse(60, 5 + number, 20, 15)), "red")
    boxes = labels._taken
    for k, (x, y, width, height) in enumerate(boxes):
        assert min(x, y) >= -0.5
        assert x + width <= 319.5
        assert y + height <= 239.5
        for other in boxes[:k]:
            assert min(x + width, other[0] + other[2]) <= max(x, other[0]) or min(
                y + height, other[1] + other[3]
            ) <= max(y, other[1])


def test_labels_wider_than_the_picture_are_still_written() -> None:
    drawing = Figure(figsize=(1, 1))
    axes = drawing.subplots()
    Labels(drawing, axes, (-0.5, 9.5, 9.5, -0.5)).add(
        "a very long name", outline_of(Ellipse(5, 5, 2, 2)), "red"
    )
    assert len(axes.texts) == 1


def test_movement_is_drawn_in_its_place_on_the_picture() -> None:
    made = movement_figure([View("", motion(), PICTURE)])
    assert made is not None
    ground, heat = made.figure.axes[0].images
    assert tuple(ground.get_extent()) == tuple(heat.get_extent()) == (-0.5, 63.5, 47.5, -0.5)
    assert float(np.nanmax(heat.get_array())) == pytest.approx(10.0)  # type: ignore[arg-type] # a masked array
    assert "60 valid frames" in made.text


def test_outcomes_without_a_picture_have_no_movement() -> None:
    assert movement_figure([View("", motion().drop_vars("mean_motion"))]) is None
    assert movement_figure([View("", motion() * np.nan)]) is None


def _eye(n: int = 60) -> ArraySource:
    return ArraySource(np.random.default_rng(0).integers(0, 255, (n, 48, 64), np.uint8), 30)


def test_eight_fits_are_shown_two_best_two_worst() -> None:
    dataset = pupil()
    sure = np.linspace(0.7, 0.9, 60, dtype=np.float32)
    dataset["confidence"] = (("time", "roi"), sure[:, None])
    (made,) = pupil_examples(dataset, _eye())
    frames = list(made.numbers["frame"])
    assert len(frames) == 8
    assert frames[:2] == [59, 58]
    assert sorted(frames[-2:]) == [0, 1]
    assert not set(frames) & set(range(20, 25))


def test_fits_are_drawn_on_their_frame() -> None:
    source = _eye()
    (made,) = pupil_examples(pupil(), source, "left")
    frame = int(np.asarray(made.numbers["frame"])[0])
    image = made.figure.axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    whole = source.frame_at(frame).data[0]
    shown = whole[round(top + 0.5) : round(bottom + 0.5), round(left + 0.5) : round(right + 0.5)]
    np.testing.assert_array_equal(np.asarray(image.get_array()), shown)
    line = np.asarray(made.figure.axes[0].get_lines()[0].get_xydata())
    np.testing.assert_allclose(line[:-1].mean(axis=0), [30, 20], atol=0.01)
    assert made.title == "Fitted pupils: left: eye"


def test_fewer_frames_with_a_value_make_fewer_examples() -> None:
    dataset = pupil()
    dataset["area"][3:] = np.nan
    (made,) = pupil_examples(dataset, _eye())
    assert sorted(made.numbers["frame"]) == [0, 1, 2]
    dataset["area"][:] = np.nan
    assert pupil_examples(dataset, _eye()) == []

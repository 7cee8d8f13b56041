"""Figures of `svd`: masks at their aspect and place, also over several cameras."""

import numpy as np
import pytest

from mystax.plot.components import MASKS, svd_figures
from mystax.plot.pictures import Picture, View
from mystax.plot.style import WIDTH
from tests.fixtures.plot_outcomes import ROIS, joint_svd, svd


def test_the_strongest_masks_and_the_curve_are_drawn() -> None:
    (made,) = svd_figures([View("", svd(n_components=20))])
    titles = [axes.get_title(loc="left") for axes in made.figure.axes]
    assert titles == [*map(str, range(1, 13)), ""]
    assert len(made.numbers["captured"]) == 20
    assert "20 components hold 90.0 % of the variance" in made.text


def test_masks_keep_the_aspect_of_their_bins_without_the_padding() -> None:
    (made,) = svd_figures([View("", svd())])
    width, height = made.figure.get_size_inches()
    for axes in made.figure.axes[:5]:
        place = axes.get_position()
        assert place.height * height / (place.width * width) == pytest.approx(12 / 16)
        assert np.asarray(axes.images[0].get_array()).shape == (12, 16)


@pytest.mark.parametrize("shape", [(3, 60), (60, 3), (1, 1), (30, 40)])
def test_masks_of_any_shape_stay_in_their_part_of_the_figure(shape: tuple[int, int]) -> None:
    dataset = svd().drop_vars("motion_mask")
    mask = np.random.default_rng(1).normal(size=(1, 5, *shape)).astype(np.float32)
    dataset["motion_mask"] = (("roi", "component", "y", "x"), mask)
    (made,) = svd_figures([View("", dataset)])
    places = [axes.get_position() for axes in made.figure.axes[:5]]
    assert max(place.x1 for place in places) <= (MASKS + 2) / WIDTH
    assert min(place.y0 for place in places) >= 0
    assert not any(one.overlaps(two) for k, one in enumerate(places) for two in places[:k])


def test_colours_are_centred_on_zero() -> None:
    (made,) = svd_figures([View("", svd())])
    low, high = made.figure.axes[0].images[0].get_clim()
    assert low == -high


def test_the_place_of_the_region_is_shown() -> None:
    picture = Picture(np.zeros((48, 64)), (-0.5, 63.5, 47.5, -0.5), "frame 0")
    (made,) = svd_figures([View("left", svd(), picture)])
    box = made.figure.axes[-1].patches[0]
    assert box.get_bbox().bounds == (8, 8, 32, 24)  # type: ignore[attr-defined] # a rectangle


def test_masks_of_all_cameras_are_pasted_side_by_side() -> None:
    (made,) = svd_figures([View("all_cameras", joint_svd())])
    drawn = np.asarray(made.figure.axes[0].images[0].get_array().filled(np.nan))  # type: ignore[union-attr] # masked
    expected = np.full((2, 7), np.nan)
    expected[:, :3] = [[1, 2, 3], [4, 5, 6]]
    expected[0, 5:] = [7, 8]
    np.testing.assert_array_equal(drawn, expected)
    assert made.title == "Components of motion: all cameras"
    made.svg()


def test_regions_without_components_give_no_figure() -> None:
    dataset = svd()
    dataset["motion_mask"] = dataset["motion_mask"] * np.nan
    assert svd_figures([View("", dataset)]) == []
    assert svd_figures([View("", dataset.drop_vars("motion_mask"))]) == []


def test_imported_masks_without_place_and_variance_are_drawn() -> None:
    dataset = svd().drop_vars(["x_origin", "y_origin", "motion_captured", "motion_singular_value"])
    del dataset.attrs["bin"]
    picture = Picture(np.zeros((48, 64)), (-0.5, 63.5, 47.5, -0.5), "frame 0")
    (made,) = svd_figures([View("", dataset, picture)])
    assert "5 components hold an unknown share" in made.text
    made.svg()


def test_a_constant_mask_is_drawn() -> None:
    dataset = svd(n_components=1)
    dataset["motion_mask"] = dataset["motion_mask"] * 0
    (made,) = svd_figures([View("", dataset)])
    assert "1 component holds" in made.text


def test_each_region_of_each_camera_has_files_of_its_own() -> None:
    views = [View("left", svd()), View("right", svd()), View("all_cameras", joint_svd())]
    names = [item.name for item in svd_figures(views)]
    assert names == ["svd_motion_left_pad", "svd_motion_right_pad", "svd_motion_all_cameras"]
    assert ROIS["motion"].name == "pad"


@pytest.mark.parametrize("aspect", [0.3, 0.75, 1.0, 1.6])
def test_twelve_masks_fill_their_rows(aspect: float) -> None:
    dataset = svd(n_components=12).drop_vars("motion_mask")
    mask = np.ones((1, 12, round(20 * aspect), 20), np.float32)
    dataset["motion_mask"] = (("roi", "component", "y", "x"), mask)
    (made,) = svd_figures([View("", dataset)])
    rows = [round(axes.get_position().y0, 4) for axes in made.figure.axes[:12]]
    assert len({rows.count(row) for row in rows}) == 1

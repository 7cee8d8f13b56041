"""What is decided before the first frame, and the geometry of the region."""

from dataclasses import replace

import numpy as np
import pytest

from mystax.analyses.pupil import PupilParams
from mystax.compute.pupil_decide import decide_pupil
from mystax.compute.pupil_field import PupilDecided, PupilField
from mystax.core.geometry import Box, Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource
from mystax.synth.eye import Eye, eye_case, render_eye


def decided(eye: Eye, params: PupilParams | None = None, n: int = 6) -> PupilDecided:
    frames = np.stack([render_eye(eye, i) for i in range(n)])
    source = ArraySource(frames)
    return decide_pupil(source.sample(64), PupilField(eye.roi(), source.shape), params or PupilParams())


def test_thresholds_lie_between_pupil_and_iris_in_their_order() -> None:
    first, second, third = decided(Eye()).thresholds
    assert 40 < second < first < third < 110
    assert first == pytest.approx(40 + 0.35 * 70, abs=3)
    assert second == pytest.approx(40 + 0.2 * 70, abs=3)
    assert third == pytest.approx(40 + 0.5 * 70, abs=3)


def test_given_threshold_is_the_only_one() -> None:
    assert decided(Eye(), PupilParams(threshold=77.0)).thresholds == (77.0,)


def test_reflection_level_is_sixty_above_the_median_but_at_least_200() -> None:
    assert decided(Eye(iris_grey=110.0)).reflection_level == 200.0
    assert decided(Eye(iris_grey=160.0, skin_grey=170.0)).reflection_level == pytest.approx(220.0, abs=1)


def test_level_256_masks_nothing() -> None:
    assert decided(Eye(), PupilParams(reflection_level=256.0)).reflection_level == np.inf


def test_given_reflection_level_is_used() -> None:
    assert decided(Eye(), PupilParams(reflection_level=180.0)).reflection_level == 180.0


@pytest.mark.parametrize(("case", "is_bright"), [("clean", False), ("bright", True), ("gradient", False)])
def test_automatic_polarity_is_that_of_the_eye(case: str, is_bright: bool) -> None:
    assert decided(eye_case(case, 5), PupilParams(polarity="auto")).is_bright is is_bright


def test_bright_pupil_is_not_taken_for_a_reflection() -> None:
    eye = replace(eye_case("bright", 1), pupil_grey=215.0)
    assert decided(eye, PupilParams(polarity="bright")).reflection_level > 240.0


def test_reflections_do_not_enter_the_thresholds() -> None:
    eye = Eye(radius=10.0)
    spots = tuple((x, 35.0, 4.0) for x in (30.0, 42.0, 66.0, 78.0))
    plain, spotted = decided(eye), decided(replace(eye, reflections=spots))
    np.testing.assert_allclose(spotted.thresholds, plain.thresholds, atol=1.5)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_constant_samples_are_called_flat(grey: int) -> None:
    source = ArraySource(np.full((4, 60, 60), grey, np.uint8))
    field = PupilField(Roi("p", "pupil", Rectangle(5, 5, 50, 50)), source.shape)
    assert decide_pupil(source.sample(64), field, PupilParams()).is_flat


def test_eye_is_not_called_flat() -> None:
    assert not decided(Eye()).is_flat


@pytest.mark.parametrize("polarity", ["dark", "auto"])
def test_recording_without_a_good_frame_is_flat(polarity: str) -> None:
    source = ArraySource(np.zeros((3, 60, 60), np.uint8), reason=np.ones(3))
    field = PupilField(Roi("p", "pupil", Rectangle(5, 5, 50, 50)), source.shape)
    params = PupilParams.model_validate({"polarity": polarity})
    assert decide_pupil(source.sample(64), field, params).is_flat


def test_region_covered_by_a_drawn_reflection_is_flat() -> None:
    roi = Roi("p", "pupil", Rectangle(5, 5, 20, 20), reflections=(Rectangle(0, 0, 40, 40),))
    source = ArraySource(np.zeros((3, 60, 60), np.uint8))
    assert decide_pupil(source.sample(64), PupilField(roi, source.shape), PupilParams()).is_flat


def test_box_has_three_pixels_around_the_region_inside_the_picture() -> None:
    roi = Roi("p", "pupil", Rectangle(2, 10, 20, 12))
    assert PupilField(roi, (24, 60)).box == Box(0, 7, 25, 24)


def test_mask_of_the_box_is_the_mask_of_the_picture() -> None:
    roi = Roi("p", "pupil", Ellipse(30.5, 22.0, 14.0, 9.0, 0.4))
    field = PupilField(roi, (50, 60))
    box = field.box
    whole = np.zeros((50, 60), bool)
    whole[box.y0 : box.y1, box.x0 : box.x1] = field.mask == 1
    np.testing.assert_array_equal(whole, roi.mask((50, 60)))


def test_border_is_all_but_the_depth_of_the_region() -> None:
    field = PupilField(Roi("p", "pupil", Rectangle(10, 10, 20, 20)), (60, 60))
    inner = np.zeros_like(field.border)
    inner[5:21, 5:21] = 1
    np.testing.assert_array_equal(field.border, 1 - inner)


def test_edge_of_the_picture_is_a_border_too() -> None:
    field = PupilField(Roi("p", "pupil", Rectangle(0, 0, 30, 30)), (30, 30))
    assert field.border[0].all()
    assert not field.border[5, 5]


def test_random_numbers_start_from_the_name_alone() -> None:
    one = PupilField(Roi("left", "pupil", Rectangle(0, 0, 30, 30)), (60, 60))
    moved = PupilField(Roi("left", "pupil", Rectangle(9, 9, 30, 30), "other"), (80, 90))
    other = PupilField(Roi("right", "pupil", Rectangle(0, 0, 30, 30)), (60, 60))
    assert one.seed == moved.seed
    assert one.seed != other.seed

"""The synthetic eye is what it says it is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mystax.synth.eye import EYE_CASES, Eye, eye_case, eye_movie, lid_openness, paint_eye, render_eye


@settings(deadline=None, max_examples=25)
@given(
    x=st.floats(45, 62),
    y=st.floats(42, 58),
    radius=st.floats(5, 25),
    axis_ratio=st.floats(1.0, 1.4),
    angle=st.floats(0, 3.1),
    blur=st.sampled_from([0.0, 1.0]),
)
def test_painted_pupil_has_its_area_in_closed_form(
    x: float, y: float, radius: float, axis_ratio: float, angle: float, blur: float
) -> None:
    eye = Eye(
        centre=(x, y),
        radius=radius,
        axis_ratio=axis_ratio,
        angle=angle,
        blur=blur,
        opening=(54.5, 49.5, 500.0, 500.0),
    )
    darkness = (eye.iris_grey - paint_eye(eye)) / (eye.iris_grey - eye.pupil_grey)
    assert darkness.sum() == pytest.approx(eye.area, rel=0.002)
    assert eye.area == pytest.approx(math.pi * eye.semi_axes[0] * eye.semi_axes[1])


def test_painted_pupil_has_its_centre() -> None:
    eye = Eye(centre=(50.3, 47.8), radius=12.0, opening=(54.5, 49.5, 500.0, 500.0))
    darkness = eye.iris_grey - paint_eye(eye)
    y, x = np.mgrid[:100, :110]
    centre = (darkness * x).sum() / darkness.sum(), (darkness * y).sum() / darkness.sum()
    np.testing.assert_allclose(centre, eye.centre, atol=0.01)


def test_parts_have_their_grey() -> None:
    picture = paint_eye(Eye(reflections=((62.0, 50.0, 4.0),)))
    assert picture[50, 48] == pytest.approx(40.0)
    assert picture[50, 85] == pytest.approx(110.0)
    assert picture[1, 1] == pytest.approx(160.0)
    assert picture[50, 62] == pytest.approx(255.0, abs=1)


def test_closed_lids_hide_everything() -> None:
    np.testing.assert_allclose(paint_eye(Eye(openness=0.0)), 160.0)


def test_half_open_eye_shows_half_of_the_opening() -> None:
    eye = Eye(skin_grey=200.0, iris_grey=100.0, pupil_grey=100.0)
    areas = [(200.0 - paint_eye(replace(eye, openness=share))).sum() for share in (1.0, 0.5)]
    assert areas[1] / areas[0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("lid", [0.25, 0.5])
def test_lid_covers_its_share_of_the_pupil_from_above(lid: float) -> None:
    eye = Eye(radius=20.0, lid=lid, blur=0.0)
    column = paint_eye(eye)[:, 54]
    dark = np.flatnonzero(column < 75)
    assert dark[0] == pytest.approx(50 - 20 + 40 * lid, abs=1)
    assert dark[-1] == pytest.approx(70, abs=1)


def test_gradient_is_the_difference_across_the_picture() -> None:
    picture = paint_eye(Eye(gradient=60.0, openness=0.0, blur=0.0))
    assert picture[50, -1] - picture[50, 0] == pytest.approx(60.0, abs=1)
    assert picture[-1, 50] - picture[0, 50] == pytest.approx(0.0, abs=1e-9)


def test_noise_has_its_size_and_its_seed() -> None:
    eye = Eye(openness=0.0, noise=5.0)
    one, again, other = (render_eye(eye, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.std() == pytest.approx(5.0, rel=0.03)


def test_canvas_shows_outside_the_opening() -> None:
    canvas = np.full((100, 110), 30.0)
    picture = paint_eye(Eye(), canvas)
    assert picture[1, 1] == pytest.approx(30.0)
    assert (canvas == 30.0).all()


def test_moved_eye_is_the_same_eye_elsewhere() -> None:
    eye = Eye(reflections=((60.0, 45.0, 3.0),))
    far = paint_eye(eye.at(15.0, 8.0, (140, 150)))
    np.testing.assert_allclose(far[10:106, 17:123], paint_eye(eye)[2:98, 2:108], atol=1e-6)


@pytest.mark.parametrize("case", sorted(EYE_CASES))
def test_cases_are_the_same_for_a_seed_and_differ_between_seeds(case: str) -> None:
    assert eye_case(case, 4) == eye_case(case, 4)
    assert eye_case(case, 4) != eye_case(case, 5)


def test_regions_hold_the_eye_and_the_lids() -> None:
    eye = Eye()
    inside, lids = eye.roi(), eye.roi("lids", blink=True)
    assert (inside.kind, lids.kind) == ("pupil", "blink")
    assert not (inside.mask(eye.shape) & ~lids.mask(eye.shape)).any()


def test_movie_has_truth_for_every_frame() -> None:
    movie = eye_movie(30, seed=1, blinks=[(0.3, 0.6)])
    assert movie.source.n_frames == len(movie.area) == len(movie.openness) == 30
    np.testing.assert_allclose(movie.area, np.pi * movie.radius**2)
    assert movie.centre.shape == (30, 2)
    assert movie.openness[12] == 0.0
    assert movie.openness[0] == 1.0
    np.testing.assert_allclose(movie.source.times[:2], [0.0, 1 / 30])


def test_movie_takes_a_given_radius() -> None:
    movie = eye_movie(4, radius=[10.0, 11.0, 12.0, 13.0])
    np.testing.assert_array_equal(movie.radius, [10.0, 11.0, 12.0, 13.0])


def test_frames_of_a_movie_do_not_depend_on_its_length() -> None:
    long, short = eye_movie(6, seed=2), eye_movie(3, seed=2)
    for i in range(3):
        np.testing.assert_array_equal(long.source.frame_at(i).codes, short.source.frame_at(i).codes)


def test_lids_pass_half_way_at_the_given_times() -> None:
    times = np.array([0.90, 0.995, 1.0, 1.005, 1.1, 1.2, 1.3])
    found = lid_openness(times, np.array([1.0]), np.array([1.2]))
    np.testing.assert_allclose(found, [1.0, 0.75, 0.5, 0.25, 0.0, 0.5, 1.0], atol=1e-9)

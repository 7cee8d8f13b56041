"""The pupil in single frames: closed forms, accuracy on the synthetic eye, honesty, preview."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mystax.analyses.pupil import PupilParams
from mystax.compute.pupil_decide import decide_pupil
from mystax.compute.pupil_field import PupilDecided, PupilField
from mystax.compute.pupil_fit import COLUMNS, fit_pupil, preview_pupil
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource
from mystax.synth.eye import Eye, eye_case, render_eye

AREA, MAJOR, MINOR, ANGLE, X, Y, CONFIDENCE = (
    COLUMNS.index(name) for name in ("area", "major", "minor", "angle", "x", "y", "confidence")
)


def measured(
    frames: np.ndarray, roi: Roi, params: PupilParams | None = None, *, bits: int | None = None
) -> np.ndarray:
    """All columns of all frames."""
    settings = params or PupilParams()
    source = ArraySource(frames, bits=bits)
    field = PupilField(roi, source.shape)
    decided = decide_pupil(source.sample(64), field, settings)
    return fit_pupil(next(source.chunks(size=len(frames))), field, decided, settings)


@cache
def accuracy(case: str, params: PupilParams | None = None, n_seeds: int = 60) -> np.ndarray:
    """Relative area error, distance of the centre and confidence; thresholds decided eye by eye."""
    rows = []
    for seed in range(n_seeds):
        eye = eye_case(case, seed)
        row = measured(render_eye(eye, (seed, 1))[None], eye.roi(), params)[0]
        away = math.hypot(row[X] - eye.centre[0], row[Y] - eye.centre[1])
        rows.append((abs(row[AREA] / eye.area - 1.0), away, row[CONFIDENCE]))
    return np.array(rows)


@pytest.mark.parametrize("radius", [8.0, 14.0, 20.0, 26.0])
def test_disc_has_the_area_of_its_radius(radius: float) -> None:
    eye = Eye(radius=radius, noise=0.0)
    row = measured(render_eye(eye)[None], eye.roi())[0]
    assert row[AREA] == pytest.approx(math.pi * radius**2, rel=0.01)
    assert row[MAJOR] / 2 == pytest.approx(radius, abs=0.15)
    assert row[MINOR] / 2 == pytest.approx(radius, abs=0.15)


def test_centre_is_in_source_pixels_wherever_the_region_lies() -> None:
    eye = Eye(noise=0.0).at(37.0, 21.0, (160, 200))
    row = measured(render_eye(eye)[None], eye.roi())[0]
    np.testing.assert_allclose(row[[X, Y]], eye.centre, atol=0.05)


@pytest.mark.parametrize("angle", [0.3, 1.2, 2.6])
def test_ellipse_has_its_axes_and_direction(angle: float) -> None:
    eye = Eye(radius=18.0, axis_ratio=1.5, angle=angle, noise=0.0)
    row = measured(render_eye(eye)[None], eye.roi())[0]
    np.testing.assert_allclose(row[[MAJOR, MINOR]] / 2, eye.semi_axes, atol=0.15)
    assert abs(math.sin(row[ANGLE] - angle)) < 0.03
    assert -math.pi / 2 < row[ANGLE] <= math.pi / 2


@pytest.mark.parametrize(
    ("case", "median", "most"),
    [("clean", 0.008, 0.03), ("low_contrast", 0.012, 0.06), ("gradient", 0.008, 0.034)],
)
def test_area_error_stays_in_its_bounds(case: str, median: float, most: float) -> None:
    error, away, _ = accuracy(case).T
    assert np.median(error) <= median
    assert np.percentile(error, 95) <= most
    assert np.median(away) <= 0.15
    assert np.percentile(away, 95) <= 0.7


def test_two_reflections_do_not_spoil_the_area() -> None:
    error, away, confidence = accuracy("reflections", PupilParams(min_confidence=0.0)).T
    assert (confidence >= 0.65).mean() >= 0.9
    assert np.median(error) <= 0.005
    assert np.percentile(error, 95) <= 0.059
    assert np.percentile(away, 95) <= 0.7


def test_lid_over_a_quarter_leaves_the_area_and_lowers_the_confidence() -> None:
    error, _, confidence = accuracy("lid", PupilParams(min_confidence=0.0)).T
    assert np.nanmedian(error) <= 0.038
    assert np.median(confidence) < 0.65


def test_trusted_frames_are_right_and_many() -> None:
    easy = [accuracy(case) for case in ("clean", "low_contrast", "gradient")]
    hard = [accuracy(case, PupilParams(min_confidence=0.0)) for case in ("reflections", "lid")]
    rows = np.concatenate(easy + hard)  # what is trusted has its values whatever the least confidence is
    trusted = rows[:, 2] >= 0.8
    assert trusted.mean() >= 0.4
    assert np.percentile(rows[trusted, 0], 95) <= 0.032


def test_bright_pupil_is_found_without_being_told() -> None:
    error, away, _ = accuracy("bright", PupilParams(polarity="auto")).T
    assert np.median(error) <= 0.015
    assert np.percentile(error, 95) <= 0.06
    assert np.percentile(away, 95) <= 0.7


def test_bright_pupil_with_a_reflection_keeps_its_area() -> None:
    eye = replace(eye_case("bright", 3), radius=18.0, reflections=((50.0, 46.0, 3.0),))
    row = measured(render_eye(eye, 0)[None], eye.roi(), PupilParams(polarity="bright"))[0]
    assert row[AREA] == pytest.approx(eye.area, rel=0.03)


def test_closed_eye_has_no_value_but_a_confidence() -> None:
    frames = np.stack([render_eye(Eye(openness=1.0 if i % 3 else 0.0), i) for i in range(12)])
    rows = measured(frames, Eye().roi())
    closed = np.arange(12) % 3 == 0
    assert np.isnan(rows[closed][:, [AREA, MAJOR, X, Y]]).all()
    assert (rows[closed, CONFIDENCE] < 0.65).all()
    assert np.isfinite(rows[~closed]).all()


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_constant_picture_has_no_pupil_whatever_is_trusted(grey: int) -> None:
    frames = np.full((3, 100, 110), grey, np.uint8)
    rows = measured(frames, Eye().roi(), PupilParams(min_confidence=0.0))
    assert np.isnan(rows[:, AREA]).all()
    assert (rows[:, CONFIDENCE] == 0.0).all()


def test_pure_noise_has_no_pupil() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (10, 100, 110)).astype(np.uint8)
    assert np.isnan(measured(frames, Eye().roi())[:, AREA]).all()


def test_drawn_reflection_is_left_out_of_the_fit() -> None:
    eye = Eye(radius=18.0, reflections=((60.0, 45.0, 5.0),), spot_grey=150.0)
    plain = eye.roi()
    drawn = replace(plain, reflections=(Ellipse(60.0, 45.0, 8.0, 8.0),))
    frames = render_eye(eye, 3)[None]
    without, with_drawn = measured(frames, plain)[0], measured(frames, drawn)[0]
    assert with_drawn[COLUMNS.index("reflection")] == pytest.approx(64 / 18**2, rel=0.05)
    assert without[COLUMNS.index("reflection")] == 0.0
    assert with_drawn[AREA] == pytest.approx(eye.area, rel=0.01)


def test_deeper_cameras_measure_the_same() -> None:
    eye = Eye(radius=15.0)
    eight = render_eye(eye, 1)[None]
    ten = eight.astype(np.uint16) * 4
    np.testing.assert_array_equal(measured(eight, eye.roi()), measured(ten, eye.roi(), bits=10))


def test_region_at_the_edge_of_the_picture_is_measured_there() -> None:
    eye = Eye(radius=12.0, noise=0.0).at(-25.0, -20.0)
    row = measured(render_eye(eye)[None], Roi("corner", "pupil", Rectangle(0, 0, 70, 65)))[0]
    assert row[AREA] == pytest.approx(eye.area, rel=0.015)


def test_longer_ellipses_than_allowed_are_refused() -> None:
    eye = Eye(radius=15.0, axis_ratio=1.8, noise=0.0)
    frames = render_eye(eye)[None]
    assert np.isfinite(measured(frames, eye.roi())[0, AREA])
    assert np.isnan(measured(frames, eye.roi(), PupilParams(max_axis_ratio=1.3))[0, AREA])


def test_moments_find_centre_and_size_without_a_rim() -> None:
    eye = Eye(radius=20.0, noise=0.0)
    params = PupilParams(method="moments", threshold=100.0)
    row = measured(render_eye(eye)[None], eye.roi(), params)[0]
    assert row[AREA] == pytest.approx(eye.area, rel=0.05)
    np.testing.assert_allclose(row[[X, Y]], eye.centre, atol=0.05)
    assert np.isnan(row[COLUMNS.index("rim_seen")])


def test_compatible_moments_have_a_number_but_no_confidence() -> None:
    eye = Eye(lid=0.25)
    params = PupilParams(facemap_compat=True, threshold=75.0)
    row = measured(render_eye(eye, 1)[None], eye.roi(), params)[0]
    assert np.isfinite(row[AREA])
    assert np.isnan(row[CONFIDENCE])


@pytest.mark.parametrize(
    "params",
    [PupilParams(), PupilParams(method="moments"), PupilParams(facemap_compat=True, threshold=80.0)],
    ids=["rim", "moments", "compat"],
)
def test_preview_equals_the_outcome_bit_for_bit(params: PupilParams) -> None:
    frames = np.stack([render_eye(eye_case("reflections", i), i) for i in range(20)])
    source, roi = ArraySource(frames), Eye().roi()
    field = PupilField(roi, source.shape)
    decided = decide_pupil(source.sample(64), field, params)
    rows = fit_pupil(next(source.chunks()), field, decided, params).astype(np.float32)
    for i in range(20):
        preview = preview_pupil(source.frame_at(i), roi, params, decided)
        np.testing.assert_array_equal(preview.values, rows[i])


def test_preview_shows_what_the_fit_sees() -> None:
    eye = Eye(radius=18.0, reflections=((50.0, 44.0, 3.0),)).at(20.0, 10.0, (130, 150))
    source, roi = ArraySource(render_eye(eye, 2)[None]), eye.roi()
    params = PupilParams()
    decided = decide_pupil(source.sample(64), PupilField(roi, source.shape), params)
    preview = preview_pupil(source.frame_at(0), roi, params, decided)
    x0, y0 = preview.origin
    assert preview.hidden[54 - y0, 70 - x0]
    assert abs(preview.picture[60 - y0, 80 - x0] - 40) < 6
    seen = np.isfinite(preview.points[:, 0])
    away = np.hypot(*(preview.points[seen, :2] - np.array(eye.centre)).T)
    assert np.median(np.abs(away - 18.0)) < 0.3
    assert preview.ellipse[2] == pytest.approx(18.0, abs=0.4)
    assert preview.named["area"] == pytest.approx(eye.area, rel=0.03)


def test_preview_of_a_missing_frame_has_no_numbers() -> None:
    source = ArraySource(render_eye(Eye())[None], reason=np.array([2]))
    preview = preview_pupil(source.frame_at(0), Eye().roi(), PupilParams(), PupilDecided((60.0,), 200.0))
    assert np.isnan(preview.values).all()
    assert np.isnan(preview.ellipse).all()


def test_doubtful_fit_is_shown_in_the_preview_but_has_no_value() -> None:
    source, roi = ArraySource(render_eye(Eye(lid=0.25, radius=18.0), 1)[None]), Eye().roi()
    params = PupilParams(min_confidence=0.99)
    decided = decide_pupil(source.sample(64), PupilField(roi, source.shape), params)
    preview = preview_pupil(source.frame_at(0), roi, params, decided)
    assert np.isnan(preview.named["area"])
    assert np.isfinite(preview.ellipse).all()

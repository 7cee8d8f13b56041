"""What a measurement by a threshold sees: kinds of pixels, grey levels, and the place in the picture."""

import numpy as np
import pytest

from mystax.analyses.blink import BlinkParams
from mystax.analyses.pupil import PupilParams
from mystax.compute.blink import BlinkReducer
from mystax.compute.pupil import PupilReducer
from mystax.compute.sight import DARK, HIDDEN, LIGHT, OUTSIDE, Sight, sight_dataset
from mystax.core.array_source import ArraySource
from mystax.core.geometry import Box, Ellipse, Roi
from mystax.engine.passes import CameraPass
from mystax.synth.eye import Eye, render_eye

PICTURE = np.array([[10.0, 19.6, 20.0], [20.4, 255.0, 30.0]], np.float32)
INSIDE = np.array([[1, 1, 1], [1, 1, 0]], np.uint8)
SPOT = np.array([[False, False, False], [False, True, True]])


def test_each_pixel_is_of_one_kind() -> None:
    found = Sight(PICTURE, INSIDE, SPOT, (20.0, 15.0), Box(4, 5, 7, 7)).kinds
    np.testing.assert_array_equal(found, [[DARK, DARK, LIGHT], [LIGHT, HIDDEN, OUTSIDE]])


def test_grey_levels_of_the_region_are_counted_without_reflections() -> None:
    counts = Sight(PICTURE, INSIDE, SPOT, (20.0,), Box(4, 5, 7, 7)).counts
    assert {level: int(counts[level]) for level in np.flatnonzero(counts)} == {10: 1, 19: 1, 20: 2}


@pytest.mark.parametrize("threshold", [11.0, 19.0, 20.0, 21.0])
def test_levels_below_a_whole_threshold_are_as_many_as_dark_pixels(threshold: float) -> None:
    sight = Sight(PICTURE, INSIDE, SPOT, (threshold,), Box(4, 5, 7, 7))
    assert sight.counts[: int(threshold)].sum() == (sight.kinds == DARK).sum()


def test_nothing_is_seen_of_a_missing_frame() -> None:
    assert not sight_dataset(None).variables


def pupil_sight(eye: Eye, params: PupilParams, *, reason: int = 0) -> tuple[PupilReducer, ArraySource]:
    source = ArraySource(render_eye(eye, 2)[None], reason=np.array([reason]))
    reducer = PupilReducer(params)
    reducer.start(CameraPass(source, "face", [eye.roi()]))
    return reducer, source


def test_the_sight_of_a_pupil_holds_its_disc_its_rim_and_the_threshold_of_the_outcome() -> None:
    eye = Eye(radius=18.0, reflections=((50.0, 44.0, 3.0),)).at(20.0, 10.0, (130, 150))
    reducer, source = pupil_sight(eye, PupilParams())
    found = reducer.sight(source.frame_at(0))
    x0, y0 = found["sight_origin"].values
    y, x = np.mgrid[: found.sizes["y"], : found.sizes["x"]] + np.array([y0, x0])[:, None, None]
    away = np.hypot(x - eye.centre[0], y - eye.centre[1])
    kinds = found["sight_kind"].values
    inner, outer = kinds[away < 15], kinds[(away > 21) & (kinds != OUTSIDE)]
    assert np.isin(inner, [DARK, HIDDEN]).mean() > 0.97  # blurred reflections have a grey rim
    assert (inner == HIDDEN).any()
    assert (outer == DARK).mean() < 0.05
    rim = found["sight_points"].values
    rim = rim[np.isfinite(rim[:, 0])]
    assert np.median(np.abs(np.hypot(*(rim - eye.centre).T) - 18.0)) < 0.3
    assert found["sight_ellipse"].values[2] == pytest.approx(18.0, abs=0.4)
    assert found["sight_thresholds"].values[0] == np.float32(reducer.decided[0].thresholds[0])
    assert found["sight_counts"].sum() == np.isin(kinds, [LIGHT, DARK]).sum()


def test_a_threshold_that_is_given_is_the_one_that_is_shown() -> None:
    reducer, source = pupil_sight(Eye(), PupilParams(threshold=77.0))
    assert reducer.sight(source.frame_at(0))["sight_thresholds"].values.tolist() == [77.0]


@pytest.mark.parametrize("is_compat", [False, True])
def test_a_bright_pupil_is_seen_as_a_dark_one(is_compat: bool) -> None:
    eye = Eye()
    params = PupilParams(polarity="bright", threshold=120.0, facemap_compat=is_compat)
    source = ArraySource(255 - render_eye(eye, 2)[None])
    reducer = PupilReducer(params)
    reducer.start(CameraPass(source, "face", [eye.roi()]))
    found = reducer.sight(source.frame_at(0))
    x, y = np.rint(np.array(eye.centre) - found["sight_origin"].values).astype(int)
    assert found["sight_inverted"] == 1
    assert found["sight_kind"].values[y, x] == DARK
    assert found["sight_picture"].values[y, x] < 120


def test_a_pupil_of_a_missing_frame_is_not_seen() -> None:
    reducer, source = pupil_sight(Eye(), PupilParams(), reason=2)
    assert not reducer.sight(source.frame_at(0)).variables


@pytest.mark.parametrize("depth", [8, 10])
def test_the_dark_pixels_of_a_blink_region_make_its_darkness(depth: int) -> None:
    frame = render_eye(Eye(), 3).astype(np.uint16 if depth > 8 else np.uint8) * (2 ** (depth - 8))
    source, roi = ArraySource(frame[None], bits=depth), Roi("lids", "blink", Ellipse(50, 50, 30, 24))
    reducer = BlinkReducer(BlinkParams())
    reducer.start(CameraPass(source, "face", [roi]))
    for chunk in source.chunks():
        reducer.update(chunk)
    found = reducer.sight(source.frame_at(0))
    kinds, picture = found["sight_kind"].values, found["sight_picture"].values.astype(float)
    level = reducer.decided[0].level
    assert found["sight_thresholds"].values.tolist() == [level]
    darkness = (level - picture[kinds == DARK]).sum() / (kinds != OUTSIDE).sum()
    assert darkness == pytest.approx(float(reducer.finish()["darkness"][0, 0]), rel=1e-5)

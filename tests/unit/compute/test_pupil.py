"""The reducer of the pupil: traces, smoothing, flags, state."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.analyses.pupil import PUPIL, PupilParams
from mystax.compute.pupil import PupilReducer, steady_frames
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.geometry import Ellipse, Roi
from mystax.core.recording import ArraySource, FrameSource
from mystax.engine.passes import CameraPass, assemble_outcome, drive
from mystax.errors import DamagedError
from mystax.synth.eye import Eye, EyeMovie, eye_movie, render_eye


@pytest.fixture(scope="module")
def movie() -> EyeMovie:
    """Two seconds with two blinks."""
    return eye_movie(60, seed=3, blinks=[(0.5, 0.7), (1.3, 1.5)])


def run(
    source: FrameSource, rois: list[Roi], size: int | None = None, **changes: Any
) -> tuple[Dataset, PupilReducer]:
    reducer = PupilReducer(PupilParams(**changes))
    lent = CameraPass(source, "face", rois)
    reason = drive(source, {"pupil": (reducer, lent)}, size=size)
    return assemble_outcome(reducer.finish(), get_analysis("pupil"), lent, reason), reducer


def test_reducer_is_one() -> None:
    assert isinstance(PupilReducer(PupilParams()), Reducer)


def test_traces_follow_the_truth(movie: EyeMovie) -> None:
    outcome, _ = run(movie.source, [movie.pupil])
    opened = movie.openness == 1.0
    np.testing.assert_allclose(outcome["area"].values[opened, 0], movie.area[opened], rtol=0.03)
    np.testing.assert_allclose(outcome["diameter"].values[opened, 0], 2 * movie.radius[opened], rtol=0.015)
    np.testing.assert_allclose(outcome["centre"].values[opened, 0], movie.centre[opened], atol=0.25)


def test_closed_frames_have_no_value_and_never_the_one_before(movie: EyeMovie) -> None:
    outcome, reducer = run(movie.source, [movie.pupil])
    closed = movie.openness == 0.0
    assert closed.sum() >= 8
    assert np.isnan(outcome["area"].values[closed]).all()
    area = outcome["area"].values[:, 0]
    assert len(np.unique(area[np.isfinite(area)])) == np.isfinite(area).sum()
    (flag,) = reducer.flags()
    assert flag.code == "N302"
    assert set(np.flatnonzero(closed)) <= set(flag.frames)


def test_outcome_has_the_declared_form(movie: EyeMovie) -> None:
    outcome, _ = run(movie.source, [movie.pupil])
    check_outcome(outcome, PUPIL)
    assert outcome["centre"].sizes["space"] == 2
    assert "area_scaled" not in outcome


def test_scale_gives_millimetres(movie: EyeMovie) -> None:
    scaled = replace(movie.pupil, name="scaled", scale=(0.02, 0.01))
    outcome, _ = run(movie.source, [movie.pupil, scaled])
    check_outcome(outcome, PUPIL)
    assert np.isnan(outcome["area_scaled"].values[:, 0]).all()
    np.testing.assert_allclose(outcome["area_scaled"][:, 1], outcome["area"][:, 1] * 2e-4, rtol=1e-6)
    np.testing.assert_allclose(
        outcome["diameter_scaled"][:, 1], outcome["diameter"][:, 1] * np.sqrt(2e-4), rtol=1e-6
    )


def test_smoothed_traces_bridge_short_blinks_only(movie: EyeMovie) -> None:
    short, _ = run(movie.source, [movie.pupil], max_gap=0.1)
    long, _ = run(movie.source, [movie.pupil], max_gap=0.6)
    closed = movie.openness == 0.0
    assert np.isnan(short["area_smooth"].values[closed]).all()
    assert np.isfinite(long["area_smooth"].values).all()
    np.testing.assert_allclose(long["area_smooth"].values[closed, 0], movie.area[closed], rtol=0.15)
    np.testing.assert_array_equal(short["area"], long["area"])


def test_missing_frames_are_missing_everywhere(movie: EyeMovie) -> None:
    reason = np.zeros(60, np.uint8)
    reason[[4, 5, 33]] = 2
    frames = next(movie.source.chunks(size=60)).codes
    clean, _ = run(movie.source, [movie.pupil])
    holed, _ = run(ArraySource(frames, reason=reason, poison=255), [movie.pupil])
    for name in ("area", "centre", "confidence", "angle"):
        values = holed[name].values
        assert np.isnan(values[reason > 0]).all()
        np.testing.assert_array_equal(values[reason == 0], clean[name].values[reason == 0])
    for name in ("area_smooth", "diameter_smooth", "centre_smooth"):
        assert np.isnan(holed[name].values[reason > 0]).all()


@pytest.mark.parametrize("grey", [0, 100, 255])
def test_constant_video_is_flagged_and_has_no_value(grey: int) -> None:
    source = ArraySource(np.full((5, 100, 110), grey, np.uint8))
    outcome, reducer = run(source, [Eye().roi()])
    assert np.isnan(outcome["area"].values).all()
    assert np.isnan(outcome["area_smooth"].values).all()
    assert [flag.code for flag in reducer.flags()] == ["N301"]


def test_dark_patch_without_pupil_is_called_so() -> None:
    # One dark eye, cut by the region's outline: what underexposed recordings look like.
    eye = Eye(pupil_grey=8.0, iris_grey=9.0, skin_grey=60.0, noise=1.0)
    source = ArraySource(np.stack([render_eye(eye, i) for i in range(6)]))
    outcome, reducer = run(source, [Roi("eye", "pupil", Ellipse(68.0, 49.5, 40.0, 42.0))])
    assert np.isnan(outcome["area"].values).all()
    (flag,) = reducer.flags()
    assert flag.code == "N302"
    assert "brighten the eye or use the pupil keypoint" in flag.text
    assert flag.n_frames == 6


def test_clean_recording_has_no_flag() -> None:
    movie = eye_movie(10, seed=1)
    _, reducer = run(movie.source, [movie.pupil])
    assert reducer.flags() == ()


def test_decisions_are_kept_in_the_outcome(movie: EyeMovie) -> None:
    outcome, reducer = run(movie.source, [movie.pupil], reflection_level=256)
    assert float(outcome["threshold"][0]) == pytest.approx(reducer.decided[0].thresholds[0])
    assert float(outcome["reflection_level"][0]) == 256.0
    assert int(outcome["inverted"][0]) == 0


def test_state_brings_the_decisions_back(movie: EyeMovie) -> None:
    first = PupilReducer(PupilParams())
    first.start(CameraPass(movie.source, "face", [movie.pupil]))
    other = eye_movie(5, eye=Eye(iris_grey=140.0))
    second = PupilReducer(PupilParams())
    second.start(CameraPass(other.source, "face", [movie.pupil]))
    assert second.decided != first.decided
    second.restore(first.state())
    assert second.decided == first.decided


def test_state_for_other_regions_is_refused(movie: EyeMovie) -> None:
    one, two = PupilReducer(PupilParams()), PupilReducer(PupilParams())
    one.start(CameraPass(movie.source, "face", [movie.pupil]))
    two.start(CameraPass(movie.source, "face", [movie.pupil, movie.pupil]))
    with pytest.raises(DamagedError, match="S502"):
        two.restore(one.state())


def test_compatible_moments_fill_every_frame_and_are_not_judged(movie: EyeMovie) -> None:
    outcome, reducer = run(movie.source, [movie.pupil], facemap_compat=True, threshold=75.0)
    opened = movie.openness == 1.0
    assert np.isfinite(outcome["area"].values[opened]).all()
    assert np.isnan(outcome["confidence"].values).all()
    assert np.isfinite(outcome["area_smooth"].values[opened]).all()
    assert all(flag.code != "N302" for flag in reducer.flags())


def test_frames_of_low_confidence_are_not_steady() -> None:
    confidence = np.array([0.9, 0.79, 0.8, np.nan])
    np.testing.assert_array_equal(
        steady_frames(np.full(4, 100.0), confidence, np.arange(4.0)), [True, False, True, True]
    )


def test_sudden_jump_of_the_area_is_not_steady() -> None:
    generator = np.random.default_rng(0)
    area = 100.0 * np.exp(0.01 * generator.normal(size=200))
    area[90] = 160.0
    steady = steady_frames(area, np.ones(200), np.arange(200) / 30.0)
    assert not steady[90]
    assert steady.sum() >= 198


def test_slow_change_without_noise_is_steady() -> None:
    area = np.concatenate([np.full(100, 100.0), np.linspace(100.0, 101.0, 50)])
    assert steady_frames(area, np.ones(150), np.arange(150) / 10.0).all()


def test_missing_areas_are_not_steady() -> None:
    area = np.array([100.0, np.nan, 101.0])
    np.testing.assert_array_equal(steady_frames(area, np.ones(3), np.arange(3.0)), [True, False, True])


def test_two_regions_do_not_see_each_other(movie: EyeMovie) -> None:
    other = Roi("other", "pupil", Ellipse(50.0, 45.0, 30.0, 28.0), reflections=(Ellipse(50, 45, 5, 5),))
    alone, _ = run(movie.source, [movie.pupil])
    both, _ = run(movie.source, [other, movie.pupil])
    np.testing.assert_array_equal(both["area"].values[:, 1], alone["area"].values[:, 0])

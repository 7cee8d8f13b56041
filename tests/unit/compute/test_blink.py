"""The reducer of blinks: darkness, level, events, preview."""

from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.analyses.blink import BLINK, BlinkParams
from mystax.compute.blink import BlinkDecided, BlinkReducer, otsu_level
from mystax.core.analysis import Reducer, get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource, FrameSource
from mystax.engine.passes import CameraPass, assemble_outcome, drive
from mystax.errors import DamagedError
from mystax.synth.eye import EyeMovie, eye_movie


def run(
    source: FrameSource, rois: list[Roi], size: int | None = None, **changes: Any
) -> tuple[Dataset, BlinkReducer]:
    reducer = BlinkReducer(BlinkParams(**changes))
    lent = CameraPass(source, "face", rois)
    reason = drive(source, {"blink": (reducer, lent)}, size=size)
    return assemble_outcome(reducer.finish(), get_analysis("blink"), lent, reason), reducer


WHOLE = Roi("lids", "blink", Rectangle(0, 0, 12, 10))


@pytest.fixture(scope="module")
def movie() -> EyeMovie:
    """Four seconds at 100 frames per second with four blinks."""
    return eye_movie(400, rate=100, seed=2, blinks=[(0.5, 0.56), (1.2, 1.4), (2.203, 2.3), (3.1, 3.21)])


def test_reducer_is_one() -> None:
    assert isinstance(BlinkReducer(BlinkParams()), Reducer)


def test_darkness_is_the_mean_below_the_level() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (7, 10, 12)).astype(np.uint8)
    outcome, _ = run(ArraySource(frames), [WHOLE], level=99.5)
    expected = np.maximum(0.0, 99.5 - frames.astype(np.float64)).mean(axis=(1, 2))
    np.testing.assert_allclose(outcome["darkness"].values[:, 0], expected, rtol=1e-6)


def test_darkness_counts_the_pixels_of_the_region_only() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 40, 50)).astype(np.uint8)
    roi = Roi("lids", "blink", Ellipse(24.0, 18.0, 15.0, 9.0, 0.3))
    outcome, _ = run(ArraySource(frames), [roi], level=120)
    inside = frames[:, roi.mask((40, 50))].astype(np.float64)
    np.testing.assert_allclose(
        outcome["darkness"].values[:, 0], np.maximum(0.0, 120 - inside).mean(axis=1), rtol=1e-6
    )


def test_deeper_cameras_measure_the_same() -> None:
    eight = np.random.default_rng(0).integers(0, 256, (5, 10, 12)).astype(np.uint8)
    one, _ = run(ArraySource(eight), [WHOLE])
    two, _ = run(ArraySource(eight.astype(np.uint16) * 16, bits=12), [WHOLE])
    np.testing.assert_array_equal(one["darkness"], two["darkness"])
    assert float(one["level"][0]) == float(two["level"][0])


def test_otsu_splits_two_classes_between_them() -> None:
    histogram = np.zeros(256, int)
    histogram[[40, 41, 42]] = [5, 9, 5]
    histogram[[150, 151]] = [20, 3]
    assert 42 < otsu_level(histogram) <= 150


def test_otsu_equals_its_definition() -> None:
    generator = np.random.default_rng(1)
    grey = np.concatenate([generator.normal(60, 8, 500), generator.normal(120, 12, 900)]).astype(int)
    variances = [
        (grey < k).sum() * (grey >= k).sum() * (grey[grey < k].mean() - grey[grey >= k].mean()) ** 2
        if (grey < k).any() and (grey >= k).any()
        else 0.0
        for k in range(256)
    ]
    assert otsu_level(np.bincount(grey, minlength=256)) + 0.5 == pytest.approx(
        float(np.argmax(variances)), abs=0.51
    )


def test_otsu_of_one_level_is_that_level() -> None:
    histogram = np.zeros(256, int)
    histogram[77] = 12
    assert otsu_level(histogram) == 77.0


def test_level_lies_between_pupil_and_skin(movie: EyeMovie) -> None:
    _, reducer = run(movie.source, [movie.blink])
    assert 40 < reducer.decided[0].level < 160
    assert not reducer.decided[0].is_flat


def test_all_blinks_are_found_within_a_frame(movie: EyeMovie) -> None:
    outcome, _ = run(movie.source, [movie.blink])
    half = np.flatnonzero(movie.openness < 0.5)
    starts = half[np.diff(half, prepend=-9) > 1]
    assert outcome.sizes["event"] == 4
    assert (np.abs(outcome["event_start"].values * 100 - starts) <= 1.01).all()
    assert (outcome["event_kind"].values == 0).all()
    assert (outcome["event_cut"].values == 0).all()
    assert set(outcome["event_roi"].values) == {"lids"}
    assert outcome.attrs["blinks_per_minute"][0] == pytest.approx(60.0)


def test_open_eye_is_open_and_closed_eye_closed(movie: EyeMovie) -> None:
    outcome, _ = run(movie.source, [movie.blink])
    closed = outcome["closed"].values[:, 0]
    assert (closed[movie.openness == 1.0] == 0).all()
    assert (closed[movie.openness == 0.0] == 1).all()
    assert np.abs(np.median(outcome["openness"].values[movie.openness == 1.0]) - 1.0) < 0.25


def test_outcome_has_the_declared_form(movie: EyeMovie) -> None:
    outcome, _ = run(movie.source, [movie.blink])
    check_outcome(outcome, BLINK)


def test_missing_frames_are_missing(movie: EyeMovie) -> None:
    reason = np.zeros(400, np.uint8)
    reason[[10, 11, 57, 125]] = 1
    frames = next(movie.source.chunks(size=400)).codes
    clean, _ = run(movie.source, [movie.blink])
    holed, _ = run(ArraySource(frames, 100, reason=reason, poison=0), [movie.blink])
    assert np.isnan(holed["darkness"].values[reason > 0]).all()
    assert np.isnan(holed["openness"].values[reason > 0]).all()
    assert (holed["closed"].values[reason > 0] == -1).all()
    good = reason == 0
    np.testing.assert_array_equal(holed["darkness"].values[good], clean["darkness"].values[good])
    assert holed["event_cut"].values.sum() >= 2


@pytest.mark.parametrize("grey", [0, 100, 255])
@pytest.mark.parametrize("level", ["auto", 90.0])
def test_constant_video_has_no_blink(grey: int, level: str | float) -> None:
    source = ArraySource(np.full((30, 10, 12), grey, np.uint8))
    outcome, reducer = run(source, [WHOLE], level=level)
    assert outcome.sizes["event"] == 0
    assert (outcome["closed"].values == 0).all()
    assert [flag.code for flag in reducer.flags()] == ["N301"]
    assert outcome.attrs["blinks_per_minute"][0] == 0.0
    if level == "auto":
        assert (outcome["darkness"].values == 0.0).all()


def test_recording_without_a_good_frame_is_missing_throughout() -> None:
    source = ArraySource(np.zeros((4, 10, 12), np.uint8), reason=np.ones(4))
    outcome, reducer = run(source, [WHOLE])
    assert np.isnan(outcome["openness"].values).all()
    assert (outcome["closed"].values == -1).all()
    assert np.isnan(outcome.attrs["blinks_per_minute"]).all()
    assert reducer.flags()[0].code == "N301"


def test_one_frame_is_fine() -> None:
    source = ArraySource(np.random.default_rng(0).integers(0, 256, (1, 10, 12)).astype(np.uint8))
    outcome, _ = run(source, [WHOLE])
    check_outcome(outcome, BLINK)
    assert np.isfinite(outcome["openness"].values).all()


def test_events_of_two_regions_stand_in_order_of_time(movie: EyeMovie) -> None:
    other = Roi("other", "blink", Ellipse(54.0, 50.0, 30.0, 28.0))
    outcome, _ = run(movie.source, [movie.blink, other])
    assert outcome.sizes["event"] == 8
    assert (np.diff(outcome["event_start"].values) >= 0).all()
    assert sorted(set(outcome["event_roi"].values)) == ["lids", "other"]
    alone, _ = run(movie.source, [movie.blink])
    np.testing.assert_array_equal(outcome["openness"].values[:, 0], alone["openness"].values[:, 0])


def test_state_brings_the_level_back(movie: EyeMovie) -> None:
    reducer = BlinkReducer(BlinkParams())
    reducer.start(CameraPass(movie.source, "face", [movie.blink]))
    reducer.restore({"blink_level": np.array([12.5]), "blink_is_flat": np.array([True])})
    assert reducer.decided == (BlinkDecided(12.5, True),)


def test_foreign_state_is_refused(movie: EyeMovie) -> None:
    reducer = BlinkReducer(BlinkParams())
    reducer.start(CameraPass(movie.source, "face", [movie.blink]))
    with pytest.raises(DamagedError, match="S502"):
        reducer.restore({"pupil_thresholds": np.zeros(3)})

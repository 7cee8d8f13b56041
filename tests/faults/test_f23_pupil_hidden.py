"""F23: the eye is closed, or the pupil is covered.

Those frames have no value: NaN with a confidence, never the value before; N302 tells how many they are, and
nothing is filled in unless it is asked for.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import mystax
from mystax.core.geometry import Ellipse, Roi
from mystax.core.recording import ArraySource
from mystax.synth import faulty_video
from mystax.synth.eye import EyeMovie, eye_movie

pytestmark = pytest.mark.fault(23)
N = 120


@pytest.fixture(scope="module")
def movie() -> EyeMovie:
    """Four seconds of an eye that is closed in a good third of them."""
    return eye_movie(N, seed=5, blinks=[(0.6, 1.4), (2.0, 2.8)])


def test_closed_frames_have_no_value_and_never_the_one_before(movie: EyeMovie) -> None:
    outcome = mystax.pupil(movie.source, rois=movie.pupil)
    area = outcome["area"].values[:, 0]
    closed, opened = movie.openness == 0, movie.openness == 1
    assert closed.mean() > 0.3
    assert np.isnan(area[closed]).mean() >= 0.95
    assert np.isfinite(area[opened]).mean() >= 0.95
    known = area[np.isfinite(area)]
    assert len(np.unique(known)) == len(known)
    (flag,) = [flag for flag in json.loads(outcome.attrs["quality"]) if flag["code"] == "N302"]
    assert f"of {N} frames" in flag["text"]


def test_long_closures_are_not_filled_unless_asked_for(movie: EyeMovie) -> None:
    closed = movie.openness == 0
    usual = mystax.pupil(movie.source, rois=movie.pupil)["area_smooth"].values[closed, 0]
    asked = mystax.pupil(movie.source, rois=movie.pupil, max_gap=2.0)["area_smooth"].values[closed, 0]
    assert np.isnan(usual).all()
    assert np.isfinite(asked).all()


def test_a_bright_pupil_hides_and_comes_back_alike(movie: EyeMovie) -> None:
    frames = np.concatenate([chunk.data for chunk in movie.source.chunks()])
    outcome = mystax.pupil(
        ArraySource(255 - frames), rois=movie.pupil, polarity="auto", reflection_level=256.0
    )
    area = outcome["area"].values[:, 0]
    assert outcome["inverted"].item() == 1
    assert np.isnan(area[movie.openness == 0]).mean() >= 0.95
    opened = movie.openness == 1
    assert np.nanmedian(np.abs(area[opened] / movie.area[opened] - 1)) < 0.05


def test_a_closed_eye_of_a_video_has_no_pupil(tmp_path: Path) -> None:
    truth = faulty_video(tmp_path / "face.mp4", "eye_closed", n_frames=90, size=(256, 192))
    closed = np.isin(np.arange(90), list(truth.special))
    assert closed.any()
    eye = Roi("eye", "pupil", Ellipse(0.38 * 256, 0.52 * 192, 40, 32, 0.0))
    area = mystax.pupil(tmp_path / "face.mp4", rois=eye)["area"].values[:, 0]
    assert np.isnan(area[closed]).mean() >= 0.95
    assert np.isfinite(area[~closed]).mean() >= 0.95

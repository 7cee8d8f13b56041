"""The generated video of the benchmarks and its truth."""

import numpy as np
import pytest

from mystax.core.recording import FrameSource
from mystax.errors import ParameterError
from mystax.synth.benchmark import benchmark_video
from mystax.testing import measure


def test_it_is_a_frame_source_of_a_hundred_frames_per_second() -> None:
    video = benchmark_video(5)
    assert isinstance(video, FrameSource)
    assert (video.shape, video.n_frames, video.times[1]) == ((480, 640), 5, 0.01)


def test_frames_are_the_same_in_any_order() -> None:
    one, two = benchmark_video(8, (320, 240), seed=3), benchmark_video(8, (320, 240), seed=3)
    np.testing.assert_array_equal(next(one.chunks()).data[6], two.frame_at(6).data[0])
    assert one.identity == two.identity
    assert one.identity != benchmark_video(8, (320, 240), seed=4).identity


def test_the_wheel_is_recovered() -> None:
    video = benchmark_video(30, (320, 240))
    wheel = [roi for roi in video.rois if roi.kind == "running"]
    found = measure("running", video, wheel)["shift"].values[1:, 0]
    assert np.abs(found - video.truth.wheel_shift[1:]).max() <= 0.2


def test_the_dark_disc_has_the_area_of_the_pupil() -> None:
    video = benchmark_video(20)
    chunk = next(video.chunks())
    mask = video.rois[0].mask(video.shape)
    dark = ((chunk.data < 57) & mask).sum(axis=(1, 2))
    area = np.pi * video.truth.pupil_radius**2
    np.testing.assert_allclose(dark, area, rtol=0.03)


def test_noise_is_two_and_a_half_grey_levels() -> None:
    video = benchmark_video(40)
    still = next(video.chunks(size=40)).data[:, 250:290, 4:20].astype(float)
    still /= video.truth.gain[:, None, None]
    assert still.std(axis=0).mean() == pytest.approx(2.5, rel=0.06)


def test_light_fluctuates_by_one_percent() -> None:
    gain = benchmark_video(500, (320, 240)).truth.gain
    assert gain.std() == pytest.approx(0.01, rel=0.15)


def test_eight_patches_move() -> None:
    video = benchmark_video(12)
    data = next(video.chunks()).data.astype(float)
    patches = [roi for roi in video.rois if roi.kind == "motion"]
    assert len(patches) == 8
    still = np.abs(np.diff(data[:, 250:290, 4:20], axis=0)).mean()
    for roi in patches:
        assert np.abs(np.diff(data[:, roi.mask(video.shape)], axis=0)).mean() > 1.05 * still


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ParameterError, match="P401 parameter 'size' of 'benchmark_video'"):
        benchmark_video(3, (640, 100))

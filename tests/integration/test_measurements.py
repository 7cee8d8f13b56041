"""Goals of the measurements through their public functions, with the counts that the specification names."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import subspace_angles

import mystax
from mystax.core.geometry import Ellipse, Rectangle, Roi, RoiKind
from mystax.core.recording import ArraySource
from mystax.engine.preview import preview
from mystax.synth.benchmark import benchmark_video
from mystax.synth.eye import Eye, eye_movie
from tests.fixtures.measure import captured_share, exact_rows, moving_movie
from tests.fixtures.surfaces import surface, surface_source

WHEEL = Roi("wheel", "running", Rectangle(0, 0, 136, 96))


def test_two_hundred_shifts_of_a_wheel_are_found() -> None:
    rng = np.random.default_rng(11)
    steps = rng.uniform(-12, 12, (200, 2))
    places = np.cumsum(np.concatenate([[[0.0, 0.0]], steps]), axis=0)
    shift = mystax.running(ArraySource(surface(places, noise=4.0)), rois=WHEEL)["shift"].values[1:, 0]
    error = np.hypot(*(shift - steps).T)
    assert np.median(error) <= 0.1
    assert np.percentile(error, 95) <= 0.25


def test_unrelated_pictures_have_no_shift() -> None:
    frames = np.concatenate([surface([(0, 0)], seed=seed) for seed in range(101)])
    outcome = mystax.running(ArraySource(frames), rois=WHEEL)
    assert np.isnan(outcome["shift"].values[1:, 0, 0]).mean() >= 0.95
    assert np.isfinite(outcome["peak"].values[1:]).all()


def test_two_wheels_are_measured_as_each_alone() -> None:
    source, _ = surface_source(40)
    rois = [
        Roi("left", "running", Rectangle(0, 0, 40, 64)),
        Roi("right", "running", Rectangle(36, 4, 44, 50)),
    ]
    both = mystax.running(source, rois=rois)
    for k, roi in enumerate(rois):
        alone = mystax.running(source, rois=roi)
        for name in ("shift", "peak", "velocity", "speed"):
            assert both[name].values[:, k].tobytes() == alone[name].values[:, 0].tobytes()


def _blinks(n: int, seconds: float, seed: int) -> list[tuple[float, float]]:
    """Spread blinks of 60 to 200 ms over a time, one in every stretch of it."""
    rng = np.random.default_rng(seed)
    stretch = seconds / n
    starts = (np.arange(n) + rng.uniform(0.25, 0.6, n)) * stretch
    return [
        (float(start), float(start + length))
        for start, length in zip(starts, rng.uniform(0.06, 0.2, n), strict=True)
    ]


def _found_and_false(n: int, seconds: float, seed: int) -> tuple[int, int]:
    """Count the blinks that are found within a frame of their start, and those that are none."""
    blinks = _blinks(n, seconds, seed)
    movie = eye_movie(int(100 * seconds), rate=100, seed=seed, blinks=blinks)
    outcome = mystax.blink(movie.source, rois=movie.blink)
    starts = outcome["event_start"].values[outcome["event_kind"].values == 0]
    # A blink starts with the first frame in which less than half of the eye is open.
    half = np.flatnonzero(movie.openness < 0.5) / 100
    true = np.array([half[half >= start - 1e-9][0] for start, _ in blinks])
    near = np.abs(starts[:, None] - true).min(axis=0) <= 0.0101
    return int(near.sum()), len(starts) - int(near.sum())


def test_six_blinks_in_nine_seconds_are_found_to_the_frame() -> None:
    assert _found_and_false(6, 9.0, 1) == (6, 0)


@pytest.mark.slow
def test_fifty_blinks_in_ten_minutes_are_found_to_the_frame() -> None:
    n_found, n_false = _found_and_false(50, 600.0, 2)
    assert n_found >= 48
    assert n_false <= 1


@pytest.mark.parametrize("covered", [False, True], ids=["closed", "covered"])
def test_an_eye_that_is_hidden_in_a_third_of_the_frames_has_no_pupil_there(covered: bool) -> None:
    movie = eye_movie(150, seed=3, blinks=[(0.5, 1.5), (3.0, 3.9)])
    frames = np.concatenate([chunk.codes for chunk in movie.source.chunks()])
    hidden = movie.openness == 0
    if covered:
        movie = eye_movie(150, seed=3)
        frames = np.concatenate([chunk.codes for chunk in movie.source.chunks()])
        noise = np.random.default_rng(0).normal(130, 4, frames[hidden].shape)
        frames[hidden] = np.rint(noise).astype(np.uint8)
    assert hidden.mean() >= 0.3
    area = mystax.pupil(ArraySource(frames), rois=movie.pupil)["area"].values[:, 0]
    assert np.isnan(area[hidden]).mean() >= 0.95
    before = [
        area[i]
        for i, j in pairwise(range(len(area)))
        if hidden[j] and np.isfinite(area[j]) and area[i] == area[j]
    ]
    assert before == []
    assert np.isfinite(area[~hidden]).mean() >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("name", ["motion", "pupil", "blink", "running"])
def test_previews_of_random_frames_equal_the_outcome(name: str) -> None:
    video = benchmark_video(120, size=(320, 240), seed=4)
    kinds = {"motion": "patch_0", "pupil": "pupil", "blink": "lids", "running": "wheel"}
    roi = next(roi for roi in video.rois if roi.name == kinds[name])
    outcome = getattr(mystax, name)(video, rois=roi)
    for place in np.random.default_rng(100).permutation(120)[:100].tolist():
        found = preview(name, video, roi, frame=place)
        for variable in found.data_vars:
            if "time" in found[variable].dims:
                whole = outcome[variable].values[place : place + 1]
                assert found[variable].values.tobytes() == whole.tobytes(), (variable, place)


@pytest.mark.parametrize(("n", "n_frames"), [(8, 24), pytest.param(100, 60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["motion", "pupil", "blink"])
def test_previews_of_random_regions_and_frames_equal_the_outcome_of_all_of_them(
    name: RoiKind, n: int, n_frames: int
) -> None:
    rng = np.random.default_rng(n)
    video = benchmark_video(n_frames, size=(320, 240), seed=4)
    rois = []
    for k in range(n):
        w, h = rng.integers(24, 120, 2).tolist()
        x, y = int(rng.integers(0, 320 - w)), int(rng.integers(0, 240 - h))
        turned = Ellipse(x + w / 2, y + h / 2, w / 2, h / 2, float(rng.uniform(0, np.pi)))
        rois.append(Roi(f"r{k}", name, Rectangle(x, y, w, h) if k % 2 else turned))
    outcome = getattr(mystax, name)(video, rois=rois)
    n_values = 0
    for k, frame in enumerate(rng.integers(1, n_frames, n).tolist()):
        found = preview(name, video, rois[k], frame=frame)
        for variable in found.data_vars:
            if {"time", "roi"} <= set(found[variable].dims):
                whole = outcome[variable].values[frame : frame + 1, k : k + 1]
                assert found[variable].values.tobytes() == whole.tobytes(), (variable, frame, k)
                n_values += int(np.isfinite(whole).all())
    assert n_values >= n, "missing values would be equal to each other"


def test_a_region_twice_as_large_on_uniform_texture_has_the_same_energy() -> None:
    places = [(3 * np.sin(k / 3), 2 * np.cos(k / 5)) for k in range(60)]
    frames = surface(places, (128, 128))
    small, large = (
        mystax.motion(ArraySource(frames), rois=Roi("r", "motion", Rectangle(0, 0, 128, height)))
        for height in (64, 128)
    )
    ratio = large["energy"].values[1:, 0].mean() / small["energy"].values[1:, 0].mean()
    assert ratio == pytest.approx(1, abs=0.1)


def _judge_components(outcome: Any, rows: np.ndarray, n_kept: tuple[int, ...]) -> dict[int, float]:
    """Check orthonormality and norms; return the share of the exact variance that the first k masks hold."""
    mask = outcome["motion_mask"].values[0].reshape(outcome.sizes["component"], -1).astype(np.float64).T
    scores = outcome["motion_svd"].values[:, 0].astype(np.float64)
    assert np.abs(mask.T @ mask - np.eye(mask.shape[1])).max() <= 1e-4
    norms = np.sqrt(np.nansum(scores**2, axis=0)) / outcome["motion_singular_value"].values[0]
    assert np.abs(norms - 1).max() <= 1e-3
    return {k: captured_share(rows, mask[:, :k]) for k in n_kept}


def test_components_of_2500_bins_are_those_of_a_dense_decomposition() -> None:
    frames = moving_movie(200, (100, 100))
    outcome = mystax.svd(ArraySource(frames), bin=2, n_components=30)
    rows = exact_rows(frames, 2, is_motion=True)
    _, exact, right = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    np.testing.assert_allclose(outcome["motion_singular_value"].values[0], exact[:30], rtol=1e-6)
    mask = outcome["motion_mask"].values[0].reshape(30, -1).astype(np.float64)
    assert subspace_angles(mask[:10].T, right[:10].T).max() <= 1e-3
    shares = _judge_components(outcome, rows, (10, 30))
    assert min(shares.values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_components_of_19200_bins_and_6000_frames_hold_what_they_should() -> None:
    video = benchmark_video(6000)
    outcome = mystax.svd(video, bin=4, n_components=500)
    sums = np.concatenate(
        [
            chunk.codes.reshape(len(chunk), 120, 4, 160, 4)
            .sum((2, 4), dtype=np.int32)
            .reshape(len(chunk), -1)
            for chunk in video.chunks(size=60)
        ]
    )
    rows = np.abs(np.diff(sums, axis=0)).astype(np.float32) / 16
    rows -= rows.mean(0, dtype=np.float64).astype(np.float32)
    gram = np.zeros((len(rows), len(rows)))
    for start in range(0, rows.shape[1], 1200):
        part = rows[:, start : start + 1200].astype(np.float64)
        gram += part @ part.T
    exact = np.linalg.eigvalsh(gram)[::-1]
    mask = outcome["motion_mask"].values[0].reshape(500, -1).T
    scores = outcome["motion_svd"].values[1:, 0].astype(np.float64)
    assert np.abs(mask.T @ mask - np.eye(500)).max() <= 1e-4
    assert np.abs(np.sqrt((scores**2).sum(0)) / outcome["motion_singular_value"].values[0] - 1).max() <= 1e-3
    held = ((rows @ mask).astype(np.float64) ** 2).sum(0).cumsum()
    assert held[99] / exact[:100].sum() >= 0.999
    assert held[499] / exact[:500].sum() >= 0.98


@pytest.mark.slow
def test_the_table_of_truth_is_within_all_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from benchmarks import truth_table

    assert truth_table.main(["--json", "--markdown", str(tmp_path / "truth.md")]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert len(rows) == 17
    assert [row["row"] for row in rows if not row["ok"]] == []


def test_a_deep_camera_measures_what_a_shallow_one_does() -> None:
    movie = eye_movie(30, seed=6, eye=Eye(noise=0.0))
    frames = np.concatenate([chunk.codes for chunk in movie.source.chunks()])
    deep = ArraySource(frames.astype(np.uint16) << 4, bits=12)
    one, other = (mystax.pupil(source, rois=movie.pupil) for source in (movie.source, deep))
    np.testing.assert_allclose(other["area"].values, one["area"].values, rtol=1e-5)

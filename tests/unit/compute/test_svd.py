"""The decomposition of regions against numpy.linalg.svd, and the form of its outcome."""

from typing import Any

import numpy as np
import pytest
from xarray import Dataset

from mystax.compute import svd_outcome
from mystax.compute.svd import SvdReducer
from mystax.compute.svd_routes import Route, SvdSettings
from mystax.core.geometry import Ellipse, Roi
from mystax.core.lazy import is_lazy
from mystax.core.recording import ArraySource, FrameChunk, GreyMap
from mystax.errors import ParameterError
from tests.fixtures.measure import (
    captured_share,
    exact_rows,
    lend,
    measure,
    moving_movie,
    outcome,
    random_movie,
    rectangle,
)

SHAPE = (48, 64)
ROUTES: tuple[Route, ...] = ("gram_bins", "gram_frames", "subspace", "subspace_streamed")


def run(
    source: ArraySource,
    rois: list[Roi] | None = None,
    *,
    route: Route | None = None,
    with_movie: bool = False,
    n_components: int = 20,
    size: int = 2,
    **settings: Any,
) -> tuple[Dataset, SvdReducer]:
    """Return the outcome of a reducer, its route forced."""
    chosen = SvdSettings(n_components=n_components, route=route, **settings)
    reducer = SvdReducer(settings=chosen, size=size, with_movie=with_movie)
    return outcome("svd", reducer, source, lend(source, rois)), reducer


def angles(found: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest principal angle between two sets of columns [rad]."""
    a, b = np.linalg.qr(found.astype(np.float64))[0], np.linalg.qr(exact)[0]
    sine = float(np.linalg.norm(b - a @ (a.T @ b), 2))
    return float(np.arcsin(min(1.0, sine)))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("kind", ["motion", "movie"])
def test_components_equal_the_dense_decomposition(kind: str, route: Route) -> None:
    frames = moving_movie(400, SHAPE)
    reason = np.zeros(400, np.uint8)
    reason[[7, 8, 200]] = 1
    found, _ = run(ArraySource(frames, 50, reason=reason), route=route, with_movie=True, n_components=5)
    rows = exact_rows(frames, 2, is_motion=kind == "motion", valid=reason == 0)
    _, singular, right = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    mask = found[f"{kind}_mask"].values[0].reshape(5, -1).T
    n, limit = (5, 1e-9) if route.startswith("gram") else (2, 1e-3)
    np.testing.assert_allclose(found[f"{kind}_singular_value"].values[0, :n], singular[:n], rtol=limit)
    assert captured_share(rows, mask) == pytest.approx(1, abs=1e-7 if n == 5 else 0.005)
    assert found[f"{kind}_variance"].values[0] == pytest.approx((singular**2).sum(), rel=1e-9)
    np.testing.assert_allclose(found[f"{kind}_mean"].values[0].ravel(), rows.mean(0), rtol=1e-6)
    if route.startswith("gram"):
        assert angles(mask[:, :3], right[:3].T) < 1e-3


@pytest.mark.parametrize(("route", "name"), [("gram_bins", "gram_bins"), (None, "gram_frames")])
def test_2500_bins_are_as_exact_as_dense_decomposition(route: Route | None, name: str) -> None:
    frames = moving_movie(300, (100, 100))
    found, _ = run(ArraySource(frames, 50), route=route, n_components=100)
    rows = exact_rows(frames, 2, is_motion=True)
    _, singular, right = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    assert found.motion_method.values[0] == name
    np.testing.assert_allclose(found.motion_singular_value.values[0], singular[:100], rtol=1e-6)
    mask = found.motion_mask.values[0].reshape(100, -1).T
    assert angles(mask[:, :10], right[:10].T) < 1e-3


@pytest.mark.parametrize("route", ROUTES)
def test_scores_are_rows_times_masks_with_the_norm_of_the_singular_values(route: Route) -> None:
    frames = moving_movie(300, SHAPE)
    found, _ = run(ArraySource(frames, 50), route=route)
    rows = exact_rows(frames, 2, is_motion=True)
    mask = found.motion_mask.values[0].reshape(20, -1).T
    scores = found.motion_svd.values[1:, 0]
    np.testing.assert_allclose(scores, (rows - rows.mean(0)) @ mask, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(scores, axis=0), found.motion_singular_value[0], rtol=1e-4)
    assert np.abs(mask.T @ mask - np.eye(20)).max() < 1e-4
    assert found.motion_orthogonality.values[0] < 1e-4
    assert found.motion_norm_error.values[0] < 1e-3


def test_masks_point_where_their_sum_is_positive() -> None:
    found, _ = run(ArraySource(moving_movie(200, SHAPE), 50))
    assert (found.motion_mask.sum(("y", "x")) >= 0).all()


def test_captured_variance_grows_to_one() -> None:
    found, _ = run(ArraySource(moving_movie(40, (16, 16)), 50), n_components=500)
    captured = found.motion_captured.values[0]
    assert (np.diff(captured) >= 0).all()
    assert captured[-1] == pytest.approx(1, abs=1e-12)
    assert len(captured) == 38


def test_frames_without_a_row_are_nan_and_others_are_not() -> None:
    reason = np.zeros(30, np.uint8)
    reason[[10, 20, 21]] = 3
    found, _ = run(
        ArraySource(random_movie(30, (16, 16)), 50, reason=reason), with_movie=True, n_components=5
    )
    assert np.flatnonzero(np.isnan(found.motion_svd[:, 0, 0])).tolist() == [0, 10, 11, 20, 21, 22]
    assert np.flatnonzero(np.isnan(found.movie_svd[:, 0, 0])).tolist() == [10, 20, 21]


@pytest.mark.parametrize("poison", [1, 255])
def test_what_stands_in_missing_frames_never_matters(poison: int) -> None:
    reason = np.zeros(40, np.uint8)
    reason[[0, 13, 39]] = 1
    frames = random_movie(40, (16, 16))
    clean, _ = run(ArraySource(frames.copy(), 50, reason=reason), with_movie=True)
    poisoned, _ = run(ArraySource(frames.copy(), 50, reason=reason, poison=poison), with_movie=True)
    assert clean.identical(poisoned)


def test_whole_picture_brightness_is_one_component() -> None:
    generator = np.random.default_rng(0)
    gain = 1 + 0.1 * generator.standard_normal(200)
    frames = (
        np.rint(gain[:, None, None] * generator.integers(60, 120, (32, 32))).clip(0, 255).astype(np.uint8)
    )
    found, _ = run(ArraySource(frames, 50), with_movie=True, n_components=3)
    assert found.movie_captured.values[0, 0] > 0.99


def test_regions_are_decomposed_as_if_alone() -> None:
    source = ArraySource(moving_movie(120, SHAPE), 50)
    a, b = rectangle("a", 4, 4, 20, 24), Roi("b", "motion", Ellipse(40, 24, 14, 11, 0.3))
    both, _ = run(source, [a, b], n_components=6)
    for roi in (a, b):
        alone, _ = run(source, [roi], n_components=6)
        for name in ("motion_svd", "motion_singular_value", "motion_captured", "motion_variance"):
            np.testing.assert_array_equal(both[name].sel(roi=roi.name), alone[name].sel(roi=roi.name))


def test_masks_stand_on_the_box_of_bins_of_their_region() -> None:
    source = ArraySource(moving_movie(60, SHAPE), 50)
    rois = [rectangle("a", 4, 8, 20, 24), Roi("b", "motion", Ellipse(40, 24, 14, 6))]
    found, _ = run(source, rois, n_components=4)
    assert found.motion_mask.shape == (2, 4, 12, 14)
    assert found.x_origin.values.tolist() == [4, 26]
    assert found.y_origin.values.tolist() == [8, 18]
    inside = np.isfinite(found.motion_mask.values)
    assert inside[0].sum() == 4 * 10 * 12
    assert inside[1, 0].sum() == rois[1].bins(SHAPE, 2).sum()
    assert (np.isfinite(found.motion_mean.values) == inside[:, 0]).all()


def test_regions_with_fewer_components_are_padded_with_nan() -> None:
    rois = [rectangle("large", 0, 0, 32, 32), rectangle("small", 0, 0, 8, 8)]
    found, _ = run(ArraySource(random_movie(60, SHAPE), 50), rois, n_components=30)
    assert found.sizes["component"] == 30
    assert np.isfinite(found.motion_singular_value).sum("component").values.tolist() == [30, 16]
    assert np.isnan(found.motion_svd.sel(roi="small")[5, 16:]).all()


def test_limited_range_is_measured_in_grey_levels() -> None:
    frames = moving_movie(60, (16, 16))
    source = ArraySource(frames, 50)
    reducer = SvdReducer(settings=SvdSettings(n_components=3), size=2, with_movie=True)
    reducer.start(lend(source))
    for chunk in source.chunks(size=25):
        reducer.update(
            FrameChunk(
                chunk.index,
                chunk.time,
                chunk.codes,
                GreyMap.limited(),
                chunk.valid,
                chunk.reason,
                chunk.adjacent,
            )
        )
    reducer.end_pass()
    while reducer.work() is not None:
        pass
    found = reducer.finish()
    plain, _ = run(source, with_movie=True, n_components=3)
    factor = 255 / 219
    np.testing.assert_allclose(found.movie_mean, (plain.movie_mean - 16) * factor, rtol=1e-5)
    np.testing.assert_allclose(found.movie_singular_value, plain.movie_singular_value * factor)
    np.testing.assert_allclose(found.motion_svd, plain.motion_svd * factor, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.motion_variance, plain.motion_variance * factor**2)


def test_without_the_movie_there_is_no_movie_variable() -> None:
    found, _ = run(ArraySource(random_movie(20, (16, 16)), 50))
    assert not [name for name in found.variables if str(name).startswith("movie")]


def test_the_movie_alone_can_be_decomposed() -> None:
    found = measure(
        "svd", ArraySource(random_movie(20, (16, 16)), 50), bin=2, with_motion=False, with_movie=True
    )
    assert "movie_svd" in found
    assert "motion_svd" not in found


def test_nothing_to_decompose_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401.*with_motion or with_movie"):
        SvdReducer(settings=SvdSettings(), size=2, with_motion=False)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.full((20, 16, 16), 90, np.uint8), "nothing changes"),
        (random_movie(1, (16, 16)), "usable rows"),
        (random_movie(4, (16, 16))[[0, 1, 0, 1] * 5], "hold 0|nothing changes"),
    ],
)
def test_degenerate_input_has_no_component_and_a_flag(frames: np.ndarray, words: str) -> None:
    found, reducer = run(ArraySource(frames, 50))
    assert found.sizes["component"] == 0
    (flag,) = reducer.flags()
    assert flag.code == "N304"
    assert any(word in flag.text for word in words.split("|"))


def test_without_a_row_there_is_no_mean() -> None:
    found, _ = run(ArraySource(random_movie(1, (16, 16)), 50), with_movie=True)
    assert np.isnan(found.motion_mean).all()
    assert np.isfinite(found.movie_mean).all()


def test_few_true_components_are_flagged() -> None:
    pattern = np.random.default_rng(0).integers(0, 9, (3, 16, 16))
    strength = np.random.default_rng(1).integers(0, 9, (50, 3))
    frames = np.tensordot(strength, pattern, 1).astype(np.uint8)
    found, reducer = run(ArraySource(frames, 50), with_movie=True)
    assert np.isfinite(found.movie_singular_value).sum() == 3
    texts = [flag.text for flag in reducer.flags() if flag.code == "N304"]
    assert texts[-1] == "movie svd of 'frame': the data hold 3 components only"


def test_long_traces_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source = ArraySource(moving_movie(600, SHAPE), 50)
    eager, _ = run(source, route="subspace")
    monkeypatch.setattr(svd_outcome, "EAGER_BYTES", 0)
    lazy, _ = run(source, route="subspace")
    assert is_lazy(lazy.motion_svd)
    assert not is_lazy(eager.motion_svd)
    np.testing.assert_array_equal(lazy.motion_svd[37:300], eager.motion_svd[37:300])
    assert lazy.load().identical(eager)


def test_facemap_compat_has_no_component_of_the_uniform_picture() -> None:
    generator = np.random.default_rng(0)
    frames = (moving_movie(400, SHAPE) * (1 + 0.05 * generator.standard_normal((400, 1, 1)))).clip(0, 255)
    source = ArraySource(frames.astype(np.uint8), 50)
    for route in ROUTES:
        compat, _ = run(source, route=route, facemap_compat=True, n_components=8)
        plain, _ = run(source, route=route, n_components=8)
        assert np.abs(compat.motion_mask.mean(("y", "x"))).max() < 1e-6
        assert np.abs(plain.motion_mask.mean(("y", "x"))).max() * np.sqrt(768) > 0.1


def test_facemap_compat_equals_its_definition_on_every_route() -> None:
    frames = moving_movie(350, SHAPE)
    rows = exact_rows(frames, 2, is_motion=True)
    segments = [(0, 100), (125, 225), (250, 350)]
    mean = np.mean([rows[start : stop - 1].mean(0) for start, stop in segments], axis=0)
    centred = rows - mean
    centred -= centred.mean(1, keepdims=True)
    _, singular, right = np.linalg.svd(centred, full_matrices=False)
    for route in ROUTES:
        found, _ = run(ArraySource(frames, 50), route=route, facemap_compat=True, n_components=3)
        n, limit = (3, 1e-9) if route.startswith("gram") else (2, 1e-3)
        np.testing.assert_allclose(found.motion_singular_value.values[0, :n], singular[:n], rtol=limit)
        np.testing.assert_allclose(found.motion_mean.values[0].ravel(), mean, rtol=1e-6)
        assert found.motion_variance.values[0] == pytest.approx((centred**2).sum(), rel=1e-5)
        mask = found.motion_mask.values[0].reshape(3, -1).T
        np.testing.assert_allclose(found.motion_svd.values[1:, 0], (rows - mean) @ mask, atol=5e-3)
        if route.startswith("gram"):
            assert angles(mask[:, :2], right[:2].T) < 1e-3

"""One decomposition over the bins of all cameras."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from xarray import Dataset

from mystax.compute.svd_joint import JointSvdReducer
from mystax.compute.svd_routes import Route, SvdSettings
from mystax.core.analysis import get_analysis
from mystax.core.dataset import check_outcome, complete_outcome
from mystax.core.params import check_params
from mystax.core.recording import ArraySource
from mystax.errors import InternalError
from tests.fixtures.measure import exact_rows, lend, moving_movie

N = 300


def run(sources: Mapping[str, ArraySource], *, route: Route | None = None, size: int | None = 2) -> Dataset:
    """Return the checked outcome over all cameras."""
    settings = SvdSettings(n_components=6, route=route, tolerance=0.001)
    reducer = JointSvdReducer(settings=settings, size=size, with_movie=True)
    reducer.start({name: lend(source, ()) for name, source in sources.items()})
    done = 0
    while reducer.n_passes > done:
        for chunks in zip(*(source.chunks(size=70) for source in sources.values()), strict=True):
            reducer.update(dict(zip(sources, chunks, strict=True)))
        reducer.end_pass()
        done += 1
    while reducer.work() is not None:
        pass
    first = next(iter(sources.values()))
    found = reducer.finish().assign_coords(time=("time", first.times), frame=("time", np.arange(N)))
    found["missing"] = ("time", np.zeros(N, np.uint8))
    declared = get_analysis("svd")
    schema = declared.schema_of(found)
    assert schema is declared.joint_outputs
    check_outcome(complete_outcome(found, schema), schema)
    return found


@pytest.mark.parametrize("route", ["gram_bins", "gram_frames", "subspace", "subspace_streamed"])
@pytest.mark.parametrize("bits", [8, 10])
def test_bins_of_all_cameras_are_decomposed_together(route: Route, bits: int) -> None:
    left = moving_movie(N, (20, 24))
    right = moving_movie(N, (16, 18), 1)
    deep = right if bits == 8 else right.astype(np.uint16) * 4 + 1
    sources = {"left": ArraySource(left, 50), "right": ArraySource(deep, 50, bits=bits)}
    found = run(sources, route=route)
    for kind in ("motion", "movie"):
        is_motion = kind == "motion"
        rows = np.hstack(
            [
                exact_rows(left, 2, is_motion=is_motion),
                exact_rows(deep, 2, is_motion=is_motion) / 2 ** (bits - 8),
            ]
        )
        singular = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
        limit = 1e-9 if route.startswith("gram") else 2e-2
        np.testing.assert_allclose(found[f"{kind}_singular_value"].values[0], singular[:6], rtol=limit)
        assert found[f"{kind}_variance"].values[0] == pytest.approx((singular**2).sum(), rel=1e-6)
        np.testing.assert_allclose(found[f"{kind}_mean"].values[0], rows.mean(0), rtol=1e-5)


def test_bins_know_their_camera_and_place() -> None:
    sources = {
        "left": ArraySource(moving_movie(N, (20, 24)), 50),
        "right": ArraySource(moving_movie(N, (16, 18)), 50),
    }
    found = run(sources)
    assert found.roi.values.tolist() == ["all_cameras"]
    assert found.motion_mask.dims == ("roi", "component", "bin")
    assert (found.camera.values == "left").sum() == 10 * 12
    right = found.isel(bin=found.camera.values == "right")
    assert (int(right.bin_x.max()), int(right.bin_y.max())) == (16, 14)


def test_a_row_is_missing_if_any_camera_is_missing_there() -> None:
    gone = np.zeros(N, np.uint8)
    gone[[40, 41]] = 1
    sources = {
        "left": ArraySource(moving_movie(N, (20, 24)), 50),
        "right": ArraySource(moving_movie(N, (16, 18)), 50, reason=gone),
    }
    found = run(sources)
    assert np.flatnonzero(np.isnan(found.motion_svd[:, 0, 0])).tolist() == [0, 40, 41, 42]
    assert np.flatnonzero(np.isnan(found.movie_svd[:, 0, 0])).tolist() == [40, 41]


def test_where_no_frames_follow_each_other_in_all_cameras_the_remark_says_why() -> None:
    """As of 30 frames per second beside 60: every row takes every second frame of the faster camera."""
    fast = ArraySource(moving_movie(N, (16, 18)), 50)
    reducer = JointSvdReducer(settings=SvdSettings(n_components=6), size=2, with_movie=True)
    reducer.start({"fast": lend(fast, ())})
    for chunk in fast.chunks(size=N):
        reducer.update({"fast": replace(chunk, adjacent=np.zeros(N, bool))})
    reducer.end_pass()
    while reducer.work() is not None:
        pass
    reducer.finish()
    (flag,) = reducer.flags()
    assert flag.text.startswith("motion svd of 'all_cameras': 0 usable rows")
    assert "cameras of different rates have none" in flag.text


def test_each_camera_has_bins_of_its_own_size() -> None:
    sources = {
        "small": ArraySource(moving_movie(N, (16, 16)), 50),
        "large": ArraySource(np.zeros((N, 240, 480), np.uint8), 50),
    }
    found = run(sources, size=None)
    assert found.attrs["bin"] == [2, 3]


def test_the_declaration_makes_the_reducer() -> None:
    declared = get_analysis("svd")
    assert declared.make_joint is not None
    reducer = declared.make_joint(check_params(declared.params, {"bin": 4}, "svd"), "right")
    assert isinstance(reducer, JointSvdReducer)
    assert reducer.n_passes == 1


def test_no_camera_is_a_bug() -> None:
    with pytest.raises(InternalError, match="without a camera"):
        JointSvdReducer(settings=SvdSettings(), size=2).start({})

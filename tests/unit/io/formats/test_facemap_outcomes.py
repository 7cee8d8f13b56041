"""What the values of a Facemap file mean: files of a few numbers, each with one thing to see."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mystax.core.analysis import get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.geometry import Rectangle
from mystax.io.formats.facemap_outcomes import Imported, imported_outcomes

N = 6
HEIGHT, WIDTH, SBIN = 24, 32, 4


def box(rind: int, y: int, x: int, height: int, width: int, **more: Any) -> dict[str, Any]:
    """Return the entry of a region."""
    return {
        "rind": rind,
        "rtype": "",
        "iROI": 0,
        "ivid": 0,
        "yrange": np.arange(y, y + height),
        "xrange": np.arange(x, x + width),
        "yrange_bin": np.arange(y // SBIN, (y + height) // SBIN),
        "xrange_bin": np.arange(x // SBIN, (x + width) // SBIN),
        "ellipse": np.ones((height, width), bool),
        "saturation": 100.0,
        **more,
    }


def tree_of(rois: Sequence[dict[str, Any]] = (), *, full: bool = False, **more: Any) -> dict[str, Any]:
    """Return a file of one camera."""
    return {
        "Ly": [HEIGHT],
        "Lx": [WIDTH],
        "sbin": SBIN,
        "fullSVD": full,
        "rois": list(rois) or None,
        "motion": [np.zeros(0, np.float32)] * (1 + sum(roi["rind"] == 1 for roi in rois)),
        **more,
    }


def texts(found: Imported, analysis: str) -> list[str]:
    return [flag.text for flag in found.flags.get(analysis, [])]


def unit_masks(rng: np.random.Generator, height: int, width: int, k: int) -> np.ndarray:
    """Return pictures of norm 1, (y, x, component)."""
    mask = rng.normal(size=(height * width, k))
    mask /= np.linalg.norm(mask, axis=0)
    return mask.reshape(height, width, k).astype(np.float32)


def test_the_whole_frame_is_a_region_of_its_own_name() -> None:
    energy = np.arange(N, dtype=np.float32) * 480
    found = imported_outcomes(tree_of(full=True, motion=[energy]))
    dataset = found.datasets["motion"][""]
    n_bins = (HEIGHT // SBIN) * (WIDTH // SBIN)
    assert dataset["roi"].values.tolist() == ["frame"]
    assert dataset["n_bins"].values.tolist() == [n_bins]
    np.testing.assert_allclose(dataset["energy"].values[:, 0], energy / n_bins)
    assert found.rois == []


def test_the_whole_frame_comes_first_and_each_region_has_its_own_trace() -> None:
    traces = [np.full(N, value, np.float32) for value in (480, 40, 60)]
    tree = tree_of([box(1, 0, 0, 8, 8), box(1, 8, 8, 12, 8)], full=True, motion=traces)
    dataset = imported_outcomes(tree).datasets["motion"][""]
    assert dataset["roi"].values.tolist() == ["frame", "motion1", "motion2"]
    np.testing.assert_allclose(dataset["energy"].values[0], [480 / 48, 40 / 4, 60 / 6])


def test_a_region_that_covers_no_bin_has_no_energy() -> None:
    tree = tree_of([box(1, 0, 0, 3, 3)], motion=[np.zeros(0), np.ones(N)])
    assert "motion" not in imported_outcomes(tree).datasets


def test_what_facemap_does_not_store_is_missing_not_zero() -> None:
    dataset = imported_outcomes(tree_of(full=True, motion=[np.ones(N)])).datasets["motion"][""]
    check_outcome(dataset, get_analysis("motion").outputs)
    for name in ("energy_norm", "brightness"):
        assert np.isnan(dataset[name].values).all()
    assert dataset["frame"].values.tolist() == list(range(N))
    assert dataset["missing"].values.tolist() == [0] * N


@pytest.mark.parametrize("times", [None, np.arange(N - 1) / 30, np.arange(N + 1) / 30])
def test_times_of_another_length_are_not_believed(times: np.ndarray | None) -> None:
    given = {} if times is None else {"face": times}
    found = imported_outcomes(tree_of(full=True, motion=[np.ones(N)]), given)
    assert np.isnan(found.datasets["motion"][""]["time"].values).all()
    assert any("times are not known" in text for text in texts(found, "motion"))


# early energy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "at_499"), [(499, 0.0), (500, 1.0)])
def test_a_file_is_early_only_where_frame_499_shows_it(n: int, at_499: float) -> None:
    energy = np.ones(n, np.float32)
    if n > 499:
        energy[499] = at_499
    found = imported_outcomes(tree_of(full=True, motion=[energy]))
    assert not any("early" in text for text in texts(found, "motion"))


def test_early_energy_of_every_region_is_moved() -> None:
    truth = np.arange(1, 601, dtype=np.float32)
    early = truth.copy()
    early[:499] = truth[1:500]
    early[499] = 0
    tree = tree_of([box(1, 0, 0, 8, 8)], full=True, motion=[early * 48, early * 4])
    energy = imported_outcomes(tree, repair=True).datasets["motion"][""]["energy"].values
    assert np.isnan(energy[0]).all()
    np.testing.assert_allclose(energy[1:], np.stack([truth, truth], 1)[1:], rtol=1e-6)


# components ---------------------------------------------------------------------------------------------


def of_components(**more: Any) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    """Make a file with components of the whole frame and of two regions of other sizes."""
    rng = np.random.default_rng(0)
    shapes = [(6, 8, 4), (2, 2, 3), (3, 2, 2)]
    parts = {
        "masks": [unit_masks(rng, *shape) for shape in shapes],
        "traces": [rng.normal(size=(N, shape[2])).astype(np.float32) for shape in shapes],
    }
    tree = tree_of(
        [box(1, 0, 4, 8, 8), box(1, 8, 12, 12, 8)],
        full=True,
        motMask_reshape=parts["masks"],
        motMask=[mask.reshape(-1, mask.shape[2]) for mask in parts["masks"]],
        motSVD=parts["traces"],
        motSv=np.array([9.0, 5.0], np.float32),
        **more,
    )
    return tree, parts


def test_components_of_several_regions_are_padded_with_nan() -> None:
    tree, parts = of_components()
    dataset = imported_outcomes(tree).datasets["svd"][""]
    check_outcome(dataset, get_analysis("svd").outputs)
    for j, (mask, trace) in enumerate(zip(parts["masks"], parts["traces"], strict=True)):
        height, width, k = mask.shape
        kept = dataset["motion_mask"].values[j]
        np.testing.assert_array_equal(np.moveaxis(kept[:k, :height, :width], 0, 2), mask)
        assert np.isfinite(kept).sum() == mask.size
        np.testing.assert_array_equal(dataset["motion_svd"].values[:, j, :k], trace)
        assert np.isnan(dataset["motion_svd"].values[:, j, k:]).all()


def test_origins_of_masks_are_those_of_the_regions() -> None:
    dataset = imported_outcomes(of_components()[0]).datasets["svd"][""]
    assert dataset["y_origin"].values.tolist() == [0, 0, 8]
    assert dataset["x_origin"].values.tolist() == [0, 4, 12]


def test_singular_values_belong_to_the_last_region_and_the_others_are_missing() -> None:
    found = imported_outcomes(of_components()[0])
    values = found.datasets["svd"][""]["motion_singular_value"].values
    np.testing.assert_array_equal(values[2, :2], [9, 5])
    assert np.isnan(values[:2]).all()
    assert any("last region only" in text for text in texts(found, "svd"))


def test_singular_values_of_every_region_are_kept_where_a_file_has_them() -> None:
    tree, _ = of_components()
    tree["motSv"] = [np.array([8.0, 7, 6, 5]), np.array([4.0, 3, 2]), np.array([9.0, 5])]
    values = imported_outcomes(tree).datasets["svd"][""]["motion_singular_value"].values
    np.testing.assert_array_equal(values[0], [8, 7, 6, 5])
    np.testing.assert_array_equal(values[1, :3], [4, 3, 2])
    np.testing.assert_array_equal(values[2, :2], [9, 5])


def test_singular_values_that_are_all_zero_are_none() -> None:
    tree, _ = of_components()
    tree["motSv"] = np.zeros(2)
    values = imported_outcomes(tree).datasets["svd"][""]["motion_singular_value"].values
    assert np.isnan(values).all()


def test_movie_components_of_the_same_regions_stand_beside_those_of_the_motion() -> None:
    tree, parts = of_components()
    tree |= {"movMask_reshape": parts["masks"], "movSVD": [2 * trace for trace in parts["traces"]]}
    dataset = imported_outcomes(tree).datasets["svd"][""]
    np.testing.assert_array_equal(dataset["movie_svd"].values, 2 * dataset["motion_svd"].values)


def test_movie_components_of_other_regions_are_left_out() -> None:
    tree, parts = of_components()
    empty = np.zeros((0, 0, 1), np.float32)
    tree |= {
        "movMask_reshape": [empty, *parts["masks"][1:]],
        "movSVD": [np.zeros((0, 1), np.float32), *parts["traces"][1:]],
    }
    found = imported_outcomes(tree).datasets["svd"][""]
    assert not [name for name in found.data_vars if str(name).startswith("movie")]


def test_movie_components_alone_make_no_outcome() -> None:
    tree, parts = of_components()
    tree |= {"movMask_reshape": parts["masks"], "movSVD": parts["traces"]}
    for key in ("motMask_reshape", "motSVD", "motSv", "motMask"):
        del tree[key]
    assert "svd" not in imported_outcomes(tree).datasets


@pytest.mark.parametrize("repair", [False, True])
def test_product_of_mask_and_trace_is_left_alone_by_repair(repair: bool) -> None:
    """Masks without norm and traces too large are the same picture: repair moves the factor only."""
    tree, parts = of_components()
    factor = np.array([30.0, 20, 10, 5], np.float32)
    tree["motMask_reshape"] = [parts["masks"][0] * factor, *parts["masks"][1:]]
    tree["motSVD"] = [parts["traces"][0] * factor, *parts["traces"][1:]]
    found = imported_outcomes(tree, repair=repair)
    dataset = found.datasets["svd"][""]
    norms = np.linalg.norm(dataset["motion_mask"].values[0].reshape(4, -1), axis=1)
    np.testing.assert_allclose(norms, 1 if repair else factor, rtol=1e-5)
    trace = dataset["motion_svd"].values[:, 0]
    np.testing.assert_allclose(trace, parts["traces"][0] * (1 if repair else factor), rtol=1e-5)
    assert any(("were divided" if repair else "--repair mends") in text for text in texts(found, "svd"))


def test_repair_does_not_touch_masks_of_norm_1() -> None:
    tree, parts = of_components()
    found = imported_outcomes(tree, repair=True)
    np.testing.assert_array_equal(
        np.moveaxis(found.datasets["svd"][""]["motion_mask"].values[0], 0, 2), parts["masks"][0]
    )
    assert not any("norm" in text for text in texts(found, "svd"))


# eyes ---------------------------------------------------------------------------------------------------


def eye(**more: Any) -> dict[str, np.ndarray]:
    """Return the values of a pupil that grows from frame to frame."""
    return {
        "area": np.pi * np.arange(4, 4 + N) ** 2.0,
        "com": np.tile([3.0, 5.0], (N, 1)),
        "axlen": np.tile([16.0, 9.0], (N, 1)),
        **more,
    }


def test_a_pupil_is_a_circle_of_its_area_at_its_place() -> None:
    tree = tree_of([box(0, 10, 6, 8, 12)], pupil=[eye()])
    dataset = imported_outcomes(tree).datasets["pupil"][""]
    check_outcome(dataset, get_analysis("pupil").outputs)
    np.testing.assert_allclose(dataset["diameter"].values[:, 0], 2 * np.arange(4, 4 + N), rtol=1e-6)
    np.testing.assert_allclose(dataset["centre"].values[:, 0], [[6 + 5, 10 + 3]] * N)
    np.testing.assert_allclose(dataset["major"].values[:, 0], 8)
    np.testing.assert_allclose(dataset["minor"].values[:, 0], 6)


def test_smoothed_values_that_a_file_lacks_are_missing() -> None:
    dataset = imported_outcomes(tree_of([box(0, 10, 6, 8, 12)], pupil=[eye()])).datasets["pupil"][""]
    for name in ("area_smooth", "diameter_smooth", "centre_smooth"):
        assert np.isnan(dataset[name].values).all()


def test_smoothed_values_are_turned_like_the_others() -> None:
    smooth = {"area_smooth": np.full(N, np.pi * 25), "com_smooth": np.tile([1.0, 2.0], (N, 1))}
    tree = tree_of([box(0, 10, 6, 8, 12)], pupil=[eye(**smooth)])
    dataset = imported_outcomes(tree).datasets["pupil"][""]
    np.testing.assert_allclose(dataset["diameter_smooth"].values[:, 0], 10, rtol=1e-6)
    np.testing.assert_allclose(dataset["centre_smooth"].values[:, 0], [[8, 11]] * N)


def test_two_pupils_keep_their_order() -> None:
    tree = tree_of(
        [box(0, 0, 0, 8, 8), box(2, 0, 0, 8, 8), box(0, 12, 12, 8, 8)],
        pupil=[eye(), eye(area=np.full(N, np.pi * 100))],
        blink=[np.full(N, 64.0)],
    )
    found = imported_outcomes(tree)
    dataset = found.datasets["pupil"][""]
    assert dataset["roi"].values.tolist() == ["pupil1", "pupil2"]
    np.testing.assert_allclose(dataset["diameter"].values[:, 1], 20, rtol=1e-6)
    assert [roi.kind for roi in found.rois] == ["pupil", "blink", "pupil"]


def test_blink_is_the_mean_over_the_pixels_of_the_region() -> None:
    shape = np.zeros((4, 4), bool)
    shape[1:3] = True
    tree = tree_of([box(2, 0, 0, 4, 4, ellipse=shape)], blink=[np.arange(N) * 8.0])
    dataset = imported_outcomes(tree).datasets["blink"][""]
    check_outcome(dataset, get_analysis("blink").outputs)
    np.testing.assert_allclose(dataset["darkness"].values[:, 0], np.arange(N))


def test_values_without_a_region_are_no_outcome() -> None:
    tree = tree_of(pupil=[eye()], blink=[np.ones(N)], motion=[np.zeros(0), np.ones(N)])
    assert imported_outcomes(tree).datasets == {}


def test_a_region_without_values_is_kept_as_a_region_only() -> None:
    found = imported_outcomes(tree_of([box(0, 10, 6, 8, 12), box(2, 0, 0, 4, 4), box(1, 0, 0, 8, 8)]))
    assert [roi.name for roi in found.rois] == ["pupil", "blink", "motion"]
    assert found.datasets == {}


# several cameras ----------------------------------------------------------------------------------------


def test_each_camera_has_the_outcomes_of_its_own_regions() -> None:
    tree = tree_of(
        [box(1, 0, 0, 8, 8), box(1, 0, 0, 8, 8, ivid=1), box(0, 10, 6, 8, 12, ivid=1)],
        motion=[np.zeros(0), np.full(N, 4.0), np.full(N, 8.0)],
        pupil=[eye()],
    )
    tree |= {"Ly": [HEIGHT, 40], "Lx": [WIDTH, 60]}
    found = imported_outcomes(tree)
    assert set(found.datasets["motion"]) == {"camera1", "camera2"}
    assert set(found.datasets["pupil"]) == {"camera2"}
    means = [float(found.datasets["motion"][name]["energy"].mean()) for name in ("camera1", "camera2")]
    assert means == [1, 2]
    assert [roi.camera for roi in found.rois] == ["camera1", "camera2", "camera2"]
    assert isinstance(found.rois[0].shape, Rectangle)


def test_the_whole_frame_of_several_cameras_is_not_attributed_to_one() -> None:
    tree = tree_of(full=True, motion=[np.ones(N)])
    tree |= {"Ly": [HEIGHT, 40], "Lx": [WIDTH, 60]}
    assert imported_outcomes(tree).datasets == {}


def test_running_is_remarked_only_where_there_is_a_region_of_it() -> None:
    tree = tree_of([box(3, 0, 0, 8, 8)], running=[np.ones((N, 2))])
    assert any("Facemap 1.0 stores noise" in text for text in texts(imported_outcomes(tree), "motion"))
    assert imported_outcomes(tree_of(running=[])).flags == {}

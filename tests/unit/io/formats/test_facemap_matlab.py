"""Facemap's MATLAB files, written as Facemap writes them: they say what the `.npy` of the same run says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mystax.io.formats.facemap import read_facemap
from mystax.io.formats.facemap_matlab import layout_of_matlab
from mystax.io.formats.facemap_outcomes import imported_outcomes

N, SBIN = 6, 4
pytestmark = pytest.mark.usefixtures("readers_here")


def box(rind: int, height: int, width: int) -> dict[str, Any]:
    """Return the entry of a region whose corner is the picture's."""
    return {
        "rind": rind,
        "ivid": 0,
        "yrange": np.arange(height),
        "xrange": np.arange(width),
        "yrange_bin": np.arange(height // SBIN),
        "xrange_bin": np.arange(width // SBIN),
        "ellipse": np.ones((height, width), bool),
    }


def facemap_run(n_pupils: int, boxes: list[tuple[int, int]], n_components: int) -> dict[str, Any]:
    """Return what Facemap holds after a run without the whole frame."""
    rng = np.random.default_rng(7)
    nothing = np.zeros((0, n_components), np.float32)
    pupils = [
        {
            "area": rng.random(N),
            "com": rng.random((N, 2)),
            "axlen": rng.random((N, 2)),
            "area_smooth": rng.random(N),
            "com_smooth": rng.random((N, 2)),
        }
        for _ in range(n_pupils)
    ]
    shapes = [(height // SBIN, width // SBIN, n_components) for height, width in boxes]
    masks = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    return {
        "filenames": [["side.mp4"]],
        "Ly": np.array([24]),
        "Lx": np.array([32]),
        "sbin": SBIN,
        "fullSVD": False,
        "rois": [box(0, 9, 8)] * n_pupils + [box(1, *size) for size in boxes],
        "pupil": pupils,
        "motion": [np.zeros(0, np.float32), *(rng.random(N).astype(np.float32) for _ in boxes)],
        "motSVD": [nothing, *(rng.random((N, n_components)).astype(np.float32) for _ in boxes)],
        "motMask": [nothing, *(mask.reshape(-1, n_components) for mask in masks)],
        "motMask_reshape": [nothing, *masks],
        "motSv": rng.random(n_components),
    }


def save_as_facemap(path: Path, run: dict[str, Any]) -> Path:
    """Write the file as Facemap's `save` does: lists of arrays numbered, all else as it is."""
    flat: dict[str, Any] = {}
    for key, value in run.items():
        if isinstance(value, list) and value and isinstance(value[0], np.ndarray):
            flat |= {f"{key}_{k}": item for k, item in enumerate(value)}
        else:
            flat[key] = value
    savemat(path, flat)
    return path


@pytest.mark.parametrize(
    ("n_pupils", "boxes", "n_components"),
    [(1, [(8, 8)], 3), (2, [(8, 12), (12, 8)], 1), (1, [(4, 12)], 3), (1, [(12, 4)], 3), (1, [(4, 12)], 1)],
)
def test_matlab_file_says_what_the_numpy_file_says(
    tmp_path: Path, n_pupils: int, boxes: list[tuple[int, int]], n_components: int
) -> None:
    run = facemap_run(n_pupils, boxes, n_components)
    truth = imported_outcomes(run)
    found = imported_outcomes(read_facemap(save_as_facemap(tmp_path / "side_proc.mat", run)))
    assert set(found.datasets) == {"motion", "svd", "pupil"}
    for name, cameras in truth.datasets.items():
        assert found.datasets[name][""].identical(cameras[""]), name
    assert found.rois == truth.rois


def test_file_without_regions_has_none(tmp_path: Path) -> None:
    run = facemap_run(0, [], 2) | {"rois": 0}  # as Facemap writes None
    assert read_facemap(save_as_facemap(tmp_path / "side_proc.mat", run))["rois"] is None


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        ([["side.mp4"]], [24]),
        ([["side.mp4", "top.mp4"]], [24, 20]),
        ([["side1.mp4", "top1.mp4"], ["side2.mp4", "top2.mp4"]], [24, 20]),
        ([["one.mp4"], ["second.mp4"]], [24]),
    ],
)
def test_names_of_videos_stay_with_their_cameras(
    tmp_path: Path, names: list[list[str]], sizes: list[int]
) -> None:
    run = facemap_run(1, [(8, 8)], 2) | {"filenames": names, "Ly": np.array(sizes), "Lx": np.array(sizes)}
    assert read_facemap(save_as_facemap(tmp_path / "side_proc.mat", run))["filenames"] == names


def test_numbered_names_become_one_list_in_their_order() -> None:
    tree = {f"motion_{k}": np.array([k, k]) for k in (2, 0, 10, 1)} | {"early_1": 5}
    found = layout_of_matlab(tree)
    assert [int(item[0]) for item in found["motion"]] == [0, 1, 2, 10]
    assert found["early_1"] == 5

"""Files of Facemap as rows: every value at its own place, by its own axis."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.element.facemap_signals import camera_of_video, signals_of_facemap
from mystax.errors import FormatError
from tests.fixtures.facemap_files import facemap_dict
from tests.fixtures.facemap_films import facemap_tree_of_regions

N = 12


def tree(**changes: Any) -> dict[str, Any]:
    return {**facemap_tree_of_regions(N), **changes}


def test_frame_comes_first_and_regions_follow_in_order() -> None:
    found = signals_of_facemap(tree(), n_frames=N)
    assert [(row["roi_no"], row["roi_name"]) for row in found.regions] == [
        (0, "frame"),
        (1, "motion1"),
        (2, "motion2"),
    ]
    np.testing.assert_array_equal(found.regions[2]["xrange"], np.arange(48, 88))


def test_without_the_frame_regions_begin_at_zero() -> None:
    file = tree()
    for key in ("motion", "motSVD", "motMask_reshape"):
        file[key] = [np.zeros((0, 1) if key == "motSVD" else 0), *file[key][1:]]
    found = signals_of_facemap(file, do_mov_svd=False)
    assert [row["roi_kind"] for row in found.regions] == ["motion", "motion"]
    rows = list(found.motion_svd)
    assert {row["roi_no"] for row in rows} == {0, 1}
    np.testing.assert_array_equal(rows[0]["projection"], file["motSVD"][1][:, 0])


def test_singular_values_per_region_are_used_where_they_are_kept() -> None:
    values = [np.array([9.0, 8.0, 7.0]) + r for r in range(3)]
    rows = list(signals_of_facemap(tree(motSv=values)).motion_svd)
    assert [row["singular_value"] for row in rows if row["roi_no"] == 1] == [10.0, 9.0, 8.0]


def test_only_wished_components_are_taken() -> None:
    found = signals_of_facemap(tree(), do_mot_svd=False, do_mov_svd=False)
    assert list(found.motion_svd) == list(found.movie_svd) == []


def test_mean_pictures_have_the_shape_of_the_bins() -> None:
    summary = signals_of_facemap(tree()).summary
    assert summary is not None
    assert summary["sbin"] == 4
    np.testing.assert_array_equal(summary["avgframe"], np.arange(384).reshape(16, 24))


def test_pupil_is_placed_in_the_picture() -> None:
    time = np.arange(N)
    file = tree(
        rois=[{"rind": 0, "ivid": 0, "yrange": np.arange(10, 40), "xrange": np.arange(5, 45)}],
        pupil=[{"area": 50.0 + time, "com": np.stack([1.0 + time, 2.0 + time], 1)}],
    )
    (row,) = signals_of_facemap(file).pupil
    np.testing.assert_array_equal(row["area"], 50 + time)
    np.testing.assert_array_equal(row["centre"], np.stack([2 + time + 5, 1 + time + 10], 1))
    assert np.isnan(row["confidence"]).all()


def test_another_number_of_frames_is_refused() -> None:
    with pytest.raises(FormatError, match=r"F804 .*about other videos"):
        signals_of_facemap(tree(), n_frames=N + 1)


@pytest.mark.parametrize("key", ["motMask_reshape", "motSVD"])
def test_values_of_another_form_are_refused(key: str) -> None:
    file = tree(**{key: [np.zeros(3) for _ in range(3)]})
    with pytest.raises(FormatError, match="F804"):
        list(signals_of_facemap(file).motion_svd)


def test_camera_is_found_by_the_name_of_the_video() -> None:
    file = {"Ly": [4, 4], "filenames": [["a0.avi", "b0.avi"], ["a1.avi", "b1.avi"]]}
    assert camera_of_video(file, ["/x/b0.avi"], "f") == 1
    with pytest.raises(FormatError, match=r"F804 .*several cameras"):
        camera_of_video(file, ["/x/c0.avi"], "f")


def test_videos_of_one_name_are_told_apart_by_their_folders() -> None:
    file = {"Ly": [4, 4], "filenames": [["/d/left/v.avi", "/d/right/v.avi"]]}
    assert camera_of_video(file, ["/x/right/v.avi"], "f") == 1
    with pytest.raises(FormatError, match=r"F804 .*one name"):
        camera_of_video(file, ["/x/v.avi"], "f")


@pytest.mark.parametrize("seed", range(12))
def test_any_file_of_facemap_gives_rows_of_its_own_values(seed: int) -> None:
    file = facemap_dict(seed)
    for camera in range(len(file["Ly"])):
        found = signals_of_facemap(file, camera=camera)
        numbers = [row["roi_no"] for row in found.regions]
        assert numbers == list(range(len(numbers)))
        for row in found.motion_svd:
            own = [
                trace[:, row["component_id"]] for trace in file["motSVD"] if trace.ndim == 2 and trace.size
            ]
            assert any(np.array_equal(column, row["projection"]) for column in own)

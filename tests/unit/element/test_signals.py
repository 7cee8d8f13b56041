"""Our outcomes as rows: numbers of regions, boxes of masks, only what was measured."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.core.geometry import Ellipse, Rectangle, Roi
from mystax.core.recording import ArraySource, Camera, Recording
from mystax.element.signals import signals_of_outcomes
from tests.fixtures.lab import motion_rois
from tests.fixtures.sine_outcomes import BIN, block_mask, sine_outcomes, sine_projection

N = 24
FULL = Roi("frame", "motion", Rectangle(0, 0, 96, 64))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording("face", {"face": Camera("face", ArraySource(np.zeros((N, 64, 96), np.uint8)))})


def names(found: Any) -> list[tuple[int, str, str]]:
    return [(row["roi_no"], row["roi_name"], row["roi_kind"]) for row in found.regions]


def test_set_gives_the_numbers_and_the_frame_comes_first(recording: Recording) -> None:
    rois = [motion_rois(2)[1], FULL, motion_rois(2)[0]]
    found = signals_of_outcomes(sine_outcomes(recording, rois), rois)
    assert names(found) == [(0, "frame", "frame"), (1, "third2", "motion"), (2, "third1", "motion")]
    rows = list(found.motion_svd)
    assert {row["roi_no"] for row in rows} == {0, 1, 2}
    # region 2 of the rows is the third of the outcome, whose traces are those of place 2
    last = next(row for row in rows if row["roi_no"] == 2 and row["component_id"] == 4)
    np.testing.assert_array_equal(last["projection"], sine_projection(N, 2, 4))


def test_region_that_nothing_measured_has_a_row_without_values(recording: Recording) -> None:
    rois = [*motion_rois(1), Roi("muzzle", "face", Rectangle(8, 8, 40, 30))]
    found = signals_of_outcomes(sine_outcomes(recording, motion_rois(1)), rois)
    assert names(found)[1] == (1, "muzzle", "face")
    row = found.regions[1]
    assert row["motion"] is None
    assert row["xrange_bin"] is None
    np.testing.assert_array_equal(row["xrange"], np.arange(8, 48))


def test_regions_are_found_without_a_set(recording: Recording) -> None:
    rois = motion_rois(2)
    assert names(signals_of_outcomes(sine_outcomes(recording, rois))) == [
        (0, "third1", "motion"),
        (1, "third2", "motion"),
    ]


def test_mask_is_cut_to_the_box_of_its_region(recording: Recording) -> None:
    rois = motion_rois(3)  # of three heights: the outcome pads to the largest
    for row in signals_of_outcomes(sine_outcomes(recording, rois), rois).motion_svd:
        box = rois[row["roi_no"]].shape.box()
        shape = (box.height // BIN, box.width // BIN)
        np.testing.assert_array_equal(row["motmask"], block_mask(shape, row["roi_no"], row["component_id"]))


def test_components_beyond_a_block_go_on_counting(recording: Recording) -> None:
    rois = motion_rois(1)
    outcomes = sine_outcomes(recording, rois, n_components=70, kinds=("movie",))
    rows = list(signals_of_outcomes(outcomes, rois).movie_svd)
    assert [row["component_id"] for row in rows] == list(range(70))
    np.testing.assert_array_equal(rows[66]["projection"], sine_projection(N, 0, 66, "movie"))


def test_only_wished_components_are_taken(recording: Recording) -> None:
    outcomes = sine_outcomes(recording, motion_rois(1))
    found = signals_of_outcomes(outcomes, do_mot_svd=False, do_mov_svd=False)
    assert list(found.motion_svd) == list(found.movie_svd) == []


def test_motion_is_the_sum_over_bins_and_missing_at_the_first_frame(recording: Recording) -> None:
    (row,) = signals_of_outcomes(sine_outcomes(recording, motion_rois(1))).regions
    assert np.isnan(row["motion"][0])
    np.testing.assert_array_equal(row["motion"][1:], (np.arange(1, N) + 0.5) * 8 * 16)


def test_outcomes_without_motion_have_no_mean_pictures(recording: Recording) -> None:
    eye = Roi("eye", "pupil", Ellipse(40, 20, 12, 10))
    found = signals_of_outcomes(sine_outcomes(recording, [eye]), [eye])
    assert found.summary is None
    assert [row["roi_no"] for row in found.pupil] == [0]

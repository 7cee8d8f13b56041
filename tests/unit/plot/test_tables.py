"""Numbers of the report."""

import numpy as np

from mystax.plot.chapters import facts_of
from mystax.plot.pictures import View
from tests.fixtures.plot_outcomes import blink, joint_svd, motion, pupil, rois, svd


def test_median_and_spread_are_those_of_the_values() -> None:
    dataset = pupil()
    values = dataset["diameter"].values[:, 0]
    low, middle, high = np.nanpercentile(values, [5, 50, 95])
    (table,) = facts_of("pupil", [View("", dataset)])
    assert table.rows[0] == (
        "eye",
        "diameter",
        "px",
        f"{middle:.4g}",
        f"{low:.4g}",
        f"{high:.4g}",
        "55 of 60",
    )


def test_values_that_are_all_missing_are_empty_cells() -> None:
    (table,) = facts_of("motion", [View("", motion() * np.nan)])
    assert table.rows[0][3:] == ("", "", "", "0 of 60")


def test_several_cameras_have_a_column_of_their_own() -> None:
    (table,) = facts_of("motion", [View("left", motion()), View("right", motion())])
    assert table.head[0] == "camera"
    assert {row[0] for row in table.rows} == {"left", "right"}
    assert all(len(row) == len(table.head) for row in table.rows)


def test_blinks_are_counted_by_kind() -> None:
    table = facts_of("blink", [View("", blink())])[1]
    assert dict(zip(table.head, table.rows[0], strict=True)) == {
        "region": "lid",
        "blinks": "2",
        "longer closures": "1",
        "deepest": "1.00",
        "cut off": "1",
    }


def test_components_say_how_much_they_hold() -> None:
    (table,) = facts_of("svd", [View("", svd())])
    assert table.rows == [("pad", "motion", "5", "90.00 %", "gram_bins")]
    (joint,) = facts_of("svd", [View("all_cameras", joint_svd())])
    assert joint.rows == [("all_cameras", "all_cameras", "motion", "2", "100.00 %", "")]


def test_components_of_unknown_variance_are_counted_by_their_masks() -> None:
    (table,) = facts_of("svd", [View("", svd().drop_vars("motion_captured"))])
    assert table.rows[0][2:4] == ("5", "unknown")


def test_proposals_have_their_confidence() -> None:
    (table,) = facts_of("rois", [View("", rois())])
    assert table.rows == [("face", "face", "0.70"), ("eye", "pupil", "0.40")]


def test_an_analysis_without_numbers_has_no_table() -> None:
    assert facts_of("facemap", [View("", motion())]) == []


def test_blinks_of_an_imported_outcome_are_not_counted() -> None:
    dataset = blink()
    dataset["openness"] = dataset["openness"] * np.nan
    assert len(facts_of("blink", [View("", dataset)])) == 1

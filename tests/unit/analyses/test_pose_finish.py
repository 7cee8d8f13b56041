"""What is said about a whole recording of keypoints, from rows that were made by hand."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.analyses import pose_finish
from mystax.analyses.pose_finish import Tracked, finish_pose
from mystax.analyses.pose_params import PoseParams
from mystax.analyses.pose_rows import PER_POINT, SMOOTHED, Columns, SmoothedColumns, columns_of
from mystax.compute.tracks import smooth_tracks
from mystax.core.clock import Clock
from mystax.core.point_flags import FLAG_MASKS
from mystax.core.quality import Flag
from mystax.engine.passes import MemorySpool
from mystax.nets.crop import CropBox
from mystax.nets.face_box import FaceBox
from mystax.nets.predictor import Predictor, open_predictor
from tests.fixtures.networks import tiny_weights

BOX = CropBox(100.0, 50.0, 200.0)
N = 1500


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return open_predictor(tiny_weights(tmp_path_factory.mktemp("weights")))


def _tracked(predictor: Predictor, path: np.ndarray, **columns: np.ndarray) -> Tracked:
    """Make rows whose points lie on a grid about a path (time, space) of the face's middle."""
    k = predictor.n_points
    grid = np.stack([np.arange(k) * 4.0 - 2.0 * k, np.arange(k) % 3 * 20.0 - 20.0], axis=1)
    rows = np.zeros((len(path), len(PER_POINT), k), np.float32)
    rows[:, 0], rows[:, 1] = np.moveaxis(path[:, None] + grid, 2, 0)
    rows[:, PER_POINT.index("xx")] = rows[:, PER_POINT.index("yy")] = 0.25
    rows[:, PER_POINT.index("confidence")] = rows[:, PER_POINT.index("visibility")] = 0.9
    for name, values in columns.items():
        rows[:, PER_POINT.index(name)] = values[:, None]
    spool = MemorySpool(rows.shape[1] * k, "float32")
    spool.append(rows.reshape(len(path), -1))
    times = Clock.from_rate(Fraction(10), len(path)).seconds
    return Tracked(spool, len(path), times, FaceBox(BOX, 0.9), predictor, _room(k))


def _room(n_points: int) -> list[MemorySpool]:
    return [MemorySpool(len(SMOOTHED), "float32") for _ in range(n_points)]


def _middle(n: int = N) -> np.ndarray:
    return np.tile([200.0, 150.0], (n, 1))


def _flags(tracked: Tracked) -> list[Flag]:
    return finish_pose(tracked, PoseParams(smooth="none"))[1]


def test_a_face_that_stays_in_its_box_needs_no_remark(predictor: Predictor) -> None:
    assert _flags(_tracked(predictor, _middle())) == []


def test_a_face_that_moves_away_is_told_with_its_minute(predictor: Predictor) -> None:
    path = _middle()
    path[700:] += [40.0, 0.0]  # more than 15 % of the box from minute 2 on; most of the time it is there
    path[:60] -= [40.0, 0.0]
    path[:700] -= [40.0, 0.0]
    (flag,) = _flags(_tracked(predictor, path))
    assert flag.code == "N331"
    assert "first in minute 0" in flag.text
    assert "draw a larger one: a region of kind face, or the parameter box of pose" in flag.text
    assert "--" not in flag.text


def test_points_at_the_edge_of_the_box_are_told_with_their_frames(predictor: Predictor) -> None:
    path = _middle()
    path[100:130, 1] += 90.0  # beyond the inner 90 % of the box, for 2 % of the time
    (flag,) = _flags(_tracked(predictor, path))
    assert flag.code == "N331"
    assert "2.0 % of the frames" in flag.text
    assert flag.frames[0] == 100
    assert flag.n_frames == 30


@pytest.mark.parametrize(
    ("box", "shape", "is_whole"),
    [
        (CropBox(0.0, -50.0, 400.0), (300, 400), True),
        (CropBox(-10.0, -60.0, 420.0), (300, 400), True),
        (CropBox(0.0, -50.0, 399.0), (300, 400), False),
        (CropBox(1.0, 0.0, 400.0), (300, 400), False),
    ],
)
def test_no_larger_box_is_asked_for_where_it_holds_the_whole_frame(
    predictor: Predictor, box: CropBox, shape: tuple[int, int], is_whole: bool
) -> None:
    path = _middle()
    path[100:130, 0] += 190.0
    tracked = replace(_tracked(predictor, path), face=FaceBox(box, 1.0), shape=shape)
    (flag,) = _flags(tracked)
    assert flag.code == "N331"
    assert "2.0 % of the frames" in flag.text
    assert ("larger" not in flag.text) == is_whole


def test_where_no_face_is_found_both_ways_to_name_it_are_said(predictor: Predictor) -> None:
    tracked = replace(_tracked(predictor, _middle(40)), face=FaceBox(BOX, 0.1))
    (flag,) = _flags(tracked)
    assert flag.code == "N302"
    assert flag.text == (
        "no face was found (best score 0.10): the whole frame was tracked; "
        "draw a box: a region of kind face, or the parameter box of pose (x,y,side)"
    )


def test_doubtful_points_do_not_count_for_the_edge(predictor: Predictor) -> None:
    path, sure = _middle(), np.full(N, 0.9)
    path[100:130, 1] += 90.0
    sure[100:130] = 0.2
    assert _flags(_tracked(predictor, path, confidence=sure)) == []


def test_points_are_flagged_one_by_one(predictor: Predictor) -> None:
    sure, residual, clipped = np.full(40, 0.9), np.zeros(40), np.zeros(40)
    sure[3], residual[5], clipped[7] = 0.2, 9.0, 1.0
    tracked = _tracked(predictor, _middle(40), confidence=sure, residual=residual, clipped=clipped)
    dataset, _ = finish_pose(tracked, PoseParams())
    found = dataset["flag"].values[:, 0, 0]
    for frame, name in ((3, "low_confidence"), (5, "shape"), (7, "clipped")):
        assert found[frame] == FLAG_MASKS[name], name
    assert (np.delete(found, [3, 5, 7]) == 0).all()


def test_frames_that_never_came_are_missing(predictor: Predictor) -> None:
    tracked = _tracked(predictor, _middle(40))
    longer = replace(tracked, n_frames=50, times=np.arange(50) / 10)
    dataset, _ = finish_pose(longer, PoseParams())
    assert np.isnan(dataset["position"].values[40:]).all()
    assert (dataset["flag"].values[40:] == FLAG_MASKS["missing_frame"]).all()


def test_columns_are_those_of_the_points() -> None:
    spool = MemorySpool(len(PER_POINT) * 3, "float32")
    rows = np.arange(5 * len(PER_POINT) * 3, dtype=np.float32).reshape(5, -1)
    spool.append(rows)
    chosen = columns_of(3, "y", "confidence")
    assert chosen == [3, 4, 5, 15, 16, 17]
    found = Columns(spool, chosen).read(2, 7)
    np.testing.assert_array_equal(found[:3], rows[2:5][:, chosen])
    assert np.isnan(found[3:]).all()


def test_the_outcome_says_how_it_was_made(predictor: Predictor, tmp_path: Path) -> None:
    dataset, _ = finish_pose(_tracked(predictor, _middle(40)), PoseParams(smooth="ml"))
    assert dataset.attrs["weights"] == "tiny"
    assert dataset.attrs["box"] == "100.00,50.00,200.00"
    # the variance of a measurement is divided by its confidence
    assert dataset.attrs["noise"] == pytest.approx(np.full(13, np.sqrt(0.25 / 0.9)), rel=1e-5)
    assert 'name = "mouse-face-13"' in dataset.attrs["keypoint_set"]
    assert not list(tmp_path.iterdir())


def test_smoothed_rows_are_those_of_the_smoother_and_an_interrupted_end_goes_on(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pose_finish, "ROWS_PER_BLOCK", 16)
    noise = np.random.default_rng(3).normal(scale=0.5, size=(50, 2))
    tracked = _tracked(predictor, _middle(50) + noise)
    dataset, _ = finish_pose(tracked, PoseParams())
    columns = tracked.column(4, *PER_POINT)
    sure = columns[:, PER_POINT.index("confidence")]
    own = smooth_tracks(columns[:, None, :2], columns[:, None, 2:5], sure[:, None], tracked.times)
    np.testing.assert_array_equal(dataset["position"].values[:, :, 4, 0], own.position[:, 0].astype("f4"))
    np.testing.assert_array_equal(dataset["covariance"].values[:, :, 4, 0], own.covariance[:, 0].astype("f4"))
    begun = replace(tracked, smoothed=_room(predictor.n_points))
    for rows, whole, n in zip(begun.smoothed, tracked.smoothed, (0, 7, 16, 33, 50), strict=False):
        rows.append(whole.read(0, n))
    again, _ = finish_pose(begun, PoseParams())
    np.testing.assert_array_equal(again["position"].values, dataset["position"].values)
    np.testing.assert_array_equal(again["covariance"].values, dataset["covariance"].values)


def test_smoothed_columns_stand_name_by_name_and_point_by_point() -> None:
    rooms = _room(3)
    values = np.arange(4 * 3 * len(SMOOTHED), dtype=np.float32).reshape(4, 3, -1)
    for k, room in enumerate(rooms):
        room.append(values[:, k])
    found = SmoothedColumns(rooms, "y", "xx").read(1, 3)
    np.testing.assert_array_equal(found, values[1:3, :, 1:3].transpose(0, 2, 1).reshape(2, -1))

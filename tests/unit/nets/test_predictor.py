"""Weights ready for frames: what the search for the face is told, the points it goes by, and its cost."""

import numpy as np
import pytest

pytest.importorskip("torch", reason='pip install "mystax[train]"')  # the small network is made with it

from mystax.core.keypoints import KeypointSet
from mystax.nets.crop import CropBox
from mystax.nets.predictor import Predictor, open_predictor, points_for_box
from mystax.nets.runtime import Network
from tests.fixtures.networks import tiny_weights

pytestmark = pytest.mark.extra("train")
BOX = CropBox(10.0, 4.0, 60.0)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return open_predictor(tiny_weights(tmp_path_factory.mktemp("weights")))


def _frames() -> list[np.ndarray]:
    """Two frames with something to see, and between them a flat one."""
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 255, (2, 72, 96), np.uint8)
    return [one, np.full((72, 96), 90, np.uint8), other]


def test_places_are_those_of_the_network_and_flat_frames_have_none(predictor: Predictor) -> None:
    xy, confidence = predictor.place(_frames(), BOX)
    pairs = [predictor.network.prepare(frame, BOX) for frame in _frames()]
    flat = np.array([is_flat for _, is_flat in pairs])
    found = predictor.network.locate(np.stack([crop for crop, _ in pairs]), flat, BOX, (72, 96))
    assert flat.tolist() == [False, True, False]
    np.testing.assert_array_equal(xy, found.xy[:, predictor.order])
    np.testing.assert_array_equal(confidence, found.confidence[:, predictor.order])
    assert np.isnan(xy[1]).all()
    assert (confidence[1] == 0).all()


def test_scores_of_many_looks_are_those_of_one_after_the_other(predictor: Predictor) -> None:
    boxes = [BOX, CropBox(0.0, 0.0, 40.0, 1), CropBox(-10.0, -10.0, 110.0, 3)]
    looks = [(frame, box) for _ in range(8) for box in boxes for frame in _frames()]  # more than one batch
    together = predictor.score(looks)
    alone = np.concatenate([predictor.place([frame], box)[1] for frame, box in looks])
    np.testing.assert_array_equal(together, alone)


def test_frames_without_anything_to_see_never_reach_the_network(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = [np.full((72, 96), grey, np.uint8) for grey in (0, 90, 255)]
    expected = predictor.place(flat, BOX), predictor.score([(frame, BOX) for frame in flat])
    monkeypatch.setattr(Network, "decode", lambda *_: pytest.fail("the network was asked"))
    xy, confidence = predictor.place(flat, BOX)
    assert np.isnan(xy).all()
    assert confidence.shape == (3, len(predictor.every))
    assert (predictor.score([(frame, BOX) for frame in flat]) == 0).all()
    np.testing.assert_array_equal(expected[0][1], confidence)


def test_the_square_is_about_the_usual_points_of_a_larger_set() -> None:
    every = KeypointSet.load("mouse-face-22")
    points = points_for_box(every)
    assert points.held is not None
    assert [every.ids[k] for k in points.held] == list(KeypointSet.load("mouse-face-13").ids)
    assert "ear_tip" not in {every.ids[k] for k in points.held}


def test_eye_and_nose_are_scored_where_a_set_has_them() -> None:
    every = KeypointSet.load("mouse-face-13")
    points = points_for_box(every)
    assert {every.ids[k] for k in points.scored} == {
        *(name for name in every.ids if name.startswith(("eye_", "nose_")))
    }


def test_a_set_without_such_parts_counts_all_its_points() -> None:
    every = KeypointSet.load("mouse-face-13").subset(["mouth", "lower_lip", "whisker_I"])
    points = points_for_box(every)
    np.testing.assert_array_equal(points.scored, [0, 1, 2])
    assert points.held is None

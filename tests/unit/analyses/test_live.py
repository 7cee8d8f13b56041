"""Live tracking says of each frame what the analysis of the whole video says, filtered along its path."""

from collections.abc import Callable
from inspect import unwrap

import numpy as np
import pytest

import mystax
from mystax.analyses import live
from mystax.compute.track_filter import CausalFilter
from mystax.core.recording import ArraySource
from mystax.errors import ParameterError, RoiError
from mystax.nets.crop import CropBox
from mystax.nets.face_box import FaceBox
from tests.fixtures.networks import tiny_weights

BOX = (10, 5, 96)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_weights(tmp_path_factory.mktemp("weights")))


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Blobs that drift over a slope."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:110, :140]
    spots = rng.uniform(20, 90, (6, 2))[None] + rng.normal(0, 1.0, (12, 6, 2)).cumsum(axis=0)
    away = (y - spots[..., 0, None, None]) ** 2 + (x - spots[..., 1, None, None]) ** 2
    film = 120 * np.exp(-away / 80).sum(axis=1) + 0.3 * x + rng.normal(0, 2, (12, 110, 140))
    return np.asarray(np.clip(film, 0, 255).astype(np.uint8))


def test_a_frame_has_the_places_that_the_analysis_gives_it(weights: str, frames: np.ndarray) -> None:
    whole = mystax.pose(ArraySource(frames), weights=weights, box="10,5,96", smooth="none").isel(individual=0)
    tracker = mystax.Tracker(weights, box=BOX, cores=1)
    assert tracker.keypoints == tuple(whole.keypoint.values)
    for k, frame in enumerate(frames):
        pose = tracker(frame)
        expected = whole.isel(time=k)
        np.testing.assert_allclose(pose.position_raw, expected["position_raw"].values.T, atol=1e-3)
        np.testing.assert_array_equal(pose.position, pose.position_raw)
        np.testing.assert_allclose(pose.confidence, expected["confidence"].values, atol=1e-5)
        np.testing.assert_allclose(pose.visibility, expected["visibility"].values, atol=1e-5)
        np.testing.assert_allclose(pose.covariance, expected["measurement_covariance"].values.T, rtol=1e-3)
        assert np.isnan(pose.time)


def test_frames_with_times_are_filtered_along_their_path(weights: str, frames: np.ndarray) -> None:
    tracker = mystax.Tracker(weights, box=BOX, cutoff=8.0, cores=1)
    plain = mystax.Tracker(weights, box=BOX, cores=1)
    expected = CausalFilter(13, cutoff=8.0)
    for k, frame in enumerate(frames):
        pose, raw = tracker(frame, time=k / 50), plain(frame)
        position, covariance = expected.step(raw.position, raw.covariance, raw.confidence, k / 50)
        np.testing.assert_allclose(pose.position, position, atol=1e-4)
        np.testing.assert_allclose(pose.covariance, covariance, rtol=1e-4)
        np.testing.assert_array_equal(pose.position_raw, raw.position_raw)
        assert pose.time == k / 50
    assert np.abs(pose.position - pose.position_raw).max() > 0.01


def test_a_stream_counts_what_is_missing_and_repeats_nothing(weights: str, frames: np.ndarray) -> None:
    reason = np.zeros(12, np.uint8)
    reason[[0, 5, 6, 11]] = 2
    poses = list(mystax.Tracker(weights, box=BOX, cores=1).stream(ArraySource(frames, 50, reason=reason)))
    assert [pose.frame for pose in poses] == [1, 2, 3, 4, 7, 8, 9, 10]
    assert [pose.n_dropped for pose in poses] == [1, 0, 0, 0, 2, 0, 0, 0]
    np.testing.assert_allclose([pose.time for pose in poses], np.array([1, 2, 3, 4, 7, 8, 9, 10]) / 50)
    plain = mystax.Tracker(weights, box=BOX, cores=1)
    for pose in poses:
        np.testing.assert_array_equal(pose.position_raw, plain(frames[pose.frame]).position_raw)


def test_a_frame_without_contrast_has_no_place_and_does_not_stop_the_path(
    weights: str, frames: np.ndarray
) -> None:
    tracker = mystax.Tracker(weights, box=BOX, cores=1)
    before = tracker(frames[0], time=0.0)
    tracker(frames[1], time=0.02)
    blind = tracker(np.full_like(frames[0], 80), time=0.04)
    assert np.isnan(blind.position_raw).all()
    assert (blind.confidence == 0).all()
    assert np.isfinite(blind.position).all()
    assert (blind.covariance[:, 0] > before.covariance[:, 0]).all()
    late = tracker(np.full_like(frames[0], 80), time=1.0)
    assert np.isnan(late.position).all()


def test_deep_frames_give_the_places_of_their_eight_bits(weights: str, frames: np.ndarray) -> None:
    tracker = mystax.Tracker(weights, box=BOX, cores=1)
    deep = frames[3].astype(np.uint16) * 257
    np.testing.assert_allclose(tracker(deep).position, tracker(frames[3]).position, atol=1e-2)


@pytest.mark.parametrize("frame", [np.zeros((110, 140, 3), np.uint8), np.zeros((110, 140), np.bool_)])
def test_what_is_no_grey_picture_is_refused(weights: str, frame: np.ndarray) -> None:
    with pytest.raises(ParameterError, match=r"P401 frame.*a grey picture"):
        mystax.Tracker(weights, box=BOX)(frame)


def test_a_path_in_place_of_a_frame_is_refused(weights: str) -> None:
    with pytest.raises(ParameterError, match=r"P401 frame.*array \(y, x\).*str"):
        unwrap(mystax.Tracker.__call__)(mystax.Tracker(weights, box=BOX), "face.mp4")


def test_times_that_do_not_rise_are_refused_until_it_begins_anew(weights: str, frames: np.ndarray) -> None:
    tracker = mystax.Tracker(weights, box=BOX, cores=1)
    tracker(frames[0], time=3.0)
    with pytest.raises(ParameterError, match=r"P401 time.*reset\(\)"):
        tracker(frames[1], time=3.0)
    tracker.reset()
    first = tracker(frames[1], time=0.0)
    np.testing.assert_array_equal(first.position, first.position_raw)


def test_a_box_beside_the_frame_is_refused_with_the_first_frame(weights: str, frames: np.ndarray) -> None:
    tracker = mystax.Tracker(weights, box=(500, 5, 96))
    with pytest.raises(RoiError, match="P402"):
        tracker(frames[0])


def _finder(scores: list[float], asked: list[int]) -> Callable[..., FaceBox]:
    def find(pictures: list[np.ndarray], *_: object) -> FaceBox:
        asked.append(len(pictures))
        return FaceBox(CropBox(*BOX), scores[len(asked) - 1])

    return find


def test_a_face_is_looked_for_until_it_is_found_and_then_no_more(
    weights: str, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(live, "find_face_box", _finder([0.1, 0.2, 0.9, 0.9], asked))
    tracker = mystax.Tracker(weights, cores=1)
    boxes = []
    for frame in frames[:5]:
        tracker(frame)
        boxes.append(tracker.box)
    assert asked == [1, 1, 1]
    assert boxes == [None, None, CropBox(*BOX), CropBox(*BOX), CropBox(*BOX)]
    tracker.reset()
    tracker(frames[5])
    assert len(asked) == 4


def test_a_box_in_words_is_the_box_in_numbers(weights: str, frames: np.ndarray) -> None:
    words, numbers = mystax.Tracker(weights, box="10,5,96"), mystax.Tracker(weights, box=BOX)
    np.testing.assert_array_equal(words(frames[2]).position, numbers(frames[2]).position)
    whole = mystax.Tracker(weights, box="frame")
    whole(frames[2])
    assert whole.box == CropBox(0.0, -15.0, 140.0)


@pytest.mark.parametrize("cutoff", [float("nan"), float("inf"), 0, -1.0])
def test_a_cutoff_that_cuts_nothing_off_is_refused(weights: str, cutoff: float) -> None:
    with pytest.raises(ParameterError, match="P401 cutoff"):
        mystax.Tracker(weights, box=BOX, cutoff=cutoff)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("box", None),
        ("box", 5),
        ("box", ()),
        ("box", (10, None, 96)),
        ("keypoints", None),
        ("keypoints", 3),
        ("keypoints", []),
        ("cutoff", "fast"),
        ("cutoff", None),
    ],
)
def test_an_argument_of_another_type_is_refused(weights: str, name: str, value: object) -> None:
    make = unwrap(mystax.Tracker.__init__)
    with pytest.raises(ParameterError, match=f"P401 {name}"):
        make(object.__new__(mystax.Tracker), weights, **{name: value})


@pytest.mark.parametrize("time", ["a", [1.0, 2.0], float("nan"), float("inf"), 10**400])
def test_a_time_that_is_no_number_is_refused(weights: str, frames: np.ndarray, time: object) -> None:
    tracker = mystax.Tracker(weights, box=BOX, cores=1)
    with pytest.raises(ParameterError, match="P401 time"):
        unwrap(mystax.Tracker.__call__)(tracker, frames[0], time)
    assert unwrap(mystax.Tracker.__call__)(tracker, frames[0], np.float32(0.5)).time == 0.5


@pytest.mark.parametrize("box", [BOX, "frame"])
def test_a_frame_of_another_size_is_refused_until_it_begins_anew(
    weights: str, frames: np.ndarray, box: str | tuple[int, ...]
) -> None:
    tracker = mystax.Tracker(weights, box=box, cores=1)
    tracker(frames[0])
    with pytest.raises(ParameterError, match=r"P401 frame.*\(110, 140\).*\(109, 140\).*reset\(\)"):
        tracker(frames[0][1:])
    tracker.reset()
    assert tracker(frames[0][1:]).position.shape == (13, 2)


def test_points_may_be_a_list_and_the_box_an_array(weights: str, frames: np.ndarray) -> None:
    words = mystax.Tracker(weights, box="10,5,96", keypoints="mouth,nose_tip", cores=1)
    lists = mystax.Tracker(weights, box=[10, 5, 96], keypoints=["mouth", "nose_tip"], cores=1)
    assert lists.keypoints == words.keypoints == ("nose_tip", "mouth")
    np.testing.assert_array_equal(lists(frames[0]).position, words(frames[0]).position)
    assert lists.box == words.box


@pytest.mark.parametrize("box", [(10, 5, 96), [10.0, 5, 96.0], np.array([10, 5, 96])])
def test_the_analysis_takes_the_box_of_the_tracker(weights: str, frames: np.ndarray, box: object) -> None:
    names = ("mouth", "nose_tip")
    found = mystax.pose(ArraySource(frames[:2]), weights=weights, box=box, keypoints=names, smooth="none")
    words = mystax.pose(
        ArraySource(frames[:2]), weights=weights, box="10,5,96", keypoints="mouth,nose_tip", smooth="none"
    )
    assert found.drop_attrs().identical(words.drop_attrs())
    assert (found.attrs["parameters"], found.attrs["key"]) == (words.attrs["parameters"], words.attrs["key"])
    stills = mystax.pose(frames[:1], weights=weights, box=box, keypoints=names)
    np.testing.assert_allclose(stills.position_raw[0], words.position_raw[0], atol=1e-3)

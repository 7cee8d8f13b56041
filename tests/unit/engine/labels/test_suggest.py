"""Suggested frames: different from each other, at the worst places, with reasons, never twice."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mystax.core.recording import ArraySource
from mystax.engine.labels.labels import Labels
from mystax.engine.labels.suggest import suggest_frames
from mystax.errors import FormatError, RecipeError

N = 160
NAMES = ["nose_tip", "eye_top", "eye_front", "mouth"]
FACE = np.array([[5.0, 40], [40, 20], [30, 28], [20, 50]])


def video(seed: int = 0, n: int = N) -> ArraySource:
    """Make pictures of three kinds of very unequal number."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 255, (3, 48, 64))
    which = np.zeros(n, int)
    which[n // 2 : n // 2 + 20], which[-10:] = 1, 2
    frames = kinds[which] * 0.8 + rng.normal(size=(n, 48, 64)) * 6 + 20
    return ArraySource(np.clip(frames, 0, 255).astype(np.uint8), 20)


def pose(seed: int = 1, *, n_bad: int = 32) -> tuple[xr.Dataset, np.ndarray]:
    """Make predictions whose errors are larger where they are less sure; returns also the errors."""
    rng = np.random.default_rng(seed)
    sd = np.full(N, 1.0)
    bad = rng.choice(N, n_bad, replace=False)
    sd[bad] = rng.uniform(4, 12, n_bad)
    away = rng.normal(size=(N, len(NAMES), 2)) * sd[:, None, None]
    place = FACE + rng.uniform(0, 5, (N, 1, 2)) + away
    confidence = np.clip(1.1 - sd / 8 + rng.normal(size=(len(NAMES), N)) * 0.1, 0.01, 0.99).T
    flag = np.zeros((N, len(NAMES), 1), np.uint8)
    flag[bad[:5], 1] = 2
    dataset = xr.Dataset(
        {
            "position_raw": (
                ("time", "space", "keypoint", "individual"),
                place.transpose(0, 2, 1)[..., None],
            ),
            "confidence": (("time", "keypoint", "individual"), confidence[..., None]),
            "flag": (("time", "keypoint", "individual"), flag),
        },
        coords={
            "frame": ("time", np.arange(N)),
            "keypoint": NAMES,
            "space": ["x", "y"],
            "individual": ["face"],
        },
    )
    return dataset, np.hypot(away[..., 0], away[..., 1]).mean(1)


def test_without_predictions_every_kind_of_frame_is_suggested(tmp_path: Path) -> None:
    found = suggest_frames(Labels(tmp_path / "a.labels"), 6, [video()])
    frames = np.array([item.frame for item in found])
    assert ((frames >= N // 2) & (frames < N // 2 + 20)).any()
    assert (frames >= N - 10).any()
    assert len(set(frames.tolist())) == 6
    assert np.diff(np.sort(frames)).min() >= 10  # half a second at 20 frames/s
    assert all("stands for" in item.reason for item in found)


def test_suggested_frames_have_more_than_usual_errors(tmp_path: Path) -> None:
    ratios = []
    for seed in range(3):
        predicted, errors = pose(seed)
        found = suggest_frames(Labels(tmp_path / "a.labels"), 10, [video(seed)], poses={0: predicted})
        ratios.append(errors[[item.frame for item in found]].mean() / errors.mean())
    assert np.mean(ratios) >= 1.5


def test_worst_frame_comes_first_and_says_why(tmp_path: Path) -> None:
    predicted, _ = pose()
    found = suggest_frames(Labels(tmp_path / "a.labels"), 10, [video()], poses={0: predicted})
    suspicion = [item.suspicion for item in found]
    assert suspicion == sorted(suspicion, reverse=True)
    assert suspicion[0] > 0
    assert found[0].reason.startswith("the model ")
    assert any(name in found[0].reason for name in NAMES)
    assert sum(item.suspicion == 0 for item in found) == 2  # a fifth is only different


def test_jumps_are_among_the_reasons(tmp_path: Path) -> None:
    predicted, _ = pose()
    predicted.flag[:] = 0
    predicted.flag[50, 1] = 2
    predicted.confidence[:] = 0.9
    predicted.confidence[50] = 0.3
    found = suggest_frames(Labels(tmp_path / "a.labels"), 5, [video()], poses={0: predicted})
    reasons = {item.frame: item.reason for item in found}
    assert "jumps at eye_top" in reasons[50]
    assert "not sure of" in reasons[50]


def test_labelled_and_skipped_frames_are_not_suggested_again(tmp_path: Path) -> None:
    source = video()
    with Labels(tmp_path / "a.labels") as labels:
        first = suggest_frames(labels, 5, [source])
        for item in first[:3]:
            labels.add(source, item.frame, {"nose_tip": (1.0, 2.0)})
        labels.skip(source, first[3].frame)
        again = suggest_frames(labels, 5, [source])
    assert not {item.key for item in first[:4]} & {item.key for item in again}


def test_videos_get_equal_shares(tmp_path: Path) -> None:
    found = suggest_frames(Labels(tmp_path / "a.labels"), 7, [video(1), video(2), video(3)])
    counts = sorted(sum(item.key[0] == key for item in found) for key in {item.key[0] for item in found})
    assert counts == [2, 2, 3]


def test_same_seed_suggests_the_same(tmp_path: Path) -> None:
    one, two = (suggest_frames(Labels(tmp_path / "a.labels"), 5, [video()], seed=3) for _ in range(2))
    assert one == two


def test_face_box_is_what_is_looked_at(tmp_path: Path) -> None:
    frames = np.zeros((60, 40, 80), np.uint8)
    rng = np.random.default_rng(4)
    frames[:, :, 40:] = rng.integers(0, 255, (60, 40, 40))  # noise beside the face
    frames[30:, 10:20, 10:20] = 200  # the face changes once
    found = suggest_frames(
        Labels(tmp_path / "a.labels"), 2, [ArraySource(frames, 20)], boxes={0: (0.0, 0.0, 40.0)}
    )
    assert sorted(item.frame >= 30 for item in found) == [False, True]


def test_nothing_to_look_at_is_said_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="mystax labels suggest"):
        suggest_frames(Labels(tmp_path / "a.labels"), 5)


def test_short_video_gives_what_it_has(tmp_path: Path) -> None:
    assert len(suggest_frames(Labels(tmp_path / "a.labels"), 10, [video(n=21)])) <= 3


def test_predictions_of_pictures_are_refused(tmp_path: Path) -> None:
    stills = pose()[0].drop_vars("frame").rename(time="image")
    with pytest.raises(RecipeError, match=r"P403.*of pictures, not of a video"):
        suggest_frames(Labels(tmp_path / "a.labels"), 5, [video()], poses={0: stills})


@pytest.mark.parametrize("name", ["confidence", "position_raw", "keypoint"])
def test_outcome_that_is_no_pose_is_refused(tmp_path: Path, name: str) -> None:
    other = pose()[0].drop_vars(name)
    with pytest.raises(FormatError, match=f"F804.*{name.removesuffix('_raw')}"):
        suggest_frames(Labels(tmp_path / "a.labels"), 5, [video()], poses={0: other})


def test_predictions_of_another_number_of_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"P403.*another video.*100 frames.*160 frames"):
        suggest_frames(Labels(tmp_path / "a.labels"), 5, [video(n=100)], poses={0: pose()[0]})


def test_predictions_say_of_which_video_they_are(tmp_path: Path) -> None:
    source, other = video(), video(9)
    predicted = pose()[0]
    inputs = [
        {"role": "frames", "camera": "face", "position": k, "id": name}
        for k, name in enumerate((*source.identity, "grey=2"))
    ]
    predicted.attrs["inputs"] = json.dumps([*inputs, {"role": "weights", "camera": "face", "id": "5-ab"}])
    labels = Labels(tmp_path / "a.labels")
    assert suggest_frames(labels, 5, [source], poses={0: predicted})
    part = predicted.isel(time=slice(40, 80))  # of that video, as its attributes say
    assert suggest_frames(labels, 5, [source], poses={0: part})[0].frame in range(40, 80)
    with pytest.raises(RecipeError, match=r"P403.*another video"):
        suggest_frames(labels, 5, [other], poses={0: predicted})

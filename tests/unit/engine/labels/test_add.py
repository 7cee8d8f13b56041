"""`Labels.add`: which picture a label is put on, and arguments of other types."""

import inspect
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mystax.engine.labels.labels import Labels
from mystax.errors import ParameterError
from mystax.io.video import Video, VideoWriter
from tests.unit.engine.labels.test_labels import frames, source


def test_each_picture_under_a_name_that_is_used_again_has_its_own_label(tmp_path: Path) -> None:
    used = tmp_path / "frame.bmp"
    with Labels(tmp_path / "a.labels") as labels:
        for k in range(3):
            Image.fromarray(frames(3)[k]).save(used)  # of one size, written at once
            labels.add(used, 0, {"nose_tip": (10 * k, 20)})
        found = {float(frame.marks()["face", "nose_tip"].x or 0): key for key, frame in labels.frames()}
        assert sorted(found) == [0, 10, 20]
        for k in range(3):
            np.testing.assert_array_equal(labels.picture(found[10 * k]), frames(3)[k])


def test_relative_name_is_of_the_folder_that_is_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = [tmp_path / name / "face.mkv" for name in ("one", "two")]
    with Labels(tmp_path / "a.labels") as labels:
        for k, path in enumerate(videos):
            path.parent.mkdir()
            with VideoWriter(path, size=(32, 24), rate=Fraction(25), codec="ffv1") as writer:
                writer.write(frames(2)[k])
            monkeypatch.chdir(path.parent)
            labels.add(path.name, 0, {"nose_tip": (k, 2)})
            labels.add(path, 0, {"mouth": (k, 2)})
        assert [sorted(frame.marks()) for _, frame in labels.frames()] == [
            [("face", "mouth"), ("face", "nose_tip")]
        ] * 2
        assert len(labels._footage) == 2


def test_video_that_was_written_anew_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "face.mkv"
    with Labels(tmp_path / "a.labels") as labels:
        for k in range(2):
            with VideoWriter(path, size=(32, 24), rate=Fraction(25), codec="ffv1") as writer:
                writer.write(frames(2)[k])
            labels.add(path, 0, {"nose_tip": (k, 2)})
        assert len(labels) == 2


def test_videos_that_were_open_are_told_apart_after_they_are_gone(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.mkv" for k in range(5)]
    with Labels(tmp_path / "a.labels") as labels:
        for k, path in enumerate(paths):
            with VideoWriter(path, size=(32, 24), rate=Fraction(25), codec="ffv1") as writer:
                writer.write(frames()[k])
            labels.add(Video([path]), 0, {"nose_tip": (k, 2)})
        assert len(labels) == 5


def test_number_of_a_frame_may_be_of_any_kind_of_integer(tmp_path: Path) -> None:
    with Labels(tmp_path / "a.labels") as labels:
        labels.add(source(), np.int64(3), {"nose_tip": (1, 2)})
        labels.skip(source(), np.uint8(4))
        assert [frame.frame for _, frame in labels.frames()] == [3]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"frame": 1.5}, "frame.*whole number.*1.5"),
        ({"frame": "3"}, "frame.*whole number.*'3'"),
        ({"frame": None}, "frame.*whole number"),
        ({"video": np.zeros((3, 24, 32), np.uint8)}, "video.*path.*ArraySource.*ndarray"),
        ({"video": None}, "video.*path.*NoneType"),
        ({"points": ["nose_tip"]}, r"points.*\['nose_tip'\]"),
        ({"points": None}, "points.*None"),
        ({"points": {3: (1, 2)}}, "points.*3"),
        ({"points": {"nose_tip": 5}}, "nose_tip.*5"),
        ({"points": {"nose_tip": ("a", "b")}}, "nose_tip.*'a'"),
        ({"points": {"nose_tip": (None, 2)}}, "nose_tip.*None"),
        ({"points": {"nose_tip": {1: 2, 3: 4}}}, "nose_tip.*1: 2"),
        ({"points": {"nose_tip": np.zeros((2, 2))}}, "nose_tip"),
    ],
)
def test_label_of_a_wrong_type_is_refused_in_words(
    tmp_path: Path, change: dict[str, object], text: str
) -> None:
    add = inspect.unwrap(Labels.add)
    asked = {"video": source(), "frame": 1, "points": {"nose_tip": (1, 2)}, **change}
    with Labels(tmp_path / "a.labels") as labels:
        with pytest.raises(ParameterError, match=f"P401.*{text}"):
            add(labels, **asked)
        assert len(labels) == 0

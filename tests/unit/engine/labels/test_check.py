"""Labels that look wrong are told, right ones are not."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mystax.engine.labels.check import check_labels
from mystax.engine.labels.labels import Labels
from tests.fixtures.label_folders import write_picture

FACE = {
    "eye_front": (40, 30),
    "eye_back": (60, 31),
    "eye_top": (50, 24),
    "eye_bottom": (50, 37),
    "nose_tip": (8, 60),
    "nose_top": (12, 50),
    "mouth": (30, 80),
    "lower_lip": (34, 86),
}


@pytest.fixture
def labels(tmp_path: Path) -> Iterator[Labels]:
    """Label forty pictures of 128 x 110 with faces that are alike."""
    rng = np.random.default_rng(0)
    opened = Labels(tmp_path / "a.labels", write=True)
    for k in range(40):
        picture = write_picture(tmp_path / "mouse" / f"img{k:03d}.png", k, (110, 128))
        shift = rng.uniform(0, 10, 2)
        opened.add(
            picture,
            0,
            {name: np.array(place) + shift + rng.normal(size=2) * 0.6 for name, place in FACE.items()},
        )
    yield opened
    opened.close()


def kinds(labels: Labels, frame: int) -> list[tuple[str, tuple[str, ...]]]:
    found = check_labels(labels)
    assert {problem.frame for problem in found} <= {frame}
    return [(problem.kind, problem.keypoints) for problem in found]


def put(labels: Labels, frame: int, points: dict[str, tuple[float, float]]) -> None:
    labels.add(labels.folder.parent / "mouse" / f"img{frame:03d}.png", 0, points)


def place_of(labels: Labels, frame: int, name: str) -> tuple[float, float]:
    marks = next(item.marks() for _, item in labels.frames() if item.frame == frame)
    mark = marks["face", name]
    return mark.x or 0.0, mark.y or 0.0


def test_good_labels_give_no_remark(labels: Labels) -> None:
    assert check_labels(labels) == []


def test_point_outside_the_picture_is_told(labels: Labels) -> None:
    put(labels, 7, {"whisker_I": (128.0, 50.0)})
    assert kinds(labels, 7) == [("outside", ("whisker_I",))]


def test_point_on_the_edge_is_inside(labels: Labels) -> None:
    put(labels, 7, {"whisker_I": (127.4, 109.4)})
    assert check_labels(labels) == []


def test_two_points_at_one_place_are_told(labels: Labels) -> None:
    put(labels, 8, {"whisker_I": (100.0, 50.0), "whisker_II": (100.2, 50.0)})
    assert ("duplicate", ("whisker_I", "whisker_II")) in kinds(labels, 8)


def test_wild_point_is_told_with_its_distance(labels: Labels) -> None:
    x, y = place_of(labels, 9, "eye_top")
    put(labels, 9, {"eye_top": (x + 25, y + 20)})
    assert kinds(labels, 9) == [("wild", ("eye_top",))]


def test_swapped_points_are_told_as_such(labels: Labels) -> None:
    front, back = place_of(labels, 10, "eye_front"), place_of(labels, 10, "eye_back")
    put(labels, 10, {"eye_front": back, "eye_back": front})
    found = kinds(labels, 10)
    assert [(kind, set(names)) for kind, names in found] == [("swapped", {"eye_front", "eye_back"})]


def test_copy_that_is_gone_or_damaged_is_told(labels: Labels) -> None:
    (first, _), (second, _), *_ = labels.frames()
    labels.store.files.frame_path(first).unlink()
    labels.store.files.frame_path(second).write_bytes(b"nonsense")
    assert [problem.kind for problem in check_labels(labels)] == ["no_copy", "damaged_copy"]


def test_picture_that_shows_something_else_now_is_told(labels: Labels) -> None:
    path = labels.folder.parent / "mouse" / "img003.png"
    write_picture(path, 99, (110, 128))
    assert kinds(Labels(labels.folder), 3) == [("other_pixels", ())]
    assert check_labels(Labels(labels.folder), videos=False) == []


def test_few_labels_are_not_judged_by_their_shape(tmp_path: Path) -> None:
    with Labels(tmp_path / "b.labels") as few:
        few.add(write_picture(tmp_path / "one.png"), 0, {"nose_tip": (1.0, 2.0)})
        assert check_labels(few) == []

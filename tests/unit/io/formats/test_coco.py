"""COCO's files: points of each category by name, frames of videos by number."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mystax.errors import FormatError
from mystax.io.formats.coco import read_coco, write_coco
from tests.fixtures.keypoint_tables import assert_same_places, random_table


def document(folder: Path, annotations: list[dict[str, Any]], categories: list[dict[str, Any]]) -> Path:
    """Write a file of one picture."""
    images = [{"id": 1, "file_name": "a.png"}]
    path = folder / "t.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def test_points_have_the_names_of_their_own_category(tmp_path: Path) -> None:
    categories = [
        {"id": 1, "keypoints": ["nose", "ear"], "skeleton": [[1, 2]]},
        {"id": 2, "keypoints": ["ear", "tail"], "skeleton": [[2, 1]]},
    ]
    annotations = [
        {"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]},
        {"image_id": 1, "category_id": 2, "keypoints": [5, 6, 2, 7, 8, 1]},
    ]
    table = read_coco(document(tmp_path, annotations, categories))
    assert table.names == ("nose", "ear", "tail")
    assert table.position[0, 0, :2].tolist() == [[1, 2], [3, 4]]
    assert table.position[0, 1, 1:].tolist() == [[5, 6], [7, 8]]
    assert table.state[0].tolist() == [[2, 2, -1], [-1, 2, 1]]
    assert table.edges == (("nose", "ear"), ("tail", "ear"))


def test_annotation_of_more_points_than_its_category_has_is_refused(tmp_path: Path) -> None:
    categories = [{"id": 1, "keypoints": ["nose"]}, {"id": 2, "keypoints": ["ear", "tail"]}]
    annotations = [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]}]
    with pytest.raises(FormatError, match=r"F804.*category of 2 points"):
        read_coco(document(tmp_path, annotations, categories))


def test_category_with_a_point_twice_is_refused(tmp_path: Path) -> None:
    annotations = [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2, 3, 4, 2]}]
    with pytest.raises(FormatError, match=r"F804.*different names"):
        read_coco(document(tmp_path, annotations, [{"id": 1, "keypoints": ["nose", "nose"]}]))


def test_frames_of_videos_keep_video_and_number(tmp_path: Path) -> None:
    table = random_table(3, kind="predictions")
    table = replace(table, files=("a.mp4", "a.mp4", "b.mp4", ""), frame=np.array([7, 9, 7, 3]))
    write_coco(tmp_path / "t.json", table)
    found = read_coco(tmp_path / "t.json")
    assert found.files == table.files
    assert_same_places(found, table)
    names = [image["file_name"] for image in json.loads((tmp_path / "t.json").read_text())["images"]]
    assert names == ["a.mp4/frame000007", "a.mp4/frame000009", "b.mp4/frame000007", "frame000003"]


@pytest.mark.parametrize("own", [1, None, "a"])
def test_two_pictures_of_one_identity_are_refused(tmp_path: Path, own: object) -> None:
    """As when files are joined: the labels of one picture would land on the other."""
    images = [{"id": own, "file_name": name} for name in ("a.png", "b.png")]
    annotations = [{"image_id": own, "keypoints": [1, 2, 2]}]
    whole = {"images": images, "annotations": annotations, "categories": []}
    (tmp_path / "t.json").write_text(json.dumps(whole))
    with pytest.raises(FormatError, match=r"F804.*different ids.*a\.png and b\.png"):
        read_coco(tmp_path / "t.json")
    (tmp_path / "t.json").write_text(json.dumps({**whole, "images": images[:1] * 2}))
    assert read_coco(tmp_path / "t.json").files == ("a.png",)


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("images", "height", float("inf")),
        ("images", "height", 1e30),
        ("images", "width", [3]),
        ("images", "id", [1]),
        ("images", "id", {}),
        ("images", "mystax_frame", 1e300),
        ("images", "mystax_frame", float("nan")),
        ("annotations", "mystax_state", [300]),
        ("annotations", "mystax_state", [5]),
        ("annotations", "mystax_state", [0.5]),
        ("annotations", "mystax_state", [1, 2]),
        ("annotations", "mystax_state", "seen"),
        ("annotations", "image_id", [1]),
        ("annotations", "keypoints", [1, 2, [3]]),
        ("annotations", "keypoints", [10**400, 2, 2]),
        ("categories", "id", [1]),
    ],
)
def test_value_that_is_impossible_is_refused(tmp_path: Path, where: str, key: str, value: object) -> None:
    whole: dict[str, list[dict[str, object]]] = {
        "images": [{"id": 1, "file_name": "a.png", "height": 24, "width": 32}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": [1, 2, 2]}],
        "categories": [{"id": 1, "keypoints": ["nose"]}],
    }
    (tmp_path / "t.json").write_text(json.dumps(whole))
    assert read_coco(tmp_path / "t.json").position.tolist() == [[[[1, 2]]]]
    whole[where][0][key] = value
    (tmp_path / "t.json").write_text(json.dumps(whole))
    with pytest.raises(FormatError, match="F804"):
        read_coco(tmp_path / "t.json")

"""Boxes and names of Facemap in our terms."""

from pathlib import Path

import pytest

pytest.importorskip("datajoint", reason='pip install "mystax[datajoint]"')

from mystax.core.keypoints import KeypointSet
from mystax.element.poses import body_parts, part_name, square_text, weights_facts
from mystax.errors import ParameterError
from tests.fixtures.small_weights import POINTS, write_small


@pytest.mark.parametrize(
    ("bbox", "text"),
    [(None, "auto"), ([], "auto"), ([10, 110, 20, 120], "10,20,100"), ([0, 100, 40, 80], "0,10,100")],
)
def test_box_becomes_the_square_around_it(bbox: list[int] | None, text: str) -> None:
    assert square_text(bbox) == text


@pytest.mark.parametrize("bbox", [[1, 2, 3], [10, 5, 0, 9], [0, 5, 9, 9]])
def test_box_without_an_area_is_refused(bbox: list[int]) -> None:
    with pytest.raises(ParameterError, match="P401 bbox"):
        square_text(bbox)


def test_points_have_the_names_of_facemap() -> None:
    rows = body_parts("mouse-face-15")
    assert len(rows) == 15
    assert {"nose(tip)", "whisker(II)", "paw"} <= {row["body_part"] for row in rows}
    assert all(len(row["body_part"]) <= 32 for row in rows)


def test_other_points_keep_their_own_names() -> None:
    points = KeypointSet.load("mouse-face-15")
    assert part_name(points, "nothing_of_it") == "nothing_of_it"
    assert part_name(None, "a") == "a"


def test_weights_say_their_own_points(tmp_path: Path) -> None:
    path, digest, keypoints, parts = weights_facts(write_small(tmp_path))
    assert path.suffix == ".onnx"
    assert len(digest) == 64
    assert (keypoints, tuple(parts)) == ("", POINTS)

"""Regions of interest as a file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mystax.core.geometry import Ellipse, Polygon, Rectangle, Roi
from mystax.errors import RoiError
from mystax.io.rois import read_rois, rois_from_toml, rois_to_toml

ROIS = (
    Roi(
        "left_pupil",
        "pupil",
        Ellipse(210.0, 140.5, 40.0, 32.0),
        "face",
        reflections=(Ellipse(205.0, 131.0, 4.0, 4.0), Rectangle(1, 2, 3, 4)),
        scale=(0.011, 0.011),
        frame_size=(640, 480),
    ),
    Roi("pad", "motion", Rectangle(8, 8, 96, 96), source="proposed", confidence=0.75),
    Roi("cheek", "motion", Polygon(((1.0, 2.0), (30.0, 4.5), (0.0, 70.0))), scale=(0.01, 0.02)),
)


def test_regions_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "rois.toml"
    path.write_text(rois_to_toml(ROIS), "utf-8")
    assert read_rois(path) == ROIS


def test_shape_is_one_line_that_a_person_can_edit() -> None:
    text = rois_to_toml(ROIS[:1])
    assert text.startswith("format = 1\n\n[[roi]]\n")
    assert "ellipse = [210.0, 140.5, 40.0, 32.0, 0.0]\n" in text
    assert "reflections = [{ ellipse = [205.0, 131.0, 4.0, 4.0, 0.0] }, { rectangle = [1, 2, 3, 4] }]" in text


def test_no_regions_are_a_file_too() -> None:
    assert rois_from_toml(rois_to_toml(())) == ()


@given(st.text(min_size=1))
def test_any_name_survives(name: str) -> None:
    roi = Roi(name, "motion", Rectangle(0, 0, 16, 16))
    assert rois_from_toml(rois_to_toml([roi])) == (roi,)


@given(st.floats(-180, 180), st.floats(-1e4, 1e4))
def test_written_text_is_stable(angle: float, place: float) -> None:
    first = rois_to_toml([Roi("a", "pupil", Ellipse(place, 1.0, 3.0, 2.0, angle))])
    once = rois_from_toml(first)
    assert rois_from_toml(rois_to_toml(once))[0].shape.box() == once[0].shape.box()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = ", "not valid TOML"),
        ("", "format = 1"),
        ("format = 2", "format = 1"),
        ("format = 1\nrois = []", "did you mean 'roi'"),
        ("format = 1\nroi = 5", "tables"),
        ('format = 1\n[[roi]]\nname = "a"\nkind = "pupl"\nrectangle = [0, 0, 9, 9]', "did you mean 'pupil'"),
        ('format = 1\n[[roi]]\nname = "a"\nkind = "pupil"', "one shape"),
    ],
)
def test_wrong_file_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(RoiError, match="P402") as caught:
        rois_from_toml(text)
    assert said in str(caught.value)


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RoiError, match="P402"):
        read_rois(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RoiError, match="UTF-8"):
        read_rois(tmp_path / "bytes.toml")

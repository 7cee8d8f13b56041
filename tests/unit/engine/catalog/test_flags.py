"""How grave a remark is, and the quality of a recording."""

import pytest

from mystax.core.quality import Flag
from mystax.engine.catalog.flags import (
    NOTES,
    Known,
    notes_of,
    quality_of,
    remark_of_error,
    remark_of_flag,
    severity_of,
)
from mystax.errors import CODES, VideoError


def test_refusals_are_errors_flags_warnings_and_some_notes() -> None:
    assert severity_of("V102", is_refusal=True) == "error"
    assert severity_of("V113") == "warning"
    assert severity_of("V117") == "note"
    assert {severity_of(code) for code in NOTES} == {"note"}


def test_notes_of_the_catalogue_are_no_codes() -> None:
    assert not set(NOTES) & set(CODES)
    assert {one.code for one in notes_of(Known(doubles=("a.mp4",)))} == set(NOTES)
    assert notes_of(Known("m1", 0.0)) == []


@pytest.mark.parametrize(
    ("severities", "quality"),
    [([], "good"), (["note"], "good"), (["note", "warning"], "warned"), (["error", "warning"], "bad")],
)
def test_quality_is_the_worst_severity(severities: list[str], quality: str) -> None:
    assert quality_of(severities) == quality


def test_remark_of_a_flag_keeps_its_frames() -> None:
    remark = remark_of_flag(Flag.about("V113", "gaps", range(3)), "left", "/a.mp4")
    assert remark.detail == {"text": "gaps", "frames": [0, 1, 2], "n_frames": 3}
    assert (remark.camera, remark.path, remark.severity) == ("left", "/a.mp4", "warning")


def test_remark_of_an_error_keeps_what_helps() -> None:
    remark = remark_of_error(VideoError("V102", "a.mp4", expected="a moov box", hint="repair it"))
    assert remark.detail == {"text": CODES["V102"].meaning, "expected": "a moov box", "hint": "repair it"}
    assert remark.severity == "error"

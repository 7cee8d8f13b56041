"""Tests of `mystax.io.video_refusals`: why a file is no video."""

from pathlib import Path

import pytest

from mystax.io.video_refusals import refusal


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_text("no video")
    return path


def test_disk_error_at_the_opening_is_v131_only_if_the_file_cannot_be_read(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = OSError(5, "Input/output error")
    assert refusal(text, error, []).code == "V104"
    monkeypatch.setattr("mystax.io.video_refusals.is_readable", lambda _: False)
    assert refusal(text, error, []).code == "V131"


def test_absent_file_is_a_wrong_request(tmp_path: Path) -> None:
    assert refusal(tmp_path / "b.mp4", FileNotFoundError(2, "no such file"), []).code == "P403"


def test_file_that_may_not_be_read_is_a_wrong_request(text: Path) -> None:
    assert refusal(text, PermissionError(13, "Permission denied"), []).code == "P403"


def test_reason_is_the_last_line_of_the_library(text: Path) -> None:
    error = ValueError("x")
    assert "what it said" in str(refusal(text, error, ["first.", "what it said.\n"]))


def test_formats_that_are_not_read_are_told_with_those_that_are(text: Path) -> None:
    error = refusal(text, ValueError("x"), ["Format not on whitelist 'mov,mp4'"])
    assert error.code == "V104"
    assert "mkv" in error.expected
    assert "whitelist" not in str(error)
    assert "ffv1" in error.hint


@pytest.mark.parametrize(
    ("size", "code"), [(100, "V103"), (5000, "V102")], ids=["only a header", "pictures without an index"]
)
def test_mp4_without_its_index(size: int, code: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\x00\x00\x00\x08ftyp" + bytes(size))
    assert refusal(path, ValueError("x"), ["moov atom not found"]).code == code


def test_empty_file_and_bare_headers_are_v103(tmp_path: Path) -> None:
    for name, data in {
        "a.mp4": b"",
        "a.avi": b"RIFF\x00\x00\x00\x00AVI ",
        "a.mkv": b"\x1a\x45\xdf\xa3",
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert refusal(path, ValueError("x"), []).code == "V103"

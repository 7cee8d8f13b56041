"""Tests of `mystax.io.video_library`: which errors speak of the disk, which lines of damage."""

import errno
from pathlib import Path

from mystax.io.video_library import is_evidence, is_readable, read_failure


def test_only_errors_of_the_disk_are_v131() -> None:
    refusal = read_failure(OSError(errno.EIO, "x"), "a.mp4")
    assert refusal is not None
    assert refusal.code == "V131"
    assert read_failure(OSError(errno.ENOENT, "x"), "a.mp4") is None
    assert read_failure(ValueError("x"), "a.mp4") is None


def test_lines_for_developers_are_evidence_only_of_lost_packets() -> None:
    assert is_evidence((16, "h264", "error while decoding MB 3 4"))
    assert not is_evidence((48, "h264", "nal_unit_type: 1"))
    assert is_evidence((48, "h264", "Frame num gap 9 7"))


def test_sound_file_is_readable_and_absent_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert is_readable(tmp_path / "a")
    assert not is_readable(tmp_path / "b")

"""Tests of `mystax.io.video_parts`: policies, and what was found in words."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mystax.errors import ParameterError
from mystax.io.video import Video
from mystax.io.video_parts import Findings, check_damage
from mystax.synth import faulty_video


def test_unknown_policy_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"P401.*damage"):
        check_damage("ignore")


def test_findings_name_each_kind() -> None:
    findings = Findings(np.array([0, 1, 2, 3, 4, 255, 1], np.uint8), silent={6}, ended={5})
    flags = {flag.code: flag for flag in findings.flags()}
    assert set(flags) == {"V101", "V105", "V115", "V120"}
    assert flags["V105"].frames == (1, 2, 3)
    assert flags["V115"].frames == (6,)
    assert flags["V120"].frames == (4,)


def test_parts_are_plain_values(tmp_path: Path) -> None:
    faulty_video(tmp_path / "clean.mp4", "clean", n_frames=10, size=(64, 48))
    part = Video(tmp_path / "clean.mp4", rate=Fraction(30))._parts[0]
    assert replace(part, offset=5).offset == 5

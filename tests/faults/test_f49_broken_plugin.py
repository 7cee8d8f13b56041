"""F49: a plug-in that fails at import, and one that works.

The broken one is told (X002) with its reason and disturbs nothing; the good one appears in the help, in the
validation of recipes and in the battery of checks without any change in mystax.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mystax
from mystax.synth import faulty_video
from tests.fixtures.commands import run_commands
from tests.fixtures.plugins import BRIGHT, write_plugin

pytestmark = pytest.mark.fault(49)


def test_a_broken_plugin_disturbs_nothing(tmp_path: Path) -> None:
    env = {
        "PYTHONPATH": str(write_plugin(tmp_path / "site", "sad", "raise RuntimeError('no such camera')\n"))
    }
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=20)
    words = ("--analyses", "motion", "--no-report", "--json")
    found, wanted, looked = run_commands(
        ("run", "face.mp4", *words),
        ("run", "face.mp4", "--analyses", "sad", "--json"),
        ("doctor", "--json"),
        cwd=tmp_path,
        env=env,
    )
    assert found.status == 0, found.err
    assert (wanted.status, wanted.codes) == (2, ["P403"])
    assert "RuntimeError: no such camera" in wanted.err
    assert looked.status == 0
    line = next(check for check in looked.json["checks"] if check["name"] == "plug-ins")
    assert (line["status"], line["code"]) == ("warn", "X002")
    assert "no such camera" in line["got"]


def test_a_good_plugin_is_an_analysis_like_any_other(tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(write_plugin(tmp_path / "site", "shine", BRIGHT))}
    faulty_video(tmp_path / "face.mp4", "clean", n_frames=20)
    recipe = 'analysis = [{ name = "shine", parameters = { gain = %d } }]'
    for name, gain in (("wrong", 5), ("right", 2)):
        (tmp_path / f"{name}.toml").write_text(recipe % gain)
    helped, refused, found = run_commands(
        ("run", "--help"),
        ("run", "face.mp4", "--recipe", "wrong.toml", "--json"),
        ("run", "face.mp4", "--recipe", "right.toml", "--json"),
        cwd=tmp_path,
        env=env,
    )
    assert "--shine-gain" in helped.out
    assert "Measure how bright each frame is." in helped.out
    assert (refused.status, refused.codes) == (2, ["P401"])
    assert "expected 0 < gain <= 4, got 5" in refused.err
    assert found.status == 0, found.err
    outcome: Any = mystax.load(tmp_path / "face.mystax" / "shine.nc")
    assert outcome["shine"].sizes["time"] == 20


@pytest.mark.slow
def test_the_battery_checks_a_plugin(tmp_path: Path) -> None:
    site = write_plugin(tmp_path / "site", "shine", BRIGHT)
    code = "from mystax.testing import check_analysis; check_analysis('shine')"
    env = {"PYTHONPATH": str(site), "PATH": ""}
    checked = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    bad = BRIGHT.replace("np.where(chunk.valid, mean, np.nan)", "mean")
    site = write_plugin(tmp_path / "bad", "shine", bad)
    env = {"PYTHONPATH": str(site), "PATH": ""}
    checked = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert checked.returncode != 0
    assert "missing" in checked.stderr

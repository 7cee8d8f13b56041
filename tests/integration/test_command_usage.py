"""The command line when it is misused: the nearest name, one JSON object, the right stream and status."""

import contextlib
import os
import pty
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mystax.cli import main
from mystax.io.formats.facemap import write_facemap
from mystax.synth import faulty_video
from tests.fixtures.commands import call, measure_here, run_command
from tests.fixtures.facemap_files import facemap_dict


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small video."""
    path = tmp_path_factory.mktemp("usage") / "face.mp4"
    faulty_video(path, "clean", n_frames=30)
    return path


WRONG = {
    "command": (("rnu", "VIDEO"), "did you mean 'run'"),
    "command of a group": (("queue", "wrok"), "Did you mean 'work'?"),
    "option": (("run", "VIDEO", "--analysis", "motion"), "did you mean '--analyses'"),
    "option of doctor": (("doctor", "--verfy"), "did you mean '--verify'"),
    "option of probe": (("probe", "VIDEO", "--decod"), "did you mean '--decode'"),
    "parameter": (("run", "VIDEO", "--pupil-sigm", "2"), "did you mean '--pupil-sigma'"),
    "analysis": (("run", "VIDEO", "--analyses", "motoin"), "did you mean 'motion'"),
    "recipe": (("run", "VIDEO", "--recipe", "standrad"), "did you mean 'standard'"),
    "file": (("run", "FOLDER/facee.mp4"), "did you mean 'face.mp4'"),
    "reference": (("run", "--camera", "left=VIDEO", "--reference", "lefd"), "did you mean 'left'"),
    "camera of an offset": (("run", "VIDEO", "--offset", "facee=1"), "did you mean 'face'"),
    "camera of a clock": (("run", "VIDEO", "--clock", "facee=rate:30"), "did you mean 'face'"),
    "camera of a region": (
        ("run", "VIDEO", "--roi", "motion:rectangle:0,0,50,50@facee"),
        "did you mean 'face'",
    ),
    "kind of a region": (("run", "VIDEO", "--roi", "pupli:ellipse:40,40,20,20"), "did you mean 'pupil'"),
    "form of a region": (("run", "VIDEO", "--roi", "pupil:40,40"), "rectangle, ellipse or polygon"),
    "shape of a region": (("run", "VIDEO", "--roi", "pupil:elipse:40,40,20,20"), "did you mean 'ellipse'"),
    "offset": (("run", "VIDEO", "--offset", "face=abc"), "expected seconds, at most 1e+10, got abc"),
    "value of a choice": (("run", "VIDEO", "--damage", "no"), "'mark', 'keep', 'refuse'"),
    "value of a parameter": (
        ("run", "VIDEO", "--pupil-sigma", "9"),
        "P401 parameter 'sigma' of 'pupil': expected 0 < sigma <= 6 [sd], got 9",
    ),
    "cores": (("run", "VIDEO", "--cores", "0"), "x>=1"),
    "nothing to run": (("run",), "at least one FILE"),
    "file and camera": (("run", "VIDEO", "--camera", "left=VIDEO"), "not both"),
    "nothing to export": (("export", "FOLDER"), "--facemap"),
    "folder to export": (("export", "FOLDER/none", "--facemap", "."), "there is no such folder"),
    "overlay over its video": (("track", "VIDEO", "--overlay", "VIDEO", "--overwrite"), "never replaced"),
    "format of an overlay": (("track", "VIDEO", "--overlay", "FOLDER/o.xyz"), "such as points.mp4"),
    "overlay that is a folder": (("track", "VIDEO", "--overlay", "FOLDER"), "such as points.mp4"),
    "folder to examine": (("doctor", "FOLDER/none"), "there is no"),
    "seed": (("demo", "--seed", "x"), "not a valid integer"),
}


@pytest.mark.parametrize("command", ["run", "track"])
def test_two_inputs_whose_outcomes_share_a_folder_are_refused_before_the_work(
    command: str, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copies = [tmp_path / day / "face.mp4" for day in ("monday", "tuesday")]
    for copy in copies:
        copy.parent.mkdir()
        shutil.copy(video, copy)
    found = call(capsys, command, *copies, "--out", tmp_path / "out", "--json")
    assert (found.status, found.codes) == (2, ["P403"])
    assert "monday" in found.err
    assert "tuesday" in found.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("what", WRONG)
def test_mistakes_end_with_two_and_one_json_object(
    what: str, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, text = WRONG[what]
    given = [word.replace("VIDEO", str(video)).replace("FOLDER", str(video.parent)) for word in words]
    found = call(capsys, *given, "--json")
    assert found.status == 2, found.err
    assert len(found.json["errors"]) == 1
    assert found.codes[0] in ("P401", "P402", "P403")
    assert text in found.err
    assert ".." not in found.err.replace(str(video.parent), "")
    assert "?." not in found.err
    assert [path.name for path in video.parent.iterdir()] == ["face.mp4"]


def test_a_command_without_words_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    found = call(capsys)
    assert found.status == 0
    assert "Commands:" in found.out
    assert not found.err


@pytest.mark.usefixtures("readers_here")
def test_every_command_gives_one_json_object(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measure_here(monkeypatch)
    write_facemap(tmp_path / "face_proc.npy", facemap_dict(1))
    (tmp_path / "text.npy").write_text("no")
    folder = tmp_path / "out" / "face" / "quick"
    assert call(capsys, "probe", video, "--json").json["probes"][0]["n_frames"] == 30
    assert call(capsys, "run", video, "--dry-run", "--json").json["plans"][0]["n_frames"] == 30
    ran = call(capsys, "run", video, "--recipe", "quick", "--out", tmp_path / "out", "--json")
    assert ran.json["report"] == str(folder / "report.html")
    assert {outcome["recording"] for outcome in ran.json["outcomes"]} == {"face"}
    imported = call(capsys, "import", tmp_path / "face_proc.npy", "--json")
    assert imported.json["outcomes"]
    exported = call(capsys, "export", folder, "--facemap", tmp_path / "new", "--json")
    assert exported.json["files"] == [str(tmp_path / "new" / "face_proc.npy")]
    assert Path(exported.json["files"][0]).is_file()
    assert call(capsys, "doctor", folder, "--json").json["healthy"] is True
    assert call(capsys, "import", tmp_path / "text.npy", "--json").codes == ["F804"]
    both = call(capsys, "import", tmp_path / "text.npy", tmp_path / "face_proc.npy", "--json")
    assert both.status == 3


def test_results_go_to_stdout_and_the_rest_to_stderr(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("run", "face.mp4", "--recipe", "quick", "--out", tmp_path, "--log", tmp_path / "log.txt")
    found = run_command(*words, cwd=video.parent)
    assert found.status == 0
    lines = found.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("motion: done in ")
    assert lines[1] == f"report: {tmp_path / 'face' / 'quick' / 'report.html'}"
    assert "frames" in found.err
    assert "\x1b" not in found.out + found.err
    assert "motion: done in" in (tmp_path / "log.txt").read_text("utf-8")
    monkeypatch.chdir(video.parent)
    again = call(capsys, *words, "--quiet")
    assert again.out.startswith("nothing to do (1 outcome is current)")
    assert not again.err


@pytest.mark.parametrize("plain", [True, False])
def test_no_color_takes_the_colours_away(
    plain: bool, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_here(monkeypatch)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if plain:
        monkeypatch.setenv("NO_COLOR", "1")
    words = ["run", str(video), "--analyses", "motion", "--no-report", "--out", str(tmp_path)]
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor(1) as reader, os.fdopen(theirs, "w") as terminal:
        shown = reader.submit(_all_of, ours)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            with pytest.raises(SystemExit) as left:
                main(words)
        terminal.close()
    assert not left.value.code
    assert b"motion" in shown.result()
    assert bool(re.search(rb"\x1b\[(1;)?3[0-9]", shown.result())) != plain


def _all_of(terminal: int) -> bytes:
    """Read what is shown on a terminal until its other end is closed."""
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as stream, contextlib.suppress(OSError):
        while piece := stream.read(65536):
            shown += piece
    return shown

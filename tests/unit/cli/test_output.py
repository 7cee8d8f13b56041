"""What commands print, and how they end."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
import pytest

from mystax import cli
from mystax.cli import main
from mystax.cli.output import Output
from mystax.cli.progress import progress_line
from mystax.core.events import Event
from mystax.errors import Cancelled, ParameterError, VideoError


def install(monkeypatch: pytest.MonkeyPatch, command: click.Command) -> None:
    """Let the word `toy` call a command made for the test."""
    monkeypatch.setitem(cli.COMMANDS, "toy", ("toy_command", "A toy."))
    monkeypatch.setattr(cli, "import_module", lambda _: type("module", (), {"command": command}))


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def toy(raised: BaseException | None = None, said: str = "") -> click.Command:
    @click.command()
    @click.option("--json", "as_json", is_flag=True, expose_value=False)
    @click.option("--log", expose_value=False)
    @click.option("--threshold")
    @click.pass_obj
    def command(output: Output, threshold: str | None) -> None:
        output.say(said)
        output.warn("V113", "two gaps")
        if raised is not None:
            raise raised

    return command


def test_result_goes_to_stdout_and_remarks_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    assert call("toy") == 0
    shown = capsys.readouterr()
    assert shown.out == "42 frames\n"
    assert shown.err == "warning V113: two gaps\n"


def test_json_is_exactly_one_object_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    assert call("toy", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        *("ok", "command", "version", "inputs", "outcomes", "warnings", "errors", "seconds"),
    }
    assert found["ok"] is True
    assert found["command"] == "toy"
    assert found["warnings"] == [{"code": "V113", "text": "two gaps"}]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (VideoError("V102", "a.mp4", "no index"), 1),
        (ParameterError("P401", "x", expected="1", got="2"), 2),
        (Cancelled("run", signal.SIGTERM), 143),
        (Cancelled("run", signal.SIGINT), 130),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("bug"), 1),
    ],
    ids=["input", "plan", "sigterm", "sigint", "ctrl-c", "bug"],
)
def test_each_kind_of_error_has_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException, status: int
) -> None:
    install(monkeypatch, toy(error))
    assert call("toy", "--log", str(tmp_path / "log")) == status


def test_error_is_one_paragraph_and_its_json_has_the_same_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(VideoError("V102", "a.mp4", "no index", hint="film again")))
    assert call("toy", "--json") == 1
    shown = capsys.readouterr()
    assert "V102 a.mp4: no index. Hint: film again" in shown.err
    assert json.loads(shown.out)["errors"][0]["hint"] == "film again"


def test_bug_becomes_b999_with_a_log_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch, toy(ZeroDivisionError("bug")))
    log = tmp_path / "log.txt"
    assert call("toy", "--log", str(log)) == 1
    shown = capsys.readouterr().err
    assert "B999 toy: ZeroDivisionError: bug" in shown
    assert "Traceback" not in shown
    assert f"log: {log}" in shown
    assert "Traceback" in log.read_text()


def test_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("prob") == 2
    assert "there is no command 'prob'; did you mean 'probe'?" in capsys.readouterr().err


def test_unknown_option_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy())
    assert call("toy", "--treshold", "3") == 2
    assert "no such option --treshold; did you mean '--threshold'?" in capsys.readouterr().err


def test_usage_error_with_json_is_one_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy())
    assert call("toy", "--json", "--nothing") == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "P403"


def test_help_lists_the_commands_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)
    assert "Example: mystax run" in shown


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out.startswith("mystax ")


def test_same_warning_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("toy")
    output.warn("V110", "variable")
    output.warn("V110", "variable")
    assert len(output.warnings) == 1
    assert capsys.readouterr().err.count("V110") == 1


def test_warning_of_two_cameras_is_printed_once_and_listed_twice(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("toy")
    output.warn("V109", "grey range", outcome="motion/left")
    output.warn("V109", "grey range", outcome="motion/right")
    output.warn("V109", "another", outcome="motion/right")
    assert [item["outcome"] for item in output.warnings] == ["motion/left", "motion/right", "motion/right"]
    assert capsys.readouterr().err == "warning V109: grey range\nwarning V109: another\n"


def test_quiet_says_only_errors(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("toy", quiet=True)
    output.note("hello")
    output.report(Event("progress", "pass", 1, 2))
    output.fail(VideoError("V103", "a", "empty"))
    assert capsys.readouterr().err == "V103 a: empty.\n"


def test_events_become_remarks_warnings_and_log_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Output("toy", log=tmp_path / "log") as output:
        output.report(Event("note", text="two cameras"))
        output.report(Event("warning", text="gap", data={"code": "V113"}))
        output.report(Event("checkpoint", text="frame 500"))
    output.finish(0)
    assert capsys.readouterr().err == "two cameras\nwarning V113: gap\n"
    assert "frame 500" in (tmp_path / "log").read_text()


def test_names_that_are_not_text_are_shown_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    Output("toy").say(os.fsdecode(b"a\xff.mp4"))
    assert capfd.readouterr().out == "a\\udcff.mp4\n"


def test_progress_line_has_share_speed_and_time_left() -> None:
    line = progress_line(Event("progress", "pupil", 12345, 27300), 30.0)
    assert line == "pupil 45 % 12345/27300 frames 412 fps, 36 s left"


def test_progress_of_other_things_than_frames_names_its_unit() -> None:
    line = progress_line(Event("progress", "report", 1, 4, data={"unit": "figures"}), 2.0)
    assert line == "report 25 % 1/4 figures, 6 s left"


def test_closed_pipe_ends_quietly() -> None:
    code = "import sys; from mystax.cli import main; sys.argv = ['mystax', '--help']; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert b"Traceback" not in child.stderr.read()


# the log ------------------------------------------------------------------------------------------------


class Full(io.StringIO):
    """A stream of a full disk, or of a reader that has gone."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__()
        self.error = error or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, text: str) -> int:
        raise self.error if text else AssertionError("nothing was written")


@pytest.mark.parametrize("form", ["--log PATH", "--log=PATH"])
def test_log_takes_every_message_in_both_forms_of_the_option(
    form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, toy(VideoError("V102", "a.mp4", "no index"), said="42 frames"))
    assert call("toy", *form.replace("PATH", str(tmp_path / "log.txt")).split()) == 1
    lines = (tmp_path / "log.txt").read_text().splitlines()
    texts = [line.partition(" ")[2] for line in lines]
    assert texts == ["42 frames", "warning V113: two gaps", "V102 a.mp4: no index."]
    stamps = [line.partition(" ")[0] for line in lines]
    assert all(abs(datetime.fromisoformat(stamp).timestamp() - time.time()) < 60 for stamp in stamps)


def test_the_last_of_several_logs_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, toy(said="42 frames"))
    assert call("toy", "--log", str(tmp_path / "a"), f"--log={tmp_path / 'b'}") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_log_is_continued(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, toy(said="42 frames"))
    log = tmp_path / "log"
    call("toy", "--log", str(log))
    once = log.read_text()
    call("toy", "--log", str(log))
    assert log.read_text().startswith(once)
    assert len(log.read_text().splitlines()) == 2 * len(once.splitlines())


@pytest.mark.parametrize("held", [b"\x00\x00\x00 ftypisom", b"time,frame\n0,1\n"])
def test_a_file_that_is_no_log_is_not_written_to(
    held: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    (tmp_path / "a.mp4").write_bytes(held)
    assert call("toy", "--log", str(tmp_path / "a.mp4")) == 2
    assert "a.mp4: expected a new file, or a log of mystax" in capsys.readouterr().err
    assert (tmp_path / "a.mp4").read_bytes() == held


@pytest.mark.parametrize("name", ["none/log", "", "x" * 300, "file/log"])
def test_a_log_that_cannot_be_written_is_refused_before_any_work(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    install(monkeypatch, toy(AssertionError("the command ran")))
    log = tmp_path / name
    assert call("toy", "--json", "--log", str(log)) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (error["code"], error["where"]) == ("P403", f"--log {log}")
    assert error["expected"] == "a file that can be written"


def test_a_log_on_a_full_disk_does_not_stop_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Output("toy", log=tmp_path / "log") as output:
        broken, output._log = output._log, Full()
        assert broken is not None
        broken.close()
        output.say("42 frames")
        output.say("43 frames")
    assert output.finish(0) == 0
    shown = capsys.readouterr()
    assert shown.out == "42 frames\n43 frames\n"
    assert shown.err.count("does not take what is written") == 1
    assert "The work goes on" in shown.err


def test_names_that_are_not_text_go_into_the_log_escaped(tmp_path: Path) -> None:
    with Output("toy", log=tmp_path / "log", quiet=True) as output:
        output.note(os.fsdecode(b"a\xff.mp4"))
    output.finish(0)
    assert (tmp_path / "log").read_text("utf-8").endswith("a\\udcff.mp4\n")


def test_a_bug_without_log_has_one_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platformdirs.user_log_path", lambda _: tmp_path / "logs" / "mystax")
    install(monkeypatch, toy(ZeroDivisionError("bug")))
    assert call("toy") == 1
    (log,) = (tmp_path / "logs" / "mystax").iterdir()
    assert "ZeroDivisionError" in log.read_text()
    assert f"report it with the log {log}" in capsys.readouterr().err


def test_a_bug_where_no_folder_of_logs_can_be_made_goes_to_the_temporary_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("platformdirs.user_log_path", lambda _: tmp_path / "file" / "mystax")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    install(monkeypatch, toy(ZeroDivisionError("bug")))
    assert call("toy") == 1
    (log,) = (tmp_path / "tmp").iterdir()
    assert str(log) in capsys.readouterr().err


def test_a_bug_that_nothing_can_log_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("platformdirs.user_log_path", lambda _: tmp_path / "file" / "mystax")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    install(monkeypatch, toy(ZeroDivisionError("bug")))
    assert call("toy") == 1
    shown = capsys.readouterr().err
    assert "B999 toy: ZeroDivisionError: bug. Hint: this is a bug in mystax; please report it" in shown
    assert "log" not in shown


# streams that take nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("toy",), ("toy", "--json")], ids=["text", "json"])
def test_a_full_disk_behind_stdout_is_s503(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Full())
        assert call(*words) == 1
    shown = capsys.readouterr().err
    assert "S503 stdout: it does not take what is written. Got No space left on device" in shown
    assert "B999" not in shown


@pytest.mark.parametrize("words", [("toy",), ("toy", "--json")], ids=["text", "json"])
def test_a_reader_that_has_gone_is_told_nothing(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Full(BrokenPipeError(errno.EPIPE, "gone")))
        assert call(*words) == 1
    assert "gone" not in capsys.readouterr().err


def test_remarks_that_nobody_can_read_stop_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, toy(said="42 frames"))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", Full())
        assert call("toy") == 0
    assert capsys.readouterr().out == "42 frames\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_a_process_on_a_full_disk_ends_with_its_code(words: list[str]) -> None:
    code = f"import sys; from mystax.cli import main; sys.argv = ['mystax', *{words!r}]; main()"
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert found.returncode == 1
    assert "Traceback" not in found.stderr


# several inputs ---------------------------------------------------------------------------------------


def each(*raised: BaseException | None) -> click.Command:
    """Return a command with one input per error (None: it goes well)."""

    @click.command()
    @click.option("--json", "as_json", is_flag=True, expose_value=False)
    @click.option("--log", expose_value=False)
    @click.pass_obj
    def command(output: Output) -> None:
        for number, error in enumerate(raised):
            with output.going_on():
                if error is not None:
                    raise error
                output.say(f"input {number}")
        output.settle(len(raised))

    return command


def test_input_that_fails_in_any_way_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failures = (VideoError("V102", "a.mp4"), ZeroDivisionError("bug"), OSError(errno.EIO, "broken disk"))
    install(monkeypatch, each(*failures, None))
    assert call("toy", "--log", str(tmp_path / "log")) == 3
    shown = capsys.readouterr()
    assert shown.out == "input 3\n"
    assert [line.split()[0] for line in shown.err.splitlines() if line[0] in "VB"] == ["V102", "B999", "B999"]
    log = (tmp_path / "log").read_text()
    assert log.count("Traceback (most recent call last)") == 2
    assert "broken disk" in log


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (Cancelled("run", signal.SIGTERM), 128 + signal.SIGTERM),
        (KeyboardInterrupt(), 130),
        (click.UsageError("no"), 2),
    ],
)
def test_stop_and_wrong_usage_end_the_command_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ending: BaseException, status: int
) -> None:
    install(monkeypatch, each(ending, None))
    assert call("toy") == status
    assert "input 1" not in capsys.readouterr().out


def test_reader_who_has_seen_enough_ends_the_command() -> None:
    output = Output("toy")
    with pytest.raises(BrokenPipeError), output.going_on():
        raise BrokenPipeError(errno.EPIPE, "gone")
    assert output.errors == []

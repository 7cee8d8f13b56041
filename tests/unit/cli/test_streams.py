"""Commands that are started with closed standard streams."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mystax.cli.streams import open_streams
from tests.fixtures.commands import COMMAND
from tests.fixtures.videos import Shelf

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell that can close streams")

LOOK = """
import os, sys
from mystax.cli.streams import open_streams
open_streams()
for stream in (sys.stdout, sys.stderr):
    print("nobody reads this", file=stream, flush=True)
kinds = [os.fstat(number).st_rdev == os.stat(os.devnull).st_rdev for number in range(3)]
handle = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(handle, f"{handle > 2} {all(kinds)} {all(map(os.get_inheritable, range(3)))}".encode())
"""


def closed(*words: str | Path, how: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command with closed streams."""
    script = f'exec "$@" {how}'
    return subprocess.run(
        ["sh", "-c", script, "sh", *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_a_file_never_gets_the_number_of_a_stream(tmp_path: Path) -> None:
    found = closed(sys.executable, "-c", LOOK, "file", how="<&- >&- 2>&-", cwd=tmp_path)
    assert found.returncode == 0
    assert (tmp_path / "file").read_text() == "True True True"


@pytest.mark.parametrize("how", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_commands_do_their_work_all_the_same(how: str, shelf: Shelf, tmp_path: Path) -> None:
    video = shutil.copy(shelf.take(), tmp_path / "face.mp4")
    looked = closed(COMMAND, "probe", video, how=how, cwd=tmp_path)
    assert looked.returncode == 0, looked.stderr
    assert ("40" in looked.stdout) == (">&-" not in how.split())
    ran = closed(COMMAND, "run", video, "--analyses", "motion", "--no-report", how=how, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "face.mystax" / "motion.nc").is_file()


def test_streams_that_are_open_stay_as_they_are() -> None:
    before = (sys.stdin, sys.stdout, sys.stderr, [os.fstat(number).st_ino for number in range(3)])
    open_streams()
    assert (sys.stdin, sys.stdout, sys.stderr, [os.fstat(number).st_ino for number in range(3)]) == before

"""Files are whole or not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from mystax.errors import RecipeError
from mystax.io.whole_files import refuse_existing, whole_file, write_whole


def test_file_has_its_name_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.csv"
    with whole_file(target) as part:
        part.write_text("new")
        assert not target.exists()
        assert part.name.endswith(".part")
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["a.csv"]


def test_failure_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    target = write_whole(tmp_path / "a.csv", b"old")
    unfinished = whole_file(target)
    unfinished.__enter__().write_text("half")
    assert not unfinished.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # it goes on upwards
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_parts_of_dead_processes_are_cleared_away(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    stray = tmp_path / f".a.csv.{child.pid}-0011.part"
    stray.write_text("half")
    write_whole(tmp_path / "a.csv", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(RecipeError, match="P403"), whole_file(tmp_path / "a" / "b.csv"):
        pass


def test_existing_files_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    present = write_whole(tmp_path / "b", b"x")
    with pytest.raises(RecipeError, match="--overwrite"):
        refuse_existing([tmp_path / "a", present], overwrite=False)
    refuse_existing([present], overwrite=True)

"""The file system behind the store: whole writes, and errors with codes."""

import errno
import os
from pathlib import Path

import pytest

from mystax.errors import RecipeError, SpaceError, StoreError
from mystax.io.store_fs import FileSystem, LocalFs, can_not_link, refusals


def test_local_file_system_has_all_that_the_store_asks_for() -> None:
    assert isinstance(LocalFs(), FileSystem)


def test_new_file_refuses_an_existing_name(tmp_path: Path) -> None:
    LocalFs().create(tmp_path / "a").close()
    with pytest.raises(FileExistsError):
        LocalFs().create(tmp_path / "a")


def test_file_takes_all_bytes_at_once_and_can_be_read_back(tmp_path: Path) -> None:
    fs = LocalFs()
    with fs.create(tmp_path / "a") as file:
        assert file.write(memoryview(b"x" * 100_000)) == 100_000
        fs.sync(file)
        file.seek(99_998)
        assert file.read() == b"xx"
    with fs.reopen(tmp_path / "a") as file:
        file.truncate(3)
    assert (tmp_path / "a").read_bytes() == b"xxx"


def test_link_refuses_an_existing_name_and_replace_does_not(tmp_path: Path) -> None:
    fs = LocalFs()
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        fs.link(tmp_path / "a", tmp_path / "b")
    fs.replace(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_text() == "a"


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    LocalFs().remove(tmp_path / "absent")
    LocalFs().remove_folder(tmp_path / "absent")


def test_folder_that_is_not_empty_stays(tmp_path: Path) -> None:
    fs = LocalFs()
    fs.make_folder(tmp_path / "a" / "b")
    fs.remove_folder(tmp_path / "a")
    assert (tmp_path / "a" / "b").is_dir()
    fs.remove_folder(tmp_path / "a" / "b")
    assert not (tmp_path / "a" / "b").exists()


def test_folders_and_free_space_are_told(tmp_path: Path) -> None:
    fs = LocalFs()
    fs.sync_folder(tmp_path)
    assert fs.free(tmp_path) > 0


def test_clock_is_the_one_that_stamps_files(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert abs(LocalFs().clock(tmp_path) - (tmp_path / "a").stat().st_mtime) < 60
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_clock_of_a_folder_that_cannot_be_written_is_that_of_the_host(tmp_path: Path) -> None:
    assert LocalFs().clock(tmp_path / "absent") > 1e9


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_full_disk_quota_and_size_limit_are_s501(tmp_path: Path, number: int) -> None:
    with pytest.raises(SpaceError) as caught, refusals(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == "S501"
    assert caught.value.retry == "space"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_other_refusals_are_s503(tmp_path: Path, number: int) -> None:
    with pytest.raises(StoreError) as caught, refusals(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == "S503"
    assert os.strerror(number) in str(caught.value)


def test_errors_that_have_a_code_keep_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="P404"), refusals(tmp_path):
        raise RecipeError("P404", "name")


def test_file_system_without_links_is_told_from_a_name_that_is_taken() -> None:
    assert can_not_link(OSError(errno.EOPNOTSUPP, ""))
    assert can_not_link(PermissionError(errno.EPERM, ""))
    assert not can_not_link(FileExistsError(errno.EEXIST, ""))
    assert not can_not_link(OSError(errno.ENOSPC, ""))

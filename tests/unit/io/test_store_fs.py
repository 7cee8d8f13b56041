"""The file system behind the store: whole writes, and errors with codes."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mystax.errors import RecipeError, SpaceError, StoreError
from mystax.io.store_fs import FileSystem, LocalFs, WholeFile, can_not_link, refusals


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


# systems that we are not on -----------------------------------------------------------------------------


class WindowsOs:
    """The module `os` of this system, but for its name; only what is under test sees it."""

    name = "nt"

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def open_file(folder: Path) -> WholeFile:
    return LocalFs().create(folder / "file")


def test_macos_syncs_past_the_cache_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    asked: list[int] = []
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, what: asked.append(what))
    monkeypatch.setattr("os.fsync", lambda _: asked.append(0))
    with open_file(tmp_path) as file:
        LocalFs().sync(file)
    assert asked == [51]


def test_a_disk_that_does_not_know_the_full_sync_is_synced_the_usual_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    asked: list[str] = []

    def refuse(handle: int, what: int) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    monkeypatch.setattr("os.fsync", lambda _: asked.append("fsync"))
    with open_file(tmp_path) as file:
        LocalFs().sync(file)
    assert asked == ["fsync"]


def test_windows_has_no_sync_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> int:
        raise AssertionError("a folder was opened")

    monkeypatch.setattr("mystax.io.store_fs.os", WindowsOs())
    monkeypatch.setattr("os.open", never)
    LocalFs().sync_folder(tmp_path)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_folders_will_do(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", refuse)
    LocalFs().sync_folder(tmp_path)


def test_a_disk_that_fails_to_sync_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        LocalFs().sync_folder(tmp_path)


class Busy:
    """A rename that is refused a number of times, as Windows refuses while a reader has the file open."""

    def __init__(self, times: int) -> None:
        self.left, self.slept = times, list[float]()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of `Path.replace`."""

        def replace(source: Path, target: Path) -> Path:
            if self.left:
                self.left -= 1
                raise PermissionError(errno.EACCES, "in use")
            return source.rename(target)

        monkeypatch.setattr(Path, "replace", replace)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Busy]:
    """Let renames be refused so many times, on a system that calls itself Windows."""

    def make(times: int) -> Busy:
        busy = Busy(times)
        monkeypatch.setattr("mystax.io.store_fs.os", WindowsOs())
        busy.install(monkeypatch)
        monkeypatch.setattr("time.sleep", busy.slept.append)
        return busy

    return make


@pytest.mark.parametrize("times", [0, 1, 9])
def test_windows_is_asked_again_while_a_reader_has_the_file_open(
    times: int, tmp_path: Path, windows: Callable[[int], Busy]
) -> None:
    (tmp_path / "one").write_text("x")
    busy = windows(times)
    LocalFs().replace(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "x"
    assert busy.slept == [0.5] * times


def test_after_ten_tries_windows_is_s504(tmp_path: Path, windows: Callable[[int], Busy]) -> None:
    (tmp_path / "one").write_text("x")
    busy = windows(99)
    with pytest.raises(StoreError, match="another program has the file open") as caught:
        LocalFs().replace(tmp_path / "one", tmp_path / "two")
    assert (caught.value.code, caught.value.retry) == ("S504", "transient")
    assert sum(busy.slept) <= 5.0
    assert (tmp_path / "one").exists()


def test_elsewhere_a_refused_rename_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Busy(1).install(monkeypatch)
    with pytest.raises(PermissionError):
        LocalFs().replace(tmp_path / "one", tmp_path / "two")


class FewBytes(io.FileIO):
    """A file whose system takes seven bytes at a time."""

    n_calls = 0

    def write(self, data: Any) -> int:
        """Write some of the bytes."""
        self.n_calls += 1
        return super().write(bytes(data)[:7])


class WholeOfFew(WholeFile, FewBytes):
    """What the store makes of it."""


def test_a_write_that_the_system_takes_in_pieces_is_whole(tmp_path: Path) -> None:
    with WholeOfFew(tmp_path / "file", "x+b") as file:
        assert file.write(bytes(range(100))) == 100
        assert file.n_calls == 15
    assert (tmp_path / "file").read_bytes() == bytes(range(100))

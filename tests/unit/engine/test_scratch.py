"""Scratch files: room, restart, removal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mystax.engine.scratch import Scratch, scratch_room
from mystax.io.store_fs import LocalFs


class SmallDisk(LocalFs):
    """A disk with little free space."""

    def free(self, folder: Path) -> int:
        return min(4000, super().free(folder))


Make = Callable[..., Scratch]


@pytest.fixture
def make() -> Iterator[Make]:
    """Make scratch files that are closed at the end."""
    made: list[Scratch] = []

    def make_one(*values: object) -> Scratch:
        made.append(Scratch(*values))  # type: ignore[arg-type] # handed through
        return made[-1]

    yield make_one
    for scratch in made:
        scratch.close()


def _rows(n: int) -> np.ndarray:
    return np.arange(n * 3, dtype=np.uint16).reshape(n, 3)


def test_rows_come_back(tmp_path: Path, make: Make) -> None:
    spool = make(tmp_path, "k").spool("svd.bins", 3, "uint16", 10)
    assert spool is not None
    spool.append(_rows(10))
    np.testing.assert_array_equal(spool.read(2, 5), _rows(10)[2:5])


def test_no_folder_means_no_room(make: Make) -> None:
    assert make(None, "k").spool("svd.bins", 3, "uint16", 10) is None


def test_at_most_a_quarter_of_the_free_space_is_taken(tmp_path: Path, make: Make) -> None:
    scratch = make(tmp_path, "k", SmallDisk())
    assert scratch.spool("a", 1, "uint8", 1000) is not None
    assert scratch.spool("b", 1, "uint8", 1001) is None


def test_a_restart_goes_on_from_the_rows_of_the_checkpoint(tmp_path: Path, make: Make) -> None:
    scratch = make(tmp_path, "k")
    spool = scratch.spool("a", 3, "uint16", 10)
    assert spool is not None
    spool.append(_rows(4))
    state = scratch.state()
    spool.append(_rows(3))
    scratch.close()
    again = make(tmp_path, "k")
    assert again.restore(state)
    spool = again.spool("a", 3, "uint16", 10)
    assert spool is not None
    assert spool.n_rows == 4


def test_a_restart_gets_the_same_answer_whatever_room_there_is(tmp_path: Path, make: Make) -> None:
    refused = make(None, "k")
    refused.spool("a", 3, "uint16", 10)
    again = make(tmp_path, "k")
    assert again.restore(refused.state())
    assert again.spool("a", 3, "uint16", 10) is None
    granted = make(tmp_path, "g")
    granted.spool("a", 1, "uint8", 10)
    small = make(tmp_path, "g", SmallDisk())
    assert small.restore(granted.state())
    assert small.spool("a", 1, "uint8", 10**9) is not None


def test_a_lost_file_is_noticed(tmp_path: Path, make: Make) -> None:
    scratch = make(tmp_path, "k")
    spool = scratch.spool("a", 3, "uint16", 10)
    assert spool is not None
    spool.append(_rows(4))
    state = scratch.state()
    scratch.path("a").unlink()
    assert not make(tmp_path, "k").restore(state)
    assert not make(None, "k").restore(state)


def test_old_rows_of_another_attempt_are_not_continued(tmp_path: Path, make: Make) -> None:
    first = make(tmp_path, "k").spool("a", 3, "uint16", 10)
    assert first is not None
    first.append(_rows(4))
    again = make(tmp_path, "k").spool("a", 3, "uint16", 10)
    assert again is not None
    assert again.n_rows == 0


def test_all_files_of_the_pass_go_and_others_stay(tmp_path: Path, make: Make) -> None:
    other = make(tmp_path, "other")
    other.spool("a", 3, "uint16", 10)
    scratch = make(tmp_path, "k")
    scratch.spool("a/b$(x)", 3, "uint16", 10)
    scratch.remove_all()
    assert [path.name for path in tmp_path.iterdir()] == ["mystax-other-a.spool"]


def test_room_is_a_quarter_of_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalFs, "free", lambda _, folder: 4000 if folder == tmp_path else 0)
    assert scratch_room(str(tmp_path), Path("elsewhere")) == 1000
    assert scratch_room("none", tmp_path) == 0


def test_room_is_that_of_the_disk_on_which_the_folder_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def free(_: LocalFs, folder: Path) -> int:
        seen.append(folder)
        return 400

    monkeypatch.setattr(LocalFs, "free", free)
    monkeypatch.setattr("mystax.engine.scratch.scratch_folder", lambda _, work: work)
    assert scratch_room("auto", tmp_path / "to" / "be") == 100
    assert seen == [tmp_path]

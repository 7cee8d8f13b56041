"""Checkpoints and the folder of unfinished work: the newest whole state, or the one before, or the start."""

from pathlib import Path

import numpy as np
import pytest

from mystax.errors import SpaceError, StoreError
from mystax.io.checkpoints import Checkpoint, Checkpoints, checkpoint_keys
from mystax.io.store import Store
from mystax.io.store_fs import LocalFs
from tests.fixtures.faulty_fs import FaultyFs, nobody_lives
from tests.fixtures.traces import KEY, OTHER_KEY


def saved(folder: Path, *frames: int) -> Checkpoints:
    """Save checkpoints at some frames."""
    checkpoints = Checkpoints(folder, [KEY], LocalFs())
    for frame in frames:
        checkpoints.save(Checkpoint(frame, {"motion/sum": np.full(3, frame, np.int64)}))
    return checkpoints


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    arrays = {
        "motion/sum": np.arange(6, dtype=np.int64).reshape(2, 3),
        "svd/basis": np.array([np.nan, 0.1]),
        "svd/names": np.array(["pad", "nose"]),
        "engine/seed": np.array(7),
    }
    checkpoints = Checkpoints(tmp_path, [KEY], LocalFs())
    checkpoints.save(Checkpoint(12, arrays))
    found = checkpoints.load()
    assert found is not None
    assert found.frame == 12
    assert set(found.arrays) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def test_last_two_are_kept(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20, 30, 40)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-3.npz", "checkpoint-4.npz"]


def test_tenth_checkpoint_comes_after_the_ninth(tmp_path: Path) -> None:
    found = saved(tmp_path, *range(1, 12)).load()
    assert found is not None
    assert found.frame == 11


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    checkpoints = saved(tmp_path, 10, 20)
    path = tmp_path / "checkpoint-2.npz"
    data = bytearray(path.read_bytes())
    place = data.find(np.full(3, 20, np.int64).tobytes())
    data[place] ^= 1
    path.write_bytes({"flip": bytes(data), "cut": bytes(data[: len(data) // 2]), "empty": b""}[damage])
    found = checkpoints.load()
    assert found is not None
    assert found.frame == 10


def test_every_flipped_bit_of_an_array_is_noticed(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    path = tmp_path / "checkpoint-1.npz"
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 150):
        data = bytearray(whole)
        data[place // 8] ^= 1 << (place % 8)
        path.write_bytes(data)
        found = checkpoints.load()
        if found is not None:
            assert found.frame == 10
            np.testing.assert_array_equal(found.arrays["motion/sum"], np.full(3, 10))


def test_without_a_good_checkpoint_there_is_none(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, 10)
    (tmp_path / "checkpoint-1.npz").write_bytes(b"x")
    assert checkpoints.load() is None
    assert Checkpoints(tmp_path / "absent", [KEY], LocalFs()).load() is None


def test_checkpoint_of_other_keys_is_never_used(tmp_path: Path) -> None:
    saved(tmp_path, 10)
    assert Checkpoints(tmp_path, [OTHER_KEY], LocalFs()).load() is None
    assert Checkpoints(tmp_path, [KEY, OTHER_KEY], LocalFs()).load() is None


def test_order_of_keys_does_not_matter(tmp_path: Path) -> None:
    Checkpoints(tmp_path, [KEY, OTHER_KEY], LocalFs()).save(Checkpoint(5, {}))
    assert Checkpoints(tmp_path, [OTHER_KEY, KEY], LocalFs()).load() is not None


@pytest.mark.parametrize("name", ["frame", "keys", "spool_rows/energy", "sum"])
def test_names_of_the_file_itself_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="<analysis>/<state name>"):
        Checkpoints(tmp_path, [KEY], LocalFs()).save(Checkpoint(1, {name: np.zeros(1)}))


def test_objects_are_neither_written_nor_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="objects"):
        Checkpoints(tmp_path, [KEY], LocalFs()).save(Checkpoint(1, {"a/b": np.array([{}])}))
    checkpoints = saved(tmp_path, 10)
    np.savez(tmp_path / "checkpoint-2.npz", keys=np.array([{}]), frame=np.int64(9))
    found = checkpoints.load()
    assert found is not None
    assert found.frame == 10


def test_full_disk_keeps_the_checkpoints_before(tmp_path: Path) -> None:
    saved(tmp_path, 10, 20)
    with pytest.raises(SpaceError) as caught:
        Checkpoints(tmp_path, [KEY], FaultyFs(2, 28)).save(Checkpoint(30, {"motion/sum": np.zeros(99)}))
    assert caught.value.code == "S501"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-1.npz", "checkpoint-2.npz"]


def spool_rows(start: int, stop: int) -> np.ndarray:
    """Make rows that know their numbers."""
    return np.arange(start, stop, dtype=np.float32)[:, None].repeat(2, 1)


def interrupted(folder: Path) -> Store:
    """Work to frame 30, with checkpoints at 10 and 20, and die."""
    store = Store(folder, alive=nobody_lives)
    with store.work([KEY]) as work:
        assert work.restore() is None
        spool = work.spool("motion.energy", 2, "float32")
        for frame in (10, 20, 30):
            spool.append(spool_rows(frame - 10, frame))
            if frame < 30:
                work.save({"motion/sum": np.array([frame])}, frame)
    return store


def test_work_goes_on_from_the_last_checkpoint_with_spools_cut_back(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    with store.work([KEY]) as work:
        found = work.restore()
        assert found is not None
        assert found.frame == 20
        spool = work.spool("motion.energy", 2, "float32")
        np.testing.assert_array_equal(spool.read(0, 99), spool_rows(0, 20))
        spool.append(spool_rows(20, 25))
        assert spool.n_rows == 25


def test_spool_that_lost_rows_sends_work_back_one_checkpoint(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    with store.work([KEY]) as work:
        with (work.folder / "motion.energy.spool").open("r+b") as file:
            file.truncate(15 * 8)
        found = work.restore()
        assert found is not None
        assert found.frame == 10
        assert work.spool("motion.energy", 2, "float32").n_rows == 10


def test_spool_that_is_gone_sends_work_back_to_the_start(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    with store.work([KEY]) as work:
        (work.folder / "motion.energy.spool").unlink()
        assert work.restore() is None
        assert work.spool("motion.energy", 2, "float32").n_rows == 0
        assert list(work.folder.glob("checkpoint-*")) == []


def test_spool_without_a_checkpoint_starts_empty(tmp_path: Path) -> None:
    store = Store(tmp_path, alive=nobody_lives)
    with store.work([KEY]) as work:
        work.spool("motion.energy", 2, "float32").append(spool_rows(0, 5))
    with store.work([KEY]) as work:
        assert work.restore() is None
        assert work.spool("motion.energy", 2, "float32").n_rows == 0


def test_same_name_gives_the_same_spool(tmp_path: Path) -> None:
    with Store(tmp_path).work([KEY]) as work:
        spool = work.spool("svd.bins", 2, "float32")
        assert work.spool("svd.bins", 2, "float32") is spool


def test_spool_of_any_name_stays_in_the_folder(tmp_path: Path) -> None:
    with Store(tmp_path).work([KEY]) as work:
        spool = work.spool("../../$(x) y/é.z", 1, "uint8")
        assert spool.path.parent == work.folder


def test_finished_work_leaves_nothing_behind(tmp_path: Path) -> None:
    store = interrupted(tmp_path)
    with store.work([KEY]) as work:
        work.restore()
        work.spool("motion.energy", 2, "float32")
        work.remove()
    assert list((tmp_path / ".mystax" / "work").iterdir()) == []


def test_work_is_held_by_one_process(tmp_path: Path) -> None:
    with Store(tmp_path).work([KEY], heartbeat=60.0), pytest.raises(StoreError) as caught:
        Store(tmp_path).work([KEY])
    assert caught.value.code == "S504"
    Store(tmp_path).work([KEY]).close()


def test_other_keys_are_other_work(tmp_path: Path) -> None:
    with Store(tmp_path).work([KEY]) as first, Store(tmp_path).work([KEY, OTHER_KEY]) as second:
        assert first.folder != second.folder
        assert first.folder.name == KEY[:12]


def test_checkpoint_is_refused_once_another_process_took_over(tmp_path: Path) -> None:
    first = Store(tmp_path).work([KEY])
    heir = Store(tmp_path, alive=nobody_lives).work([KEY])
    with pytest.raises(StoreError) as caught:
        first.save({}, 3)
    assert caught.value.code == "S504"
    first.close()
    heir.save({}, 4)
    heir.close()


def test_folder_tells_whose_it_is(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, [KEY, OTHER_KEY], LocalFs())
    assert checkpoint_keys(tmp_path) == frozenset()
    checkpoints.save(Checkpoint(3, {"motion/sum": np.zeros(3)}))
    assert checkpoint_keys(tmp_path) == {KEY, OTHER_KEY}


@pytest.mark.parametrize("rest", [b"", b"PK", b"text"])
def test_keys_come_from_the_newest_checkpoint_that_can_be_read(tmp_path: Path, rest: bytes) -> None:
    saved(tmp_path, *range(1, 11))
    (tmp_path / "checkpoint-10.npz").write_bytes(rest)
    assert checkpoint_keys(tmp_path) == {KEY}
    (tmp_path / "checkpoint-9.npz").write_bytes(rest)
    assert checkpoint_keys(tmp_path) == frozenset()


@pytest.mark.parametrize("text", ["{}", "[1]", "[[]]", "null", '"text"'])
def test_keys_are_texts(tmp_path: Path, text: str) -> None:
    np.savez(tmp_path / "checkpoint-1.npz", keys=np.frombuffer(text.encode(), np.uint8))
    assert checkpoint_keys(tmp_path) == frozenset()

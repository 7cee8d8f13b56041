"""What an unfinished calibration keeps: found again for equal pictures only, never in the way."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from mystax.io import corner_memo
from mystax.io.corner_memo import CornerMemo


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    return path


def corners_of(value: float, n: int = 3) -> np.ndarray:
    found = np.full((n, 2), value)
    found[0] = np.nan
    return found


def test_corners_come_back_equal_after_writing(tmp_path: Path, picture: Path) -> None:
    memo = CornerMemo(tmp_path / "x.part")
    for k in range(3):
        memo.put(memo.key(picture, k, "board"), corners_of(k / 3))
    memo.write()
    again = CornerMemo(tmp_path / "x.part")
    assert again.n_known == 3
    for k in range(3):
        np.testing.assert_array_equal(again.get(again.key(picture, k, "board")), corners_of(k / 3))


def test_other_frames_boards_and_contents_are_unknown(tmp_path: Path, picture: Path) -> None:
    memo = CornerMemo(tmp_path / "x.part")
    memo.put(memo.key(picture, 0, "board"), corners_of(1.0))
    assert memo.get(memo.key(picture, 1, "board")) is None
    assert memo.get(memo.key(picture, 0, "other")) is None
    copy = tmp_path / "copy.png"
    copy.write_bytes(picture.read_bytes())
    assert memo.get(memo.key(copy, 0, "board")) is not None
    changed = tmp_path / "b.png"
    changed.write_bytes(b"another")
    assert memo.get(memo.key(changed, 0, "board")) is None


def test_what_was_given_out_may_be_changed(tmp_path: Path, picture: Path) -> None:
    memo = CornerMemo(tmp_path / "x.part")
    mine = corners_of(1.0)
    memo.put(key := memo.key(picture, 0, "board"), mine)
    mine[:] = 5
    found = memo.get(key)
    assert found is not None
    found[:] = 7
    np.testing.assert_array_equal(memo.get(key), corners_of(1.0))


def test_another_board_starts_anew(tmp_path: Path, picture: Path) -> None:
    memo = CornerMemo(tmp_path / "x.part")
    memo.put(memo.key(picture, 0, "small"), corners_of(1.0))
    memo.put(memo.key(picture, 0, "large"), corners_of(2.0, 8))
    memo.write()
    again = CornerMemo(tmp_path / "x.part")
    assert again.n_known == 1
    np.testing.assert_array_equal(again.get(again.key(picture, 0, "large")), corners_of(2.0, 8))


@pytest.mark.parametrize("damage", ["bytes", "mark", "shape", "key"])
def test_broken_file_counts_as_empty(tmp_path: Path, picture: Path, damage: str) -> None:
    path = tmp_path / "x.part"
    if damage == "bytes":
        path.write_bytes(b"no hdf5")
    else:
        with h5py.File(path, "w") as file:
            if damage != "mark":
                file.attrs["mystax_corner_memo"] = 1
            file["key"] = np.array([b"\xff" if damage == "key" else b"a"])
            file["corners"] = np.zeros((2 if damage == "shape" else 1, 3, 2))
    memo = CornerMemo(path)
    assert memo.n_known == 0
    memo.put(memo.key(picture, 0, "board"), corners_of(1.0))
    memo.write()
    assert CornerMemo(path).n_known == 1


def test_corners_are_written_on_the_way(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memo = CornerMemo(tmp_path / "x.part")
    memo.put(memo.key(picture, 0, "board"), corners_of(1.0))
    assert not (tmp_path / "x.part").exists()
    monkeypatch.setattr(corner_memo, "EVERY", -1.0)
    memo.put(memo.key(picture, 1, "board"), corners_of(1.0))
    assert CornerMemo(tmp_path / "x.part").n_known == 2


def test_without_a_file_nothing_is_kept(picture: Path) -> None:
    memo = CornerMemo(None)
    memo.put(memo.key(picture, 0, "board"), corners_of(1.0))
    memo.write()
    assert memo.get(memo.key(picture, 0, "board")) is None

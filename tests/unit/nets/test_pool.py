"""Pools of rendered crops: parts, order, growth."""

from pathlib import Path

import numpy as np

from mystax.nets.pool import ImagePool, write_part
from tests.fixtures.dots import random_dots


def _write(folder: Path, number: int, n: int) -> tuple[np.ndarray, ...]:
    made = random_dots(np.random.default_rng(number), n, 32, 3)
    write_part(folder, number, *made)
    return made


def test_rows_come_back_across_parts(tmp_path: Path) -> None:
    made = [_write(tmp_path, number, n) for number, n in ((0, 3), (1, 5), (4, 2))]
    pool = ImagePool(tmp_path)
    assert len(pool) == 10
    index = np.array([9, 0, 3, 7, 8, 2])
    for got, kind in zip(pool.read(index), range(3), strict=True):
        np.testing.assert_array_equal(got, np.concatenate([part[kind] for part in made])[index])


def test_new_parts_are_found_by_refresh_and_old_rows_keep_their_place(tmp_path: Path) -> None:
    _write(tmp_path, 0, 3)
    pool = ImagePool(tmp_path)
    before = pool.read(np.arange(3))
    _write(tmp_path, 1, 4)
    assert len(pool) == 3
    assert pool.refresh() == 7
    for old, new in zip(before, pool.read(np.arange(3)), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_part_that_is_still_written_is_not_seen(tmp_path: Path) -> None:
    _write(tmp_path, 0, 3)
    (tmp_path / "00001.image.77.part").write_bytes(b"half")
    assert len(ImagePool(tmp_path)) == 3


def test_empty_folder_is_an_empty_pool(tmp_path: Path) -> None:
    assert len(ImagePool(tmp_path)) == 0

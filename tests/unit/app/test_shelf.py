"""Outcomes that were opened before are given again, until one of their files is another one."""

import os
from pathlib import Path

import numpy as np
import pytest

from mystax.app.shelf import outcomes_in
from mystax.errors import RecipeError
from mystax.io.outcomes import Outcomes
from tests.fixtures.exchange_outcomes import publish_known


def test_a_folder_is_opened_once(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    assert outcomes_in(folder) is outcomes_in(folder)


def test_what_is_given_is_what_the_files_hold(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    fresh = Outcomes.of_folder(folder)
    kept = outcomes_in(folder)
    assert list(kept) == list(fresh)
    name = next(iter(fresh))
    np.testing.assert_array_equal(kept[name]["energy"].values, fresh[name]["energy"].values)


def test_a_file_of_another_time_is_opened_again(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    before = outcomes_in(folder)
    path = folder / "motion.nc"
    known = path.stat()
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns + 1_000_000))
    assert outcomes_in(folder) is not before


def test_a_new_outcome_is_found(tmp_path: Path) -> None:
    folder = publish_known(tmp_path / "face.mystax", "motion", cameras=("left",))
    before = set(outcomes_in(folder))
    publish_known(folder, "running", cameras=("left",))
    assert set(outcomes_in(folder)) - before


def test_an_empty_folder_is_refused_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(RecipeError, match="P403"):
            outcomes_in(tmp_path)

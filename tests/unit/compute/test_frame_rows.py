"""Spooled rows of traces and the check of foreign states."""

import numpy as np
import pytest

from mystax.compute.frame_rows import check_state, open_rows, read_columns
from mystax.core.analysis import Spool
from mystax.core.recording import ArraySource
from mystax.engine.passes import CameraPass, MemorySpool
from mystax.errors import DamagedError, InternalError


def no_spool(_name: str, _width: int, _dtype: str, _scratch: bool) -> Spool | None:
    return None


def test_columns_come_back_as_written() -> None:
    spool = MemorySpool(4, "float32")
    rows = np.random.default_rng(0).normal(size=(40_000, 4)).astype(np.float32)
    spool.append(rows[:17])
    spool.append(rows[17:])
    np.testing.assert_array_equal(read_columns(spool, 40_000, 1, 3), rows[:, 1:3])


def test_frames_that_never_came_are_missing() -> None:
    spool = MemorySpool(1, "float32")
    spool.append(np.ones((3, 1), np.float32))
    found = read_columns(spool, 5, 0, 1)[:, 0]
    np.testing.assert_array_equal(found, [1, 1, 1, np.nan, np.nan])


def test_no_room_for_traces_is_a_bug() -> None:
    lent = CameraPass(ArraySource(np.zeros((2, 8, 8), np.uint8)), "face", [], spools=no_spool)
    with pytest.raises(InternalError, match="B999"):
        open_rows(lent, "pupil", 3)


@pytest.mark.parametrize("foreign", [{}, {"b": np.zeros(2)}, {"a": np.zeros(3)}])
def test_state_of_other_work_is_refused(foreign: dict[str, np.ndarray]) -> None:
    with pytest.raises(DamagedError, match="S502 checkpoint of 'pupil'"):
        check_state("pupil", foreign, {"a": np.zeros(2)})


def test_own_state_is_accepted() -> None:
    check_state("pupil", {"a": np.ones(2)}, {"a": np.zeros(2)})

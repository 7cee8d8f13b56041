"""What a reducer is lent, and the short way to run one."""

from fractions import Fraction

import numpy as np
import pytest

from mystax.core.analysis import Pass, Spool, Tiles, get_analysis
from mystax.core.dataset import check_outcome
from mystax.core.geometry import Rectangle
from mystax.core.recording import ArraySource
from mystax.engine.passes import CameraPass, MemorySpool, OneThread, assemble_outcome, drive, whole_frame
from tests.fixtures.engine_toys import ToyParams, ToyReducer, frames_of

SOURCE = ArraySource(frames_of(0, 40), Fraction(50))
FRAME = whole_frame(SOURCE.shape, "face")


def test_rows_in_memory_come_back_in_order() -> None:
    spool = MemorySpool(3, "float32")
    rows = np.arange(30, dtype=np.float32).reshape(10, 3)
    for part in (rows[:4], rows[4:5], rows[5:]):
        spool.append(part)
    np.testing.assert_array_equal(spool.read(2, 7), rows[2:7])
    assert (spool.n_rows, spool.width, spool.dtype) == (10, 3, np.dtype("float32"))


def test_an_empty_spool_gives_no_rows() -> None:
    assert MemorySpool(2, "int64").read(0, 5).shape == (0, 2)


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="3 values"):
        MemorySpool(3, "float32").append(np.zeros((2, 4), np.float32))


def test_one_thread_works_in_order() -> None:
    assert OneThread().map(lambda value: value * 2, [3, 1, 2]) == [6, 2, 4]
    assert OneThread().cores == 1


def test_what_is_lent_keeps_to_its_protocols() -> None:
    lent = CameraPass(SOURCE, "face", [FRAME])
    assert isinstance(lent, Pass)
    assert isinstance(lent.tiles, Tiles)
    assert isinstance(lent.spool("x", 1, "uint8"), Spool)


def test_facts_are_those_of_the_source() -> None:
    lent = CameraPass(SOURCE, "face", [FRAME])
    assert (lent.camera, lent.shape, lent.bits, lent.n_frames) == ("face", (32, 40), 8, 40)
    assert lent.rois == (FRAME,)
    np.testing.assert_array_equal(lent.times, np.arange(40) / 50)
    assert lent.sample(5).valid.all()
    assert int(lent.frame_at(7).index[0]) == 7


def test_rows_may_be_refused() -> None:
    lent = CameraPass(SOURCE, "face", [FRAME], spools=lambda *_: None)
    assert lent.spool("bins", 4, "uint16", scratch=True) is None


def test_the_whole_frame_is_a_region() -> None:
    assert FRAME.name == "frame"
    assert FRAME.shape == Rectangle(0, 0, 40, 32)


@pytest.mark.parametrize("size", [1, 9, None])
def test_a_reducer_may_be_driven_in_memory(size: int | None) -> None:
    lent = CameraPass(SOURCE, "face", [FRAME])
    reducer = ToyReducer(ToyParams(n_readings=2, n_works=2))
    reason = drive(SOURCE, {"toy": (reducer, lent)}, size=size)
    dataset = assemble_outcome(reducer.finish(), get_analysis("toy"), lent, reason)
    check_outcome(dataset, get_analysis("toy").outputs)
    np.testing.assert_allclose(dataset["grey"][:, 0], frames_of(0, 40).mean((1, 2)), rtol=1e-6)
    assert dataset["grey"].attrs["units"] == "grey_level"

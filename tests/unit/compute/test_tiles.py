"""The pool of threads."""

import threading

import pytest

from mystax.compute.tiles import TilePool
from mystax.core.analysis import Tiles


def refuse_odd(number: int) -> int:
    if number % 2:
        raise ValueError(f"odd {number}")
    return number


@pytest.mark.parametrize("cores", [1, 3])
def test_answers_come_in_the_order_of_the_items(cores: int) -> None:
    with TilePool(cores) as pool:
        assert pool.map(str, list(range(50))) == [str(number) for number in range(50)]


@pytest.mark.parametrize("cores", [1, 3])
def test_the_first_error_is_raised(cores: int) -> None:
    with TilePool(cores) as pool, pytest.raises(ValueError, match="odd 3"):
        pool.map(refuse_odd, [0, 2, 3, 5, 8])


def test_all_work_has_ended_when_an_error_is_raised() -> None:
    ended: list[int] = []
    gate = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            gate.set()
            raise ValueError("first")
        assert gate.wait(10)
        ended.append(number)

    with TilePool(2) as pool, pytest.raises(ValueError, match="first"):
        pool.map(work, list(range(6)))
    assert sorted(ended) == [1, 2, 3, 4, 5]


def test_one_core_works_in_the_callers_thread() -> None:
    with TilePool(1) as pool:
        assert pool.map(lambda _: threading.get_ident(), [1, 2]) == [threading.get_ident()] * 2


def test_more_cores_work_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)
    with TilePool(2) as pool:
        assert len(pool.map(lambda _: meeting.wait(), [1, 2])) == 2


def test_no_core_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one core"):
        TilePool(0)


def test_closing_twice_does_no_harm() -> None:
    pool = TilePool(2)
    pool.close()
    pool.close()
    assert pool.map(abs, [-1, -2]) == [1, 2]


def test_the_pool_is_what_reducers_are_lent() -> None:
    pool: Tiles = TilePool(2)
    assert pool.cores == 2

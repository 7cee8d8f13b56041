"""The door to the compiler of loops."""

import gc
import math
import os
import signal
import threading
from collections.abc import Iterator

import numba
import numpy as np
import pytest
from numba.core import event

from mystax.core.compiled import inner_kernel, kernel, summing_kernel


@kernel
def _ratio(over: float, under: float) -> float:
    return over / under


@kernel
def _product_of_sum(values: np.ndarray, factor: float) -> float:
    total = 0.0
    for value in values:
        total += value
    return total * factor


@summing_kernel
def _total(values: np.ndarray) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@inner_kernel
def _half(value: float) -> float:
    return value / 2


@kernel
def _quarter(value: float) -> float:
    return _half(_half(value))


def test_an_inner_kernel_is_called_by_kernels() -> None:
    assert _quarter(3.0) == 0.75


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_an_inner_kernel_has_no_other_way_in() -> None:
    """Also not where it is compiled already: without the way in a call would end the process."""
    assert _quarter(3.0) == 0.75
    with pytest.raises(TypeError, match="_half is an inner kernel"):
        _half(3.0)


def test_division_by_zero_gives_what_numpy_gives() -> None:
    with np.errstate(all="ignore"):
        for over, under in ((1.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (1.0, -0.0)):
            np.testing.assert_equal(_ratio(over, under), np.float64(over) / np.float64(under))


def test_sums_of_a_summing_kernel_are_right_in_any_order_and_still_know_what_is_no_number() -> None:
    values = np.random.default_rng(0).normal(size=1003)
    assert _total(values) == pytest.approx(math.fsum(values), rel=1e-12)
    assert _total(values) == _total(values.copy())
    assert np.isnan(_total(np.append(values, np.nan)))
    assert _total(np.append(values, np.inf)) == np.inf


def test_sums_keep_their_order() -> None:
    values = np.array([1e16, 1.0, -1e16, 1.0])
    assert _product_of_sum(values, 3.0) == ((values[0] + values[1]) + values[2] + values[3]) * 3.0 == 3.0


class _Watch(event.Listener):
    """Notes whether garbage is searched for when a function begins and ends to be compiled."""

    def __init__(self) -> None:
        self.seen: list[bool] = []

    def on_start(self, _: object) -> None:
        self.seen.append(gc.isenabled())

    def on_end(self, _: object) -> None:
        self.seen.append(gc.isenabled())


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
@pytest.mark.parametrize("is_on", [True, False])
def test_garbage_is_searched_for_again_after_compiling_as_before(is_on: bool) -> None:
    inner = numba.njit(lambda value: value + 1)
    outer = numba.njit(lambda value: inner(value) * 2)
    broken = numba.njit(lambda value: inner(value).no_such_thing)
    (gc.enable if is_on else gc.disable)()
    try:
        with event.install_listener("numba:compile", _Watch()) as watch:
            assert outer(3) == 8
            assert gc.isenabled() is is_on
            with pytest.raises(numba.TypingError):
                broken(2.5)
            assert gc.isenabled() is is_on
    finally:
        gc.enable()
    assert watch.seen == [False, False, False, is_on] * 2


class _Signals(event.Listener):
    """Sends signals when the function within is begun, and notes when functions end."""

    def __init__(self, *numbers: int) -> None:
        self.numbers, self.depth, self.ended = list(numbers), 0, list[int]()

    def on_start(self, _: object) -> None:
        self.depth += 1
        if self.depth == 2:
            while self.numbers:
                signal.raise_signal(self.numbers.pop(0))

    def on_end(self, _: object) -> None:
        self.ended.append(self.depth)
        self.depth -= 1


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals that a handler has heard, which goes on."""
    found: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: found.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_ctrl_c_waits_for_the_function_that_is_compiled_and_nothing_is_spoiled() -> None:
    inner = numba.njit(lambda value: value + 1)
    outer = numba.njit(lambda value: inner(value) * 2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # imports of other tests replace it
    try:
        sent = _Signals(signal.SIGINT)
        with event.install_listener("numba:compile", sent), pytest.raises(KeyboardInterrupt):
            outer(3)
        assert sent.numbers == []
        assert gc.isenabled()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert outer.signatures == []
    assert outer(3) == 8


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_signals_that_are_wishes_are_heard_in_their_order_and_compiling_goes_on(heard: list[int]) -> None:
    inner = numba.njit(lambda value: value + 1)
    outer = numba.njit(lambda value: inner(value) * 2)
    mine = signal.getsignal(signal.SIGTERM)
    numbers = signal.SIGTERM, signal.SIGINT
    with event.install_listener("numba:compile", _Signals(*numbers)) as sent:
        assert outer(3) == 8
    assert heard == list(numbers)
    assert sent.ended == [2, 1]
    assert signal.getsignal(signal.SIGTERM) is mine


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_another_thread_compiles_without_touching_signals() -> None:
    function = numba.njit(lambda value: value + 1)
    before, found = signal.getsignal(signal.SIGINT), list[object]()

    class Look(event.Listener):
        def on_start(self, _: object) -> None:
            found.append(signal.getsignal(signal.SIGINT))

        def on_end(self, _: object) -> None:
            found.append(signal.getsignal(signal.SIGINT))

    with event.install_listener("numba:compile", Look()):
        thread = threading.Thread(target=function, args=(1,))
        thread.start()
        thread.join()
    assert found == [before, before]

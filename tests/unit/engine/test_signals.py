"""Signals as wishes."""

import signal
import threading

import pytest

from mystax.core.events import Event
from mystax.engine.signals import Stop, kept_handlers, stop_wishes
from mystax.errors import Cancelled


def test_a_signal_becomes_a_wish() -> None:
    with stop_wishes() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.signal == signal.SIGTERM
        with pytest.raises(Cancelled) as error:
            stop.check()
    assert error.value.signal == signal.SIGTERM


def test_a_second_signal_stops_at_once() -> None:
    with stop_wishes():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_handlers_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_wishes():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_handlers_that_are_replaced_are_put_back() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with stop_wishes() as stop:
        with kept_handlers():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.raise_signal(signal.SIGINT)
        assert stop.signal == signal.SIGINT
    assert {number: signal.getsignal(number) for number in before} == before


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with stop_wishes() as stop:
            seen.append((signal.getsignal(signal.SIGTERM) is before, stop.signal))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(True, 0)]


def test_a_watched_callback_hands_on_and_then_stops() -> None:
    stop, events = Stop(), list[Event]()
    report = stop.watching(events.append)
    report(Event("note"))
    stop.signal = signal.SIGINT
    with pytest.raises(Cancelled):
        report(Event("progress"))
    assert [event.kind for event in events] == ["note", "progress"]

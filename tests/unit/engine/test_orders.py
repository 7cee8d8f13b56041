"""What a driver tells a job: renew, publish, stop; and what happens when it says nothing."""

import signal

from mystax.engine.orders import Orders


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(deadline: float = 0.0) -> tuple[Orders, Clock, list[str]]:
    clock, told = Clock(), list[str]()
    orders = Orders(monotonic=clock, deadline=deadline)
    orders.reach(told.append)
    return orders, clock, told


def pulses(orders: Orders, clock: Clock, until: float, *, renewing: bool) -> None:
    while clock.now < until:
        clock.now += 1.0
        if renewing:
            orders.renew()
        orders.pulse(0)


def test_a_job_that_is_renewed_goes_on_and_its_child_hears_it() -> None:
    orders, clock, told = made()
    pulses(orders, clock, 300.0, renewing=True)
    assert not orders.signal
    assert told == ["renew"] * 30


def test_a_job_that_nobody_renews_for_a_minute_stops_by_itself() -> None:
    orders, clock, _ = made()
    pulses(orders, clock, 60.0, renewing=False)
    assert not orders.signal
    pulses(orders, clock, 62.0, renewing=False)
    assert (orders.signal, orders.why) == (signal.SIGTERM, "lost")


def test_a_job_yields_before_its_worker_ends() -> None:
    orders, clock, _ = made(deadline=100.0)
    pulses(orders, clock, 99.0, renewing=True)
    assert not orders.signal
    pulses(orders, clock, 100.0, renewing=True)
    assert orders.why == "deadline"


def test_the_first_reason_to_stop_stands() -> None:
    orders, _, _ = made()
    orders.end("cancel")
    orders.end("lost")
    assert orders.why == "cancel"


def test_leave_to_publish_goes_to_the_child_and_renews() -> None:
    orders, clock, told = made()
    clock.now = 55.0
    orders.allow()
    assert told == ["publish"]
    clock.now = 110.0
    orders.pulse(0)
    assert not orders.signal


def test_leave_to_publish_without_a_child_is_lost_without_harm() -> None:
    orders = Orders(monotonic=Clock())
    orders.allow()
    assert not orders.signal


def test_the_largest_memory_is_kept() -> None:
    orders, _, _ = made()
    for peak in (3, 9, 4):
        orders.pulse(peak)
    assert orders.peak == 9

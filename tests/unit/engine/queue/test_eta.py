"""When a queue will be done: against sums that are done by hand."""

import numpy as np
import pytest

from mystax.engine.queue.eta import Backlog, estimate_end


def test_equal_jobs_take_their_work_by_their_speed() -> None:
    found = estimate_end({"pass": Backlog(3200.0, [10.0] * 8)}, slots=1)
    assert found is not None
    assert (found.low, found.seconds, found.high) == (320.0, 320.0, 320.0)


def test_slots_share_the_work() -> None:
    found = estimate_end({"pass": Backlog(3200.0, [10.0] * 8)}, slots=4)
    assert found is not None
    assert found.seconds == 80.0


def test_the_longest_job_is_gone_through_by_one_slot() -> None:
    found = estimate_end({"pass": Backlog(1000.0, [10.0], longest=900.0)}, slots=4)
    assert found is not None
    assert found.seconds == 90.0


def test_kinds_are_added_with_their_own_speeds() -> None:
    found = estimate_end({"pass": Backlog(100.0, [10.0]), "report": Backlog(6.0, [2.0])}, slots=1)
    assert found is not None
    assert found.seconds == pytest.approx(13.0)


def test_nothing_is_said_before_a_kind_has_shown_a_speed() -> None:
    assert estimate_end({"pass": Backlog(100.0, [10.0]), "report": Backlog(6.0)}, slots=1) is None


def test_a_running_job_shows_its_speed_from_a_twentieth_on() -> None:
    assert estimate_end({"pass": Backlog(100.0, running=[(0.04, 4.0, 1.0)])}, slots=1) is None
    found = estimate_end({"pass": Backlog(95.0, running=[(0.05, 5.0, 2.0)])}, slots=1)
    assert found is not None
    assert found.seconds == pytest.approx(95.0 / 2.5)


def test_only_the_last_twenty_speeds_count() -> None:
    found = estimate_end({"pass": Backlog(100.0, [10.0] * 20 + [1.0] * 100)}, slots=1)
    assert found is not None
    assert (found.seconds, found.high) == (10.0, 10.0)


def test_an_empty_queue_is_done() -> None:
    found = estimate_end({"pass": Backlog(0.0)}, slots=2)
    assert found is not None
    assert found.seconds == 0.0


def test_the_range_goes_from_a_fifth_to_four_fifths_of_the_speeds() -> None:
    speeds = list(np.random.default_rng(5).uniform(5.0, 20.0, 20))
    found = estimate_end({"pass": Backlog(1000.0, speeds)}, slots=1)
    assert found is not None
    slow, fast = np.percentile(speeds, [20, 80])
    assert found.low == pytest.approx(1000.0 / fast)
    assert found.high == pytest.approx(1000.0 / slow)
    assert found.seconds == pytest.approx(1000.0 / np.median(speeds))
